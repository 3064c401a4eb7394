"""How old a file of people may be: an app's list of users, or a directory's list of everyone.
Nobody knows who has come or left since it was made."""

from __future__ import annotations

from datetime import datetime, timedelta

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


def is_undated(file_from: datetime | None, now: datetime) -> bool:
    """Whether a file has a time (UTC) in the future: it may be of any age."""
    return file_from is not None and file_from > newest(now)
