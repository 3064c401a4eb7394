"""How fresh what a check knows of the directories is: read now those that are too old, in the check's own thread.
A directory that can't be read stops no check; the warning says so, and how old what is known of it is."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from peewee import ModelSelect

from sync import faults
from sync.db import connected, utcnow, writing
from sync.directory import directories
from sync.jobs import leases
from sync.models import Directory, DirectoryReading
from sync.prepared import prepared_plain
from sync.states import ReadingState
from sync.workspace import to_local

WAIT_SECONDS = 15 * 60  # for a reading that another worker does

log = logging.getLogger("rollcall.directories")


def read_if_older(max_age: timedelta, by: str) -> list[str]:
    """Read each active directory whose last whole reading is older, in this thread; waits for one under way.

    Gives a warning in plain words for each that could not be read; never raises. One that failed less than `max_age`
    ago isn't read again: it may be hanging, and many checks would wait for it one after the other.
    """
    with connected():
        if not _a_directory():
            return []  # before their connectors are imported
        since = utcnow() - max_age
        return [
            warning
            for directory in directories.readable()
            if directory.last_read_at is None or directory.last_read_at < since
            if (warning := _failed_since(directory, since) or _read_now(directory, by))
        ]


@prepared_plain
def _a_directory() -> ModelSelect:
    return Directory.select(Directory.id).limit(1)


def _failed_since(directory: Directory, since: datetime) -> str | None:
    if directory.error is None:
        return None
    of_directory = (DirectoryReading.directory == directory) & DirectoryReading.finished_at.is_null(False)
    last = DirectoryReading.select().where(of_directory).order_by(DirectoryReading.id.desc()).first()
    if last is None or last.state != ReadingState.FAILED or last.finished_at < since:
        return None
    return _warning(directory, last.error)


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
    if ended is None or ended.state == ReadingState.SUCCEEDED:
        return None
    return _warning(directory, ended.error or "the reading under way did not end in time")


def _run_or_wait(reading_id: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if reading_id in leases.unfinished(DirectoryReading, utcnow()):
            directories.run(reading_id)
        if not _live(reading_id):
            return
        time.sleep(0.2)


@prepared_plain
def _live(reading_id: int) -> ModelSelect:
    one = DirectoryReading.select(DirectoryReading.id).where(DirectoryReading.id == reading_id)
    return one.where(DirectoryReading.is_live)


def _warning(directory: Directory, error: str) -> str:
    last = directory.last_read_at
    known = f"as they were on {to_local(last):%d %b %Y at %H:%M}" if last else "not known yet"
    return f"{directory.name} could not be read: {error.rstrip('.')}. Its people are {known}."
