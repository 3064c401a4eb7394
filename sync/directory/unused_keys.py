"""Keys of names and addresses that PostgreSQL keeps for its statements (sync/postgres/keys.py), of those that are gone.
A name that no person and no directory has now doesn't stay in the database for longer than a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from sync.db import db, writing
from sync.jobs import queue
from sync.settings import set_setting, setting

LAST = "unused keys forgotten"
EVERY = timedelta(days=1)


@queue.each_minute
def delete_unused(now: datetime) -> None:
    """Once a day. A SQLite file keeps no such keys."""
    if not db.on_server:
        return
    last = setting(LAST)
    if last is not None and timedelta(0) <= now - datetime.fromisoformat(last) < EVERY:
        return
    with writing():
        db.delete_unused_keys()
        set_setting(LAST, now.isoformat())
