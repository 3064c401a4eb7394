"""What lists and directories say of people above who answers for them: shown with who asked, released or dismissed."""

from __future__ import annotations

from flask import Blueprint, Response, abort, url_for

from sync import held, waiting_sign_ins
from sync.models import Directory, HeldChange, Person
from sync.people import PeopleProblem
from web.answers import go_to
from web.confirming import asks_again
from web.frame import MANAGERS
from web.permissions import workspace_role
from web.security import by

pages = Blueprint("held", __name__, url_prefix="/people/held")


def told(person: Person | None = None) -> dict:
    """What waits for somebody of rank, of one person or of all: changes, each with what is so now, and sign-ins."""
    changes = [(change, held.now(change.person, change.field)) for change in held.waiting(person)]
    return {"changes": changes, "sign_ins": waiting_sign_ins.waiting(person), "seen": waiting_sign_ins.seen}


def held_of(directory: Directory) -> list[tuple[HeldChange, str]]:
    """What waits of a directory."""
    return [(change, held.now(change.person, change.field)) for change in held.waiting(directory=directory)]


@pages.post("/<int:held_id>/release")
@workspace_role(*MANAGERS)
@asks_again
def create_release(held_id: int) -> Response:
    change = _change(held_id)
    try:
        held.release(change, by())
    except PeopleProblem as problem:
        return go_to(_address(change), str(problem), "attention")
    return go_to(_address(change), f"Done: {change.field}.")


@pages.delete("/<int:held_id>")
@workspace_role(*MANAGERS)
def delete(held_id: int) -> Response:
    change = _change(held_id)
    held.dismiss(change, by())
    return go_to(_address(change), "Dismissed. Everything stays as it is.")


def _change(held_id: int) -> HeldChange:
    return HeldChange.get_or_none(HeldChange.id == held_id) or abort(404)


def _address(change: HeldChange) -> str:
    return url_for("people.show", person_id=change.person_id)
