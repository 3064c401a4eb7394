"""After a clock that was ahead, nothing waits for the time that it showed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sync.apps import status
from sync.checks import checks
from sync.db import utcnow
from sync.directory import directories
from sync.jobs import asking, clock
from sync.models import App, Check, Directory, Mail, Task
from sync.reports import reports

AHEAD, HOUR = timedelta(days=900), timedelta(hours=1)


@pytest.fixture
def ahead(chat) -> datetime:
    """The time that the clock showed when it was last worked by."""
    ahead = utcnow() + AHEAD
    App.update(last_due_at=ahead - HOUR, last_check_at=ahead, next_check_at=ahead + HOUR, compare_at=ahead).execute()
    clock.keep(ahead)
    return ahead


def test_an_app_is_overdue_and_read_at_once(chat, ahead):
    clock.is_right(chat.by)
    app = App.get()
    assert app.last_check_at <= utcnow() and app.compare_at <= utcnow()
    later = utcnow() + timedelta(seconds=2)
    assert checks.start_due(later) == 1
    asking.cancel(asking.live(chat.app), chat.by)
    checks.run(Check.select().order_by(Check.id.desc()).get().id)
    assert status.standing(App.get()).status == "Overdue"
    chat.check()
    app = App.get()
    assert later < app.next_check_at < later + clock.FARTHEST


def test_a_directory_is_read_at_once(chat, ahead):
    Directory.create(kind="okta", name="People", last_read_at=ahead, next_read_at=ahead + HOUR)
    clock.is_right(chat.by)
    assert len(directories.due(utcnow())) == 1 and Directory.get().last_read_at <= utcnow()


def test_work_that_waits_for_another_attempt_is_due(chat):
    chat.leave(1)
    chat.check()
    reports.finish(reports.open_report(chat.app), chat.by)
    check = asking.ask(chat.app, "schedule", "daily")
    for model in (Check, Task, Mail):
        model.update(next_at=utcnow() + AHEAD).execute()
    clock.keep(utcnow() + AHEAD)
    clock.is_right(chat.by)
    assert Check.get_by_id(check.id).next_at <= utcnow() and Task.get().next_at <= utcnow()
    assert all(mail.next_at <= utcnow() for mail in Mail.select())


def test_a_time_within_a_day_is_unchanged(chat):
    soon = utcnow() + timedelta(hours=25)
    App.update(next_check_at=soon).execute()
    check = asking.ask(chat.app, "schedule", "daily")
    Check.update(next_at=soon).execute()
    read_at = App.get().last_check_at
    clock.keep(utcnow() + AHEAD)
    clock.is_right(chat.by)
    app = App.get()
    assert (app.next_check_at, app.last_check_at, Check.get_by_id(check.id).next_at) == (soon, read_at, soon)
