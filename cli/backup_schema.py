"""Checks that a backup contains only what Rollcall itself creates, as a foreign trigger or view could change data.
It is compared with a new database of the same version."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from huey import SqliteHuey
from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync import new_file
from sync.new_file import MIGRATIONS

OBJECTS = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"


def foreign_objects(file: Path, migrations: set[str]) -> list[str]:
    """The tables, indexes, views and triggers of `file` that a database with these migrations doesn't have, or has
    with another definition; each as "trigger spy"."""
    with TemporaryDirectory() as folder:
        fresh = Path(folder) / "fresh.db"
        _make(fresh, max(migrations))
        known = _objects(fresh)
    return sorted(" ".join(thing) for thing, sql in _objects(file).items() if known.get(thing) != sql)


def _make(file: Path, newest: str) -> None:
    database = SqliteDatabase(file)
    with database.connection_context():
        if newest == max(path.stem for path in MIGRATIONS.glob("[0-9]*.py")):
            new_file.create(database)  # takes a hundredth of the time of all migrations
        else:
            Runner(database, str(MIGRATIONS)).up(newest)
    SqliteHuey("tables", filename=str(file)).storage.close()


def _objects(file: Path) -> dict[tuple[str, str], str]:
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
        return {(kind, name): " ".join((sql or "").split()).replace("IF NOT EXISTS ", "").casefold()
                for kind, name, sql in database.execute(OBJECTS)}
