"""The database in a SQLite file: what Rollcall asks of it beside peewee's calls. sync/postgres/database.py has the same
calls for a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from peewee import Model, SqliteDatabase, __exception_wrapper__

from sync.kept_connections import Connection, KeptConnections
from sync.quick_writes import QuickDatabase
from sync.right_of_way import RightOfWay

NORMAL = 1  # https://www.sqlite.org/pragma.html#pragma_synchronous
TOGETHER = (250, 25)  # rows that one INSERT adds: to begin a statement for each takes a third of its time
STATEMENTS = 300  # that a connection keeps prepared, if it outlives its use: those of a dozen pages

right_of_way = RightOfWay()


class File(QuickDatabase, SqliteDatabase):
    on_server = False
    base: type[Model]  # of all tables
    kept: KeptConnections | None = None

    def init(self, database: str | None, **options: object) -> None:
        if self.kept is not None:
            self.end_keeping()
        super().init(database, **options)

    def begin_keeping(self) -> None:
        """From now on, connections outlive their use."""
        self.connect_params |= {"factory": Connection, "check_same_thread": False, "cached_statements": STATEMENTS}
        self.kept = KeptConnections(str(self.database), super()._connect)

    def end_keeping(self) -> None:
        """Close those that nobody uses. From now on, each is closed after its use."""
        kept, self.kept, self.connect_params = self.kept, None, {}
        kept.end()

    def _connect(self) -> sqlite3.Connection:
        kept = self.kept
        return super()._connect() if kept is None else kept.take()

    def _close(self, connection: sqlite3.Connection) -> None:
        kept = self.kept
        if kept is None or not isinstance(connection, Connection):
            connection.close()
        else:
            kept.give_back(connection)

    def execute_sql(self, sql: str, params: object = None) -> sqlite3.Cursor:
        right_of_way.give()
        return super().execute_sql(sql, params)

    def register_function(self, *function: object, **options: object) -> None:
        """SQL can call it, on each connection."""
        super().register_function(*function, **options)
        if self.kept is not None:
            self.kept.renew()

    def executemany(self, sql: str, rows: Iterable) -> sqlite3.Cursor:
        """One statement for each row of values; the cursor knows how many rows it changed. Raises peewee's errors."""
        with __exception_wrapper__:
            return self.connection().executemany(sql, rows)

    def add_rows(self, table: str, columns: Sequence[str], rows: Iterable) -> int:
        """Insert rows of these columns and leave out those with a key that the table has; how many were inserted.
        Inside the caller's transaction."""
        rows, first, added = list(rows), 0, 0
        marks = f"({', '.join('?' * len(columns))})"
        into, unless = f"INSERT INTO {table} ({', '.join(columns)}) VALUES", "ON CONFLICT DO NOTHING"
        for number in TOGETHER:
            statement = f"{into} {', '.join([marks] * number)} {unless}"
            while first + number <= len(rows):
                values = list(chain.from_iterable(rows[first : first + number]))
                added += self.connection().execute(statement, values).rowcount
                first += number
        if first < len(rows):
            added += self.executemany(f"{into} {marks} {unless}", rows[first:]).rowcount
        return added

    def one_of(self, column: str, values: Sequence[str]) -> tuple[str, Sequence]:
        """The condition that the column is one of the values, and what is bound to it."""
        return f"{column} IN ({', '.join('?' * len(values))})", values

    def append_only(self, table: str, statement: str) -> None:
        """Make a trigger that refuses every UPDATE or DELETE of the table's rows."""
        self.execute_sql(f"CREATE TRIGGER {table}_no_{statement} BEFORE {statement.upper()} ON {table} "
                         f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END")

    def no_longer_append_only(self, table: str, statement: str) -> None:
        """Take the trigger away."""
        self.execute_sql(f"DROP TRIGGER IF EXISTS {table}_no_{statement}")

    def make_temp_table(self, name: str, definition: str) -> None:
        """An empty one. It stays as long as the connection: CREATE and DROP let SQLite compile all statements again."""
        self.execute_sql(f"CREATE TEMP TABLE IF NOT EXISTS {name} {definition}")
        self.execute_sql(f"DELETE FROM {name}")
        if isinstance(connection := self.connection(), Connection) and name not in connection.stay:
            connection.stay += (name,)

    def end_temp_tables(self, names: Iterable[str]) -> None:
        """Nothing is left in those that this connection has."""
        made = {name for (name,) in self.execute_sql("SELECT name FROM sqlite_temp_schema")}
        for name in made.intersection(names):
            self.execute_sql(f"DELETE FROM {name}")

    def ids_were_given(self, table: str) -> None:
        """Rows were inserted with ids of their own: the next id comes after them."""

    def lock_writers(self) -> None:
        """Until the end of the transaction, nobody else writes: BEGIN IMMEDIATE has seen to it."""

    def state(self) -> tuple[int, int] | None:
        """A different one on this connection, once anyone has written; None where the connection isn't kept.
        The first number is about other connections (https://www.sqlite.org/pragma.html#pragma_data_version), the
        second one about this one."""
        connection = self.connection()
        if not isinstance(connection, Connection):
            return None
        [version] = connection.execute("PRAGMA data_version").fetchone()
        return version, connection.total_changes

    @contextmanager
    def quick_transaction(self) -> Iterator[None]:
        """A transaction whose end doesn't wait for the disk. The next one that does brings it there, too."""
        [before] = self.execute_sql("PRAGMA synchronous").fetchone()
        try:
            self.execute_sql(f"PRAGMA synchronous = {min(before, NORMAL)}")
            with self.atomic():
                yield
        finally:
            self.execute_sql(f"PRAGMA synchronous = {before}")

    def drop_lost(self) -> None:
        """Does nothing: a connection to a file can't be lost."""

    @contextmanager
    def impatient(self, milliseconds: int) -> Iterator[None]:
        """Wait for a lock so long at most, on this thread's connection."""
        [before] = self.execute_sql("PRAGMA busy_timeout").fetchone()
        try:
            self.execute_sql(f"PRAGMA busy_timeout = {milliseconds}")
            yield
        finally:
            self.execute_sql(f"PRAGMA busy_timeout = {before}")
