"""How each app stands, in one word and one tone, for cards and titles: asked for many apps at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sync.models import App, Check, Report, Task
from sync.states import AppState, CheckState


@dataclass(frozen=True)
class Standing:
    """`tone` is ok, working, waiting, attention or neutral; `check` and `report` are the live ones."""

    word: str
    tone: str
    detail: str = ""
    check: Check | None = None
    report: Report | None = None


def standings(apps: Iterable[App]) -> dict[int, Standing]:
    """By app id."""
    apps = list(apps)
    ids = [app.id for app in apps]
    under_way = Check.select().where(Check.app.in_(ids), Check.is_live)
    checks = {row.app_id: row for row in under_way}
    reports = {row.app_id: row for row in Report.select().where(Report.app.in_(ids), Report.is_open)}
    stuck = {
        row.app_id: row.error
        for row in Task.select(Task.app, Task.error).where(Task.app.in_(ids), Task.needs_attention)
    }
    return {app.id: _standing(app, checks.get(app.id), reports.get(app.id), stuck.get(app.id)) for app in apps}


def standing(app: App) -> Standing:
    return standings([app])[app.id]


def _standing(app: App, check: Check | None, report: Report | None, stuck: str | None) -> Standing:
    if app.is_disconnected:
        return Standing("Disconnected", "neutral")
    if app.state == AppState.CONNECTING:
        return Standing("Being connected", "neutral")
    if check is not None and check.state == CheckState.RUNNING:
        return Standing(f"Checking{_percent(check)}", "working", check=check, report=report)
    if check is not None:
        return Standing("Check waits", "working", check.error or "", check=check, report=report)
    if app.error:
        return Standing("Needs attention", "attention", app.error, report=report)
    if stuck:
        return Standing("Needs attention", "attention", stuck, report=report)
    if report is not None and report.held:
        return Standing("Held by a guard", "waiting", f"{report.held:,} changes wait for a look", report=report)
    if report is not None:
        return Standing("Report ready", "waiting", report=report)
    if app.state == AppState.PAUSED:
        return Standing("Paused", "neutral")
    if app.last_check_at is None:
        return Standing("Not read yet", "neutral")
    return Standing("Up to date", "ok")


def _percent(check: Check) -> str:
    return f" {min(99, check.read * 100 // check.total)} %" if check.total and check.read else ""
