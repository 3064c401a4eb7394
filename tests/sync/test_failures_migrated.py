"""An older file has the words of a failure alone, or nowhere: it gets its kind and time, and there is a way back."""

from __future__ import annotations

from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync.config import Config
from sync.db import MIGRATIONS
from tests.database import ON_FILE
from tests.sync.matching.test_migrated_addresses import Old
from tests.sync.test_named_states import bring_to, made

pytestmark = ON_FILE

BEFORE, ITSELF = "0025_leavers", "0026_failures"
AT = "2026-11-25 04:20:00"


def test_failures_are_known_after_the_migration_and_unchanged_on_the_way_back(config: Config):
    config.home.mkdir()
    path = config.database_path
    bring_to(path, BEFORE)
    old = Old(path)
    for name, values in {"well": {}, "loud": {"error": "Revoked", "failures": 1}, "quiet": {"failures": 2}}.items():
        app = old.add("app", connector="listed", name=name, category="seat-based", state="active", **values)
        if values:
            old.add("app_check", app_id=app, state="failed", error="No answer", finished_at=AT)
    old.file.close()
    shape, before = made(path), _rows(path, "name, error, failures")
    bring_to(path, ITSELF)
    assert _rows(path, "name, error, failure, failed_at, last_due_at") == [
        ("well", None, None, None, None), ("loud", "Revoked", "not known", AT, None),
        ("quiet", "No answer", "incomplete", AT, None),
    ]  # fmt: skip
    file = SqliteDatabase(path)
    with file.connection_context():
        Runner(file, str(MIGRATIONS)).down(ITSELF)
    assert (made(path), _rows(path, "name, error, failures")) == (shape, before)


def _rows(path, columns: str) -> list[tuple]:
    file = SqliteDatabase(path)
    with file.connection_context():
        return file.execute_sql(f"SELECT {columns} FROM app ORDER BY id").fetchall()
