"""Connecting an app in steps: choose it, connect, Owners and time, first reading, match people. One can always go back.
The first test keeps the form's values in a draft, which becomes an app with its first reading."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from connectors.base import (
    PAID_SOCIAL,
    SAMPLE,
    SEAT_BASED,
    ColumnsUnclear,
    Connector,
    ConnectorError,
)
from connectors.quality import MEANINGS, Level, legend
from sync import names
from sync.apps import apps, drafts, member_list
from sync.apps.member_list import Members
from sync.files import columns
from sync.jobs import asking
from sync.matching import suggestions
from sync.models import Account, App, Person
from sync.private_networks import approver
from sync.problems import AppProblem, Overtaken
from sync.states import AppManager, AppState, CheckTrigger, Tone
from web import effects, stale
from web.answers import INVALID, go_to, page_or_part, wants_part
from web.app_page import kind_of, match_in_words
from web.app_settings import REFUSALS, known_person, minute_of
from web.checks import progress_of
from web.confirming import asks_again
from web.frame import MANAGERS
from web.patience import waits_for_a_server
from web.permissions import app_manager, workspace_role
from web.rows import row_or_404
from web.security import by, may_look_for_people, signed_in_person
from web.uploads import entered
from web.words import clock, number, plural, this_workspace

pages = Blueprint("connect", __name__, url_prefix="/apps")

CATEGORIES = (SEAT_BASED, PAID_SOCIAL, SAMPLE)
STEPS = ("Choose an app", "Connect", "Owners and time", "First reading", "Match people")
UNMATCHED_SHOWN = 10
ALREADY = "was already connected, so what you entered was not saved. Its Owners and time are on its Settings tab."
FAILED, NOT_YET = "Connection failed.", "Not connected yet."


@dataclass(frozen=True)
class Kind:
    """A kind of app in the catalogue."""

    slug: str
    label: str
    logo: str
    words: str
    level: str  # what it means, in a sentence
    limits: tuple[str, ...]  # what it lacks for the next level, and what it is exempt from, in sentences


@pages.get("/new")
@workspace_role(*MANAGERS)
def choose() -> str:
    wanted = {name: request.args.get(name, "").strip() for name in ("search", "category", "level")}
    known = apps.catalogue()
    found = [
        kind for kind in known
        if wanted["search"].casefold() in f"{kind.label} {kind.slug}".casefold()
        and wanted["category"] in ("", kind.category)
        and wanted["level"] in ("", kind.level())
    ]  # fmt: skip
    used, reached = {kind.category for kind in known}, {kind.level() for kind in known}
    return page_or_part(
        "connect/choose.html", "connect/_catalogue.html", kinds=[_kind(kind) for kind in found], **wanted,
        every_kind=[_kind(kind) for kind in known], now=drafts.opened_now(),
        broken_files=apps.broken_files(), categories=[category for category in CATEGORIES if category in used],
        levels=[(name, name.capitalize(), MEANINGS[name]) for name in Level if name in reached],
        steps_of_app=[(name, None) for name in STEPS],
    )  # fmt: skip


def _kind(kind: type[Connector]) -> Kind:
    level = kind.level()
    words = f"{kind.category} · {level.capitalize()}"
    meaning = f"{level.capitalize()}: {MEANINGS[level]}"
    return Kind(kind.slug, kind.label, kind.logo, words, meaning, tuple(legend(kind.quality)))


@pages.post("")
@workspace_role(*MANAGERS)
def create() -> Response:
    """Go to the form for the chosen kind of app; nothing is created yet."""
    return redirect(url_for("connect.new", kind=request.form.get("connector") or "none"), 303)


@pages.get("/new/<kind>")
@workspace_role(*MANAGERS)
def new(kind: str) -> Response | tuple[str, int]:
    """The form, or the draft that it has become: one comes Back to what was entered."""
    opened = request.args.get("opened") or drafts.opened_now()
    if draft := drafts.begun(kind, signed_in_person(), opened):
        return redirect(url_for("connect.credential", app_id=draft.id), 303)
    try:
        return _credential(drafts.blank(kind), given={"opened": opened})
    except AppProblem as problem:
        return go_to(url_for("connect.choose"), str(problem), Tone.ATTENTION)


@pages.post("/new/<kind>")
@workspace_role(*MANAGERS)
@asks_again
@waits_for_a_server
def test_new(kind: str) -> Response | tuple[str, int]:
    """The first test makes the draft. Its address replaces that of the form, so that a reload shows what was kept."""
    try:
        app = drafts.blank(kind)
    except AppProblem as problem:
        return go_to(url_for("connect.choose"), str(problem), Tone.ATTENTION)
    return _test(app)


def _steps(app: App) -> list[tuple[str, str | None]]:
    """The steps; those that can still be changed here have their address."""
    draft = app.state == AppState.CONNECTING
    if app.id is None:
        back = {0: url_for("connect.choose"), 1: url_for("connect.new", kind=app.connector)}
    elif draft:
        back = {0: url_for("connect.choose"), 1: url_for("connect.credential", app_id=app.id),
                2: url_for("connect.owners", app_id=app.id)}  # fmt: skip
    else:
        back = {3: url_for("connect.reading", app_id=app.id)}
    return [(name, back.get(place)) for place, name in enumerate(STEPS)]


def _step(app: App, number: int, template: str, status: int = 200, **values) -> tuple[str, int]:
    draft = app.state == AppState.CONNECTING
    trail = ("All apps in the catalogue", url_for("connect.choose")) if draft else ("Apps", url_for("apps.index"))
    kind = kind_of(app)
    values |= {"app": app, "kind": kind, "steps_of_app": _steps(app), "number": number, "trail": trail,
               "what": f"a {kind.label}" if kind.named_by and not app.id else app.name}  # fmt: skip
    return render_template(template, **values), status


def _over(app: App) -> Response | None:
    """The first steps are for a draft: once the app is connected, they are on its Settings tab."""
    return None if app.state == AppState.CONNECTING else redirect(url_for("apps.show", app_id=app.id), 303)


@pages.get("/<int:app_id>/connection")
@app_manager(AppManager.OWNER)
def credential(app: App) -> Response | tuple[str, int]:
    return _over(app) or _credential(app, given=app.settings)


@pages.post("/<int:app_id>/connection")
@app_manager(AppManager.OWNER)
@asks_again
@waits_for_a_server
def test(app: App) -> Response | tuple[str, int]:
    """Keep what was entered and test it; "next" continues when it works."""
    return _over(app) or _test(app)


def _test(app: App) -> Response | tuple[str, int]:
    given = request.form
    try:
        values = entered(kind_of(app), app.settings)
        if app.id is None:
            app = drafts.start(app.connector, signed_in_person(), given.get("opened", ""))
        if stale.is_stale(*_kept(app)) and not drafts.holds(app, given.get("app_name", ""), values):
            return _tested(app, given, f"{stale.CHANGED} What you entered is still here: choose Continue to save it.")
        identity = drafts.enter(app, given.get("app_name", ""), values, approver(signed_in_person()))
    except ColumnsUnclear:
        return go_to(url_for("columns.show_app", app_id=app.id))
    except (*REFUSALS, Overtaken) as problem:
        heading = FAILED if isinstance(problem, ConnectorError) else NOT_YET
        return _tested(row_or_404(App, app.id) if app.id else app, given, str(problem), heading=heading)
    app = App.get_by_id(app.id)
    if "next" in given and columns.takes_a_mapping(kind_of(app)) and columns.is_to_be_looked_at(columns.of_app(app)):
        return go_to(url_for("columns.show_app", app_id=app.id))
    if "next" in given and not identity.missing:
        return go_to(url_for("connect.owners", app_id=app.id))
    return _tested(App.get_by_id(app.id), given, identity=identity)


def _kept(app: App) -> tuple:
    """What the steps of a draft show, for `stale`: nothing as long as nothing was entered."""
    return () if app.credential is None else (app.name, app.settings, bytes(app.credential))


def _tested(app: App, given, problem: str = "", identity=None, heading: str = NOT_YET) -> Response | tuple[str, int]:
    """The result of the test, beside the form; without htmx the whole form, its secrets kept but not shown."""
    status = INVALID if problem else 200
    values = {"problem": problem, "identity": identity, "heading": heading}
    if wants_part():
        part = render_template("connect/_tested.html", app=app, **values, seen=stale.mark(*_kept(app)))
        answer = make_response(part, status)
        if app.id:
            answer.headers["HX-Replace-Url"] = url_for("connect.credential", app_id=app.id)
        return answer
    return _credential(app, status, given=given, **values)


def _credential(app: App, status: int = 200, **values) -> tuple[str, int]:
    """The form; `values` has what is `given`, and that it was opened where there is no draft yet."""
    if app.id:
        address, opened = url_for("connect.test", app_id=app.id), ""
    else:
        address, opened = url_for("connect.test_new", kind=app.connector), values["given"].get("opened", "")
    return _step(app, 2, "connect/credential.html", status, removal=effects.of_kind(kind_of(app)), address=address,
                 opened=opened, seen=stale.mark(*_kept(app)), **values)


@pages.get("/<int:app_id>/connection/owners")
@app_manager(AppManager.OWNER)
def owners(app: App) -> Response | tuple[str, int]:
    if app.state == AppState.CONNECTING and app.tested_at is None:
        return redirect(url_for("connect.credential", app_id=app.id), 303)
    return _over(app) or _owners(app, {"owners": names.main_email(signed_in_person()), "daily": "yes"})


def _owners(app: App, given, problem: str = "") -> tuple[str, int]:
    return _step(app, 3, "connect/owners.html", INVALID if problem else 200, given=given, problem=problem,
                 time=given.get("time") or clock(app.check_minute), zone=this_workspace().zone,
                 seen=stale.mark(*_kept(app)))


@pages.post("/<int:app_id>/connection/reading")
@app_manager(AppManager.OWNER)
def begin(app: App) -> Response | tuple[str, int]:
    """Turn the draft into an app and start its first reading. Pressed twice, it is the same reading."""
    given = request.form
    if app.state == AppState.CONNECTING and stale.is_stale(*_kept(app)):
        return _owners(app, given, stale.CHANGED)
    try:
        chosen = _people(given.get("owners", ""))
        drafts.begin(
            app, chosen, _people(given.get("collaborators", "")), "daily" in given,
            minute_of(given.get("time", "")) if "daily" in given else app.check_minute, by(),
        )  # fmt: skip
    except AppProblem as problem:
        return _owners(app, given, str(problem))
    if apps.manages_as(signed_in_person(), app) != AppManager.OWNER:
        return go_to(url_for("apps.index"), f"{app.name} is connected and being read. Its Owners continue from here.")
    if set(apps.owners_of(app)) != set(chosen):
        return go_to(url_for("connect.reading", app_id=app.id), f"{app.name} {ALREADY}", Tone.ATTENTION)
    return go_to(url_for("connect.reading", app_id=app.id))


def _people(text: str) -> list[Person]:
    addresses = [address for address in text.replace(";", ",").split(",") if address.strip()]
    return list({person.id: person for person in map(known_person, addresses)}.values())


@pages.get("/<int:app_id>/connection/reading")
@app_manager(AppManager.OWNER)
def reading(app: App) -> Response | str | tuple[str, int]:
    if app.state == AppState.CONNECTING:
        return redirect(url_for("connect.owners", app_id=app.id), 303)
    check = asking.live(app) or asking.latest(app)
    if check is None:
        return redirect(url_for("apps.show", app_id=app.id), 303)
    values = {"progress": replace(progress_of(app, check), title=f"Reading {app.name}"), "known": _known(app)}
    if wants_part():
        return render_template("connect/_reading.html", app=app, **values)
    return _step(app, 4, "connect/reading.html", **values)


def _known(app: App) -> str:
    """How many accounts the first reading matched to people."""
    if not app.unmatched:
        return "Everyone in it is matched."
    return f"{plural(app.users - app.unmatched, 'account')} matched, {number(app.unmatched)} to match."


@pages.post("/<int:app_id>/connection/readings")
@app_manager(AppManager.OWNER)
def read_again(app: App) -> Response:
    """Read the app once more after its first reading has failed."""
    try:
        asking.ask(app, by(), CheckTrigger.CONNECT)
    except AppProblem as problem:
        return go_to(url_for("apps.show", app_id=app.id), str(problem), Tone.ATTENTION)
    return go_to(url_for("connect.reading", app_id=app.id))


@pages.get("/<int:app_id>/connection/matching")
@app_manager(AppManager.OWNER)
def match(app: App) -> Response | tuple[str, int]:
    if app.last_check_at is None:
        return redirect(url_for("connect.reading", app_id=app.id), 303)
    unmatched = member_list.search(app, Members(tab="unmatched")).rows[:UNMATCHED_SHOWN]
    likely = suggestions.suggest(app, unmatched) if may_look_for_people() else {}
    rows = [_row(account, likely.get(account.id, [])) for account in unmatched]
    values = {"rows": rows, "match_in_words": match_in_words, "some_hidden": app.unmatched > len(rows)}
    return _step(app, 5, "connect/matching.html", **values)


@dataclass(frozen=True)
class Suggestion:
    email: str
    label: str
    why: str


@dataclass(frozen=True)
class Row:
    """An account that isn't matched yet."""

    account: Account
    name: str
    email: str  # where it isn't the name already
    suggestion: Suggestion | None


def _row(account: Account, likely: list[tuple[Person, str]]) -> Row:
    name = names.account_name(account)
    return Row(account, name, account.email if account.email and account.email != name else "", _suggestion(likely))


def _suggestion(likely: list[tuple[Person, str]]) -> Suggestion | None:
    """The most likely person who has an address."""
    for person, why in likely:
        if email := names.main_email(person):
            return Suggestion(email, f"Is {person.name}", f"{email} · {why}")
    return None
