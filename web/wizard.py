"""The Sync Data wizard: what a report holds, each removal with a check mark, and the yes.
A dialog over the page it was opened from; at its own address, the whole page."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from flask import Blueprint, Response, abort, render_template, request, url_for

from sync import assets, assigned_acts, mass_updates, policy, report_list, report_rows, reports, roles, tasks
from sync.matching import ReasonNeeded
from sync.models import App, Asset, Change, Report
from sync.policy import REMOVALS
from sync.report_rows import SECTIONS
from sync.reports import CONFIRM, HELD, LEFT_OUT, ReportProblem
from web.answers import INVALID, asked, dialog, go_to, safe_address, wants_part, whole_number, whole_numbers
from web.app_page import can, kind_of, match_in_words
from web.confirming import MANY, asks_again
from web.permissions import app_part
from web.security import by
from web.words import plural

pages = Blueprint("wizard", __name__, url_prefix="/reports/<int:report_id>")

FIRST = 100  # rows of a section that are shown at once
TITLE = "Sync Data"


@dataclass
class Row:
    """A change as the wizard shows it. `ticked` is None where there is nothing to decide."""

    change: Change
    ticked: bool | None = None
    reason: str = ""
    told_by: str = ""  # who left it out
    told_at: datetime | None = None
    problem: str = ""
    by_hand: bool = False  # the app gives no way to it: a yes makes a to-do of it
    alone: list[Asset] = field(default_factory=list)  # what this account alone controls
    assets: int = 0
    roles: list[str] = field(default_factory=list)  # all that its account has, by their labels

    @property
    def removes_roles(self) -> bool:
        """Whether a change of role waits that takes further roles away: that is seen before the yes."""
        return self.ticked is not None and "removes" in (self.change.detail or {})


@dataclass
class Given:
    """What the form said: which rows it showed, which were ticked, and the reasons beside the others."""

    shown: set[int]
    ticked: set[int]
    reasons: dict[int, str]

    @classmethod
    def from_form(cls) -> Given:
        shown, ticked = (set(whole_numbers(request.form.getlist(name))) for name in ("shown", "yes"))
        reasons = {change_id: request.form.get(f"reason-{change_id}", "").strip() for change_id in shown - ticked}
        return cls(shown, ticked & shown, reasons)


@pages.get("")
@app_part("owner")
def show(app: App, report: Report) -> tuple[str, int]:
    return _wizard(app, report)


def _wizard(app: App, report: Report, given: Given | None = None, problem: str = "") -> tuple[str, int]:
    limit = max(FIRST, len(given.shown) if given else 0, asked("limit") or 0)
    return dialog(
        "wizard/_wizard.html", TITLE, INVALID if problem else 200, app=app, report=report, kind=kind_of(app),
        problem=problem, sentence=report_rows.sentence(report), ready=report_list.confirmable(report),
        sections=[(section, _rows(app, section.rows, given)) for section in report_rows.sections(report, limit)],
        acts=[] if report.state == "open" else tasks.of_report(report), back=_back(app),
        by_itself=reports.has_standing_yes(app), held_updates=sum(report_rows.held_updates(report).values()),
        **_words(),
    )  # fmt: skip


def _words() -> dict:
    return {"match_in_words": match_in_words, "first": FIRST}


def _rows(app: App, changes: list[Change], given: Given | None = None) -> list[Row]:
    undecided = [change for change in changes if change.decision in (CONFIRM, HELD, LEFT_OUT)]
    removals = [change.account_id for change in undecided if change.kind in REMOVALS and change.in_app]
    alone, counted = policy.sole_assets(removals), assets.count_of(removals)
    kept, able, known = assigned_acts.reasons(undecided), can(app), roles.of(app)
    rows = []
    for change in changes:
        row = Row(change, alone=alone.get(change.account_id, []), assets=counted.get(change.account_id, 0))
        if change.account_id and known.words(change.account.roles) == (change.before or change.after):
            row.roles = known.told(change.account.roles)
        row.reason, row.told_by, row.told_at = kept.get(change.id, ("", "", None))
        row.by_hand = change in undecided and assigned_acts.NEEDS.get(change.kind, "") not in {"", *able}
        if change in undecided and change.report.state == "open" and change.kind not in mass_updates.KINDS:
            _tick(row, given)
        rows.append(row)
    return rows


def _tick(row: Row, given: Given | None) -> None:
    change = row.change
    row.ticked = change.decision != LEFT_OUT
    if given and change.id in given.shown and change.decision != HELD:
        row.ticked = change.id in given.ticked
        row.reason = given.reasons.get(change.id, row.reason)
        if not row.ticked and not row.reason:
            row.problem = "Say why: the reason is shown beside it from now on."


@pages.get("/changes")
@app_part("owner")
def changes(app: App, report: Report) -> str | tuple[str, int]:
    """Further rows of a section; without htmx the whole wizard with that many more."""
    section, offset = request.args.get("section", ""), whole_number(request.args.get("offset", "0"))
    if section not in SECTIONS or offset is None:
        abort(400)
    if not wants_part():
        return _wizard(app, report)
    found = report_rows.rows_of(report, SECTIONS[section].kinds, FIRST, offset)
    return render_template(
        "wizard/_rows.html", app=app, report=report, kind=kind_of(app), key=section,
        total=report_rows.total_of(report, section), rows=_rows(app, found), shown=offset + len(found),
        back=_back(app), **_words(),
    )


def _removes_many(app: App, report: Report) -> bool:
    """Whether more than a few would leave the app, by what the form leaves."""
    given = Given.from_form()
    stays = (Change.decision == CONFIRM) & Change.id.not_in(list(given.reasons))
    taken_back = (Change.decision == LEFT_OUT) & Change.id.in_(given.ticked)
    removals = Change.select().where(Change.report == report, Change.kind.in_(REMOVALS), stays | taken_back)
    return removals.count() > MANY


@pages.post("/application")
@app_part("owner")
@asks_again(when=_removes_many)
def finish(app: App, report: Report) -> Response | tuple[str, int]:
    """Finish Sync: the yes."""
    given = Given.from_form()
    left_out_now = list(Change.select().where(Change.report == report, Change.decision == LEFT_OUT))
    left_out_before = {change_id: why for change_id, (why, *_) in assigned_acts.reasons(left_out_now).items()}
    left_out = {
        change_id: reason for change_id, reason in given.reasons.items() if left_out_before.get(change_id) != reason
    }
    try:
        done = reports.finish(
            report, by(), version=request.form.get("version", type=int) or 0, left_out=left_out,
            taken_back=given.ticked & left_out_before.keys(),
        )  # fmt: skip
    except ReportProblem as problem:
        return _wizard(app, Report.get_by_id(report.id), given, str(problem))
    return go_to(url_for("tasks.index", app_id=app.id), _finished(app, done), "ok")


def _finished(app: App, done: reports.Finish) -> str:
    if done.already:
        return f"This report was finished already: nothing was done twice. {app.name} shows how far it is."
    if not done.tasks:
        return f"Finish Sync: {app.name} is up to date in Rollcall. Nobody is removed from it."
    leaving = sum(task.act == "remove" for task in done.tasks)
    told = [f"{plural(leaving, 'person leaves', 'people leave')} {app.name}"] if leaving else []
    if others := len(done.tasks) - leaving:
        told.append(f"{plural(others, 'change is', 'changes are')} made in {app.name}")
    return f"Finish Sync: {' and '.join(told)}. Below you see when the app has confirmed it."


@pages.post("/release")
@app_part("owner")
@asks_again
def release(app: App, report: Report) -> Response | tuple[str, int]:
    """A mass change was looked at: let it through to be confirmed like any other, or update roles and profiles."""
    only = request.form.get("only", "")
    if only not in ("", "updates", "others"):
        abort(400)
    try:
        updates = reports.release(report, by(), request.form.get("version", type=int) or 0, only)
    except ReportProblem as problem:
        return _wizard(app, Report.get_by_id(report.id), problem=str(problem))
    if updates and Report.get_by_id(report.id).state != "open":
        told = plural(updates, "role or profile is", "roles and profiles are")
        return go_to(_back(app), f"{told} updated in Rollcall. A check now looks for who has left.", "ok")
    if request.htmx:
        return _wizard(app, Report.get_by_id(report.id))
    said = ("Released. The next check carries it out by your standing yes, unless you decide before."
            if reports.has_standing_yes(app) else "Released. Nothing is removed before you press Finish Sync.")
    return go_to(url_for("wizard.show", report_id=report.id), said)


@pages.get("/dismissal")
@app_part("owner")
def dismissal(app: App, report: Report) -> tuple[str, int]:
    return _dismissal(app, report)


def _dismissal(app: App, report: Report, problem: str = "") -> tuple[str, int]:
    return dialog("wizard/_dismissal.html", "Dismiss this report?", INVALID if problem else 200,
                  app=app, report=report, problem=problem, sentence=report_rows.sentence(report))


@pages.post("/dismissal")
@app_part("owner")
def dismiss(app: App, report: Report) -> Response | tuple[str, int]:
    try:
        reports.dismiss(report, by(), request.form.get("reason", ""))
    except ReasonNeeded as problem:
        return _dismissal(app, report, str(problem))
    except ReportProblem as problem:
        return go_to(url_for("reports.of_app", app_id=app.id), str(problem), "attention")
    return go_to(url_for("reports.of_app", app_id=app.id), f"Dismissed. Nobody is removed from {app.name}.")


@pages.get("/tasks")
@app_part("owner")
def acts(app: App, report: Report) -> str:
    """How far the acts of this report are; asked for while one is under way."""
    return render_template("wizard/_acts.html", app=app, report=report, kind=kind_of(app), acts=tasks.of_report(report))


def _back(app: App) -> str:
    return safe_address(request.args.get("back"), url_for("apps.show", app_id=app.id))
