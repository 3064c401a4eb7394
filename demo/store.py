"""A sample app's storage: one SQLite database in a folder, with a log of every change.
It survives restarts and kill -9; each block has a connection to itself, which the next block gets."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

COMMON = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, via TEXT NOT NULL, act TEXT NOT NULL,
    subject TEXT NOT NULL, name TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS log_is_never_changed BEFORE UPDATE ON log
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS log_is_never_shortened BEFORE DELETE ON log
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
"""


class Refusal(Exception):
    """A sample app's refusal: an HTTP status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def one_of(value: object, allowed: Iterable[str], what: str) -> None:
    """Refusal 400 if the app doesn't have this role, status or kind."""
    if value not in tuple(allowed):
        raise Refusal(400, f"invalid_{what}", f"The {what} must be one of: {', '.join(allowed)}.")


def now() -> str:
    """The current UTC time in the form of the APIs: 2026-11-24T09:30:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Store:
    """A sample app's data. `schema` creates its tables in addition to the common ones."""

    schema = ""

    def __init__(self, folder: str | os.PathLike):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "data.sqlite"
        self._process = os.getpid()
        self._idle: list[sqlite3.Connection] = []  # between two blocks: a new one would read the whole schema
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(COMMON + self.schema)
        self.path.chmod(0o600)
        self.token = self.setting("token", lambda: "acme_" + secrets.token_urlsafe(24))
        self.reading_token = self.setting("reading token", lambda: "acme_read_" + secrets.token_urlsafe(24))
        self.form_key = self.setting("form key", lambda: secrets.token_urlsafe(24))

    @contextmanager
    def _connection(self):
        if self._process != os.getpid():  # a connection is never used by a fork
            self._process, self._idle, self._inherited = os.getpid(), [], self._idle
        kept = self._idle
        try:
            connection = kept.pop()
        except IndexError:
            connection = self._open()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if kept is self._idle:
            kept.append(connection)
        else:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")  # survives kill -9, perhaps not a power cut
        return connection

    def let_go(self) -> None:
        """Close the file, until the next block: those that are in a block close it at its end."""
        kept, self._idle = self._idle, []
        while kept:
            kept.pop().close()

    @contextmanager
    def reading(self):
        """A connection for reading."""
        with self._connection() as connection:
            yield connection

    @contextmanager
    def writing(self):
        """A connection in one transaction: the whole block is committed or rolled back."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def setting(self, name: str, first: Callable[[], str]) -> str:
        """A value that is created once and then stored."""
        with self.writing() as db:
            db.execute("INSERT OR IGNORE INTO setting VALUES (?, ?)", (name, first()))
            return db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()["value"]

    def note(self, db: sqlite3.Connection, via: str, act: str, subject: str, name: str, detail: str = "") -> None:
        """Add to the log, in the transaction of the change itself. `via` is "api", "page" or "story"."""
        db.execute(
            "INSERT INTO log (at, via, act, subject, name, detail) VALUES (?, ?, ?, ?, ?, ?)",
            (now(), via, act, subject, name, detail),
        )

    def log(self, limit: int | None = None) -> list[dict]:
        """The log, latest first: id, at, via, act, subject (an id), name, detail."""
        with self.reading() as db:
            sql = "SELECT * FROM log ORDER BY id DESC LIMIT ?"
            return [dict(row) for row in db.execute(sql, (-1 if limit is None else limit,))]
