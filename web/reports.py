"""All reports that a person may decide, and those of one app: open ones first."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, render_template, request, url_for
from markupsafe import Markup

from sync.apps import owners
from sync.listing import whole_number
from sync.models import App, Report
from sync.names import short_name
from sync.reports import overview
from sync.reports import view as report_view
from sync.reports.overview import Reports
from sync.safety import leaving
from sync.safety.leaving import Leaving
from sync.states import AppManager, ChangeKind, ListName, ReportState, Tone
from web import saved_views
from web.answers import dialog, wants_part
from web.app_page import kind_of, page
from web.list_view import Column, FilterField, Listed, Shortcut, filter_field, nothing_matches
from web.permissions import app_manager, signed_in
from web.security import signed_in_person
from web.view import Badge, first_upper
from web.words import APPLIED_AUTOMATICALLY, HELD_BY_A_GUARD, WAITING_FOR_APPROVAL, number, on_day, plural, when

pages = Blueprint("reports", __name__)

STATES = {
    ReportState.OPEN: WAITING_FOR_APPROVAL,
    ReportState.APPLIED: "Finished",
    ReportState.DISMISSED: "Dismissed",
    ReportState.SUPERSEDED: "No longer needed",
}
FILTER = STATES | {ReportState.APPLIED: f"{STATES[ReportState.APPLIED]} or {APPLIED_AUTOMATICALLY.lower()}"}
_WAITING = Column("Found", "waiting", up="fewest to approve first", down="most to approve first", down_first=True)
COLUMNS = [
    Column("App", "app"), _WAITING, Column("State", "state"),
    Column("When", "created", up="oldest first", down="newest first", down_first=True),
]  # fmt: skip
COLUMNS_OF_APP = [
    Column("Since", "created", up="oldest first", down="newest first", down_first=True), _WAITING,
    Column("State", "state"), Column("Decided", "decided", up="oldest first", down="newest first", down_first=True),
]  # fmt: skip
HELD = Badge(HELD_BY_A_GUARD, Tone.WAITING, "hand-stop")
KINDS = {
    ChangeKind.REMOVED_USER: "removed user",
    ChangeKind.NEW_USER: "new user",
    ChangeKind.UPDATED_ROLE: "updated role",
    ChangeKind.UPDATED_PROFILE: "updated profile",
}


@dataclass(frozen=True)
class Line:
    """A report in a list."""

    id: int
    app: App
    logo: str
    since: Markup | str
    created: Markup | str
    found: str
    waiting: str
    badge: Badge | None  # of an open report
    state: str  # of one that was decided
    decided: Markup | str
    address: str
    part: str


@pages.get("/reports")
@signed_in
def index() -> str:
    wanted = Reports.of(request.args)
    chosen = owners.owned(signed_in_person(), whole_number(wanted.app)) if wanted.app else None
    values = _found(wanted, url_for("reports.index"), COLUMNS, url_for("downloads.of_reports"), chosen)
    values |= {"filtered": bool(wanted.asked), "of_app": False}
    return render_template("reports/_list.html" if wants_part() else "reports/index.html", **values)


@pages.get("/apps/<int:app_id>/reports")
@app_manager(AppManager.OWNER)
def of_app(app: App) -> str:
    wanted = Reports.of(request.args).without("app")
    download = url_for("downloads.of_reports_of_app", app_id=app.id)
    values = _found(wanted, url_for("reports.of_app", app_id=app.id), COLUMNS_OF_APP, download, app)
    values |= {"filtered": bool(wanted.asked), "of_app": True}
    return page(app, "reports/of_app.html", "reports/_list.html", **values)


def _found(wanted: Reports, here: str, columns: list[Column], download: str, app: App | None) -> dict:
    """`app`: the one whose reports are shown, or looked for."""
    listed = Listed(here, wanted, overview.ORDER)
    asked = replace(wanted, app=str(app.id)) if app else wanted
    found = overview.search(signed_in_person(), asked, listed.sort, request.args.get("page", 1, type=int))
    left = leaving.of_reports(found.rows)
    labels = {"app": lambda value: f"App: {app.name if app else value}",
              "state": lambda value: FILTER.get(value, f"State: {value}?")}  # fmt: skip
    of_app = app if here != url_for("reports.index") else None
    more = url_for("reports.filters_of_app", app_id=of_app.id) if of_app else url_for("reports.filters")
    head = listed.head(columns, "Waiting for approval first", labels, listed.filters(more),
                       _shortcuts(asked, listed), saved_views.of_list(ListName.REPORTS, listed, of_app))  # fmt: skip
    return {
        "page": found, "lines": [_line(report, left[report.id], here) for report in found.rows],
        "address": listed.address, "here": here, "list_head": head,
        "columns": [*listed.heads(columns), ("", "actions")],
        "download": listed.download(download), "nothing": nothing_matches("No report matches", wanted, head),
    }  # fmt: skip


def _shortcuts(asked: Reports, listed: Listed) -> list[Shortcut]:
    """Those that wait, while all are shown."""
    waiting = 0 if asked.state else overview.count(signed_in_person(), replace(asked, state=ReportState.OPEN))
    address = listed.to(replace(listed.wanted, state=ReportState.OPEN), listed.sort)
    return [Shortcut(WAITING_FOR_APPROVAL, waiting, address, "clipboard-check")] if waiting else []


@pages.get("/reports/filters")
@signed_in
def filters() -> tuple[str, int]:
    """The dialog with all filters of the list: its form goes back to the list."""
    wanted = Reports.of(request.args)
    owned = [(str(id), name) for id, name in owners.owned_names(signed_in_person())]
    return _filters(url_for("reports.index"), wanted, [filter_field("app", "App", owned, wanted.app)])


@pages.get("/apps/<int:app_id>/reports/filters")
@app_manager(AppManager.OWNER)
def filters_of_app(app: App) -> tuple[str, int]:
    return _filters(url_for("reports.of_app", app_id=app.id), Reports.of(request.args).without("app"), [])


def _filters(here: str, wanted: Reports, first: list[FilterField]) -> tuple[str, int]:
    listed = Listed(here, wanted, overview.ORDER)
    return dialog("lists/_filters.html", "Filter reports", here=here, back=listed.address,
                  fields=[*first, filter_field("state", "State", FILTER.items(), wanted.state)],
                  kept=listed.kept_beside("app", "state"))  # fmt: skip


def _line(report: Report, left: Leaving, here: str) -> Line:
    is_open = report.is_open
    automatic = report.state == ReportState.APPLIED and not report.decided_by
    return Line(
        report.id, report.app, kind_of(report.app).logo, on_day(report.created_at), when(report.created_at),
        found=first_upper(in_words(report.counts)),
        waiting=_waiting(report, left) if is_open else "",
        badge=(HELD if report.held else Badge(STATES["open"], Tone.WAITING)) if is_open else None,
        state=APPLIED_AUTOMATICALLY if automatic else STATES[report.state], decided=_decided(report),
        address=url_for("wizard.show", report_id=report.id),
        part=url_for("wizard.show", report_id=report.id, back=here),
    )  # fmt: skip


def _waiting(report: Report, left: Leaving) -> str:
    """The same sentence as in the report, where someone has left."""
    if left.waits:
        return left.sentence()
    return f"{number(report.waiting)} to approve" if report.waiting else ""


def _decided(report: Report) -> Markup | str:
    """When the report was decided, and by whom; "" for an open one."""
    if not report.decided_at:
        return ""
    by = f" by {short_name(report.decided_by)}" if report.decided_by else ""
    return Markup("{}{}").format(when(report.decided_at), by)


def in_words(counts: dict[str, int]) -> str:
    """What a report holds: "2 removed users, 1 new user, 3 changes of assets and access"."""
    words = [plural(counts[kind], word) for kind, word in KINDS.items() if counts.get(kind)]
    words += [plural(counts[kind], *forms) for kind, forms in report_view.WANTED.items() if counts.get(kind)]
    rest = sum(number for kind, number in counts.items() if kind not in {*KINDS, *report_view.WANTED})
    if rest:
        words.append(plural(rest, "change of assets and access", "changes of assets and access"))
    return ", ".join(words) or "nothing new"
