"""What keeps the accounts of a person who has left: a legal hold, or a date until which they are kept."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, Response, request

from sync.models import Person
from sync.names import person_name
from sync.people import holds
from sync.people.holds import KeepingProblem
from sync.workspace import today
from web.answers import INVALID, dialog, go_to
from web.frame import MANAGERS
from web.people import person_address, person_below
from web.permissions import workspace_role
from web.security import by
from web.words import calendar_day

pages = Blueprint("keeping", __name__, url_prefix="/people/<int:person_id>")


@pages.get("/hold")
@workspace_role(*MANAGERS)
def hold(person_id: int) -> tuple[str, int]:
    return _hold(person_below(person_id))


def _hold(person: Person, status: int = 200, problem: str = "") -> tuple[str, int]:
    planned = holds.scheduled(person)
    return dialog("people/_hold.html", f"Legal hold for {person_name(person)}", status, person=person, problem=problem,
                  planned_for=calendar_day(planned.remove_on) if planned else "",
                  button_label="Set the hold" if person.legal_hold_reason is None else "Save")


@pages.put("/hold")
@workspace_role(*MANAGERS)
def set_hold(person_id: int) -> Response | tuple[str, int]:
    person = person_below(person_id)
    try:
        holds.hold(person, request.form.get("reason", ""), by())
    except KeepingProblem as problem:
        return _hold(person, INVALID, str(problem))
    name = person_name(person)
    return go_to(person_address(person), f"{name} is on legal hold. Their accounts are kept until it is lifted.")


@pages.delete("/hold")
@workspace_role(*MANAGERS)
def lift(person_id: int) -> Response:
    person = person_below(person_id)
    holds.lift(person, by())
    return go_to(person_address(person), "The legal hold was lifted.")


@pages.get("/remove-on")
@workspace_role(*MANAGERS)
def remove_on(person_id: int) -> tuple[str, int]:
    return _remove_on(person_below(person_id))


def _remove_on(person: Person, status: int = 200, problem: str = "", day: str | None = None) -> tuple[str, int]:
    name = person_name(person)
    return dialog("people/_remove_on.html", f"Keep {name}'s accounts until a date", status, person=person, name=name,
                  problem=problem, day=day if day is not None else person.remove_on or "",
                  tomorrow=today() + timedelta(days=1), planned=holds.scheduled(person))


@pages.put("/remove-on")
@workspace_role(*MANAGERS)
def set_remove_on(person_id: int) -> Response | tuple[str, int]:
    person, text = person_below(person_id), request.form.get("day", "").strip()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _remove_on(person, INVALID, "Choose a future date.", text)
    try:
        holds.keep_until(person, day, by())
    except KeepingProblem as problem:
        return _remove_on(person, INVALID, str(problem), text)
    return go_to(person_address(person), "Saved. Once they have left, their accounts are kept until that date.")


@pages.delete("/remove-on")
@workspace_role(*MANAGERS)
def clear_remove_on(person_id: int) -> Response | tuple[str, int]:
    person = person_below(person_id)
    try:
        holds.keep_until(person, None, by())
    except KeepingProblem as problem:
        return _remove_on(person, INVALID, str(problem))
    return go_to(person_address(person), "Cleared. Their accounts are no longer kept until a date.")
