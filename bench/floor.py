"""The floor: the cost of a check's own work in a plain sqlite3 program, written competently.
Stage the pages, compare in SQL, record each change as a row, apply, commit. No safety, no report, no log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from connectors.base import Account

SCHEMA = """
CREATE TABLE account (
    id INTEGER PRIMARY KEY, external_id TEXT NOT NULL UNIQUE, email TEXT NOT NULL, name TEXT NOT NULL,
    status TEXT NOT NULL, role TEXT NOT NULL, last_activity TEXT, gone INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX account_email ON account (email);
CREATE INDEX account_name ON account (gone, name);
CREATE TABLE change (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, account_id INTEGER NOT NULL, before TEXT, after TEXT);
"""
STAGE = """
CREATE TEMP TABLE staged (
    external_id TEXT PRIMARY KEY, email TEXT, name TEXT, status TEXT, role TEXT, last_activity TEXT
) WITHOUT ROWID
"""
CHANGES = (
    """
    INSERT INTO change (kind, account_id, before, after)
    SELECT 'updated role', a.id, a.role, s.role FROM staged s JOIN account a USING (external_id)
    WHERE a.role <> s.role
    """,
    """
    INSERT INTO change (kind, account_id, before, after)
    SELECT 'updated profile', a.id, a.name || ' <' || a.email || '>', s.name || ' <' || s.email || '>'
    FROM staged s JOIN account a USING (external_id)
    WHERE a.name <> s.name OR a.email <> s.email OR a.status <> s.status
    """,
    """
    INSERT INTO change (kind, account_id, before)
    SELECT 'removed user', id, role FROM account a
    WHERE NOT gone AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.external_id = a.external_id)
    """,
    """
    UPDATE account SET gone = 1
    WHERE NOT gone AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.external_id = account.external_id)
    """,
    """
    UPDATE account SET email = s.email, name = s.name, status = s.status, role = s.role,
        last_activity = s.last_activity, gone = 0
    FROM staged s WHERE account.external_id = s.external_id AND (account.name <> s.name OR account.email <> s.email
        OR account.status <> s.status OR account.role <> s.role OR account.last_activity IS NOT s.last_activity
        OR account.gone)
    """,
)
NEW_ACCOUNTS = """
    INSERT INTO account (external_id, email, name, status, role, last_activity)
    SELECT * FROM staged s WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.external_id = s.external_id)
"""
NEW_USERS = "INSERT INTO change (kind, account_id, after) SELECT 'new user', id, role FROM account WHERE id > ?"
FOUND = """
    SELECT count(*) FILTER (WHERE kind = 'new user'), count(*) FILTER (WHERE kind = 'removed user'),
        count(*) FILTER (WHERE kind LIKE 'updated %'), coalesce(max(id), 0) FROM change WHERE id > ?
"""


class File:
    """The floor's file in an empty folder, for each program that keeps its accounts as the floor does."""

    def __init__(self, folder: Path):
        self.connection = open_floor(str(folder / "floor.db"))
        self._counted = 0  # the newest change that `found` has counted

    def found(self) -> tuple[int, int, int]:
        """How many accounts were new, gone and changed since the last call."""
        new, gone, changed, newest = self.connection.execute(FOUND, (self._counted,)).fetchone()
        self._counted = max(self._counted, newest)
        return new, gone, changed


class Floor(File):
    """The floor as a program of bench/programs.py."""

    def check(self, pages: Iterable[list[Account]]) -> None:
        check(self.connection, pages)


def open_floor(path: str) -> sqlite3.Connection:
    """A new file with the same durability as Rollcall's."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA cache_size = -16000;")
    connection.executescript(SCHEMA)
    return connection


def check(connection: sqlite3.Connection, pages: Iterable[list[Account]]) -> int:
    """Update the file to match the list. Returns the number of changes."""
    stage(connection, pages)
    connection.execute("BEGIN IMMEDIATE")
    before = connection.execute("SELECT coalesce(max(id), 0) FROM change").fetchone()[0]
    for statement in CHANGES:
        connection.execute(statement)
    newest = connection.execute("SELECT coalesce(max(id), 0) FROM account").fetchone()[0]
    connection.execute(NEW_ACCOUNTS)
    connection.execute(NEW_USERS, (newest,))
    found = connection.execute("SELECT coalesce(max(id), 0) FROM change").fetchone()[0] - before
    connection.execute("COMMIT")
    connection.execute("DROP TABLE staged")
    return found


def stage(connection: sqlite3.Connection, pages: Iterable[list[Account]]) -> None:
    connection.execute(STAGE)
    for page in pages:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?)", map(_row, page))
        connection.execute("COMMIT")


def _row(account: Account) -> tuple:
    seen = account.last_activity
    return (
        account.id, account.email.lower(), account.name, account.status, account.role, seen and seen.isoformat(" "),
    )  # fmt: skip
