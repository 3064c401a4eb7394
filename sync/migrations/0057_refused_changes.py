"""A directory that pushed changes while it was paused has lost them. That is noted, until they were sent again.

A directory that pushes is never due, also not after a pause."""

from peewee import DateTimeField


def up(migrator, db):
    migrator.add_column("directory", "refused_at", DateTimeField(null=True)).run()
    db.execute_sql("UPDATE directory SET next_read_at = NULL WHERE kind = 'scim'")


def down(migrator, db):
    migrator.drop_column("directory", "refused_at").run()
