"""A reading remembers each item of an app's list, with its account and the account's version. A trigger counts the
version up with each write, so that the item is then read in full again."""

from peewee import BlobField, CharField, ForeignKeyField, IntegerField, Model, SqliteDatabase, TextField

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
    make_triggers(db)


def make_triggers(db, columns=WATCHED):
    """The second one because the id of a deleted row may be given to another one."""
    watched = ", ".join(columns)
    forgets = "DELETE FROM remembered_items WHERE app_id = OLD.app_id"
    if isinstance(db, SqliteDatabase):
        db.execute_sql(
            f"CREATE TRIGGER account_version AFTER UPDATE OF {watched} ON account "
            "BEGIN UPDATE account SET version = OLD.version + 1 WHERE id = NEW.id; END"
        )
        db.execute_sql(f"CREATE TRIGGER account_forgotten AFTER DELETE ON account BEGIN {forgets}; END")
        return
    for name, when, body in (
        ("account_version", f"BEFORE UPDATE OF {watched}", "NEW.version := OLD.version + 1; RETURN NEW;"),
        ("account_forgotten", "AFTER DELETE", f"{forgets}; RETURN NULL;"),
    ):
        db.execute_sql(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
        db.execute_sql(f"CREATE TRIGGER {name} {when} ON account FOR EACH ROW EXECUTE FUNCTION {name}()")


def down(migrator, db):
    for name in ("account_version", "account_forgotten"):
        if isinstance(db, SqliteDatabase):
            db.execute_sql(f"DROP TRIGGER IF EXISTS {name}")
        else:
            db.execute_sql(f"DROP FUNCTION {name}() CASCADE")  # with its trigger
    with db.bind_ctx([RememberedItems], bind_refs=False, bind_backrefs=False):
        db.drop_tables([RememberedItems])
    db.execute_sql("ALTER TABLE account DROP COLUMN version")
