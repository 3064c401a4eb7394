"""The upgrade finds in the log who gave each standing approval."""

from __future__ import annotations

from importlib import import_module

from peewee import SqliteDatabase
from playhouse.migrate import SqliteMigrator

ANA, BO = 7, 8
REMOVALS, GROUPS = "changed removal policy", "changed what groups do automatically"


def test_the_newest_entry_names_the_approver_of_an_approval_that_is_on():
    file = SqliteDatabase(":memory:")
    file.execute_sql("CREATE TABLE app (id INTEGER, removal_approval TEXT, joiner_approval TEXT, "
                     "unassigned_approval TEXT)")  # fmt: skip
    file.execute_sql("CREATE TABLE activity (id INTEGER PRIMARY KEY, who TEXT, what TEXT, app_id INTEGER)")
    file.execute_sql("CREATE TABLE person_email (person_id INTEGER, email TEXT)")
    file.connection().executemany("INSERT INTO person_email VALUES (?, ?)", [
        (ANA, "ana@x.example"), (9, "na@x.example"), (BO, "Bo@x.example")])  # fmt: skip
    file.connection().executemany("INSERT INTO app VALUES (?, ?, ?, ?)", [
        (1, "automatic", None, None), (2, "automatic", None, None), (3, "ask", None, None),
        (4, "ask", "automatic", None), (5, "ask", None, "automatic")])  # fmt: skip
    file.connection().executemany("INSERT INTO activity (who, what, app_id) VALUES (?, ?, ?)", [
        ("Bo <Bo@x.example>", REMOVALS, 1), ("Ana Lima <ana@x.example>", REMOVALS, 1),
        ("Bo <Bo@x.example>", GROUPS, 1), ("Ana Lima <ana@x.example>", REMOVALS, 2), ("command line", REMOVALS, 2),
        ("Ana Lima <ana@x.example>", REMOVALS, 3), ("Bo <Bo@x.example>", GROUPS, 4),
        ("Ana Lima <ana@x.example>", GROUPS, 5), ("Bo <Bo@x.example>", GROUPS, 6)])  # fmt: skip
    migration = import_module("sync.migrations.0061_approvers")
    migration.up(SqliteMigrator(file), file)
    found = file.execute_sql("SELECT id, removal_approver_id, groups_approver_id FROM app ORDER BY id").fetchall()
    assert found == [(1, ANA, None), (2, None, None), (3, None, None), (4, None, BO), (5, None, ANA)]
    migration.down(SqliteMigrator(file), file)
    assert [column.name for column in file.get_columns("app")][-1] == "unassigned_approval"
