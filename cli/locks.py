"""Knows which processes use an installation, through locks that end with their process, even after kill -9.
Either one `serve` or any number of `worker` processes work the queue. A restore needs to be alone, and everything else
may run side by side."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sync.config import Config

RETRIES, PAUSE = 5, 0.05  # PAUSE is in seconds. A command that asks is_served() holds the lock for an instant.
ALONE = "A Rollcall server or worker already runs on {}. Nothing was started. Stop it first, or use it."
BESIDE_WORKERS = ("A Rollcall server already runs on {} and works its queue. Nothing was started. Stop it first, then "
                  "start `web` and `worker` in its place.")


class InUse(Exception):
    """Another process of Rollcall prevents this; the text says which one."""


@contextmanager
def in_use(settings: Config) -> Iterator[None]:
    """Use the installation together with other processes. Raises InUse while a backup is restored, or it is moved."""
    busy = "A backup is being restored into this installation, or it is being moved. Nothing was done. " \
           "Try again in a moment."
    with _held(settings, "in-use", fcntl.LOCK_SH, busy):
        yield


@contextmanager
def alone(settings: Config) -> Iterator[None]:
    """Use the installation alone. Raises InUse while a server or a command uses it."""
    busy = "Rollcall is running on this database. Nothing was changed. Stop it first, then try again."
    with _held(settings, "in-use", fcntl.LOCK_EX, busy):
        yield


@contextmanager
def serving_queue(settings: Config, among_others: bool = False) -> Iterator[None]:
    """Work the queue, alone or `among_others` that work it too.

    Raises InUse if another process works it alone, or if this one wants to and another one works it.
    """
    kind, busy = (fcntl.LOCK_SH, BESIDE_WORKERS) if among_others else (fcntl.LOCK_EX, ALONE)
    with _held(settings, "queue", kind, busy.format(settings.database_name), RETRIES):
        yield


def is_served(settings: Config) -> bool:
    """Whether any process works the queue now."""
    try:
        with _held(settings, "queue", fcntl.LOCK_EX, ""):
            return False
    except InUse:
        return True


def keep() -> None:
    """For a process that runs on: its locks, also after the database's server was away. Raises InUse where another
    process has taken one in that time."""
    if "cli.server_locks" in sys.modules:
        lock = sys.modules["cli.server_locks"].lost()
        if lock is not None:
            raise InUse(lock.busy)


@contextmanager
def _held(settings: Config, name: str, kind: int, busy: str, retries: int = 0) -> Iterator[None]:
    """Hold the lock. Raises InUse with the text `busy` if it isn't free, after so many retries."""
    while True:
        with _once(settings, name, kind, busy) as taken:
            if taken:
                yield
                return
        if not retries:
            raise InUse(busy)
        retries -= 1
        time.sleep(PAUSE)


def _once(settings: Config, name: str, kind: int, busy: str) -> AbstractContextManager[bool]:
    if settings.database_url:
        from cli import server_locks

        return server_locks.held(settings.database_url, name, kind == fcntl.LOCK_SH, busy)
    path = settings.database_path
    return _held_beside(path.with_name(f"{path.name}.{name}.lock"), kind)


@contextmanager
def _held_beside(path: Path, kind: int) -> Iterator[bool]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _locked(opened, kind)
    finally:
        os.close(opened)


def _locked(opened: int, kind: int) -> bool:
    """Whether the lock was free, so that it is held now."""
    try:
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
