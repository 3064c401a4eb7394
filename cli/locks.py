"""Knows which processes use an installation, through locks that end with their process, even after kill -9.
Either one `serve` or any number of `worker` processes work the queue. A restore needs to be alone, and everything else
may run side by side."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RETRIES, PAUSE = 5, 0.05  # PAUSE is in seconds. A command that asks is_served() holds the lock for an instant.
ALONE = "A Rollcall server or worker already runs on {}. Nothing was started. Stop it first, or use it."
BESIDE_WORKERS = ("A Rollcall server already runs on {} and works its queue. Nothing was started. Stop it first, then "
                  "start `web` and `worker` in its place.")


class InUse(Exception):
    """Another process of Rollcall prevents this; the text says which one."""


@contextmanager
def in_use(database: Path) -> Iterator[None]:
    """Use the installation together with other processes. Raises InUse while a backup is being restored."""
    busy = "A backup is being restored into this installation. Nothing was done. Try again in a moment."
    with _held(_beside(database, "in-use"), fcntl.LOCK_SH, busy):
        yield


@contextmanager
def alone(database: Path) -> Iterator[None]:
    """Use the installation alone. Raises InUse while a server or a command uses it."""
    busy = "Rollcall is running on this database. Nothing was changed. Stop it first, then try again."
    with _held(_beside(database, "in-use"), fcntl.LOCK_EX, busy):
        yield


@contextmanager
def serving_queue(database: Path, among_others: bool = False) -> Iterator[None]:
    """Work the queue, alone or `among_others` that work it too.

    Raises InUse if another process works it alone, or if this one wants to and another one works it.
    """
    kind, busy = (fcntl.LOCK_SH, BESIDE_WORKERS) if among_others else (fcntl.LOCK_EX, ALONE)
    with _held(_beside(database, "queue"), kind, busy.format(database), RETRIES):
        yield


def is_served(database: Path) -> bool:
    """Whether any process works the queue now."""
    try:
        with _held(_beside(database, "queue"), fcntl.LOCK_EX, ""):
            return False
    except InUse:
        return True


def _beside(database: Path, name: str) -> Path:
    return database.with_name(f"{database.name}.{name}.lock")


@contextmanager
def _held(path: Path, kind: int, busy: str, retries: int = 0) -> Iterator[None]:
    """Hold the lock. Raises InUse with the text `busy` if it isn't free, after so many retries."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _locked(opened, kind):
            if not retries:
                raise InUse(busy)
            retries -= 1
            time.sleep(PAUSE)
        yield
    finally:
        os.close(opened)


def _locked(opened: int, kind: int) -> bool:
    """Whether the lock was free, so that it is held now."""
    try:
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
