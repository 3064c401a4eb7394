"""The sample apps for tests: served for real, in this process or as a child of it, with faults that can be switched on.
`with ChatApp(folder) as chat:` and `with AdsApp(folder, child=True) as ads:` are all that a test needs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import requests
from flask import Flask

from demo import ads_app, chat_app
from demo.serve import Served
from demo.store import Store
from tests import kept_file
from tests.demo.faults import CONTROL, Faults, FaultyApp

ROOT = Path(__file__).resolve().parents[2]


class SampleApp:
    """A running sample app.

    url, port: its address. token, reading_token: its credentials. settings: its connector's fields.
    store: its data, to read and change directly (even while it runs as a child). folder: the data's folder.
    """

    kind = slug = api = ""
    make_store: type[Store]

    def __init__(self, folder: str | os.PathLike, port: int = 0, child: bool = False):
        """Start with the data in `folder`, which a later start can reuse; `child`: in a separate process."""
        self.folder, self.port, self.child = Path(folder), port, child
        self.store = self.make_store(folder)
        self.token, self.reading_token = self.store.token, self.store.reading_token
        self._faults, self._served, self._process, self._held = Faults(), None, None, None
        self._begun: bytes | None = None  # the content that it began with the last time
        self.start()

    def start(self) -> None:
        """Serve, on the same port as before if it was stopped."""
        self._hold()
        if self.child:
            command = [sys.executable, "-m", "tests.demo.apps", self.kind, str(self.folder), str(self.port)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)
            self.url = self._process.stdout.readline().strip()
            assert self.url, f"{self.kind} did not start"
            self.port = int(self.url.rpartition(":")[2])
        else:
            self._served = Served(FaultyApp(self._application, self.api, self._faults), self.port)
            self.url, self.port = self._served.url, self._served.port

    @cached_property
    def _application(self) -> Flask:
        return application(self.store, self.kind)

    def _hold(self) -> None:
        """Keep a connection open: the file is brought up to date whenever the last one closes, which takes the disk."""
        if not self._held:
            self._held = sqlite3.connect(self.store.path, check_same_thread=False)
            self._held.execute("SELECT 1 FROM setting").fetchall()

    def keep(self) -> bytes:
        """The current data, which `begin_again` restores."""
        self._held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.store.path.read_bytes()

    def begin_again(self, kept: bytes) -> None:
        """With what was kept in it, served at the same address, without faults or calls before."""
        self.end()
        if not (kept is self._begun and self._forget_log()):
            self._let_go()
            self.replace_file(kept)
            os.utime(self.store.path, ns=(0, 0))
            self._begun = kept
        self._faults.calls.clear()
        if self._served:
            self._hold()
        else:
            self.start()

    def _forget_log(self) -> bool:
        """Whether all that was written is gone: it is in SQLite's log, unless the file itself was written."""
        file, log, index = (self.store.path.with_name(f"data.sqlite{end}") for end in ("", "-wal", "-shm"))
        is_whole = all(path.exists() for path in (file, log, index))
        if self._held is None or sys.platform != "linux" or not is_whole or file.stat().st_mtime_ns:
            return False
        if log.stat().st_size:
            os.truncate(log, 0)
            with index.open("r+b", buffering=0) as shared:
                shared.write(bytes(kept_file.HEADERS))  # the next one looks into the log, as after a crash
        return True

    def replace_file(self, content: bytes) -> None:
        self.store.let_go()
        for path in self.folder.glob("data.sqlite*"):
            path.unlink()
        self.store.path.write_bytes(content)
        self.store.let_go()  # what a call has opened since

    def end(self) -> None:
        """Nobody writes into it afterwards: a server that was held up by a fault is stopped."""
        if self._faults.were_set:
            self.stop()
            self._faults = Faults()

    def _let_go(self) -> None:
        self.store.let_go()
        if self._held:
            self._held.close()
            self._held = None

    @property
    def settings(self) -> dict[str, str]:
        return {"base_url": self.url, "token": self.token}

    def fault(self, name: str, **options) -> None:
        """Switch a fault on; names and options: tests/demo/faults.py (on, method, after, times, seconds, by)."""
        if self.child:
            requests.post(self.url + CONTROL + "faults", json={"name": name, **options}, timeout=60).raise_for_status()
        else:
            self._faults.set(name, **options)

    def clear(self) -> None:
        """Switch off all faults and release the hanging requests."""
        if self.child:
            requests.delete(self.url + CONTROL + "faults", timeout=60).raise_for_status()
        else:
            self._faults.clear()

    def calls(self, holding: str = "") -> list[str]:
        """The calls of its API so far, as "DELETE /api/v1/members/U000004", also those that a fault met."""
        if self.child:
            calls = requests.get(self.url + CONTROL + "calls", timeout=60).json()
        else:
            calls = list(self._faults.calls)
        return [call for call in calls if holding in call]

    def log(self, act: str = "", via: str = "api") -> list[dict]:
        """What was done, the earliest first: id, at, via, act, subject, name, detail. via="" for everything."""
        entries = reversed(self.store.log())
        return [entry for entry in entries if act in ("", entry["act"]) and via in ("", entry["via"])]

    def removed(self) -> list[str]:
        """The e-mail addresses that were removed through the API, in that order: twice if it was done twice."""
        return [entry["name"] for entry in self.log("removed")]

    def stop(self) -> None:
        """Stop serving; the data stays. A second time does nothing."""
        if self._process:
            self._process.stdin.close()
            self._process.wait(60)
            self._process.stdout.close()
            self._process = None
        if self._served:
            self._faults.clear()
            self._served.stop()
            self._served = None
        self._let_go()

    def kill(self) -> None:
        """kill -9, for a child."""
        self._process.kill()
        self.stop()

    def __enter__(self):
        return self

    def __exit__(self, *problem) -> None:
        self.stop()


class ChatApp(SampleApp):
    kind, slug, api = "chat", "sample-chat", "/api/v1/"
    make_store = chat_app.ChatStore
    store: chat_app.ChatStore

    def members(self) -> list[dict]:
        """Everyone but the access token's own account: id, email, name, role, status, last_active."""
        return [member for member in self.store.members() if not member["is_bot"]]

    def emails(self) -> set[str]:
        return {member["email"] for member in self.members()}


class AdsApp(SampleApp):
    kind, slug, api = "ads", "sample-ads", "/v1.0/"
    make_store = ads_app.AdsStore
    store: ads_app.AdsStore

    def members(self) -> list[dict]:
        """People and invitations: id, kind, email, name, role, last_login."""
        return [user for user in self.store.users() if user["kind"] != "system user"]

    def emails(self) -> set[str]:
        return {user["email"] for user in self.members()}


def application(store: Store, kind: str) -> Flask:
    return (chat_app if kind == "chat" else ads_app).create_app(store)


def main(kind: str, folder: str, port: str) -> None:
    """A child process: says its address, and ends with the process that holds its standard input."""
    faults = Faults()
    sample = ChatApp if kind == "chat" else AdsApp
    served = Served(FaultyApp(application(sample.make_store(folder), kind), sample.api, faults, remote=True), int(port))
    print(served.url, flush=True)
    sys.stdin.read()
    faults.clear()
    served.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
