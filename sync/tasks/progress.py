"""Progress of each account's invitation, change or removal: pending, ongoing, failed, or else onboarded.
Derived from reports, tasks and invitations; none of it is stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from peewee import JOIN, SQL, ModelSelect

from sync.listing import one_of
from sync.models import Account, App, Change, Invitation, Person, Report, Task
from sync.prepared import prepared
from sync.safety import in_doubt
from sync.states import (
    ADJUSTMENTS,
    AWAITING_APPROVAL,
    REMOVALS,
    AccountState,
    AccountStatus,
    ChangeDecision,
    ChangeKind,
    InvitationState,
    TaskKind,
    TaskState,
    Tone,
)
from sync.tasks import perform


class Kind(StrEnum):
    """What an account is waiting for.
    A removal ends the others, so it is shown first."""

    REMOVAL = "removal"
    UPDATE = "update"
    INVITATION = "invitation"


class Stage(StrEnum):
    """How far that is.
    The worst is shown first."""

    FAILED = "failed"
    ONGOING = "ongoing"
    PENDING = "pending"


OF_KIND = {
    TaskKind.INVITE: Kind.INVITATION, TaskKind.REMOVE: Kind.REMOVAL, TaskKind.CHANGE_ROLE: Kind.UPDATE,
    TaskKind.GRANT: Kind.UPDATE, TaskKind.REVOKE: Kind.UPDATE,
}  # fmt: skip
OF_CHANGE = {kind: Kind.REMOVAL if kind.removes else Kind.UPDATE for kind in (*REMOVALS, *ADJUSTMENTS)} | {
    ChangeKind.TO_INVITE: Kind.INVITATION}  # fmt: skip
OF_INVITATION = {
    InvitationState.ONGOING: Stage.ONGOING, InvitationState.INVITED: Stage.ONGOING,
    InvitationState.FAILED: Stage.FAILED, InvitationState.EXPIRED: Stage.FAILED,
}  # fmt: skip
# Follows from the rest of the query; SQLite takes the partial index for these words.
ON_INDEX = SQL(f"t1.decision <> '{ChangeDecision.APPLIED}'")
TONES = {Stage.PENDING: Tone.WAITING, Stage.ONGOING: Tone.WORKING, Stage.FAILED: Tone.ATTENTION}
FIRST, WORST = list(Kind), list(Stage)


@dataclass(frozen=True)
class Provisioning:
    """`word` is "onboarded" or, say, "removal ongoing". `why` says what failed; `live`: it is still running."""

    word: str = "onboarded"
    tone: Tone = Tone.OK
    why: str = ""
    live: bool = False

    @property
    def onboarded(self) -> bool:
        return self.word == "onboarded"


ONBOARDED = Provisioning()


def state_of(account: Account) -> Provisioning:
    return states_of([account])[account.id]


def states_of(accounts: Iterable[Account]) -> dict[int, Provisioning]:
    """By account id, in three statements however many there are, and one more where tasks need attention."""
    accounts = list(accounts)
    if not accounts:
        return {}
    found: dict[int, list[tuple[Kind, Stage, str, bool]]] = {account.id: [] for account in accounts}
    among = json.dumps(list(found))
    live = _live_tasks(among)
    by_hand, errors = _done_by_hand(live, {account.id: account.app_id for account in accounts}), in_doubt.errors(live)
    for task in live:
        stage = Stage.PENDING if (task.account_id, task.kind) in by_hand else _stage(task)
        found[task.account_id].append((OF_KIND[task.kind], stage, errors.get(task.id, ""), stage == Stage.ONGOING))
    for account_id, kind, reason in _waiting_changes(among):
        found[account_id].append((OF_CHANGE[kind], Stage.PENDING, reason, False))
    for account_id, state in _invited(among):
        is_live = state == InvitationState.ONGOING
        found[account_id].append((Kind.INVITATION, OF_INVITATION[state], _why_in(state), is_live))
    for account in accounts:
        if account.state == AccountState.PRESENT and account.status == AccountStatus.INVITED:
            found[account.id].append((Kind.INVITATION, Stage.ONGOING, "", False))
    return {id: _foremost(states) for id, states in found.items()}


def _done_by_hand(live: Iterable[Task], app_of: Mapping[int, int]) -> set[tuple[int, str]]:
    """(account id, kind) of the tasks that wait for someone who does them in the app, because Rollcall can't."""
    stuck = [(task.account_id, task.kind) for task in live if task.state == TaskState.NEEDS_ATTENTION]
    if not stuck:
        return set()
    apps = {app.id: app for app in App.select().where(App.id.in_({app_of[account] for account, _ in stuck}))}
    return {(account, kind) for account, kind in stuck if not perform.is_able(apps[app_of[account]], TaskKind(kind))}


@prepared
def _live_tasks(accounts: str) -> ModelSelect:
    columns = Task.id, Task.account, Task.report, Task.change, Task.kind, Task.state, Task.error, Task.detail
    return Task.select(*columns).where(one_of(Task.account, accounts), Task.is_live)


@prepared
def _waiting_changes(accounts: str) -> ModelSelect:
    return Change.select(Change.account, Change.kind, Change.reason).join(Report).where(
        one_of(Change.account, accounts), Change.in_app, Change.decision.in_(AWAITING_APPROVAL), ON_INDEX,
        Change.kind.in_(list(OF_CHANGE)), Report.is_open).tuples()  # fmt: skip


@prepared
def _invited(accounts: str) -> ModelSelect:
    return Invitation.select(Invitation.account, Invitation.state).where(
        one_of(Invitation.account, accounts), Invitation.state.in_(list(OF_INVITATION))).tuples()  # fmt: skip


def _foremost(states: list[tuple[Kind, Stage, str, bool]]) -> Provisioning:
    """The one that ends the others; of the same kind, the worst."""
    if not states:
        return ONBOARDED
    kind, stage, why, _ = min(states, key=lambda state: (FIRST.index(state[0]), WORST.index(state[1])))
    return _state(kind, stage, why, any(live for *_, live in states))


def _state(kind: Kind, stage: Stage, why: str = "", live: bool = False) -> Provisioning:
    return Provisioning(f"{kind} {stage}", TONES[stage], why, live)


def _why_in(state: str) -> str:
    return "It expired: nobody has joined in time" if state == InvitationState.EXPIRED else ""


def of_task(task: Task) -> Provisioning:
    """Of one that is live."""
    stage = _stage(task)
    return _state(OF_KIND[task.kind], stage, task.error or "", stage == Stage.ONGOING)


def _stage(task: Task) -> Stage:
    if task.awaits_approval:
        return Stage.PENDING
    return Stage.FAILED if task.state == TaskState.NEEDS_ATTENTION else Stage.ONGOING


def of_invitation(invitation: Invitation) -> Provisioning:
    """Of one that has no account yet."""
    task, failed = invitation.task, invitation.state == InvitationState.FAILED
    is_shown = failed or invitation.state == InvitationState.ONGOING  # what it waits for
    why = in_doubt.errors([task]).get(task.id, "") if is_shown and task is not None else _why_in(invitation.state)
    return _state(Kind.INVITATION, OF_INVITATION[invitation.state], why, invitation.state == InvitationState.ONGOING)


@prepared
def awaiting_invitation(app: App, most: int = 50) -> ModelSelect:
    """People that a report proposes to invite, at most so many: they have no account yet."""
    waiting = Report.select(Report.id).where(Report.app == app, Report.is_open)
    return (
        Change.select(Change, Person).join(Person, JOIN.LEFT_OUTER)
        .where(Change.report.in_(waiting), Change.kind == ChangeKind.TO_INVITE,
               Change.decision.in_((ChangeDecision.NEEDS_CONFIRMATION, ChangeDecision.HELD)))
        .order_by(Change.id).limit(most)
    )  # fmt: skip


@prepared
def leaving(app: App, most: int = 50) -> ModelSelect:
    """Accounts with an approved removal that the app hasn't confirmed yet, at most so many."""
    there = Account.select(Account, Person).left_outer_join(Person).where(
        Account.app == app, Account.state == AccountState.REMOVING)  # fmt: skip
    return there.order_by(Account.name, Account.id).limit(most)


def between(app: App, first: int, last: int) -> list[Task]:
    """The app's tasks with ids in this range, both ends included."""
    return list(Task.select().where(Task.app == app, Task.id.between(first, last)).order_by(Task.id))
