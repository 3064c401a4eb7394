"""A reading remembers each item of an app's list, with its account and the account's version. A trigger counts the
version up with each write, so that the item is then read in full again."""

from peewee import BlobField, CharField, ForeignKeyField, IntegerField, Model, TextField

# All that a reading compares, and what makes it look at an account in any case.
WATCHED = (
    "app_id", "external_id", "email", "email_key", "name", "status", "role", "kind", "last_activity", "seat",
    "user_name", "employee_number", "further_roles", "unsaid", "assumed", "state", "missing_since", "pending",
)  # fmt: skip


class Base(Model):
    class Meta:
        legacy_table_names = False


class App(Base):
    pass


class RememberedItems(Base):
    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    place = IntegerField()
    made_with = CharField()
    since = CharField()
    notes = TextField()
    items = BlobField()

    class Meta:
        indexes = ((("app", "place"), True),)


def up(migrator, db):
    db.execute_sql("ALTER TABLE account ADD COLUMN version INTEGER NOT NULL DEFAULT 0")
    with db.bind_ctx([RememberedItems], bind_refs=False, bind_backrefs=False):
        db.create_tables([RememberedItems], safe=False)
    db.execute_sql(
        f"CREATE TRIGGER account_version AFTER UPDATE OF {', '.join(WATCHED)} ON account "
        "BEGIN UPDATE account SET version = OLD.version + 1 WHERE id = NEW.id; END"
    )
    # The id of a deleted row may be given to another one.
    db.execute_sql(
        "CREATE TRIGGER account_forgotten AFTER DELETE ON account "
        "BEGIN DELETE FROM remembered_items WHERE app_id = OLD.app_id; END"
    )


def down(migrator, db):
    for name in ("account_version", "account_forgotten"):
        db.execute_sql(f"DROP TRIGGER IF EXISTS {name}")
    with db.bind_ctx([RememberedItems], bind_refs=False, bind_backrefs=False):
        db.drop_tables([RememberedItems])
    db.execute_sql("ALTER TABLE account DROP COLUMN version")
