"""A full, read-only, failing or locked disk, no memory, a wrong clock: named as ours, nobody blamed, nothing lost."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors.apps.sample_chat import SampleChat
from connectors.base import TemporarilyUnavailable
from sync import activity, faults
from sync.checks import checks
from sync.db import db, utcnow, writing
from sync.directory import directories, freshness
from sync.jobs import asking, clock, health, leases, queue
from sync.mail import outbox
from sync.models import Account, Activity, App, Check, Directory, DirectoryReading, Mail, Person, Report, Task
from sync.reports import reports
from sync.states import CheckTrigger
from sync.tasks import tasks
from tests.database import ON_FILE
from tests.faults import own
from tests.sync.fixtures import email

FAULTS = {
    "writes to is full": own.full,
    "can't write to its disk": own.read_only,
    "reports errors": own.failing_disk,
    "database locked": own.locked,
}


@pytest.fixture(autouse=True)
def well_before() -> Iterator[None]:
    faults.clear()
    leases._put_off.clear()
    health._looked_at = float("-inf")
    yield
    faults.clear()


def later() -> None:
    """Postponed work is due, and is done."""
    for model in (Check, Task, Mail):
        model.update(next_at=utcnow()).where(model.state == "queued").execute()
    queue.drain()


def shown() -> str:
    return " ".join(fault.text for fault in health.troubles())


# Naming


def wrapped(problem: BaseException) -> BaseException:
    """As a connector wraps what its HTTP library wrapped."""
    try:
        try:
            raise problem
        except BaseException as inner:
            raise ConnectionError("no answer") from inner
    except ConnectionError:
        try:
            raise TemporarilyUnavailable("Chat can't be reached.") from None
        except TemporarilyUnavailable as outer:
            return outer


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk full"),
        (OSError(errno.EFBIG, "File too large"), "disk full"),
        (OSError(errno.EROFS, "Read-only file system"), "disk read-only"),
        (OSError(errno.EIO, "Input/output error"), "disk failing"),
        (OSError(errno.EMFILE, "Too many open files"), "open files"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
        (MemoryError(), "memory"),
    ],
)
def test_a_fault_of_the_machine_is_named_however_it_was_wrapped(problem, kind):
    assert faults.of(problem).kind == faults.of(wrapped(problem)).kind == kind


@pytest.mark.parametrize(
    "problem",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        ConnectionResetError(errno.ECONNRESET, "reset"),
        TimeoutError(errno.ETIMEDOUT, "timed out"),
        FileNotFoundError(errno.ENOENT, "staff.csv"),
        PermissionError(errno.EACCES, "staff.csv"),
        ZeroDivisionError(),
        ValueError("database or disk is full"),
    ],
)
def test_faults_of_others_are_not_our_own(problem):
    assert faults.of(problem) is None and faults.of(wrapped(problem)) is None


def test_a_chain_without_an_end_is_not_followed_for_ever():
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert faults.of(first) is None


@ON_FILE
@pytest.mark.parametrize("words", FAULTS)
def test_real_errors_of_sqlite_are_named(home, words):
    with pytest.raises(Exception) as raised, FAULTS[words](), writing():
        db.execute_sql("INSERT INTO setting (name, value) VALUES ('x', ?)", (f'"{"x" * 2_000_000}"',))
    assert words in faults.of(raised.value).sentence
    assert words in shown()
    with writing():
        db.execute_sql("INSERT INTO setting (name, value) VALUES ('x', '1')")
    assert health.troubles() == [], "what was written shows that it is over"


@ON_FILE
def test_a_damaged_file_is_named(home):
    path = db.database
    db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.close()
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (os.path.getsize(path) - 4096))
    assert "is damaged" in shown()


# Checks


@ON_FILE
@pytest.mark.parametrize("words", FAULTS)
def test_a_check_that_meets_it_is_neither_failed_nor_the_apps(chat, words):
    for number in range(200):
        chat.store.add(f"new{number}@acme.example", f"New {number}", "member", via="page")
    check, before = asking.ask(chat.app, chat.by), Account.select().count()
    with FAULTS[words]():
        queue.drain()
        assert words in shown()
    check, app = Check.get_by_id(check.id), App.get_by_id(chat.app.id)
    assert check.state in ("queued", "running") and (app.error, app.failures) == (None, 0)
    assert "connector" not in (check.error or "")
    assert Account.select().count() == before
    later()
    assert Check.get_by_id(check.id).state == "succeeded"
    assert Account.select().count() == before + 200
    assert health.troubles() == []


@ON_FILE
def test_a_full_folder_of_temporary_files_is_reported_on_the_check_that_waits(chat):
    check = asking.ask(chat.app, chat.by)
    with own.full_for_what_is_staged():
        queue.drain()
        check = Check.get_by_id(check.id)
        assert check.state == "queued" and "writes to is full" in check.error and check.next_at > utcnow()
        assert "writes to is full" in shown()
        faults.clear()  # another process, such as the one that serves the pages
        assert "writes to is full" in shown()
    later()
    assert (Check.get_by_id(check.id).state, Check.get_by_id(check.id).error) == ("succeeded", None)
    faults.clear()
    assert health.troubles() == []


@ON_FILE
def test_it_is_tried_again_later_and_later_but_for_ever(chat):
    check = asking.ask(chat.app, chat.by)
    waits = []
    with own.full_for_what_is_staged():
        for _ in range(6):
            Check.update(next_at=utcnow()).execute()
            queue.drain()
            waits.append(round((Check.get_by_id(check.id).next_at - utcnow()).total_seconds() / 60))
    assert waits == [1, 5, 15, 15, 15, 15]
    assert Check.get_by_id(check.id).attempts == 0 and App.get_by_id(chat.app.id).failures == 0


def test_its_delays_begin_again_after_an_attempt_without_it(chat, monkeypatch):
    def away(self):
        raise TemporarilyUnavailable("It is away.")

    def minutes_until_the_next() -> int:
        Check.update(next_at=utcnow()).where(Check.id == check.id).execute()
        queue.drain(("check",))
        return round((Check.get_by_id(check.id).next_at - utcnow()).total_seconds() / 60)

    check = asking.ask(chat.app, chat.by, CheckTrigger.DAILY)
    with own.full_for_what_is_staged():
        assert [minutes_until_the_next(), minutes_until_the_next()] == [1, 5]
    with monkeypatch.context() as patch:
        patch.setattr(SampleChat, "accounts", away)
        assert minutes_until_the_next() == 5 and Check.get_by_id(check.id).attempts == 1, "this time, the app's fault"
    with own.full_for_what_is_staged():
        assert minutes_until_the_next() == 1


def test_no_memory_in_the_midst_of_a_list_is_not_the_connectors_bug(chat, monkeypatch):
    def greedy(self):
        yield from ()
        raise MemoryError

    check = asking.ask(chat.app, chat.by)
    with monkeypatch.context() as patch:
        patch.setattr(SampleChat, "accounts", greedy)
        queue.drain()
    check = Check.get_by_id(check.id)
    assert check.state == "queued" and "ran out of memory" in check.error
    later()
    assert Check.get_by_id(check.id).state == "succeeded"


def test_no_more_open_files_is_not_the_apps_network(chat):
    check = asking.ask(chat.app, chat.by)
    kept = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, kept[1]))
    filler = []
    try:
        try:
            while True:
                filler.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            checks.run(check.id)
    except faults.OwnFault as problem:
        assert problem.fault == faults.NO_FILES
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, kept)
        for one in filler:
            os.close(one)
    assert Check.get_by_id(check.id).state in ("queued", "running") and App.get_by_id(chat.app.id).failures == 0
    later()
    assert Check.get_by_id(check.id).state == "succeeded"


def test_a_bug_of_a_connector_is_still_called_one(chat, monkeypatch):
    monkeypatch.setattr(SampleChat, "accounts", lambda self: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        chat.check()
    assert "bug in the connector" in Check.select().order_by(Check.id.desc()).get().advice


# Tasks


def removal(chat) -> Task:
    chat.leave(1)
    chat.check()
    report = Report.get(Report.state == "open")
    [task] = reports.finish(report, chat.by).tasks
    return task


@ON_FILE
@pytest.mark.parametrize("words", FAULTS)
def test_a_removal_that_meets_it_continues_once_it_is_over_and_is_done_once(chat, words):
    task = removal(chat)
    with FAULTS[words]():
        queue.drain(("task",))
    task = Task.get_by_id(task.id)
    if task.state == "done":  # as much as fitted was written
        assert words == "writes to is full"
        return
    assert task.state in ("queued", "running") and task.attempts == 0
    assert not Activity.select().where(Activity.what.startswith("could not")).exists()
    later()
    assert Task.get_by_id(task.id).state == "done"
    assert email(1) not in [member["email"] for member in chat.members()]


@ON_FILE
def test_a_removal_made_before_the_disk_was_full_is_found_done(chat, monkeypatch):
    task, ended = removal(chat), tasks._end
    full = own.read_only()

    def end_on_a_full_disk(*arguments):
        full.__enter__()
        ended(*arguments)

    monkeypatch.setattr(tasks, "_end", end_on_a_full_disk)
    queue.drain(("task",))
    full.__exit__(None, None, None)
    monkeypatch.setattr(tasks, "_end", ended)
    assert email(1) not in [member["email"] for member in chat.members()]
    assert Task.get_by_id(task.id).state == "running"
    queue.drain(("task",))
    assert Task.get_by_id(task.id).state == "done"


# Directories and mail


@ON_FILE
def test_a_directory_s_reading_that_meets_it_is_not_the_directory_s(company):
    with own.full_for_what_is_staged():
        reading = directories.ask(company.directory, "Olga")
        queue.drain(("reading",))
        directory, reading = Directory.get_by_id(company.directory.id), DirectoryReading.get_by_id(reading.id)
        assert reading.state == "failed" and "writes to is full" in reading.error
        assert (directory.failures, Mail.select().count()) == (0, 0)
        assert directory.next_read_at < utcnow() + timedelta(minutes=16)
        faults.clear()
        assert "writes to is full" in shown()
        [warning] = freshness.read_if_older(timedelta(0), "check")
        assert "writes to is full" in warning
    directories.run(directories.ask(company.directory, "Olga").id)
    assert Directory.get_by_id(company.directory.id).error is None
    faults.clear()
    assert health.troubles() == []


@pytest.mark.parametrize("words", FAULTS)
def test_a_reading_whose_failure_can_not_be_written_is_continued(company, words):
    reading = directories.ask(company.directory, "Olga")
    assert leases.claim(DirectoryReading, reading.id)
    leases.put_off(DirectoryReading, reading.id, faults.FULL.text)
    assert DirectoryReading.get_by_id(reading.id).state == "running"
    queue.drain(("reading",))
    assert DirectoryReading.get_by_id(reading.id).state == "succeeded"


def test_a_row_that_was_given_up_here_belongs_to_anyone_who_has_taken_it_since(company):
    reading = directories.ask(company.directory, "Olga")
    assert leases.claim(DirectoryReading, reading.id)
    leases.put_off(DirectoryReading, reading.id, faults.FULL.text)
    assert leases.unfinished(DirectoryReading, utcnow()) == [reading.id]
    elsewhere = {"lease_owner": "another-machine:1:abc", "lease_until": utcnow() + leases.LEASE}
    DirectoryReading.update(elsewhere).execute()
    assert leases.unfinished(DirectoryReading, utcnow()) == [] and not leases.claim(DirectoryReading, reading.id)
    DirectoryReading.update(lease_owner=leases.me()).execute()
    assert leases.claim(DirectoryReading, reading.id), "ours, and given up"
    assert leases.unfinished(DirectoryReading, utcnow()) == [], "and taken up again: once"


@ON_FILE
@pytest.mark.parametrize("words", ["can't write to its disk", "reports errors", "database locked"])
def test_an_e_mail_that_meets_it_is_sent_once_it_is_over(home, olga, smtp, words):
    outbox.configure(smtp.url, "http://rollcall.example")
    mail = outbox.test_mail("olga@acme.example")
    with FAULTS[words]():
        queue.drain(("mail",))
    assert Mail.get_by_id(mail.id).state in ("queued", "sending") and Mail.get_by_id(mail.id).attempts == 0
    later()
    assert Mail.get_by_id(mail.id).state == "sent"


# The clock


def test_a_clock_that_has_gone_back_stops_everything_until_it_is_set(chat, by):
    queue.sweep()
    ahead = utcnow() + timedelta(days=40)
    clock.keep(ahead)
    check = asking.ask(chat.app, chat.by)
    queue.drain()
    queue.sweep()
    assert Check.get_by_id(check.id).state == "queued"
    [fault] = health.troubles()
    assert fault.kind == "clock" and f"{ahead:%d %b %Y}" in fault.advice
    with pytest.raises(faults.OwnFault, match="clock"):
        checks.run(check.id)
    clock.is_right(by)
    assert "clock is right" in activity.entries()[0].what and health.troubles() == []
    queue.drain()
    assert Check.get_by_id(check.id).state == "succeeded"


# The schedule


@ON_FILE
def test_a_schedule_that_is_idle_says_what_hinders_it(home):
    queue.sweep()
    assert health.troubles() == []
    late = utcnow() + timedelta(seconds=90)
    with own.read_only():
        assert [fault.kind for fault in health.troubles(late)] == ["disk read-only"]
    faults.clear()
    [fault] = health.troubles(utcnow() + timedelta(minutes=7))
    assert fault.kind == "schedule" and "7 minutes" in fault.sentence


@ON_FILE
def test_a_sweep_that_can_not_write_ends_quietly_and_is_reported(home, olga):
    with own.read_only():
        queue.sweep()
        assert "can't write to its disk" in shown()
    assert Person.select().exists()
