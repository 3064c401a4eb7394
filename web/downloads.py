"""Lists as CSV files: what a list shows with its filters, on all its pages. Each download is in Activity."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile

from flask import Blueprint, Response, abort, request, send_file

from sync import activity, roles
from sync.db import writing
from sync.files import cells
from sync.matching import members
from sync.models import App
from sync.people import people
from sync.safety import leavers
from sync.states import Part
from web.frame import MANAGERS
from web.permissions import app_part, workspace_role
from web.security import by
from web.words import this_workspace

pages = Blueprint("downloads", __name__)

IN_MEMORY = 1_000_000  # bytes


@pages.get("/people.csv")
@workspace_role(*MANAGERS)
def of_people() -> Response:
    search, status = request.args.get("search", ""), request.args.get("status", "")
    if status not in ("", *people.STATUSES):
        abort(404)
    _record("people", status)
    return _csv(f"{this_workspace().name} people", people.DOWNLOADED, people.download(search, status))


@pages.get("/apps/<int:app_id>/members.csv")
@app_part(Part.COLLABORATOR)
def of_members(app: App) -> Response:
    tab, search = request.args.get("tab", "onboarded"), request.args.get("search", "").strip()
    if tab not in (*members.TABS, members.LEFT):
        abort(404)
    left = leavers.accounts_still_in(app.id) if tab == members.LEFT else ()
    _record("members", tab, app)
    known = roles.of_apps([app.id])[app.id]
    return _csv(f"{app.name} {tab}", members.DOWNLOADED, members.download(app, tab, search, left, known))


def _record(what: str, which: str, app: App | None = None) -> None:
    with writing():
        activity.record(by(), f"downloaded {what}", about=app.name if app else "all people", why=which, app=app)


def _csv(name: str, columns: Iterable[str], rows: Iterable[Iterable[cells.Cell]]) -> Response:
    """It begins with a mark that lets spreadsheets read it as UTF-8. A long one is kept on disk."""
    file_name = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "list"
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the answer closes it
    file.write(codecs.BOM_UTF8)
    for line in cells.lines(columns, rows):
        file.write(line.encode())
    file.seek(0)
    return send_file(file, "text/csv", as_attachment=True, download_name=f"{file_name}.csv")
