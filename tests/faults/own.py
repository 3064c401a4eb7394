"""Faults of the machine that Rollcall runs on, made for real: by SQLite's own limits, the kernel's, a small disk."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sync.db import db
from tests.parts import lack


@contextmanager
def full() -> Iterator[None]:
    """No further page fits into the database's file: SQLITE_FULL, as on a full disk."""
    with _pragma("max_page_count", _asked("page_count"), 1073741823):
        yield


@contextmanager
def full_for_what_is_staged() -> Iterator[None]:
    """The file itself can be written, but the folder of temporary files is full. This thread's connection is new: the
    temporary file of an older one has room where something was staged before."""
    db.close()
    db.connect()
    db.execute_sql("CREATE TEMP TABLE IF NOT EXISTS own (x)")  # before there is one, the limit is not kept
    with _pragma("temp.max_page_count", 2, 1073741823):
        yield


@contextmanager
def read_only() -> Iterator[None]:
    """Nothing may be written by this connection: SQLITE_READONLY, or as on a replica of a server."""
    if not db.on_server:
        with _pragma("query_only", 1, 0):
            yield
        return
    db.execute_sql("SET default_transaction_read_only = on")
    try:
        yield
    finally:
        db.execute_sql("SET default_transaction_read_only = off")


@contextmanager
def failing_disk() -> Iterator[None]:
    """The kernel lets the database's log grow no further (RLIMIT_FSIZE, EFBIG): SQLITE_IOERR."""
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(f"{db.database}-wal"), kept[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)


@contextmanager
def locked() -> Iterator[None]:
    """Another program writes and does not end: SQLITE_BUSY, after a short patience."""
    with closing(sqlite3.connect(db.database, isolation_level=None)) as other, _pragma("busy_timeout", 50, 30_000):
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


def _asked(name: str) -> int:
    return db.execute_sql(f"PRAGMA {name}").fetchone()[0]


@contextmanager
def _pragma(name: str, value: int, back: int) -> Iterator[None]:
    db.execute_sql(f"PRAGMA {name} = {value}").fetchall()
    try:
        yield
    finally:
        db.execute_sql(f"PRAGMA {name} = {back}").fetchall()


class SmallDisk:
    """A disk of a few megabytes, mounted at `folder`; `fill`, `clear`, `make_read_only`, `make_writable`."""

    def __init__(self, folder: Path, megabytes: int = 8):
        self.folder, self._filler = folder, folder / "filler"
        folder.mkdir(exist_ok=True)
        self._run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "rollcall-test", str(folder))

    def fill(self) -> None:
        with self._filler.open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError as problem:
                assert problem.errno == errno.ENOSPC

    def clear(self) -> None:
        self._filler.unlink()

    def make_read_only(self) -> None:
        self._run("mount", "-o", "remount,ro", str(self.folder))

    def make_writable(self) -> None:
        self._run("mount", "-o", "remount,rw", str(self.folder))

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], capture_output=True, check=False)

    def _run(self, *command: str) -> None:
        if os.geteuid() != 0:
            lack("mounting a small disk needs root")
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            lack(f"a small disk can't be mounted here: {done.stderr.strip()}")
