"""Approving or rejecting what rules want in an app: creates the task, or stores the reason.
still_wanted.py decides whether the rules still want it."""

from __future__ import annotations

from peewee import fn

from connectors import base
from sync import activity, roles
from sync.apps import kinds, standing_approvals
from sync.db import writing
from sync.groups.assignments import ACCESS, ENDED, INVITE, LOSS, ROLE
from sync.models import Account, App, Change, Invitation, LeftOut, Task
from sync.names import account_name, name_in_change
from sync.safety import sole_managers
from sync.states import ADJUSTMENTS, ChangeDecision, TaskKind
from sync.tasks import automatic, invitations, tasks

NEEDS = {INVITE: base.INVITE, ROLE: base.CHANGE_ROLE, ACCESS: base.GRANT, LOSS: base.REVOKE,
         ENDED: base.REMOVE}  # of the connector  # fmt: skip
KIND_OF = {ROLE: TaskKind.CHANGE_ROLE, ACCESS: TaskKind.GRANT, LOSS: TaskKind.REVOKE}
CONFIRMED = {INVITE: "confirmed invitation", ROLE: "confirmed role", ACCESS: "confirmed access",
             LOSS: "confirmed loss of access"}  # fmt: skip


def carry_out(change: Change, by: str) -> Task | None:
    """The task of a confirmed change that adjusts the app; None where one like it is under way. The caller wakes it."""
    why = "; ".join(filter(None, (change.reason, roles.beside(change.detail))))
    activity.record(by, CONFIRMED[change.kind], about=name_in_change(change), why=why, before=change.before,
                    after=change.after, app=change.app_id, report=change.report_id,
                    person=change.person_id or change.account.person_id)  # fmt: skip
    role = change.detail["role"]
    if change.kind == INVITE:
        asked = invitations.invite(change.app, change.detail["email"], role, by, report=change.report, change=change)
        return asked.task
    kind = KIND_OF[change.kind]
    live = Task.select().where(
        Task.account == change.account_id, Task.kind == kind, Task.is_live,
        fn.COALESCE(Task.asset, 0) == (change.asset_id or 0),
    )  # fmt: skip
    if live.exists():
        return None
    kept = () if change.kind == LOSS else ("role", "roles", "after")
    detail = {name: change.detail[name] for name in kept if name in change.detail}
    detail["before"] = change.detail.get("before")
    return tasks.add(change.app, kind, change.account, by, report=change.report, change=change, asset=change.asset,
                     **detail)  # fmt: skip


def leave_out(change: Change, reason: str, by: str) -> None:
    """Keep the decision against a change of ADJUSTMENTS; inside the caller's transaction."""
    LeftOut.delete().where(*_is_it(change)).execute()
    LeftOut.create(app=change.app_id, kind=change.kind, account=change.account_id, person=change.person_id,
                   asset=change.asset_id, role=change.detail["role"], reason=reason, made_by=by)  # fmt: skip


def take_back(change: Change) -> None:
    LeftOut.delete().where(*_is_it(change)).execute()


def _is_it(change: Change) -> tuple:
    return (
        LeftOut.app == change.app_id, LeftOut.kind == change.kind, LeftOut.role == change.detail["role"],
        *(
            field.is_null() if value is None else field == value
            for field, value in ((LeftOut.account, change.account_id), (LeftOut.person, change.person_id),
                                 (LeftOut.asset, change.asset_id))
        ),
    )  # fmt: skip


def reasons(changes: list[Change]) -> dict[int, tuple[str, str, object]]:
    """By change id, of those that were left out: (why, who decided it, when)."""
    kept = {}
    for change in changes:
        if change.decision != ChangeDecision.LEFT_OUT:
            continue
        if change.kind in ADJUSTMENTS:
            row = LeftOut.select().where(*_is_it(change)).order_by(LeftOut.id).first()
            kept[change.id] = (row.reason, row.made_by, row.made_at) if row else ("", "", None)
        elif change.account is not None:
            account = change.account
            kept[change.id] = (account.left_out_reason or "", account.left_out_by or "", account.left_out_at)
    return kept


def left_out_of(app: App) -> list[LeftOut]:
    """What was left out of what the rules of an app want, the latest first."""
    return list(LeftOut.select().where(LeftOut.app == app).order_by(LeftOut.id.desc()))


def ask_again(row: LeftOut, by: str) -> None:
    """Delete the decision to leave a change out, so that the next check proposes it again."""
    about = row.account and account_name(row.account) or row.person and row.person.name or ""
    with writing():
        LeftOut.delete().where(LeftOut.id == row.id).execute()
        activity.record(by, "took back leaving out", about=about, why=row.reason, app=row.app_id,
                        person=row.person_id or (row.account and row.account.person_id))  # fmt: skip


def ready_by_policy(app: App, waiting: list[Change]) -> dict[str, set[int]]:
    """Waiting changes that the Owner's standing approvals cover: the policy → ids of changes.

    People who were in the app or invited before still wait: someone decided so, or it went wrong.
    """
    can = kinds.can(app)
    ready = {}
    if standing_approvals.invites_joiners(app) and base.INVITE in can:
        before = Invitation.select(Invitation.person).where(Invitation.app == app, Invitation.person.is_null(False))
        members = Account.select(Account.person).where(Account.app == app, Account.person.is_null(False))
        known = {row.person_id for row in before} | {row.person_id for row in members}
        ready[automatic.JOINERS] = {
            change.id for change in waiting if change.kind == INVITE and change.person_id not in known
        }
    if standing_approvals.removes_unassigned(app) and base.REMOVE in can:
        ended = [change for change in waiting if change.kind == ENDED]
        ready[automatic.UNASSIGNED] = sole_managers.ready_to_leave(app, ended)
    return ready
