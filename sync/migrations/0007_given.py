"""By which group a rule gave an access: what no group gives any more is asked about."""

from peewee import CharField


def up(migrator, db):
    migrator.migrate(migrator.add_column("access", "given", CharField(null=True)))


def down(migrator, db):
    migrator.migrate(migrator.drop_column("access", "given"))
