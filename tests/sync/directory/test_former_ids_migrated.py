"""The upgrade moves what the id of an entry shows about its use into a column, and back."""

from __future__ import annotations

from importlib import import_module

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator


def test_only_ids_that_end_with_the_note_and_the_id_of_their_row_are_former_ones():
    file = SqliteDatabase(":memory:")
    file.execute_sql("CREATE TABLE directory_entry (id INTEGER PRIMARY KEY, external_id VARCHAR)")
    given = {1: "E1", 12: "E2 was used again: 12", 13: "E3 was used again: 12", 14: " was used again: 14 ",
             15: "a was used again: 1 was used again: 15"}  # fmt: skip
    file.connection().executemany("INSERT INTO directory_entry VALUES (?, ?)", given.items())
    migration = import_module("sync.migrations.0066_former_ids")
    migration.up(SqliteMigrator(file), file)
    former = {12: "E2", 15: "a was used again: 1"}
    found = dict(file.execute_sql("SELECT id, former_id FROM directory_entry").fetchall())
    assert found == dict.fromkeys(given) | former
    file.execute_sql("UPDATE directory_entry SET external_id = 'used again 1f ' || id WHERE former_id IS NOT NULL")
    migration.down(SqliteMigrator(file), file)
    assert dict(file.execute_sql("SELECT * FROM directory_entry").fetchall()) == given
