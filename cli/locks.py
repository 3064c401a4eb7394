"""Who uses an installation right now, by locks that end with their process, kill -9 included.
One queue at a time; a restore waits for nobody to be there; everything else may run side by side."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class InUse(Exception):
    """Another process of Rollcall is in the way; the text says which."""


@contextmanager
def in_use(database: Path) -> Iterator[None]:
    """Hold the installation open, beside any others. Raises InUse while a backup is being restored."""
    busy = "A backup is being restored into this installation. Nothing was done: try again in a moment."
    with _held(_beside(database, "in-use"), fcntl.LOCK_SH, busy):
        yield


@contextmanager
def alone(database: Path) -> Iterator[None]:
    """Have the installation for oneself. Raises InUse while a server or a command uses it."""
    busy = "Rollcall is running on this database. Nothing was changed: stop it first, then try again."
    with _held(_beside(database, "in-use"), fcntl.LOCK_EX, busy):
        yield


@contextmanager
def serving_queue(database: Path) -> Iterator[None]:
    """Be the one process that works the queue. Raises InUse when there is one already."""
    busy = f"A Rollcall server runs on {database} already. Stop it first, or use that one."
    with _held(_beside(database, "queue"), fcntl.LOCK_EX, busy):
        yield


def is_served(database: Path) -> bool:
    """Whether a process works the queue right now."""
    try:
        with serving_queue(database):
            return False
    except InUse:
        return True


def _beside(database: Path, name: str) -> Path:
    return database.with_name(f"{database.name}.{name}.lock")


@contextmanager
def _held(path: Path, kind: int, busy: str) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(opened, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(busy) from None
        yield
    finally:
        os.close(opened)
