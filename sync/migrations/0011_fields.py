"""What an app did not say of an account at the last reading, what it says while a guard holds it, and guards of its own
for changed roles and profiles."""

from peewee import IntegerField, JSONField

COLUMNS = (
    ("account", "unsaid", IntegerField(null=True)),
    ("account", "assumed", IntegerField(default=0)),
    ("account", "pending", JSONField(null=True)),
    ("app", "lost", JSONField(null=True)),
    ("app", "guard_roles_accounts", IntegerField(null=True)),
    ("app", "guard_roles_percent", IntegerField(null=True)),
    ("app", "guard_profiles_accounts", IntegerField(null=True)),
    ("app", "guard_profiles_percent", IntegerField(null=True)),
)
PENDING = "CREATE INDEX account_pending ON account (app_id) WHERE pending IS NOT NULL"


def up(migrator, db):
    migrator.migrate(*[migrator.add_column(*column) for column in COLUMNS])
    db.execute_sql(PENDING)


def down(migrator, db):
    db.execute_sql("DROP INDEX account_pending")
    migrator.migrate(*[migrator.drop_column(table, name) for table, name, _ in COLUMNS])
