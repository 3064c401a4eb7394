"""How fresh what a check knows of the directories is: read now those that are too old, in the check's own thread.
A directory that can't be read stops no check; the warning says so, and how old what is known of it is."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from sync import faults
from sync.db import connected, utcnow, writing
from sync.directory import directories
from sync.models import Directory, DirectoryReading
from sync.states import CheckState
from sync.workspace import to_local

WAIT_SECONDS = 15 * 60  # for a reading that another worker does

log = logging.getLogger("rollcall.directories")


def read_if_older(max_age: timedelta, by: str) -> list[str]:
    """Read each active directory whose last whole reading is older, in this thread; waits for one under way.

    Gives a warning in plain words for each that could not be read; never raises.
    """
    with connected():
        known = list(directories.readable())
        return [
            warning
            for directory in known
            if directory.last_read_at is None or directory.last_read_at < utcnow() - max_age
            if (warning := _read_now(directory, by))
        ]


def _read_now(directory: Directory, by: str) -> str | None:
    try:
        with writing():
            reading = directories.begin(directory, by)
        _run_or_wait(reading.id)
    except faults.OwnFault as problem:
        return _warning(directory, str(problem))
    except Exception as problem:
        log.exception("reading %s", directory.name)
        return _warning(directory, f"Rollcall itself failed: {type(problem).__name__}")
    ended = DirectoryReading.get_or_none(DirectoryReading.id == reading.id)
    if ended is None or ended.state == CheckState.SUCCEEDED:
        return None
    return _warning(directory, ended.error or "the reading under way did not end in time")


def _run_or_wait(reading_id: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        directories.run(reading_id)
        if not DirectoryReading.select().where(
            DirectoryReading.id == reading_id, DirectoryReading.is_live
        ).exists():
            return
        time.sleep(0.2)


def _warning(directory: Directory, error: str) -> str:
    last = directory.last_read_at
    known = f"as it was on {to_local(last):%d %b %Y at %H:%M}" if last else "not known yet"
    return f"{directory.name} could not be read: {error.rstrip('.')}. Its people are {known}."
