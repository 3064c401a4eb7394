"""The roles that an account has beside its main one; null until the next check has read them."""

from peewee import TextField


def up(migrator, db):
    migrator.migrate(migrator.add_column("account", "further_roles", TextField(null=True)))
    db.execute_sql("CREATE INDEX account_further_roles ON account (app_id) WHERE further_roles <> '[]'")


def down(migrator, db):
    db.execute_sql("DROP INDEX account_further_roles")
    migrator.migrate(migrator.drop_column("account", "further_roles"))
