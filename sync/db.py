"""The one database, a SQLite file or PostgreSQL: how it is opened, written to and brought up to date.
Every write goes through `writing()`, or `own_row()` for a lease; nothing else may begin a transaction."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from peewee import DatabaseError, Model, SqliteDatabase
from playhouse.migrations import Runner

from sync import ON_SERVER, faults, new_file, once
from sync.kept_connections import Connection, KeptConnections
from sync.new_file import MIGRATIONS
from sync.quick_writes import QuickDatabase
from sync.right_of_way import RightOfWay

WRITABLE = "Make it writable for the user that Rollcall runs as, and clear its immutable flag if it is set (chattr -i)."
NORMAL = 1  # https://www.sqlite.org/pragma.html#pragma_synchronous
LONGEST_WAIT = 30  # seconds for the lock of the one writer
TOGETHER = (250, 25)  # rows that one INSERT adds: to begin a statement for each takes a third of its time
STATEMENTS = 300  # that a connection keeps prepared, if it outlives its use: those of a dozen pages


_right_of_way = RightOfWay()


class _File(QuickDatabase, SqliteDatabase):
    """What Rollcall asks of its database beside peewee's calls; sync/postgres/database.py has the same calls."""

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
        _right_of_way.give()
        return super().execute_sql(sql, params)

    def register_function(self, *function: object, **options: object) -> None:
        """SQL can call it, on each connection."""
        super().register_function(*function, **options)
        if self.kept is not None:
            self.kept.renew()

    def executemany(self, sql: str, rows: Iterable) -> sqlite3.Cursor:
        """One statement for each row of values; the cursor knows how many rows it changed."""
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


if ON_SERVER:
    from sync.postgres.database import Postgres

    db = Postgres(None, autoconnect=False)
else:
    db = _File(None, lock_type="IMMEDIATE", autoconnect=False)


class DatabaseRefused(Exception):
    """The file cannot be used; the message says why and what to do."""


def utcnow() -> datetime:
    """Now, as the naive UTC time that the file stores."""
    return datetime.now(UTC).replace(tzinfo=None)


def open_database(path: str | os.PathLike) -> None:
    """As connect_database(), without a connection afterwards."""
    connect_database(path)
    db.close()


def connect_database(path: str | os.PathLike) -> None:
    """Point `db` at the file, or at the server's database by its address, and bring its schema up to date. This thread
    is connected to it afterwards.

    A file of an older version is copied beside itself first; raises
    DatabaseRefused for a file of a newer version or one that isn't a database.
    """
    _close()
    with closed_if_it_fails():
        _open_server(str(path)) if db.on_server else _open_file(Path(path))


@contextmanager
def closed_if_it_fails() -> Iterator[None]:
    """This thread has no connection after a block that raises."""
    try:
        yield
    except BaseException:
        _close()
        raise


def _close() -> None:
    if not db.is_closed():
        db.close()


def _open_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise DatabaseRefused(f"{path.parent} can't be made: {problem.strerror}. {WRITABLE}") from problem
    faults.watch(path.parent)
    db.init(
        str(path),
        pragmas={"journal_mode": "wal", "foreign_keys": 1, "synchronous": "full", "cache_size": -16_000},
        timeout=LONGEST_WAIT, cached_statements=STATEMENTS,
    )
    try:
        db.connect()
        _migrate(path)
    except (DatabaseError, sqlite3.DatabaseError, OSError) as problem:
        fault = faults.of(problem)
        reason = fault.text if fault else f"{problem}. {WRITABLE}" if isinstance(problem, OSError) else problem
        raise DatabaseRefused(f"{path} cannot be opened as Rollcall's database: {reason}") from problem
    _keep_to_its_owner(path)


def _open_server(address: str) -> None:
    from sync.postgres import opening

    db.init(address)
    try:
        with connected():
            opening.prepare(db, Runner(db, str(MIGRATIONS)))
        db.begin_pool()
        db.connect()
    except (opening.CannotBeUsed, DatabaseError) as problem:
        raise DatabaseRefused(opening.sentence(problem, address)) from problem


def _keep_to_its_owner(path: Path) -> None:
    """Raises DatabaseRefused for a file that this user can't write, which its next entry would find out."""
    try:
        if path.stat().st_mode & 0o777 != 0o600:
            os.chmod(path, 0o600)
    except OSError as problem:
        raise DatabaseRefused(f"{path} can't be changed: {problem.strerror}. {WRITABLE}") from problem
    if not os.access(path, os.W_OK):  # opening it would do away with SQLite's locks of this process
        raise DatabaseRefused(f"{path} can't be written. {WRITABLE}")


def _migrate(path: Path) -> None:
    new_file.create(db)
    if new_file.is_current(db):
        return
    runner = Runner(db, str(MIGRATIONS))
    known = runner.status()
    unknown = [row.name for row in known if row.path is None]
    if unknown:
        raise DatabaseRefused(
            f"{path} was written by a newer Rollcall (it knows {', '.join(unknown)}). "
            "Nothing was changed: start the newer version, or restore a backup made by this one."
        )
    pending = [row.name for row in known if row.applied is None]
    if pending and len(pending) < len(known):
        kept = path.with_name(f"{path.name}.before-{pending[0]}")
        if not kept.exists():
            copy_database(path, kept)
    if pending:
        runner.up()


def copy_database(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """A consistent copy of a live file, by SQLite's own backup; whole or not at all. Only this user can read it, from
    its first byte on, and it is written to no place that a link leads to."""
    target = Path(target)
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)  # of a copy that was interrupted
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    reading, writing_to = sqlite3.connect(str(source)), sqlite3.connect(str(partial))
    try:
        reading.backup(writing_to)
        writing_to.execute("PRAGMA journal_mode = delete")  # in WAL mode, reading the copy leaves two files beside it
    finally:
        writing_to.close()
        reading.close()
    shutil.move(partial, target)


@contextmanager
def connected():
    """This thread's connection for the length of the block; one that is open already is used."""
    db.drop_lost()
    if not db.is_closed():
        yield
        return
    db.connect()
    try:
        yield
    finally:
        db.close()


@contextmanager
def keeping_connections() -> Iterator[None]:
    """In this block, connections of this process to the file outlive the page or the job that opened them. Those to a
    server always do."""
    if db.on_server:
        yield
        return
    db.begin_keeping()
    try:
        yield
    finally:
        db.end_keeping()


def noted_in_write() -> dict:
    """What the write under way has noted for itself: empty when it begins, and dropped when it ends."""
    return _write.__dict__


_write = threading.local()
_writer = threading.RLock()  # after a commit, messages are put into the same file
_patience: ContextVar[float] = ContextVar("seconds to wait for the lock of the one writer", default=LONGEST_WAIT)


@contextmanager
def waiting_at_most(seconds: float):
    """In this block, a write of this thread that finds the lock taken fails after so many seconds."""
    outside = _patience.set(seconds)
    try:
        with db.impatient(int(seconds * 1000)):
            yield
    finally:
        _patience.reset(outside)


@contextmanager
def turn() -> Iterator[None]:
    """The threads of a process write one after the other and wake each other, where SQLite would let each look again
    after ever longer pauses. One that has waited too long asks the file, which says that it is locked.
    """
    mine = not db.on_server and _writer.acquire(timeout=_patience.get())
    try:
        yield
    finally:
        if mine:
            _writer.release()


@contextmanager
def writing():
    """One short transaction that holds the single write lock; nested blocks join it.

    A fault of our own that it meets is noted, and cleared as soon as one ends well.
    """
    with _transaction(db.atomic) as outermost:
        if outermost:
            db.lock_writers()
        yield


@contextmanager
def own_row():
    """One short transaction that changes a single row, by a condition that holds for one worker alone: its lease and
    progress. On a server it doesn't wait for the one writer, and with neither database for the disk: a power cut may
    undo it, and the row is then taken again.
    """
    with _transaction(db.quick_transaction):
        yield


@contextmanager
def _transaction(begin: Callable[[], AbstractContextManager]) -> Iterator[bool]:
    """Whether it is the outermost one, which `begin` begins."""
    outermost = db.is_closed() or not db.in_transaction()
    if outermost:
        noted_in_write().clear()
    try:
        with once.afresh(), connected(), turn(), begin() if outermost else db.atomic():
            if outermost and not db.on_server:
                with _right_of_way.held():
                    yield True
            else:
                yield outermost
    except Exception as problem:
        faults.note(problem)
        raise
    if outermost:
        faults.written()
