"""Who works on a row right now. A row is claimed by a conditional update and held by a lease;
the lease of a dead process is void at once on this machine, and after its time anywhere else."""

from __future__ import annotations

import os
import socket
import uuid
from datetime import datetime, timedelta

from peewee import Model

from sync.db import utcnow, writing
from sync.models import Check, DirectoryReading, Mail, Task

HOST = socket.gethostname()
BOOT = uuid.uuid4().hex[:8]
RUNNING = {Check: "running", DirectoryReading: "running", Task: "running", Mail: "sending"}
QUEUED = "queued"
LEASE = timedelta(minutes=10)


def me() -> str:
    return f"{HOST}:{os.getpid()}:{BOOT}"


def claim(model: type[Model], row_id: int) -> bool:
    """Take a queued row that is due, or one whose worker died; False when somebody else has it or it has ended."""
    now = utcnow()
    running = RUNNING[model]
    with writing():
        row = model.get_or_none(model.id == row_id)
        if row is None:
            return False
        waits = row.state == QUEUED and getattr(row, "next_at", now) <= now
        abandoned = row.state == running and is_void(row.lease_owner, row.lease_until, now)
        if not (waits or abandoned):
            return False
        model.update(state=running, lease_owner=me(), lease_until=now + LEASE).where(model.id == row_id).execute()
        return True


def renew(row: Model) -> None:
    """Hold the row for another lease."""
    model = type(row)
    with writing():
        model.update(lease_until=utcnow() + LEASE).where(model.id == row.id, model.lease_owner == me()).execute()


def is_void(owner: str | None, until: datetime | None, now: datetime) -> bool:
    if owner is None or until is None or until <= now:
        return True
    if owner == me():
        return False
    host, pid, _boot = owner.rsplit(":", 2)
    return host == HOST and (int(pid) == os.getpid() or not _alive(int(pid)))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def unfinished(model: type[Model], now: datetime) -> list[int]:
    """The ids of the rows that a worker should be woken for."""
    running = RUNNING[model]
    queued = model.select(model.id).where(model.state == QUEUED)
    if hasattr(model, "next_at"):
        queued = queued.where(model.next_at <= now).order_by(model.next_at, model.id)
    abandoned = [
        row.id
        for row in model.select(model.id, model.lease_owner, model.lease_until).where(model.state == running)
        if is_void(row.lease_owner, row.lease_until, now)
    ]
    return [*abandoned, *(row.id for row in queued)]
