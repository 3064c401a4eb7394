"""Who gets an asset whose only manager is removed, or who accepted that nobody manages it."""

from peewee import CharField, DateTimeField, ForeignKeyField, Model


class Base(Model):
    class Meta:
        legacy_table_names = False


class App(Base):
    pass


class Asset(Base):
    pass


class Account(Base):
    pass


class Change(Base):
    pass


class Task(Base):
    class Meta:
        table_name = "app_task"


class HandOver(Base):
    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    asset = ForeignKeyField(Asset, on_delete="CASCADE")
    account = ForeignKeyField(Account, on_delete="CASCADE", index=False)
    successor = ForeignKeyField(Account, null=True, on_delete="CASCADE", index=False)
    change = ForeignKeyField(Change, null=True, on_delete="SET NULL")
    task = ForeignKeyField(Task, null=True, on_delete="CASCADE")
    grant = ForeignKeyField(Task, null=True, on_delete="SET NULL")
    decided_by = CharField()
    decided_at = DateTimeField()


def up(migrator, db):
    with db.bind_ctx([HandOver], bind_refs=False, bind_backrefs=False):
        db.create_tables([HandOver], safe=False)


def down(migrator, db):
    with db.bind_ctx([HandOver], bind_refs=False, bind_backrefs=False):
        db.drop_tables([HandOver])
