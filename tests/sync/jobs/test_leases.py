"""Who works on a row: one at a time, and nobody waits for the dead."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import timedelta

import psycopg
import pytest

from sync.db import connected, db, utcnow, waiting_at_most, writing
from sync.jobs import clock, leases, queue
from sync.models import App, Check, Mail, Task
from tests import database

LATER = timedelta(minutes=5)


@pytest.fixture
def check(home) -> Check:
    return Check.create(app=App.create(connector="none", name="App", category="Seat-based"))


def dead_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def holds(row: Check | Task, owner: str | None, until=None) -> None:
    model = type(row)
    model.update(state="running", lease_owner=owner, lease_until=until or utcnow() + LATER).where(
        model.id == row.id).execute()  # fmt: skip


def test_a_waiting_row_is_claimed_once(check):
    assert leases.claim(Check, check.id) and not leases.claim(Check, check.id)
    row = Check.get_by_id(check.id)
    assert (row.state, row.lease_owner) == ("running", leases.me()) and row.lease_until > utcnow() + LATER


@pytest.mark.parametrize("model", [Check, Task], ids=lambda model: model.__name__)
@pytest.mark.parametrize("owner", [None, "dead"])
def test_of_many_threads_one_claims(check, model, owner):
    row = check if model is Check else Task.create(app=check.app, kind="remove")
    if owner:
        holds(row, f"{leases.HOST}:{dead_pid()}:abc")
    ready, won = threading.Barrier(6), []

    def claim() -> None:
        with connected():
            ready.wait()
            won.append(leases.claim(model, row.id))
        ready.wait()  # what a thread that has ended held could be claimed again

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]


@database.ON_SERVER
def test_nobody_takes_a_row_while_what_became_of_it_is_written(check):
    leases.claim(Check, check.id)
    look = f"SELECT id FROM app_check WHERE id = {check.id} FOR UPDATE NOWAIT"
    with psycopg.connect(db.database, autocommit=True) as other:
        with writing():
            assert leases.holds(Check.get_by_id(check.id))
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute(look)
        assert other.execute(look).fetchone() == (check.id,)


@database.ON_SERVER
def test_a_lease_does_not_wait_for_the_one_writer(check):
    """Nor does it lock the writers out: a claim, a renewal and a check's progress change one row of their own."""
    from sync.postgres.database import WRITERS

    with psycopg.connect(db.database) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({WRITERS})")
        with waiting_at_most(1):
            assert leases.claim(Check, check.id)
            leases.renew(Check.get_by_id(check.id))
            with pytest.raises(psycopg.errors.LockNotAvailable), writing():
                pass


def test_a_row_that_is_not_due_or_has_ended_or_never_existed_is_not_claimed(check):
    Check.update(next_at=utcnow() + LATER).execute()
    assert not leases.claim(Check, check.id) and leases.unfinished(Check, utcnow()) == []
    for state in ("succeeded", "failed", "cancelled"):
        Check.update(state=state, next_at=utcnow()).execute()
        assert not leases.claim(Check, check.id)
    assert not leases.claim(Check, 999)


@pytest.mark.parametrize(
    ("owner", "void"),
    [
        ("{here}:{dead}:abc", True),
        ("{here}:{me}:another-start", True),  # this process id, but of an earlier process
        ("{here}:1:abc", False),  # alive
        ("{name}/earlier/{processes}:1:abc", not db.on_server),  # before a restart of the one machine
        ("{name}/earlier/999:1:abc", False),  # another container, or this one under another id
        ("{name}/{kernel}/999:1:abc", False),  # another container of this machine: its process 1 is another one
        ("elsewhere/{kernel}/{processes}:{dead}:abc", False),
        ("elsewhere:1:abc", False),
        ("elsewhere:{dead}:abc", False),  # whether it lives can't be known from here
        (None, True),
    ],
)
def test_the_lease_of_the_dead_is_void_at_once_and_of_the_living_is_not(check, owner, void):
    name, kernel, processes = leases.HOST.split("/")
    parts = {"here": leases.HOST, "name": name, "kernel": kernel, "processes": processes}
    holds(check, owner and owner.format(**parts, me=os.getpid(), dead=dead_pid()))
    assert (check.id in leases.unfinished(Check, utcnow())) is void
    assert leases.claim(Check, check.id) is void


def until_unseen() -> None:
    while db.is_seen("00c0ffee"):
        pass


@database.ON_SERVER
def test_the_lease_of_another_machine_is_void_once_the_server_has_not_seen_its_process_for_a_while(check, monkeypatch):
    from sync.postgres import seen

    now = [100.0]
    monkeypatch.setattr(leases.time, "monotonic", lambda: now[0])
    holds(check, "elsewhere/1/2:1:00c0ffee")
    with psycopg.connect(db.database, autocommit=True) as process:
        process.execute(seen.HOLD, (seen.PROCESSES, seen.number("00c0ffee")))
        now[0] += 1000
        assert not leases.abandoned(Check, utcnow()) and not leases.claim(Check, check.id)
    until_unseen()
    assert not leases.abandoned(Check, utcnow()), "it may connect again"
    now[0] += leases.UNSEEN_SECONDS - 1
    assert not leases.abandoned(Check, utcnow())
    with psycopg.connect(db.database, autocommit=True) as process:
        process.execute(seen.HOLD, (seen.PROCESSES, seen.number("00c0ffee")))
        assert not leases.abandoned(Check, utcnow()), "it has connected again, and the while begins again"
    until_unseen()
    assert not leases.abandoned(Check, utcnow())
    now[0] += leases.UNSEEN_SECONDS
    assert leases.abandoned(Check, utcnow()) == [check.id] and leases.claim(Check, check.id)


def test_a_process_of_another_user_is_alive(check, monkeypatch):
    def kill(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", kill)
    holds(check, f"{leases.HOST}:1:abc")
    assert not leases.claim(Check, check.id)


@pytest.mark.parametrize("values", [
    {"state": "succeeded"}, {"lease_owner": "elsewhere:1:abc"}, {"lease_until": utcnow() + LATER},
], ids=lambda values: "".join(values))
def test_a_row_that_changed_since_it_was_read_is_not_claimed(check, values):
    """On a server, another worker may write between the look and the claim."""
    holds(check, "elsewhere:1:def", utcnow() - LATER)
    seen = leases._is_unchanged(Check.get())
    assert Check.select().where(seen).exists()
    Check.update(**values).execute()
    assert not Check.select().where(seen).exists()


def test_any_lease_ends_with_its_time(check):
    holds(check, "elsewhere:1:abc", utcnow() - timedelta(seconds=1))
    assert leases.unfinished(Check, utcnow()) == [check.id] and leases.claim(Check, check.id)


def test_a_lease_is_over_at_its_last_moment():
    now = utcnow()
    assert leases.is_void(leases.me(), now, now) and not leases.is_void(leases.me(), now + timedelta(seconds=1), now)


def test_a_row_that_has_ended_has_no_lease(check):
    holds(check, leases.me())
    assert leases.finish(Check.get_by_id(check.id), state="succeeded")
    row = Check.get_by_id(check.id)
    assert (row.state, row.lease_owner, row.lease_until) == ("succeeded", None, None)


def test_a_fault_here_queues_no_row_that_another_process_works_on(check):
    holds(check, f"{leases.HOST}:{os.getppid()}:abc")
    leases.put_off(Check, check.id, "The disk is full.")
    row = Check.get_by_id(check.id)
    assert (row.state, row.error, row.lease_owner) == ("running", None, f"{leases.HOST}:{os.getppid()}:abc")


def test_my_own_lease_is_kept_and_can_be_renewed(check):
    leases.claim(Check, check.id)
    Check.update(lease_until=utcnow() + timedelta(seconds=5)).execute()
    assert not leases.claim(Check, check.id)
    leases.renew(Check.get_by_id(check.id))
    assert Check.get_by_id(check.id).lease_until > utcnow() + LATER


def test_someone_elses_lease_is_not_renewed(check):
    holds(check, "elsewhere:1:abc", utcnow() + timedelta(seconds=5))
    leases.renew(Check.get_by_id(check.id))
    assert Check.get_by_id(check.id).lease_until < utcnow() + LATER


def test_nothing_is_written_for_a_row_that_someone_else_has(check):
    leases.claim(Check, check.id)
    holds(check, "elsewhere:1:abc")
    with writing():
        assert not leases.holds(check) and not leases.finish(check, state="succeeded")
    assert (Check.get_by_id(check.id).state, Check.get_by_id(check.id).lease_owner) == ("running", "elsewhere:1:abc")


def test_nothing_is_written_for_a_row_that_was_cancelled_while_it_ran(check):
    leases.claim(Check, check.id)
    Check.update(cancel_asked=True).execute()
    with writing():
        assert leases.holds(check) and not leases.holds(check, unless_cancelled=True)
    Check.update(state="cancelled").execute()
    with writing():
        assert not leases.holds(check) and not leases.finish(check, state="succeeded")
    assert Check.get().state == "cancelled"


def test_a_worker_is_woken_for_a_row_that_a_dead_one_held(check):
    holds(check, f"{leases.HOST}:{dead_pid()}:abc")
    queue.wake_abandoned()
    assert queue.queue.pending_count() == 1
    queue.wake_abandoned()
    assert queue.queue.pending_count() == 1, "a worker has been woken: it isn't asked for again until then"
    queue.sweep()
    assert queue.queue.pending_count() == 1, "nor by the sweep"


def test_nobody_is_woken_for_a_row_that_a_living_one_holds(check):
    holds(check, f"{leases.HOST}:1:abc")
    queue.wake_abandoned()
    assert queue.queue.pending_count() == 0


def test_nothing_is_applied_while_the_clock_is_wrong(check):
    holds(check, f"{leases.HOST}:{dead_pid()}:abc")
    clock.keep(utcnow() + timedelta(days=1))
    queue.wake_abandoned()
    assert queue.queue.pending_count() == 0


def test_mails_have_a_word_of_their_own(home):
    mail = Mail.create(key="k", kind="test", to="olga@acme.example", subject="s", text="t", html="h")
    assert leases.claim(Mail, mail.id) and Mail.get().state == "sending"
    Mail.update(lease_until=utcnow() - LATER).execute()
    assert leases.unfinished(Mail, utcnow()) == [mail.id]


def test_a_row_that_another_thread_works_on_is_not_claimed_although_its_lease_is_over(check):
    claimed, may_end = threading.Event(), threading.Event()

    def work() -> None:
        with connected():
            leases.claim(Check, check.id)
        claimed.set()
        may_end.wait(30)

    thread = threading.Thread(target=work)
    thread.start()
    claimed.wait(30)
    Check.update(lease_until=utcnow() - LATER).execute()
    assert not leases.claim(Check, check.id) and leases.unfinished(Check, utcnow()) == []
    assert leases.release(Check, check.id) == [] and not leases.claim(Check, check.id), "this thread has no part in it"
    may_end.set()
    thread.join()
    assert leases.unfinished(Check, utcnow()) == [check.id] and leases.claim(Check, check.id)


def tasks_of(app: App, count: int) -> list[int]:
    return [Task.create(app=app, kind="remove").id for _ in range(count)]


def test_only_so_many_tasks_of_an_app_run_at_once(check):
    mine = tasks_of(check.app, leases.AT_ONCE + 3)
    [others] = tasks_of(App.create(connector="none", name="Other", category="Seat-based"), 1)
    assert [leases.claim(Task, task) for task in mine] == [True] * leases.AT_ONCE + [False] * 3
    assert leases.claim(Task, others)
    assert leases.release(Task, mine[0]) == [], "it hasn't ended: it counts until it has"
    for task in mine[1:3]:
        Task.update(state="done").where(Task.id == task).execute()
    Task.update(next_at=utcnow() + LATER).where(Task.id == mine[-3]).execute()
    assert leases.release(Task, mine[1]) == mine[-2:] and leases.release(Task, mine[1]) == [], "the first that are due"
    assert [leases.claim(Task, task) for task in mine[-3:]] == [False, True, True]


def test_the_task_of_a_dead_worker_is_claimed_although_as_many_run_as_may(check):
    mine = tasks_of(check.app, leases.AT_ONCE)
    for task in mine:
        leases.claim(Task, task)
    Task.update(lease_owner=f"{leases.HOST}:{dead_pid()}:abc").where(Task.id == mine[0]).execute()
    assert leases.claim(Task, mine[0])


def test_a_task_that_waited_for_others_of_its_app_gets_a_worker_when_one_ends(check):
    mine = tasks_of(check.app, leases.AT_ONCE + 1)
    for task in mine[:-1]:
        leases.claim(Task, task)
    Task.update(state="done").where(Task.id == mine[0]).execute()
    queue._release("task", mine[0])
    [message] = queue.queue.pending()
    assert (message.name, message.args) == ("wake_task", (mine[-1],))


def test_a_task_that_is_not_due_gets_no_worker_when_another_ends(check):
    ended, later = tasks_of(check.app, 2)
    leases.claim(Task, ended)
    Task.update(next_at=utcnow() + LATER).where(Task.id == later).execute()
    Task.update(state="done").where(Task.id == ended).execute()
    assert leases.release(Task, ended) == []
