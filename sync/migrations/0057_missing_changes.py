"""Changes that a directory pushed may be missing, such as those in a pause. That is noted until all were sent again.

A directory that pushes is never due, also not after a pause."""

from peewee import DateTimeField


def up(migrator, db):
    migrator.add_column("directory", "missing_since", DateTimeField(null=True)).run()
    db.execute_sql("UPDATE directory SET next_read_at = NULL WHERE kind = 'scim'")


def down(migrator, db):
    migrator.drop_column("directory", "missing_since").run()
