"""Employee numbers are compared without regard to capitals (A to Z), by an index that a migration makes again."""

from __future__ import annotations

import pytest
from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync.config import Config
from sync.db import MIGRATIONS
from tests.database import ON_FILE
from tests.sync.matching.test_migrated_addresses import Old
from tests.sync.test_named_states import bring_to, made, rows

pytestmark = ON_FILE

ITSELF = "0037_numbers"
BEFORE = max(path.stem for path in MIGRATIONS.glob("0*.py") if path.stem < ITSELF)
ASKED = "SELECT count(*) FROM person WHERE employee_number IS NOT NULL AND lower(employee_number) = 'e-7'"


@pytest.fixture
def old(config: Config) -> Old:
    config.home.mkdir()
    bring_to(config.database_path, BEFORE)
    old = Old(config.database_path)
    for number in ("E-7", "e-7", "é-7", None):
        old.add("person", name="Maria", status="active", employee_number=number)
    return old


def test_the_index_is_made_again_and_back(old, config):
    old.file.close()
    path = config.database_path
    before, shape = rows(path), made(path)
    file = SqliteDatabase(path)
    with file.connection_context():
        runner = Runner(file, str(MIGRATIONS))
        runner.up(ITSELF)
        assert rows(path) == before and file.execute_sql(ASKED).fetchone() == (2,)
        plan = [row[3] for row in file.execute_sql(f"EXPLAIN QUERY PLAN {ASKED}")]
        assert any("person_number" in step for step in plan), plan
        runner.down(ITSELF)
    assert (rows(path), made(path)) == (before, shape)
