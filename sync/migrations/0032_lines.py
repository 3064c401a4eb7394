"""Entries of Activity that were written together are one line. Older entries stay alone: their seals don't have it."""

from peewee import IntegerField

INDEXES = {
    "activity_line": "coalesce(line, id)",
    "activity_line_of_app": "app_id, coalesce(line, id)",
    "activity_line_of_person": "person_id, coalesce(line, id)",
}


def up(migrator, db):
    migrator.migrate(migrator.add_column("activity", "line", IntegerField(null=True)))
    for name, columns in INDEXES.items():
        db.execute_sql(f"CREATE INDEX {name} ON activity ({columns})")


def down(migrator, db):
    """Takes the column away, and with it what the newer entries are sealed with: the log no longer verifies."""
    for name in INDEXES:
        db.execute_sql(f"DROP INDEX {name}")
    db.execute_sql("ALTER TABLE activity DROP COLUMN line")
