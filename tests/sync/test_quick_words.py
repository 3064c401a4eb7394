"""How the schema compares words in large tables: an older file keeps its rows and refuses the same words as before."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync.config import Config
from sync.db import MIGRATIONS, DatabaseRefused
from sync.start import open_all
from tests.blank import Copy
from tests.database import ON_FILE
from tests.sync.matching.test_migrated_addresses import Old
from tests.sync.test_named_states import bring_to, made, rows

pytestmark = ON_FILE

ITSELF = "0034_quick_words"
BEFORE = max(path.stem for path in MIGRATIONS.glob("0*.py") if path.stem < ITSELF)
COLUMNS = ("account.status", "account.state", "account.match_kind", "change.kind", "change.decision",
           "change.protection")  # fmt: skip


@pytest.fixture
def old(config: Config) -> Old:
    config.home.mkdir()
    bring_to(config.database_path, BEFORE)
    old = Old(config.database_path)
    person = old.add("person", name="Maria", status="active")
    app = old.add("app", connector="listed", name="List", category="seat-based", state="active")
    for status in ("active", "unknown", "unknown: parked"):
        old.add("account", app_id=app, external_id=status, status=status, state="present", match_kind="matched",
                person_id=person, name=status)
    old.add("change", app_id=app, account_id=1, kind="removed user", decision="ignored", protection="legal hold")
    old.add("change", app_id=app, account_id=2, kind="new user", decision="applied")
    return old


def test_every_row_and_the_schema_are_kept_on_the_way_there_and_back(old, config):
    old.file.close()
    path = config.database_path
    before, shape = rows(path), made(path)
    file = SqliteDatabase(path)
    with file.connection_context():
        runner = Runner(file, str(MIGRATIONS))
        runner.up(ITSELF)
        there = made(path)
        assert rows(path) == before
        assert {row[:2] for row in there} == {row[:2] for row in shape}
        assert all(" IN (" not in sql.replace("IN ('removed user'", "") for kind, name, sql in there
                   if kind == "table" and name in ("account", "change"))  # fmt: skip
        runner.down(ITSELF)
    assert (rows(path), made(path)) == (before, shape)


@pytest.fixture(scope="module")
def brought_up_to_date() -> list[bytes]:
    """The older file once Rollcall has opened it, for the tests that change nothing in it."""
    return []


@pytest.mark.parametrize("column", COLUMNS)
def test_another_word_is_still_refused(old, config, brought_up_to_date, column):
    old.file.close()
    if not brought_up_to_date:
        open_all(config)
        brought_up_to_date.append(Copy.of(config, with_key=False).database)
    config.database_path.write_bytes(brought_up_to_date[0])
    table, name = column.split(".")
    with closing(sqlite3.connect(config.database_path)) as file, pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        file.execute(f'UPDATE "{table}" SET "{name}" = ?', ("by magic",))


def test_a_table_of_another_make_is_refused_unchanged(old, config):
    old.file.execute("PRAGMA writable_schema = 1")
    old.file.execute("UPDATE sqlite_master SET sql = replace(sql, '''local partner'', ', '') WHERE name = 'account'")
    old.file.commit()
    old.file.close()
    before = rows(config.database_path), made(config.database_path)
    with pytest.raises(DatabaseRefused, match="the table account is not as Rollcall makes it. Nothing was changed"):
        open_all(config)
    assert (rows(config.database_path), made(config.database_path)) == before
