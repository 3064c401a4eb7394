"""The Sync Data wizard: what a report holds, a box beside each removal, and Finish Sync.
A dialog over the page from which it was opened; at its own address, a whole page."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request, url_for

from sync.matching.members import ReasonNeeded
from sync.models import App, Report
from sync.names import short_name
from sync.reports import overview, policy, reports
from sync.reports import view as report_view
from sync.reports.reports import ReportChanged, ReportProblem
from sync.reports.view import SECTIONS, Section
from sync.safety.sole_managers import NeedsSuccessor
from sync.safety.successors import SuccessorProblem
from sync.states import AppManager, ReportState, TaskKind, Tone
from sync.tasks import perform
from sync.words import listed
from web import outcomes, successors, wizard_view
from web.answers import INVALID, asked, dialog, go_to, safe_address, wants_part, whole_number
from web.confirming import MANY, asks_again
from web.permissions import app_manager
from web.security import by
from web.wizard_rows import Given
from web.words import plural

pages = Blueprint("wizard", __name__, url_prefix="/reports/<int:report_id>")

TITLE = "Sync Data"


@pages.get("")
@app_manager(AppManager.OWNER)
def show(app: App, report: Report) -> tuple[str, int]:
    return _wizard(app, report)


def _wizard(app: App, report: Report, given: Given | None = None, problem: str = "") -> tuple[str, int]:
    limit = max(wizard_view.FIRST, len(given.shown) if given else 0, min(wizard_view.MOST, asked("limit") or 0))
    closed = wizard_view.closed(report)
    tasks = wizard_view.task_lines(report) if closed else []
    return dialog(
        "wizard/_wizard.html", TITLE, INVALID if problem else 200, app=app, report=report, problem=problem,
        sentence=report_view.sentence(report), banners=wizard_view.banners(app, report), closed=closed, tasks=tasks,
        live=wizard_view.are_live(tasks), groups=wizard_view.groups(app, report, limit, given),
        outcome=None if closed else wizard_view.outcome(app, report), back=_back(app),
    )  # fmt: skip


@pages.get("/changes")
@app_manager(AppManager.OWNER)
def changes(app: App, report: Report) -> str | tuple[str, int]:
    """Further rows of a section; without htmx the whole wizard with that many more."""
    key, offset = request.args.get("section", ""), whole_number(request.args.get("offset", "0"))
    if key not in SECTIONS or offset is None:
        abort(400)
    if not wants_part():
        return _wizard(app, report)
    kind = SECTIONS[key]
    rows = report_view.rows_of(report, kind.kinds, wizard_view.FIRST, offset)
    section = Section(key, kind, report_view.total_of(report, key), rows)
    return render_template("wizard/_rows.html", drop=wizard_view.drop(app, report, section, offset=offset))


def _removes_many(app: App, report: Report) -> bool:
    """Whether more than a few people would leave the app, as the form has it."""
    given = Given.from_form()
    left_out = given.reasons.keys() | _undecided(report, given)
    return overview.removals_if(report, left_out, given.ticked) > MANY


def _undecided(report: Report, given: Given) -> set[int]:
    """The ids of removals that wait for a successor: those that the form left open, and those that it did not show."""
    return given.undecided | overview.sole_managers_of(report).undecided - given.shown


@pages.post("/application")
@app_manager(AppManager.OWNER)
@asks_again(when=_removes_many)
def finish(app: App, report: Report) -> Response | tuple[str, int]:
    """Finish Sync: approve what is ticked, leave out the rest."""
    given, version = Given.from_form(), request.form.get("version", type=int) or 0
    try:
        undecided = _undecided(report, given)
        done = reports.finish(report, by(), version, given.reasons, taken_back=given.ticked, undecided=undecided,
                              hand_overs=successors.chosen(app))  # fmt: skip
    except (ReportProblem, NeedsSuccessor, SuccessorProblem) as problem:
        return _wizard(app, Report.get_by_id(report.id), given, str(problem))
    if done.already and any(otherwise := overview.decided_otherwise(report, given.reasons, given.ticked)):
        words = _decided_otherwise(done.report, *otherwise)
        return go_to(url_for("tasks.index", app_id=app.id), words, Tone.ATTENTION)
    waits = f" {plural(len(undecided), 'person waits', 'people wait')} for a successor." if undecided else ""
    follow = "" if done.already else outcomes.address(app, done.tasks)
    return go_to(url_for("tasks.index", app_id=app.id), _finished(app, done, len(given.reasons)) + waits, Tone.OK,
                 follow=follow)  # fmt: skip


def _decided_otherwise(report: Report, approved: int, left_out: int) -> str:
    """For someone whose page was open while someone else finished the report."""
    was_approved = plural(approved, "change that you left out was", "changes that you left out were")
    was_left_out = plural(left_out, "change that you approved was", "changes that you approved were")
    parts = [f"{was_approved} approved"] if approved else []
    parts += [f"{was_left_out} left out"] if left_out else []
    stop = " A removal can be cancelled below until it is done." if approved else ""
    return (f"{short_name(report.decided_by or 'A standing approval')} finished this report first: {listed(parts)}. "
            f"Your decisions were not applied.{stop}")  # fmt: skip


def _finished(app: App, done: reports.Finish, left_out: int = 0) -> str:
    if done.already:
        return "This report was already finished. Its progress is shown below."
    kept = f" {plural(left_out, 'change was', 'changes were')} left out." if left_out else ""
    if not done.tasks:
        return f"Nothing is changed in {app.name}.{kept}"
    leaving = sum(task.kind == TaskKind.REMOVE for task in done.tasks)
    others = [perform.is_able(app, TaskKind(task.kind)) for task in done.tasks if task.kind != TaskKind.REMOVE]
    made, by_hand, other = sum(others), others.count(False), "other change" if leaving else "change"
    said = []
    if leaving and not perform.is_able(app, TaskKind.REMOVE):
        said += [wizard_view.by_hand(leaving, app), "Remove each there, then mark the task below as done."]
    elif leaving:
        also = f" and making {plural(made, other)}" if made else ""
        said.append(f"Removing {plural(leaving, 'person', 'people')} from {app.name}{also}.")
        made = 0
    if made:
        said.append(f"Making {plural(made, other)} in {app.name}.")
    if by_hand:
        said.append(f"{plural(by_hand, f'{other} has', f'{other}s have')} to be made in {app.name} by hand.")
    return " ".join([*said, "Progress is shown below."]) + kept


@pages.post("/release")
@app_manager(AppManager.OWNER)
@asks_again
def release(app: App, report: Report) -> Response | tuple[str, int]:
    """Let a mass change through after review: roles and profiles are updated, other changes wait for approval."""
    only = request.form.get("only", "")
    if only not in ("", "updates", "others"):
        abort(400)
    try:
        updates = reports.release(report, by(), request.form.get("version", type=int) or 0, only)
    except ReportProblem as problem:
        return _wizard(app, Report.get_by_id(report.id), problem=str(problem))
    if updates and Report.get_by_id(report.id).state != ReportState.OPEN:
        updated = plural(updates, "role or profile is", "roles and profiles are")
        words = f"{updated} updated in Rollcall. A check now looks for people who have left."
        return go_to(_back(app), words, Tone.OK)
    if request.htmx:
        return _wizard(app, Report.get_by_id(report.id))
    words = ("Released. The next check applies it automatically, unless you decide first."
             if policy.has_standing_approval(app) else "Released. Nothing is removed until you choose Finish Sync.")
    return go_to(url_for("wizard.show", report_id=report.id), words)


@pages.get("/dismissal")
@app_manager(AppManager.OWNER)
def dismissal(app: App, report: Report) -> tuple[str, int]:
    return _dismissal(app, report)


def _dismissal(app: App, report: Report, problem: str = "") -> tuple[str, int]:
    return dialog("wizard/_dismissal.html", "Dismiss this report?", INVALID if problem else 200,
                  app=app, report=report, problem=problem, sentence=report_view.sentence(report),
                  reason=request.form.get("reason", ""))  # fmt: skip


@pages.post("/dismissal")
@app_manager(AppManager.OWNER)
def dismiss(app: App, report: Report) -> Response | tuple[str, int]:
    try:
        version = request.form.get("version", type=int) or 0
        reports.dismiss(report, by(), request.form.get("reason", ""), version)
    except (ReasonNeeded, ReportChanged) as problem:
        return _dismissal(app, Report.get_by_id(report.id), str(problem))
    except ReportProblem as problem:
        return go_to(url_for("reports.of_app", app_id=app.id), str(problem), Tone.ATTENTION)
    return go_to(url_for("reports.of_app", app_id=app.id), f"Dismissed. Nobody is removed from {app.name}.")


@pages.get("/tasks")
@app_manager(AppManager.OWNER)
def task_list(app: App, report: Report) -> str:
    """The progress of this report's tasks; asked for again while one is under way."""
    lines = wizard_view.task_lines(report)
    return render_template("wizard/_tasks.html", report=report, tasks=lines, live=wizard_view.are_live(lines))


def _back(app: App) -> str:
    return safe_address(request.args.get("back"), url_for("apps.show", app_id=app.id))
