"""How old a file of people may be: an app's list of users, or a directory's list of everyone.
Nobody knows who has come or left since it was made."""

from __future__ import annotations

from datetime import datetime, timedelta

from sync.models import App, Directory

OLDEST = timedelta(days=8)  # a new one comes each week
AHEAD = timedelta(days=1)  # what a time in another time zone, or of a clock that is a bit fast, may be ahead


def oldest(now: datetime) -> datetime:
    """The moment (UTC) before which a file is too old."""
    return now - OLDEST


def newest(now: datetime) -> datetime:
    """The moment (UTC) after which the time of a file doesn't show how old it is."""
    return now + AHEAD


def is_old(file_from: datetime | None, now: datetime) -> bool:
    """Whether a file of this time (UTC) is too old. None: nothing is read from a file."""
    return file_from is not None and file_from < oldest(now)


def is_undated(file_from: datetime | None, seen_at: datetime | None, now: datetime) -> bool:
    """Whether a file had a time (UTC) in the future when it was seen first: it may be of any age, even after that
    time. `seen_at`: None if that isn't noted yet."""
    return file_from is not None and file_from > newest(min(seen_at or now, now))


def noted(file_from: datetime | None, known: App | Directory, now: datetime) -> dict[str, datetime | None]:
    """The columns of an app or a directory that has just read a file of this time (UTC), or no file. A file of the same
    time is the same file."""
    is_known = file_from == known.file_from and known.file_seen_at is not None
    seen_at = known.file_seen_at if is_known else now
    return {"file_from": file_from, "file_seen_at": None if file_from is None else seen_at}
