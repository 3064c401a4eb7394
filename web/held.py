"""Held changes, to be released or dismissed: what a list or a directory reports about people of higher rank, and what
a list reports about people who have left."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from flask import Blueprint, Response, url_for

from sync.models import Directory, HeldChange, Person, WaitingSignIn
from sync.names import directory_in, short_name
from sync.people import held
from sync.people.people import PeopleProblem
from sync.sign_in import waiting as waiting_sign_ins
from sync.states import Tone, WorkspaceRole
from web.answers import go_to
from web.confirming import asks_again
from web.frame import MANAGERS
from web.permissions import outranks, workspace_role
from web.rows import row_or_404
from web.security import by, signed_in_person

SHOWN = 50

pages = Blueprint("held", __name__, url_prefix="/people/held")


@dataclass(frozen=True)
class ChangeRow:
    """A held change: what it would set, what is set now, and who asked for it."""

    id: int
    person: Person
    name: str
    role: str
    label: str
    about: str
    now: str
    value: str
    asked_by: str
    created_at: datetime
    may_decide: bool


@dataclass(frozen=True)
class SignInRow:
    """A first sign-in that an Owner may approve; `seen` is the mark of what is shown."""

    id: int
    person: Person
    name: str
    role: str
    email: str
    provider: str
    created_at: datetime
    why: str
    seen: str


@dataclass(frozen=True)
class Waiting:
    """Everything that waits for a person of higher rank."""

    changes: list[ChangeRow]
    more: int = 0  # changes that aren't shown yet
    sign_ins: list[SignInRow] = field(default_factory=list)
    may_approve: bool = False


def waiting(person: Person | None = None) -> Waiting:
    """What waits for a decision about this person, or about anyone."""
    sign_ins = [_sign_in_row(row) for row in waiting_sign_ins.waiting(person)]
    changes = held.waiting(person)
    return Waiting(*_rows(changes), sign_ins, signed_in_person().workspace_role == WorkspaceRole.OWNER)


def waiting_of(directory: Directory) -> Waiting:
    """The held changes that this directory asked for."""
    return Waiting(*_rows(held.waiting(directory=directory)))


def _rows(changes: list[HeldChange]) -> tuple[list[ChangeRow], int]:
    """The first changes, and how many more there are: a removed directory may leave hundreds."""
    return [_change_row(change) for change in changes[:SHOWN]], max(0, len(changes) - SHOWN)


def _change_row(change: HeldChange) -> ChangeRow:
    asked_by = change.directory.name if change.directory_id else f"{short_name(change.asked_by)}, in an import"
    if not change.directory_id and (removed := directory_in(change.asked_by)):
        asked_by = f"{removed}, which was removed"
    return ChangeRow(
        change.id, change.person, change.person.name or change.value, _role(change.person), change.field.capitalize(),
        f"{change.field} {change.value}", held.now(change.person, change.field), change.value, asked_by,
        change.created_at, outranks(signed_in_person(), change.person),
    )


def _sign_in_row(row: WaitingSignIn) -> SignInRow:
    return SignInRow(row.id, row.person, row.person.name or row.email, _role(row.person), row.email, row.label,
                     row.created_at, row.why, waiting_sign_ins.seen(row))


def _role(person: Person) -> str:
    return (person.workspace_role or "").capitalize()


@pages.post("/<int:held_id>/release")
@workspace_role(*MANAGERS)
@asks_again
def create_release(held_id: int) -> Response:
    change = _change(held_id)
    try:
        is_done = held.release(change, by())
    except PeopleProblem as problem:
        return go_to(_address(change), str(problem), Tone.ATTENTION)
    return _decided(change, is_done, f"Released: the {change.field} was changed.")


@pages.delete("/<int:held_id>")
@workspace_role(*MANAGERS)
def delete(held_id: int) -> Response:
    change = _change(held_id)
    return _decided(change, held.dismiss(change, by()), "Dismissed. Nothing was changed.")


def _decided(change: HeldChange, is_done: bool, outcome: str) -> Response:
    """`is_done`: by this request. Someone may have decided otherwise while the page was open."""
    if is_done:
        return go_to(_address(change), outcome)
    before = HeldChange.get_by_id(change.id).state
    return go_to(_address(change), f"This change was already {before}. Nothing was changed now.", Tone.ATTENTION)


def _change(held_id: int) -> HeldChange:
    return row_or_404(HeldChange, held_id)


def _address(change: HeldChange) -> str:
    return url_for("people.show", person_id=change.person_id)
