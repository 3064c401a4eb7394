"""A real server and commands on a real small disk, full and read-only: what they say, and that nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sync.apps import apps
from sync.jobs import asking
from sync.models import App, Check
from tests.cli.conftest import OWNER, PASSWORD, CommandLine, connect, until
from tests.database import ON_FILE
from tests.faults.own import SmallDisk

pytestmark = ON_FILE  # the disk is that of the file


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp_path / "home")
    yield disk
    disk.unmount()


@pytest.fixture
def small(disk: SmallDisk, empty: CommandLine, chat, staff) -> CommandLine:
    """A workspace on it, with an app that is connected and a directory."""
    empty.run("setup", "--workspace", "Acme", "--email", OWNER, "--name", "Olga", "--password-stdin", stdin=PASSWORD)
    empty.run("directory", "add", "csv", "--name", "Staff", "--set", f"file={staff.file}")
    (empty.folder / "token").write_text(chat.token + "\n")
    connect(empty, "sample-chat", "Chat", chat.url)
    empty.run("check", "Chat")
    return empty


def state(rollcall: CommandLine, check_id: int) -> str:
    with rollcall.core():
        return Check.get_by_id(check_id).state


def healthz(rollcall: CommandLine) -> requests.Response:
    return rollcall.get("/healthz")


def well(rollcall: CommandLine) -> bool:
    return healthz(rollcall).status_code == 200


def ask(rollcall: CommandLine) -> int:
    with rollcall.core():
        return asking.ask(apps.by_name("Chat"), "a page").id


def test_a_server_names_its_full_disk_serves_on_and_continues(small, disk, chat):
    with small.served() as server:
        until(lambda: well(small))
        chat.fault("hang", on="/members")
        check_id = ask(small)
        until(lambda: chat.calls("/members"))
        disk.fill()
        chat.clear()
        shown = until(lambda: (answer := healthz(small)).status_code == 503 and answer.text, 120)
        assert "disk that Rollcall writes to is full" in shown
        assert small.get("/sign-in").status_code == 200
        disk.clear()
        small.until_within_minutes(lambda: well(small))
        small.until_within_minutes(lambda: state(small, check_id) == "succeeded")
        with small.core():
            app = App.get()
            assert (app.error, app.failures, Check.select().where(Check.state == "failed").count()) == (None, 0, 0)
        assert small.stop(server) == 0
    assert small.json("activity", "--verify")["ok"] is True


def test_a_command_and_a_start_say_what_hinders_them(small, disk, chat):
    for number in range(3000):
        chat.store.add(f"n{number}@acme.example", f"New {number}", "member", via="page")
    for command in (["check", "Chat"], ["serve"]):
        disk.fill()  # also the room that the command before has freed
        shown = small.run(*command, code=1)
        assert "disk that Rollcall writes to is full" in shown.err and "connector" not in shown.err
    disk.clear()
    disk.make_read_only()
    for command in (["check", "Chat"], ["serve"]):
        assert "can't write to its disk" in small.run(*command, code=1).err
    disk.make_writable()
    assert small.json("check", "Chat")["state"] == "succeeded"
    assert small.json("apps", "list")["apps"][0]["accounts"] >= 3000
