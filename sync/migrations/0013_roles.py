"""The roles that an account has beside its main one."""

from peewee import SQL, TextField


def up(migrator, db):
    further = TextField(default="[]", constraints=[SQL("DEFAULT '[]'")])
    migrator.migrate(migrator.add_column("account", "further_roles", further, allow_not_null=True))
    db.execute_sql("CREATE INDEX account_further_roles ON account (app_id) WHERE further_roles <> '[]'")


def down(migrator, db):
    db.execute_sql("DROP INDEX account_further_roles")
    migrator.migrate(migrator.drop_column("account", "further_roles"))
