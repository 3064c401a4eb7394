"""Of an app, Rollcall knows which space its last reading was of."""

from peewee import JSONField


def up(migrator, db):
    migrator.add_column("app", "read_in", JSONField(null=True)).run()


def down(migrator, db):
    migrator.drop_column("app", "read_in").run()
