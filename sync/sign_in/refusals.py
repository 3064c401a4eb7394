"""Rights that were refused to someone who is signed in: a line in the server's log for each, for fail2ban, and in
Activity the first, then how many more followed within a quarter of an hour."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from peewee import DatabaseError

from sync import activity
from sync.db import utcnow, writing
from sync.jobs import queue
from sync.models import App, Person
from sync.names import signature

WINDOW = timedelta(minutes=15)
NOT_THEIRS, NOT_ALLOWED = "what isn't theirs", "something their role doesn't allow"

log = logging.getLogger("rollcall.security")


@dataclass
class _Further:
    """What was refused again since the entry; in memory: the log has each, and after a restart the next is a first."""

    person: Person
    since: datetime
    sources: set[str] = field(default_factory=set)
    count: int = 0


_further: dict[tuple[int, str], _Further] = {}
_lock = threading.Lock()


def refused(person: Person, kind: str, asked: str, source: str, app: App | None = None) -> None:
    """Write it down. `asked`: method and route, without what the address holds; `source`: a network address, or ""."""
    log.warning("refused right from %s: person %s, %s", source or "an unknown source", person.id, asked)
    with _lock:
        known = _further.get((person.id, kind))
        if known is not None and utcnow() - known.since < WINDOW:
            known.count += 1
            known.sources.add(source)
            return
        _further[person.id, kind] = _Further(person, utcnow())
    if known is not None:
        _record_count(kind, known)
    _record(person, f"{kind}: {asked}, from {source or 'an unknown source'}", app)


@queue.in_each_process
def record_further(now: datetime) -> None:
    """The counts of those whose quarter of an hour is over."""
    with _lock:
        over = {key: one for key, one in _further.items() if now - one.since >= WINDOW}
        for key in over:
            del _further[key]
    for (_, kind), one in over.items():
        _record_count(kind, one)


def _record_count(kind: str, further: _Further) -> None:
    if further.count:
        where = ", ".join(sorted(filter(None, further.sources))[:5]) or "an unknown source"
        _record(further.person, f"{kind}: {further.count} more within 15 minutes, from {where}")


def _record(person: Person, why: str, app: App | None = None) -> None:
    try:
        with writing():
            activity.record("Rollcall", "refused a right", about=signature(person), person=person, app=app, why=why)
    except DatabaseError:
        log.warning("not in Activity, as the file can't be written: %s", why)  # the refusal itself is unaffected
