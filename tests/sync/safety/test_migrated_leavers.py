"""An older file gets the acceptances of leavers and compares each app that was read once, and can be taken back."""

from __future__ import annotations

from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync.config import Config
from sync.db import MIGRATIONS
from tests.database import ON_FILE
from tests.sync.matching.test_migrated_addresses import Old
from tests.sync.test_named_states import bring_to, rows, shapes

pytestmark = ON_FILE

BEFORE, ITSELF = "0024_named_reasons", "0025_leavers"


def test_there_and_back(config: Config) -> None:
    config.home.mkdir()
    path = config.database_path
    bring_to(path, BEFORE)
    old = Old(path)
    read = {"connector": "listed", "category": "seat-based", "last_check_at": "2026-11-25 09:00:00"}
    asked = [old.add("app", name=state, state=state, **read) for state in ("active", "paused")]
    old.add("app", name="gone", state="disconnected", **read)
    old.add("app", name="new", state="active", **{**read, "last_check_at": None})
    old.file.close()
    before, shape = rows(path), shapes(path)
    bring_to(path, ITSELF)
    file = SqliteDatabase(path)
    with file.connection_context():
        found = file.execute_sql("SELECT id FROM app WHERE compare_at IS NOT NULL ORDER BY id").fetchall()
        assert [id for (id,) in found] == asked
        Runner(file, str(MIGRATIONS)).down(ITSELF)
    assert (rows(path), shapes(path)) == (before, shape)
