"""Wrong passwords are counted in the file, and a session knows where it began and when it was confirmed last."""

from peewee import CharField, DateTimeField, Model


class Base(Model):
    class Meta:
        legacy_table_names = False


class SignInAttempt(Base):
    key = CharField()
    at = DateTimeField()

    class Meta:
        indexes = ((("key", "at"), False), (("at",), False))


ADDED = {"source": CharField(default=""), "browser": CharField(default=""), "confirmed_at": DateTimeField(null=True)}


def up(migrator, db):
    migrator.migrate(*[migrator.add_column("session", name, field) for name, field in ADDED.items()])
    with db.bind_ctx([SignInAttempt], bind_refs=False, bind_backrefs=False):
        db.create_tables([SignInAttempt], safe=False)


def down(migrator, db):
    with db.bind_ctx([SignInAttempt], bind_refs=False, bind_backrefs=False):
        db.drop_tables([SignInAttempt])
    migrator.migrate(*[migrator.drop_column("session", name) for name in ADDED])
