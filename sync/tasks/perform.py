"""Performs a task in the app: a last look at whether it still must happen (rules 4 and 5), then the call.
tasks.py decides when to try and retry it; settle.py writes its outcome to Rollcall."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from connectors.base import CHANGE_ROLE, GRANT, INVITE, LOOK_UP, REMOVE, REVOKE, Connector, PartsUnread
from connectors.base import Account as AppAccount
from connectors.base import Asset as AppAsset
from connectors.names import email_key
from sync import roles
from sync.apps import apps, assets, kinds, look_ups, spaces
from sync.db import own_row
from sync.groups import still_wanted
from sync.jobs import leases
from sync.matching import addresses
from sync.models import BIT, Access, Account, App, Invitation, Person, Task
from sync.once import once
from sync.people import people
from sync.problems import AppProblem
from sync.roles import Roles
from sync.safety import in_doubt, protection
from sync.safety.administrators import administrators_left
from sync.states import (
    ADJUSTMENTS,
    AccountKind,
    AccountMatch,
    AccountState,
    AccountStatus,
    AssetState,
    InvitationState,
    PersonStatus,
    Protection,
    TaskKind,
    TaskState,
)
from sync.tasks import automatic, hand_overs, still_to_remove
from sync.vault import VaultProblem

NEIGHBOURS = 2  # on each side of an account, in the order of their ids
TO_DO = "Rollcall can't do this in {app}. Do it there by hand, then mark it here as done."


class NoLongerNeeded(Exception):
    """The last look found that the task must not or need not happen; the text says why."""


class ByHand(Exception):
    """The connector can't do this operation: someone must do it in the app itself."""


class NotConfirmed(Exception):
    """The app reported success, but a look-up shows that nothing has changed."""


class ReturnHeld(Exception):
    """It is in doubt that the person has left, or what groups give them (safety/in_doubt): it waits."""


class NotHeld(Exception):
    """The task has ended, was withdrawn, or is another worker's by now: nothing may be done or written for it."""


def refuse_if_over(task: Task) -> None:
    """Raises NoLongerNeeded for what must not happen by what Rollcall knows itself; the app isn't asked for that."""
    if automatic.is_off(task):
        raise NoLongerNeeded(automatic.why_off(task))
    if spaces.is_read_elsewhere(task.app, kinds.kind_of(task.app)):
        raise NoLongerNeeded(f"The settings of {task.app.name} lead to another place since its last check. Check it, "
                             "and decide again.")  # fmt: skip
    change = task.change
    if change is not None and change.kind in ADJUSTMENTS and (why := still_wanted.no_longer_holds(change, acting=True)):
        raise NoLongerNeeded(f"{why}.")
    if task.kind == TaskKind.REMOVE:
        _still_to_go(Account.get_by_id(task.account_id), task)
    elif in_doubt.may_wait(task):
        account = None if task.account_id is None else Account.get_by_id(task.account_id)
        if why := still_to_remove.waits(task, account):
            raise ReturnHeld(why)
    hand_overs.wait_for_grants(task)


@once
def is_able(app: App, kind: TaskKind) -> bool:
    """Whether Rollcall can do such a task in the app; if not, someone does it there by hand.
    True where that can't be read: the task will say what is wrong."""
    try:
        return OPERATIONS[kind][0] in apps.capabilities_of(app)
    except (AppProblem, VaultProblem):
        return True


def is_by_hand(task: Task) -> bool:
    """Whether it waits for someone who does it in the app, because Rollcall can't."""
    return task.state == TaskState.NEEDS_ATTENTION and not is_able(task.app, TaskKind(task.kind))


def do(task: Task, connector: Connector) -> None:
    """Do the task in the app, or raise why not: the three above, those of hand_overs, or a ConnectorError."""
    needed, operation = OPERATIONS[task.kind]
    if needed not in connector.capabilities and task.kind != TaskKind.REMOVE:
        raise ByHand(TO_DO.format(app=task.app.name))
    operation(task, connector)


def _remove(task: Task, connector: Connector) -> None:
    account = Account.get_by_id(task.account_id)
    current = _unless_unread(account, lambda: _look_again(task, connector, account))
    if current is None:
        return _refuse_unless_others_are_found(account, connector)
    asked = LOOK_UP in connector.capabilities  # otherwise the status is known, and may be over
    is_suspended = current.status == AccountStatus.SUSPENDED and (asked or account.is_surely_suspended)
    if connector.removal_suspends and is_suspended:
        return
    _refuse_if_protected(task, account, current, connector)
    hand_overs.refuse_to_orphan(task, current, connector)
    if REMOVE not in connector.capabilities:
        raise ByHand(TO_DO.format(app=task.app.name))
    _keep_lease(task)
    _unless_unread(account, lambda: connector.remove(current))
    if LOOK_UP in connector.capabilities:
        left = _unless_unread(account, lambda: connector.account(task.external_id))
        if left is not None and not (connector.removal_suspends and left.status == AccountStatus.SUSPENDED):
            raise NotConfirmed("The app accepted the removal, but still shows the account.")


def _refuse_unless_others_are_found(account: Account, connector: Connector) -> None:
    """That the account is gone counts only if the app finds one of its neighbours. Those before it are asked for first:
    those after a person's may be invitations, for which the app has another call."""
    others = Account.present(account.app_id).select(Account.external_id)
    before = others.where(Account.external_id < account.external_id).order_by(Account.external_id.desc())
    after = others.where(Account.external_id > account.external_id).order_by(Account.external_id)
    ids = [other.external_id for other in (*before.limit(NEIGHBOURS), *after.limit(NEIGHBOURS))]
    if ids and not look_ups.finds_any(connector, ids):
        raise NotConfirmed("The app says that the account doesn't exist, but doesn't find others of its list either. "
                           "Check the app for updates.")  # fmt: skip


def _keep_lease(task: Task) -> None:
    """Right before the call that changes something: the app may have kept its last answer back for longer than the
    lease. Raises NotHeld."""
    with own_row():
        if not leases.holds(task):
            raise NotHeld


def _unless_unread(account: Account, ask: Callable[[], AppAccount | None]) -> AppAccount | None:
    """The answer; None where some parts of the app can't be read, and the account is known not to be in any of them."""
    try:
        return ask()
    except PartsUnread as problem:
        if assets.may_hold(account, problem.parts):
            raise
        return None


def _still_to_go(account: Account, task: Task) -> None:
    if account.state != AccountState.REMOVING:
        raise NoLongerNeeded("The account has already left the app.")
    if why := still_to_remove.over(task, account):
        raise NoLongerNeeded(f"{why}.")
    if why := still_to_remove.waits(task, account):
        raise ReturnHeld(why)


def _look_again(task: Task, connector: Connector, account: Account) -> AppAccount | None:
    """The account as the app has it now, or as the last check knew it where the app can't be asked for one; None when
    it is gone. Raises NoLongerNeeded when it is someone else's."""
    current = connector.account(task.external_id) if LOOK_UP in connector.capabilities else apps.for_connector(account)
    if current is not None and current.id != task.external_id:
        raise NoLongerNeeded("The app returned a different account than the one requested.")
    if current is not None and task.email_key and "email" in current.missing_fields:
        raise NoLongerNeeded("The app no longer reports the account's e-mail address, so it may be another account.")
    if current is not None and email_key(current.email) != task.email_key:
        asked = "its removal was approved" if task.kind == TaskKind.REMOVE else "this was requested"
        raise NoLongerNeeded(f"The account now has a different e-mail address than when {asked}.")
    return current


def _refuse_if_protected(task: Task, account: Account, current: AppAccount, connector: Connector) -> None:
    """Rule 5, by what the app says now: whose e-mail the account has, its roles, and that someone else still
    administers the app."""
    account = Account.get_by_id(account.id)
    _still_to_go(account, task)
    _update_account(account, current)
    known = _known_roles(task, current, connector)
    if why := protection.of(account, known=known):
        raise NoLongerNeeded(f"{why}.")
    _refuse_last_administrator(task, account, (), known, connector)


def _update_account(account: Account, current: AppAccount) -> None:
    """Set on the account's row, which isn't saved, what protects it by the app's current answer. If the app no longer
    returns the role, or while a guard holds another one, the account may have that role, the known one, or any."""
    if "kind" not in current.missing_fields | current.defaulted_fields:
        account.kind = current.kind
    if "email" not in current.missing_fields:
        account.email_key = email_key(current.email)
    account.user_name = current.user_name or account.user_name
    no_longer_given = "role" in current.defaulted_fields and not account.defaulted_fields & BIT["role"]
    silent = "role" in current.missing_fields or no_longer_given
    if silent or account.held_values:
        any_role = [roles.NOT_GIVEN] if silent and roles.are_reported(account.app_id) else []
        may_have = dict.fromkeys([*account.roles, *current.roles, *any_role])
        account.further_roles = tuple(role for role in may_have if role and role != account.role)
    else:
        account.role, account.further_roles = current.role, current.further_roles


def _known_roles(task: Task, current: AppAccount, connector: Connector) -> Roles:
    """The app's roles as the last check knew them; the app is asked when the account has one of which it did not."""
    known = roles.of(task.app)
    return known if known.labels.keys() >= set(current.roles) else known.learn(connector.roles())


def _refuse_last_administrator(task: Task, account: Account, after: tuple[str, ...], known: Roles,
                               connector: Connector) -> None:  # fmt: skip
    """Unless someone else administers the app, or the account still does with the roles that it has `after` this."""
    others: Iterable[int] = administrators_left(task.app, {account.id}, known)
    if LOOK_UP in connector.capabilities:
        others = (other for other in others if _administers(connector, Account.get_by_id(other), known))
    if why := protection.last_administrator(account, others, known, after):
        raise NoLongerNeeded(f"{why}.")


def _administers(connector: Connector, account: Account, known: Roles) -> bool:
    try:
        current = connector.account(account.external_id)
    except PartsUnread:
        return False  # it is in no part that could be read
    if current is None or {"status", "kind", "role"} & current.missing_fields:
        return False
    is_used = current.status == AccountStatus.ACTIVE and current.kind == AccountKind.USER
    return is_used and known.can_administer(current.roles)


def _change_role(task: Task, connector: Connector) -> None:
    account, role = Account.get_by_id(task.account_id), task.detail["role"]
    current = _present(task, connector, account)
    if "role" in current.missing_fields:
        raise NoLongerNeeded("The app no longer reports which role the account has.")
    now, wanted = set(current.roles), set(roles.wanted_by(task.detail))
    if now == wanted:
        return
    _refuse_changed_roles(task, current, wanted, connector)
    if why := protection.of(account, Protection.AUTOMATION_ACCOUNT):
        raise NoLongerNeeded(f"{why}.")
    known = _known_roles(task, current, connector)
    _update_account(account, current)
    _refuse_last_administrator(task, account, tuple(wanted), known, connector)
    _keep_lease(task)
    connector.change_role(current, role)
    if LOOK_UP in connector.capabilities:
        _refuse_other_roles(connector.account(task.external_id), now, wanted, role, known)


def _refuse_other_roles(after: AppAccount | None, now: set[str], wanted: set[str], role: str, known: Roles) -> None:
    """Unless the app shows the roles `wanted` `after` a change from those of `now`. Roles that the app adds to the new
    one don't matter. Some apps don't name a plain `role` beside others that stay: it isn't among those wanted then."""
    if after is None or "role" in after.missing_fields:
        shows = "the account" if after is None else "its role"
        raise NotConfirmed(f"The app accepted the new role, but no longer shows {shows}.")
    shown = set(after.roles)
    if shown == now:
        raise NotConfirmed("The app accepted the new role, but still shows the old one.")
    if role in wanted and role not in shown:
        raise ByHand(f"The app accepted the new role, but shows another one: {known.words(after.roles) or 'none'}. "
                     "Set it in the app itself, then mark it here as done.")  # fmt: skip
    if lost := wanted & now - shown:
        raise ByHand(f"The app set the new role, but removed what should have stayed: {known.words(sorted(lost))}. "
                     "Add it again in the app itself, then mark it here as done.")  # fmt: skip
    if stayed := now & shown - wanted:
        raise ByHand(f"The app set the new role, but kept what should have gone: {known.words(sorted(stayed))}. "
                     "Remove it in the app itself, then mark it here as done.")  # fmt: skip


def _refuse_changed_roles(task: Task, current: AppAccount, wanted: set[str], connector: Connector) -> None:
    """The approval is valid for the roles that the account had then, and for those shown as kept and removed."""
    approved = task.detail.get("roles") or [task.detail.get("before")]
    if approved == [None]:
        return
    if set(current.roles) != {role for role in approved if role}:
        words = roles.of(task.app).words(current.roles) or "none"
        was = "Its role was" if len(current.roles) == len(approved) == 1 else "Its roles were"
        raise NoLongerNeeded(f"{was} changed to {words} in the app in the meantime.")
    if set(connector.roles_after(current, task.detail["role"])) != wanted:
        raise NoLongerNeeded("It would now keep and remove different roles than when this was requested: "
                             "request it again.")


def _invite(task: Task, connector: Connector) -> None:
    invitation = Invitation.get_or_none(Invitation.task == task)
    if invitation is not None and invitation.state not in (InvitationState.ONGOING, InvitationState.FAILED):
        raise NoLongerNeeded(f"The invitation is {invitation.state}.")
    person_id = invitation.person_id if invitation else task.detail.get("person")
    person = Person.get_or_none(Person.id == person_id) if person_id else people.find_by_email(task.detail["email"])
    if person is not None and person.status == PersonStatus.DEPROVISIONED:
        raise NoLongerNeeded(f"{person.name or task.detail['email']} has left.")
    if person is not None and not addresses.is_of(person.id, task.detail["email"]):
        raise NoLongerNeeded(f"{task.detail['email']} is no longer an address of {person.name}.")
    _keep_lease(task)
    connector.invite(task.detail["email"], task.detail["role"])


def _grant(task: Task, connector: Connector) -> None:
    account = Account.get_by_id(task.account_id)
    current = _present(task, connector, account)
    if (
        account.person is not None
        and account.person.status == PersonStatus.DEPROVISIONED
        and account.match_kind == AccountMatch.MATCHED
    ):
        raise NoLongerNeeded(f"{account.person.name or account.email} has left.")
    asset = _asset(task)
    _refuse_changed_access(task)
    hand_overs.refuse_to_orphan(task, current, connector)
    _keep_lease(task)
    connector.grant(current, asset, task.detail["role"])


def _revoke(task: Task, connector: Connector) -> None:
    account = Account.get_by_id(task.account_id)
    current = _present(task, connector, account)
    asset = _asset(task)
    _refuse_changed_access(task)
    if why := protection.of(account, Protection.HOLD):
        raise NoLongerNeeded(f"{why}.")
    hand_overs.refuse_to_orphan(task, current, connector)
    _keep_lease(task)
    connector.revoke(current, asset)


def _present(task: Task, connector: Connector, account: Account) -> AppAccount:
    if account.state == AccountState.REMOVING:
        raise NoLongerNeeded("The account is being removed.")
    if task.detail.get("person") not in (None, account.person_id):
        raise NoLongerNeeded("The account belongs to a different person now than when this was requested.")
    current = _look_again(task, connector, account)
    if current is None or account.state == AccountState.GONE:
        raise NoLongerNeeded("The account is no longer in the app.")
    return current


def _asset(task: Task) -> AppAsset:
    asset = task.asset
    if asset is None or asset.state == AssetState.GONE:
        raise NoLongerNeeded("The account or asset is no longer in the app.")
    return AppAsset(id=asset.external_id, kind=asset.kind, name=asset.name)


def _refuse_changed_access(task: Task) -> None:
    """The access as the last check knew it: an app can't be asked for a single one."""
    if "before" not in task.detail:
        return
    access = Access.get_or_none(Access.account == task.account_id, Access.asset == task.asset_id)
    now = access.role if access else None
    if now not in (task.detail["before"], task.detail.get("role")):
        raise NoLongerNeeded(f"The access was {'revoked' if now is None else f'changed to {now}'} in the meantime.")


OPERATIONS: dict[str, tuple[str, Callable[[Task, Connector], None]]] = {
    TaskKind.REMOVE: (REMOVE, _remove),
    TaskKind.CHANGE_ROLE: (CHANGE_ROLE, _change_role),
    TaskKind.INVITE: (INVITE, _invite),
    TaskKind.GRANT: (GRANT, _grant),
    TaskKind.REVOKE: (REVOKE, _revoke),
}
