"""Who approved a private address of an app, a directory or the sign-in provider; those that are there keep working."""

import json

from peewee import CharField

BEFORE = "an earlier version"
TABLES = ("app", "directory")
PROVIDER = "sign-in provider"


def up(migrator, db):
    for table in TABLES:
        migrator.migrate(migrator.add_column(table, "private_by", CharField(null=True)))
        db.execute_sql(f"UPDATE {table} SET private_by = ?", (BEFORE,))
    _change_provider(db, lambda kept: {**kept, "private_by": BEFORE})


def down(migrator, db):
    for table in TABLES:
        migrator.migrate(migrator.drop_column(table, "private_by"))
    _change_provider(db, lambda kept: {name: value for name, value in kept.items() if name != "private_by"})


def _change_provider(db, change):
    row = db.execute_sql("SELECT value FROM setting WHERE name = ?", (PROVIDER,)).fetchone()
    kept = json.loads(row[0]) if row and row[0] else None
    if kept:
        db.execute_sql("UPDATE setting SET value = ? WHERE name = ?", (json.dumps(change(kept)), PROVIDER))
