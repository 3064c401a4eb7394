"""An app on its worst days, while a report waits and while an approval is carried out: nobody is removed wrongly."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable

import pytest

from connectors.apps.sample_chat import SampleChat
from connectors.tools.http import Http
from sync.checks import checks
from sync.db import utcnow
from sync.jobs import queue as jobs_queue
from sync.models import Access, Account, App, Change, Check, Report, Task
from sync.people import people
from sync.reports import reports
from sync.tasks import tasks
from tests.sync.fixtures import MEMBERS, email

ALWAYS = ("server-error", "cut-off", "web-page", "expired-token", "forbidden", "hang")
LISTS = ("wrong-total", "short-page", "repeated-account")
LONG, SHORT = 60, 0.3  # seconds; the short ones are only for an app that hangs


@pytest.fixture(autouse=True)
def wait_at_most(monkeypatch) -> Callable[[float], None]:
    """No second attempts within one call. The function changes for how many seconds an answer is waited for."""
    names = [name for name, one in inspect.signature(Http.__init__).parameters.items() if one.default is not one.empty]

    def wait_at_most(seconds: float) -> None:
        values = {"timeout": (seconds, seconds), "retries": 0, "patience": 0}
        assert set(values) <= set(names)
        monkeypatch.setattr(Http.__init__, "__kwdefaults__", {**Http.__init__.__kwdefaults__, **values})

    wait_at_most(LONG)
    return wait_at_most


@pytest.fixture
def waiting(chat):
    """An open report: persons 3 and 4 have left; there is a channel with everyone in it."""
    channel = chat.store.add_channel("general", via="page")
    for number in range(MEMBERS):
        chat.store.join(channel, chat.id_of(number), "manager" if number < 2 else "member", via="page")
    chat.leave(3, 4)
    chat.report = chat.check().report
    assert chat.report.waiting == 2
    return chat


def contents() -> tuple:
    """What Rollcall knows of the app, and the report, to the last column."""
    return (
        list(Account.select().order_by(Account.id).tuples()),
        list(Access.select().order_by(Access.id).tuples()),
        list(Change.select().order_by(Change.id).tuples()),
        list(Report.select().order_by(Report.id).tuples()),
    )


# While it is read


@pytest.mark.parametrize("fault", [*ALWAYS, *LISTS, "empty-list"])
def test_a_bad_list_of_members_leaves_the_report_untouched(waiting, fault, wait_at_most):
    before = contents()
    waiting.fault(fault, on="/members")
    if fault == "hang":
        wait_at_most(SHORT)
    check = waiting.check()
    assert check.state == "failed" and check.error and waiting.token not in check.error
    assert contents() == before and waiting.removed() == []
    waiting.clear()
    wait_at_most(LONG)
    again = waiting.check()
    assert (again.state, again.report.id, again.report.version) == (
        "succeeded", waiting.report.id, waiting.report.version,
    )  # fmt: skip


@pytest.mark.parametrize("place", ["/channels", "/channels/C000001/members", "/roles"])
@pytest.mark.parametrize("fault", ["server-error", "web-page", "cut-off"])
def test_a_bad_list_of_anything_else_leaves_the_report_untouched(waiting, fault, place):
    before = contents()
    waiting.fault(fault, on=place)
    assert waiting.check().state == "failed"
    assert contents() == before


@pytest.mark.parametrize("off", [-3, -1, 1, 3])
def test_a_total_that_lies_is_rejected(waiting, off):
    before = contents()
    waiting.fault("wrong-total", on="api/v1/members", by=off)
    assert waiting.check().state == "failed" and contents() == before


def test_a_token_that_expires_half_way_changes_nothing(waiting):
    waiting.store.add_many([(f"m{number}@acme.example", f"M {number}", "member") for number in range(400)])
    before = contents()
    waiting.fault("expired-token", on="/members", after=1)
    check = waiting.check()
    assert check.state == "failed" and "credential" in check.advice and len(waiting.calls("/members")) > 1
    assert contents() == before


def test_a_reading_that_does_not_end_is_given_up(waiting, monkeypatch):
    """The app slows down until the check's time is over: it ends, and says so."""
    monkeypatch.setattr(checks, "LIMIT", checks.timedelta(0))
    before = contents()
    check = waiting.check()
    assert check.state == "failed" and "to the end" in check.error
    assert contents() == before


def test_an_account_looked_up_that_fails_is_not_gone(waiting):
    """The list has lost someone, and the second look fails: an error never counts as an answer."""
    lost = waiting.id_of(6)
    waiting.store.remove(lost, via="page")
    before = contents()
    waiting.fault("server-error", on=f"/members/{lost}")
    assert waiting.check().state == "failed" and contents() == before
    waiting.clear()
    waiting.check()
    assert Account.get(Account.email == email(6)).state == "gone"


@pytest.mark.parametrize("name", ["\ud800", "a\x00b", "=cmd|'/c calc'!A1", "<script>alert(1)</script>", "x" * 100_000])
def test_a_name_that_no_file_should_hold_does_not_stop_the_check(waiting, monkeypatch, name):
    monkeypatch.setattr(SampleChat, "reads_item_by_item", False)
    whole = SampleChat.accounts

    def accounts(self):
        for account in whole(self):
            yield account if account.email != email(6) else type(account)(**{
                field: getattr(account, field) for field in account.__slots__} | {"name": name})  # fmt: skip

    monkeypatch.setattr(SampleChat, "accounts", accounts)
    assert waiting.check().state == "succeeded"
    assert Account.get(Account.email == email(6)).state == "present"


# Between the report and the removal


def finished(chat) -> list[Task]:
    return reports.finish(chat.report, chat.by).tasks


def attempt(*queue: Task) -> list[Task]:
    for task in queue:
        Task.update(next_at=utcnow()).where(Task.id == task.id, Task.state == "queued").execute()
        tasks.run(task.id)
    return [Task.get_by_id(task.id) for task in queue]


def test_an_account_whose_e_mail_was_changed_in_the_meantime_stays(waiting):
    queue = finished(waiting)
    with waiting.store.writing() as store:
        store.execute("UPDATE member SET email = 'somebody-else@acme.example' WHERE email = ?", (email(3),))
    first, second = attempt(*queue)
    assert first.state == "no longer needed" and "a different e-mail address" in first.error
    assert second.state == "done" and waiting.removed() == [email(4)]


def test_an_id_that_was_given_to_someone_else_in_the_meantime_is_not_removed(waiting):
    queue = finished(waiting)
    recycled = waiting.id_of(3)
    waiting.store.remove(recycled, via="page")
    with waiting.store.writing() as store:
        store.execute("DELETE FROM channel_member WHERE member = ?", (waiting.id_of(5),))
        store.execute("UPDATE member SET id = ? WHERE email = ?", (recycled, email(5)))
    first, _ = attempt(*queue)
    assert first.state == "no longer needed"
    assert email(5) in waiting.emails() and waiting.removed() == [email(4)]


def test_an_e_mail_changed_before_the_approval_is_seen_by_the_task_too(waiting):
    """A check between report and approval has applied the new e-mail: it belongs to someone who is here."""
    with waiting.store.writing() as store:
        store.execute("DELETE FROM member WHERE email = ?", (email(5),))
        store.execute("UPDATE member SET email = ? WHERE email = ?", (email(5), email(3)))
    waiting.check()
    jobs_queue.drain()
    assert len(finished(waiting)) == 1
    jobs_queue.drain()
    assert waiting.removed() == [email(4)] and email(5) in waiting.emails()


def test_a_person_who_comes_back_between_the_approval_and_the_operation_stays(waiting):
    queue = finished(waiting)
    people.mark_returned(waiting.people[3], waiting.by)
    first, second = attempt(*queue)
    assert (first.state, second.state) == ("no longer needed", "done")
    assert waiting.removed() == [email(4)] and waiting.check().waiting == 0


def test_a_person_who_comes_back_during_the_last_look_stays(waiting, monkeypatch):
    queue, whole = finished(waiting), SampleChat.account

    def back_in_between(self, id):
        seat = whole(self, id)
        if seat and seat.email == email(3):
            people.mark_returned(waiting.people[3], waiting.by)
        return seat

    monkeypatch.setattr(SampleChat, "account", back_in_between)
    assert attempt(*queue)[0].state == "no longer needed" and waiting.removed() == [email(4)]


def test_a_person_who_became_the_last_admin_in_the_meantime_stays(waiting):
    queue = finished(waiting)
    waiting.store.change(waiting.id_of(3), via="page", role="owner")
    with waiting.store.writing() as store:
        store.execute("DELETE FROM member WHERE email = ?", (email(0),))
    first, second = attempt(*queue)
    assert first.error == "Protected: the last Owner of the app."
    assert second.state == "done" and waiting.removed() == [email(4)]


# While it acts


def test_a_refusal_is_shown_in_the_apps_words_and_can_be_retried(waiting):
    queue = finished(waiting)
    waiting.fault("forbidden", on="/members/", method="DELETE")
    for row in attempt(*queue):
        assert row.state == "needs attention" and "Your plan does not allow this" in row.error
    assert waiting.removed() == [] and waiting.check().state == "succeeded"
    waiting.clear()
    for task in queue:
        tasks.retry(task, waiting.by)
    jobs_queue.drain()
    assert waiting.removed() == [email(3), email(4)]


def test_an_approval_that_does_nothing_is_no_removal(waiting):
    queue = finished(waiting)
    waiting.fault("ignored", method="DELETE")
    first, _ = attempt(*queue)
    assert first.state == "queued" and "still shows the account" in first.error
    assert Account.get(Account.email == email(3)).state == "removing"


@pytest.mark.parametrize("fault", ["server-error", "hang", "cut-off", "web-page"])
def test_a_passing_fault_is_tried_again_until_it_is_done_once(waiting, fault, wait_at_most):
    queue = finished(waiting)
    waiting.fault(fault, on="/members/", times=3)
    if fault == "hang":
        wait_at_most(SHORT)
    for _ in range(2):
        attempt(*[task for task in queue if Task.get_by_id(task.id).state == "queued"])
    wait_at_most(LONG)
    for _ in range(2):
        attempt(*[task for task in queue if Task.get_by_id(task.id).state == "queued"])
    waiting.clear()
    assert {Task.get_by_id(task.id).state for task in queue} == {"done"}
    assert sorted(waiting.removed()) == [email(3), email(4)]


def test_a_removal_whose_answer_was_lost_is_not_done_twice(waiting):
    queue = finished(waiting)
    waiting.fault("done-then-error", method="DELETE")
    assert [row.state for row in attempt(*queue)] == ["queued", "queued"]
    waiting.clear()
    assert [row.state for row in attempt(*queue)] == ["done", "done"]
    assert waiting.removed() == [email(3), email(4)] and len(waiting.calls("DELETE")) == 2


def test_a_rate_limit_is_waited_for(waiting):
    queue = finished(waiting)
    waiting.fault("rate-limit", seconds=120, method="DELETE", times=1)
    first, second = attempt(*queue)
    assert (first.state, first.attempts, second.state) == ("queued", 0, "done")
    assert 60 < (first.next_at - utcnow()).total_seconds() <= 120
    tasks.run(first.id)
    assert waiting.removed() == [email(4)], "not before its time"
    assert attempt(first)[0].state == "done"


def test_a_check_waits_for_a_short_rate_limit_and_gives_up_a_long_one(waiting, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(checks._Work, "wait", lambda self, seconds: None)
    waiting.fault("rate-limit", on="/members", seconds=20, times=1)
    assert waiting.check().state == "succeeded"
    waiting.fault("rate-limit", on="/members", seconds=3600)
    check = waiting.check()
    assert check.state == "failed" and "fewer calls" in check.advice


def test_a_token_that_expires_before_the_operation_stops_both_and_says_what_to_do(waiting):
    queue = finished(waiting)
    waiting.fault("expired-token")
    for row in attempt(*queue):
        assert row.state == "needs attention" and "Replace the credential" in row.error
    assert App.get().error and waiting.removed() == []


def test_a_reading_in_the_middle_of_the_removals_is_whole(waiting, monkeypatch):
    """One is removed while the check reads: neither lost nor asked about again."""
    first, second = finished(waiting)
    monkeypatch.setattr(SampleChat, "reads_item_by_item", False)
    whole = SampleChat.accounts

    def removed_in_between(self):
        yield from whole(self)
        attempt(first)

    monkeypatch.setattr(SampleChat, "accounts", removed_in_between)
    check = waiting.check()
    assert (check.state, check.counts["new_users"], check.waiting) == ("succeeded", 0, 0)
    attempt(second)
    assert waiting.removed() == [email(3), email(4)]
    assert {Account.get(Account.email == email(n)).state for n in (3, 4)} == {"gone"}
    assert Check.select().where(Check.state == "failed").count() == 0
