"""A real PostgreSQL server in a folder of its own, on a free port, with passwords; for every test that needs one.
The fixture `postgres` gives the same to all tests of a process; each begins with no roles but the first."""

from __future__ import annotations

import atexit
import functools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connectors.apps.postgres import PostgresRoles
from connectors.base import Account
from tests.made_once import copy_data, new_data
from tests.parts import free_port, need

if TYPE_CHECKING:
    import psycopg

ADMIN, PASSWORD = "postgres", "the first superuser's pässword"
ROLLCALL, ROLLCALL_PASSWORD = "rollcall", "rollcall's own pässword"
READY_SECONDS = 60
RULES = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"


class Postgres:
    """The server: `start`, `stop`, `kill`; and its roles: `role`, `database`, `run`, `ask`, `signs_in`."""

    def __init__(self, folder: Path, data: Path | None = None):
        """`data`: what another server has left; otherwise nobody and nothing is in it."""
        self.folder, self.port = folder, free_port()
        self.data = folder / "data"
        self._process: subprocess.Popen | None = None
        self._give_away(folder)
        copy_data(data or new_data(PASSWORD), self.data)
        self.allow()

    def settings(self, **changes: str) -> dict[str, str]:
        """What the connector asks for."""
        return {
            "host": "127.0.0.1", "port": str(self.port), "user": ADMIN, "password": PASSWORD,
            "email_domain": "acme.example",
        } | changes  # fmt: skip

    def allow(self, rules: str = RULES, **settings: str) -> None:
        """pg_hba.conf, and settings beside the usual ones, from the next start on."""
        (self.data / "pg_hba.conf").write_text(rules)
        lines = [f"{key} = '{to}'\n" for key, to in settings.items()]
        (self.data / "postgresql.auto.conf").write_text("".join(lines))

    def own(self, *files: Path) -> None:
        """The server may read these files, and nobody else."""
        for file in files:
            file.chmod(0o600)
        self._give_away(*files)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [Path(need("postgresql")).resolve().with_name("postgres"), "-D", self.data, "-p", str(self.port),
             "-k", self.folder,
             "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=30"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, **self._as_nobody())  # fmt: skip
        deadline = time.monotonic() + READY_SECONDS
        while not self.signs_in(ADMIN, PASSWORD):
            assert self._process.poll() is None, "postgres ended at once"
            assert time.monotonic() < deadline, "postgres did not become ready"
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """At once (SIGINT), or as if it had crashed (SIGQUIT)."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def role(self, name: str, options: str = "", comment: str | None = None) -> int:
        """Its oid."""
        self.run(f"CREATE ROLE {{}} PASSWORD 'secret' {'' if 'NOLOGIN' in options else 'LOGIN'} {options}", name)
        if comment is not None:
            from psycopg import sql  # here and below: only a run with such a test needs the driver

            self.run("COMMENT ON ROLE {} IS " + sql.Literal(comment).as_string(), name)
        return self.ask("SELECT oid FROM pg_roles WHERE rolname = %s", name)[0][0]

    def run(self, statement: str, *names: str) -> None:
        """`statement` has a {} for each name, which comes quoted into it."""
        from psycopg import sql

        with self.connect() as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def ask(self, query: str, *values: object) -> list[tuple]:
        with self.connect() as connection:
            return connection.execute(query, values).fetchall()

    def connect(self, user: str = ADMIN, password: str = PASSWORD, database: str = "postgres") -> psycopg.Connection:
        import psycopg

        return psycopg.connect(host="127.0.0.1", port=self.port, user=user, password=password, dbname=database,
                               autocommit=True, connect_timeout=5)  # fmt: skip

    def signs_in(self, user: str, password: str = "secret", database: str = "postgres") -> bool:
        import psycopg

        try:
            self.connect(user, password, database).close()
        except psycopg.OperationalError:
            return False
        return True

    def clear(self) -> None:
        """Without every role and database that a test has made."""
        from psycopg import sql

        for [name] in self.ask("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"):
            self.run("DROP DATABASE {} WITH (FORCE)", name)
        with self.connect() as connection:
            made = connection.execute("SELECT rolname FROM pg_roles WHERE oid >= 16384").fetchall()
            for names in (made[start : start + 500] for start in range(0, len(made), 500)):
                roles = sql.SQL(", ").join(sql.Identifier(name) for [name] in names)
                connection.execute(sql.SQL("DROP OWNED BY {}").format(roles))
                connection.execute(sql.SQL("DROP ROLE {}").format(roles))

    def _give_away(self, *files: Path) -> None:
        if os.getuid() == 0:
            for file in files:
                shutil.chown(file, "postgres", "postgres")

    def _as_nobody(self) -> dict:
        """The server refuses to run as root."""
        if os.getuid() != 0:
            return {}
        user = pwd.getpwnam("postgres")
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def own_server(data: Path | None = None) -> Postgres:
    """A server in a folder that its user can reach, which the folders of a test are not. It isn't started yet."""
    return Postgres(Path(tempfile.mkdtemp(prefix="postgres-")), data)


@functools.cache
def _server() -> Postgres:
    """One for all tests of this process: it takes two seconds, and more on a busy machine."""
    need("postgresql")
    server = own_server()
    atexit.register(shutil.rmtree, server.folder, ignore_errors=True)
    atexit.register(server.stop)
    server.start()
    return server


@pytest.fixture(scope="session")
def postgres_server() -> Postgres:
    return _server()


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[Postgres]:
    """The server without what another test made; started again where that stopped it."""
    if not postgres_server.signs_in(ADMIN, PASSWORD):
        postgres_server.stop()
        postgres_server.allow()
        postgres_server.start()
    postgres_server.clear()
    yield postgres_server


@pytest.fixture
def postgres_roles(postgres: Postgres) -> Iterator[PostgresRoles]:
    connector = PostgresRoles(postgres.settings())
    yield connector
    connector.close()


@pytest.fixture
def modest_roles(postgres: Postgres) -> Iterator[PostgresRoles]:
    """Signed in as the role that the steps create."""
    postgres.run("CREATE ROLE {} LOGIN CREATEROLE PASSWORD 'rollcall''s own pässword'", ROLLCALL)
    connector = PostgresRoles(postgres.settings(user=ROLLCALL, password=ROLLCALL_PASSWORD))
    yield connector
    connector.close()


def find(connector: PostgresRoles, name: str) -> Account:
    return next(account for account in connector.accounts() if account.name == name)
