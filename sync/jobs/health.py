"""Is Rollcall itself well? What /healthz answers, the banner on each page says and `doctor` finds.
Our own faults that this process met or that work waits for, the clock, and whether the schedule runs."""

from __future__ import annotations

import json
import time
from datetime import datetime

from sync import faults
from sync.db import connected, db, utcnow, waiting_at_most
from sync.faults import Fault
from sync.jobs import clock, queue
from sync.settings import set_setting
from sync.states import LIVE_CHECKS, DirectoryState, MailState, TaskState, texts
from sync.words import plural

LATE = 180  # seconds after which a heartbeat that comes each minute is missed
OVERDUE = 75  # seconds after which it is looked why it doesn't come
LOOK_SECONDS = 10  # between two such looks
PATIENCE = 1  # second that a look waits for a lock

_looked_at = -float(LOOK_SECONDS)


def troubles(now: datetime | None = None) -> list[Fault]:
    """What is wrong with Rollcall itself, the worst first; nothing where all is well. Never raises for one of them."""
    now = now or utcnow()
    try:
        with connected():
            return _troubles(now)
    except Exception as problem:
        fault = faults.note(problem)
        if fault is None:
            raise
        return [fault]


def _troubles(now: datetime) -> list[Fault]:
    age = queue.heartbeat_age(now)
    if age is not None and age > OVERDUE or faults.NO_SERVER in faults.current():  # it answers again
        _look()
    found = {fault.kind: fault for fault in (*faults.current(), *_waiting_for(), clock.wrong(now)) if fault}
    if not found and age is not None and age > LATE:
        return [_stopped(age)]
    return list(found.values())


def _look() -> None:
    """Try to write a value, to find out whether something hinders the schedule; at most once in LOOK_SECONDS."""
    global _looked_at
    if time.monotonic() - _looked_at < LOOK_SECONDS:
        return
    _looked_at = time.monotonic()
    with faults.tolerated(), waiting_at_most(PATIENCE):
        set_setting("looked at", utcnow().isoformat())


# The states are written out, so that SQLite takes the indexes of work that is live. Each page asks this.
_WAITING = " UNION ".join(
    f"SELECT error FROM {table} WHERE state IN ({texts(states)}) AND error IN (SELECT value FROM json_each(:texts))"
    for table, states in (("app_check", LIVE_CHECKS), ("app_task", (TaskState.QUEUED,)), ("mail", (MailState.QUEUED,)),
                          ("directory", (DirectoryState.ACTIVE,)))
)  # fmt: skip


def _waiting_for() -> list[Fault]:
    """The faults of this machine that any process has met and that rows of work wait for."""
    texts_of_all = json.dumps([fault.text for fault in faults.ALL])
    found = {text for (text,) in db.execute_sql(_WAITING, {"texts": texts_of_all}).fetchall()}
    return [fault for fault in faults.ALL if fault.text in found]


def _stopped(age: float) -> Fault:
    return Fault(
        "schedule", "The queue is stuck or not running: nothing has been checked for "
                    f"{plural(int(age // 60), 'minute')}.",
        "Restart Rollcall (python app.py serve, or worker); its log says why it stopped.",
    )  # fmt: skip
