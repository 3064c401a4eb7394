"""The schema of a new SQLite file, in one transaction: migrations/schema.sql holds what all migrations make of an empty
one. Run it after a change of the migrations: `.venv/bin/python -m sync.new_file`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from peewee import SqliteDatabase
from playhouse.migrations import Runner

MIGRATIONS = Path(__file__).with_name("migrations")
SCHEMA = MIGRATIONS / "schema.sql"
HEAD = "-- All tables, indexes, triggers and rows that the migrations make. sync/new_file.py writes it.\n"
ANYTHING = "SELECT 1 FROM sqlite_schema LIMIT 1"
# What an FTS5 table consists of ("shadow") comes with it.
OBJECTS = """SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL
    AND name NOT IN (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow') ORDER BY rowid"""
TABLES = """SELECT name FROM pragma_table_list
    WHERE schema = 'main' AND type = 'table' AND name <> 'sqlite_schema' ORDER BY name"""
APPLIED = "applied"  # the column that says when
NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')"


def create(database: SqliteDatabase) -> None:
    """All of it, if nothing is in the file: whole or not at all. Each migration in it counts as applied.

    Raises DatabaseError or sqlite3.DatabaseError if the file can't be written.
    """
    if database.execute_sql(ANYTHING).fetchone():
        return
    with database.atomic("IMMEDIATE"):
        if not database.execute_sql(ANYTHING).fetchone():  # of several processes that start at once, one makes it
            for statement in _statements(SCHEMA.read_text(encoding="utf-8")):
                database.execute_sql(statement)


def _statements(text: str) -> Iterator[str]:
    """Each with its semicolon."""
    begun = ""
    for line in text.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            yield begun
            begun = ""


def written(migrated: SqliteDatabase) -> str:
    """The text of schema.sql that makes the same as this database has, which took all migrations while it was empty."""
    parts = [sql for (sql,) in migrated.execute_sql(OBJECTS)]
    for (table,) in migrated.execute_sql(TABLES).fetchall():
        parts.extend(_rows(migrated, table))
    return HEAD + "".join(f"{part};\n" for part in parts)


def _rows(database: SqliteDatabase, table: str) -> Iterator[str]:
    """A statement for each row. A migration counts as applied when the file is made."""
    columns = [column.name for column in database.get_columns(table)]
    values = ", ".join("?" if column == APPLIED else f'quote("{column}")' for column in columns)
    for row in database.execute_sql(f'SELECT {values} FROM "{table}" ORDER BY rowid', [NOW] * columns.count(APPLIED)):
        yield f'INSERT INTO "{table}" VALUES ({", ".join(row)})'


if __name__ == "__main__":
    newest = SqliteDatabase(":memory:")
    newest.connect()
    Runner(newest, str(MIGRATIONS)).up()
    SCHEMA.write_text(written(newest), encoding="utf-8")
