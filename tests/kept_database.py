"""The installations of a process's tests on PostgreSQL, one after the other in one database and over the same
connections, as tests/kept_file.py has it for the file. To copy, open and drop a database takes 0.06 seconds."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync.config import Config
from sync.db import db
from sync.jobs import queue
from tests import database

MOST = 300  # tests with one database: nobody vacuums it
GIVEN_BACK = 1.0  # seconds, at most, until a pool has the connections that were given back
# What is kept is in a schema of its own: the rows of each table that has any.
KEPT = "as_at_first"
# The connection that restores looks at no trigger and no foreign key. To set this in another would have all statements
# planned again there.
OWN = "SET session_replication_role = replica; SET plan_cache_mode = force_generic_plan; SET jit = off"
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY oid"
SEQUENCES = """SELECT oid, pg_sequence_last_value(oid) FROM pg_class
    WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace ORDER BY oid"""
# All that DDL changes, but for TEMP tables: these are of later oids. A row's xmin is the transaction that wrote it.
# The next transaction's number is that of which age() counts back, the same in all of a statement. 3 is the first one.
_NEXT = "(age(CAST('3' AS xid)) + 3)"
_WRITTEN = f"count(*), coalesce(greatest({_NEXT} - min(age(xmin)), 0), 0)"
SCHEMA = " UNION ALL ".join([
    f"SELECT {_WRITTEN} FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    f"SELECT {_WRITTEN} FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    f"SELECT {_WRITTEN} FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    f"SELECT {_WRITTEN} FROM pg_attribute WHERE attrelid <= {{last}}",
    f"SELECT {_WRITTEN} FROM pg_attrdef WHERE adrelid <= {{last}}",
    f"SELECT {_WRITTEN} FROM pg_trigger WHERE tgrelid <= {{last}}",
    f"SELECT {_WRITTEN} FROM pg_rewrite WHERE ev_class <= {{last}}",
    f"SELECT {_WRITTEN} FROM pg_extension",
    f"SELECT {_WRITTEN} FROM pg_namespace WHERE nspname !~ '^pg_'",
    f"SELECT {_WRITTEN} FROM pg_db_role_setting",
    "SELECT oid, datdba FROM pg_database WHERE datname = current_database()",
])  # fmt: skip
# What a session has beside its prepared statements, which the driver knows of.
CLEARED = ("ROLLBACK; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); RESET SESSION AUTHORIZATION; RESET ALL; "
          "DISCARD TEMP; DISCARD SEQUENCES; ")  # fmt: skip
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND NOT pid = ANY(%s)"


class KeptDatabase:
    """A database as a template has it at the beginning of each test. A test that leaves another schema, or a connection
    that is used, is the last one that has it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.process = folder, folder / "home", os.getpid()
        self._template, self._tests = "", 0
        self._pool = self._connection = self._messages = self._own = None
        self._is_ready = False

    @contextmanager
    def opening(self, config: Config, template: str, _log: bytes) -> Iterator[None]:
        """In this block, which opens the installation, the database is as the template."""
        if not db.is_closed():
            db.close()
        if self._is_ready and self._template == template:
            self._empty_home()
            with self._connected():
                yield
            queue.queue.storage._conn, self._messages = self._messages, None
        else:
            self.end()
            shutil.rmtree(self.home, ignore_errors=True)
            self.home.mkdir(0o700)
            self._make(config, template)
            yield
        self._is_ready = False
        self._pool = db.pool

    def _empty_home(self) -> None:
        for entry in os.scandir(self.home):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry)
            else:
                os.unlink(entry)

    def _make(self, config: Config, template: str) -> None:
        import psycopg

        database.make(self.home, template)
        self._template, self._tests = template, 0
        self._own = connection = psycopg.connect(config.database_url, autocommit=True)
        connection.execute(OWN)
        [last] = connection.execute("SELECT CAST(max(oid) AS bigint) FROM pg_class").fetchone()
        self._schema_query = SCHEMA.replace("{last}", str(last))
        connection.execute(f"CREATE SCHEMA {KEPT}")
        self._count = {}
        for (table,) in connection.execute(TABLES).fetchall():
            [count] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            self._count[table] = count
            if count:
                connection.execute(f"CREATE TABLE {KEPT}.{table} AS TABLE {table}")
        self._sequences = self._ask(SEQUENCES)
        self._schema = self._ask(self._schema_query)
        [(self._now,)] = self._ask(f"SELECT {_NEXT}")
        self._changes = " UNION ALL ".join([f"SELECT '', {_NEXT}, 0", *(
            f"SELECT '{table}', count(*), min(age(xmin)) FROM {table}" for table in self._count)])  # fmt: skip

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """In this block, a connection is the kept one, and the pool that is begun is the kept one."""
        def begin_pool() -> None:
            db.pool = self._pool

        db._connect, db._close, db.begin_pool = lambda: self._connection, lambda _connection: None, begin_pool
        try:
            yield
        finally:
            del db._connect, db._close, db.begin_pool

    def keep(self) -> bool:
        """Whether the database and the connections of the test that ends are kept for the next one."""
        import psycopg

        self._keep_messages()
        if self.process != os.getpid() or db.pool is None or db.pool is not self._pool or self._tests >= MOST:
            return False
        try:
            if db.is_closed():
                db.connect()
            kept = self._clear() and self._restore()
        except (psycopg.Error, OSError):
            return False
        if kept:
            self._tests += 1
            self._detach()
        return kept

    def _detach(self) -> None:
        self._connection = db.connection()
        with self._connected():
            db.close()
        db.pool, self._is_ready = None, True

    def _keep_messages(self) -> None:
        storage = queue.queue.storage
        messages, storage._conn = storage._conn, None
        storage.close()
        queue.bell.close()
        if messages is None or messages.closed:
            return
        if storage.dsn == db.database:
            self._messages = messages
        else:
            messages.close()

    def _clear(self) -> bool:
        """Whether nobody else is connected, or will be. The sessions are as new then."""
        from sync.postgres.database import SETTINGS

        first, pool = db.connection(), self._pool._pool
        others = [] if pool is None else self._others(pool)
        if others is None or db.in_transaction():
            return False
        own = [first, *others, *([self._messages] if self._messages else [])]
        for connection in own:
            if not connection.autocommit or connection.closed:
                return False
            connection.execute(CLEARED + (SETTINGS if connection is not self._messages else ""))
        for connection in others:
            pool.putconn(connection)
        pids = [connection.info.backend_pid for connection in [self._own, *own]]
        [count] = self._own.execute(OTHERS, (pids,), prepare=True).fetchone()
        return count == 0

    def _others(self, pool: object) -> list | None:
        """The connections that the pool has, taken out of it; None if any of them is used."""
        deadline = time.monotonic() + GIVEN_BACK
        while (about := pool.get_stats())["pool_available"] + 1 < about["pool_size"]:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.001)
        return [pool.getconn() for _ in range(about["pool_available"])]

    def _restore(self) -> bool:
        """Whether the schema is as it was. All rows and sequences are then."""
        if self._ask(self._schema_query) != self._schema:
            return False
        statements = ["BEGIN"]
        (_, now, _), *tables = self._ask(self._changes)
        for table, count, age in tables:
            if count != self._count[table] or count and age <= now - self._now:
                statements.append(f"DELETE FROM {table}")
                if self._count[table]:
                    statements.append(f"INSERT INTO {table} SELECT * FROM {KEPT}.{table}")
        for (sequence, last), (_, reached) in zip(self._sequences, self._ask(SEQUENCES)):
            if reached != last:
                statements.append(f"SELECT setval({sequence}, {last or 1}, {last is not None})")
        self._own.execute("; ".join([*statements, "COMMIT"]))
        [(self._now,)] = self._ask(f"SELECT {_NEXT}")  # the transaction that follows
        return True

    def _ask(self, statement: str) -> list[tuple]:
        return self._own.execute(statement, prepare=True).fetchall()

    def end(self) -> None:
        if not self._template:
            return
        if self._messages is not None:
            self._messages.close()
        if self._is_ready and self._pool is not None:
            self._connection.close()
            self._pool.end()
        if db.pool is self._pool and not db.is_closed():
            db.close()
        self._own.close()
        self._pool = self._connection = self._messages = self._own = None
        self._template, self._is_ready = "", False
        database.drop(self.home)
