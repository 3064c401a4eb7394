"""Compares an app's last reading again after someone has left or come back: the report becomes what a check would say.
The app isn't called, so nobody counts as gone here, and every removal is still looked at again before it is done."""

from __future__ import annotations

import logging
from datetime import datetime

from sync import activity, effects, faults
from sync.db import writing
from sync.groups import assignments
from sync.jobs import comparing, queue
from sync.models import App
from sync.reports import merge, policy
from sync.safety import wanted
from sync.staging import tables
from sync.staging.check import ASSIGNED, COVERED, WANTED

log = logging.getLogger("rollcall.checks")


@queue.woken(comparing.JOB)
def compare_due(now: datetime) -> int:
    """Compare each app that someone asked for; how many. One that fails stays asked for and doesn't stop the others."""
    done = 0
    due = App.select(App.id).where(App.compare_at <= now).order_by(App.compare_at, App.id)
    for app_id in [app.id for app in due]:
        try:
            done += compare(app_id, now)
        except Exception as problem:
            if faults.note(problem) is None:
                log.exception("comparing app %s", app_id)
    return done


def compare(app_id: int, now: datetime) -> bool:
    """Bring the app's report up to date with who has left by now; False where another worker has just done it."""
    try:
        with writing():
            asked = (App.id == app_id) & (App.compare_at <= now)
            if not App.update(compare_at=None).where(asked).execute():
                return False
            app = App.get_by_id(app_id)
            if not app.is_connected or app.last_check_at is None:
                return False
            _bring_up_to_date(app)
    finally:
        tables.end(WANTED, COVERED, ASSIGNED)
    if app.is_active and app.error is None:  # a check of another app would not get as far as its standing approvals
        policy.finish_by_policy(App.get_by_id(app_id))
    return True


def _bring_up_to_date(app: App) -> None:
    suspends = effects.removal_suspends(app)
    App.update(removal_suspends=suspends).where(App.id == app.id).execute()
    wanted.want_nothing()
    wanted.want_open_findings(app)
    wanted.want_leavers(app)
    assignments.want(app, suspends)
    became = merge.bring_up_to_date(app)
    if became.changed:
        activity.record("Rollcall", "compared last reading", about=app.name, app=app, report=became.report,
                        after=became.in_words, why="Someone has left or is back")  # fmt: skip
