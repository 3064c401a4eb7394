"""What an Owner sets for an app: each setting is a resource of its own, with a dialog that asks for it."""

from __future__ import annotations

import re

from flask import Blueprint, Response, abort, render_template, request, url_for

from connectors.base import ColumnsUnclear, ConnectorError
from sync import names
from sync.apps import apps, drafts, failures, standing_approvals
from sync.apps.owners import people_of
from sync.apps.standing_approvals import Given
from sync.credentials import SecretNeeded
from sync.directory import waiting_files
from sync.jobs import asking
from sync.models import App, Person
from sync.people import people, person_list
from sync.people.person_list import People
from sync.private_networks import approver
from sync.problems import AppProblem, Overtaken
from sync.reports import overview, reports
from sync.safety import guards, lost_fields
from sync.states import AppManager, Approval, AppState, PersonStatus, Tone
from sync.tasks import disconnecting
from sync.vault import VaultProblem
from web import app_alerts, columns, stale
from web.answers import INVALID, dialog, go_to, whole_number
from web.app_page import kind_of
from web.confirming import asks_again
from web.guard_forms import GUARD_WORDS, GUARDS, GuardForm
from web.patience import waits_for_a_server
from web.permissions import app_manager
from web.security import by, may_look_for_people, signed_in_person
from web.uploads import UploadProblem, entered, name_of
from web.words import plural, this_workspace

pages = Blueprint("app_settings", __name__, url_prefix="/apps/<int:app_id>")

REFUSALS = (AppProblem, ConnectorError, VaultProblem, SecretNeeded, UploadProblem)  # their words are for the page
SUGGESTED = 8
PERSON = "person "  # and their number: no address begins so


def _address(app: App) -> str:
    return url_for("apps.show", app_id=app.id)


def _asks(part: str, title: str, app: App, problem: Exception | str = "", **values) -> tuple[str, int]:
    return dialog(part, title, INVALID if problem else 200, app=app, kind=kind_of(app), problem=str(problem), **values)


@pages.get("/name")
@app_manager(AppManager.OWNER)
def name(app: App) -> tuple[str, int]:
    return _asks("apps/_name.html", f"Rename {app.name}", app, given={"name": app.name})


@pages.put("/name")
@app_manager(AppManager.OWNER)
def set_name(app: App) -> Response | tuple[str, int]:
    try:
        apps.rename(app, request.form.get("name", ""), by())
    except AppProblem as problem:
        return _asks("apps/_name.html", f"Rename {app.name}", app, problem, given=request.form)
    return go_to(_address(app), "Saved.")


@pages.get("/schedule")
@app_manager(AppManager.OWNER)
def schedule(app: App) -> tuple[str, int]:
    return _asks("apps/_schedule.html", "Daily check", app)


@pages.put("/schedule")
@app_manager(AppManager.OWNER)
def set_schedule(app: App) -> Response | tuple[str, int]:
    try:
        apps.set_schedule(app, "daily" in request.form, minute_of(request.form.get("time", "")), by())
    except AppProblem as problem:
        return _asks("apps/_schedule.html", "Daily check", app, problem)
    return go_to(_address(app), "Saved.")


def minute_of(text: str) -> int:
    """A time as a browser sends it, "04:20" or "04:20:00", as the minute of the day."""
    time = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(:[0-5]\d)?", text.strip())
    if time is None:
        raise AppProblem("Enter the time of the daily check as hours and minutes, such as 04:20.")
    return int(time[1]) * 60 + int(time[2])


POLICY = "Removals and guards"


@pages.get("/policy")
@app_manager(AppManager.OWNER)
def policy_of(app: App) -> tuple[str, int]:
    return _policy(app, _stored_policy(app))


def _stored_policy(app: App) -> dict[str, object]:
    automatic = standing_approvals.removes_leavers(app)
    given: dict[str, object] = {"removal": Approval.AUTOMATIC if automatic else Approval.ASK}
    for prefix, kind in GUARDS.items():
        guard, own = guards.guard_of(app, kind), guards.has_own_guard(app, kind)
        given |= {f"{prefix}guard": "own" if own else "workspace", f"{prefix}accounts": guard.accounts,
                  f"{prefix}percent": guard.percent}  # fmt: skip
    return given


@pages.put("/policy")
@app_manager(AppManager.OWNER)
def set_policy(app: App) -> Response | tuple[str, int]:
    given = request.form
    removal = given.get("removal") if given.get("removal") in tuple(Approval) else abort(400)
    if stale.is_stale(_stored_policy(app)):
        return _policy(app, _stored_policy(app), stale.CHANGED)
    try:
        numbers = {kind: _guard_given(given, prefix) for prefix, kind in GUARDS.items() if f"{prefix}guard" in given}
        apps.set_policy(app, removal, numbers, by())
    except AppProblem as problem:
        return _policy(app, given, problem)
    return go_to(_address(app), "Saved.")


def _guard_given(given, prefix: str) -> tuple[int | None, int | None]:
    if given[f"{prefix}guard"] == "workspace":
        return None, None
    return (_whole(given.get(f"{prefix}accounts"), "The number of people"),
            _whole(given.get(f"{prefix}percent"), "The percentage"))  # fmt: skip


def _policy(app: App, given, problem: Exception | str = "") -> tuple[str, int]:
    limit = guards.workspace_guard()
    default = f"workspace default: more than {plural(limit.accounts, 'user')} and more than {limit.percent} %"
    forms = [
        GuardForm(prefix, legend, default, given.get(f"{prefix}guard") != "workspace",
                  given.get(f"{prefix}accounts", ""), given.get(f"{prefix}percent", ""), what)
        for prefix, (legend, what) in GUARD_WORDS.items()
    ]  # fmt: skip
    automatic = given.get("removal") == Approval.AUTOMATIC
    return _asks("apps/_policy.html", POLICY, app, problem, automatic=automatic, guards=forms,
                 seen=stale.mark(_stored_policy(app)),
                 approved_by=standing_approvals.by_whom(app, Given.REMOVALS))


@pages.get("/missing-fields")
@app_manager(AppManager.OWNER)
def missing_fields(app: App) -> tuple[str, int]:
    missing = lost_fields.waiting(app)
    return _asks("apps/_missing_fields.html", "Continue without the missing fields?", app, missing=missing)


@pages.put("/missing-fields")
@app_manager(AppManager.OWNER)
def accept_missing_fields(app: App) -> Response:
    """The app no longer provides them: the next check continues with the last known values."""
    try:
        lost_fields.accept(app, by())
        asking.ask(app, by())
    except AppProblem as problem:
        return go_to(_address(app), str(problem), Tone.ATTENTION)
    return go_to(_address(app), f"{app.name} is being checked without them. The last known values are kept.")


def _whole(text: str | None, what: str) -> int:
    number = whole_number((text or "").strip())
    if number is None:
        raise AppProblem(f"{what} must be a whole number.")
    return number


@pages.get("/seat-price")
@app_manager(AppManager.OWNER)
def seat_price(app: App) -> tuple[str, int]:
    price = "" if app.seat_price is None else f"{app.seat_price / 100:.2f}".removesuffix(".00")
    return _asks("apps/_seat_price.html", "Seat price", app, given={"price": price})


@pages.put("/seat-price")
@app_manager(AppManager.OWNER)
def set_seat_price(app: App) -> Response | tuple[str, int]:
    try:
        apps.set_seat_price(app, _hundredths(request.form.get("price", "")), by())
    except AppProblem as problem:
        return _asks("apps/_seat_price.html", "Seat price", app, problem, given=request.form)
    return go_to(_address(app), "Saved.")


def _hundredths(text: str) -> int | None:
    text = text.strip().replace(",", ".")
    if not text:
        return None
    if not re.fullmatch(r"\d{1,7}(\.\d{1,2})?", text):
        raise AppProblem(f"Enter the price as a number such as 8.75, in {this_workspace().currency} a month.")
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)


@pages.get("/people/new")
@app_manager(AppManager.OWNER)
def new_person(app: App) -> tuple[str, int]:
    return _new_person(app, {"manages_as": AppManager.OWNER})


def _new_person(app: App, given, problem: Exception | str = "") -> tuple[str, int]:
    return _asks("apps/_new_person.html", "Add an Owner or a Collaborator", app, problem, given=given,
                 collaborator=given.get("manages_as") == AppManager.COLLABORATOR)


@pages.post("/people")
@app_manager(AppManager.OWNER)
@asks_again
def add_person(app: App) -> Response | tuple[str, int]:
    given = request.form
    try:
        person = known_person(given.get("email", ""))
        apps.set_manager(app, person, _manages_as(given.get("manages_as")), by())
    except AppProblem as problem:
        return _new_person(app, given, problem)
    now = _manages_as(given.get("manages_as")).capitalize()
    return go_to(_address(app), f"{person.name or given['email']} is now {now}.")


def named_in_form(person: Person) -> str:
    """The text by which known_person() finds this person: an address, or the number of someone who has none any
    longer."""
    return names.main_email(person) or f"{PERSON}{person.id}"


def known_person(email: str) -> Person:
    """The person with this address, or the one that named_in_form() named to someone who may look for people. Raises
    AppProblem if there is none."""
    number = whole_number(email.removeprefix(PERSON)) if email.startswith(PERSON) and may_look_for_people() else None
    person = people.find_by_email(email) if number is None else people.with_id(number)
    if person is None:
        who = f"Nobody in People has the address {email.strip()}" if email.strip() else "An e-mail address is missing"
        raise AppProblem(f"{who}. Nothing was changed: add them to People first, or name someone else.")
    return person


def _manages_as(text: str | None) -> str:
    return text if text in tuple(AppManager) else abort(400)


@pages.put("/people/<int:person_id>")
@app_manager(AppManager.OWNER)
@asks_again
def change_person(app: App, person_id: int) -> Response:
    return _set_manager(app, person_id, _manages_as(request.form.get("manages_as")))


@pages.delete("/people/<int:person_id>")
@app_manager(AppManager.OWNER)
@asks_again
def remove_person(app: App, person_id: int) -> Response:
    return _set_manager(app, person_id, None)


def _set_manager(app: App, person_id: int, manages_as: str | None) -> Response:
    """Only of someone who manages the app: a number alone tells nobody who someone else is."""
    person = next((row.person for row in people_of(app) if row.person_id == person_id), None) or abort(404)
    try:
        apps.set_manager(app, person, manages_as, by())
    except AppProblem as problem:
        return go_to(_address(app), f"{problem} Nothing was changed.", Tone.ATTENTION)
    word = f"is now {manages_as.capitalize()}" if manages_as else f"no longer manages {app.name}"
    return go_to(_address(app), f"{person.name or 'This person'} {word}.")


@pages.get("/people/suggestions")
@app_manager(AppManager.OWNER)
def suggestions(app: App) -> str:
    """Addresses that complete the one being typed, after the last comma."""
    typed = next((value for value in request.args.values()), "").split(",")
    words, before = typed[-1].strip(), ",".join(typed[:-1])
    found = (
        person_list.search(People(words, PersonStatus.ACTIVE)).rows[:SUGGESTED]
        if len(words) > 1 and may_look_for_people() else []
    )
    addresses = names.main_emails(person.id for person in found)
    return render_template("apps/_suggestions.html", before=f"{before}, " if before else "",
                           found=[(addresses[person.id], person.name) for person in found if person.id in addresses])


@pages.get("/credential")
@app_manager(AppManager.OWNER)
def credential(app: App) -> tuple[str, int]:
    return _credential(app, app.settings)


def _credential(app: App, given, problem: str = "") -> tuple[str, int]:
    return _asks("apps/_credential.html", f"Credential for {app.name}", app, problem, given=given,
                 seen=stale.mark(app.settings))


@pages.put("/credential")
@app_manager(AppManager.OWNER)
@asks_again
@waits_for_a_server
def set_credential(app: App) -> Response | tuple[str, int]:
    if stale.is_stale(app.settings):
        return _credential(app, app.settings, stale.CHANGED)
    kind = kind_of(app)
    file_name = next((name_of(field.name) for field in kind.fields if field.upload), "")
    try:
        values = entered(kind, app.settings)
        identity = apps.replace_credential(app, values, by(), approver(signed_in_person()))
        if app.is_active:
            return go_to(_address(app), f"{identity.name}: the app is being checked with it.")
    except ColumnsUnclear:
        return go_to(columns.address_of(waiting_files.for_export(signed_in_person(), app, values, file_name)))
    except Overtaken as problem:
        app = App.get_by_id(app.id)
        return _credential(app, app.settings, str(problem))
    except REFUSALS as problem:
        return _credential(app, request.form, f"{problem} The current credential is still in use.")
    return go_to(_address(app), f"Connection works: {identity.name}.")


@pages.post("/tests")
@app_manager(AppManager.OWNER)
@waits_for_a_server
def create_test(app: App) -> tuple[str, int]:
    """Test whether the credential still works, and what it may do."""
    title = f"Test of {app.name}"
    try:
        identity = apps.retest(app, by())
    except REFUSALS as problem:
        app = App.get_by_id(app.id)
        words = failures.in_app(app, problem).words
        return dialog("apps/_tested.html", title, app=app, problem=words, fixes=app_alerts.fixes(app))
    to_check = app.is_active and App.get_by_id(app.id).failures > 0
    return dialog("apps/_tested.html", title, app=app, identity=identity, to_check=to_check)


@pages.post("/pause")
@app_manager(AppManager.OWNER)
def pause(app: App) -> Response:
    apps.pause(app, by())
    return go_to(_address(app), f"{app.name} is paused: no checks and no removals until you resume it.")


@pages.delete("/pause")
@app_manager(AppManager.OWNER)
def resume(app: App) -> Response:
    try:
        apps.resume(app, by())
    except AppProblem as problem:
        return go_to(_address(app), str(problem), Tone.ATTENTION)
    return go_to(_address(app), f"{app.name} is checked again.")


@pages.get("/disconnection")
@app_manager(AppManager.OWNER)
def disconnection(app: App) -> tuple[str, int]:
    return _disconnection(app)


def _disconnection(app: App, problem: str = "") -> tuple[str, int]:
    report = reports.open_report(app)
    waiting = sum(vars(overview.confirmable(report)).values()) if report else 0
    undone = disconnecting.undone(app)
    return _asks("apps/_disconnection.html", f"Disconnect {app.name}?", app, problem,
                 waiting=plural(waiting, "change is waiting", "changes are waiting") if waiting else "",
                 tasks=plural(undone.tasks, "task that isn't done is", "tasks that aren't done are") if undone.tasks
                 else "", requests=_requests_left(undone.requests))


@pages.delete("")
@app_manager(AppManager.OWNER)
def disconnect(app: App) -> Response | tuple[str, int]:
    if app.state == AppState.CONNECTING:
        drafts.discard(app)
        return go_to(url_for("apps.index"), "The draft is deleted. Nothing was connected.")
    if request.form.get("name", "").strip() != app.name:
        return _disconnection(app, f"Type the app's name, {app.name}, to confirm. Nothing was changed.")
    left = _requests_left(disconnecting.undone(app).requests)
    try:
        disconnecting.disconnect(app, by())
    except AppProblem as problem:
        return _disconnection(app, str(problem))
    done = f"{app.name} is disconnected. Nobody was removed from it."
    return go_to(url_for("apps.index"), f"{done} {left} Reject it there." if left else done)


def _requests_left(count: int) -> str:
    """What the app may still do, since someone can approve it there."""
    return f"{plural(count, 'request still waits', 'requests still wait')} in the app for approval." if count else ""
