"""What an Owner does to members by hand: another role, removal, access granted and revoked, one or many at once.
Each is planned first, which is the preview, and carried out as tasks exactly as it was seen, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from connectors.base import CHANGE_ROLE, GRANT, REMOVE, REVOKE
from sync import activity, roles
from sync.apps import apps, kinds
from sync.apps import assets as app_assets
from sync.db import writing
from sync.listing import one_of
from sync.matching import members
from sync.models import Access, Account, App, Asset, Invitation, Person, Role, Task
from sync.names import account_name, asset_name
from sync.roles import Roles
from sync.safety import guards, protection, sole_managers
from sync.safety.administrators import administrators_left
from sync.safety.protection import Protected
from sync.safety.sole_managers import Choices
from sync.states import (
    CONNECTED,
    AccountMatch,
    AccountState,
    AccountStatus,
    AssetState,
    ChangeDecision,
    InvitationState,
    PersonStatus,
    Protection,
    TaskKind,
)
from sync.tasks import still_to_remove, succession, tasks
from sync.tasks.plans import (
    Done,
    Line,
    LineState,
    OperationHeld,
    OperationProblem,
    Plan,
    PlanChanged,
)
from sync.words import plural, reason_given

# Accounts in one operation, by one approval and in one transaction: as many as one person can look through, and as many
# as are written before anyone waits. More is done in parts, each with its own preview.
MOST = 5_000
ASKED = "Already requested"
WOKEN = 100  # tasks, right away: waking is a write each. The sweep of each minute wakes the others
NEEDS = {TaskKind.CHANGE_ROLE: CHANGE_ROLE, TaskKind.REMOVE: REMOVE, TaskKind.GRANT: GRANT, TaskKind.REVOKE: REVOKE}


def roles_of(app: App) -> list[Role]:
    """The default first, then by label."""
    return list(Role.select().where(Role.app == app).order_by(Role.is_default.desc(), Role.label))


def role_named(app: App, role: str) -> Role:
    found = Role.get_or_none(Role.app == app, Role.external_id == role)
    if found is None:
        raise OperationProblem(f"{app.name} has no such role. Choose one from the list.")
    return found


def chosen(app: App, account_ids: Iterable[int]) -> list[Account]:
    """The accounts with these ids, by name; raises OperationProblem for none or too many."""
    ids = set(account_ids)
    if not ids:
        raise OperationProblem("Select at least one account.")
    if len(ids) > MOST:
        raise OperationProblem(_too_many("accounts"))
    found = Account.select(Account, Person).left_outer_join(Person).where(Account.app == app, Account.id.in_(ids))
    accounts = list(found.order_by(Account.name, Account.id))
    for account in accounts:
        account.app = app
    return accounts


def _too_many(what: str) -> str:
    return (f"One approval covers at most {MOST:,} {what}. Nothing was changed. Filter the list further, by "
            "department or role for example, and do one part after the other.")  # fmt: skip


def plan_roles(app: App, account_ids: Iterable[int], role: str) -> Plan:
    """Give these accounts another role."""
    wanted, accounts, known = role_named(app, role), chosen(app, account_ids), roles.of(app)
    live, staying = _live(accounts, TaskKind.CHANGE_ROLE), _administrators(app, known)
    own = _own(app, accounts)
    lines = []
    for account in accounts:
        under_way, change = live.get((account.id, 0)), apps.role_change(account, role)
        stays_one = known.can_administer(change.after)
        state, why = _state_of(account, own, must_have_joined=True)
        if not why and under_way is not None:
            same = under_way.detail.get("role") == role
            to = known.labels.get(under_way.detail.get("role"), "another role")
            state, why = (LineState.UNDER_WAY if same else LineState.REFUSED), f"A change to {to} is under way"
        elif not why and change.nothing:
            state, why = LineState.ALREADY_SET, f"Already {wanted.label}"
        elif not why and change.refused:
            state, why = LineState.REFUSED, change.refused
        elif not why and (last := protection.last_administrator(account, staying - {account.id}, known, change.after)):
            state, why = LineState.REFUSED, last.words
        if state == LineState.READY and not stays_one:
            staying.discard(account.id)
        before = account.roles if role == account.role else account.roles[:1]
        lines.append(_line(account, before=known.words(before), after=wanted.label, had=account.role, role=role,
                           state=state, why=why, beside=known.beside(change), detail=change.detail))  # fmt: skip
    return Plan(app, TaskKind.CHANGE_ROLE, lines)


def plan_removals(app: App, account_ids: Iterable[int]) -> Plan:
    """Remove these accounts from the app, also of people who are here; accounts protected by rule 5 are kept."""
    accounts, known = chosen(app, account_ids), roles.of(app)
    staying = _administrators(app, known)
    states: dict[int, tuple[str, str]] = {}
    kept = protection.of_all(app, [account.id for account in accounts])
    for account in accounts:
        state, why = _state_of(account, {})
        if not why and (protected := kept.get(account.id)):
            state, why = LineState.REFUSED, protected.words
        elif not why and (last := protection.last_administrator(account, staying - {account.id}, known)):
            state, why = LineState.REFUSED, last.words
        if state == LineState.READY:
            staying.discard(account.id)
        states[account.id] = state, why
    leaving = [account.id for account in accounts if states[account.id][0] == LineState.READY]
    alone = sole_managers.sole_assets(leaving)
    doubts = still_to_remove.returns(account.person_id for account in accounts)
    lines = [
        _line(account, before=known.words(account.roles), had=account.role, state=states[account.id][0],
              why=states[account.id][1], alone=alone.get(account.id, []), note=doubts.get(account.person_id, ""))
        for account in accounts
    ]  # fmt: skip
    waiting = guards.waiting_beside(
        app, leaving, ChangeDecision.NEEDS_CONFIRMATION
    )  # approving the report removes these too
    held = bool(leaving) and guards.is_mass(App.get_by_id(app.id), len(leaving) + waiting)
    return Plan(app, TaskKind.REMOVE, lines, held=held)


def plan_grants(app: App, account_ids: Iterable[int], asset_ids: Iterable[int], role: str) -> Plan:
    """Give each of these accounts access to each of these assets, with this role there."""
    accounts, assets = chosen(app, account_ids), _assets(app, asset_ids)
    live, known = _live(accounts, TaskKind.GRANT, TaskKind.REVOKE), _access(accounts)
    own, lines = _own(app, accounts), []
    doubts = still_to_remove.may_have_left(account.person_id for account in accounts)
    for account in accounts:
        for asset in assets:
            had = known.get((account.id, asset.id))
            state, why = _state_of(account, own, must_have_joined=True)
            if (
                not why
                and account.match_kind == AccountMatch.MATCHED
                and account.person
                and account.person.status == PersonStatus.DEPROVISIONED
            ):
                state, why = LineState.REFUSED, f"{account.person.name or account.email} has left"
            elif not why and (task := live.get((account.id, asset.id))):
                same = task.kind == TaskKind.GRANT and task.detail.get("role") == role
                other = f"Another operation is under way there: {task.kind}"
                state, why = (LineState.UNDER_WAY, ASKED) if same else (LineState.REFUSED, other)
            elif not why and had is not None and had.role == role:
                state, why = LineState.ALREADY_SET, "Already has it"
            elif not why and (only := app_assets.only_by_hand(app, asset.kind, role, role and had and had.role)):
                state, why = LineState.REFUSED, only.rstrip(".")
            lines.append(_line(account, asset=asset, before=had.role if had else "", after=role,
                               had=had.role if had else None, role=role, state=state, why=why,
                               note=doubts.get(account.person_id, "") if account.is_matched else ""))  # fmt: skip
    return _bounded(Plan(app, TaskKind.GRANT, _without_demoted(app, lines, role)))


def plan_revocations(app: App, pairs: Iterable[tuple[int, int]]) -> Plan:
    """Take this access away: (account id, asset id) of each."""
    wanted = set(pairs)
    accounts = {account.id: account for account in chosen(app, {account_id for account_id, _ in wanted})}
    assets = {asset.id: asset for asset in _assets(app, {asset_id for _, asset_id in wanted})}
    live, known = _live(accounts.values(), TaskKind.GRANT, TaskKind.REVOKE), _access(accounts.values())
    own, on_hold = _own(app, accounts.values()), protection.of_all(app, accounts, Protection.HOLD)
    lines = []
    for account_id, asset_id in sorted(pair for pair in wanted if pair[0] in accounts and pair[1] in assets):
        account, asset, had = accounts[account_id], assets[asset_id], known.get((account_id, asset_id))
        state, why = _state_of(account, own)
        if not why and (held := on_hold.get(account_id)):
            state, why = LineState.REFUSED, held.words
        elif not why and (task := live.get((account_id, asset_id))):
            state, why = (LineState.UNDER_WAY, ASKED) if task.kind == TaskKind.REVOKE else (
                LineState.REFUSED, "A grant is under way there")  # fmt: skip
        elif not why and had is not None and (only := app_assets.only_taken_by_hand(app, asset.kind, had.role)):
            state, why = LineState.REFUSED, only.rstrip(".")
        elif not why and had is None:
            state, why = LineState.ALREADY_SET, "No longer has access there"
        lines.append(_line(account, asset=asset, before=had.role if had else "", had=had.role if had else None,
                           state=state, why=why))  # fmt: skip
    return _bounded(Plan(app, TaskKind.REVOKE, _with_sole(lines)))


def _without_demoted(app: App, lines: list[Line], role: str) -> list[Line]:
    """Refuses each line by which an asset would lose its last manager to a lower role."""
    if sole_managers.manages_with(app, role):
        return lines
    marked = _with_sole(lines)
    return [replace(line, state=LineState.REFUSED, alone=[],
                    why="Is the only manager there: make someone else a manager first")
            if line.alone else line for line in marked]  # fmt: skip


def _bounded(plan: Plan) -> Plan:
    if len(plan.lines) > MOST:
        raise OperationProblem(_too_many("changes"))
    return plan


def _with_sole(lines: list[Line]) -> list[Line]:
    """Marks each line after which nobody would control the asset."""
    alone = sole_managers.left_alone((line.account.id, line.asset.id) for line in lines if line.is_ready)
    return [
        replace(line, alone=[line.asset])
        if line.is_ready and line.asset in alone.get(line.account.id, ()) else line for line in lines
    ]  # fmt: skip


def _line(account: Account, **values: object) -> Line:
    return Line(name=account_name(account), email=account.email, account=account,
                **values)  # fmt: skip


def _own(app: App, accounts: Iterable[Account]) -> dict[int, Protected]:
    """Those that Rollcall acts with, or that the app made for itself."""
    ids = [account.id for account in accounts]
    return protection.of_all(app, ids, Protection.AUTOMATION_ACCOUNT, Protection.SYSTEM)


def _state_of(account: Account, kept: Mapping[int, Protected], must_have_joined: bool = False) -> tuple[str, str]:
    """(state, why) of an account that nothing can be done to, as one of `kept`; (ready, "") of one that something can.

    An account that has left, or leaves, has lost all access by that, but gets no role.
    """
    if account.state == AccountState.GONE:
        return LineState.REFUSED if must_have_joined else LineState.ALREADY_SET, "Is no longer in the app"
    if account.state == AccountState.REMOVING:
        return LineState.REFUSED if must_have_joined else LineState.UNDER_WAY, "Is being removed"
    if account.id in kept:
        return LineState.REFUSED, kept[account.id].words
    if must_have_joined and account.status == AccountStatus.INVITED:
        return LineState.REFUSED, "Has not joined yet"
    return LineState.READY, ""


def _administrators(app: App, known: Roles) -> set[int]:
    """Who can administer the app and will, as far as is asked for now."""
    going = Task.select(Task.account, Task.detail).where(
        Task.app == app, Task.kind == TaskKind.CHANGE_ROLE, Task.is_live
    )
    demoted = {task.account_id for task in going if not known.can_administer(roles.wanted_by(task.detail))}
    return set(administrators_left(app, demoted, known))


def _live(accounts: Iterable[Account], *kinds: str) -> dict[tuple[int, int], Task]:
    ids = [account.id for account in accounts]
    found = Task.select().where(Task.account.in_(ids), Task.kind.in_(kinds), Task.is_live)
    return {(task.account_id, task.asset_id or 0): task for task in found.order_by(Task.id)}


def _access(accounts: Iterable[Account]) -> dict[tuple[int, int], Access]:
    ids = [account.id for account in accounts]
    return {(row.account_id, row.asset_id): row for row in Access.select().where(Access.account.in_(ids))}


def _assets(app: App, asset_ids: Iterable[int]) -> list[Asset]:
    ids = set(asset_ids)
    found = list(Asset.select().where(Asset.app == app, Asset.state == AssetState.PRESENT, Asset.id.in_(ids))
                 .order_by(Asset.kind, Asset.name, Asset.id)) if ids and len(ids) <= MOST else []  # fmt: skip
    if not found:
        raise OperationProblem("Nothing that you selected is in the app. Select something first.")
    return found


def carry_out(plan_again: Callable[[], Plan], by: str, seen: str, *, reason: str = "", released: int = 0,
              hand_overs: Choices | None = None, kept: Collection[str] = ()) -> Done:  # fmt: skip
    """Approve what was `seen`: creates a task for each line that is ready, in one transaction.

    `released` is how many a guard's hold was lifted for. `hand_overs`: what becomes of assets whose only manager is
    taken away; `kept` are keys of lines that aren't carried out. Raises NeedsSuccessor, SuccessorProblem,
    PlanChanged, OperationHeld or OperationProblem; nothing is done then.
    """
    reason = reason_given(reason)
    with writing():
        plan = plan_again()
        if not plan.ready and any(line.state in (LineState.UNDER_WAY, LineState.ALREADY_SET) for line in plan.lines):
            return Done([], already=True)
        if plan.seen != seen:
            raise PlanChanged("Something has changed since this was shown. Nothing was done: look at it again.")
        if not plan.ready:
            raise OperationProblem("None of this can be done. Nothing was changed.")
        if plan.held and released != len(plan.ready):
            raise OperationHeld(
                "A guard holds this, because so many at once look wrong. Review the list, then release it.")
        if plan.held:
            activity.record(by, "released mass removal", about=plural(len(plan.ready), "account"), why=reason,
                            app=plan.app)
        approved = [line for line in plan.ready if line.key not in kept]
        if not approved:
            raise OperationProblem("Nobody is selected. Nothing was changed. Choose who manages their assets.")
        made = _carry_out(plan, approved, by, reason)
        made = [*succession.arrange(plan.app, made, hand_overs or {}, by), *made]
        members.recount(plan.app)
        for task in made[:WOKEN]:
            tasks.wake(task.id)
        return Done(made)


def _carry_out(plan: Plan, approved: list[Line], by: str, reason: str) -> list[Task]:
    """A few statements, however many accounts: nobody else can write in that time."""
    if plan.kind == TaskKind.REMOVE:
        _on_their_way_out([line.account.id for line in approved])
    activity.record_all([_entry(plan, line, by, reason) for line in approved])
    wanted = [(line.account, line.asset, _detail(plan, line, reason)) for line in approved]
    return tasks.add_all(plan.app, plan.kind, wanted, by)


def _on_their_way_out(account_ids: list[int]) -> None:
    among = json.dumps(account_ids)
    Account.update(state=AccountState.REMOVING).where(one_of(Account.id, among)).execute()
    Invitation.update(state=InvitationState.CANCELLED).where(
        one_of(Invitation.account, among),
        Invitation.state.in_((InvitationState.FAILED, InvitationState.INVITED, InvitationState.EXPIRED)),
    ).execute()


def _entry(plan: Plan, line: Line, by: str, reason: str) -> dict:
    about = {"who": by, "app_id": plan.app.id, "person_id": line.account.person_id}
    if plan.kind == TaskKind.REMOVE:
        return about | {"what": "confirmed removal", "about": account_name(line.account), "why": reason}
    return about | {"what": f"asked to {plan.kind}", "about": line.name, "why": roles.beside(line.beside),
                    "before": _for_activity(line, line.before), "after": _for_activity(line, line.after)}  # fmt: skip


def _detail(plan: Plan, line: Line, reason: str) -> dict:
    whose = {"person": line.account.person_id}
    if plan.kind == TaskKind.REMOVE:
        return {"reason": reason, **whose} | ({"released": True} if plan.held else {})
    if plan.kind == TaskKind.REVOKE:
        return {"before": line.had, **whose}
    return {"role": line.role, "before": line.had, **whose, **line.detail}


def _for_activity(line: Line, words: str) -> str | None:
    if line.asset is None or not words:
        return words or None
    return f"{asset_name(line.asset)}: {words}"


def may(app: App, kind: str) -> bool:
    return app.state in CONNECTED and NEEDS[kind] in kinds.can(app)
