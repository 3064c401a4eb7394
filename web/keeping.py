"""What keeps the seats of a person: the day on which they are removed, and a legal hold."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, Response, request

from sync import keeping
from sync.keeping import KeepingProblem
from sync.models import Person
from sync.names import person_name
from sync.workspace import today
from web.answers import INVALID, dialog, go_to
from web.frame import MANAGERS
from web.people import person_address, person_below
from web.permissions import workspace_role
from web.security import by

pages = Blueprint("keeping", __name__, url_prefix="/people/<int:person_id>")


@pages.get("/hold")
@workspace_role(*MANAGERS)
def hold(person_id: int) -> tuple[str, int]:
    return _hold(person_below(person_id))


def _hold(person: Person, status: int = 200, problem: str = "") -> tuple[str, int]:
    title = f"Legal hold for {person_name(person)}"
    return dialog("people/_hold.html", title, status, person=person, problem=problem, head=title,
                  planned=keeping.scheduled(person))


@pages.put("/hold")
@workspace_role(*MANAGERS)
def set_hold(person_id: int) -> Response | tuple[str, int]:
    person = person_below(person_id)
    try:
        keeping.hold(person, request.form.get("reason", ""), by())
    except KeepingProblem as problem:
        return _hold(person, INVALID, str(problem))
    said = f"On legal hold: nothing of {person_name(person)}'s is removed until it is lifted."
    return go_to(person_address(person), said)


@pages.delete("/hold")
@workspace_role(*MANAGERS)
def lift(person_id: int) -> Response:
    person = person_below(person_id)
    keeping.lift(person, by())
    return go_to(person_address(person), "The legal hold is lifted.")


@pages.get("/remove-on")
@workspace_role(*MANAGERS)
def remove_on(person_id: int) -> tuple[str, int]:
    return _remove_on(person_below(person_id))


def _remove_on(person: Person, status: int = 200, problem: str = "", day: str | None = None) -> tuple[str, int]:
    title = f"Keep {person_name(person)}'s seats until a day"
    return dialog("people/_remove_on.html", title, status, person=person, problem=problem, head=title,
                  day=day if day is not None else person.remove_on or "", tomorrow=today() + timedelta(days=1),
                  planned=keeping.scheduled(person))


@pages.put("/remove-on")
@workspace_role(*MANAGERS)
def set_remove_on(person_id: int) -> Response | tuple[str, int]:
    person, text = person_below(person_id), request.form.get("day", "").strip()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _remove_on(person, INVALID, "Choose a day after today.", text)
    try:
        keeping.keep_until(person, day, by())
    except KeepingProblem as problem:
        return _remove_on(person, INVALID, str(problem), text)
    return go_to(person_address(person), "Saved. Until that day nobody is asked to remove them, once they have left.")


@pages.delete("/remove-on")
@workspace_role(*MANAGERS)
def clear_remove_on(person_id: int) -> Response | tuple[str, int]:
    person = person_below(person_id)
    try:
        keeping.keep_until(person, None, by())
    except KeepingProblem as problem:
        return _remove_on(person, INVALID, str(problem))
    return go_to(person_address(person), "Cleared. No day keeps the seats any more.")
