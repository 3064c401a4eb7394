"""Of a file that it reads, Rollcall knows when it saw it first. The next check or reading notes it."""

from peewee import DateTimeField


def up(migrator, db):
    for table in ("app", "directory"):
        migrator.add_column(table, "file_seen_at", DateTimeField(null=True)).run()


def down(migrator, db):
    for table in ("app", "directory"):
        migrator.drop_column(table, "file_seen_at").run()
