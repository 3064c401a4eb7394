"""Of the changes that a directory pushed and that may be missing, it is noted when the last one was noted."""

from peewee import DateTimeField


def up(migrator, db):
    migrator.add_column("directory", "missing_until", DateTimeField(null=True)).run()
    db.execute_sql("UPDATE directory SET missing_until = missing_since")


def down(migrator, db):
    migrator.drop_column("directory", "missing_until").run()
