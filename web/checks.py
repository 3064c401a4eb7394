"""Check for updates: started or joined, watched while it runs, cancelled. It runs whether or not anyone watches."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Blueprint, Response, redirect, render_template, request, url_for
from markupsafe import Markup

from sync.checks.counted import IN_WORDS, applied
from sync.db import utcnow
from sync.jobs import asking
from sync.mail import outbox
from sync.models import App, Check, Report
from sync.problems import AppProblem
from sync.reports import view as report_view
from sync.states import LIVE_CHECKS, AppManager, CheckPhase, CheckState, Tone
from sync.words import listed
from web import app_alerts
from web.answers import go_to
from web.app_alerts import Button
from web.app_page import kind_of, with_head_again
from web.permissions import app_manager
from web.security import by
from web.words import duration, number, plural, relative, when

pages = Blueprint("checks", __name__, url_prefix="/apps/<int:app_id>/checks")

LEAST_SECONDS = 2  # what took less time isn't worth a sentence


@pages.post("")
@app_manager(AppManager.OWNER)
def create(app: App) -> Response:
    """Start a check, or join the one that runs."""
    try:
        check = asking.ask(app, by())
    except AppProblem as problem:
        return go_to(url_for("apps.show", app_id=app.id), str(problem), Tone.ATTENTION)
    if not request.htmx:
        return redirect(url_for("checks.show", app_id=app.id, check_id=check.id), 303)
    return with_head_again(_dialog(app, check), app)


@pages.get("/<int:check_id>")
@app_manager(AppManager.OWNER)
def show(app: App, check: Check) -> str:
    if request.htmx:
        return _dialog(app, check)
    return render_template("checks/show.html", app=app, progress=progress_of(app, check))


@pages.get("/<int:check_id>/progress")
@app_manager(AppManager.OWNER)
def progress(app: App, check: Check) -> str:
    """The dialog asks for this every second while the check runs."""
    return render_template("checks/_progress.html", app=app, progress=progress_of(app, check))


@pages.delete("/<int:check_id>")
@app_manager(AppManager.OWNER)
def cancel(app: App, check: Check) -> Response | str:
    asking.cancel(check, by())
    check = Check.get_by_id(check.id)
    if request.htmx:
        return render_template("checks/_progress.html", app=app, progress=progress_of(app, check))
    return redirect(url_for("checks.show", app_id=app.id, check_id=check.id), 303)


def _dialog(app: App, check: Check) -> str:
    return render_template("checks/_dialog.html", app=app, progress=progress_of(app, check))


@dataclass(frozen=True)
class Progress:
    """A check as a page shows it, while it runs and after it. Texts and addresses that don't apply are empty."""

    check: Check
    live: bool
    succeeded: bool
    failed: bool  # neither of these: it was cancelled
    title: str
    phase: str
    read: str  # how much of it was read, of what total
    total: str
    done: int  # the same for the bar; `most` is None where nobody knows the total
    most: int | None
    took: str  # empty below LEAST_SECONDS once it has ended
    found: str
    report: Report | None  # the open one, to review
    sentence: str
    held: str
    unchanged: Markup | str  # what Rollcall still shows after a check that changed nothing
    cancel: str = ""
    fixes: list[Button] = field(default_factory=list)  # of a failed check
    may_check_again: bool = False
    earlier_report: int | None = None  # of this check, with nothing left to decide
    notice: str = ""  # of a live check: how one learns what it finds


def progress_of(app: App, check: Check) -> Progress:
    live, succeeded = check.state in LIVE_CHECKS, check.state == CheckState.SUCCEEDED
    report = check.report if check.report_id and check.report.is_open else None
    phase, counts = _phase(check, kind_of(app).asset_word)
    total = max(check.total, check.items_read) if counts and check.total and check.items_read else None
    return Progress(
        check, live, succeeded, check.state == CheckState.FAILED, _title(app, check), phase,
        read=number(check.items_read) if counts and check.items_read else "", total=number(total) if total else "",
        done=check.items_read if counts and check.total else 0, most=total, took=_took(check, live),
        found="" if live else found(check), report=report, sentence=report_view.sentence(report) if report else "",
        held=_held(check), unchanged="" if live or succeeded else _unchanged(app, check),
        notice=_notice() if live else "", **_next_step(app, check, report),
    )  # fmt: skip


def _title(app: App, check: Check) -> str:
    if check.state in LIVE_CHECKS:
        return f"Checking {app.name}"
    if check.state == CheckState.CANCELLED:
        return "The check was cancelled"
    return f"{app.name} {'was' if check.state == CheckState.SUCCEEDED else 'could not be'} checked"


def _took(check: Check, live: bool) -> str:
    seconds = ((check.finished_at or utcnow()) - check.created_at).total_seconds()
    return duration(seconds) if live or seconds >= LEAST_SECONDS else ""


def _notice() -> str:
    if outbox.reaches_people():
        return "the app's Owners get an e-mail if there is a report to approve"
    return "if there is a report to approve, it is listed under Reports"


def _held(check: Check) -> str:
    if not check.held:
        return ""
    return (f"A guard holds {plural(check.held, 'change')}, because so many at once look wrong. "
            "None of them is applied until you have reviewed the report.")


def _unchanged(app: App, check: Check) -> Markup | str:
    since = Markup(" Rollcall still shows data from {}.").format(when(app.last_check_at)) if app.last_check_at else ""
    advice = f" {check.advice}" if check.advice and check.state == CheckState.FAILED else ""
    return Markup("Nothing was changed.{}{}").format(since, advice)


def _next_step(app: App, check: Check, report: Report | None) -> dict:
    """The buttons that lead on, and the way to cancel."""
    if check.state in LIVE_CHECKS:
        return {} if check.cancel_asked else {"cancel": url_for("checks.cancel", app_id=app.id, check_id=check.id)}
    if report:
        return {}
    if check.state == CheckState.SUCCEEDED:
        return {"earlier_report": check.report_id}
    fixes = app_alerts.fixes(app) if check.state == CheckState.FAILED and app.error else []
    return {"fixes": fixes, "may_check_again": app.is_active}


def _phase(check: Check, asset_word: str) -> tuple[str, bool]:
    """(what it does right now, whether it counts)."""
    if check.cancel_asked:
        return "Stopping…", False
    if check.state == CheckState.QUEUED and check.error:
        return f"{check.error} The next attempt is {relative(check.next_at, utcnow())}.", False
    words = {
        CheckPhase.WAITING: ("Waiting for its turn…", False),
        CheckPhase.DIRECTORY: ("Asking the directory who works here…", False),
        CheckPhase.ACCOUNTS: ("Reading members…", True),
        CheckPhase.ASSETS: (f"Reading {asset_word}s…", True),
        CheckPhase.ACCESS: (f"Reading who has access to which {asset_word}…", True),
        CheckPhase.COMPARING: ("Comparing with the last check…", False),
    }
    return words.get(check.phase, ("Working…", False))


def found(check: Check) -> str:
    """What a check that succeeded read and applied, in a sentence or two."""
    counts = applied(check)
    news = [plural(counts[name], *words) for name, words in IN_WORDS.items() if counts[name]]
    read = f"{plural(check.accounts, 'member')} read."
    if not news:
        return f"{read} {'No other changes.' if check.waiting + check.held else 'No changes.'}"
    return f"{read} Applied: {listed(news)}."
