"""Second factors (passkeys, authenticator apps, recovery codes), the steps of signing in, and requests that wait for a
confirmation. A session knows how it was begun."""

from peewee import SQL, BlobField, CharField, DateTimeField, ForeignKeyField, IntegerField, Model


class Base(Model):
    class Meta:
        legacy_table_names = False


class Person(Base):
    pass


class Session(Base):
    pass


class PendingSignIn(Base):
    token_hash = CharField(unique=True)
    person = ForeignKeyField(Person, on_delete="CASCADE")
    password_mark = CharField()
    method = CharField()
    through = CharField(default="")
    provider = BlobField(null=True)
    ends_at = DateTimeField()


class AuthenticatorApp(Base):
    person = ForeignKeyField(Person, unique=True, on_delete="CASCADE")
    secret = BlobField(null=True)
    offered = BlobField(null=True)
    last_step = IntegerField(default=0)
    confirmed_at = DateTimeField(null=True)
    used_at = DateTimeField(null=True)


class Passkey(Base):
    person = ForeignKeyField(Person, on_delete="CASCADE")
    credential_id = CharField(unique=True)
    public_key = BlobField()
    sign_count = IntegerField(default=0)
    name = CharField()
    created_at = DateTimeField()
    used_at = DateTimeField(null=True)


class UsedChallenge(Base):
    challenge_hash = CharField(primary_key=True)
    ends_at = DateTimeField()


class RecoveryCode(Base):
    person = ForeignKeyField(Person, on_delete="CASCADE")
    code_hash = CharField()
    used_at = DateTimeField(null=True)


class KeptRequest(Base):
    session = ForeignKeyField(Session, unique=True, on_delete="CASCADE")
    token_hash = CharField()
    sealed = BlobField()
    ends_at = DateTimeField()


MADE = [PendingSignIn, AuthenticatorApp, Passkey, UsedChallenge, RecoveryCode, KeptRequest]


def up(migrator, db):
    added = {name: CharField(default="", constraints=[SQL("DEFAULT ''")]) for name in ("method", "second")}
    migrator.migrate(*[migrator.add_column("session", name, field) for name, field in added.items()])
    with db.bind_ctx(MADE, bind_refs=False, bind_backrefs=False):
        db.create_tables(MADE, safe=False)


def down(migrator, db):
    with db.bind_ctx(MADE, bind_refs=False, bind_backrefs=False):
        db.drop_tables(MADE)
    migrator.migrate(*[migrator.drop_column("session", name) for name in ("method", "second")])
