"""What apps answered, to be asked for again only if it differs."""

from peewee import BlobField, CharField, ForeignKeyField, Model, TextField


class Base(Model):
    class Meta:
        legacy_table_names = False


class App(Base):
    pass


class RememberedAnswer(Base):
    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    key = CharField()
    etag = CharField()
    link = TextField(default="")
    body = BlobField()

    class Meta:
        indexes = ((("app", "key"), True),)


def up(migrator, db):
    with db.bind_ctx([RememberedAnswer], bind_refs=False, bind_backrefs=False):
        db.create_tables([RememberedAnswer], safe=False)


def down(migrator, db):
    with db.bind_ctx([RememberedAnswer], bind_refs=False, bind_backrefs=False):
        db.drop_tables([RememberedAnswer])
