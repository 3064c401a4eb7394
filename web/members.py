"""The Members tab of an app: its accounts, the people they belong to, and what was decided about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, request, url_for
from markupsafe import Markup

from sync import names
from sync.apps import assets, member_list
from sync.apps.member_list import Members
from sync.db import utcnow
from sync.listing import Page
from sync.matching import decisions as match_decisions
from sync.matching import members, suggestions
from sync.matching import rules as match_rules
from sync.matching.decisions import DecisionProblem
from sync.matching.members import LEFT, TABS, ReasonNeeded
from sync.models import Account, App
from sync.names import account_name
from sync.people import people
from sync.problems import AppProblem
from sync.reports import reports
from sync.safety import leavers
from sync.states import AccountMatch, AppManager, PersonStatus
from web import app_alerts, member_filters, member_view
from web.answers import INVALID, dialog, go_to
from web.app_page import match_in_words, owns, page
from web.app_settings import known_person, named_in_form
from web.behind_proxy import here as current
from web.decisions import back_of, undo_address
from web.invitations import coming_and_going
from web.list_view import Listed
from web.member_view import Suggestion
from web.permissions import app_manager
from web.security import by, may_look_for_people
from web.view import joined
from web.words import when

pages = Blueprint("members", __name__, url_prefix="/apps/<int:app_id>/members")

UNDO_SHOWN = timedelta(days=1)  # above the list; the app's Activity shows it as long as it can be undone
MANY = 5000  # people; with more, suggestions are made in an account's dialog only

INTRO = {
    LEFT: "Accounts of people who have left. Those that may stay for now are on the other tabs.",
    "onboarded": "Accounts matched to a person.",
    "unmatched": "Accounts not matched to anyone yet. Match each one, or mark it as a guest or service account.",
    "guests": "People from outside who may use this app: guests, and local partners from other companies.",
    "service accounts": "Accounts that don't belong to one person: bots, integrations, shared logins.",
}


@dataclass(frozen=True)
class TabChoice:
    label: str
    address: str
    count: int
    here: bool


@dataclass(frozen=True)
class BulkChoice:
    """What accounts can be marked as; `ticked` is the address for the selected ones."""

    kind: str
    label: str
    icon: str
    ticked: str

    @property
    def slug(self) -> str:
        return self.kind.replace(" ", "-")


BULK = (
    (AccountMatch.GUEST, "Guests or partners", "world"),
    (AccountMatch.SERVICE_ACCOUNT, "Service accounts", "robot"),
    ("nobody", "Someone else's accounts", "unlink"),
    ("rules", "Matched by the rules", "arrow-back-up"),
)


@pages.get("")
@app_manager(AppManager.COLLABORATOR)
def index(app: App) -> str:
    wanted = Members.of(request.args)
    if wanted.tab not in (*TABS, LEFT):
        abort(404)
    here = url_for("members.index", app_id=app.id)
    listed = Listed(here, wanted, member_list.ORDER)
    found = member_list.search(app, wanted, listed.sort, request.args.get("page", 1, type=int))
    progress = coming_and_going(app, found.rows)
    newest = match_decisions.undoable(app, since=utcnow() - UNDO_SHOWN)
    head = member_filters.head(app, listed)
    return page(
        app, "members/index.html", "members/_list.html", tab=wanted.tab, intro=_intro(app, wanted),
        search=wanted.search, page=found, member_tabs=_tabs(app, listed), back=here, **progress,
        rows=_rows(app, wanted.tab, found.rows, progress), heads=member_filters.heads(app, listed), list_head=head,
        nobody=member_view.empty(app, wanted, head), bulk_choices=_bulk_choices(app, wanted.tab),
        select_all=_select_all(found, wanted), among=urlencode({"tab": wanted.tab} | wanted.asked),
        unanswered=app_alerts.unanswered(app, wanted.tab),
        address=listed.address, download=listed.download(url_for("downloads.of_members", app_id=app.id)),
        undoable=member_view.undoable(app, newest, current()),
    )


def _intro(app: App, wanted: Members) -> Markup | str:
    if wanted.inactive in member_list.INACTIVE:
        return Markup("{} Activity is known as of the last check, {}.").format(
            INTRO[wanted.tab], when(member_list.as_of(app)))  # fmt: skip
    return INTRO[wanted.tab]


def _tabs(app: App, listed: Listed) -> list[TabChoice]:
    """The tabs with their numbers. LEFT is there only while someone has left; another tab starts without filters."""
    counts = dict(zip(TABS, (app.matched, app.unmatched, app.guests, app.service_accounts)))
    left = leavers.numbers_in(app.id).accounts
    if left or listed.wanted.tab == LEFT:
        counts[LEFT] = left
    return [TabChoice(name.capitalize(), f"{listed.here}?{urlencode({'tab': name})}", count, name == listed.wanted.tab)
            for name, count in counts.items()]


def _rows(app: App, tab: str, accounts: list[Account], progress: dict) -> list[member_view.Row]:
    known = member_view.Known(
        tab, match_rules.why(app, accounts), progress["states"],
        _likely(app, accounts) if tab == "unmatched" and owns() else {},
        assets.count_of([account.id for account in accounts]), progress["roles"],
    )
    return member_view.rows(app, accounts, known)


def _likely(app: App, accounts: list[Account]) -> dict[int, list[Suggestion]]:
    """By account id: the likeliest person, or both people where it is a draw. Nobody where there are too many people
    to compare."""
    if not accounts or not may_look_for_people() or people.are_more_than(MANY):
        return {}
    suggested = suggestions.suggest(app, accounts, 1)
    return {id: [Suggestion(named_in_form(person), person.name, why) for person, why in rows]
            for id, rows in suggested.items()}


def _bulk_choices(app: App, tab: str) -> list[BulkChoice]:
    ticked = url_for("decisions.new", app_id=app.id)
    return [BulkChoice(kind, label, icon, ticked) for kind, label, icon in BULK
            if kind != "nobody" or tab != "unmatched"]  # fmt: skip


def _select_all(found: Page, wanted: Members) -> str:
    """The label for selecting every account that is listed; "" where all of them are on this page."""
    if found.total <= len(found.rows):
        return ""
    return f"Select all {found.total:,}{' found' if wanted.narrows else ''}"


@pages.get("/filters")
@app_manager(AppManager.COLLABORATOR)
def filters(app: App) -> tuple[str, int]:
    """The dialog with all filters of the list: its form goes back to the list."""
    wanted = Members.of(request.args)
    if wanted.tab not in (*TABS, LEFT):
        abort(404)
    listed = Listed(url_for("members.index", app_id=app.id), wanted, member_list.ORDER)
    return dialog(
        "lists/_filters.html", "Filter members", here=listed.here, back=listed.address,
        fields=member_filters.fields(app, wanted), kept=listed.kept_beside(*member_filters.ASKED),
    )  # fmt: skip


@pages.get("/<int:account_id>/match")
@app_manager(AppManager.OWNER)
def match(app: App, account: Account) -> tuple[str, int]:
    return _match(app, account, {"kind": "person"})


def _match(app: App, account: Account, given, problem: str = "") -> tuple[str, int]:
    suggested = _suggested(account, given, problem)
    return dialog(
        "members/_match.html", f"Whose account is {account_name(account)}?", INVALID if problem else 200, app=app,
        account=account, given=given, problem=problem, back=back_of(app), suggested=suggested,
        lead=joined(member_view.other_email(account), f"now: {match_in_words(account)}"),
        no_suggestions=not suggested, person_label="Someone else" if suggested else "Person",
    )


@dataclass(frozen=True)
class MatchChoice:
    """A person who is suggested, or "Someone else"; `value` is for the form."""

    value: str
    name: str
    why: str
    chosen: bool


def _suggested(account: Account, given, problem: str) -> list[MatchChoice]:
    """The first is chosen, unless the account's address was reassigned: then nobody should be matched by habit."""
    found = suggestions.suggestions(account) if may_look_for_people() else []
    if not found:
        return []
    chosen, first = given.get("chosen"), not problem and not account.moved_email_key
    choices = [
        MatchChoice(value := named_in_form(person), person.name, joined(names.main_email(person), why),
                    chosen == value or first and place == 0)
        for place, (person, why) in enumerate(found)
    ]
    return [*choices, MatchChoice("", "Someone else", "", chosen == "" and problem != "")]


@pages.put("/<int:account_id>/match")
@app_manager(AppManager.OWNER)
def set_match(app: App, account: Account) -> Response | tuple[str, int]:
    """Form fields: `kind` is "person" (with `email`, or the one that was `chosen`) or "guest"."""
    given = request.form
    if given.get("kind") not in ("person", AccountMatch.GUEST):
        abort(400)
    try:
        if given["kind"] == AccountMatch.GUEST:
            made = match_decisions.mark_guest(account, by())
        else:
            made = match_decisions.match(account, known_person(given.get("chosen") or given.get("email", "")), by())
    except (AppProblem, DecisionProblem) as problem:
        return _match(app, account, given, str(problem))
    account = Account.get_by_id(account.id)
    left = account.person is not None and account.person.status == PersonStatus.DEPROVISIONED
    then = f" {account.person.name} has left, so the next check reports this account." if left else ""
    return go_to(back_of(app), f"{account_name(account)}: {match_in_words(account)}.{then}",
                 undo=undo_address(app, made.batch) if made.batch else "")


@pages.get("/<int:account_id>/protection")
@app_manager(AppManager.OWNER)
def protection(app: App, account: Account) -> tuple[str, int]:
    return _protection(app, account)


def _protection(app: App, account: Account, problem: str = "") -> tuple[str, int]:
    return dialog(
        "members/_protection.html", f"Protect {account_name(account)}", INVALID if problem else 200,
        app=app, account=account, problem=problem, back=back_of(app),
    )


@pages.put("/<int:account_id>/protection")
@app_manager(AppManager.OWNER)
def protect(app: App, account: Account) -> Response | tuple[str, int]:
    try:
        members.protect(account, request.form.get("reason", ""), by())
    except ReasonNeeded as problem:
        return _protection(app, account, str(problem))
    name = account_name(account)
    return go_to(back_of(app), f"{name} is protected. Nobody can remove it until you lift the protection.")


@pages.delete("/<int:account_id>/protection")
@app_manager(AppManager.OWNER)
def unprotect(app: App, account: Account) -> Response:
    members.unprotect(account, by())
    return go_to(back_of(app), f"{account_name(account)} is no longer protected.")


@pages.delete("/<int:account_id>/leaving-out")
@app_manager(AppManager.OWNER)
def ask_again(app: App, account: Account) -> Response:
    reports.undo_leaving_out(account, by())
    return go_to(back_of(app), f"The next check reports {account_name(account)} again.")
