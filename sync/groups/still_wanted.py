"""Whether a change by rules is still wanted: tested at the approval, and again right before the task.
Rules, groups, people and accounts may have changed since the check."""

from __future__ import annotations

from collections.abc import Collection

from sync import roles
from sync.groups import assignments
from sync.groups.assignments import ACCESS, ENDED, INVITE, LOSS, ROLE
from sync.matching import addresses
from sync.models import Access, Account, App, Assignment, Change, PersonEmail
from sync.safety import protection
from sync.safety.administrators import administrators_left
from sync.safety.protection import MAY_BE_ANOTHERS, Protected
from sync.states import AccountMatch, AccountState, AccountStatus, AssetState, PersonStatus, Protection


def no_longer_holds(change: Change, acting: bool = False) -> str | None:
    """Why a change that group rules want is no longer wanted now; None if it still is.

    `acting` is right before the task: what it has already done may be visible, and isn't a reason against it.
    """
    person = change.person or (change.account and change.account.person)
    if person is None or person.status != PersonStatus.ACTIVE:
        return "The person is no longer active"
    if change.kind == INVITE:
        if not addresses.is_of(person.id, change.detail["email"]):
            return f"{change.detail['email']} is no longer this person's address"
        return _no_longer_by_rules(change, person.id) or (None if acting else _has_an_account(change.app, person.id))
    account = Account.get_by_id(change.account_id)
    if (
        account.state == AccountState.GONE
        or account.match_kind != AccountMatch.MATCHED
        or account.person_id != person.id
    ):
        return "The account is gone, or belongs to someone else"
    if account.state == AccountState.REMOVING and not acting:
        return "The account is already being removed"
    if change.kind == ENDED:
        return _assigned_again(change.app, person.id)
    if account.state != AccountState.PRESENT or account.status != AccountStatus.ACTIVE:
        return "The account is no longer in use"
    if why := protection.of(account, Protection.HOLD, Protection.BY_HAND, *MAY_BE_ANOTHERS):
        return why.words
    return _no_longer_by_rules(change, person.id) or (None if acting else _has_it_already(change, account))


def _no_longer_by_rules(change: Change, person_id: int) -> str | None:
    wanted = (change.detail or {}).get("role")
    if change.kind == ACCESS:
        given = change.asset is not None and change.asset.state == AssetState.PRESENT and assignments.gives_access(
            change.app, person_id, change.asset, wanted)  # fmt: skip
        return None if given else "No rule grants this access now"
    if change.kind == LOSS:
        there = change.asset is not None and change.asset.state == AssetState.PRESENT
        taken = there and assignments.takes_access(change.app, person_id, change.asset)
        return None if taken else "The rules no longer remove this access"
    role = assignments.place_of(change.app, person_id).role
    if role is None:
        return "No longer in a group whose rule grants this"
    return None if role in ("", wanted) else "The rules give another role now"


def _has_an_account(app: App, person_id: int) -> str | None:
    emails = PersonEmail.select(PersonEmail.email_key).where(PersonEmail.person == person_id)
    theirs = (Account.person == person_id) & (
        Account.match_kind != AccountMatch.SERVICE_ACCOUNT
    ) | Account.email_key.in_(emails)
    here = Account.select().where(Account.app == app, Account.state != AccountState.GONE, theirs)
    return "Already in the app" if here.exists() else None


def _assigned_again(app: App, person_id: int) -> str | None:
    if assignments.place_of(app, person_id).covered:
        return "In a group of this app again"
    ended = Assignment.select().where(
        Assignment.app == app, Assignment.person == person_id, Assignment.ended_at.is_null(False)
    )
    return None if ended.exists() else "No rule covers this account now"


def assigned_again(app: App, people: Collection[int]) -> set[int]:
    """Those of the people (ids) for whom _assigned_again() gives a reason."""
    if assignments.is_blind(app):
        return set(people)
    ended = {id for (id,) in Assignment.select(Assignment.person).where(
        Assignment.app == app, Assignment.ended_at.is_null(False)).tuples()}  # fmt: skip
    covered = assignments.covered_people(app)
    return {id for id in people if id in covered or id not in ended}


def _has_it_already(change: Change, account: Account) -> str | None:
    if change.kind == ROLE:
        return "Already has this role" if change.detail["role"] in account.roles else None
    access = Access.get_or_none(Access.account == account, Access.asset == change.asset_id)
    if change.kind == LOSS:
        same = access is not None and access.granted_by and access.role == change.detail["before"]
        return None if same and not access.privileged else "This access was changed or revoked in the meantime"
    if access is not None and change.detail["role"] in ("", access.role):
        return "Already has this access"
    return None


def protected(change: Change) -> Protected | None:
    """Why a change that group rules want may not be carried out although it holds (rule 5)."""
    if change.kind == ENDED:
        return protection.of(change.account)
    if change.kind == ROLE:
        account, known = change.account, roles.of(change.app)
        if why := protection.of(account, Protection.AUTOMATION_ACCOUNT):
            return why
        others = administrators_left(change.app, {account.id}, known)
        return protection.last_administrator(account, others, known, roles.wanted_by(change.detail))
    return None
