"""Who works on a row right now. A row is claimed by a conditional update and held by a lease;
the lease of a dead process is void at once on this machine. Anywhere else it is void after its time; or, where the
database is on a server, once that has seen the process's connection end."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from functools import reduce
from operator import and_
from pathlib import Path

from peewee import Expression, Model, ModelSelect, ModelUpdate

from sync import faults
from sync.db import db, own_row, utcnow, writing
from sync.jobs import retries
from sync.models import Check, DirectoryReading, Mail, PasswordRequest, Task
from sync.prepared import prepared, prepared_write
from sync.states import CheckState, MailState, ReadingState, TaskState


def _host() -> str:
    """Where a process id means the same process: the machine's name, this run of its kernel (another machine may have
    the same name), and the id of the processes that this one sees (a container has its own)."""
    kernel = processes = ""
    with suppress(OSError):  # not on Linux: the name alone
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
        processes = str(os.stat("/proc/self/ns/pid").st_ino)
    return f"{socket.gethostname()}/{kernel}/{processes}"


HOST = _host()
BOOT = uuid.uuid4().hex[:8]
RUNNING = {
    Check: CheckState.RUNNING, DirectoryReading: ReadingState.RUNNING, Task: TaskState.RUNNING, Mail: MailState.SENDING,
    PasswordRequest: MailState.SENDING,
}  # fmt: skip
QUEUED = TaskState.QUEUED  # in each of them
LEASE = timedelta(minutes=10)
SHARING = (Task, Mail)  # several rows of them wait for the same server
AT_ONCE = 4  # rows that wait for the same server: the tasks of an app, and the e-mails
UNSEEN_SECONDS = 20  # a process whose connection was cut has a new one by then, as soon as the server answers

_at_work: dict[tuple[type[Model], int], threading.Thread] = {}  # of this process, by the row that each works on
_given_up: set[tuple[type[Model], int]] = set()  # rows held by this process whose worker has ended
_put_off: dict[tuple[type[Model], int], int] = {}  # how often put_off() has queued the row again
_unseen: dict[str, float] = {}  # since when this process has not seen another one on the server, by its mark


def me() -> str:
    """The mark of this process, as `lease_owner` has it: HOST:PID:BOOT."""
    return f"{HOST}:{os.getpid()}:{BOOT}"


def claim(model: type[Model], row_id: int) -> bool:
    """Take a queued row that is due, or one whose worker died. False when someone else has it, when it has ended, or
    while enough workers wait for the same server: release() gives it to one of them."""
    now = utcnow()
    running = RUNNING[model]
    with (writing if model in SHARING else own_row)():
        row = model.get_or_none(model.id == row_id)
        if row is None:
            return False
        waits = row.state == QUEUED and getattr(row, "next_at", now) <= now and _room_beside(row) > 0
        abandoned = row.state == running and _is_abandoned(row, now)
        if not (waits or abandoned):
            return False
        leased = {"state": running, "lease_owner": me(), "lease_until": now + LEASE}
        if not model.update(**leased).where(_is_unchanged(row)).execute():  # by someone else, after it was read
            return False
        _given_up.discard((model, row_id))
        _at_work[model, row_id] = threading.current_thread()
        return True


def _is_unchanged(row: Model) -> Expression:
    """The condition that nobody has claimed or changed the row since it was read."""
    model = type(row)
    of_lease = [getattr(model, name).is_null() if value is None else getattr(model, name) == value
                for name in ("state", "lease_owner", "lease_until") for value in [getattr(row, name)]]
    return (model.id == row.id) & reduce(and_, of_lease)


def release(model: type[Model], row_id: int) -> list[int]:
    """Note that this thread no longer works on the row; return the ids of waiting rows that now have room.

    Empty if another thread has the row.
    """
    if _at_work.get((model, row_id)) is not threading.current_thread():
        return []
    del _at_work[model, row_id]
    row = model.get_or_none(model.id == row_id)
    beside = None if row is None else _beside(row)
    room = 0 if beside is None else _room_beside(row)
    if room <= 0:
        return []
    due = beside.where(model.state == QUEUED, model.next_at <= utcnow())
    return [other.id for other in due.order_by(model.next_at, model.id).limit(room)]


def _room_beside(row: Model) -> int:
    """How many more workers may wait for this row's server."""
    beside, model = _beside(row), type(row)
    return 1 if beside is None else AT_ONCE - beside.where(model.state == RUNNING[model]).count()


def _beside(row: Model) -> ModelSelect | None:
    """The query of all rows that wait for the same server as this one; None if the row shares its server with none."""
    if type(row) not in SHARING:
        return None
    return Task.select(Task.id).where(Task.app == row.app_id) if isinstance(row, Task) else Mail.select(Mail.id)


def put_off(model: type[Model], row_id: int, error: str) -> None:
    """Queue the row again, later each time, because of a fault of this machine such as a full disk.

    There is no limit of attempts. If even this can't be written, the row is unchanged, and any worker may continue it.
    """
    key = (model, row_id)
    _given_up.add(key)
    times = _put_off[key] = _put_off.get(key, 0) + 1
    if not hasattr(model, "next_at"):
        return
    due = utcnow() + retries.OWN_FAULT.after(times - 1)
    with faults.tolerated(), writing():
        model.update(state=QUEUED, next_at=due, error=error, lease_owner=None, lease_until=None).where(
            model.id == row_id, model.state == RUNNING[model], model.lease_owner == me()
        ).execute()


def renew(row: Model) -> None:
    """Extend the lease to LEASE from now. It does nothing if this process doesn't hold the row."""
    model = type(row)
    with own_row():
        model.update(lease_until=utcnow() + LEASE).where(model.id == row.id, model.lease_owner == me()).execute()


def holds(row: Model, *, unless_cancelled: bool = False) -> bool:
    """True if this process still works on the row, and nobody has asked to cancel it where `unless_cancelled`. Then
    nobody else can take it before the caller's transaction ends. If False, the caller must write nothing for it."""
    return bool(_hold(utcnow() + LEASE, row.id, me(), model=type(row), unless_cancelled=unless_cancelled))


@prepared_write
def _hold(until: datetime, row_id: int, owner: str, *, model: type[Model], unless_cancelled: bool) -> ModelUpdate:
    held = model.update(lease_until=until).where(_held_by(model, row_id, owner))
    return held.where(~model.cancel_asked) if unless_cancelled else held


def finish(row: Model, **values: object) -> bool:
    """Write `values`, which include the row's new state, and end its lease; False, unwritten, if it isn't held here.

    Inside the caller's transaction.
    """
    values |= {"lease_owner": None, "lease_until": None}
    model = type(row)
    return bool(model.update(**values).where(_held_by(model, row.id, me())).execute())


def _held_by(model: type[Model], row_id: int, owner: str) -> Expression:
    return (model.id == row_id) & (model.state == RUNNING[model]) & (model.lease_owner == owner)


def clear_delays(model: type[Model], row_id: int) -> None:
    """Start the delays of put_off() from the first again: the row was worked on without a fault of this machine."""
    _put_off.pop((model, row_id), None)


def _is_abandoned(row: Model, now: datetime) -> bool:
    key = (type(row), row.id)
    if (thread := _at_work.get(key)) and thread.is_alive() and thread is not threading.current_thread():
        return False  # however long its app takes: this thread would have the same lease
    given_up = key in _given_up and row.lease_owner == me()
    return given_up or is_void(row.lease_owner, row.lease_until, now)


def is_void(owner: str | None, until: datetime | None, now: datetime) -> bool:
    """True if the lease has ended (`until`, in UTC) or the process that holds it no longer runs."""
    if owner is None or until is None or until <= now:
        return True
    if owner == me():
        return False
    host, pid, boot = owner.rsplit(":", 2)
    if host != HOST:
        return _is_unseen(boot) if db.on_server else _ran_before_this_machine_started(host)
    return int(pid) == os.getpid() or not _alive(int(pid))


def _ran_before_this_machine_started(host: str) -> bool:
    """For a `host` that isn't HOST. A file is on one machine: a process of an earlier run of its kernel is gone."""
    return host.split("/")[::2] == HOST.split("/")[::2]


def _is_unseen(boot: str) -> bool:
    """Whether a process of another machine has had no connection to the server for a while."""
    if db.is_seen(boot):
        _unseen.pop(boot, None)
        return False
    return time.monotonic() - _unseen.setdefault(boot, time.monotonic()) >= UNSEEN_SECONDS


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def abandoned(model: type[Model], now: datetime) -> list[int]:
    """The ids of the rows that are running without a worker: it has died or given them up."""
    return [row.id for row in _running(model=model) if _is_abandoned(row, now)]


@prepared
def _running(*, model: type[Model]) -> ModelSelect:
    return model.select(model.id, model.lease_owner, model.lease_until).where(model.state == RUNNING[model])


def unfinished(model: type[Model], now: datetime) -> list[int]:
    """The ids of the rows that a worker should be woken for."""
    return [*abandoned(model, now), *(row.id for row in _queued(now, model=model))]


@prepared
def _queued(now: datetime, *, model: type[Model]) -> ModelSelect:
    queued = model.select(model.id).where(model.state == QUEUED)
    return queued.where(model.next_at <= now).order_by(model.next_at, model.id) if hasattr(model, "next_at") else queued
