"""Lists as CSV files: what a list shows with its filters, on all its pages. Each download is in Activity."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from tempfile import SpooledTemporaryFile

from flask import Blueprint, Response, abort, request, send_file

from sync import activity, log_lines, roles
from sync.apps import app_list, assets, member_list, owners
from sync.apps.app_list import Apps
from sync.apps.assets import Assets
from sync.apps.member_list import Members
from sync.db import writing
from sync.files import cells
from sync.listing import Filter, Order, whole_number
from sync.log_lines import Log
from sync.matching.members import LEFT, TABS
from sync.models import App
from sync.people import people, person_list
from sync.people.person_list import People
from sync.reports import overview
from sync.reports.overview import Reports
from sync.states import AppManager
from web import activity as activity_pages
from web.frame import MANAGERS
from web.permissions import app_manager, signed_in, workspace_role
from web.reports import in_words
from web.security import by, signed_in_person
from web.words import this_workspace

pages = Blueprint("downloads", __name__)

IN_MEMORY = 1_000_000  # bytes


@pages.get("/people.csv")
@workspace_role(*MANAGERS)
def of_people() -> Response:
    wanted = People.of(request.args)
    if wanted.status and wanted.status not in people.STATUSES:
        abort(404)
    _record("people", wanted)
    rows = person_list.download(wanted, _sort(person_list.ORDER))
    return _csv(f"{this_workspace().name} people", person_list.DOWNLOADED, rows)


@pages.get("/apps/<int:app_id>/members.csv")
@app_manager(AppManager.COLLABORATOR)
def of_members(app: App) -> Response:
    wanted = Members.of(request.args)
    if wanted.tab not in (*TABS, LEFT):
        abort(404)
    _record("members", wanted, app)
    rows = member_list.download(app, wanted, roles.of(app), _sort(member_list.ORDER))
    return _csv(f"{app.name} {wanted.tab}", member_list.DOWNLOADED, rows)


@pages.get("/apps.csv")
@signed_in
def of_apps() -> Response:
    wanted = Apps.of(request.args)
    _record("apps", wanted, about="all apps")
    return _csv(f"{this_workspace().name} apps", app_list.DOWNLOADED,
                app_list.download(signed_in_person(), wanted, _sort(app_list.ORDER)))  # fmt: skip


@pages.get("/apps/<int:app_id>/assets.csv")
@app_manager(AppManager.COLLABORATOR)
def of_assets(app: App) -> Response:
    wanted = Assets.of(request.args)
    _record("assets", wanted, app)
    return _csv(f"{app.name} assets", assets.DOWNLOADED, assets.download(app, wanted, _sort(assets.ORDER)))


@pages.get("/reports.csv")
@signed_in
def of_reports() -> Response:
    return _reports(Reports.of(request.args), f"{this_workspace().name} reports")


@pages.get("/apps/<int:app_id>/reports.csv")
@app_manager(AppManager.OWNER)
def of_reports_of_app(app: App) -> Response:
    return _reports(replace(Reports.of(request.args), app=str(app.id)), f"{app.name} reports", app)


def _reports(wanted: Reports, name: str, app: App | None = None) -> Response:
    _record("reports", wanted, app, "reports of all apps")
    rows = overview.download(signed_in_person(), wanted, in_words, _sort(overview.ORDER))
    return _csv(name, overview.DOWNLOADED, rows)


@pages.get("/activity.csv")
@workspace_role(*MANAGERS)
def of_activity() -> Response:
    wanted = Log.of(request.args)
    app = owners.seen(signed_in_person(), whole_number(wanted.app)) if wanted.app else None
    if app is None and wanted.app:
        abort(404)
    return _activity(wanted, activity_pages.of_apps(), this_workspace().name, app)


@pages.get("/apps/<int:app_id>/activity.csv")
@app_manager(AppManager.OWNER)
def of_activity_of_app(app: App) -> Response:
    return _activity(replace(Log.of(request.args), app=str(app.id), person=""), None, app.name, app)


def _activity(wanted: Log, of_apps: Collection[int] | None, name: str, app: App | None) -> Response:
    _record("activity", wanted, app, "all activity")
    rows = log_lines.download(wanted, of_apps, _sort(log_lines.ORDER))
    return _csv(f"{app.name if app else name} activity", log_lines.DOWNLOADED, rows)


def _sort(order: Order) -> str:
    return order.asked(request.args.get("sort", ""))


def _record(what: str, wanted: Filter, app: App | None = None, about: str = "all people") -> None:
    """Record the download in Activity, with its filters."""
    why = ", ".join(f"{name} {value}" for name, value in wanted.asked.items())
    with writing():
        activity.record(by(), f"downloaded {what}", about=app.name if app else about, why=why, app=app)


def _csv(name: str, columns: Iterable[str], rows: Iterable[Iterable[cells.Cell]]) -> Response:
    """The file as an answer. It begins with a mark that lets spreadsheets read it as UTF-8; a long one is kept on
    disk."""
    file_name = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "list"
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the answer closes it
    file.write(codecs.BOM_UTF8)
    for line in cells.lines(columns, rows):
        file.write(line.encode())
    file.seek(0)
    return send_file(file, "text/csv", as_attachment=True, download_name=f"{file_name}.csv")
