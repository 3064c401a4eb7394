"""The group whose rule granted an access: the loss of access that no group grants now is proposed."""

from peewee import CharField


def up(migrator, db):
    migrator.migrate(migrator.add_column("access", "given", CharField(null=True)))


def down(migrator, db):
    migrator.migrate(migrator.drop_column("access", "given"))
