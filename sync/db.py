"""The one database, a SQLite file or PostgreSQL: how it is opened, written to and brought up to date.
Every write goes through `writing()`, or `own_row()` for a lease; nothing else may begin a transaction."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from peewee import DatabaseError
from playhouse.migrations import Migration, Runner

from sync import ON_SERVER, faults, new_file, once, sqlite_file
from sync.new_file import MIGRATIONS
from sync.sqlite_file import STATEMENTS, File

Noted = TypeVar("Noted")

WRITABLE = "Make it writable for the user that Rollcall runs as, and clear its immutable flag if it is set (chattr -i)."
LONGEST_WAIT = 30  # seconds for the lock of the one writer
PRAGMAS = {
    "journal_mode": "wal", "foreign_keys": 1, "synchronous": "full", "cache_size": -16_000,
    "temp.secure_delete": 0,  # emptying a TEMP table would overwrite each page; its file has no name and ends with us
}  # fmt: skip


if ON_SERVER:
    from sync.postgres.database import Postgres

    db = Postgres(None, autoconnect=False)
else:
    db = File(None, lock_type="IMMEDIATE", autoconnect=False)


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
        pragmas=PRAGMAS,
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
            opening.refuse_old_server(db)
            if not _is_current():
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
    if not _is_current():
        with _one_at_a_time(path):
            _run_migrations(path)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Of several processes that start at once after an update, one changes the file, and the others wait for it."""
    with open(os.open(path.with_name(f"{path.name}.update.lock"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
        yield


def _run_migrations(path: Path) -> None:
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


_HAS_HISTORY = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migration'"
_HAS_HISTORY_ON_SERVER = "SELECT 1 WHERE to_regclass('schema_migration') IS NOT NULL"


def _is_current() -> bool:
    """Whether the database has had all migrations and no others. playhouse's Runner says so too, in ten times the
    steps."""
    if db.execute_sql(_HAS_HISTORY_ON_SERVER if db.on_server else _HAS_HISTORY).fetchone() != (1,):
        return False
    applied = {name for (name,) in db.execute_sql("SELECT name FROM schema_migration")}
    return applied == _migrations(str(MIGRATIONS))


@functools.cache
def _migrations(folder: str) -> frozenset[str]:
    """The names of all that this version has."""
    return frozenset(migration.name for migration in Migration.load_directory(folder))


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


@contextmanager
def postponed(name: str, noted: Noted, then: Callable[[Noted], object]) -> Iterator[None]:
    """In this block of a write, what the write has noted under `name` is `noted`, which others add to. At the end of
    the outermost such block, unless it raises, `then` is called with it."""
    kept = noted_in_write()
    if name in kept:
        yield
        return
    kept[name] = noted
    try:
        yield
    finally:
        del kept[name]
    then(noted)


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
                with sqlite_file.right_of_way.held():
                    yield True
            else:
                yield outermost
    except Exception as problem:
        faults.note(problem)
        raise
    if outermost:
        faults.written()
