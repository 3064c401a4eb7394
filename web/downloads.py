"""Lists as CSV files: what a list shows with its filters, on all its pages. Each download is in Activity."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile

from flask import Blueprint, Response, abort, request, send_file

from sync import activity, roles
from sync.apps import member_list
from sync.apps.member_list import Members
from sync.db import writing
from sync.files import cells
from sync.listing import Filter
from sync.matching.members import LEFT, TABS
from sync.models import App
from sync.people import people, person_list
from sync.people.person_list import People
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
    wanted = People.of(request.args)
    if wanted.status not in ("", *people.STATUSES):
        abort(404)
    _record("people", wanted)
    rows = person_list.download(wanted, person_list.ORDER.asked(request.args.get("sort", "")))
    return _csv(f"{this_workspace().name} people", person_list.DOWNLOADED, rows)


@pages.get("/apps/<int:app_id>/members.csv")
@app_part(Part.COLLABORATOR)
def of_members(app: App) -> Response:
    wanted = Members.of(request.args)
    if wanted.tab not in (*TABS, LEFT):
        abort(404)
    _record("members", wanted, app)
    rows = member_list.download(app, wanted, roles.of(app), member_list.ORDER.asked(request.args.get("sort", "")))
    return _csv(f"{app.name} {wanted.tab}", member_list.DOWNLOADED, rows)


def _record(what: str, wanted: Filter, app: App | None = None) -> None:
    """In Activity, with what was looked for."""
    why = ", ".join(f"{name} {value}" for name, value in wanted.asked.items())
    with writing():
        activity.record(by(), f"downloaded {what}", about=app.name if app else "all people", why=why, app=app)


def _csv(name: str, columns: Iterable[str], rows: Iterable[Iterable[cells.Cell]]) -> Response:
    """It begins with a mark that lets spreadsheets read it as UTF-8. A long one is kept on disk."""
    file_name = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "list"
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the answer closes it
    file.write(codecs.BOM_UTF8)
    for line in cells.lines(columns, rows):
        file.write(line.encode())
    file.seek(0)
    return send_file(file, "text/csv", as_attachment=True, download_name=f"{file_name}.csv")
