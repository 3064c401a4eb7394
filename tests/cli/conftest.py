"""The command line as a script uses it: a real process on an installation of its own, beside a real sample app."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
import requests

from sync import start
from sync.config import Config
from sync.db import connected, db, utcnow
from sync.jobs import queue
from sync.models import Check, Setting
from tests import database
from tests.blank import LOCAL, environ_of
from tests.cli.forks import Forks, Started, shared
from tests.demo.apps import ChatApp
from tests.parts import free_port
from tests.real.scim_app import scim_app, scim_server  # noqa: F401
from tests.real.smtp import smtp  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, str(ROOT / "app.py")]
OWNER, PASSWORD = "olga@acme.example", "correct horse battery"
TIMEOUT = 120  # seconds


@dataclass
class Answer:
    """What a command printed. `document` is its one JSON document: anything else on standard output fails the test."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict:
        return json.loads(self.out)


class CommandLine:
    """`run` a command and expect its exit code; `json` the same with --json; `start` one in the background.

    forks: what `run` is quick by, with a database on a server or without; None: each command is a new Python process,
    as a user's is.
    """

    def __init__(self, folder: Path, forks: Callable[[bool], Forks] | None = None):
        self.forks, self.program = forks, PROGRAM
        self.folder, self.home, self.port = folder, folder / "home", free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("ROLLCALL_")}
        self.environ |= environ_of(self.home) | {"ROLLCALL_LISTEN": f"127.0.0.1:{self.port}", **LOCAL}

    def run(self, *arguments: str, code: int = 0, stdin: str = "", **environ: str) -> Answer:
        around = {"input": stdin, "env": self.environ | environ, "cwd": self.folder, "timeout": TIMEOUT}
        if self.forks:
            done = self._forks(around["env"]).run(list(arguments), **around)
        else:
            done = subprocess.run([*self.program, *arguments], **around, capture_output=True, text=True)
        assert done.returncode == code, f"{arguments}: {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str, code: int = 0, stdin: str = "") -> dict:
        return self.run(*arguments, "--json", code=code, stdin=stdin).document

    def start(self, *arguments: str, stderr: IO | None = None, **environ: str) -> subprocess.Popen | Started:
        """`stderr`: a file instead of a pipe."""
        around = {"env": self.environ | environ, "cwd": self.folder}
        if self.forks:
            return self._forks(around["env"]).start(list(arguments), **around, stderr=stderr)
        pipes = {"stdout": subprocess.PIPE, "stderr": stderr or subprocess.PIPE}
        return subprocess.Popen([*self.program, *arguments], **around, text=True, **pipes)

    def _forks(self, environ: dict[str, str]) -> Forks:
        return self.forks("://" in environ.get("ROLLCALL_DATABASE", ""))

    @contextmanager
    def served(self, command: str = "serve") -> Iterator[subprocess.Popen | Started]:
        """A running server that answers; it is killed at the end unless the test has ended it."""
        with (self.folder / f"{command}.log").open("a") as log:
            server = self.start(command, stderr=log)
        try:
            server.first_line = server.stdout.readline() if command != "worker" else ""
            yield server
        finally:
            if server.poll() is None:
                server.kill()
            server.wait(60)
            server.stdout.close()

    def stop(self, server: subprocess.Popen | Started, by: signal.Signals = signal.SIGTERM) -> int:
        server.send_signal(by)
        return server.wait(60)

    def get(self, path: str, **options) -> requests.Response:
        return requests.get(self.url + path, timeout=30, **options)

    @contextmanager
    def core(self) -> Iterator[None]:
        """The same installation, opened in the test's own process."""
        start.open_all(Config.from_environ(self.environ))
        try:
            with connected():
                yield
        finally:
            if not db.is_closed():
                db.close()

    def a_minute_passes(self) -> None:
        """The queue gets what a server's clock sends each minute, the sweep before was a minute ago, and a check that
        was put off for one is due."""
        with self.core():
            Setting.delete().where(Setting.name == queue.BEGUN).execute()
            Check.update(next_at=utcnow()).where(Check.state == "queued").execute()
            for task in queue.queue.read_periodic(utcnow()):
                queue.queue.enqueue(task)

    def until_within_minutes(self, holds: Callable[[], object]) -> None:
        """Minutes pass until it holds; each lasts two seconds."""
        for minute in range(60):
            self.a_minute_passes()
            with suppress(AssertionError) if minute < 59 else nullcontext():
                until(holds, 2)
                return


def until(holds: Callable[[], object], seconds: float = TIMEOUT) -> object:
    """What `holds` gives once it is true; asked again and again, less often the longer it takes."""
    began = time.monotonic()
    while not (given := holds()):
        waited = time.monotonic() - began
        assert waited < seconds, "it has not come about in time"
        time.sleep(min(0.05 + waited / 20, 0.5))
    return given


@pytest.fixture(scope="session")
def forks() -> Callable[[bool], Forks]:
    return shared


@pytest.fixture
def empty(tmp_path: Path, forks: Callable[[bool], Forks]) -> Iterator[CommandLine]:
    """Nothing is there yet."""
    empty = CommandLine(tmp_path, forks)
    if database.on_server():
        database.make(empty.home)
    yield empty
    if database.on_server():
        database.drop(empty.home)


@pytest.fixture(scope="session")
def set_up(tmp_path_factory: pytest.TempPathFactory, forks: Callable[[bool], Forks]) -> Path:
    """The folder that `setup` makes: each test gets a copy of it."""
    rollcall = CommandLine(tmp_path_factory.mktemp("set up"), forks)
    if database.on_server():
        database.make(rollcall.home)
    rollcall.run("setup", "--workspace", "Acme", "--email", OWNER, "--name", "Olga", "--password-stdin", stdin=PASSWORD)
    return rollcall.home


@functools.cache
def _template(set_up: Path) -> str:
    return database.keep(set_up)


@pytest.fixture
def rollcall(empty: CommandLine, set_up: Path) -> CommandLine:
    """A workspace with its owner."""
    shutil.copytree(set_up, empty.home)
    if database.on_server():
        database.make(empty.home, _template(set_up))
    return empty


@contextmanager
def acme_chat(folder: Path) -> Iterator[ChatApp]:
    """Acme Chat with its owner Pavel and three members."""
    with ChatApp(folder / "chat") as app:
        app.store.add("pavel@acme.example", "Pavel", "owner", "story")
        for name in ("Tom", "Lea", "Ida"):
            app.store.add(f"{name.lower()}@acme.example", name, "member", "story")
        yield app


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatApp]:
    with acme_chat(tmp_path) as app:
        yield app


class Staff:
    """The company's list of people as a CSV file, and the directory that reads it."""

    def __init__(self, folder: Path):
        self.file = folder / "staff.csv"
        self.write("Olga", "Pavel", "Tom", "Lea", "Ida")

    def write(self, *names: str) -> None:
        self.names = list(names)
        rows = "".join(f"{name.lower()}@acme.example,{name}\n" for name in names)
        self.file.write_text(f"email,name\n{rows}")

    def leave(self, *names: str) -> None:
        self.write(*(name for name in self.names if name not in names))


@pytest.fixture
def staff(tmp_path: Path) -> Staff:
    return Staff(tmp_path)


@pytest.fixture
def connected_chat(rollcall: CommandLine, chat: ChatApp, staff: Staff) -> ChatApp:
    """Acme Chat, connected as Chat, beside a directory; not checked yet."""
    connect_chat(rollcall, chat, staff)
    return chat


def connect_chat(rollcall: CommandLine, chat: ChatApp, staff: Staff) -> None:
    rollcall.run("directory", "add", "csv", "--name", "Staff", "--set", f"file={staff.file}")
    (rollcall.folder / "token").write_text(chat.token + "\n")
    connect(rollcall, "sample-chat", "Chat", chat.url)


def connect(rollcall: CommandLine, slug: str, name: str, url: str, *more: str, code: int = 0) -> Answer:
    """Connect an app whose token is in the file named token."""
    return rollcall.run("apps", "connect", slug, "--name", name, "--owner", OWNER, "--set", f"base_url={url}",
                        "--set", "token=@token", *more, code=code)  # fmt: skip


def external_id(chat: ChatApp, name: str) -> str:
    return next(member["id"] for member in chat.members() if member["name"] == name)
