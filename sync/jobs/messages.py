"""Huey's tables, in the file or on the server, and the bell of each: who puts in a message rings for a worker.
`import psycopg` waits until a server is used."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Protocol

from huey import Huey, PostgresHuey, SqliteHuey
from huey.serializer import Serializer
from huey.storage import PostgresStorage, SqliteStorage

from sync import faults
from sync.jobs.bell import Bell

NAME = "rollcall"


class Rings(Protocol):
    """What wakes a worker: bell.py for the file, server_bell.py for a server."""

    is_heard: bool

    def ring(self, times: int = 1) -> None: ...
    def listen(self) -> None: ...
    def wait(self) -> bool: ...
    def close(self) -> None: ...


class _RingingStorage(SqliteStorage):
    bell: Bell

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        super().enqueue(data, priority)
        self.bell.ring()


class _FileHuey(SqliteHuey):
    storage_class = _RingingStorage


class _ServerStorage(PostgresStorage):
    """While the server is away there are no messages, and health.py says why."""

    def dequeue(self) -> bytes | None:
        with faults.tolerated():
            return super().dequeue()
        return None

    def read_schedule(self, ts: datetime) -> list[bytes]:
        with faults.tolerated():
            return super().read_schedule(ts)
        return []


class _ServerHuey(PostgresHuey):
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
