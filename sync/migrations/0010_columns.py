"""More values of a list: last and first day, department, manager. And files whose columns need answers."""

from datetime import datetime

from peewee import BlobField, CharField, DateField, DateTimeField, ForeignKeyField, Model, TextField


class Base(Model):
    class Meta:
        legacy_table_names = False


class Person(Base):
    pass


class App(Base):
    pass


class Directory(Base):
    pass


class WaitingFile(Base):
    door = CharField()
    kind = CharField(default="")
    name = CharField(default="")
    directory = ForeignKeyField(Directory, null=True, on_delete="CASCADE")
    app = ForeignKeyField(App, null=True, on_delete="CASCADE")
    person = ForeignKeyField(Person, on_delete="CASCADE")
    file_name = CharField(default="")
    sealed = BlobField()
    mapping = TextField(default="")
    created_at = DateTimeField(default=datetime.now)


COLUMNS = (
    ("directory_entry", "listed", lambda: CharField(null=True)),
    ("directory_entry", "last_day", lambda: DateField(null=True)),
    ("directory_entry", "starts_on", lambda: DateField(null=True)),
    ("directory_entry", "department", lambda: CharField(null=True)),
    ("directory_entry", "manager", lambda: CharField(null=True)),
    ("person", "last_day", lambda: DateField(null=True)),
    ("person", "department", lambda: CharField(null=True)),
    ("person", "manager", lambda: CharField(null=True)),
)


def up(migrator, db):
    for table, name, field in COLUMNS:
        migrator.migrate(migrator.add_column(table, name, field()))
    with db.bind_ctx([Person, App, Directory, WaitingFile], bind_refs=False, bind_backrefs=False):
        db.create_tables([WaitingFile])


def down(migrator, db):
    with db.bind_ctx([WaitingFile], bind_refs=False, bind_backrefs=False):
        db.drop_tables([WaitingFile])
    for table, name, _field in reversed(COLUMNS):
        migrator.migrate(migrator.drop_column(table, name))
