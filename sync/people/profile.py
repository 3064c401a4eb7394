"""Data for a person's page: accounts with their access, removed accounts, invitations, groups, offboardings.
Nothing is decided here; which apps may be shown is the caller's to say."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from peewee import SQL, fn

from connectors.base import INVITE
from sync import roles
from sync.apps import kinds
from sync.listing import one_of
from sync.models import (
    Access,
    Account,
    App,
    Asset,
    Change,
    Directory,
    DirectoryEntry,
    DirectoryGroup,
    DirectoryGroupMember,
    Invitation,
    Offboarding,
    Person,
)
from sync.safety import sole_managers
from sync.states import REMOVALS, AccountMatch, AccountState, AssetState, ChangeDecision

# Follows from the rest of the query; SQLite takes the partial index for these words.
ON_INDEX = SQL(f"removal.decision <> '{ChangeDecision.APPLIED}'")


@dataclass
class AccountDetails:
    """One account with its access by asset, and the assets that only this person controls."""

    account: Account
    access: list[Access] = field(default_factory=list)
    alone: list[Asset] = field(default_factory=list)


def in_full(accounts: list[Account]) -> list[AccountDetails]:
    """These accounts of one person, in a fixed number of statements."""
    ids = [account.id for account in accounts]
    found: dict[int, list[Access]] = {id: [] for id in ids}
    rows = Access.select(Access, Asset).join(Asset).where(Access.account.in_(ids), Asset.state == AssetState.PRESENT)
    for access in rows.order_by(Access.privileged.desc(), Asset.kind, Asset.name, Asset.id):
        found[access.account_id].append(access)
    alone = sole_managers.sole_assets(
        [account.id for account in accounts if account.match_kind == AccountMatch.MATCHED]
    )
    return [AccountDetails(account, found[account.id], alone.get(account.id, [])) for account in accounts]


def cost(accounts: Iterable[Account]) -> int:
    """Hundredths a month of the seats whose app has a price."""
    return sum(account.app.seat_price or 0 for account in accounts if account.match_kind == AccountMatch.MATCHED)


@dataclass
class Removed:
    """An account that this person had; `role`: all its roles in words. `can_invite` if the app is connected and can be
    asked to."""

    account: Account
    role: str
    can_invite: bool


def removed(person: Person, app_ids: Iterable[int]) -> list[Removed]:
    """Their removed accounts in these apps, latest first, except in apps that have them again."""
    removal = Change.alias("removal")
    confirmed = fn.EXISTS(removal.select(removal.id).where(
        removal.account == Account.id, removal.kind.in_(REMOVALS), removal.in_app,
        removal.decision == ChangeDecision.CONFIRMED, ON_INDEX))  # fmt: skip
    here = Account.select(Account.app).where(Account.person == person, Account.state != AccountState.GONE)
    rows = (
        Account.select(Account, App).join(App)
        .where(Account.person == person, Account.state == AccountState.GONE, confirmed,
               one_of(App.id, json.dumps(list(app_ids))), App.id.not_in(here))
        .order_by(Account.gone_at.desc())
    )  # fmt: skip
    known = roles.of_apps(account.app_id for account in rows)
    return [Removed(account, known[account.app_id].words(account.roles), _can_invite(account.app)) for account in rows]


def _can_invite(app: App) -> bool:
    return app.is_active and INVITE in kinds.can(app)


def invitations(person: Person, app_ids: Iterable[int]) -> list[Invitation]:
    """The open ones in these apps, with their apps."""
    return list(
        Invitation.select(Invitation, App).join(App)
        .where(Invitation.person == person, Invitation.is_live, one_of(App.id, json.dumps(list(app_ids))))
        .order_by(App.name, Invitation.id)
    )  # fmt: skip


def groups(person: Person) -> dict[str, list[str]]:
    """The names of the groups that they are in, by their directory's name."""
    rows = (
        DirectoryGroup.select(DirectoryGroup.name, Directory.name).join(Directory).switch(DirectoryGroup)
        .join(DirectoryGroupMember).join(DirectoryEntry)
        .where(DirectoryEntry.person == person).order_by(Directory.name, DirectoryGroup.name).distinct()
    )  # fmt: skip
    found: dict[str, list[str]] = {}
    for group, directory in rows.tuples():
        found.setdefault(directory, []).append(group)
    return found


def offboardings(person: Person) -> list[Offboarding]:
    """The latest first."""
    return list(Offboarding.select().where(Offboarding.person == person).order_by(Offboarding.id.desc()))
