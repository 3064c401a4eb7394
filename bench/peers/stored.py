"""For a library that compares, but doesn't store: the floor's file, from which the known accounts are fetched and into
which the changes are written, in one transaction of few statements."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.floor import File
from connectors.base import Account

FIELDS = ("email", "name", "status", "role", "last_activity")
KNOWN = "SELECT external_id, email, name, status, role, last_activity FROM account WHERE NOT gone"
WRITE = """
    INSERT INTO account (external_id, email, name, status, role, last_activity) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (external_id) DO UPDATE SET email = excluded.email, name = excluded.name, status = excluded.status,
        role = excluded.role, last_activity = excluded.last_activity, gone = 0
"""
GONE = "UPDATE account SET gone = 1 WHERE external_id = ?"
CHANGE = """
    INSERT INTO change (kind, account_id, before, after) SELECT ?, id, ?, ? FROM account WHERE external_id = ?
"""


class Stored(File):
    """`new`, `changed` and `gone` note what a comparison has found; `write` then records all of it."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self._clear()

    def known(self) -> Iterable[tuple]:
        """(external id, *FIELDS) of each account that isn't gone."""
        return self.connection.execute(KNOWN)

    def new(self, id: str, account: dict) -> None:
        self._rows.append((id, *map(account.get, FIELDS)))
        self._changes.append(("new user", None, account["role"], id))

    def gone(self, id: str, account: dict) -> None:
        self._gone.append((id,))
        self._changes.append(("removed user", account["role"], None, id))

    def changed(self, id: str, before: dict, after: dict) -> None:
        """Both have all fields. A later last activity is written, but isn't a change."""
        self._rows.append((id, *map(after.get, FIELDS)))
        if before["role"] != after["role"]:
            self._changes.append(("updated role", before["role"], after["role"], id))
        if (was := _profile(before)) != (now := _profile(after)):
            self._changes.append(("updated profile", was, now, id))

    def write(self) -> None:
        """Commit what was noted, and clear it."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(WRITE, self._rows)
        self.connection.executemany(GONE, self._gone)
        self.connection.executemany(CHANGE, self._changes)
        self.connection.execute("COMMIT")
        self._clear()

    def _clear(self) -> None:
        self._rows: list[tuple] = []
        self._gone: list[tuple[str]] = []
        self._changes: list[tuple] = []


def fields(account: Account) -> dict[str, str | None]:
    """An account that was just read, as it is stored."""
    seen = account.last_activity
    values = account.email.lower(), account.name, account.status, account.role, seen and seen.isoformat(" ")
    return dict(zip(FIELDS, values))


def _profile(account: dict) -> str:
    return f"{account['name']} <{account['email']}> {account['status']}"
