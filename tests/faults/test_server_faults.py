"""A database server that can't be written, is locked, or ends all connections in the midst of work: nobody is blamed,
nothing is lost or done twice. What happens to a SQLite file is in test_own_faults.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from sync import faults
from sync.db import connected, db, utcnow
from sync.directory import directories
from sync.jobs import asking, leases, queue
from sync.mail import outbox
from sync.models import Account, Activity, App, Check, Directory, DirectoryReading, Mail, Task
from sync.postgres.database import WRITERS
from sync.reports import reports
from tests.database import ON_SERVER
from tests.faults.own import read_only
from tests.sync.fixtures import Chat, email

pytestmark = ON_SERVER


@pytest.fixture(autouse=True)
def well_before() -> Iterator[None]:
    faults.clear()
    leases._put_off.clear()
    yield
    faults.clear()


@contextmanager
def as_administrator() -> Iterator[psycopg.Connection]:
    """A connection to another database of the same server."""
    with psycopg.connect(db.database.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
        yield connection


@contextmanager
def locked() -> Iterator[None]:
    """Another writer doesn't end."""
    db.execute_sql("SET lock_timeout = 50")
    with psycopg.connect(db.database) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({WRITERS})")
        try:
            yield
        finally:
            other.rollback()
            db.execute_sql("SET lock_timeout = '30s'")


@contextmanager
def gone() -> Iterator[None]:
    """It ends all connections and accepts no new one."""
    name = db.database.rpartition("/")[2]
    db.pool.wait_seconds = 0.2
    with as_administrator() as administrator:
        administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        administrator.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            db.close()  # this thread, which is the test's, asks for another connection
            db.connect()


FAULTS = {faults.SERVER_READS_ONLY: read_only, faults.LOCKED: locked, faults.NO_SERVER: gone}
EACH = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.kind)


def later() -> None:
    """Postponed work is due, what a process has given up is taken again, and all is done."""
    for model in (Check, Task, Mail):
        model.update(next_at=utcnow()).where(model.state == "queued").execute()
    queue.sweep()
    queue.drain()


@EACH
def test_a_check_that_meets_it_is_neither_failed_nor_the_apps(chat: Chat, fault):
    chat.store.add("new@acme.example", "New", "member", via="page")
    check, before = asking.ask(chat.app, chat.by), Account.select().count()
    with FAULTS[fault]():
        met = _work("check")
        assert faults.current() == [fault] or met is fault
    check, app = Check.get_by_id(check.id), App.get_by_id(chat.app.id)
    assert check.state in ("queued", "running") and (app.error, app.failures) == (None, 0)
    assert "connector" not in (check.error or "") and Account.select().count() == before
    later()
    assert Check.get_by_id(check.id).state == "succeeded" and Account.select().count() == before + 1


@EACH
def test_a_removal_that_meets_it_is_done_once_it_is_over(chat: Chat, fault):
    chat.leave(1)
    check = chat.check()
    [task] = reports.finish(check.report, chat.by, version=check.report.version).tasks
    with FAULTS[fault]():
        _work("task")
    task = Task.get_by_id(task.id)
    assert task.state in ("queued", "running") and task.attempts == 0
    assert not Activity.select().where(Activity.what.startswith("could not")).exists()
    later()
    assert Task.get_by_id(task.id).state == "done" and chat.removed() == [email(1)]


@EACH
def test_a_reading_that_meets_it_is_not_the_directorys(company, fault):
    reading = directories.ask(company.directory, "Olga")
    with FAULTS[fault]():
        _work("reading")
    assert Directory.get_by_id(company.directory.id).failures == 0
    later()
    assert DirectoryReading.get_by_id(reading.id).state in ("succeeded", "failed")
    assert company.read().state == "succeeded"


@EACH
def test_an_email_that_meets_it_is_sent_once(home, olga, smtp, fault):
    outbox.configure(smtp.url, "http://rollcall.example")
    mail = outbox.test_mail("olga@acme.example")
    with FAULTS[fault]():
        _work("mail")
    assert Mail.get_by_id(mail.id).state in ("queued", "sending") and Mail.get_by_id(mail.id).attempts == 0
    later()
    assert Mail.get_by_id(mail.id).state == "sent" and len(smtp.messages) == 1


def _work(kind: str) -> faults.Fault | None:
    """What a worker does; the fault that ended it."""
    try:
        with connected():
            queue.drain((kind,))
    except Exception as problem:
        assert faults.of(problem), problem
        return faults.of(problem)
    return None
