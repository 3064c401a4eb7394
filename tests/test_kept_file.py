"""A test begins with the file and the connection as they were at first, whatever the test before has left in them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.db import db, writing
from sync.jobs import queue
from sync.models import Person
from sync.staging import tables
from sync.staging.directory import READ_PERSON
from tests import database, kept_file
from tests.blank import config_of, open_acme

pytestmark = [database.ON_FILE, pytest.mark.skipif(sys.platform != "linux", reason="files are kept on Linux alone")]
KIND = "of these tests"


def begin(folders: pytest.TempPathFactory) -> sqlite3.Connection:
    open_acme(config_of(kept_file.home(KIND, folders)))
    return db.connection()


def home() -> Path:
    return Path(db.database).parent


def end(passed: bool = True) -> None:
    kept_file.give_back(home(), passed)
    if not db.is_closed():
        db.close()


def everything() -> tuple:
    """Every row, how the connection is set, what its TEMP tables hold, and which files there are."""
    connection = db.connection()
    made = connection.execute("SELECT type, name, rootpage, sql FROM sqlite_schema ORDER BY rowid").fetchall()
    rows = {name: rows_of(f'"{name}"') for kind, name, *_ in made if kind == "table"}
    temporary = {name: sql for name, sql in connection.execute(kept_file.TEMPORARY)
                 if (name, sql) not in kept_file.DECLARED or rows_of(f"temp.{name}")}  # fmt: skip
    settings = connection.execute(kept_file.SETTINGS).fetchone()
    return made, rows, temporary, settings, sorted(os.listdir(home()))


def rows_of(table: str) -> list[tuple]:
    return db.connection().execute(f"SELECT * FROM {table}").fetchall()


@pytest.fixture(scope="module")
def at_first(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """Of a new file."""
    begin(tmp_path_factory)
    found = everything()
    end()
    return found


@pytest.fixture
def first(at_first: tuple, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """The connection that this test has, and the next one too unless this one leaves anything."""
    yield begin(tmp_path_factory)
    end()


def write() -> None:
    with writing():
        Person.create(name="Ana Lima")
        db.execute_sql("DELETE FROM setting")


def fill_a_temporary_table() -> None:
    tables.create(READ_PERSON)
    tables.insert(READ_PERSON, [("1", *[None] * (len(READ_PERSON.names) - 1))])


def leave_files() -> None:
    (home() / "connectors").mkdir()
    (home() / "connectors" / "app.yaml").touch()


def watch() -> None:
    db.connection().set_progress_handler(lambda: 1, 1)


@pytest.mark.parametrize("use", [write, fill_a_temporary_table, leave_files, watch])
def test_the_next_test_has_the_same_connection_and_finds_all_as_it_was(first, at_first, tmp_path_factory, use):
    use()
    end()
    assert begin(tmp_path_factory) is first
    assert everything() == at_first


def test_the_connection_of_the_queue_is_kept_and_finds_no_message_of_the_test_before(first, at_first, tmp_path_factory):
    queue.queue.storage.enqueue(b"of the test before")
    kept = queue.queue.storage.conn
    end()
    assert begin(tmp_path_factory) is first and queue.queue.storage.conn is kept
    assert queue.queue.storage.queue_size() == 0 and everything() == at_first


def test_a_connection_of_the_queue_that_is_in_a_transaction_is_closed(first, at_first, tmp_path_factory):
    left = queue.queue.storage.conn
    left.execute("BEGIN EXCLUSIVE")
    end()
    assert begin(tmp_path_factory) is first and queue.queue.storage.conn is not left
    assert everything() == at_first


def drop_a_trigger() -> None:
    db.no_longer_append_only("activity", "delete")


def write_into_the_file() -> None:
    write()
    db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def write_into_the_file_and_the_log() -> None:
    write_into_the_file()
    write()


def replace_the_file() -> None:
    path = home() / "rollcall.db"
    shutil.copy2(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


def remove_the_log() -> None:
    (home() / "rollcall.db-wal").unlink()


def begin_a_transaction() -> None:
    write()
    db.connection().execute("BEGIN IMMEDIATE")


def give_it_a_function() -> None:
    db.connection().create_function("upper", 1, lambda text: "")


def let_it_bind_few_values() -> None:
    db.connection().setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 5)


def let_it_give_other_rows() -> None:
    db.connection().row_factory = sqlite3.Row


def make_a_temporary_table() -> None:
    db.execute_sql("CREATE TEMP TABLE read_person (a INT)")


def make_a_temporary_trigger() -> None:
    db.execute_sql("CREATE TEMP TRIGGER before_it BEFORE INSERT ON person BEGIN SELECT RAISE(ABORT, 'no'); END")


def attach_another() -> None:
    db.execute_sql("ATTACH ':memory:' AS other")


def let_it_check_no_reference() -> None:
    db.execute_sql("PRAGMA foreign_keys = 0")


def close_and_open() -> None:
    db.close()
    db.connect()


@pytest.mark.parametrize("use", [
    drop_a_trigger, write_into_the_file, write_into_the_file_and_the_log, replace_the_file, remove_the_log,
    begin_a_transaction, give_it_a_function, let_it_bind_few_values, let_it_give_other_rows, make_a_temporary_table,
    make_a_temporary_trigger, attach_another, let_it_check_no_reference, close_and_open, db.close,
])  # fmt: skip
def test_a_test_that_leaves_anything_else_is_the_last_one_that_has_it(first, at_first, tmp_path_factory, use):
    use()
    end()
    assert begin(tmp_path_factory) is not first
    assert everything() == at_first


def test_a_statement_that_is_not_read_to_its_end_is_left(first, at_first, tmp_path_factory):
    unread = first.execute("SELECT name FROM sqlite_schema")
    assert unread.fetchone()
    end()
    assert begin(tmp_path_factory) is not first
    assert everything() == at_first


def test_another_connection_of_this_process_has_the_file_open(first, at_first, tmp_path_factory):
    other = sqlite3.connect(home() / "rollcall.db", isolation_level=None)
    other.execute("DELETE FROM setting")
    end()
    assert begin(tmp_path_factory) is not first
    other.execute("INSERT INTO setting (name, value) VALUES ('a', '1')")
    assert everything() == at_first
    other.close()


READS = """
import sqlite3, sys
file = sqlite3.connect(sys.argv[1])
print(file.execute("SELECT 1 FROM setting").fetchall(), flush=True)
sys.stdin.read(1)
"""


def test_another_process_has_the_file_open(first, at_first, tmp_path_factory):
    path = home() / "rollcall.db"
    with subprocess.Popen([sys.executable, "-c", READS, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline()
        end()
        assert begin(tmp_path_factory) is not first
        other.stdin.close()


def test_a_test_that_failed_leaves_its_files(first, at_first, tmp_path_factory):
    left = home()
    write()
    end(passed=False)
    assert (left / "rollcall.db").exists()
    assert begin(tmp_path_factory) is not first
    assert home() != left and everything() == at_first
    shutil.rmtree(left.parent)
