"""Whether all directories show who has left: while one doesn't, people who have left may count as here.
No app is up to date then, however new its own reading is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sync.db import db
from sync.models import Directory
from sync.once import once
from sync.safety import old_files
from sync.states import DirectoryGap, DirectoryState, PersonStatus
from sync.unchanged import while_unchanged

DAY = timedelta(days=1)


class Unread(NamedTuple):
    """A directory that doesn't show who has left since this moment (UTC), and why. None: since when isn't known."""

    id: int
    name: str
    why: DirectoryGap
    since: datetime | None = None


class _Known(NamedTuple):
    """How new the knowledge of a directory's people is. Times are UTC."""

    id: int
    name: str
    state: str
    pushes: bool
    hides_users: bool  # it hides whether some of its users are disabled
    is_defined: bool  # it has no attribute that may say who has left and that nothing reads
    attributes_unknown: bool  # nobody knows whether it has, as no reading could look
    read_at: datetime | None
    file_from: datetime | None
    file_seen_at: datetime | None
    missing_since: datetime | None
    many_back_since: datetime | None  # a guard holds its returns
    token_made_at: datetime | None  # the oldest that works
    token_used_at: datetime | None


def longest(now: datetime) -> Unread | None:
    """Of the directories with people in them that don't show who has left, the one for the longest time; those of
    which that isn't known before all others."""
    return min(all_of(now).values(), key=lambda one: (one.since or datetime.min, one.name), default=None)


def all_of(now: datetime) -> dict[int, Unread]:
    """All of these directories, by id."""
    found = {id: _unread(known, now) for id, known in _with_people().items()}
    return {id: unread for id, unread in found.items() if unread is not None}


def found(directory: Directory, now: datetime) -> Unread | None:
    """The same for one directory."""
    known = _with_people().get(directory.id)
    return _unread(known, now) if known else None


def shows_who_has_left(directory: Directory, now: datetime) -> bool:
    """Whether it does, without a gap. One in which nobody is here shows nothing."""
    known = _with_people().get(directory.id)
    return known is not None and _unread(known, now) is None


def _unread(known: _Known, now: datetime) -> Unread | None:
    if known.pushes:
        return _silent(known, now)
    if known.missing_since is not None:
        return Unread(known.id, known.name, DirectoryGap.RESTORED, known.missing_since)
    if known.read_at is None or known.read_at < now - DAY:
        return Unread(known.id, known.name, DirectoryGap.OLD_READING, known.read_at)
    if old_files.is_old(known.file_from, now):
        return Unread(known.id, known.name, DirectoryGap.OLD_LIST, known.file_from)
    if old_files.is_undated(known.file_from, known.file_seen_at, now):
        return Unread(known.id, known.name, DirectoryGap.UNDATED_LIST)
    if known.hides_users:
        return Unread(known.id, known.name, DirectoryGap.HIDDEN_USERS)
    if not known.is_defined:
        return Unread(known.id, known.name, DirectoryGap.UNDEFINED)
    if known.attributes_unknown:
        return Unread(known.id, known.name, DirectoryGap.UNKNOWN_ATTRIBUTES)
    return _many_back(known)


def _silent(known: _Known, now: datetime) -> Unread | None:
    """A directory that pushes: it can't, or changes may be missing. A token that is in use has been tested at once."""
    if known.state == DirectoryState.PAUSED:
        return Unread(known.id, known.name, DirectoryGap.PAUSED)
    if known.token_made_at is None:
        return Unread(known.id, known.name, DirectoryGap.NO_TOKEN)
    if known.token_used_at is None and known.token_made_at < now - DAY:
        return Unread(known.id, known.name, DirectoryGap.UNUSED_TOKEN, known.token_made_at)
    if known.missing_since is not None:
        return Unread(known.id, known.name, DirectoryGap.MISSING_CHANGES, known.missing_since)
    return _many_back(known)


def _many_back(known: _Known) -> Unread | None:
    if known.many_back_since is None:
        return None
    return Unread(known.id, known.name, DirectoryGap.MANY_BACK, known.many_back_since)


@once
@while_unchanged
def _with_people() -> dict[int, _Known]:
    """The directories that someone is here by, or would be, by id."""
    works = "t.directory_id = d.id AND t.ended_at IS NULL"
    rows = db.execute_sql(
        f"""
        SELECT d.id, d.name, d.state, d.next_read_at IS NULL, d.hidden_users > 0, d.unread_attributes = '[]',
            d.attributes_unknown, d.last_read_at, d.file_from, d.file_seen_at, d.missing_since, d.many_back_since,
            (SELECT min(t.created_at) FROM directory_token t WHERE {works}),
            (SELECT max(t.used_at) FROM directory_token t WHERE {works})
        FROM directory d WHERE d.many_back_since IS NOT NULL OR EXISTS (SELECT 1 FROM directory_entry e
            WHERE e.directory_id = d.id AND e.status <> '{PersonStatus.DEPROVISIONED}')
        """
    ).fetchall()
    return {id: _Known(id, name, state, bool(pushes), bool(hides), bool(is_defined), bool(unknown),
                       *map(_moment, moments))
            for id, name, state, pushes, hides, is_defined, unknown, *moments in rows}  # fmt: skip


def _moment(value: str | datetime | None) -> datetime | None:
    return value and datetime.fromisoformat(str(value))
