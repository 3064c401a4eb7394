"""The e-mail that an account had when someone said whose it is: with another one it may be someone else's."""

from peewee import CharField

TABLES = ("account", "match_decision")


def up(migrator, db):
    migrator.migrate(*[migrator.add_column(table, "matched_as", CharField(null=True)) for table in TABLES])


def down(migrator, db):
    migrator.migrate(*[migrator.drop_column(table, "matched_as") for table in TABLES])
