"""A test begins with the database and the connections as they were at first, whatever the test before has left."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from sync.db import connected, db
from sync.jobs import queue
from sync.models import Person
from sync.postgres.database import WRITERS
from tests import database, kept_file
from tests.blank import config_of, open_acme
from tests.test_kept_file import drop_a_trigger, write

pytestmark = database.ON_SERVER
KIND = "of these tests"
SESSION = """SELECT (SELECT array_agg((name, setting) ORDER BY name) FROM pg_settings WHERE source = 'session'),
    (SELECT count(*) FROM pg_class WHERE relpersistence = 't'), (SELECT count(*) FROM pg_listening_channels()),
    (SELECT count(*) FROM pg_cursors), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), current_user"""


def begin(folders: pytest.TempPathFactory) -> psycopg.Connection:
    open_acme(config_of(kept_file.home(KIND, folders)))
    return db.connection()


def end(passed: bool = True) -> None:
    [kept] = [file.home for kind, file in kept_file._files.items() if kind == KIND]
    kept_file.give_back(kept, passed)
    if not db.is_closed():
        db.close()


def everything() -> tuple:
    """Every row, every sequence, the triggers, and what the session has."""
    ask = db.connection().execute
    tables = [name for (name,) in ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
    rows = {name: sorted(map(str, ask(f"SELECT * FROM {name}").fetchall())) for name in tables}
    sequences = ask("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1").fetchall()
    triggers = ask("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2").fetchall()
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    return rows, sequences, triggers, ask(SESSION).fetchall(), ask(others).fetchall()


@pytest.fixture(scope="module")
def at_first(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """Of a new database, the second time that it is begun with."""
    begin(tmp_path_factory)
    end()
    begin(tmp_path_factory)
    found = everything()
    end()
    return found


@pytest.fixture
def first(at_first: tuple, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """The connection that this test has, and the next one too unless this one leaves anything."""
    yield begin(tmp_path_factory)
    end()


def change_a_row() -> None:
    Person.update(name="Another").execute()


def change_a_row_while_others_write() -> None:
    """Their transactions in other databases are counted with ours."""
    with psycopg.connect(f"{database._server()}/postgres") as other:
        other.execute("SELECT pg_current_xact_id()")
        change_a_row()


def tamper() -> None:
    database.tampering(db)
    db.execute_sql("DELETE FROM activity")


def use_a_sequence_alone() -> None:
    db.execute_sql("SELECT nextval('person_id_seq')")


def leave_it_in_the_session() -> None:
    for statement in ("CREATE TEMP TABLE left_here (id bigint)", "LISTEN left_here", "SET lock_timeout = 1",
                      "SELECT pg_advisory_lock(1)", "SET ROLE pg_monitor",
                      "DECLARE left_here CURSOR WITH HOLD FOR SELECT 1"):  # fmt: skip
        db.execute_sql(statement)


USES = (write, change_a_row, change_a_row_while_others_write, tamper, use_a_sequence_alone, leave_it_in_the_session)


@pytest.mark.parametrize("use", USES)
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
    assert queue.queue.storage.queue_size() == 0 and everything()[:4] == at_first[:4]


def test_another_thread_leaves_nothing_in_its_connection(first, at_first, tmp_path_factory):
    def leave() -> None:
        with connected():
            db.execute_sql("SET lock_timeout = 1")
            db.execute_sql("SELECT pg_advisory_lock(1)")

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    end()
    assert begin(tmp_path_factory) is first
    with connected():
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert db.execute_sql(locks).fetchone() == (0,) and everything()[:4] == at_first[:4]
    settings = [connection.execute("SHOW lock_timeout").fetchone() for connection in db.pool._pool._pool]
    assert settings == [("30s",)]


def make_a_table() -> None:
    db.execute_sql("CREATE TABLE left_here (id bigint)")


def need_no_value() -> None:
    db.execute_sql("ALTER TABLE person ALTER COLUMN name DROP NOT NULL")


def set_it_for_all() -> None:
    db.execute_sql(f"ALTER DATABASE {db.connection().info.dbname} SET work_mem = '5MB'")


def begin_a_transaction() -> None:
    db.connection().execute("BEGIN")
    db.connection().execute(f"SELECT pg_advisory_xact_lock({WRITERS})")


def create_it_again() -> None:
    name = db.connection().info.dbname
    db.close()
    db.end_pool()
    database._run(f"DROP DATABASE {name} WITH (FORCE)")
    database._run(f"CREATE DATABASE {name}")


@pytest.mark.parametrize("leave", [drop_a_trigger, make_a_table, need_no_value, set_it_for_all, create_it_again])
def test_a_test_that_leaves_another_schema_is_the_last_one_with_this_database(first, at_first, tmp_path_factory, leave):
    leave()
    end()
    assert begin(tmp_path_factory) is not first
    end()
    begin(tmp_path_factory)
    assert everything() == at_first


def test_a_transaction_that_was_left_open_is_none_for_the_next_test(first, at_first, tmp_path_factory):
    begin_a_transaction()
    Person.create(name="Ana Lima")
    end()
    begin(tmp_path_factory)
    end()
    begin(tmp_path_factory)
    assert everything() == at_first


def test_a_test_whose_database_somebody_else_has_open_is_the_last_one_with_it(first, at_first, tmp_path_factory):
    other = psycopg.connect(db.database)
    end()
    assert begin(tmp_path_factory) is not first
    with pytest.raises(psycopg.OperationalError):
        other.execute("SELECT 1")


def test_a_test_that_failed_leaves_its_database_to_nobody(first, at_first, tmp_path_factory):
    write()
    end(passed=False)
    assert begin(tmp_path_factory) is not first


OPENS = {"sync/test_quick_sql": False, "security/test_ssrf": False, "sync/people/test_people_machine": True,
         "sync/postgres/test_pool": True}  # fmt: skip


@pytest.mark.parametrize("module", OPENS)
def test_a_module_that_opens_no_database_is_known(request, module):
    path = request.config.rootpath / "tests" / f"{module}.py"
    items = list(request.session.genitems(pytest.Module.from_parent(request.session, path=path)))
    assert items and database.that_open_none(items) == ([] if OPENS[module] else items)
