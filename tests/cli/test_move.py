"""`move`: a workspace with all kinds of rows leaves the file for PostgreSQL and comes back, whole or not at all."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from sync import moving
from sync.db import copy_database, db
from sync.models import Account, App, Person, Setting
from tests import database
from tests.cli.conftest import PROGRAM, CommandLine, Staff, acme_chat, connect_chat, until
from tests.real.postgres import ADMIN, PASSWORD, Postgres, postgres, postgres_server  # noqa: F401

ODD = "Zoë “O'Neil” \\ \t\n % :x ? %s 𝄞"
pytestmark = database.ON_FILE


@pytest.fixture
def address(postgres: Postgres) -> str:  # noqa: F811
    """An empty database on the server."""
    postgres.run("CREATE DATABASE {}", "moved")
    return f"postgresql://{ADMIN}:{quote(PASSWORD)}@127.0.0.1:{postgres.port}/moved"


@pytest.fixture(scope="module")
def removed(tmp_path_factory: pytest.TempPathFactory, forks, set_up: Path) -> Iterator[Path]:
    """The folder after a check, a leaver, a report and a removal: each test gets a copy of it. The app still runs."""
    rollcall = CommandLine(tmp_path_factory.mktemp("removed"), forks)
    shutil.copytree(set_up, rollcall.home)
    with acme_chat(rollcall.folder) as chat:
        connect_chat(rollcall, chat, staff := Staff(rollcall.folder))
        rollcall.run("check", "Chat")
        staff.leave("Tom")
        rollcall.run("check", "Chat", code=3)
        rollcall.run("finish", "Chat", "--yes", "--wait")
        with rollcall.core():
            Person.update(name=ODD).where(Person.name == "Lea").execute()
            Setting.create(name="odd", value={"b": [1, 2.5, None, True, ODD], "a": {}})
            Setting.create(name="nothing", value=None)
        yield rollcall.home


@pytest.fixture
def busy(empty: CommandLine, removed: Path) -> CommandLine:
    shutil.copytree(removed, empty.home)
    return empty


def shown(rollcall: CommandLine, **environ: str) -> list:
    commands = ("apps", "list"), ("report", "Chat"), ("tasks",), ("activity",)
    return [rollcall.run(*command, "--json", **environ).out for command in commands]


def test_there_and_back_every_row_is_the_same(busy: CommandLine, address: str) -> None:
    before = shown(busy)
    done = busy.json("move", "--to", address)
    assert PASSWORD not in str(done) and done["rows"] > 40 and done["activity"]["ok"]
    assert shown(busy, ROLLCALL_DATABASE=address) == before
    assert "was moved to" in busy.run("apps", "list", code=1).err, "no two copies act"
    for command in ("backup", "restore"):
        assert "pg_" in busy.run(command, __file__, code=1, ROLLCALL_DATABASE=address).err
    doctor = busy.run("doctor", code=1, ROLLCALL_DATABASE=address).out
    assert "fsync or full_page_writes is off" in doctor, "the server of tests is like that"
    assert "activity: " in doctor and "key: " in doctor, "all else is looked at too"

    back = busy.folder / "back.db"
    from_here = {"ROLLCALL_HOME": "home", "ROLLCALL_SECRET_KEY_FILE": "home/secret.key"}
    again = busy.run("move", "--to", f"sqlite://{back}", ROLLCALL_DATABASE=address, **from_here)
    assert "rows" in again.out and PASSWORD not in again.out + again.err
    assert shown(busy, ROLLCALL_DATABASE=str(back)) == before
    with closing(sqlite3.connect(back)) as file:
        assert file.execute("SELECT count(*) FROM person WHERE name = ?", (ODD,)).fetchone() == (1,)
    first, last = moving.File(str(busy.home / "rollcall.db")), moving.File(str(back))
    with first.reading(), last.reading():
        for table in moving.tables():
            one, other = (list(map(table.meant, side.rows(table))) for side in (first, last))
            if table.model is Setting:
                one, other = ([row for row in rows if row[0] != "moved to"] for rows in (one, other))
            assert one == other, table.name


def test_killed_half_way_the_workspace_is_usable_and_the_other_database_empty(busy: CommandLine, address: str) -> None:
    before = shown(busy)
    environ = {**busy.environ, "ROLLCALL_DATABASE": address}
    subprocess.run([*PROGRAM[:1], "-m", "sync.moved_database", "prepare"], env=environ, check=True,
                   cwd=Path(PROGRAM[1]).parent)  # fmt: skip
    with psycopg.connect(address) as holding:
        holding.execute("LOCK TABLE app_task IN EXCLUSIVE MODE")
        with (busy.folder / "move.log").open("w") as log:
            moves = busy.start("move", "--to", address, stderr=log)
        until(lambda: "app_task" in (busy.folder / "move.log").read_text())
        assert "Try again" in busy.run("apps", "list", code=1).err, "nobody writes during a move"
        moves.send_signal(signal.SIGKILL)
        moves.wait(30)
        moves.stdout.close()
    assert shown(busy) == before
    with psycopg.connect(address) as looking:
        assert looking.execute("SELECT count(*) FROM person").fetchone() == (0,)
    busy.run("move", "--to", address)
    assert shown(busy, ROLLCALL_DATABASE=address) == before
    busy.run("check", "Chat", ROLLCALL_DATABASE=address)  # new rows get numbers that no row has
    assert "unchanged" in busy.run("activity", "--verify", ROLLCALL_DATABASE=address).out


def test_it_refuses_while_rollcall_runs_and_a_database_with_rows(busy: CommandLine, address: str) -> None:
    with busy.served() as serving:
        assert "Rollcall is running" in busy.run("move", "--to", address, code=1).err
        assert busy.stop(serving) == 0
    with psycopg.connect(address, autocommit=True) as another_program:
        another_program.execute("CREATE TABLE diary (day DATE)")
        refused = busy.run("move", "--to", address, code=1).err
        assert "aren't Rollcall's" in refused and "DatabaseRefused" not in refused and PASSWORD not in refused
        another_program.execute("DROP TABLE diary")
    busy.run("move", "--to", address)
    assert "used again" in busy.run("move", "--undo").out
    refused = busy.run("move", "--to", address, code=1)
    assert "already has a workspace" in refused.err and PASSWORD not in refused.err
    assert busy.run("move", "--to", f"sqlite://{busy.home}/rollcall.db", code=1).err
    busy.run("move", code=2)


def test_a_value_that_postgresql_cannot_keep_is_named(busy: CommandLine, address: str) -> None:
    with busy.core():
        Person.update(name="a\0b").where(Person.name == ODD).execute()
    refused = busy.run("move", "--to", address, code=1)
    assert "NUL" in refused.err and "stays where it is" in refused.err
    assert busy.run("apps", "list").out


def test_a_row_that_differs_is_found(home, tmp_path) -> None:
    App.create(connector="none", name="App", category="Seat-based")
    Account.create(app=1, external_id="1", name=ODD)
    copy_database(db.database, tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db", isolation_level=None)) as copy:
        copy.execute("UPDATE account SET name = 'another'")
    one, other = moving.File(db.database), moving.File(str(tmp_path / "copy.db"))
    account = next(table for table in moving.tables() if table.model is Account)
    with one.reading(), other.reading(), pytest.raises(moving.MoveProblem, match="Row 1 of account isn't the same"):
        moving._compare(account, one, other)
