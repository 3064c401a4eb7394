"""Installations that tests begin with, as files: built once for each process that tests, and copied from then on.
That the blank one is as a first start leaves it is for tests/test_house.py and tests/cli to say."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from sync import restored, start
from sync.config import Config
from sync.db import connected, db
from sync.jobs import queue
from sync.models import Person
from sync.rank import Asker
from sync.sign_in import sign_in
from tests import database, kept_file

OLGA = "olga@acme.example"
LOCAL = {"ROLLCALL_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128"}  # what tests serve is on this machine


@dataclass(frozen=True)
class Copy:
    """An installation's files. `key` is None where nothing in the database is sealed yet; `head` is what ROLLCALL_HOME
    notes of its log; `log` is SQLite's, of what was written after `database`."""

    database: bytes | str  # of the file, or the name of a template
    key: bytes | None = None
    head: bytes | None = None
    log: bytes = b""

    @classmethod
    def of(cls, config: Config, with_key: bool = True) -> Copy:
        """The one that is open, which is closed by it."""
        key = head = None
        if with_key:
            restored.look()
            key, head = config.secret_key_file.read_bytes(), (config.home / restored.NOTE).read_bytes()
        if database.on_server():
            db.close()
            queue.queue.storage.close()
            return cls(database.keep(config.home), key, head)
        db.connect(reuse_if_open=True)
        db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        return cls(config.database_path.read_bytes(), key, head)

    def later(self, config: Config) -> Copy:
        """A copy of the installation that is open and began with this copy. Closes it."""
        if database.on_server():
            return self.of(config)
        restored.look()
        note = (config.home / restored.NOTE).read_bytes()
        log = kept_file.log_of(config.database_path).read_bytes()
        assert config.database_path.read_bytes() == self.database, "not all is in the log"
        db.close()
        return replace(self, head=note, log=log)

    def open(self, config: Config) -> None:
        """What sync.start.connect_all() does on a folder that holds these files. Its migrations are not applied again.
        This thread stays connected."""
        config.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with kept_file.opening(config, self.database, self.log):
            if self.key:
                config.secret_key_file.touch(0o600)
                config.secret_key_file.write_bytes(self.key)
                (config.home / restored.NOTE).write_bytes(self.head)
            start.connect_all(config)
            if not database.on_server():
                db.pragma("synchronous", "off", permanent=True)  # a kill loses nothing by it, and nobody cuts the power
                queue.queue.storage._fsync = False


def config_of(home: Path | str, **environ: str) -> Config:
    """Of an installation in this folder."""
    return database.placed(Config.from_environ({"ROLLCALL_HOME": str(home), **LOCAL, **environ}))


def environ_of(home: Path | str) -> dict[str, str]:
    """By which variables a program finds the installation in this folder."""
    address = config_of(home).database_url
    return {"ROLLCALL_HOME": str(home)} | ({"ROLLCALL_DATABASE": address} if address else {})


def open_blank(config: Config) -> None:
    """An installation without anyone in it, on a new folder."""
    _blank().open(config)


def prepare() -> None:
    """Make both now."""
    _acme()


@functools.cache
def _blank() -> Copy:
    with tempfile.TemporaryDirectory() as folder:
        config = config_of(folder)
        if database.on_server():
            database.make(folder)
        start.open_all(config)
        return Copy.of(config, with_key=False)


def open_acme(config: Config) -> None:
    """An installation that Olga has set up, on a new folder."""
    _acme().open(config)


@functools.cache
def _acme() -> Copy:
    with tempfile.TemporaryDirectory() as folder:
        config = config_of(folder)
        open_blank(config)
        with connected():
            set_up_acme()
        return Copy.of(config)


def set_up_acme() -> Person:
    """The first owner of the workspace Acme."""
    return sign_in.set_up("Acme", OLGA, "Olga Brandt", "correct horse battery", Asker.command_line())
