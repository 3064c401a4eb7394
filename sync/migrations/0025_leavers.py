"""Acceptances of leavers who keep an account for now, and when an app's last reading is compared again. Connected apps
are compared once after the migration, so that nobody who has left waits for the next check."""

from peewee import SQL, BooleanField, CharField, DateField, DateTimeField, ForeignKeyField, Model, TextField

PROTECTION = ("legal hold", "kept until", "by hand", "automation account", "system account", "address of another",
              "other e-mail", "last administrator")  # fmt: skip
INDEX = "CREATE INDEX app_compare ON app (compare_at) WHERE compare_at IS NOT NULL"


class Base(Model):
    class Meta:
        legacy_table_names = False


class Account(Base):
    pass


class Person(Base):
    pass


class AcceptedLeaver(Base):
    account = ForeignKeyField(Account, on_delete="CASCADE", index=False)
    person = ForeignKeyField(Person, on_delete="CASCADE")
    protection = CharField(constraints=[SQL(f"CHECK (\"protection\" IN ({', '.join(map(repr, PROTECTION))}))")])
    reason = TextField()
    until = DateField()
    accepted_by = CharField()
    accepted_at = DateTimeField()
    ended_at = DateTimeField(null=True)

    class Meta:
        indexes = (
            SQL("CREATE UNIQUE INDEX accepted_leaver_now ON accepted_leaver (account_id) WHERE ended_at IS NULL"),
            SQL("CREATE INDEX accepted_leaver_account ON accepted_leaver (account_id)"),
        )


def up(migrator, db):
    migrator.migrate(
        migrator.add_column("app", "removal_suspends", BooleanField(null=True)),
        migrator.add_column("app", "compare_at", DateTimeField(null=True)),
    )
    db.execute_sql(INDEX)
    db.execute_sql("UPDATE app SET compare_at = datetime('now') "
                   "WHERE state IN ('active', 'paused') AND last_check_at IS NOT NULL")
    with db.bind_ctx([AcceptedLeaver], bind_refs=False, bind_backrefs=False):
        db.create_tables([AcceptedLeaver], safe=False)


def down(migrator, db):
    with db.bind_ctx([AcceptedLeaver], bind_refs=False, bind_backrefs=False):
        db.drop_tables([AcceptedLeaver])
    db.execute_sql("DROP INDEX app_compare")
    migrator.migrate(migrator.drop_column("app", "compare_at"), migrator.drop_column("app", "removal_suspends"))
