"""Protections, held fields and ways of signing in: an older file is brought up to date whole, or refused as it is."""

from __future__ import annotations

import pytest
from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync.config import Config
from sync.db import MIGRATIONS, DatabaseRefused
from sync.start import open_all
from tests.database import ON_FILE
from tests.sync.matching.test_migrated_addresses import Old
from tests.sync.test_named_states import bring_to, made, rows, shapes

pytestmark = ON_FILE

BEFORE, ITSELF = "0023_clear_names", "0024_named_reasons"


@pytest.fixture
def old(config: Config) -> Old:
    config.home.mkdir()
    bring_to(config.database_path, BEFORE)
    old = Old(config.database_path)
    person = old.add("person", name="Maria", status="active")
    app = old.add("app", connector="listed", name="List", category="seat-based", state="active")
    old.add("change", app_id=app, kind="removed user", decision="ignored", protection="legal hold", protected="case 12")
    old.add("change", app_id=app, kind="removed user", decision="confirmed")
    old.add("held_change", person_id=person, field="main address", value="m@acme.example", state="open")
    ends = "2026-12-01 00:00:00"
    old.add("session", token_hash="a", person_id=person, ends_at=ends, method="set-up link")
    old.add("session", token_hash="b", person_id=person, ends_at=ends, method="provider", second="identity provider")
    old.add("pending_sign_in", token_hash="c", person_id=person, password_mark="", method="password", ends_at=ends)
    return old


def test_every_row_is_kept_on_the_way_there_and_back(old, config):
    old.file.close()
    path = config.database_path
    before, shape = rows(path), shapes(path)
    bring_to(path, ITSELF)
    assert (rows(path), shapes(path)) == (before, shape)
    checked = [sql for _, name, sql in made(path) if name in ("change", "held_change", "session", "pending_sign_in")]
    assert len(checked) == 4 and all("CHECK" in sql for sql in checked)
    file = SqliteDatabase(path)
    with file.connection_context():
        Runner(file, str(MIGRATIONS)).down(ITSELF)
    assert (rows(path), shapes(path)) == (before, shape)


@pytest.mark.parametrize(("table", "column"), [
    ("change", "protection"), ("held_change", "field"), ("session", "method"), ("session", "second"),
    ("pending_sign_in", "method"),
])  # fmt: skip
def test_another_word_is_refused(old, config, table, column):
    old.file.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE id = 1', ("by magic",))
    old.file.close()
    before, shape = rows(config.database_path), made(config.database_path)
    with pytest.raises(DatabaseRefused) as refused:
        open_all(config)
    for named in (f"table {table}", f"column {column}", "'by magic'", "Nothing was changed"):
        assert named in str(refused.value)
    assert (rows(config.database_path), made(config.database_path)) == (before, shape)
