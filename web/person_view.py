"""The finished parts of a person's page: what directories report, accounts in apps and what keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from markupsafe import Markup

from sync.directory import precedence
from sync.models import Account, App, Asset, DirectoryEntry, Invitation, Offboarding, Person
from sync.names import account_name, asset_name
from sync.people import holds, people, profile
from sync.safety import leavers
from sync.states import AccountMatch, AccountState, AccountStatus, OffboardingState, PersonStatus, Tone
from sync.words import listed
from web.app_page import kind_of
from web.view import Badge, first_upper, joined
from web.words import calendar_day, on_day, plural, when

GROUPS_SHOWN = 30
ACCESS_SHOWN = 50
OFFBOARDINGS_SHOWN = 5
ACCOUNT_STATUS_ICONS = {AccountStatus.INVITED: "mail"}  # other statuses pause the account


@dataclass(frozen=True)
class Row:
    """A person in the list of people."""

    person: Person
    email: str
    why: str
    role: str
    accounts: int
    accounts_word: str
    badge: Badge | None  # in place of the status


def rows(persons: list[Person]) -> list[Row]:
    counts, still_in = people.account_counts(persons), set(leavers.people_still_in())
    return [_row(person, counts.get(person.id, 0), person.id in still_in) for person in persons]


def _row(person: Person, accounts: int, still_in: bool) -> Row:
    email = next((row.email for row in person.emails if row.main), "")
    why = Markup("{} · {}").format(person.status_reason, when(person.status_since))
    return Row(
        person,
        email,
        "" if person.status == PersonStatus.ACTIVE else why,
        (person.workspace_role or "").capitalize(),
        accounts,
        "account" if accounts == 1 else "accounts",
        Badge("Left, still has an account", Tone.WAITING, "user-off") if still_in else None,
    )


def keeping_badges(person: Person) -> list[Badge]:
    """What keeps this person's accounts at the moment."""
    badges = []
    if person.legal_hold_reason is not None:
        badges.append(Badge("On legal hold", Tone.WAITING, "lock", person.legal_hold_reason))
    if person.remove_on and person.status == PersonStatus.DEPROVISIONED:
        badges.append(Badge(f"Kept until {calendar_day(person.remove_on)}", Tone.NEUTRAL, "calendar"))
    return badges


@dataclass(frozen=True)
class Entry:
    """What one directory reports about the person."""

    directory: str
    status: str
    held: bool
    known_as: str
    reported_at: object
    decides: str
    details: list[str]


@dataclass(frozen=True)
class Directories:
    """All that the directories report. `differ` says which of them decides, where they disagree."""

    differ: str
    entries: list[Entry]
    groups: list[tuple[str, str]]  # (directory, names)


def directories(person: Person) -> Directories:
    entries = people.entries_of(person)
    decides = precedence.decides(entries)
    return Directories(
        "" if person.status_by_hand else _differ(person, entries),
        [_entry(entry, decides.get(entry.id, []) if len(entries) > 1 else []) for entry in entries],
        [(name, listed(groups, GROUPS_SHOWN)) for name, groups in profile.groups(person).items()],
    )


def _differ(person: Person, entries: list[DirectoryEntry]) -> str:
    if len({entry.status for entry in entries}) < 2:
        return ""
    deciding = [entry.directory.name for entry in entries if entry.status == person.status]
    return (f"{listed(deciding)} {'decides' if len(deciding) == 1 else 'decide'}: someone who is active in any "
            "directory is active; otherwise, someone who is suspended in any is suspended.")


def _entry(entry: DirectoryEntry, decides: list[str]) -> Entry:
    reason = f": {entry.reason}" if entry.reported_status != PersonStatus.ACTIVE and entry.reason else ""
    place = [entry.department, entry.manager and f"reports to {entry.manager}"]
    details = [
        f"Last day {calendar_day(entry.last_day)}" if entry.last_day else "",
        f"First day {calendar_day(entry.starts_on)}" if entry.starts_on else "",
        ", ".join(filter(None, place)),
    ]
    return Entry(
        entry.directory.name, entry.reported_status.capitalize() + reason, entry.is_held,
        entry.user_name or entry.former_id or entry.external_id, entry.reported_at, ", ".join(decides),
        list(filter(None, details)),
    )


@dataclass(frozen=True)
class Email:
    address: str
    gets_mail: bool  # shown where there are several
    source: str


def emails(person: Person, sources: dict[int, str]) -> list[Email]:
    """The main address first."""
    ordered = person.addresses()
    return [Email(row.email, row.main and len(ordered) > 1, sources.get(row.id, "")) for row in ordered]


@dataclass(frozen=True)
class AccountRow:
    """One account in an app, with the access it has."""

    account: Account
    label: str
    badges: list[Badge]
    access_count: str
    access: list[tuple[str, str]]  # (asset, its kind and the role there)
    more_access: int


@dataclass(frozen=True)
class OnlyManager:
    """Assets that nobody else manages, and what to do about it."""

    app: str
    assets: list[Asset]
    advice: str


@dataclass(frozen=True)
class Invited:
    app: str
    details: str


@dataclass(frozen=True)
class Accounts:
    """Every account that may be shown. `cost` is in hundredths of the workspace's currency, a month."""

    rows: list[AccountRow]
    only_manager: list[OnlyManager]
    cost: int
    elsewhere: str
    invitations: list[Invited] = field(default_factory=list)


def accounts(person: Person, open_to_me: set[int]) -> Accounts:
    """`open_to_me`: the ids of the apps whose accounts may be shown."""
    found = people.accounts_of(person)
    visible = [account for account in found if account.app_id in open_to_me]
    mine = profile.in_full(visible)
    leaving = person.status != PersonStatus.ACTIVE or person.remove_on is not None
    return Accounts(
        [_account_row(one) for one in mine], [_only_manager(one, leaving) for one in mine if one.alone],
        profile.cost(visible), _elsewhere(len(found) - len(visible), bool(visible)),
        [_invited(invitation) for invitation in profile.invitations(person, open_to_me)],
    )


def _elsewhere(count: int, others: bool) -> str:
    if not count:
        return "" if others else "No account in any connected app."
    return f"{'And ' if others else ''}{plural(count, 'account')} in apps that you can't open."


def _account_row(one: profile.AccountDetails) -> AccountRow:
    account = one.account
    first = one.access[:ACCESS_SHOWN]
    shown = [(asset_name(access.asset), joined(access.asset.kind, access.role)) for access in first]
    count = plural(len(one.access), kind_of(account.app).asset_word) if one.access else ""
    return AccountRow(account, account.email or account_name(account), _account_badges(account), count, shown,
                      len(one.access) - len(shown))


def _account_badges(account: Account) -> list[Badge]:
    badges = []
    if account.state == AccountState.REMOVING:
        badges.append(Badge("Being removed", Tone.WORKING))
    elif account.status != AccountStatus.ACTIVE:
        badges.append(Badge(account.status.capitalize(), icon=ACCOUNT_STATUS_ICONS.get(account.status, "player-pause")))
    if account.match_kind == AccountMatch.SERVICE_ACCOUNT:
        badges.append(Badge("Service account", icon="robot"))
    if account.protection_reason:
        badges.append(Badge("Protected", icon="shield", title=account.protection_reason))
    if account.left_out_reason:
        badges.append(Badge("Left out", Tone.WAITING, "hand-stop", account.left_out_reason))
    return badges


def _only_manager(one: profile.AccountDetails, leaving: bool) -> OnlyManager:
    them = "them" if len(one.alone) > 1 else "it"
    advice = f" Hand {them} over before the account is removed." if leaving else ""
    return OnlyManager(one.account.app.name, one.alone, advice)


def _invited(invitation: Invitation) -> Invited:
    return Invited(invitation.app.name, Markup("{}, {}").format(invitation.email, when(invitation.created_at)))


@dataclass(frozen=True)
class RemovedRow:
    """An account that this person had; `can_invite` where they can be invited again."""

    account: Account
    app: App
    details: str
    can_invite: bool


def removed(person: Person, open_to_me: set[int], owned: set[int]) -> list[RemovedRow]:
    """The accounts that this person had; none for someone who has left, as nobody would invite them again. `owned`: ids
    of apps."""
    if person.status == PersonStatus.DEPROVISIONED:
        return []
    return [_removed(one, owned) for one in profile.removed(person, open_to_me)]


def _removed(one: profile.Removed, owned: set[int]) -> RemovedRow:
    account = one.account
    details = joined(account.email or account.name, one.role)
    if account.gone_at:
        details = Markup("{} · removed {}").format(details, when(account.gone_at))
    can_invite = bool(one.can_invite and account.app_id in owned and account.email)
    return RemovedRow(account, account.app, details, can_invite)


@dataclass(frozen=True)
class Leaving:
    """What keeps the person's accounts, and their offboardings."""

    legal_hold_reason: str | None
    day: str
    day_note: str
    offboardings: list[tuple[int, str]]  # (id, what became of it)
    may_clear_day: bool


def leaving(person: Person) -> Leaving:
    offboardings: Iterable[Offboarding] = profile.offboardings(person)[:OFFBOARDINGS_SHOWN]
    day = calendar_day(person.remove_on) if person.remove_on else ""
    note = "accounts are kept until then" if person.status == PersonStatus.DEPROVISIONED else "once they have left"
    planned = any(offboarding.state == OffboardingState.SCHEDULED for offboarding in offboardings)
    return Leaving(person.legal_hold_reason, day, note, [(row.id, _outcome(row)) for row in offboardings],
                   bool(day) and not planned)


def _outcome(offboarding: Offboarding) -> str:
    if offboarding.state == OffboardingState.SCHEDULED:
        planned_by = holds.lapsed().get(offboarding.id)
        return f"Planned for {calendar_day(offboarding.remove_on)}" + (f" by {planned_by}" if planned_by else "")
    word = "Cancelled" if offboarding.state == OffboardingState.CANCELLED else "Finished"
    return Markup("{} {}").format(word, on_day(offboarding.decided_at))


def factors(kinds: list[str]) -> str:
    return first_upper(", ".join(kinds)) or "None"
