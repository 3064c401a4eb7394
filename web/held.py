"""Held changes, to be released or dismissed: what a list or a directory reports about people of higher rank, and what
a list reports about people who have left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask import Blueprint, Response, request, url_for

from sync.models import Directory, HeldChange, Person, WaitingSignIn
from sync.names import directory_in, short_name
from sync.people import held, held_answered, held_together
from sync.people.held_together import Together
from sync.people.people import PeopleProblem
from sync.rank import Asker
from sync.sign_in import waiting as waiting_sign_ins
from sync.states import HeldField, PersonStatus, Tone, WorkspaceRole
from sync.words import listed
from web.answers import dialog, go_to
from web.confirming import asks_again
from web.frame import MANAGERS
from web.permissions import outranks, workspace_role
from web.rows import row_or_404
from web.security import by, signed_in_person
from web.words import plural, this_workspace

SHOWN = 50
NAMED = 5  # in a dialog

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
    note: str = ""  # which directories have the person now, or say that they have left


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
class AskerRow:
    """Who asked for several changes that this person may decide at once; by `key`, and how many."""

    key: str
    name: str
    count: int


@dataclass(frozen=True)
class Waiting:
    """Everything that waits for a person of higher rank."""

    changes: list[ChangeRow]
    more: int = 0  # changes that aren't shown yet
    askers: list[AskerRow] = field(default_factory=list)
    sign_ins: list[SignInRow] = field(default_factory=list)
    may_approve: bool = False

    @property
    def count(self) -> int:
        return len(self.changes) + self.more


def waiting(person: Person | None = None) -> Waiting:
    """What waits for a decision about this person, or about anyone."""
    sign_ins = [_sign_in_row(row) for row in waiting_sign_ins.waiting(person)]
    changes = held.waiting(person)
    may_approve = signed_in_person().workspace_role == WorkspaceRole.OWNER
    return Waiting(*_rows(changes), [] if person else _askers(changes), sign_ins, may_approve)


def waiting_of(directory: Directory) -> Waiting:
    """The held changes that this directory asked for, and those that one with its name left when it was removed."""
    changes = [*held.waiting(directory=directory), *held.left_by(directory)]
    return Waiting(*_rows(changes), _askers(changes))


def left_by_removed() -> list[AskerRow]:
    """The directories that were removed, with how many held changes each has left for the signed-in person."""
    left = [change for change in held.waiting() if change.directory_id is None and directory_in(change.asked_by)]
    together = held_together.by_asker(left, signed_in_person().workspace_role)
    return [_asker_row(one) for one in together if one.changes]


def _askers(changes: list[HeldChange]) -> list[AskerRow]:
    """Those who asked for several that the signed-in person may decide."""
    role = signed_in_person().workspace_role
    return [_asker_row(one) for one in held_together.by_asker(changes, role) if one.changes[1:]]


def _rows(changes: list[HeldChange]) -> tuple[list[ChangeRow], int]:
    """The first changes, and how many more there are: a removed directory may leave hundreds."""
    shown = changes[:SHOWN]
    having, left = held_answered.having_them(shown), held_answered.left_by_them(shown)
    rows = [_change_row(change, having.get(change.id, ()), left.get(change.id, ())) for change in shown]
    return rows, max(0, len(changes) - SHOWN)


def _asker_row(together: Together) -> AskerRow:
    return AskerRow(together.key, _asked_by(together.changes[0]), len(together.changes))


def _asked_by(change: HeldChange) -> str:
    if change.directory_id:
        return change.directory.name
    removed = directory_in(change.asked_by)
    return f"{removed}, which was removed" if removed else f"{short_name(change.asked_by)}, in an import"


def _change_row(change: HeldChange, having: Sequence[Directory] = (), left: Sequence[Directory] = ()) -> ChangeRow:
    has_them, they_left = (listed([directory.name for directory in found]) for found in (having, left))
    note = f"They are in {has_them} now." if has_them else they_left and f"They have left {they_left} since then."
    return ChangeRow(
        change.id, change.person, change.person.name or change.value, _role(change.person), change.field.capitalize(),
        f"{change.field} {change.value}", held.now(change.person, change.field), change.value, _asked_by(change),
        change.created_at, outranks(signed_in_person(), change.person),
        f"{note} If that is up to date, dismiss this." if note else "",
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


@pages.get("/together/<asker>/release")
@workspace_role(*MANAGERS)
def release_all(asker: str) -> tuple[str, int]:
    return _all(asker, "Release", url_for("held.create_release_of_all", asker=asker), icon="check")


@pages.post("/together/<asker>/release")
@workspace_role(*MANAGERS)
@asks_again
def create_release_of_all(asker: str) -> Response:
    return _decide_all(held_together.release, asker, "Released")


@pages.get("/together/<asker>/dismissal")
@workspace_role(*MANAGERS)
def dismiss_all(asker: str) -> tuple[str, int]:
    return _all(asker, "Dismiss", url_for("held.create_dismissal_of_all", asker=asker))


@pages.post("/together/<asker>/dismissal")
@workspace_role(*MANAGERS)
@asks_again
def create_dismissal_of_all(asker: str) -> Response:
    return _decide_all(held_together.dismiss, asker, "Dismissed")


def _all(asker: str, verb: str, address: str, icon: str = "") -> tuple[str, int]:
    """The dialog that says what happens to how many people. The form is sent to `address`."""
    together = held_together.of_asker(asker, signed_in_person().workspace_role)
    changes = together.changes
    named = changes[:NAMED]
    to_status = Counter(change.value for change in changes if change.field == HeldField.STATUS)
    leave, back = to_status[PersonStatus.DEPROVISIONED], to_status[PersonStatus.ACTIVE]
    leaves_me = (HeldField.STATUS, PersonStatus.DEPROVISIONED, signed_in_person().id)
    return dialog(
        "people/_held_together.html", f"{verb} {plural(len(changes), 'held change')}?", verb=verb, address=address,
        icon=icon, releases=verb == "Release", together=together, asked_by=_asked_by(changes[0]) if changes else "",
        grace_days=this_workspace().grace_days if changes and held.is_of_a_directory(changes[0]) else 0,
        leave=leave, back=back, others=len(changes) - leave - back, rows=[_change_row(change) for change in named],
        unnamed=len(changes) - len(named),
        is_me=any((change.field, change.value, change.person_id) == leaves_me for change in changes),
    )  # fmt: skip


def _decide_all(decide: Callable[[str, Asker, str], int], asker: str, outcome: str) -> Response:
    try:
        count = decide(asker, by(), request.form.get("seen", ""))
    except PeopleProblem as problem:
        return go_to(url_for("people.index"), str(problem), Tone.ATTENTION)
    return go_to(url_for("people.index"), f"{outcome}: {plural(count, 'held change')}.")
