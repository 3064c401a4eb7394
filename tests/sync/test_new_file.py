"""A new SQLite file is made at once, and is what all migrations would have made of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync import new_file

LASTING = ("application_id", "auto_vacuum", "encoding", "page_size", "user_version")  # pragmas that a file keeps
RENEW = "the migrations make something else: run `.venv/bin/python -m sync.new_file`"


@contextmanager
def opened(path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(path)
    with database.connection_context():
        yield database


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> tuple[Path, Path]:
    """A new file, and one that has taken every migration."""
    folder = tmp_path_factory.mktemp("files")
    new, migrated = folder / "new.db", folder / "migrated.db"
    with opened(new) as database:
        new_file.create(database)
    with opened(migrated) as database:
        Runner(database, str(new_file.MIGRATIONS)).up()
    return new, migrated


def test_schema_sql_is_what_the_migrations_make(both):
    with opened(both[1]) as migrated:
        assert new_file.SCHEMA.read_text(encoding="utf-8") == new_file.written(migrated), RENEW


def test_it_has_the_same_schema_rows_and_pragmas_as_after_all_migrations(both):
    new, migrated = map(everything, both)
    assert len(new["schema"]) > 200
    assert new == migrated, RENEW


def everything(path: Path) -> dict:
    """All objects in their order, as they are stored, all rows but the times of migrations, and all lasting pragmas.
    The search's own tables are among them."""
    with opened(path) as file:
        schema = file.execute_sql("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid").fetchall()
        tables = [name for kind, name, *_ in schema if kind == "table"]
        rows = {name: file.execute_sql(f'SELECT * FROM "{name}"').fetchall() for name in tables}
        rows["schema_migration"] = [row[:2] for row in rows["schema_migration"]]
        assert file.execute_sql("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {"schema": schema, "rows": rows, "pragmas": {name: file.pragma(name) for name in LASTING}}


def test_no_migration_is_left_and_each_has_the_local_time_at_which_the_file_was_made(tmp_path):
    before = datetime.now() - timedelta(milliseconds=1)
    with opened(tmp_path / "new.db") as database:
        new_file.create(database)
        known = Runner(database, str(new_file.MIGRATIONS)).status()
    assert all(row.path and before <= row.applied <= datetime.now() for row in known)


def test_of_two_that_open_an_empty_file_one_makes_it(both, tmp_path):
    for _ in range(2):
        with opened(tmp_path / "new.db") as database:
            new_file.create(database)
    assert everything(tmp_path / "new.db") == everything(both[0])


def test_a_file_that_has_anything_is_left_to_the_migrations(tmp_path):
    with opened(tmp_path / "old.db") as database:
        Runner(database, str(new_file.MIGRATIONS)).up("0001_first")
        before = database.get_tables()
        new_file.create(database)
        assert database.get_tables() == before
    with opened(tmp_path / "other.db") as database:
        database.execute_sql("CREATE VIEW one AS SELECT 1")
        new_file.create(database)
        assert database.get_tables() == []
