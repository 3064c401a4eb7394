"""`check`: checks one app now and waits for the end. If a server already runs the check, it follows that one."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from cli.frame import BY, DONE, FAILED, REPORT_WAITS, answer, as_json, end, notice, opened, send_mails
from cli.waiting import see_through
from sync.apps import apps
from sync.checks import checks
from sync.jobs import asking
from sync.models import App, Check
from sync.states import CheckPhase, CheckState
from sync.words import plural

SHOW_EVERY = 5  # seconds between lines about the same phase
# Scripts always get these numbers, even 0; other numbers only if they aren't 0.
ALWAYS_SHOWN = ("new_users", "removed_users", "updated_roles", "updated_profiles", "assets", "access")
PHASES = {
    CheckPhase.WAITING: "waiting",
    CheckPhase.DIRECTORY: "reading the directories",
    CheckPhase.ACCOUNTS: "reading accounts",
    CheckPhase.ASSETS: "reading assets",
    CheckPhase.ACCESS: "reading access",
    CheckPhase.COMPARING: "comparing",
}


@click.command()
@click.argument("name")
@as_json
@opened
def check(name: str, as_json: bool) -> None:
    """Check the app NAME now, wait, and print the result. Exit code 3: done, and a report waits."""
    app = apps.by_name(name)
    ended = see_through(checks.run, asking.ask(app, BY), _progress(app), lambda row: asking.cancel(row, BY))
    send_mails()
    if ended.warning:
        notice(ended.warning)
    answer(_document(app, ended), _lines(app, ended), as_json)
    if ended.state != CheckState.SUCCEEDED:
        notice(" ".join(filter(None, (ended.error, ended.advice))))
        end(FAILED)
    end(REPORT_WAITS if _waits(ended) else DONE)


def _progress(app: App) -> Callable[[Check], None]:
    shown, at = "", 0.0

    def progress(row: Check) -> None:
        nonlocal shown, at
        if row.phase == shown and time.monotonic() - at < SHOW_EVERY:
            return
        shown, at = row.phase, time.monotonic()
        read = f", {row.items_read:,}{f' of {row.total:,}' if row.total else ''}" if row.items_read else ""
        notice(f"{app.name}: {PHASES.get(row.phase, row.phase)}{read} …")

    return progress


def _waits(ended: Check) -> bool:
    return ended.report is not None and ended.report.is_open


def _document(app: App, ended: Check) -> dict:
    counted = {name: ended.counts.get(name, 0) for name in checks.COUNTED}
    return {
        "app": app.name,
        "check": ended.id,
        "state": "succeeded" if ended.state == CheckState.SUCCEEDED else "failed",
        "accounts": ended.accounts,
        "counts": {name: count for name, count in counted.items() if count or name in ALWAYS_SHOWN},
        "applied": ended.applied,
        "waiting": ended.waiting,
        "held": ended.held,
        "report": ended.report_id,
        "error": ended.error,
        "warning": ended.warning,
        "seconds": round((ended.finished_at - (ended.started_at or ended.finished_at)).total_seconds(), 3),
    }


def _lines(app: App, ended: Check) -> list[str]:
    if ended.state != CheckState.SUCCEEDED:
        return [f"{app.name}: the check {ended.state}. Nothing was changed."]
    found = [plural(count, *checks.IN_WORDS[name]) for name, count in ended.counts.items() if count]
    lines = [f"{app.name}: {plural(ended.accounts, 'account')}; {', '.join(found) or 'nothing new'}."]
    if _waits(ended):
        lines.append(f"Report {ended.report_id} waits for approval: {ended.waiting:,} to approve, {ended.held:,} held.")
    return lines
