"""A PostgreSQL database behind the same calls as the file: one connection for each thread.
Dates, times and JSON come as the texts that the file has; the models' fields read these."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import peewee
import psycopg
from peewee import Model, PostgresqlDatabase, PostgresqlJSONMethods, __exception_wrapper__
from psycopg.errors import ProgramLimitExceeded, UniqueViolation
from psycopg.types.string import StrDumperUnknown, TextLoader

from sync.postgres import keys, seen
from sync.postgres.dialect import numbered, translated
from sync.postgres.pool import Pool
from sync.problems import TooLong
from sync.quick_writes import QuickDatabase

WRITERS = 0x526F6C6C  # "Roll": the advisory lock that each writer takes
LOCK_TIMEOUT = "SET lock_timeout = '30s'"
# A statement that waits longer than 30 seconds for a lock gives up, as with the file. Half a minute after a client was
# cut off, its locks end. So do those of a process that is idle within a transaction, after two minutes: nothing
# but statements happens in one. The longest statement, of a check of a million accounts, takes about a minute.
# jit is off because compiling these statements takes longer than it saves.
SETTINGS = f"""
{LOCK_TIMEOUT}; SET statement_timeout = '10min'; SET idle_in_transaction_session_timeout = '2min';
SET jit = off; SET client_min_messages = warning;
SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
"""
AS_TEXT = ("timestamp", "date", "json", "jsonb")


class _Json(PostgresqlJSONMethods):
    def make_value_reader(self, loads):
        return lambda value: json.loads(value) if isinstance(value, str) else value


class _Text(StrDumperUnknown):
    """PostgreSQL has no text with the character NUL, which SQLite keeps."""

    def dump(self, obj: str) -> bytes:
        return super().dump(obj.replace(*Postgres.NOT_TEXT))


def _prepared(connection: psycopg.Connection) -> None:
    connection.autocommit = True
    for kind in AS_TEXT:
        connection.adapters.register_loader(kind, TextLoader)
    connection.adapters.register_dumper(str, _Text)
    connection.execute(SETTINGS)


@contextmanager
def _indexed() -> Iterator[None]:
    """Raises TooLong in place of the server's sentence about the size of an index's row."""
    try:
        yield
    except (psycopg.Error, peewee.DatabaseError) as problem:
        if isinstance(problem, ProgramLimitExceeded) or isinstance(problem.__cause__, ProgramLimitExceeded):
            raise TooLong from problem
        raise


class Postgres(QuickDatabase, PostgresqlDatabase):
    """Statements that are written for both databases come in, those of PostgreSQL go out."""

    on_server = True
    NOT_TEXT = ("\0", "\ufffd")  # a character that it can't keep, and what takes its place
    base: type[Model]  # of all tables
    json_methods = _Json
    field_types = PostgresqlDatabase.field_types | {"AUTO": "BIGSERIAL", "INT": "BIGINT"}

    pool: Pool | None = None

    def init(self, database: str | None, **options: object) -> None:
        self.end_pool()
        super().init(database, prefer_psycopg3=True, **options)

    def end_pool(self) -> None:
        """Close the connections that nobody uses."""
        if self.pool is not None:
            self.pool.end()
        self.pool = None

    def begin_pool(self) -> None:
        """From now on, connections outlive the thread's use of them. Those before, the first of all, are closed."""
        self.pool = Pool(self.database, _prepared)

    def _connect(self) -> psycopg.Connection:
        if self.pool is not None:
            return self.pool.take()
        connection = super()._connect()
        _prepared(connection)
        return connection

    def _close(self, connection: psycopg.Connection) -> None:
        if self.pool is not None:
            self.pool.give_back(connection)
        else:
            connection.close()

    def execute_sql(self, sql: str, params: object = None) -> psycopg.Cursor:
        values = numbered(params) if "?1" in sql else params

        def run() -> psycopg.Cursor:
            return super(Postgres, self).execute_sql(translated(sql), values)

        with _indexed():
            return keys.with_keys(self.connection(), run) if keys.asked_in(sql) else run()

    def executemany(self, sql: str, rows: Iterable) -> psycopg.Cursor:
        """One statement for each row of values; the cursor knows how many rows it changed. Raises peewee's errors."""
        cursor = self.cursor()
        with __exception_wrapper__, _indexed():
            cursor.executemany(translated(sql), list(rows))
        return cursor

    def add_rows(self, table: str, columns: Sequence[str], rows: Iterable) -> int:
        """Insert rows of these columns and leave out those with a key that the table has; how many were inserted.
        Inside the caller's transaction."""
        rows, into = list(rows), f"{table} ({', '.join(columns)})"
        try:
            with _indexed(), self.connection().transaction(), self.cursor().copy(f"COPY {into} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return len(rows)
        except UniqueViolation:  # COPY can't leave rows out
            statement = f"INSERT INTO {into} VALUES ({', '.join('?' * len(columns))}) ON CONFLICT DO NOTHING"
            return self.executemany(statement, rows).rowcount

    def one_of(self, column: str, values: Sequence[str]) -> tuple[str, Sequence]:
        """The condition that the column is one of the values, and what is bound to it: one list, planned once."""
        return f"{column} = ANY(?)", [list(values)]

    def register_function(self, fn: Callable, name: str, num_params: int = -1, **_options: object) -> None:
        """A key that only Python can make: keys.py."""
        keys.register(name, fn)

    def delete_unused_keys(self) -> int:
        """Delete the keys of texts that no row has now; how many. Inside the caller's transaction."""
        return sum(self.execute_sql(keys.unused(name)).rowcount for name in keys.NAMES)

    def run_script(self, sql: str) -> None:
        """Statements of PostgreSQL alone, without values."""
        self.connection().execute(sql)

    def append_only(self, table: str, statement: str) -> None:
        """Make a trigger that refuses every UPDATE or DELETE of the table's rows."""
        self.run_script(f"CREATE TRIGGER {table}_no_{statement} BEFORE {statement.upper()} ON {table} "
                        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()")

    def no_longer_append_only(self, table: str, statement: str) -> None:
        """Take the trigger away."""
        self.run_script(f"DROP TRIGGER IF EXISTS {table}_no_{statement} ON {table}")

    def make_temp_table(self, name: str, definition: str) -> None:
        """An empty one, whatever it held before."""
        self.end_temp_tables([name])
        self.execute_sql(f"CREATE TEMP TABLE {name} {definition}")

    def end_temp_tables(self, names: Iterable[str]) -> None:
        """Those that this connection has are dropped: a statement that would read one before it is made fails."""
        for name in names:
            self.execute_sql(f"DROP TABLE IF EXISTS {name}")

    def ids_were_given(self, table: str) -> None:
        """Rows were inserted with ids of their own: the next id comes after them."""
        self.run_script(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")

    def is_seen(self, boot: str) -> bool:
        """Whether the process with this mark is connected to the server now."""
        return bool(self.connection().execute(seen.QUESTION, (seen.number(boot),)).fetchone())

    def drop_lost(self) -> None:
        """Drop this thread's connection if the server has ended it."""
        if not self.is_closed() and self.connection().closed and not self.in_transaction():
            self.close()

    @contextmanager
    def impatient(self, milliseconds: int) -> Iterator[None]:
        """Wait for a lock so long at most, on this thread's connection."""
        self.run_script(f"SET lock_timeout = {milliseconds}")
        try:
            yield
        finally:
            if not self.connection().closed:
                self.run_script(LOCK_TIMEOUT)

    def lock_writers(self) -> None:
        """Until the end of the transaction, nobody else writes."""
        self.run_script(f"SELECT pg_advisory_xact_lock({WRITERS})")

    def state(self) -> str | None:
        """A different one once anyone has written: which transactions a statement sees
        (https://www.postgresql.org/docs/15/functions-info.html#FUNCTIONS-INFO-SNAPSHOT). None without a pool."""
        if self.pool is None:
            return None
        [state] = self.connection().execute("SELECT CAST(pg_current_snapshot() AS TEXT)").fetchone()
        return state

    @contextmanager
    def quick_transaction(self) -> Iterator[None]:
        """A transaction whose end doesn't wait for the disk."""
        with self.atomic():
            self.run_script("SET LOCAL synchronous_commit = off")
            yield
