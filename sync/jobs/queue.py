"""The queue and the clock. Rows of checks, tasks, mails and readings are the truth; Huey only wakes a worker for them,
and what a kill lost is woken again at the start and by a sweep each minute."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import wraps
from pathlib import Path

from huey import Huey, crontab
from huey.serializer import SignedSerializer
from peewee import Model

from sync import faults, vault
from sync.db import connected, db, utcnow, writing
from sync.faults import OwnFault
from sync.jobs import clock, leases, messages
from sync.jobs.messages import Urgency
from sync.models import Check, DirectoryReading, Mail, PasswordRequest, Task
from sync.workspace import set_setting, setting

log = logging.getLogger("rollcall.schedule")
KINDS: dict[str, type[Model]] = {
    "reading": DirectoryReading, "check": Check, "task": Task, "mail": Mail, "password request": PasswordRequest,
}  # fmt: skip
HEARTBEAT, BEGUN = "heartbeat", "sweep begun"  # times, ISO 8601, UTC
APART = 45  # seconds between the beginnings of two sweeps, however many workers have a clock


queue: Huey | None = None
bell: messages.Rings | None = None
_runners: dict[str, Callable[[int], None]] = {}
_minutely: list[Callable[[datetime], object]] = []
_in_each_process: list[Callable[[datetime], object]] = []
_wakers: dict[str, Callable] = {}
_woken: dict[str, Callable[[datetime], object]] = {}


def runs(kind: str) -> Callable[[Callable[[int], None]], Callable[[int], None]]:
    """Decorates the one function that runs a row of this kind, given its id.

    A fault of our own is raised as OwnFault, whatever it was wrapped in, and the row is tried again later.
    """

    def register(run: Callable[[int], None]) -> Callable[[int], None]:
        @wraps(run)
        def guarded(row_id: int) -> None:
            with connected():  # one connection for all of it: opening one reads the whole schema
                if fault := clock.wrong():
                    raise OwnFault(fault)
                try:
                    run(row_id)
                except Exception as problem:
                    fault = faults.note(problem)
                    if fault is None:
                        raise
                    leases.put_off(KINDS[kind], row_id, fault.text)
                    raise OwnFault(fault) from problem
                finally:
                    _release(kind, row_id)
                leases.clear_delays(KINDS[kind], row_id)

        _runners[kind] = guarded
        return guarded

    return register


def _release(kind: str, row_id: int) -> None:
    """Release the row, and wake workers for the rows that waited for its server."""
    with faults.tolerated(), connected():
        for waiting in leases.release(KINDS[kind], row_id):
            wake(kind, waiting)


def each_minute(job: Callable[[datetime], object]) -> Callable[[datetime], object]:
    """Decorates what every sweep does: it gets the time, and may be called twice in a minute."""
    _minutely.append(job)
    return job


def woken(name: str) -> Callable[[Callable[[datetime], object]], Callable[[datetime], object]]:
    """Decorates what every sweep does, as each_minute does, and what wake_job() does at once: both may run together."""

    def register(job: Callable[[datetime], object]) -> Callable[[datetime], object]:
        _woken[name] = job
        return each_minute(job)

    return register


def in_each_process(job: Callable[[datetime], object]) -> Callable[[datetime], object]:
    """Decorates a job that each long-running process does every few seconds, for values in its own memory."""
    _in_each_process.append(job)
    return job


def tidy_up() -> None:
    """Do the jobs that are decorated with in_each_process."""
    with faults.tolerated(), connected():
        for job in _in_each_process:
            job(utcnow())


def open_queue(where: str | os.PathLike) -> Huey:
    """The queue beside the rows, in the database's own file or at this address of a server. Messages hold ids only and
    are signed."""
    global queue, bell
    if bell is not None:
        bell.close()
        queue.storage.close()
    serializer = SignedSerializer(secret=vault.derive("queue").hex())
    if db.on_server:
        with writing():  # of several processes that start at once, one makes Huey's tables
            opened = messages.on_server(str(where), serializer)
    else:
        opened = messages.in_file(Path(where), serializer)
    queue, bell = opened
    _wakers.clear()
    _wakers.update({kind: queue.task(name=f"wake_{kind}")(_quietly(run)) for kind, run in _runners.items()})
    _wakers.update({name: queue.task(name=f"wake_{name}")(_now(job)) for name, job in _woken.items()})
    queue.periodic_task(crontab(), priority=Urgency.FIRST, name="sweep")(sweep_if_due)
    return queue


def _quietly(run: Callable[[int], None]) -> Callable[[int], None]:
    """A fault of our own is already in the log, once: not with a traceback for each row that meets it."""

    def quiet(row_id: int) -> None:
        with faults.tolerated():
            run(row_id)

    return quiet


def _now(job: Callable[[datetime], object]) -> Callable[[], None]:
    """The job without waiting for the sweep of this minute."""

    def run() -> None:
        with faults.tolerated(), connected():
            if fault := clock.wrong():
                raise OwnFault(fault)
            job(utcnow())

    return run


def wake_job(name: str, delay: float = 0) -> None:
    """Let a `woken` job run in `delay` seconds after the commit. What it does must be written in a row of its own."""
    db.after_commit(lambda: _enqueue(name, (), delay, Urgency.SOON))


def wake(kind: str, row_id: int, delay: float = 0, urgency: Urgency | None = None) -> None:
    """Wake a worker for a row, after the commit of what made the row due (a rollback leaves no ghost)."""
    urgency = (Urgency.LATER if kind == "check" else Urgency.SOON) if urgency is None else urgency
    db.after_commit(lambda: _enqueue(kind, (row_id,), delay, urgency))


def _enqueue(name: str, args: tuple[int, ...], delay: float, urgency: Urgency) -> None:
    if queue is None:
        return
    with faults.tolerated():  # the row is written: the sweep wakes a worker for it
        if delay:
            _wakers[name].schedule(args=args, delay=delay, priority=urgency)
        else:
            _wakers[name](*args, priority=urgency)


def sweep_if_due() -> None:
    """Sweep, unless another worker process has begun the sweep of this minute: each of them has a clock."""
    with faults.tolerated(), connected():
        if _begins_sweep(utcnow()):
            sweep()


def _begins_sweep(now: datetime) -> bool:
    with writing():
        begun = setting(BEGUN)
        if begun is not None and abs((now - datetime.fromisoformat(begun)).total_seconds()) < APART:
            return False
        set_setting(BEGUN, now.isoformat())
        return True


def sweep() -> None:
    """Once a minute and at the start: begin what is due and wake what was left over."""
    with faults.tolerated(), connected():
        now = utcnow()
        if fault := clock.wrong(now):
            raise OwnFault(fault)
        clock.keep(now)
        for job in _minutely:
            try:
                job(now)
            except Exception as problem:  # one that fails must not keep the others from running
                if faults.note(problem) is None:
                    log.exception("%s failed in this minute's sweep", job.__qualname__)
        _wake_once(_left_over(now))
        with writing():
            set_setting(HEARTBEAT, now.isoformat())


def wake_abandoned() -> None:
    """Wake workers for the rows that a worker of another process held when it died. The next sweep would be later."""
    with faults.tolerated(), connected():
        now = utcnow()
        if not clock.wrong(now):
            _wake_once([(kind, row_id) for kind, model in KINDS.items() for row_id in leases.abandoned(model, now)])


def _wake_once(rows: Iterable[tuple[str, int]]) -> None:
    """Wake a worker for each of these rows for which no message is in the queue yet: all workers may be busy."""
    rows = list(rows)
    waiting = {(message.name, *message.args) for message in queue.pending()} if rows and queue else set()
    for kind, row_id in rows:
        if (f"wake_{kind}", row_id) not in waiting:
            wake(kind, row_id)


def _left_over(now: datetime, kinds: tuple[str, ...] = tuple(KINDS)) -> list[tuple[str, int]]:
    with connected():  # a job may have lost the connection that was open before
        return [(kind, row_id) for kind in kinds for row_id in leases.unfinished(KINDS[kind], now)]


def drain(kinds: tuple[str, ...] = tuple(KINDS)) -> int:
    """Run what is due in this thread until nothing new is; how many rows. For the command line and for tests."""
    done: list[tuple[str, int]] = []
    with connected():
        while due := [row for row in _left_over(utcnow(), kinds) if row not in done]:
            for kind, row_id in due:
                with faults.tolerated():
                    _runners[kind](row_id)
            done += due
    return len(done)


def heartbeat_age(now: datetime) -> float | None:
    """Seconds since the last sweep; None before the first."""
    beat = setting(HEARTBEAT)
    return None if beat is None else (now - datetime.fromisoformat(beat)).total_seconds()
