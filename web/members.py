"""The Members tab of an app: who has a seat, whose it is, and what a person decided about it."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, request, url_for

from sync import assets, match_decisions, match_likeness, match_rules, matching, names, reports
from sync.db import utcnow
from sync.match_decisions import DecisionProblem
from sync.matching import TABS, ReasonNeeded
from sync.models import Account, App, Person
from sync.names import account_name
from sync.problems import AppProblem
from web.answers import INVALID, dialog, go_to
from web.app_page import kind_of, match_in_words, owns, page
from web.app_settings import known_person, named_in_form
from web.decisions import back_of, undo_address
from web.invitations import coming_and_going
from web.permissions import app_part
from web.security import by, may_look_for_people

pages = Blueprint("members", __name__, url_prefix="/apps/<int:app_id>/members")

UNDO_SHOWN = timedelta(days=1)  # above the list; on the app's Activity as long as it can be undone
MANY = 5000  # people; more are looked at for one account, in its dialog

TOLD = {
    "onboarded": "Accounts of people whom Rollcall knows.",
    "unmatched": "Accounts whose person is unknown: say whose each is, or what it is.",
    "guests": "People from outside who may be in this app: guests, and local partners of other companies.",
    "service accounts": "Accounts that are nobody's own seat: bots, integrations, shared logins.",
}


@pages.get("")
@app_part("collaborator")
def index(app: App) -> str:
    tab = request.args.get("tab", "onboarded")
    if tab not in TABS:
        abort(404)
    search = request.args.get("search", "").strip()
    found = matching.search_accounts(app, tab, search, request.args.get("page", 1, type=int))
    here = url_for("members.index", app_id=app.id)
    kept = dict(zip(TABS, (app.matched, app.unmatched, app.guests, app.services)))
    newest = [batch for batch in match_decisions.undoable(app) if utcnow() - batch.made_at < UNDO_SHOWN]
    return page(
        app, "members/index.html", "members/_list.html", tab=tab, told=TOLD[tab], search=search, page=found,
        member_tabs=[(name.capitalize(), f"{here}?{urlencode({'tab': name})}", count) for name, count in kept.items()],
        address=f"{here}?" + urlencode({"tab": tab} | ({"search": search} if search else {})),
        back=here, **coming_and_going(app, found.rows),
        **labels_of(app, found.rows), why=match_rules.why(app, found.rows), undoable=newest,
        likely=_likely(app, found.rows) if tab == "unmatched" and owns() else {},
        unanswered=match_decisions.unanswered(app) if app.services else [],
    )


def _likely(app: App, accounts: list[Account]) -> dict[int, list[tuple[str, str, str]]]:
    """Account id → (value for the form, name, why) of the likeliest person, or of both between whom it is to be
    decided; nobody where there are too many to look at."""
    if not accounts or not may_look_for_people() or Person.select().count() > MANY:
        return {}
    suggested = match_likeness.suggest(app, accounts, 1)
    return {id: [(named_in_form(person), person.name, why) for person, why in rows] for id, rows in suggested.items()}


def labels_of(app: App, accounts: list[Account]) -> dict:
    """What the rows of accounts need beside them: numbers of assets, words."""
    return {
        "assets_of": assets.count_of([account.id for account in accounts]),
        "match_in_words": match_in_words,
    }


@pages.get("/<int:account_id>/match")
@app_part("owner")
def match(app: App, account: Account) -> tuple[str, int]:
    return _match(app, account, {"kind": "person"})


def _match(app: App, account: Account, given, problem: str = "") -> tuple[str, int]:
    return dialog(
        "members/_match.html", f"Whose is {account_name(account)}?", INVALID if problem else 200, app=app,
        account=account, kind=kind_of(app), given=given, problem=problem, back=back_of(app), name=account_name(account),
        now=match_in_words(account), suggested=_suggested(account),
    )


def _suggested(account: Account) -> list[tuple[str, str, str]]:
    """(value for the form, name, what to say of them)."""
    return [
        (named_in_form(person), person.name, " · ".join(filter(None, (names.main_email(person), why))))
        for person, why in match_likeness.suggestions(account)
    ] if may_look_for_people() else []


@pages.put("/<int:account_id>/match")
@app_part("owner")
def set_match(app: App, account: Account) -> Response | tuple[str, int]:
    """kind: person (with `email`, or the one that was `chosen`), or guest."""
    given = request.form
    if given.get("kind") not in ("person", "guest"):
        abort(400)
    try:
        if given["kind"] == "guest":
            made = match_decisions.mark_guest(account, by())
        else:
            made = match_decisions.match(account, known_person(given.get("chosen") or given.get("email", "")), by())
    except (AppProblem, DecisionProblem) as problem:
        return _match(app, account, given, str(problem))
    account = Account.get_by_id(account.id)
    left = account.person is not None and account.person.status == "deprovisioned"
    then = ", who has left: the next check asks about this seat" if left else ""
    return go_to(back_of(app), f"{account_name(account)}: {match_in_words(account)}{then}.",
                 undo=undo_address(app, made.batch) if made.batch else "")


@pages.get("/<int:account_id>/protection")
@app_part("owner")
def protection(app: App, account: Account) -> tuple[str, int]:
    return _protection(app, account)


def _protection(app: App, account: Account, problem: str = "") -> tuple[str, int]:
    return dialog(
        "members/_protection.html", f"Protect {account_name(account)}", INVALID if problem else 200,
        app=app, account=account, name=account_name(account), problem=problem, back=back_of(app),
    )


@pages.put("/<int:account_id>/protection")
@app_part("owner")
def protect(app: App, account: Account) -> Response | tuple[str, int]:
    try:
        matching.protect(account, request.form.get("reason", ""), by())
    except ReasonNeeded as problem:
        return _protection(app, account, str(problem))
    return go_to(back_of(app), f"{account_name(account)} is protected: nobody can remove it until you lift that.")


@pages.delete("/<int:account_id>/protection")
@app_part("owner")
def unprotect(app: App, account: Account) -> Response:
    matching.unprotect(account, by())
    return go_to(back_of(app), f"{account_name(account)} is no longer protected.")


@pages.delete("/<int:account_id>/leaving-out")
@app_part("owner")
def ask_again(app: App, account: Account) -> Response:
    reports.forget_leaving_out(account, by())
    return go_to(back_of(app), f"The next check asks about {account_name(account)} again.")
