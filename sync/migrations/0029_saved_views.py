"""Views of lists that someone has named; indexes for the order and the filters of the list of people."""

from peewee import SQL, BooleanField, CharField, DateTimeField, ForeignKeyField, Model, TextField

LISTS = "'apps', 'members', 'assets', 'people', 'reports', 'activity'"


class Base(Model):
    class Meta:
        legacy_table_names = False


class App(Base):
    pass


class Person(Base):
    pass


class SavedView(Base):
    person = ForeignKeyField(Person, on_delete="CASCADE", index=False)
    list = CharField(constraints=[SQL(f'CHECK ("list" IN ({LISTS}))')])
    app = ForeignKeyField(App, null=True, on_delete="CASCADE")
    name = CharField()
    query = TextField()
    shared = BooleanField()
    created_at = DateTimeField()

    class Meta:
        indexes = (
            SQL("CREATE UNIQUE INDEX saved_view_name ON saved_view (person_id, list, coalesce(app_id, 0), name)"),
            SQL("CREATE INDEX saved_view_shared ON saved_view (list) WHERE shared"),
        )


def up(migrator, db):
    with db.bind_ctx([SavedView], bind_refs=False, bind_backrefs=False):
        db.create_tables([SavedView], safe=False)
    db.execute_sql('CREATE INDEX "person_name_id" ON "person" ("name", "id")')
    db.execute_sql("CREATE INDEX person_department ON person (department) WHERE department IS NOT NULL")
    db.execute_sql("CREATE INDEX person_hold ON person (id) WHERE hold IS NOT NULL")


def down(migrator, db):
    for index in ("person_name_id", "person_department", "person_hold"):
        db.execute_sql(f"DROP INDEX {index}")
    with db.bind_ctx([SavedView], bind_refs=False, bind_backrefs=False):
        db.drop_tables([SavedView])
