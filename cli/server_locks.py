"""The locks of locks.py for a database on a server: advisory locks of PostgreSQL, which end with their connection.
So they hold for the processes of all machines, and are free again after kill -9 or a power cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from sync.db import DatabaseRefused
from sync.jobs import leases
from sync.postgres import pooler, seen
from sync.postgres.opening import CannotBeUsed, sentence

ROLLCALL = 0x526F6C6C  # "Roll": the first number of each of its locks
NUMBERS = {"in-use": 1, "queue": 2}
CONNECT_SECONDS = 10
# So that this end notices within a minute when the other machine is gone, and the server too, which releases the locks.
KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
OF_SERVER = "; ".join(f"SET tcp_{name} = {value}" for name, value in KEEPALIVE.items())
_HELD = f"""
    SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()
                   AND objsubid = 2 AND classid = {ROLLCALL} AND objid = CAST(%s AS oid))
"""


class Lock:
    """`busy` is for when another process has it. Raises CannotBeUsed where a pooler lends its session to others."""

    def __init__(self, address: str, name: str, shared: bool, busy: str):
        self.address, self.name, self.busy = address, name, busy
        self._take = f"SELECT pg_try_advisory_lock{'_shared' if shared else ''}({ROLLCALL}, {NUMBERS[name]})"
        self._connection: psycopg.Connection | None = None

    def take(self) -> bool:
        self._connection = psycopg.connect(
            self.address, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="rollcall lock",
            **KEEPALIVE,
        )
        pooler.refuse_lent(self._connection, self.address)
        self._connection.execute(OF_SERVER)
        self._connection.execute(seen.HOLD, (seen.PROCESSES, seen.number(leases.BOOT)))
        [taken] = self._connection.execute(self._take).fetchone()
        return taken

    def is_kept(self) -> bool:
        """Take it again where the server has ended the connection. False where another process has it now."""
        try:
            [held] = self._connection.execute(_HELD, [NUMBERS[self.name]]).fetchone()
        except psycopg.OperationalError:
            try:
                return self.take()
            except psycopg.OperationalError:
                return True  # the server is still away: nobody can have taken it
        if not held:
            raise CannotBeUsed(pooler.LENT)
        return True

    def release(self) -> None:
        if self._connection is not None:
            self._connection.close()


_held: list[Lock] = []


@contextmanager
def held(address: str, name: str, shared: bool, busy: str) -> Iterator[bool]:
    """The block gets False where another process has it."""
    lock = Lock(address, name, shared, busy)
    with _in_words(address):
        taken = lock.take()
    if taken:
        _held.append(lock)
    try:
        yield taken
    finally:
        if taken:
            _held.remove(lock)
        lock.release()


def lost() -> Lock | None:
    """One of this process's locks that another process has taken since the server was away. Raises DatabaseRefused if
    its session no longer belongs to it alone."""
    for lock in _held:
        with _in_words(lock.address):
            if not lock.is_kept():
                return lock
    return None


@contextmanager
def _in_words(address: str) -> Iterator[None]:
    try:
        yield
    except (CannotBeUsed, psycopg.Error) as problem:
        raise DatabaseRefused(sentence(problem, address)) from problem
