"""On which database tests run: SQLite files, or with ROLLCALL_TEST_DATABASE=postgresql a private server's databases.
The server runs in a temporary folder, without a promise to survive a power cut, and ends with the run."""

from __future__ import annotations

import atexit
import functools
import hashlib
import itertools
import os
import pwd
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.made_once import copy_data, new_data
from tests.parts import free_port, need

if TYPE_CHECKING:
    import psycopg

    from sync.config import Config

ASKED = os.environ.get("ROLLCALL_TEST_DATABASE", "sqlite")
READY_SECONDS = 60
OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "max_connections=100",
           "shared_buffers=64MB", "listen_addresses=127.0.0.1", "max_wal_size=256MB")  # fmt: skip
ON_FILE, ON_SERVER = pytest.mark.only_on("sqlite"), pytest.mark.only_on("postgresql")
# That a kept connection to a file has compiled: those of a whole check and all pages, and of what tests ask themselves.
STATEMENTS = 2000
# How a module opens a database where no test of it asks for `home`, or the folder of its fixtures does.
OPENING = re.compile(r"\b(open_blank|open_acme|config_of|environ_of|connect_database|first_of_many|open_copy)\b"
                     r"|\bdatabase\.make\b")  # fmt: skip
_numbers = itertools.count()
_templates: dict[Path, str] = {}


def begin() -> None:
    """Start the server if one is asked for, before sync.db is imported. Processes that this one starts use it too."""
    if ASKED == "postgresql" and "ROLLCALL_DATABASE" not in os.environ:
        os.environ["ROLLCALL_DATABASE"] = f"{start_server()}/none"
    elif ASKED not in ("sqlite", "postgresql"):
        raise ValueError(f"ROLLCALL_TEST_DATABASE is {ASKED!r}: it can be sqlite or postgresql.")


def start_server() -> str:
    """A new server that ends with this process; its address without a database's name."""
    program = Path(need("postgresql")).resolve().with_name("postgres")
    folder, port = Path(tempfile.mkdtemp(prefix="rollcall-postgres-")), free_port()
    user = {"user": "postgres"} if os.geteuid() == 0 else {}  # PostgreSQL refuses to run as root
    if user:
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
    copy_data(new_data(), folder / "data")
    options = [word for option in OPTIONS for word in ("-c", option)]
    server = subprocess.Popen(
        [program, "-D", folder / "data", "-p", str(port), "-k", folder, *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **user)  # fmt: skip

    @atexit.register
    def end() -> None:
        server.send_signal(signal.SIGINT)  # it ends without waiting for those who are connected
        server.wait(READY_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)

    import psycopg

    address = f"postgresql://postgres@127.0.0.1:{port}"
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            psycopg.connect(f"{address}/postgres").close()
            return address
        except psycopg.OperationalError:
            assert server.poll() is None and time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.05)


def placed(config: Config) -> Config:
    """The same with its database on the server, if tests run on it."""
    return replace(config, database_url=f"{_server()}/{_name(config.home)}") if on_server() else config


def on_server() -> bool:
    return ASKED == "postgresql"


def that_open_none(items: list[pytest.Item]) -> list[pytest.Item]:
    """Those of modules that open no database: on PostgreSQL, they would test again what they test beside the file."""
    opening = {item.path for item in items if _opens_one(item)}
    return [item for item in items if item.path not in opening]


def _opens_one(item: pytest.Item) -> bool:
    if "home" in item.fixturenames or item.get_closest_marker("only_on"):
        return True
    made = [found[-1].func.__module__ for found in item._fixtureinfo.name2fixturedefs.values()]
    folders = {module for module in made if module.endswith(".conftest")} - {"tests.conftest"}
    return any(_names_an_opening(sys.modules[module].__file__) for module in {item.module.__name__, *folders})


@functools.cache
def _names_an_opening(file: str) -> bool:
    return OPENING.search(Path(file).read_text(encoding="utf-8")) is not None


def tampering(db: object) -> None:
    """From now on the log's rows and references can be changed, as by someone with access to the database."""
    if on_server():
        db.execute_sql("SET session_replication_role = replica")  # no trigger and no foreign key is looked at
        return
    db.execute_sql("PRAGMA foreign_keys = 0")
    for statement in ("update", "delete"):
        db.no_longer_append_only("activity", statement)


def reverse_what_has_no_order(db: object) -> None:
    """From now on, the file gives rows in reverse unless ORDER BY says otherwise, as a server may."""
    if on_server():
        return
    if db.pragma("reverse_unordered_selects"):  # a kept connection: to set it would have all statements compiled again
        db._pragmas = [*db._pragmas, ("reverse_unordered_selects", 1)]
    else:
        db.pragma("reverse_unordered_selects", 1, permanent=True)


@contextmanager
def few_variables(db: object, most: int) -> Iterator[None]:
    """A statement on the file can bind no more values than that: by how SQLite was built, it is up to 250,000."""
    if on_server():
        yield
        return
    file = db.connection()
    before = file.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, most)
    with pytest.raises(sqlite3.OperationalError, match="too many SQL variables"):
        file.execute(f"SELECT {', '.join('?' * (most + 1))}", range(most + 1))
    yield
    file.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)


def temporary_tables(db: object) -> set[str]:
    """The names of this connection's TEMP tables."""
    query = ("SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'" if on_server()
             else "SELECT name FROM sqlite_temp_master WHERE type = 'table'")  # fmt: skip
    return {name for (name,) in db.execute_sql(query).fetchall()}


def temporary_tables_with_rows(db: object) -> set[str]:
    return {name for name in temporary_tables(db) if db.execute_sql(f"SELECT 1 FROM {name} LIMIT 1").fetchone()}


def make(home: Path | str, template: str | None = None) -> None:
    """An empty database for an installation in this folder, or a copy of a template."""
    drop(home)
    _run(f"CREATE DATABASE {_name(home)} TEMPLATE {template or 'template0'} STRATEGY FILE_COPY")  # half of the time


def keep(home: Path | str) -> str:
    """A template like the database of this folder, which nobody may have open."""
    from sync.db import db

    db.end_pool()  # a connection that is just being given back stays open
    _run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{_name(home)}'")
    name = f"template_{os.getpid()}_{next(_numbers)}"
    _run(f"CREATE DATABASE {name} TEMPLATE {_name(home)}")
    return name


@contextmanager
def first_of_many(folder: Path) -> Iterator[None]:
    """A new database, open for the length of the block: what open_copy() of the same folder copies afterwards."""
    from sync.db import connect_database, db

    if on_server():
        make(folder)
    connect_database(f"{_server()}/{_name(folder)}" if on_server() else folder / "template.db")
    with closing(db):
        yield
        if not on_server():
            db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    if on_server():
        _templates[folder] = keep(folder)
        drop(folder)


def open_copy(folder: Path) -> None:
    """Open a copy of it, in place of the one before, and connect this thread to it. As in a server, the connection to a
    file is kept: it knows the schema, and has its statements compiled."""
    from sync.db import connect_database, db

    copy = folder / "run.db"
    if on_server():
        make(copy, _templates[folder])
        connect_database(f"{_server()}/{_name(copy)}")
        return
    if not db.is_closed():
        db.close()
    if db.kept is None or db.database != str(copy):
        _begin_copy(folder / "template.db", copy)
    else:
        _copier.renew()
    db.connect()


def _begin_copy(template: Path, copy: Path) -> None:
    """The first one. It is a file until another database is opened."""
    global _copier
    from sync.db import connect_database, db

    if _copier is not None:
        _copier.end()
    shutil.copy(template, copy)
    connect_database(copy)
    db.pragma("synchronous", "off", permanent=True)
    db.close()
    db.begin_keeping()
    db.connect_params |= {"cached_statements": STATEMENTS}
    _copier = Copier(template, copy)


class Copier:
    """Writes all pages of a file into its copy, which others may have open, as one transaction."""

    def __init__(self, template: Path, copy: Path):
        self._template, self._copy = sqlite3.connect(template), sqlite3.connect(copy, isolation_level=None)
        [self._schema] = self._template.execute("PRAGMA schema_version").fetchone()
        self._copy.execute("PRAGMA synchronous = off")

    def renew(self) -> None:
        self._template.backup(self._copy)
        # The backup says that there may be another schema (https://www.sqlite.org/pragma.html#pragma_schema_version).
        # It is the template's again, so what others have compiled for it is right.
        self._copy.execute(f"PRAGMA schema_version = {self._schema}")

    def end(self) -> None:
        self._copy.close()
        self._template.close()


_copier: Copier | None = None


def drop(home: Path | str) -> None:
    from sync.db import db

    if on_server():
        db.end_pool()  # it would ask for a database that is gone, again and again
    _run(f"DROP DATABASE IF EXISTS {_name(home)} WITH (FORCE)")


def _name(home: Path | str) -> str:
    return f"rollcall_{hashlib.sha256(str(Path(home).resolve()).encode()).hexdigest()[:24]}"


def _server() -> str:
    return os.environ["ROLLCALL_DATABASE"].rpartition("/")[0]


def _run(statement: str) -> None:
    _first_connection(os.getpid()).execute(statement)


@functools.cache
def _first_connection(_process: int) -> psycopg.Connection:
    """To the server, for the statements of this process that make and drop databases: a new one for each takes longer
    than most of them."""
    import psycopg

    return psycopg.connect(f"{_server()}/postgres", autocommit=True)
