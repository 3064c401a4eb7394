"""A removal that an older version left out is about the person who had the account then."""

from __future__ import annotations

from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync.config import Config
from sync.db import MIGRATIONS
from tests.database import ON_FILE
from tests.sync.matching.test_migrated_addresses import Old
from tests.sync.test_named_states import bring_to, rows, shapes

pytestmark = ON_FILE

BEFORE, ITSELF = "0051_changes_of_offboardings", "0052_whose_removal_was_left_out"


def test_there_and_back(config: Config) -> None:
    config.home.mkdir()
    path = config.database_path
    bring_to(path, BEFORE)
    old = Old(path)
    app = old.add("app", connector="listed", category="seat-based", name="The list", state="active",
                  removal_approval="ask")  # fmt: skip
    ana, bo = (old.add("person", name=name, status="active") for name in ("Ana", "Bo"))
    seat = {"app_id": app, "state": "present", "kind": "user", "match_kind": "matched", "status": "active"}
    old.add("account", external_id="1", person_id=ana, left_out_at="2026-11-25 09:00:00", **seat)
    old.add("account", external_id="2", person_id=bo, **seat)
    old.file.close()
    before, shape = rows(path), shapes(path)
    bring_to(path, ITSELF)
    file = SqliteDatabase(path)
    with file.connection_context():
        found = file.execute_sql("SELECT left_out_person_id FROM account ORDER BY id").fetchall()
        assert [person for (person,) in found] == [ana, None]
        Runner(file, str(MIGRATIONS)).down(ITSELF)
    assert (rows(path), shapes(path)) == (before, shape)
