"""Huey's tables, in the file or on the server, and the bell of each: who puts in a message rings for a worker.
`import psycopg` waits until a server is used."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from huey import Huey, PostgresHuey, SqliteHuey
from huey.api import Task
from huey.serializer import Serializer
from huey.storage import PostgresStorage, SqliteStorage

from sync import faults
from sync.db import connected, db, turn, writing
from sync.jobs.bell import Bell
from sync.sqlite_file import NORMAL

NAME = "rollcall"


class Urgency(IntEnum):
    """A message's priority: the most urgent is taken first, and of these the oldest."""

    LAST = 0  # a scheduled check of an app that didn't answer the last one
    LATER = 1  # any other scheduled check
    SOON = 2  # what someone waits for: a removal, an e-mail, a click on Check for updates
    FIRST = 3  # the sweep, which begins all that is due


class Rings(Protocol):
    """What wakes a worker: bell.py for the file, server_bell.py for a server."""

    is_heard: bool
    look_seconds: float  # between looks at the queue, in case that a ring was lost

    def ring(self, times: int = 1) -> None: ...
    def listen(self) -> None: ...
    def wait(self, seconds: float) -> bool: ...
    def close(self) -> None: ...


class _RingingStorage(SqliteStorage):
    bell: Bell

    def initialize_schema(self) -> None:
        """Huey's tables, made on this thread's connection: opening a second one would cost more than all of it."""
        with connected(), writing():
            for statement in self.ddl:
                db.execute_sql(statement)

    def _create_connection(self) -> sqlite3.Connection:
        """Messages don't wait for the disk: after a power cut, the sweep sends those again that are missing."""
        connection = super()._create_connection()
        connection.execute(f"PRAGMA synchronous = {NORMAL}")
        return connection

    @contextmanager
    def db(self, commit: bool = False, close: bool = False) -> Iterator[sqlite3.Cursor]:
        with turn() if commit else nullcontext(), super().db(commit, close) as cursor:
            yield cursor

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        super().enqueue(data, priority)
        self.bell.ring()

    def dequeue(self, least: Urgency = Urgency.LAST) -> bytes | None:
        if not self.sql(f"SELECT 1 {_URGENT} LIMIT 1", (self.name, least), results=True):  # without a lock
            return None
        with self.db(commit=True) as cursor:
            [data] = cursor.execute(_TAKE, (self.name, least)).fetchall() or [[None]]
        return data[0]


_URGENT = "FROM task WHERE queue = ? AND priority >= ?"
_TAKE = f"DELETE FROM task WHERE id = (SELECT id {_URGENT} ORDER BY priority DESC, id LIMIT 1) RETURNING data"


class _ByUrgency:
    """Takes only messages that are urgent enough."""

    def dequeue(self, least: Urgency = Urgency.LAST) -> Task | None:
        data = self.storage.dequeue(least)
        return None if data is None else self.deserialize_task(data)


class _FileHuey(_ByUrgency, SqliteHuey):
    storage_class = _RingingStorage


class _ServerStorage(PostgresStorage):
    """While the server is away there are no messages, and health.py says why."""

    def initialize_schema(self) -> None:
        """Huey's tables, made on this thread's connection, where they aren't there."""
        with connected(), writing():
            if db.execute_sql("SELECT to_regclass(?)", (self.table_counter,)).fetchone() == (None,):  # the last one
                for statement in self.ddl:
                    db.execute_sql(statement)

    def dequeue(self, least: Urgency = Urgency.LAST) -> bytes | None:
        with faults.tolerated(), self.db() as cursor:
            taken = cursor.execute(_TAKE_ON_SERVER, (self.name, least)).fetchone()
            return taken and bytes(taken[0])
        return None

    def read_schedule(self, ts: datetime) -> list[bytes]:
        with faults.tolerated():
            return super().read_schedule(ts)
        return []


_TAKE_ON_SERVER = """
    DELETE FROM huey_task WHERE id = (
        SELECT id FROM huey_task WHERE queue = %s AND priority >= %s ORDER BY priority DESC, id LIMIT 1
        FOR UPDATE SKIP LOCKED
    ) RETURNING data
"""


class _ServerHuey(_ByUrgency, PostgresHuey):
    storage_class = _ServerStorage


def in_file(path: Path, serializer: Serializer) -> tuple[Huey, Rings]:
    huey = _FileHuey(NAME, filename=str(path), results=False, utc=True, timeout=30, serializer=serializer)
    huey.storage.bell = Bell(path.with_name(f"{path.name}.queue.bell"))
    return huey, huey.storage.bell


def on_server(address: str, serializer: Serializer) -> tuple[Huey, Rings]:
    """One connection for the messages, and one to listen where a worker does."""
    from sync.jobs.server_bell import ServerBell

    huey = _ServerHuey(NAME, dsn=address, blocking=False, results=False, utc=True, serializer=serializer)
    return huey, ServerBell(address, huey.storage.channel)
