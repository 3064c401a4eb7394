"""The finished parts of the Members tab: rows, badges, menus, suggestions, and decisions that can be undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import Flask, url_for
from markupsafe import Markup

from sync.apps.member_list import Members
from sync.matching.decisions import Batch
from sync.matching.members import LEFT
from sync.models import Account, App
from sync.names import account_name, short_name
from sync.roles import Roles
from sync.states import AccountKind, AccountMatch, AccountStatus, PersonStatus, Tone
from sync.tasks.progress import Provisioning
from web.app_page import kind_of, match_in_words
from web.components import person_status
from web.list_view import ListHead, nothing_matches
from web.row_addresses import account_address
from web.view import Badge, first_lower, joined
from web.words import calendar_day, plural, when

MATCHED_BY_EMAIL = ("", "By e-mail")  # the usual ways, which go without saying
# In a list of accounts on a phone, it is clear.
LEFT_STILL_IN = Markup('<span>Left<span class="wide-only">, still has an account</span></span>')
UNKNOWN_STATUS = ("Rollcall doesn't know what this status means. Look in the app. "
                  "The account doesn't count as active.")  # fmt: skip


def install(app: Flask) -> None:
    """Give templates what the shared partials of members/ need."""
    app.jinja_env.globals.update(account_badges=account_badges, account_menu=account_menu)


@dataclass(frozen=True)
class Suggestion:
    """A person the account may belong to: `value` is for the form."""

    value: str
    name: str
    why: str

    @property
    def title(self) -> str:
        return self.value if "@" in self.value else ""


@dataclass(frozen=True)
class Row:
    """An account in the table of members."""

    account: Account
    name: str
    notes: list[str]
    suggestions: list[Suggestion]
    state: Provisioning
    roles: list[str]
    administers: bool
    assets: str


@dataclass(frozen=True)
class Known:
    """What is known about the accounts of a page, by account id: `why` they are matched, their number of assets."""

    tab: str
    why: Mapping[int, str]
    states: Mapping[int, Provisioning]
    suggestions: Mapping[int, list[Suggestion]]
    assets: Mapping[int, int]
    roles: Roles


def rows(app: App, accounts: Iterable[Account], known: Known) -> list[Row]:
    return [_row(app, account, known) for account in accounts]


def _row(app: App, account: Account, known: Known) -> Row:
    assets = known.assets.get(account.id)
    return Row(
        account, account_name(account), _notes(account, known.why[account.id], known.tab),
        known.suggestions.get(account.id, []), known.states[account.id], known.roles.labels_of(account.roles),
        known.roles.can_administer(account.roles), plural(assets, kind_of(app).asset_word) if assets else "",
    )  # fmt: skip


def _notes(account: Account, why: str, tab: str) -> list[str]:
    """The small lines below the account's name."""
    unmatched = why if tab == "unmatched" else ""
    return list(filter(None, (other_name(account), _person_note(account, why), account.match_note, unmatched)))


def other_name(account: Account) -> str:
    """The e-mail address or user name, where it isn't shown as the name already; "" otherwise."""
    name = account_name(account)
    return next((text for text in (account.email, account.user_name) if text and text != name), "")


def other_email(account: Account) -> str:
    """The e-mail address, where it isn't shown as the name already; "" otherwise."""
    return account.email if account.email != account_name(account) else ""


def _person_note(account: Account, why: str) -> str:
    person = account.person
    if person is None:
        return ""
    if account.match_kind == AccountMatch.SERVICE_ACCOUNT:
        left = person.status == PersonStatus.DEPROVISIONED
        return f"{person.name} was responsible, and has left" if left else f"Responsible: {person.name}"
    if person.name == account.name and why in MATCHED_BY_EMAIL:
        return ""
    return joined(match_in_words(account), first_lower(why))


def account_badges(account: Account, state: Provisioning, app: App) -> list[Badge]:
    """What there is to say about an account beside its name and role, after the badge of `state`."""
    return [badge for badge in (
        _person_badge(account, app), _status_badge(account, state), *_kind_badges(account, app),
        *_decision_badges(account),
    ) if badge]  # fmt: skip


def _person_badge(account: Account, app: App) -> Badge | None:
    if (
        account.person is None
        or account.match_kind != AccountMatch.MATCHED
        or account.person.status == PersonStatus.ACTIVE
    ):
        return None
    if account.person.has_left and not (app.removal_suspends and account.is_surely_suspended):
        return Badge(LEFT_STILL_IN, Tone.WAITING, "user-off", account.person.status_reason)
    shown = person_status(account.person.status)
    return Badge(shown.word, shown.tone, shown.icon)


def _status_badge(account: Account, state: Provisioning) -> Badge | None:
    if account.status.startswith(AccountStatus.UNKNOWN):
        _, _, status = account.status.partition(": ")
        label = f"Status “{status}”?" if status else "Status unknown"
        return Badge(label, Tone.WAITING, "info-circle", UNKNOWN_STATUS)
    if account.status == AccountStatus.INVITED and state.onboarded:
        return Badge("Invited", icon="mail")
    if account.status == AccountStatus.SUSPENDED:
        return Badge("Suspended in the app", icon="player-pause")
    person_active = account.person is not None and account.person.status == PersonStatus.ACTIVE
    if state.onboarded and (account.match_kind != AccountMatch.MATCHED or person_active):
        return Badge("Active", "plain", "check")
    return None


def _kind_badges(account: Account, app: App) -> Iterable[Badge]:
    person = account.person
    if account.match_kind == AccountMatch.LOCAL_PARTNER:
        yield Badge("Local partner", icon="world")
    if (
        account.match_kind == AccountMatch.SERVICE_ACCOUNT
        and person is not None
        and person.status == PersonStatus.DEPROVISIONED
    ):
        yield Badge("No one responsible", Tone.WAITING, "user-off", f"{person.name} was responsible, and has left")
    if account.kind == AccountKind.SYSTEM:
        yield Badge("Made by the app", icon="robot")
    if account.external_id == app.automation_external_id:
        yield Badge("Used by Rollcall", icon="shield-lock")


def _decision_badges(account: Account) -> Iterable[Badge]:
    person = account.person
    if account.protection_reason:
        yield Badge("Protected", icon="shield", title=account.protection_reason)
    if person is not None and person.legal_hold_reason is not None:
        yield Badge("Legal hold", Tone.WAITING, "lock", person.legal_hold_reason)
    if person is not None and person.remove_on and person.status == PersonStatus.DEPROVISIONED:
        yield Badge(f"Kept until {calendar_day(person.remove_on)}", icon="calendar")
    if account.left_out_reason:
        yield Badge("Left out", Tone.WAITING, "hand-stop", account.left_out_reason)
    if account.held_values:
        title = "The app now reports something else. A guard holds this change in the report."
        yield Badge("Change held", Tone.WAITING, "hand-stop", title)
    if account.missing_since:
        yield Badge("Missing once", Tone.WAITING, "eye", "Not in the last list. The next check looks again.")


@dataclass(frozen=True)
class Choice:
    """A line of an account's menu, which opens a dialog."""

    label: str
    address: str
    icon: str


def account_menu(account: Account, back: str) -> list[Choice]:
    """What an Owner can decide about whose the account is. `back`: the address to return to."""

    def decide(label: str, kind: str, icon: str) -> Choice:
        to = account_address("decisions.new", account, "account", kind=kind, back=back)
        return Choice(label, to, icon)

    match = account_address("members.match", account, back=back)
    matched, from_outside = (
        account.match_kind == AccountMatch.MATCHED,
        account.match_kind in (AccountMatch.GUEST, AccountMatch.LOCAL_PARTNER),
    )
    service = account.match_kind == AccountMatch.SERVICE_ACCOUNT
    lines = [decide("Re-assign", "nobody", "unlink") if matched else Choice("Match to a person", match, "link")]
    lines.append(
        decide("Note about this guest" if from_outside else "Mark as guest or partner", AccountMatch.GUEST, "world")
    )
    lines.append(
        decide("Responsible person" if service else "Mark as service account", AccountMatch.SERVICE_ACCOUNT, "robot")
    )
    if account.match_kind not in (AccountMatch.MATCHED, AccountMatch.UNMATCHED):
        lines.append(decide("Move to Unmatched", "nobody", "unlink"))
    if account.match_by_hand:
        lines.append(decide("Match by the rules again", "rules", "arrow-back-up"))
    return lines


@dataclass(frozen=True)
class Undoable:
    """A decision that nothing newer has replaced: about which accounts, what, and who made it when."""

    id: str
    about: str
    sentence: str
    address: str


def undoable(app: App, batches: Iterable[Batch], back: str) -> list[Undoable]:
    return [_undoable(app, batch, back) for batch in batches]


def _undoable(app: App, batch: Batch, back: str) -> Undoable:
    about = account_name(batch.account) if batch.count == 1 else plural(batch.count, "account")
    decided = match_in_words(batch.account) if batch.account.match_by_hand else "matched by the rules"
    sentence = Markup("{}: {} · {}, {}").format(about, decided, short_name(batch.made_by), when(batch.made_at))
    address = url_for("decisions.undo", app_id=app.id, batch=batch.batch, back=back)
    return Undoable(batch.batch, about, sentence, address)


@dataclass(frozen=True)
class Empty:
    """What an empty tab shows; the link leads to where there are accounts."""

    icon: str
    title: str
    words: str
    link: str = ""
    address: str = ""


def empty(app: App, wanted: Members, head: ListHead) -> Empty:
    here = url_for("members.index", app_id=app.id)
    unmatched, tab = url_for("members.index", app_id=app.id, tab="unmatched"), wanted.tab
    if wanted.narrows:
        return Empty("search", "Nobody found", nothing_matches("No account on this tab matches", wanted, head),
                     "Show all", head.clear)
    if tab == LEFT:
        return Empty("circle-check", "No leavers", "No account here belongs to someone who has left.",
                     "Show onboarded accounts", here)
    if not app.last_check_at:
        return Empty("users", "Not read yet", "Members appear here after the first check.")
    if tab == "unmatched":
        words = "Each one belongs to a person, or is a guest or a service account."
        return Empty("user-check", "All accounts are matched", words, "Show onboarded accounts", here)
    if tab == "guests":
        words = "You can mark the account of someone from outside as a guest, on the tab that lists it now."
        show = ("Show unmatched accounts", unmatched) if app.unmatched else ()
        return Empty("world", "No guests", words, *show)
    if tab == "service accounts":
        return Empty("robot", "No service accounts",
                     "You can mark bots and shared logins as service accounts. They don't need a match then.")
    return Empty("users", "No onboarded accounts", "No account could be matched to a person in Rollcall.",
                 "Show unmatched accounts", unmatched)
