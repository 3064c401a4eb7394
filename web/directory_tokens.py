"""Directories that push their changes: connecting one, whose token is shown only once, and its other tokens."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for

from sync.directory import push
from sync.directory.directories import DirectoryProblem
from sync.matching import vouching
from sync.models import Directory, DirectoryToken
from sync.states import Tone
from web.answers import INVALID, dialog, go_to
from web.confirming import asks_again
from web.frame import MANAGERS
from web.permissions import workspace_role
from web.rows import row_or_404
from web.security import by

pages = Blueprint("directory_tokens", __name__, url_prefix="/directories")


@pages.get(f"/new/{push.SLUG}")
@workspace_role(*MANAGERS)
def new_directory() -> str:
    return render_template("directories/connect_pushed.html", kind=push.KIND, given={})


@pages.post(f"/new/{push.SLUG}")
@workspace_role(*MANAGERS)
@asks_again
def create_directory() -> str | tuple[str, int]:
    try:
        directory, token = push.connect(request.form.get("directory_name", ""), by())
    except DirectoryProblem as problem:
        values = {"kind": push.KIND, "given": request.form, "problem": str(problem)}
        return render_template("directories/connect_pushed.html", **values), INVALID
    return _shown_once(directory, token, first=True)


@pages.get("/<int:pushed_id>/tokens/new")
@workspace_role(*MANAGERS)
def new(pushed_id: int) -> tuple[str, int]:
    directory = _pushed(pushed_id)
    return dialog("directories/_new_token.html", f"A new token for {directory.name}?", directory=directory,
                  rises=vouching.would_rise(directory, by()), has_another=bool(push.tokens(directory)))


@pages.post("/<int:pushed_id>/tokens")
@workspace_role(*MANAGERS)
@asks_again
def create(pushed_id: int) -> str:
    directory = _pushed(pushed_id)
    return _shown_once(directory, push.rotate(directory, by()), first=False)


@pages.delete("/<int:pushed_id>/tokens/<int:token_id>")
@workspace_role(*MANAGERS)
@asks_again
def delete(pushed_id: int, token_id: int) -> Response:
    directory = _pushed(pushed_id)
    push.end_token(row_or_404(DirectoryToken, token_id, directory=directory), by())
    back = url_for("directories.show", directory_id=directory.id)
    return go_to(back, "The token was ended. Requests with it are rejected.")


@pages.delete("/<int:pushed_id>/ended-tokens/<int:token_id>")
@workspace_role(*MANAGERS)
@asks_again
def delete_ended(pushed_id: int, token_id: int) -> Response:
    directory = _pushed(pushed_id)
    push.delete_ended(row_or_404(DirectoryToken, token_id, directory=directory), by())
    back = url_for("directories.show", directory_id=directory.id)
    return go_to(back, "The token was deleted. Requests with it are still rejected, but no longer noted.")


@pages.delete("/<int:pushed_id>/refusal")
@workspace_role(*MANAGERS)
def delete_refusal(pushed_id: int) -> Response:
    directory = _pushed(pushed_id)
    back = url_for("directories.show", directory_id=directory.id)
    try:
        seen = datetime.fromisoformat(request.form.get("seen", ""))
    except ValueError:
        abort(400)
    if not push.confirm_sent_again(directory, seen, by()):
        return go_to(back, "Another change was refused since then. Nothing was changed. Look again.", Tone.ATTENTION)
    return go_to(back, f"Confirmed: {directory.name} has sent everyone again.")


def address() -> str:
    """The address that an identity provider sends its changes to."""
    return current_app.config["ROLLCALL"].url + push.PATH


def _shown_once(directory: Directory, token: str, first: bool) -> str:
    return render_template(
        "directories/token.html", directory=directory, kind=push.KIND, token=token, address=address(), first=first,
        has_another=len(push.tokens(directory)) > 1,
    )  # fmt: skip


def _pushed(pushed_id: int) -> Directory:
    return row_or_404(Directory, pushed_id, kind=push.SLUG)
