"""Indexes that a migration makes and takes away find what they are for."""

from __future__ import annotations

import pytest
from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync.config import Config
from sync.db import MIGRATIONS
from tests.database import ON_FILE
from tests.sync.test_named_states import bring_to, made, rows

pytestmark = ON_FILE

FOUND = {
    "change_offboarding": ("0051_changes_of_offboardings", "change WHERE offboarding_id = 1"),
    "app_task_change_id": ("0043_tasks_of_changes", "app_task WHERE change_id IN (1, 2)"),
    "match_decision_newest": ("0044_newest_decisions", "match_decision WHERE undone_at IS NULL AND made_at > '2026'"),
    "directory_entry_held": ("0046_held_entries", "directory_entry WHERE status <> reported"),
    "person_signs_in": ("0044_newest_decisions", "person WHERE workspace_role = 'owner' AND status = 'active'"),
}


@pytest.mark.parametrize("index", FOUND)
def test_the_index_is_made_and_taken_away(config: Config, index: str) -> None:
    migration, asked = FOUND[index]
    config.home.mkdir()
    path = config.database_path
    bring_to(path, max(path.stem for path in MIGRATIONS.glob("0*.py") if path.stem < migration))
    before, shape = rows(path), made(path)
    file = SqliteDatabase(path)
    with file.connection_context():
        runner = Runner(file, str(MIGRATIONS))
        runner.up(migration)
        [plan] = file.execute_sql(f"EXPLAIN QUERY PLAN SELECT 1 FROM {asked}").fetchall()
        assert index in plan[3] and rows(path) == before
        runner.down(migration)
    assert (rows(path), made(path)) == (before, shape)
