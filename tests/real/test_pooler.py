"""Real pgbouncers between Rollcall and PostgreSQL: one that lends a session to several connections is refused at the
start, and noticed later."""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import psycopg
import pytest

from cli import server_locks
from sync.db import DatabaseRefused
from tests import database
from tests.parts import free_port, need
from tests.real.postgres import ADMIN, PASSWORD, READY_SECONDS, Postgres

BUSY = "another process has it"
SETTINGS = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
pool_mode = {mode}
"""
pytestmark = database.ON_FILE


@pytest.fixture
def pooler(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a pgbouncer with this pool_mode."""
    program, port = need("pgbouncer"), free_port()
    with TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        settings = folder / "pgbouncer.ini"
        settings.write_text(SETTINGS.format(server=postgres.port, port=port, folder=folder, mode=request.param))
        (folder / "users").write_text(f'"{ADMIN}" "{PASSWORD}"\n')
        as_root = os.getuid() == 0  # pgbouncer refuses to run as root
        if as_root:
            for file in (folder, settings, folder / "users"):
                os.chown(file, pwd.getpwnam("postgres").pw_uid, -1)
        process = subprocess.Popen([program, settings], stderr=subprocess.DEVNULL, cwd=folder,
                                   **({"user": "postgres"} if as_root else {}))  # fmt: skip
        try:
            address = address_of(port)
            wait_for(address, process)
            yield address
        finally:
            process.kill()
            process.wait(60)


def address_of(port: int) -> str:
    return f"postgresql://{ADMIN}:{quote(PASSWORD)}@127.0.0.1:{port}/postgres"


def wait_for(address: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            psycopg.connect(address, autocommit=True).close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None and time.monotonic() < deadline, "pgbouncer did not start"
            time.sleep(0.02)


@pytest.mark.parametrize("pooler", ["transaction", "statement"], indirect=True)
def test_a_pooler_that_lends_sessions_is_refused_before_a_lock_is_taken(postgres: Postgres, pooler: str) -> None:
    with pytest.raises(DatabaseRefused, match="lends one session") as refused, \
            server_locks.held(pooler, "queue", False, BUSY):  # fmt: skip
        pass
    assert "pool_mode to session" in str(refused.value) and PASSWORD not in str(refused.value)
    assert not postgres.ask("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'")


@pytest.mark.parametrize("pooler", ["session"], indirect=True)
def test_through_a_pooler_of_whole_sessions_a_lock_keeps_others_out(pooler: str) -> None:
    with server_locks.held(pooler, "queue", False, BUSY) as taken:
        with server_locks.held(pooler, "queue", False, BUSY) as taken_again:
            assert taken and not taken_again
        assert server_locks.lost() is None


def test_a_lock_that_has_lost_its_session_later_ends_the_process(postgres: Postgres) -> None:
    with server_locks.held(address_of(postgres.port), "queue", False, BUSY):
        [lock] = server_locks._held
        assert server_locks.lost() is None
        lock._connection.execute("DISCARD ALL")  # as if another session had taken the lock
        with pytest.raises(DatabaseRefused, match="lends one session"):
            server_locks.lost()
