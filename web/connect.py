"""Connecting an app, in steps with the way back open: choose it, connect, Owners and time, first reading, match people.
What was entered is kept in a draft; with its first reading the draft becomes an app."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for

from connectors.base import (
    BRONZE,
    GOLD,
    LEVELS,
    OWN_FILE,
    PAID_SOCIAL,
    PLATINUM,
    SAMPLE,
    SEAT_BASED,
    SILVER,
    ColumnsUnclear,
)
from sync import apps, columns, connecting, match_likeness, matching, names, soon
from sync.models import App, Check, Person
from sync.problems import AppProblem
from sync.reach import approver
from web.answers import INVALID, go_to, page_or_part, wants_part
from web.app_page import kind_of, match_in_words
from web.app_settings import REFUSALS, known_person, minute_of
from web.checks import progress_of
from web.confirming import asks_again
from web.frame import MANAGERS
from web.permissions import app_part, workspace_role
from web.security import by, may_look_for_people, signed_in_person
from web.uploads import entered
from web.words import this_workspace

pages = Blueprint("connect", __name__, url_prefix="/apps")

CATEGORIES = (SEAT_BASED, PAID_SOCIAL, SAMPLE)
LEVEL_WORDS = {
    BRONZE: "Bronze: a documented API, tested against what it describes",
    SILVER: "Silver: looks again before it acts, and bears with limits",
    GOLD: "Gold: assets too, and every act there is",
    PLATINUM: "Platinum: proven against the real server",
    OWN_FILE: "Your own file",
}
UNMATCHED_SHOWN = 10


@pages.get("/new")
@workspace_role(*MANAGERS)
def choose() -> str:
    wanted = {name: request.args.get(name, "").strip() for name in ("search", "category", "level")}
    known = apps.catalogue()
    found = [
        kind for kind in known
        if wanted["search"].casefold() in f"{kind.label} {kind.slug}".casefold()
        and wanted["category"] in ("", kind.category)
        and wanted["level"] in ("", kind.level)
    ]  # fmt: skip
    used, reached = {kind.category for kind in known}, {kind.level for kind in known}
    return page_or_part("connect/choose.html", "connect/_catalogue.html", kinds=found, **wanted,
                        broken_files=apps.broken_files(),
                        categories=[category for category in CATEGORIES if category in used],
                        levels=[(name, LEVEL_WORDS[name]) for name in LEVELS if name in reached],
                        level_words=LEVEL_WORDS)


@pages.post("")
@workspace_role(*MANAGERS)
def create() -> Response:
    """A draft for the kind of app that was chosen."""
    try:
        draft = connecting.start(request.form.get("connector", ""), signed_in_person())
    except AppProblem as problem:
        return go_to(url_for("connect.choose"), str(problem), "attention")
    return redirect(url_for("connect.credential", app_id=draft.id), 303)


def _steps(app: App, here: int) -> list[tuple[str, str | None]]:
    """The way through; what lies behind is a link as long as it can still be changed here."""
    draft = app.state == "connecting"
    names = ("Choose it", "Connect", "Owners and time", "First reading", "Match people")
    back = {0: url_for("connect.choose"), 1: url_for("connect.credential", app_id=app.id),
            2: url_for("connect.owners", app_id=app.id)} if draft else {3: url_for("connect.reading", app_id=app.id)}
    return [(name, back.get(place)) for place, name in enumerate(names)]


def _step(app: App, number: int, template: str, status: int = 200, **values) -> tuple[str, int]:
    values |= {"app": app, "kind": kind_of(app), "steps_of_app": _steps(app, number), "number": number}
    return render_template(template, **values), status


def _over(app: App) -> Response | None:
    """The first steps are about a draft: once the app is connected, they are on its Settings."""
    return None if app.state == "connecting" else redirect(url_for("apps.show", app_id=app.id), 303)


@pages.get("/<int:app_id>/connection")
@app_part("owner")
def credential(app: App) -> Response | tuple[str, int]:
    return _over(app) or _step(app, 2, "connect/credential.html", given=app.settings)


@pages.post("/<int:app_id>/connection")
@app_part("owner")
@asks_again
def test(app: App) -> Response | tuple[str, int]:
    """Keep what was entered and test it; "next" goes on when it works."""
    if over := _over(app):
        return over
    given = request.form
    try:
        values = entered(kind_of(app), app.settings)
        identity = connecting.enter(app, given.get("app_name", ""), values, approver(signed_in_person()))
    except ColumnsUnclear:
        return go_to(url_for("columns.show_app", app_id=app.id))
    except REFUSALS as problem:
        return _tested(App.get_by_id(app.id), given, str(problem))
    app = App.get_by_id(app.id)
    if "next" in given and columns.takes_a_mapping(kind_of(app)) and columns.is_to_be_looked_at(columns.of_app(app)):
        return go_to(url_for("columns.show_app", app_id=app.id))
    if "next" in given and not identity.missing:
        return go_to(url_for("connect.owners", app_id=app.id))
    return _tested(App.get_by_id(app.id), given, identity=identity)


def _tested(app: App, given, problem: str = "", identity=None) -> tuple[str, int]:
    """The answer beside the form, which stays as it is; without htmx the form again, its secrets kept but not shown."""
    status = INVALID if problem else 200
    if wants_part():
        return render_template("connect/_tested.html", app=app, problem=problem, identity=identity), status
    return _step(app, 2, "connect/credential.html", status, given=given, problem=problem, identity=identity)


@pages.get("/<int:app_id>/connection/owners")
@app_part("owner")
def owners(app: App) -> Response | tuple[str, int]:
    if app.state == "connecting" and app.tested_at is None:
        return redirect(url_for("connect.credential", app_id=app.id), 303)
    return _over(app) or _owners(app, {"owners": names.main_email(signed_in_person()), "daily": "yes"})


def _owners(app: App, given, problem: str = "") -> tuple[str, int]:
    return _step(app, 3, "connect/owners.html", INVALID if problem else 200, given=given, problem=problem,
                 zone=this_workspace().zone)


@pages.post("/<int:app_id>/connection/reading")
@app_part("owner")
def begin(app: App) -> Response | tuple[str, int]:
    """The draft becomes an app and its first reading starts; pressed twice, it is the same reading."""
    given = request.form
    try:
        connecting.begin(
            app, _people(given.get("owners", "")), _people(given.get("collaborators", "")), "daily" in given,
            minute_of(given.get("time", "")) if "daily" in given else app.check_minute, by(),
        )  # fmt: skip
    except AppProblem as problem:
        return _owners(app, given, str(problem))
    if apps.part_of(signed_in_person(), app) != "owner":
        return go_to(url_for("apps.index"), f"{app.name} is connected and being read. Its Owners go on from here.")
    return go_to(url_for("connect.reading", app_id=app.id))


def _people(text: str) -> list[Person]:
    addresses = [address for address in text.replace(";", ",").split(",") if address.strip()]
    return list({person.id: person for person in map(known_person, addresses)}.values())


@pages.get("/<int:app_id>/connection/reading")
@app_part("owner")
def reading(app: App) -> Response | str | tuple[str, int]:
    if app.state == "connecting":
        return redirect(url_for("connect.owners", app_id=app.id), 303)
    check = soon.live(app) or Check.select().where(Check.app == app).order_by(Check.id.desc()).first()
    if check is None:
        return redirect(url_for("apps.show", app_id=app.id), 303)
    told = progress_of(app, check)
    if wants_part():
        return render_template("connect/_reading.html", **told)
    return _step(app, 4, "connect/reading.html", **{name: value for name, value in told.items() if name != "app"})


@pages.post("/<int:app_id>/connection/readings")
@app_part("owner")
def read_again(app: App) -> Response:
    """The first reading failed: try it once more."""
    try:
        soon.ask(app, by(), "connect")
    except AppProblem as problem:
        return go_to(url_for("apps.show", app_id=app.id), str(problem), "attention")
    return go_to(url_for("connect.reading", app_id=app.id))


@pages.get("/<int:app_id>/connection/matching")
@app_part("owner")
def match(app: App) -> Response | tuple[str, int]:
    if app.last_check_at is None:
        return redirect(url_for("connect.reading", app_id=app.id), 303)
    unmatched = matching.search_accounts(app, "unmatched").rows[:UNMATCHED_SHOWN]
    likely = match_likeness.suggest(app, unmatched) if may_look_for_people() else {}
    rows = [(account, _with_address(likely.get(account.id, []))) for account in unmatched]
    return _step(app, 5, "connect/matching.html", rows=rows, match_in_words=match_in_words)


def _with_address(likely: list[tuple[Person, str]]) -> tuple[str, str, str] | None:
    """(address, name, why) of the likeliest who can be told by an address."""
    for person, why in likely:
        if email := names.main_email(person):
            return email, person.name, why
    return None
