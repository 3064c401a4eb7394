"""Knows which processes use an installation, through locks that end with their process, even after kill -9.
Only one process works the queue, a restore needs to be alone, and everything else may run side by side."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
def serving_queue(database: Path) -> Iterator[None]:
    """Become the one process that works the queue. Raises InUse if there already is one."""
    busy = f"A Rollcall server runs on {database} already. Nothing was started. Stop it first, or use that one."
    with _held(_beside(database, "queue"), fcntl.LOCK_EX, busy):
        yield


def is_served(database: Path) -> bool:
    """Whether any process works the queue now."""
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
