"""Connections to the file that outlive a page or a job: opening one takes longer than reading what most pages show.
Each use finds one as if it had just been opened, or opens one: the use before has left nothing in it."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable

from sync import faults

MOST = 8  # that nobody uses: with few people, one or two serve all pages
IDLE_SECONDS = 60.0  # after which one that nobody uses is closed
# TEMP tables and triggers that were left, beside tables that stay, and settings that a use may have changed.
LEFT = """SELECT
    (SELECT count(*) FROM temp.sqlite_master
     WHERE type NOT IN ('table', 'index') OR tbl_name NOT IN (SELECT value FROM json_each(?))),
    (SELECT foreign_keys FROM pragma_foreign_keys),
    (SELECT timeout FROM pragma_busy_timeout), (SELECT synchronous FROM pragma_synchronous)"""


class Connection(sqlite3.Connection):
    """`opened` says which file it has open, and `settings` what LEFT answered then; None: it isn't kept. TEMP tables
    that `stay` are empty after each use."""

    opened: tuple | None = None
    settings: tuple | None = None
    unused_since = 0.0  # on the monotonic clock
    stay: tuple[str, ...] = ()


class KeptConnections:
    """Those of this process. `open` makes a new one of the file at `path`, with all settings and functions; it can be
    used by any thread, one at a time."""

    def __init__(self, path: str, open: Callable[[], Connection]):
        self._path, self._open, self._kind = path, open, 0
        self._begin()

    def _begin(self) -> None:
        self._process, self._lock, self._unused = os.getpid(), threading.Lock(), []

    def take(self) -> Connection:
        """One that nobody uses, the last used first, or a new one. Raises sqlite3.Error if there is none."""
        file = self._file()
        while kept := self._next():
            if file is not None and kept.opened == file and not faults.current():
                return kept
            kept.close()
        new = self._open()
        if file is not None and file == self._file() and os.access(self._path, os.W_OK):
            new.opened, new.settings = file, _left(new)
        return new

    def give_back(self, connection: Connection) -> None:
        """Keep it for the next use, or close it where it isn't as it was when it was opened."""
        self._close_long_unused()
        if _is_clean(connection):
            connection.unused_since = time.monotonic()
            with self._lock:
                if len(self._unused) < MOST:
                    self._unused.append(connection)
                    return
        connection.close()

    def renew(self) -> None:
        """None that is open now is used again: new ones have another function."""
        self._kind += 1

    def end(self) -> None:
        """Close those that nobody uses."""
        while kept := self._next():
            kept.close()

    def _file(self) -> tuple | None:
        """The file that the path leads to now, for this process; None if there is none. A file's number is free for
        another file only once nobody has it open."""
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return os.getpid(), self._kind, found.st_dev, found.st_ino

    def _next(self) -> Connection | None:
        self._leave_the_parents()
        with self._lock:
            return self._unused.pop() if self._unused else None

    def _close_long_unused(self) -> None:
        self._leave_the_parents()
        until = time.monotonic() - IDLE_SECONDS
        with self._lock:
            old = [kept for kept in self._unused if kept.unused_since < until]
            self._unused = [kept for kept in self._unused if kept.unused_since >= until]
        for kept in old:
            kept.close()

    def _leave_the_parents(self) -> None:
        """After a fork: connections of the parent must be neither used nor closed here."""
        if self._process != os.getpid():
            self._inherited = self._unused
            self._begin()


def _is_clean(connection: Connection) -> bool:
    """No transaction, no statement that isn't read to its end (it would keep an old state of the file), nothing in a
    TEMP table, the settings as at first, and no fault of the machine that opening the file again might get around."""
    if connection.opened is None or connection.in_transaction or faults.current():
        return False
    # While another statement is under way, the next one fails; if there is none, this does nothing.
    # https://www.sqlite.org/c3ref/interrupt.html
    connection.interrupt()
    try:
        return _left(connection) == connection.settings and not _has_rows(connection)
    except sqlite3.Error:
        return False


def _left(connection: Connection) -> tuple:
    return connection.execute(LEFT, (json.dumps(connection.stay),)).fetchone()


def _has_rows(connection: Connection) -> bool:
    rows = " UNION ALL ".join(f"SELECT 1 FROM temp.{table}" for table in connection.stay)
    return bool(rows) and connection.execute(f"SELECT EXISTS ({rows})").fetchone() == (1,)
