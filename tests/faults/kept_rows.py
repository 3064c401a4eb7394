"""What a death would leave on PostgreSQL: the rows that are committed, as another connection sees them."""

from __future__ import annotations

from pathlib import Path

import psycopg

FILE = "rows"  # one line for each row, with the table's name


class Committed:
    """The rows of a database at each step. `address` is read by a connection of its own, which nobody watches."""

    def __init__(self, address: str):
        self._connection = psycopg.connect(address, autocommit=True)
        self._cursor = psycopg.Cursor(self._connection)
        self._at, self._rows = "", ""
        self._tables = [name for (name,) in self._ask(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")]  # fmt: skip

    def _ask(self, sql: str) -> list[tuple]:
        """By the driver's lowest calls: those above are counted as steps."""
        result = self._connection.pgconn.exec_(sql.encode())
        return [tuple(result.get_value(row, column).decode() if result.get_value(row, column) is not None else ""
                      for column in range(result.nfields)) for row in range(result.ntuples)]  # fmt: skip

    def cut_off_others(self) -> None:
        """End all other connections to the database."""
        self._ask("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                  "WHERE datname = current_database() AND pid <> pg_backend_pid()")

    def write(self, folder: Path) -> None:
        """Keep the rows in this folder. They are read again only if the server has written anything since."""
        [(at,)] = self._ask("SELECT pg_current_wal_insert_lsn()")
        if at != self._at:
            self._at = at
            lines = [f"{table} {row}" for table in self._tables
                     for (row,) in self._ask(f'SELECT t::text FROM "{table}" t ORDER BY 1')]  # fmt: skip
            self._rows = "\n".join(lines)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(self._rows)
