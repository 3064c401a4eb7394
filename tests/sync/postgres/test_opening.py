"""A PostgreSQL database is opened, made, migrated or refused, and each refusal is a sentence without the password."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from peewee import DatabaseError, SqliteDatabase
from playhouse.migrations import Runner

from sync.db import MIGRATIONS, DatabaseRefused, connect_database, connected, db, open_database, writing
from sync.jobs import queue
from sync.models import Activity, Person, Setting
from sync.postgres.schema import FIRST
from tests import database
from tests.database import ON_SERVER

SERVER = "postgresql://rollcall:hush@db.acme.example:5432/rollcall"


@ON_SERVER
@pytest.mark.parametrize(("words", "meant"), [
    ('connection failed: FATAL:  password authentication failed for user "rollcall"', "user's name and password"),
    ('connection failed: FATAL:  database "rollcall" does not exist', "Create it"),
    ('connection failed: FATAL:  role "rollcall" does not exist', "doesn't know the user"),
    ("connection failed: Connection refused", "doesn't answer"),
    ("[Errno -2] Name or service not known", "doesn't answer"),
    ("permission denied for schema public", "owner of the database"),
    ('extension "pg_trgm" is not available', "postgresql-contrib"),
    ("something else\nwith details", "something else."),
])  # fmt: skip
def test_a_refusal_of_the_server_is_a_sentence(words, meant):
    from sync.postgres import opening

    sentence = opening.sentence(DatabaseError(words), SERVER)
    assert meant in sentence and "rollcall at db.acme.example" in sentence
    assert "hush" not in sentence and "\n" not in sentence and sentence.endswith(".")


@ON_SERVER
@pytest.mark.parametrize("address", [
    "postgresql://olga:hu%zzsh@db.acme.example/rollcall", "postgresql://olga:hu sh@db.acme.example/rollcall",
    "postgresql://olga:hush@[::1/rollcall", "postgresql://olga:hu[sh@db.acme.example/rollcall?hush=1",
    "postgresql://olga:hu@sh@db.acme.example/rollcall", "postgresql://olga:hu/sh@db.acme.example/rollcall",
])  # fmt: skip
def test_an_address_that_cannot_be_read_is_refused_without_any_part_of_it(address):
    with pytest.raises(DatabaseRefused) as refused:
        open_database(address)
    assert str(refused.value).startswith("The address in ROLLCALL_DATABASE can't be read.")
    assert not any(part in str(refused.value) for part in ("olga", "hu", "sh@", "acme"))


@ON_SERVER
@pytest.mark.parametrize(("change", "meant"), [
    (lambda url: url.rpartition("/")[0] + "/nowhere", "doesn't exist"),
    (lambda url: url.replace("postgres@", "nobody:hush@"), "doesn't know the user"),
    (lambda url: url.rpartition(":")[0] + ":1/x", "doesn't answer"),
])  # fmt: skip
def test_a_wrong_address_is_refused(config, change, meant):
    with pytest.raises(DatabaseRefused, match=meant) as refused:
        open_database(change(config.database_url))
    assert "hush" not in str(refused.value)


@pytest.fixture
def empty(config):
    database.make(config.home)
    yield config.database_url
    db.close()
    database.drop(config.home)


@ON_SERVER
def test_a_database_of_another_program_is_refused_and_left_alone(empty):
    db.init(empty)
    with connected():
        db.execute_sql("CREATE TABLE diary (day DATE)")
    with pytest.raises(DatabaseRefused, match="aren't Rollcall's"):
        open_database(empty)
    with connected():
        assert db.get_tables() == ["diary"]


@ON_SERVER
def test_processes_that_start_at_once_make_one_schema(empty):
    problems = []

    def start() -> None:
        try:
            with connected():
                from sync.postgres import opening

                opening.prepare(db, Runner(db, str(MIGRATIONS)))
        except Exception as problem:
            problems.append(problem)

    db.init(empty)
    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    with connected():
        assert Runner(db, str(MIGRATIONS)).status()[-1].applied and not Setting.select().exists()


@ON_SERVER
def test_processes_that_start_at_once_make_the_tables_of_the_queue_one_after_the_other(home, config):
    db.execute_sql("DROP TABLE huey_task, huey_kv, huey_schedule, huey_counter CASCADE")
    opening = threading.Thread(target=queue.open_queue, args=(config.database_url,))
    waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with writing():
        opening.start()
        while opening.is_alive() and not db.execute_sql(waits).fetchone():
            pass
        assert not db.table_exists("huey_task")
    opening.join()
    assert db.table_exists("huey_task")


def test_a_newer_one_is_refused(home, config):
    db.execute_sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')")
    with pytest.raises(DatabaseRefused, match="9999_later"):
        open_database(config.database_url or config.database_path)


@ON_SERVER
def test_a_server_that_is_too_old_is_refused(home, config, monkeypatch):
    monkeypatch.setattr("sync.postgres.opening.OLDEST_SERVER", 99)
    with pytest.raises(DatabaseRefused, match="Rollcall needs 99 or newer"):
        open_database(config.database_url)


@ON_SERVER
def test_a_later_migration_runs(home, config, tmp_path, monkeypatch):
    later = tmp_path / "migrations"
    later.mkdir()
    for file in MIGRATIONS.glob("0*.py"):
        (later / file.name).symlink_to(file)
    (later / "9998_later.py").write_text(
        'def up(migrator, db):\n    db.execute_sql("ALTER TABLE person ADD COLUMN shoe_size INTEGER")\n')
    monkeypatch.setattr("sync.db.MIGRATIONS", later)
    connect_database(config.database_url)
    assert Person.raw("SELECT shoe_size FROM person").tuples().execute() is not None
    assert Runner(db, str(later)).status()[-1].applied


def test_migrations_that_may_run_on_postgresql_have_numbers_of_their_own():
    assert any(Path(file).stem >= FIRST for file in MIGRATIONS.glob("0*.py"))


def test_the_second_of_two_writers_waits(home):
    """Each reads the last entry and writes after it: with two at once, the log would have one number twice."""
    from sync import activity

    def write() -> None:
        for _ in range(5):
            with writing():
                activity.record("someone", "did it")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.id for row in Activity.select().order_by(Activity.id)] == list(range(1, 21))
    assert activity.verify().ok


@ON_SERVER
def test_it_has_the_tables_columns_indexes_and_triggers_of_the_file(home, tmp_path):
    file = SqliteDatabase(tmp_path / "file.db")
    with file.connection_context():
        Runner(file, str(MIGRATIONS)).up()
        names = {name for name in file.get_tables() if not name.startswith("search_index")}
        columns = {name: {column.name for column in file.get_columns(name)} for name in names}
        indexes = {index.name for name in names for index in file.get_indexes(name) if index.sql}
        triggers = {row[0] for row in file.execute_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    assert {name for name in db.get_tables() if not name.startswith("huey_")} - {"text_key"} == names
    assert {name: {column.name for column in db.get_columns(name)} for name in names} == columns
    there = {index.name for name in names for index in db.get_indexes(name)}
    assert indexes <= there, indexes - there
    made = {row[0] for row in db.execute_sql("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal").fetchall()}
    emails = {name for name in triggers if name.startswith("search_email_")}
    assert made == triggers - emails | {"search_email"}
