"""Rollcall keeps the answer to the last form of a browser for a moment, for the second request of a double click."""

from peewee import BlobField, CharField, DateTimeField, ForeignKeyField, Model


class Base(Model):
    class Meta:
        legacy_table_names = False


class Session(Base):
    pass


class GivenAnswer(Base):
    session = ForeignKeyField(Session, unique=True, on_delete="CASCADE")
    request_hash = CharField()
    sealed = BlobField()
    ends_at = DateTimeField()


def up(migrator, db):
    with db.bind_ctx([Session, GivenAnswer], bind_refs=False, bind_backrefs=False):
        GivenAnswer.create_table()


def down(migrator, db):
    with db.bind_ctx([Session, GivenAnswer], bind_refs=False, bind_backrefs=False):
        GivenAnswer.drop_table()
