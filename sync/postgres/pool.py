"""Connections to PostgreSQL that outlive a request or a job: opening one takes longer than most of them need it.
A thread has one while it works. It leaves no table in it for the next one."""

from __future__ import annotations

import os
from collections.abc import Callable

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

MOST = 64  # at once; a process has fewer threads that work
IDLE_SECONDS = 300.0  # after which an unused connection is closed: a process that rests has none
WAIT_SECONDS = 5.0  # for a server that doesn't answer: it may be starting, or another one may take its place


class Pool:
    """`prepare` is called with each new connection. After a fork, the child makes connections of its own."""

    wait_seconds = WAIT_SECONDS

    def __init__(self, address: str, prepare: Callable[[psycopg.Connection], None]):
        self._address, self._prepare = address, prepare
        self._made_by, self._pool, self._inherited = 0, None, None

    def take(self) -> psycopg.Connection:
        """A connection that works. Raises psycopg.OperationalError if there is none."""
        if self._made_by != os.getpid():
            self._inherited = self._pool  # of the parent, whose connections must not be closed here
            self._pool = ConnectionPool(
                self._address, min_size=0, max_size=MOST, max_idle=IDLE_SECONDS, num_workers=1,
                configure=self._prepare, reset=_discard_tables, check=ConnectionPool.check_connection, open=True,
            )  # fmt: skip
            self._made_by = os.getpid()
        try:
            return self._pool.getconn(self.wait_seconds)
        except PoolTimeout as problem:  # the log has the reason: peewee knows this class, and not the pool's
            raise psycopg.OperationalError("the database server accepts no connection") from problem

    def give_back(self, connection: psycopg.Connection) -> None:
        self._pool.putconn(connection)

    def end(self) -> None:
        """Close all that nobody uses."""
        if self._pool is not None and self._made_by == os.getpid():
            self._pool.close()
        self._made_by, self._pool = 0, None


def _discard_tables(connection: psycopg.Connection) -> None:
    connection.execute("DISCARD TEMP")
