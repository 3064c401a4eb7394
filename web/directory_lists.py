"""A directory's list before it is applied: upload a file, preview its changes by name, apply or discard it.
Also the order of the directories, which decides whose names and addresses count."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request, url_for

from connectors.base import ColumnsUnclear
from sync.directory import directories, precedence, waiting_files
from sync.directory import preview as directory_preview
from sync.directory.preview import Preview, PreviewChanged
from sync.models import Directory
from sync.states import Tone
from web.answers import INVALID, go_to
from web.columns import address_of as address_of_file
from web.directories import REFUSALS, address_of
from web.directory_view import KINDS, preview_sections
from web.frame import MANAGERS
from web.permissions import workspace_role
from web.rows import row_or_404
from web.security import by, signed_in_person
from web.uploads import name_of, text_of

pages = Blueprint("directory_lists", __name__, url_prefix="/directories")


@pages.post("/<int:directory_id>/lists")
@workspace_role(*MANAGERS)
def create(directory_id: int) -> Response:
    """Store the file beside the current list, and show what it would change."""
    directory = _listed(directory_id)
    try:
        text = text_of("list")
        if not text.strip():
            words = "No file was chosen, or it is empty. Nothing was changed."
            return go_to(address_of(directory), words, Tone.ATTENTION)
        directory_preview.upload(directory, text, by())
    except ColumnsUnclear:
        return go_to(address_of_file(waiting_files.for_list(signed_in_person(), directory, text, name_of("list"))))
    except REFUSALS as problem:
        return go_to(address_of(directory), str(problem), Tone.ATTENTION)
    return go_to(url_for("directory_lists.show", directory_id=directory.id))


@pages.delete("/<int:directory_id>/lists")
@workspace_role(*MANAGERS)
def delete(directory_id: int) -> Response:
    directory = _listed(directory_id)
    directory_preview.discard(directory, by())
    return go_to(address_of(directory), "The new list was discarded. Nothing was changed.")


@pages.get("/<int:directory_id>/preview")
@workspace_role(*MANAGERS)
def show(directory_id: int) -> str | Response | tuple[str, int]:
    directory = _listed(directory_id)
    try:
        text = _handed_over(directory)
        if text is None and directories.takes_files(directory):
            return go_to(address_of(directory), "There is no new list. Upload one first.", Tone.ATTENTION)
        return _page(directory, directory_preview.preview(directory, by(), text))
    except REFUSALS as problem:
        return _page(directory, None, str(problem), INVALID)


@pages.post("/<int:directory_id>/preview")
@workspace_role(*MANAGERS)
def create_application(directory_id: int) -> Response | tuple[str, int]:
    """Apply exactly what the page showed."""
    directory = _listed(directory_id)
    try:
        text = _handed_over(directory)
        if text is None and directories.takes_files(directory):
            return go_to(address_of(directory), "There is no new list. It was applied or discarded.", Tone.ATTENTION)
        done = directory_preview.apply_previewed(directory, request.form.get("mark", ""), by(), text)
    except PreviewChanged as changed:
        return _page(directory, changed.preview, str(changed), INVALID)
    except REFUSALS as problem:
        return _page(directory, None, str(problem), INVALID)
    changes = ", ".join(f"{KINDS[kind].lower()}: {number:,}" for kind, number in done.counts.items())
    return go_to(address_of(directory), f"The list was applied: {changes}." if changes else "The list was applied.")


@pages.put("/<int:directory_id>/place")
@workspace_role(*MANAGERS)
def set_place(directory_id: int) -> Response:
    directory = row_or_404(Directory, directory_id)
    step = {"up": -1, "down": 1}.get(request.form.get("step", "")) or abort(400)
    index = url_for("directories.index")
    if not precedence.move(directory, step, by()):
        return go_to(index, f"{directory.name} is already {'first' if step < 0 else 'last'}.", Tone.ATTENTION)
    moved = f"{directory.name} was moved {'up' if step < 0 else 'down'}."
    return go_to(index, f"{moved} The new order applies to all people.")


def _page(directory: Directory, preview: Preview | None, problem: str = "", status: int = 200) -> tuple[str, int]:
    return render_template(
        "directories/preview.html", directory=directory, preview=preview, problem=problem,
        sections=preview_sections(preview) if preview else [], uploaded=directories.takes_files(directory),
    ), status  # fmt: skip


def _handed_over(directory: Directory) -> str | None:
    return directory_preview.pending(directory) if directories.takes_files(directory) else None


def _listed(directory_id: int) -> Directory:
    """A directory that is a list in a file."""
    directory = row_or_404(Directory, directory_id)
    return directory if directories.is_list(directory) else abort(404)
