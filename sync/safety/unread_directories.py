"""Whether all directories were read lately: while one wasn't, people who have left may count as here.
No app is up to date then, however new its own reading is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sync.db import db
from sync.once import once
from sync.states import DirectoryState, PersonStatus
from sync.unchanged import while_unchanged

DAY = timedelta(days=1)


class Unread(NamedTuple):
    """A directory that was last read at this moment (UTC). None: it pushes, and is paused."""

    name: str
    read_at: datetime | None


def longest(now: datetime) -> Unread | None:
    """The directory with people in it that wasn't read for the longest time, if that is more than a day; one that
    pushes and is paused before all others."""
    unread = [Unread(name, read_at) for name, state, pushes, read_at in _with_people()
              if (state == DirectoryState.PAUSED if pushes else read_at is None or read_at < now - DAY)]  # fmt: skip
    return min(unread, key=lambda one: (one.read_at or datetime.min, one.name), default=None)


@once
@while_unchanged
def _with_people() -> list[tuple[str, str, bool, datetime | None]]:
    """Of each directory that someone is here by: its name, state, whether it pushes, and when it was last read."""
    rows = db.execute_sql(
        f"""
        SELECT d.name, d.state, d.next_read_at IS NULL, d.last_read_at FROM directory d
        WHERE EXISTS (SELECT 1 FROM directory_entry e
            WHERE e.directory_id = d.id AND e.status <> '{PersonStatus.DEPROVISIONED}')
        """
    ).fetchall()
    return [(name, state, bool(pushes), read_at and datetime.fromisoformat(str(read_at)))
            for name, state, pushes, read_at in rows]  # fmt: skip
