"""The directories that people come from: connected in three steps, read, held back by the guard, released, removed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from flask import Blueprint, Response, abort, render_template, request, url_for
from peewee import fn

from connectors.base import ConnectorError
from sync import (
    columns,
    directories,
    directory_guard,
    directory_preview,
    directory_rules,
    directory_state,
    precedence,
    push,
    vouching,
    waiting_files,
)
from sync.credentials import SecretNeeded
from sync.directories import LIVE, DirectoryProblem
from sync.models import Directory, DirectoryEntry, DirectoryReading
from sync.reach import approver
from sync.vault import VaultProblem
from web import columns as column_pages
from web import held
from web.answers import INVALID, dialog, go_to, page_or_part, wants_part
from web.confirming import asks_again
from web.directory_tokens import address
from web.frame import MANAGERS
from web.permissions import workspace_role
from web.security import by, signed_in_person
from web.uploads import UploadProblem, entered, name_of
from web.words import plural

pages = Blueprint("directories", __name__, url_prefix="/directories")

READINGS_SHOWN = 10
HELD_SHOWN = 200
OUTCOMES = {"left": "has left", "locked": "is locked", "here": "is still here"}  # of a rule
REFUSALS = (DirectoryProblem, ConnectorError, VaultProblem, SecretNeeded, UploadProblem)  # their words are for the page


@pages.get("")
@workspace_role(*MANAGERS)
def index() -> str:
    return render_template("directories/index.html", directories=[_told(one) for one in precedence.in_order()])


@pages.get("/new")
@workspace_role(*MANAGERS)
def new() -> str:
    return render_template("directories/choose.html", kinds=[*directories.catalogue(), push.KIND])


@pages.get("/new/<kind>")
@workspace_role(*MANAGERS)
def new_of_kind(kind: str) -> str:
    return render_template("directories/connect.html", kind=_kind(kind), given={})


@pages.post("/new/<kind>/tests")
@workspace_role(*MANAGERS)
def create_test(kind: str) -> str | tuple[str, int]:
    """Try the values without keeping them."""
    values = {"kind": _kind(kind), "given": request.form}
    try:
        values["identity"] = directories.test(kind, _values(kind), approver(signed_in_person()))
    except REFUSALS as problem:
        values["problem"] = str(problem)
    status = INVALID if "problem" in values else 200
    return page_or_part("directories/connect.html", "directories/_test.html", **values), status


@pages.post("/new/<kind>")
@workspace_role(*MANAGERS)
@asks_again
def create(kind: str) -> Response | tuple[str, int]:
    given = request.form
    try:
        values = _values(kind)
        if columns.takes_a_mapping(_kind(kind)) and _asks_first(kind, values):
            waiting = waiting_files.for_directory(signed_in_person(), kind, given.get("directory_name", ""), values,
                                                  name_of("text") or Path(values.get("file", "")).name)
            return go_to(column_pages.address_of(waiting))
        directory = directories.connect(kind, given.get("directory_name", ""), values, by(),
                                        approver(signed_in_person()))
    except REFUSALS as problem:
        values = {"kind": _kind(kind), "given": given, "problem": str(problem)}
        return page_or_part("directories/connect.html", "directories/_test.html", **values), INVALID
    return go_to(address_of(directory), f"{directory.name} is connected. Its first reading has started.")


def _asks_first(kind: str, values: dict[str, str]) -> bool:
    """Whether a page asks what the columns mean. A file on the server in which no column is known may be any file:
    what is in it isn't shown, and connecting says what is missing."""
    found = columns.of_values(directories.connector_class(kind), directories.cleaned(kind, values))
    foreign = values.get("file") and any(question.kind in ("file", "needed") for question in found.questions)
    return columns.is_to_be_looked_at(found) and not foreign


@pages.get("/<int:directory_id>")
@workspace_role(*MANAGERS)
def show(directory_id: int) -> str:
    told = _told(_directory(directory_id))
    if told["pushed"]:
        return _pushed(told)
    if wants_part():
        return render_template("directories/_state.html", told=told)
    readings = DirectoryReading.select().where(DirectoryReading.directory == told["directory"])
    uploaded = directories.takes_files(told["directory"])
    return render_template(
        "directories/show.html", told=told, held=directories.held(told["directory"]), shown=HELD_SHOWN,
        is_list=directories.is_list(told["directory"]), uploaded=uploaded,
        handed_over=directory_preview.handed_over(told["directory"]),
        waiting=uploaded and directory_preview.pending(told["directory"]) is not None,
        waits=held.waiting_of(told["directory"]), rules=_rules(told["directory"]), outcomes=OUTCOMES,
        readings=list(readings.order_by(DirectoryReading.id.desc()).limit(READINGS_SHOWN)),
    )


def _rules(directory: Directory) -> list | None:
    """What ends an account there, as its administrator says; None where that can't be said."""
    return directory_rules.rules_of(directory) if directory_rules.takes_rules(directory) else None


def _pushed(told: dict) -> str:
    directory = told["directory"]
    return render_template(
        "directories/pushed.html", told=told, held=directories.held(directory), shown=HELD_SHOWN, address=address(),
        tokens=push.tokens(directory), unclear=push.unclear(directory), waits=held.waiting_of(directory),
    )  # fmt: skip


@pages.post("/<int:directory_id>/readings")
@workspace_role(*MANAGERS)
def create_reading(directory_id: int) -> Response:
    directory = _directory(directory_id)
    try:
        directories.ask(directory, by())
    except DirectoryProblem as problem:
        return go_to(address_of(directory), str(problem), "attention")
    return go_to(address_of(directory), f"{directory.name} is being read.")


@pages.get("/<int:directory_id>/release")
@workspace_role(*MANAGERS)
def release(directory_id: int) -> tuple[str, int]:
    directory = _directory(directory_id)
    waiting = directories.held(directory)
    return dialog("directories/_release.html", f"Let the changes of {directory.name} through?",
                  directory=directory, held=waiting, seen=directory_guard.seen(waiting))


@pages.post("/<int:directory_id>/release")
@workspace_role(*MANAGERS)
@asks_again
def create_release(directory_id: int) -> Response:
    directory = _directory(directory_id)
    try:
        count = directories.release(directory, by(), request.form.get("seen", ""))
    except DirectoryProblem as problem:
        return go_to(address_of(directory), str(problem), "attention")
    return go_to(address_of(directory), f"Taken over for {plural(count, 'person', 'people')}.")


@pages.post("/<int:directory_id>/pause")
@workspace_role(*MANAGERS)
def pause(directory_id: int) -> Response:
    directory = _directory(directory_id)
    directory_state.pause(directory, by())
    return go_to(address_of(directory), f"{directory.name} is paused: its people stay as they are.")


@pages.delete("/<int:directory_id>/pause")
@workspace_role(*MANAGERS)
def resume(directory_id: int) -> Response:
    directory = _directory(directory_id)
    directory_state.resume(directory, by())
    again = "is taken in again" if push.is_pushed(directory) else "is read again"
    return go_to(address_of(directory), f"{directory.name} {again}.")


@pages.get("/<int:directory_id>/credential")
@workspace_role(*MANAGERS)
def credential(directory_id: int) -> tuple[str, int]:
    directory = _directory(directory_id)
    return _credential(directory, directory.settings)


@pages.put("/<int:directory_id>/credential")
@workspace_role(*MANAGERS)
@asks_again
def set_credential(directory_id: int) -> Response | tuple[str, int]:
    directory = _directory(directory_id)
    try:
        values = _values(directory.kind, directory.settings)
        identity = directories.reconnect(directory, values, by(), approver(signed_in_person()))
    except REFUSALS as problem:
        return _credential(directory, request.form, INVALID, str(problem))
    return go_to(address_of(directory), f"It works: {identity.name}.")


def _credential(directory: Directory, given, status: int = 200, problem: str = "") -> tuple[str, int]:
    return dialog("directories/_credential.html", f"How {directory.name} is read", status,
                  directory=directory, kind=_kind(directory.kind), given=given, problem=problem)


@pages.get("/<int:directory_id>/voucher")
@workspace_role("owner")
def voucher(directory_id: int) -> tuple[str, int]:
    directory = _directory(directory_id)
    return dialog("directories/_voucher.html", f"May {directory.name} change Owners and admins?", directory=directory)


@pages.post("/<int:directory_id>/voucher")
@workspace_role("owner")
@asks_again
def create_voucher(directory_id: int) -> Response:
    directory = _directory(directory_id)
    vouching.vouch(directory, by())
    return go_to(address_of(directory), f"{directory.name} may change Owners and admins from its next reading on.")


@pages.delete("/<int:directory_id>/voucher")
@workspace_role("owner")
def delete_voucher(directory_id: int) -> Response:
    directory = _directory(directory_id)
    vouching.stop_vouching(directory, by())
    return go_to(address_of(directory), f"What {directory.name} says of Owners and admins is held from now on.")


@pages.get("/<int:directory_id>/removal")
@workspace_role(*MANAGERS)
def removal(directory_id: int) -> tuple[str, int]:
    directory = _directory(directory_id)
    return dialog("directories/_removal.html", f"Remove {directory.name}?", told=_told(directory))


@pages.delete("/<int:directory_id>")
@workspace_role(*MANAGERS)
def delete(directory_id: int) -> Response:
    directory = _directory(directory_id)
    directory_state.remove(directory, by())
    return go_to(url_for("directories.index"), f"{directory.name} was removed. Its people stay as they are.")


def _told(directory: Directory) -> dict:
    """What the pages say of a directory: its kind, whom it knows, the reading under way, how many are held."""
    by_status = (
        DirectoryEntry.select(DirectoryEntry.status, fn.COUNT(DirectoryEntry.id))
        .where(DirectoryEntry.directory == directory)
        .group_by(DirectoryEntry.status)
    )
    counted = DirectoryEntry.select().where(
        DirectoryEntry.directory == directory, DirectoryEntry.status != DirectoryEntry.reported
    )
    live = DirectoryReading.get_or_none(DirectoryReading.directory == directory, DirectoryReading.state.in_(LIVE))
    told = {"directory": directory, "people": dict(by_status.tuples()), "held": counted.count(), "live": live,
            "answers": vouching.answers_in_words(directory), "changes_all": vouching.rank_of_directory(directory) == 0}
    if push.is_pushed(directory):
        more = {"kind": push.KIND, "last_request": push.last_request(directory), "counts": push.counts(directory)}
        return told | more | {"pushed": True}
    return told | {"kind": _kind(directory.kind), "pushed": False}


def _kind(slug: str):
    try:
        return directories.connector_class(slug)
    except DirectoryProblem:
        abort(404)


def _values(slug: str, stored: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """What the form gives for the fields of this kind, and nothing else of it."""
    return entered(_kind(slug), stored)


def _directory(directory_id: int) -> Directory:
    return Directory.get_or_none(Directory.id == directory_id) or abort(404)


def address_of(directory: Directory) -> str:
    return url_for("directories.show", directory_id=directory.id)
