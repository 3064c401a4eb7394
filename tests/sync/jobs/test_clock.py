"""After a clock that was ahead, nothing waits for the time that it showed, and no decision lasts until then."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sync import activity
from sync.apps import apps, status
from sync.checks import checks
from sync.db import utcnow, writing
from sync.directory import directories
from sync.jobs import asking, clock, leases, queue
from sync.models import (
    AcceptedLeaver,
    Account,
    Activity,
    App,
    Change,
    Check,
    Directory,
    DirectoryEntry,
    Mail,
    Person,
    Report,
    Task,
)
from sync.people import holds, people
from sync.reports import reports
from sync.safety import leavers
from sync.workspace import today, update_workspace

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


def test_a_check_that_was_due_in_the_future_is_no_longer_missed_once_the_app_is_read(chat):
    App.update(last_due_at=utcnow() + AHEAD).execute()
    clock.keep(utcnow() + AHEAD)
    clock.is_right(chat.by)
    assert App.get().last_due_at <= utcnow()


def test_work_of_a_machine_that_is_gone_is_free_after_one_lease(chat):
    check = asking.ask(chat.app, "schedule", "daily")
    lost = {"state": "running", "lease_owner": "gone/1/1:1:1", "lease_until": utcnow() + AHEAD}
    Check.update(lost).where(Check.id == check.id).execute()
    clock.is_right(chat.by)
    assert leases.abandoned(Check, utcnow()) == []
    assert Check.get_by_id(check.id).lease_until <= utcnow() + leases.LEASE


@pytest.mark.parametrize("left, decided, holds", [
    (AHEAD, AHEAD + HOUR, True), (AHEAD, AHEAD, True), (-HOUR, AHEAD, True), (AHEAD, AHEAD - HOUR, False),
    (AHEAD, -HOUR, False),
])  # fmt: skip
@pytest.mark.parametrize("accepts", [False, True])
def test_a_decision_covers_the_same_departure_as_before_and_no_later_one(chat, left, decided, holds, accepts):
    chat.leave(3)
    account, now = Account.get(Account.person == chat.people[3]), utcnow()
    Person.update(status_since=now + left).where(Person.id == account.person_id).execute()
    if accepts:
        AcceptedLeaver.create(account=account, person=account.person_id, protection="by hand", reason="Lawsuit",
                              until=today() + timedelta(days=7), accepted_by="Olga", accepted_at=now + decided)
    else:
        decision = {"left_out_person": Account.person, "left_out_reason": "Lawsuit", "left_out_at": now + decided}
        Account.update(decision).where(Account.id == account.id).execute()
    assert leavers.is_open(account) is not holds
    clock.is_right(chat.by)
    assert leavers.is_open(account) is not holds
    assert Person.get_by_id(account.person_id).status_since <= utcnow()
    people.mark_returned(chat.people[3], chat.by)
    people.mark_left(chat.people[3], chat.by)
    assert leavers.is_open(account)


def test_days_chosen_by_a_clock_that_was_ahead_are_shown_and_a_grace_period_counts_from_now(chat, monkeypatch):
    update_workspace(chat.by, grace_days=7)
    holds.keep_until(chat.people[1], today() + timedelta(days=30), chat.by)
    assert clock.is_right(chat.by) == "", "it was not ahead"
    ahead = utcnow() + AHEAD
    monkeypatch.setattr(activity, "utcnow", lambda: ahead)
    monkeypatch.setattr(holds, "today", ahead.date)
    holds.keep_until(chat.people[3], ahead.date() + timedelta(days=1), chat.by)
    with writing():
        holds.begin_grace([chat.people[2]], "HR")
    monkeypatch.undo()
    shown = clock.is_right(chat.by)
    assert "Person 3 (until " in shown and "Person 1" not in shown and "Person 2" not in shown
    assert Activity.get(Activity.what == "said that the clock is right", Activity.why != "").why == shown
    assert Person.get_by_id(chat.people[2].id).remove_on == today() + timedelta(days=7)


def test_a_guard_counts_the_leavers_of_today_again(chat):
    okta = Directory.create(kind="okta", name="People", guard_counts_from=utcnow() + AHEAD)
    DirectoryEntry.create(directory=okta, external_id="1", person=chat.people[1], reported_status="deprovisioned",
                          left_at=utcnow() + AHEAD, reported_at=utcnow() + AHEAD)  # fmt: skip
    clock.is_right(chat.by)
    entry = DirectoryEntry.get()
    assert max(Directory.get().guard_counts_from, entry.left_at, entry.reported_at) <= utcnow()


def test_a_released_mass_covers_none_that_is_found_later(chat):
    apps.set_guard(chat.app, 1, 0, chat.by)
    chat.leave(1, 2)
    chat.check()
    report = reports.open_report(chat.app)
    reports.release(report, chat.by)
    ahead = utcnow() + AHEAD
    Change.update(created_at=ahead).execute()
    Report.update(released_at=ahead).execute()
    clock.is_right(chat.by)
    chat.leave(3, 4)
    chat.check()
    assert reports.open_report(chat.app) == report and Report.get_by_id(report.id).held
    reports.release(Report.get_by_id(report.id), chat.by)
    chat.check()
    assert not Report.get_by_id(report.id).held


def test_a_clock_may_go_back_by_as_much_as_a_time_server_turns_it(home):
    now = utcnow()
    with writing():
        clock.keep(now)
    assert clock.wrong(now - clock.BEHIND) is None
    assert clock.wrong(now - clock.BEHIND - timedelta(seconds=1)).kind == "clock"


def test_the_sweep_notes_the_time_by_which_a_clock_is_measured(home):
    queue.sweep()
    now = utcnow()
    assert clock.wrong(now) is None and clock.wrong(now - timedelta(minutes=6)).kind == "clock"


def test_a_job_that_is_woken_waits_for_a_clock_that_is_right(home, by):
    done = []
    run = queue._now(done.append)
    clock.keep(utcnow() + timedelta(days=1))
    run()
    assert done == []
    clock.is_right(by)
    run()
    assert len(done) == 1


def test_a_step_of_a_time_server_and_the_time_that_continues_are_no_fault(home):
    now = utcnow()
    clock.keep(now + timedelta(minutes=4))
    assert clock.wrong(now) is None
    clock.keep(now)
    assert clock.wrong(now - timedelta(minutes=2)) is not None, "a smaller step back does not turn the mark back"
    assert clock.wrong(now + timedelta(days=4000)) is None
