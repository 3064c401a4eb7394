"""Every app knows at once who has left, without a check, and comparing its last reading does what a check would do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.apps import apps
from sync.checks import comparison
from sync.db import utcnow, writing
from sync.jobs import comparing, queue
from sync.models import Account, Activity, App, Change, Mail, Report, Task
from sync.people import holds, people
from sync.reports import reports
from sync.workspace import today
from tests.sync.fixtures import email

LATER, MOMENT = timedelta(minutes=1), timedelta(microseconds=1)


def compare() -> int:
    """What the sweep of the next minute does."""
    return comparison.compare_due(utcnow() + LATER)


def waiting(chat) -> dict[str, str]:
    report = reports.open_report(chat.app)
    return {row.account.email: row.decision for row in report.changes if row.account} if report else {}


def mails() -> int:
    return Mail.select().where(Mail.kind == "report").count()


def test_a_leaver_is_reported_and_mailed_without_a_check(chat, second):
    calls, before = len(chat.calls()), utcnow()
    chat.leave(3)
    assert App.select().where(App.compare_at.is_null(False)).count() == 2
    assert comparison.compare_due(before + comparing.PAUSE - MOMENT) == 0  # others may leave at the same time
    assert compare() == 2
    for one in (chat, second):
        assert waiting(one) == {email(3): "needs confirmation"}
    assert mails() == 2 and App.select().where(App.compare_at.is_null(False)).count() == 0
    entry = Activity.get(Activity.what == "compared last reading", Activity.app == chat.app)
    assert (entry.after, entry.report) == ("1 to approve", reports.open_report(chat.app))
    assert len(chat.calls()) == calls


def test_nothing_is_reported_or_mailed_twice(chat):
    chat.leave(3)
    compare()
    report = reports.open_report(chat.app)
    rows = set(Change.select(Change.id).where(Change.report == report).tuples())
    for again in (compare, chat.check, compare):
        again()
    now = reports.open_report(chat.app)
    assert (now, now.version, mails()) == (report, report.version, 1)
    assert set(Change.select(Change.id).where(Change.report == report).tuples()) == rows


def test_a_further_leaver_extends_the_report_and_is_mailed(chat):
    chat.leave(3)
    compare()
    chat.leave(4)
    compare()
    assert waiting(chat) == dict.fromkeys((email(3), email(4)), "needs confirmation")
    assert mails() == 2 and Report.select().where(Report.is_open).count() == 1


def test_someone_who_is_back_leaves_the_report(chat):
    chat.leave(3, 4)
    compare()
    people.mark_returned(chat.people[3], chat.by)
    compare()
    assert waiting(chat) == {email(4): "needs confirmation"}
    people.mark_returned(chat.people[4], chat.by)
    compare()
    last = Report.select().order_by(Report.id.desc()).first()
    assert waiting(chat) == {} and last.state == "superseded"
    entries = Activity.select().where(Activity.what == "compared last reading").order_by(Activity.id)
    assert [(row.report, row.after) for row in entries] == [
        (last, "2 to approve"), (last, "1 to approve"), (last, "Nothing waits any longer")]  # fmt: skip


def test_a_mass_waits_for_a_release(chat):
    chat.leave(*range(2, 9))
    compare()
    assert set(waiting(chat).values()) == {"held"} and mails() == 0
    assert Mail.select().where(Mail.kind == "held").count() == 1


def test_the_grace_period_and_a_hold_are_respected(chat):
    chat.leave(3, 4)
    holds.keep_until(chat.people[3], today() + timedelta(days=5), chat.by)
    holds.hold(chat.people[4], "case 12", chat.by)
    compare()
    assert waiting(chat) == dict.fromkeys((email(3), email(4)), "ignored")
    holds.lift(chat.people[4], chat.by)
    compare()
    assert waiting(chat) == {email(3): "ignored", email(4): "needs confirmation"}


def test_an_old_reading_never_says_that_someone_is_gone(chat):
    chat.store.remove(chat.id_of(5), via="page")
    chat.leave(3)
    compare()
    assert Account.get(Account.email == email(5)).state == "present"
    assert waiting(chat) == {email(3): "needs confirmation"}


@pytest.mark.parametrize("error", [None, "The app can't be reached"])
def test_a_standing_approval_is_applied_where_a_check_would_come_to_it(chat, error):
    App.update(removal_approval="automatic", error=error).execute()
    chat.leave(3)
    compare()
    assert Task.select().count() == (error is None)
    assert Account.get(Account.email == email(3)).state == ("present" if error else "removing")


@pytest.mark.parametrize(("state", "reported"), [("paused", True), ("disconnected", False)])
def test_a_paused_app_is_reported_but_nothing_is_removed(chat, state, reported):
    App.update(state=state, removal_approval="automatic").execute()
    chat.leave(3)
    compare()
    assert bool(waiting(chat)) is reported and not Task.select().exists()


def test_resuming_an_app_compares_it_again(chat):
    App.update(state="paused", removal_approval="automatic").execute()
    chat.leave(3)
    compare()
    apps.resume(App.get_by_id(chat.app.id), chat.by)
    compare()
    assert Account.get(Account.email == email(3)).state == "removing"


def test_one_app_that_fails_stays_asked_for_and_does_not_stop_the_others(chat, second, monkeypatch):
    chat.leave(3)
    real = comparison._bring_up_to_date

    def broken(app):
        real(app)
        if app == chat.app:
            raise RuntimeError

    monkeypatch.setattr(comparison, "_bring_up_to_date", broken)
    assert compare() == 1
    assert waiting(chat) == {} and waiting(second) and mails() == 1
    monkeypatch.undo()
    assert compare() == 1 and waiting(chat)


def test_an_app_that_was_never_read_is_not_compared(chat):
    App.update(last_check_at=None).execute()
    chat.leave(3)
    comparing.app(chat.app.id)
    assert compare() == 0 and waiting(chat) == {}


def test_the_request_to_compare_is_written_with_the_departure_or_not_at_all(chat):
    with pytest.raises(ZeroDivisionError), writing():
        chat.leave(3)
        raise ZeroDivisionError
    assert not App.select().where(App.compare_at.is_null(False)).exists()
    assert not people.with_id(chat.people[3].id).has_left


def test_the_next_sweep_does_what_a_killed_worker_was_woken_for(chat):
    chat.leave(3)
    queue.queue.flush()  # the message is lost, as by a kill between its delivery and its work
    App.update(compare_at=utcnow() - LATER).execute()
    queue.sweep()
    assert waiting(chat) == {email(3): "needs confirmation"}


def test_a_worker_is_woken_for_it_after_the_commit(chat):
    def wakes() -> int:
        return sum("wake_compare" in task.name for task in queue.queue.pending())

    with writing():
        chat.leave(3)
        assert wakes() == 0
    assert wakes() == 1


def test_an_app_is_compared_from_the_moment_on_that_was_asked_for(chat):
    chat.leave(3)
    at = App.get().compare_at
    assert not comparison.compare(chat.app.id, at - MOMENT) and comparison.compare_due(at - MOMENT) == 0
    assert comparison.compare(chat.app.id, at)
    App.update(compare_at=at).execute()
    assert comparison.compare_due(at) == 1


def test_the_effect_of_a_removal_is_noted_for_this_app_alone(chat, second):
    App.update(removal_suspends=True).execute()
    chat.leave(3)
    assert comparison.compare(chat.app.id, utcnow() + LATER)
    assert [App.get_by_id(one.app.id).removal_suspends for one in (chat, second)] == [False, True]
