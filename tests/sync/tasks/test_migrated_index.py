"""The tasks of a change are found by an index, which a migration makes and takes away."""

from __future__ import annotations

from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync.config import Config
from sync.db import MIGRATIONS
from tests.database import ON_FILE
from tests.sync.test_named_states import bring_to, made, rows

pytestmark = ON_FILE

ITSELF = "0043_tasks_of_changes"
BEFORE = max(path.stem for path in MIGRATIONS.glob("0*.py") if path.stem < ITSELF)


def test_the_index_is_made_and_taken_away(config: Config) -> None:
    config.home.mkdir()
    path = config.database_path
    bring_to(path, BEFORE)
    before, shape = rows(path), made(path)
    file = SqliteDatabase(path)
    with file.connection_context():
        runner = Runner(file, str(MIGRATIONS))
        runner.up(ITSELF)
        [plan] = file.execute_sql("EXPLAIN QUERY PLAN SELECT 1 FROM app_task WHERE change_id IN (1, 2)").fetchall()
        assert "app_task_change_id" in plan[3] and rows(path) == before
        runner.down(ITSELF)
    assert (rows(path), made(path)) == (before, shape)
