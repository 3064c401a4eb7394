"""The upgrade finds the entry that a person's status follows by its reason, and leaves what someone decided."""

from __future__ import annotations

from importlib import import_module

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator


def test_a_status_follows_the_entry_of_the_person_that_gave_its_reason():
    file = SqliteDatabase(":memory:")
    file.execute_sql("CREATE TABLE person (id INTEGER PRIMARY KEY, status_reason TEXT)")
    file.execute_sql("CREATE TABLE directory_entry (id INTEGER PRIMARY KEY, person_id INTEGER, reason TEXT)")
    people = {1: "Disabled in Okta", 2: "Marked as left by Olga", 3: "", 4: "Disabled in Okta"}
    file.connection().executemany("INSERT INTO person VALUES (?, ?)", people.items())
    entries = [(1, 1, "Active in HR"), (2, 1, "Disabled in Okta"), (3, 1, "Disabled in Okta"), (4, 2, "Active in HR"),
               (5, 3, "")]  # fmt: skip
    file.connection().executemany("INSERT INTO directory_entry VALUES (?, ?, ?)", entries)
    migration = import_module("sync.migrations.0070_status_entries")
    migration.up(SqliteMigrator(file), file)
    found = dict(file.execute_sql("SELECT id, status_entry_id FROM person").fetchall())
    assert found == {1: 2, 2: None, 3: None, 4: None}
    migration.down(SqliteMigrator(file), file)
    assert dict(file.execute_sql("SELECT * FROM person").fetchall()) == people
