"""Signing in by OpenID Connect: people's identities at a provider, and which provider began a session."""

from datetime import datetime

from peewee import BlobField, CharField, DateTimeField, ForeignKeyField, Model


class Base(Model):
    class Meta:
        legacy_table_names = False


class Person(Base):
    pass


class SignInIdentity(Base):
    issuer = CharField()
    subject = CharField()
    person = ForeignKeyField(Person, on_delete="CASCADE")
    email = CharField(default="")  # from the provider, in its normal form
    created_at = DateTimeField(default=datetime.now)
    used_at = DateTimeField(default=datetime.now)

    class Meta:
        indexes = ((("issuer", "subject"), True),)


def up(migrator, db):
    migrator.migrate(migrator.add_column("session", "provider", BlobField(null=True)))
    with db.bind_ctx([SignInIdentity], bind_refs=False, bind_backrefs=False):
        db.create_tables([SignInIdentity], safe=False)


def down(migrator, db):
    with db.bind_ctx([SignInIdentity], bind_refs=False, bind_backrefs=False):
        db.drop_tables([SignInIdentity])
    migrator.migrate(migrator.drop_column("session", "provider"))
