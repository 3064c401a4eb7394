"""What apps answered, to be asked for again only if it differs, and what their credentials may do."""

from peewee import BlobField, CharField, ForeignKeyField, JSONField, Model, TextField


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
    migrator.migrate(*[migrator.add_column("app", name, JSONField(null=True)) for name in ("may", "missing")])
    with db.bind_ctx([RememberedAnswer], bind_refs=False, bind_backrefs=False):
        db.create_tables([RememberedAnswer], safe=False)


def down(migrator, db):
    with db.bind_ctx([RememberedAnswer], bind_refs=False, bind_backrefs=False):
        db.drop_tables([RememberedAnswer])
    migrator.migrate(*[migrator.drop_column("app", name) for name in ("may", "missing")])
