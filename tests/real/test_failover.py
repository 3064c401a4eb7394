"""A streaming replica takes the place of a primary server that died in the midst of work: the address names both.
Committed work is there, work under way is done once, and nothing has to be restarted."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.made_once import copy_data, new_data
from tests.parts import free_port, need

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
OPTIONS = ("listen_addresses=127.0.0.1", "shared_buffers=16MB", "wal_level=replica", "max_wal_senders=4",
           "hot_standby=on", "autovacuum=off")  # fmt: skip


class Server:
    """A private server in a folder, which is a replica of another one or the first."""

    def __init__(self, folder: Path):
        self.initdb = Path(need("postgresql")).resolve()
        self.folder, self.port = folder, free_port()
        self.user = {"user": "postgres"} if os.geteuid() == 0 else {}
        folder.mkdir()
        if self.user:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)

    def run(self, program: str, *words: object) -> None:
        done = subprocess.run([self.initdb.with_name(program), *map(str, words)], capture_output=True, text=True,
                              cwd=self.folder, **self.user)  # fmt: skip
        assert done.returncode == 0, done.stderr

    def make(self) -> None:
        copy_data(new_data(), self.folder / "data")

    def follow(self, primary: Server) -> None:
        self.run("pg_basebackup", "-h", "127.0.0.1", "-p", primary.port, "-U", "postgres", "-D", self.folder / "data",
                 "--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync")  # fmt: skip

    def start(self, *options: str) -> None:
        words = [word for option in (*OPTIONS, *options) for word in ("-c", option)]
        self.process = subprocess.Popen(
            [self.initdb.with_name("postgres"), "-D", self.folder / "data", "-p", str(self.port), "-k", self.folder,
             *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, **self.user)  # fmt: skip
        wait_for(lambda: self.ask("SELECT 1"))

    def ask(self, sql: str) -> object:
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            return connection.execute(sql).fetchone()[0]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(SECONDS)


def wait_for(true) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            if true():
                return
        except psycopg.OperationalError:
            pass
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    with tempfile.TemporaryDirectory(prefix="rollcall-failover-") as folder:
        os.chmod(folder, 0o755)
        primary, replica = Server(Path(folder) / "primary"), Server(Path(folder) / "replica")
        primary.make()
        primary.start()
        try:
            replica.follow(primary)
            replica.start()
            wait_for(lambda: primary.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"))
            yield primary, replica
        finally:
            for server in (primary, replica):
                if hasattr(server, "process"):
                    server.end()


@contextmanager
def rollcall(home: Path, address: str) -> Iterator[subprocess.Popen]:
    """A process with an open installation that answers orders on its standard input."""
    child = subprocess.Popen([sys.executable, "-m", "tests.real.failing_over", str(home)], cwd=ROOT, text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             env=os.environ | {"ROLLCALL_DATABASE": address})  # fmt: skip
    try:
        yield child
    finally:
        child.stdin.close()
        child.wait(SECONDS)


def order(child: subprocess.Popen, what: str) -> dict:
    child.stdin.write(what + "\n")
    child.stdin.flush()
    return json.loads(child.stdout.readline())


def test_a_replica_takes_the_place_of_its_primary(servers, tmp_path):
    primary, replica = servers
    with psycopg.connect(f"postgresql://postgres@127.0.0.1:{primary.port}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE rollcall")
    address = (f"postgresql://postgres@127.0.0.1:{primary.port},127.0.0.1:{replica.port}/rollcall"
               "?target_session_attrs=read-write&connect_timeout=5")  # fmt: skip
    with rollcall(tmp_path / "home", address) as child:
        begun = order(child, "begin")
        assert begun["people"] == 1 and begun["entries"] > 0
        wait_for(lambda: replica.ask("SELECT pg_last_wal_replay_lsn()") == primary.ask("SELECT pg_current_wal_lsn()"))
        broken = order(child, f"kill {primary.process.pid}")
        primary.process.wait(SECONDS)
        assert broken["fault"] == "database server", broken
        assert order(child, "look")["fault"] == "database server", "the replica accepts no writes yet"
        replica.ask("SELECT pg_promote(true, 30)")
        wait_for(lambda: order(child, "look")["fault"] is None)  # its pool waits between two attempts to connect
        after = order(child, "look")
        assert after == {**begun, "log": True, "fault": None}, "what was committed is there, and nothing else"
        assert order(child, "add")["people"] == 2
