"""The directories that people come from: connect them in three steps, read, pause and remove them, release changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for

from connectors.base import ColumnsUnclear, ConnectorError
from sync.credentials import SecretNeeded
from sync.directory import directories, list_age, precedence, push, releases, waiting_files
from sync.directory import figures as directory_figures
from sync.directory import preview as directory_preview
from sync.directory import state as directory_state
from sync.directory.directories import DirectoryProblem
from sync.files import columns
from sync.home import setup_steps
from sync.matching import vouching
from sync.models import Directory
from sync.private_networks import approver
from sync.problems import Overtaken
from sync.states import Tone, WorkspaceRole
from sync.vault import VaultProblem
from web import columns as column_pages
from web import directory_view, held, stale
from web.answers import INVALID, dialog, go_to, page_or_part, wants_part
from web.confirming import asks_again
from web.directory_tokens import address
from web.directory_view import Overview
from web.frame import MANAGERS
from web.patience import waits_for_a_server
from web.permissions import workspace_role
from web.rows import row_or_404
from web.security import by, signed_in_person
from web.uploads import UploadProblem, entered, name_of
from web.words import plural

if TYPE_CHECKING:
    from connectors import Proposal

pages = Blueprint("directories", __name__, url_prefix="/directories")

READINGS_SHOWN = 10
OF_WHOM = {"yes": True, "no": False}  # the changes to release: of people who are back, or of all others
REFUSALS = (DirectoryProblem, ConnectorError, VaultProblem, SecretNeeded, UploadProblem)  # shown on the page


@pages.get("")
@workspace_role(*MANAGERS)
def index() -> str:
    cards = directory_view.cards([_overview(directory) for directory in precedence.in_order()])
    left = held.left_by_removed()
    return render_template("directories/index.html", cards=cards, several=len(cards) > 1, left=left)


@pages.get("/new")
@workspace_role(*MANAGERS)
def new() -> str:
    return render_template("directories/choose.html", kinds=[*directories.catalogue(), push.KIND])


@pages.get("/new/<kind>")
@workspace_role(*MANAGERS)
def new_of_kind(kind: str) -> str:
    given = {} if current_app.config["ROLLCALL"].files else {"source": "upload"}  # without them, upload it
    return render_template("directories/connect.html", kind=_kind(kind), given=given)


@pages.post("/new/<kind>/tests")
@workspace_role(*MANAGERS)
@waits_for_a_server
def create_test(kind: str) -> str | tuple[str, int]:
    """Test the values without storing them."""
    values = {"kind": _kind(kind), "given": request.form}
    try:
        values["identity"] = directories.test(kind, _values(kind), approver(signed_in_person()))
    except ColumnsUnclear as unclear:
        values["problem" if _is_foreign(request.form, unclear.proposal) else "question"] = str(unclear)
    except REFUSALS as problem:
        values["problem"] = str(problem)
    status = INVALID if "problem" in values else 200
    return page_or_part("directories/connect.html", "directories/_test.html", **values), status


@pages.post("/new/<kind>")
@workspace_role(*MANAGERS)
@asks_again
@waits_for_a_server
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
    """True if a page must ask what the columns mean. A file on the server without a known column may be any file: its
    contents aren't shown, and connecting reports what is missing."""
    found = columns.of_values(directories.connector_class(kind), directories.cleaned(kind, values))
    return columns.is_to_be_looked_at(found) and not _is_foreign(values, found)


def _is_foreign(values: Mapping[str, str], found: Proposal) -> bool:
    return bool(values.get("file")) and any(question.doubts_the_file for question in found.questions)


@pages.get("/<int:directory_id>")
@workspace_role(*MANAGERS)
def show(directory_id: int) -> str:
    directory = _directory(directory_id)
    overview = _overview(directory)
    if overview.pushed:
        return _pushed(overview)
    rows = directory_view.reading_rows(directory_figures.readings_of(directory, READINGS_SHOWN))
    changing = {"failure": directory_view.failure(directory), "readings": rows}
    if wants_part():
        return render_template("directories/_read_again.html", overview=overview, **changing)
    return render_template(
        "directories/show.html", **_head(overview), **changing,
        uploaded_at=list_age.uploaded_at(directory),
        waiting=overview.uploaded and directory_preview.pending(directory) is not None,
        rules=directory_view.rule_lines(directory), unread=directory_view.unread(directory),
    )


def _head(overview: Overview) -> dict[str, Any]:
    """What the pages of every directory show: its state and what is held."""
    directory = overview.directory
    return {
        "overview": overview, "held": directory_view.held(directories.held(directory)),
        "waits": held.waiting_of(directory), "first_app": setup_steps.lacks_an_app(),
        "may_vouch": signed_in_person().workspace_role == WorkspaceRole.OWNER,
    }  # fmt: skip


def _pushed(overview: Overview) -> str:
    tokens = directory_view.token_rows(push.tokens(overview.directory))
    ended, since = push.ended_in_use(overview.directory), overview.directory.missing_since
    return render_template(
        "directories/pushed.html", **_head(overview), address=address(), tokens=tokens,
        rows=tokens + directory_view.token_rows(ended),
        refused=next((token for token in ended if since and token.refused_at >= since), None),
        several_tokens=len(tokens) > 1,
        unclear=directory_view.unclear_users(overview.directory)[:directory_view.HELD_SHOWN],
    )  # fmt: skip


@pages.post("/<int:directory_id>/readings")
@workspace_role(*MANAGERS)
def create_reading(directory_id: int) -> Response:
    directory = _directory(directory_id)
    try:
        directories.ask(directory, by())
    except DirectoryProblem as problem:
        return go_to(address_of(directory), str(problem), Tone.ATTENTION)
    return go_to(address_of(directory), f"{directory.name} is being read.")


@pages.get("/<int:directory_id>/release")
@workspace_role(*MANAGERS)
def release(directory_id: int) -> tuple[str, int]:
    directory = _directory(directory_id)
    back = request.args.get("back", "")
    waiting = directories.held(directory, OF_WHOM.get(back))
    are_back = back == "yes"
    title = f"Are they back in {directory.name}?" if are_back else f"Release the changes of {directory.name}?"
    return dialog("directories/_release.html", title, directory=directory, back=back, are_back=are_back,
                  held=directory_view.held(waiting, directory_view.RELEASE_SHOWN), seen=releases.fingerprint(waiting))


@pages.post("/<int:directory_id>/release")
@workspace_role(*MANAGERS)
@asks_again
def create_release(directory_id: int) -> Response:
    directory = _directory(directory_id)
    try:
        back = OF_WHOM.get(request.form.get("back", ""))
        count = directories.release(directory, by(), request.form.get("seen", ""), back)
    except DirectoryProblem as problem:
        return go_to(address_of(directory), str(problem), Tone.ATTENTION)
    return go_to(address_of(directory), f"Applied for {plural(count, 'person', 'people')}.")


@pages.post("/<int:directory_id>/pause")
@workspace_role(*MANAGERS)
def pause(directory_id: int) -> Response:
    directory = _directory(directory_id)
    directory_state.pause(directory, by())
    return go_to(address_of(directory), f"{directory.name} is paused. No one's status changes.")


@pages.delete("/<int:directory_id>/pause")
@workspace_role(*MANAGERS)
def resume(directory_id: int) -> Response:
    directory = _directory(directory_id)
    directory_state.resume(directory, by())
    again = "Its changes are applied again." if push.is_pushed(directory) else "It is being read again."
    return go_to(address_of(directory), f"{directory.name} was resumed. {again}")


@pages.get("/<int:directory_id>/credential")
@workspace_role(*MANAGERS)
def credential(directory_id: int) -> tuple[str, int]:
    directory = _directory(directory_id)
    return _credential(directory, directory.settings)


@pages.put("/<int:directory_id>/credential")
@workspace_role(*MANAGERS)
@asks_again
@waits_for_a_server
def set_credential(directory_id: int) -> Response | tuple[str, int]:
    directory = _directory(directory_id)
    if stale.is_stale(directory.settings):
        return _credential(directory, directory.settings, INVALID, stale.CHANGED)
    try:
        values = _values(directory.kind, directory.settings)
        identity = directories.reconnect(directory, values, by(), approver(signed_in_person()))
    except Overtaken as problem:
        directory = _directory(directory_id)
        return _credential(directory, directory.settings, INVALID, str(problem))
    except REFUSALS as problem:
        return _credential(directory, request.form, INVALID, str(problem))
    return go_to(address_of(directory), f"Saved. Connected as {identity.name}.")


def _credential(directory: Directory, given, status: int = 200, problem: str = "") -> tuple[str, int]:
    return dialog("directories/_credential.html", f"How {directory.name} is read", status,
                  directory=directory, kind=_kind(directory.kind), given=given, seen=stale.mark(directory.settings),
                  problem=problem)


@pages.get("/<int:directory_id>/voucher")
@workspace_role(WorkspaceRole.OWNER)
def voucher(directory_id: int) -> tuple[str, int]:
    directory = _directory(directory_id)
    return dialog("directories/_voucher.html", f"Can {directory.name} change Owners and admins?", directory=directory)


@pages.post("/<int:directory_id>/voucher")
@workspace_role(WorkspaceRole.OWNER)
@asks_again
def create_voucher(directory_id: int) -> Response:
    directory = _directory(directory_id)
    vouching.vouch(directory, by())
    return go_to(address_of(directory), f"{directory.name} can change Owners and admins from its next reading on.")


@pages.delete("/<int:directory_id>/voucher")
@workspace_role(WorkspaceRole.OWNER)
def delete_voucher(directory_id: int) -> Response:
    directory = _directory(directory_id)
    vouching.stop_vouching(directory, by())
    return go_to(address_of(directory), f"From now on, changes to Owners and admins from {directory.name} are held.")


@pages.get("/<int:directory_id>/removal")
@workspace_role(*MANAGERS)
def removal(directory_id: int) -> tuple[str, int]:
    directory = _directory(directory_id)
    vouching.require_over_directory(by(), directory)
    return dialog("directories/_removal.html", f"Remove {directory.name}?", directory=directory,
                  effect=directory_view.ended(directory), held=directory_figures.count_held(directory))


@pages.delete("/<int:directory_id>")
@workspace_role(*MANAGERS)
def delete(directory_id: int) -> Response:
    directory = _directory(directory_id)
    asked = directory_state.remove(directory, by())
    waits = f" {directory_state.waits(asked)} for a decision on People." if asked else ""
    return go_to(url_for("directories.index"), f"{directory.name} was removed. Its people keep their status.{waits}")


def _overview(directory: Directory) -> Overview:
    kind = push.KIND if push.is_pushed(directory) else _kind(directory.kind)
    return directory_view.overview(directory, kind)


def _kind(slug: str):
    try:
        return directories.connector_class(slug)
    except DirectoryProblem:
        abort(404)


def _values(slug: str, stored: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """The form's values for the fields of this kind, without any others."""
    return entered(_kind(slug), stored)


def _directory(directory_id: int) -> Directory:
    return row_or_404(Directory, directory_id)


def address_of(directory: Directory) -> str:
    return url_for("directories.show", directory_id=directory.id)
