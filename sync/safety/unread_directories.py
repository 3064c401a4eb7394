"""Whether all directories were read lately: while one wasn't, people who have left may count as here.
No app is up to date then, however new its own reading is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sync.db import db
from sync.models import Directory
from sync.once import once
from sync.safety import old_files
from sync.states import DirectoryState, PersonStatus
from sync.unchanged import while_unchanged

DAY = timedelta(days=1)


class Unread(NamedTuple):
    """A directory whose people are known only as they were at this moment (UTC): it was last read then, or it
    `has_old_list`, which is from then. None: it pushes, and is paused, or was never read."""

    name: str
    since: datetime | None
    has_old_list: bool = False


class _Read(NamedTuple):
    """What a directory's row says about how new the knowledge of its people is. Times are UTC."""

    name: str
    state: str
    pushes: bool
    read_at: datetime | None
    file_from: datetime | None


def longest(now: datetime) -> Unread | None:
    """The directory with people in it that wasn't read for the longest time, if that is more than a day, or that has
    the oldest list, if that is too old; one that pushes and is paused before all others."""
    unread = filter(None, (_unread(one, now) for one in _with_people()))
    return min(unread, key=lambda one: (one.since or datetime.min, one.name), default=None)


def found(directory: Directory, now: datetime) -> Unread | None:
    """The same for one directory, whether or not someone is in it."""
    pushes = directory.next_read_at is None
    read = _Read(directory.name, directory.state, pushes, directory.last_read_at, directory.file_from)
    return _unread(read, now)


def _unread(one: _Read, now: datetime) -> Unread | None:
    if one.pushes:
        return Unread(one.name, None) if one.state == DirectoryState.PAUSED else None
    if one.read_at is None or one.read_at < now - DAY:
        return Unread(one.name, one.read_at)
    return Unread(one.name, one.file_from, True) if old_files.is_old(one.file_from, now) else None


@once
@while_unchanged
def _with_people() -> list[_Read]:
    """The directories that someone is here by."""
    rows = db.execute_sql(
        f"""
        SELECT d.name, d.state, d.next_read_at IS NULL, d.last_read_at, d.file_from FROM directory d
        WHERE EXISTS (SELECT 1 FROM directory_entry e
            WHERE e.directory_id = d.id AND e.status <> '{PersonStatus.DEPROVISIONED}')
        """
    ).fetchall()
    return [_Read(name, state, bool(pushes), _moment(read_at), _moment(file_from))
            for name, state, pushes, read_at, file_from in rows]  # fmt: skip


def _moment(value: str | datetime | None) -> datetime | None:
    return value and datetime.fromisoformat(str(value))
