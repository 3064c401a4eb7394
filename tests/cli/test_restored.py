"""A database of an earlier time: operations that were approved then need another approval."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from sync.apps import apps
from sync.jobs import queue
from sync.models import Activity, App, Session
from sync.rank import Asker
from sync.states import Approval
from tests import database
from tests.cli.conftest import CommandLine
from tests.demo.apps import ChatApp


def kept(rollcall: CommandLine) -> Callable[[], None]:
    """A copy of the database, as PostgreSQL's programs or a copied file make it; the function puts it back."""
    if database.on_server():
        template = database.keep(rollcall.home)
        return lambda: database.make(rollcall.home, template)
    copies = rollcall.folder / "copies"
    copies.mkdir()
    for file in rollcall.home.glob("rollcall.db*"):
        shutil.copy(file, copies)
    return lambda: put_back(copies, rollcall.home)


def put_back(copies: Path, home: Path) -> None:
    for old in home.glob("rollcall.db*"):
        old.unlink()
    for file in copies.iterdir():
        shutil.copy(file, home)


def member(chat: ChatApp, email: str) -> tuple | None:
    with chat.store.reading() as rows:
        found = rows.execute("SELECT * FROM member WHERE email = ?", (email,)).fetchone()
        return found and tuple(found)


def test_a_removal_done_after_the_backup_is_not_done_again(
    rollcall: CommandLine, connected_chat: ChatApp, staff
) -> None:
    rollcall.run("check", "Chat")
    staff.leave("Tom")
    rollcall.run("check", "Chat", code=3)
    rollcall.run("finish", "Chat", "--yes")
    with rollcall.core():
        apps.set_removal(App.get(), Approval.AUTOMATIC, Asker.command_line())
    before = member(connected_chat, "tom@acme.example")
    go_back = kept(rollcall)
    rollcall.run("tasks", "--retry", "1")
    assert connected_chat.removed() == ["tom@acme.example"]
    with connected_chat.store.writing() as chat:  # he is hired again, and has the same account
        chat.execute(f"INSERT INTO member VALUES ({', '.join('?' * len(before))})", before)
    go_back()

    [task] = rollcall.json("tasks")["tasks"]
    assert task["state"] == "needs attention" and "a backup was restored" in task["error"]
    with rollcall.core():
        queue.sweep()
        queue.drain()
        assert App.get().removal_approval == Approval.ASK and not Session.select().exists()
        entries = Activity.select().count()
    assert connected_chat.removed() == ["tom@acme.example"] and member(connected_chat, "tom@acme.example") == before
    assert rollcall.json("activity", "--verify")["entries"] == entries, "they were withdrawn once"
    if not database.on_server():  # the server of tests has more that is wrong
        assert "approvals were withdrawn" in rollcall.run("doctor", code=1).out
