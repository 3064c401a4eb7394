"""An app that is read from a file knows how old the file is. The next check notes it."""

from peewee import DateTimeField


def up(migrator, db):
    migrator.add_column("app", "file_from", DateTimeField(null=True)).run()


def down(migrator, db):
    migrator.drop_column("app", "file_from").run()
