"""The installations of a process's tests, one after the other in one file and over the same connections, that of the
rows and that of the queue. They know the schema and have their statements compiled. On Linux; elsewhere each test has a
file of its own."""

from __future__ import annotations

import fcntl
import mmap
import os
import shutil
import sqlite3
import struct
import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from sync.config import Config
from sync.db import db
from sync.jobs import queue
from sync.staging import check, directory
from sync.staging.tables import Table
from tests.database import STATEMENTS, drop, make, on_server
from tests.kept_database import KeptDatabase

HEADERS = 96  # bytes at the beginning of the index of SQLite's log: https://www.sqlite.org/walformat.html
FLOCK = "hhqqi"  # struct flock: https://man7.org/linux/man-pages/man2/fcntl.2.html
# What a connection has beside its statements. None of it is set again: that would have them all compiled again.
SETTINGS = """SELECT
    (SELECT foreign_keys FROM pragma_foreign_keys), (SELECT timeout FROM pragma_busy_timeout),
    (SELECT synchronous FROM pragma_synchronous), (SELECT cache_size FROM pragma_cache_size),
    (SELECT query_only FROM pragma_query_only), (SELECT schema_version FROM pragma_schema_version),
    (SELECT group_concat(name) FROM pragma_database_list),
    (SELECT count(*) FROM temp.sqlite_master WHERE type NOT IN ('table', 'index'))"""
TEMPORARY = "SELECT name, sql FROM temp.sqlite_master WHERE type = 'table'"
STAGED = [table for module in (check, directory) for table in vars(module).values() if isinstance(table, Table)]
DECLARED = {(table.name, f"CREATE TABLE {table.name} {table.definition}") for table in STAGED}


class Connection(sqlite3.Connection):
    """`stays`: close() leaves it open. `is_changed`: a test gave it a function or a limit."""

    stays = is_changed = False

    def close(self) -> None:
        if not self.stays:
            super().close()

    def create_function(self, *function: object, **options: object) -> None:
        self.is_changed = True
        super().create_function(*function, **options)

    def setlimit(self, category: int, limit: int, /) -> int:
        self.is_changed = True
        return super().setlimit(category, limit)


class KeptFile:
    """What tests write is in SQLite's log beside the file: the file is as at first once the log is. A test that leaves
    anything else is the last one that has it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.process = folder, folder / "home", os.getpid()
        self._content, self._log = b"", None
        self._connection: Connection | None = None  # of this test
        self._next: Connection | None = None  # of the next one
        self._messages: sqlite3.Connection | None = None  # the queue's, between two tests

    @contextmanager
    def opening(self, config: Config, content: bytes, log: bytes) -> Iterator[None]:
        """In this block, which opens the file once, it has this content, and the log beside it this one."""
        self.begin(config, content, log)
        before = SqliteDatabase._connect
        SqliteDatabase._connect = lambda database: self.connect(database, before)
        try:
            yield
        finally:
            SqliteDatabase._connect = before
        self.begun()

    def begin(self, config: Config, content: bytes, log: bytes) -> None:
        """The file has this content, and the log beside it this one."""
        if self._next is not None and content is self._content:
            os.ftruncate(self._log, 0)
            os.pwrite(self._log, log, 0)
            self._index[:HEADERS] = bytes(HEADERS)  # the next transaction looks into the log, as after a crash
            self._remove_other_files()
            return
        self.end()
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(0o700)
        self._path, self._content = config.database_path, content
        write(self._path, content, log)
        os.utime(self._path, ns=(0, 0))

    def _remove_other_files(self) -> None:
        own = {f"{self._path}{end}" for end in ("", "-wal", "-shm")}
        for entry in os.scandir(self.home):
            if entry.path not in own:
                shutil.rmtree(entry) if entry.is_dir(follow_symlinks=False) else os.unlink(entry)

    def connect(self, database: SqliteDatabase, open_new: Callable[[SqliteDatabase], Connection]) -> Connection:
        """The first connection of a test."""
        if self._next is None:
            before = database.connect_params
            database.connect_params = before | {"factory": Connection, "cached_statements": STATEMENTS}
            self._connection = open_new(database)
            database.connect_params = before
        else:
            self._connection, self._next = self._next, None
            self._connection.stays = False
        return self._connection

    def begun(self) -> None:
        """The connection is as it must be after the test."""
        queue.queue.storage._conn, self._messages = self._messages, None
        if self._log is not None:
            return
        self._connection.is_changed = False
        self._settings = self._connection.execute(SETTINGS).fetchone()
        self._inode = self._path.stat().st_ino
        self._log, self._locks = (os.open(f"{self._path}{end}", os.O_RDWR) for end in ("-wal", "-shm"))
        self._index = mmap.mmap(self._locks, HEADERS)

    def keep(self) -> bool:
        """Whether the connection of the test that ends is kept for the next one."""
        if self.process != os.getpid() or db.is_closed() or db.connection() is not self._connection:
            queue.queue.storage.close()
            return False
        self._keep_messages()
        try:
            self._clear()
            if self._left_anything() or not self._is_alone():
                return False
        except (sqlite3.Error, OSError):
            return False
        self._connection.stays = True
        db.close()
        self._next, self._connection = self._connection, None
        return True

    def _keep_messages(self) -> None:
        storage = queue.queue.storage
        if storage.filename == str(self._path) and storage._conn is not None and not storage._conn.in_transaction:
            self._messages, storage._conn = storage._conn, None
        else:
            storage.close()

    def _clear(self) -> None:
        for stop in (self._connection.set_trace_callback, self._connection.set_authorizer):
            stop(None)
        self._connection.set_progress_handler(None, 0)
        self._connection.interrupt()  # a statement that isn't read to its end fails the next one
        self._temporary = self._connection.execute(TEMPORARY).fetchall()
        if not self._temporary:
            return
        filled = ", ".join(f'EXISTS (SELECT 1 FROM temp."{table}")' for table, _ in self._temporary)
        for (table, _), has_rows in zip(self._temporary, self._connection.execute(f"SELECT {filled}").fetchone()):
            if has_rows:
                self._connection.execute(f'DELETE FROM temp."{table}"')

    def _left_anything(self) -> bool:
        connection, file = self._connection, self._path.stat()
        return (connection.is_changed or connection.in_transaction or db.in_transaction()
                or connection.execute(SETTINGS).fetchone() != self._settings
                or not DECLARED.issuperset(self._temporary)
                or (file.st_ino, file.st_mtime_ns) != (self._inode, 0))  # fmt: skip

    def _is_alone(self) -> bool:
        """Whether nobody else has the file open, in this process or in another."""
        asked = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        if struct.unpack(FLOCK, fcntl.fcntl(self._locks, fcntl.F_GETLK, asked))[0] != fcntl.F_UNLCK:
            return False
        log, count = os.stat(f"{self._path}-wal").st_ino, 0
        for number in os.listdir("/proc/self/fd"):
            try:
                count += os.fstat(int(number)).st_ino == log
            except OSError:  # the one that listed the folder
                continue
        return count == 2 + (self._messages is not None)  # the connection's, and self._log

    def end(self) -> None:
        if self._next is not None:
            self._next.stays = False
            self._next.close()
        if self._messages is not None:
            self._messages.close()
        self._connection = self._next = self._messages = None
        if self._log is not None:
            self._index.close()
            os.close(self._log)
            os.close(self._locks)
        self._log = None


_files: dict[Hashable, KeptFile | KeptDatabase] = {}


def home(kind: Hashable, folders: pytest.TempPathFactory) -> Path | None:
    """Where a test has its installation that begins with this kind of content; None: in a folder of its own."""
    if sys.platform != "linux" and not on_server():
        return None
    if kind not in _files or _files[kind].process != os.getpid():
        _files[kind] = (KeptDatabase if on_server() else KeptFile)(folders.mktemp("kept"))
    return _files[kind].home


def write(path: Path, content: bytes, log: bytes) -> None:
    path.write_bytes(content)
    if log:
        log_of(path).write_bytes(log)


def log_of(path: Path) -> Path:
    """SQLite's log beside this file: https://www.sqlite.org/wal.html"""
    return path.with_name(f"{path.name}-wal")


@contextmanager
def opening(config: Config, content: bytes | str, log: bytes) -> Iterator[None]:
    """In this block, the file has this content, and the log beside it this one; a database on the server is as this
    template."""
    if file := _of(config.home):
        with file.opening(config, content, log):
            yield
        return
    if on_server():
        db.close()
        make(config.home, content)
    else:
        write(config.database_path, content, log)
    yield


def give_back(home: Path, passed: bool) -> None:
    """The test that had this folder has ended."""
    file = _of(home)
    if file is None:
        if on_server():
            _close()
            drop(home)
        return
    if passed and file.keep():
        return
    file.end()
    [kind] = [kind for kind, other in _files.items() if other is file]
    del _files[kind]
    if passed:
        _close()
        shutil.rmtree(file.folder, ignore_errors=True)


def _close() -> None:
    if not db.is_closed():
        db.close()


def _of(home: Path) -> KeptFile | None:
    return next((file for file in _files.values() if file.home == home and file.process == os.getpid()), None)
