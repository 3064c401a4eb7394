"""A directory that is a list in a file knows how old the list is. The next reading notes it."""

from peewee import DateTimeField


def up(migrator, db):
    migrator.add_column("directory", "file_from", DateTimeField(null=True)).run()


def down(migrator, db):
    migrator.drop_column("directory", "file_from").run()
