"""A connection that is used again is like a new one: it has the file that is there now, in its newest state, and the
use before has left nothing in it."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from sync import faults, kept_connections
from sync.db import connected, db, keeping_connections, open_database, writing
from sync.kept_connections import Connection, KeptConnections
from sync.models import Setting
from tests.database import ON_FILE, temporary_tables, temporary_tables_with_rows

pytestmark = ON_FILE
WAIT = 3  # seconds for a lock
FULL = 2  # each commit waits for the disk


def opened(path: str) -> Connection:
    connection = sqlite3.connect(path, WAIT, isolation_level=None, factory=Connection, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA foreign_keys = 1")
    return connection


class Uses(RuleBasedStateMachine):
    """Uses of connections that leave something behind, and a file that others write, move and replace."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path, self.numbers = self.folder / "one.db", itertools.count(1)
        self.number, self.left_open, self.in_use = 0, [], []
        self.make_file()
        self.kept = KeptConnections(str(self.path), lambda: opened(str(self.path)))

    def make_file(self) -> None:
        with sqlite3.connect(self.path) as file:
            file.executescript("PRAGMA journal_mode = wal; PRAGMA synchronous = 0;"
                               "CREATE TABLE note (number INT); INSERT INTO note VALUES (0), (0), (0)")  # fmt: skip
        file.close()
        self.number = 0

    def teardown(self) -> None:
        faults.clear()
        self.kept.end()
        shutil.rmtree(self.folder)

    @invariant()
    def the_next_is_like_a_new_one(self) -> None:
        connection = self.kept.take()
        assert connection.execute("SELECT number FROM note").fetchall() == [(self.number,)] * 3
        assert not connection.in_transaction
        tables = connection.execute("SELECT name FROM temp.sqlite_master").fetchall()
        assert tables in ([], [("staged",)])
        assert not tables or connection.execute("SELECT count(*) FROM staged").fetchone() == (0,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (WAIT * 1000,)
        assert connection.execute("PRAGMA synchronous").fetchone() == (FULL,)
        self.kept.give_back(connection)

    @rule()
    def another_program_writes(self) -> None:
        self.number = next(self.numbers)
        with sqlite3.connect(self.path, isolation_level=None) as file:
            file.execute("UPDATE note SET number = ?", (self.number,))
        file.close()

    @rule(read=st.booleans())
    def a_statement_is_not_read_to_its_end(self, read: bool) -> None:
        connection = self.kept.take()
        cursor = connection.execute("SELECT number FROM note")
        if read:
            cursor.fetchone()
        self.left_open.append(cursor)
        self.kept.give_back(connection)

    @precondition(lambda self: self.left_open)
    @rule()
    def it_is_forgotten(self) -> None:
        self.left_open.clear()

    @rule(statement=st.sampled_from((
        "BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT here", "CREATE TEMP TABLE note (number INT)", "PRAGMA foreign_keys = 0",
        "PRAGMA busy_timeout = 1", "PRAGMA synchronous = 1",
        "CREATE TEMP TRIGGER t AFTER UPDATE ON note BEGIN DELETE FROM note; END",
    )))  # fmt: skip
    def a_use_leaves(self, statement: str) -> None:
        connection = self.kept.take()
        connection.execute(statement)
        self.kept.give_back(connection)

    @rule(left=st.sampled_from((
        "", "INSERT INTO staged VALUES (1)", "BEGIN; INSERT INTO staged VALUES (1)",
        "CREATE TEMP TRIGGER s AFTER INSERT ON staged BEGIN DELETE FROM note; END",
    )))  # fmt: skip
    def a_use_leaves_a_table_that_stays(self, left: str) -> None:
        connection = self.kept.take()
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS staged (number INT)")
        connection.stay = ("staged",)
        connection.executescript(left)
        self.kept.give_back(connection)

    @rule()
    def a_use_fails(self) -> None:
        connection = self.kept.take()
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("SELECT nothing")
        self.kept.give_back(connection)

    @rule()
    def another_file_takes_its_place(self) -> None:
        for end in ("", "-wal", "-shm"):
            before = self.path.with_name(f"one.db{end}")
            if before.exists():
                before.rename(self.folder / f"before-{next(self.numbers)}{end}")
        self.make_file()

    @precondition(lambda self: len(self.in_use) < 3)
    @rule()
    def someone_begins(self) -> None:
        self.in_use.append(self.kept.take())

    @precondition(lambda self: self.in_use)
    @rule()
    def someone_ends(self) -> None:
        self.kept.give_back(self.in_use.pop(0))

    @rule()
    def a_fault_is_met(self) -> None:
        faults.note(sqlite3.OperationalError("database or disk is full"))
        faults._met[faults.FULL] = float("inf")

    @rule()
    def it_is_over(self) -> None:
        faults.clear()


def test_the_next_use_finds_nothing_of_the_last():
    run_state_machine_as_test(Uses, settings=settings(
        max_examples=30, stateful_step_count=14, deadline=None, derandomize=True, database=None))  # fmt: skip


@pytest.fixture
def kept(home: Path) -> Iterator[KeptConnections]:
    db.close()
    with keeping_connections():
        yield db.kept
    db.connect(reuse_if_open=True)


def in_use() -> Connection:
    with connected():
        return db.connection()


def test_one_after_the_other_uses_the_same_and_two_at_once_do_not(kept):
    first = in_use()
    assert in_use() is first
    with connected():
        others = []
        thread = threading.Thread(target=lambda: others.append(in_use()))
        thread.start()
        thread.join()
        assert others[0] is not first
    assert in_use() is first, "the last one that was used is the first to be used again"


def test_the_tables_of_a_check_stay_and_keep_nothing(chat, kept):
    first = in_use()
    with connected():
        chat.check()
    with connected():
        assert in_use() is first
        assert temporary_tables(db) and not temporary_tables_with_rows(db)


def test_a_trigger_on_a_table_that_stays_is_not_kept(kept):
    with connected():
        first = db.connection()
        db.make_temp_table("staged", "(number INT)")
    with connected():
        assert db.connection() is first
        db.execute_sql("CREATE TEMP TRIGGER s AFTER INSERT ON staged BEGIN DELETE FROM setting; END")
    assert in_use() is not first


def test_writes_of_another_thread_are_seen_and_later_functions_known(kept):
    first = in_use()
    with writing():
        Setting.create(name="kept", value="1")
    with connected():
        assert in_use() is first and Setting.get(Setting.name == "kept").value == "1"
    db.register_function(lambda: 7, "seven", 0)
    with connected():
        assert db.execute_sql("SELECT seven()").fetchone() == (7,)
    del db._functions["seven"]


def test_each_use_opens_the_file_again_while_a_fault_lasts(kept):
    first = in_use()
    faults._met[faults.READ_ONLY] = float("inf")
    try:
        during = [in_use(), in_use()]
    finally:
        faults.clear()
    again = in_use()
    assert len({first, *during, again}) == 4 and in_use() is again


def test_one_that_could_not_write_is_not_kept(kept, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert in_use() is not in_use()


def test_those_that_nobody_uses_are_closed_after_a_while_and_at_the_end(kept, monkeypatch):
    first = in_use()
    monkeypatch.setattr(kept_connections, "IDLE_SECONDS", -1.0)
    with connected():
        second = db.connection()
    kept.give_back(kept._open())
    assert is_closed(second)
    last = in_use()
    db.end_keeping()
    assert is_closed(first) and is_closed(last)
    db.begin_keeping()


def is_closed(connection: Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return True
    return False


def test_a_process_that_was_forked_opens_its_own(kept):
    parents = in_use()
    reading, to_write = os.pipe()
    if (child := os.fork()) == 0:
        os.write(to_write, b"own" if in_use() is not parents and not is_closed(parents) else b"parent's")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 20) == b"own" and in_use() is parents
    os.close(reading)
    os.close(to_write)


def test_another_installation_has_its_own(kept, home, tmp_path):
    first = in_use()
    open_database(tmp_path / "other.db")
    with connected():
        assert not isinstance(db.connection(), Connection), "nobody asked for connections to it to be kept"
        assert Setting.select().count() == 0
    assert is_closed(first)
    db.begin_keeping()


def test_a_connection_overwrites_what_is_deleted_with_zeros_only_in_the_file_and_where_sqlite_was_built_so(kept):
    (before,) = sqlite3.connect(":memory:").execute("PRAGMA secure_delete").fetchone()
    with connected():
        assert db.execute_sql("PRAGMA temp.secure_delete").fetchone() == (0,)
        assert db.execute_sql("PRAGMA main.secure_delete").fetchone() == (before,)
