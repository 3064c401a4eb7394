"""How someone signs in: sessions, second factors, passkeys, other providers."""

from __future__ import annotations

from peewee import SQL, BlobField, BooleanField, CharField, DateTimeField, ForeignKeyField, IntegerField, TextField

from sync.db import utcnow
from sync.models.columns import Base, OneOf
from sync.models.people import Person
from sync.states import MailState, SecondFactor, SignInMethod


class Session(Base):
    """A signed-in browser; the cookie holds the token, the row its hash."""

    token_hash = CharField(unique=True)
    person = ForeignKeyField(Person, backref="sessions", on_delete="CASCADE")
    created_at = DateTimeField(default=utcnow)
    seen_at = DateTimeField(default=utcnow)
    ends_at = DateTimeField()
    provider = BlobField(null=True)  # sealed: the issuer that signed in, and its token for signing out there
    source = CharField(default="")  # the network address it began from
    browser = CharField(default="")  # in words: "Firefox on Linux"
    confirmed_at = DateTimeField(null=True)  # when the person last proved again who they are; null: when it began
    method = OneOf(SignInMethod, default=SignInMethod.NOT_KNOWN, constraints=[SQL("DEFAULT ''")])
    second_factor = OneOf(SecondFactor, default=SecondFactor.NONE, constraints=[SQL("DEFAULT ''")])


class PendingSignIn(Base):
    """A browser that has passed the first step of signing in and is asked for the second factor."""

    token_hash = CharField(unique=True)
    person = ForeignKeyField(Person, on_delete="CASCADE")
    password_mark = CharField()  # ends if the password changes
    method = OneOf(SignInMethod)
    through = CharField(default="")  # in words, for the log
    provider = BlobField(null=True)  # as in Session
    ends_at = DateTimeField()


class AuthenticatorApp(Base):
    """A person's authenticator app (RFC 6238). `secret` is in use; `offered` waits for its first code."""

    person = ForeignKeyField(Person, unique=True, on_delete="CASCADE")
    secret = BlobField(null=True)  # sealed
    offered = BlobField(null=True)  # sealed
    last_step = IntegerField(default=0)  # of 30 seconds each: codes up to this one are used up
    confirmed_at = DateTimeField(null=True)
    used_at = DateTimeField(null=True)


class Passkey(Base):
    """A WebAuthn credential of a person."""

    person = ForeignKeyField(Person, backref="passkeys", on_delete="CASCADE")
    credential_id = CharField(unique=True)  # base64url
    public_key = BlobField()  # COSE
    sign_count = IntegerField(default=0)  # 0: the device doesn't count
    name = CharField()
    created_at = DateTimeField(default=utcnow)
    used_at = DateTimeField(null=True)


class UsedChallenge(Base):
    """A challenge that was answered, because each is valid once. Kept until it expires."""

    challenge_hash = CharField(primary_key=True)
    ends_at = DateTimeField()


class RecoveryCode(Base):
    """A recovery code for a lost device; only its hash is stored."""

    person = ForeignKeyField(Person, on_delete="CASCADE")
    code_hash = CharField()
    used_at = DateTimeField(null=True)


class KeptRequest(Base):
    """A request that needs confirmation: it continues after that, or is deleted."""

    session = ForeignKeyField(Session, unique=True, on_delete="CASCADE")
    token_hash = CharField()
    sealed = BlobField()
    ends_at = DateTimeField()


class GivenAnswer(Base):
    """The answer to the last form that a session sent without scripts: its second click gets it again."""

    session = ForeignKeyField(Session, unique=True, on_delete="CASCADE")
    request_hash = CharField()
    sealed = BlobField()
    ends_at = DateTimeField()


class SignInAttempt(Base):
    """A wrong password, or one that is being compared; `key` names the counter (attempts.py)."""

    key = CharField()
    at = DateTimeField()

    class Meta:
        indexes = ((("key", "at"), False), (("at",), False))


class SignInIdentity(Base):
    """A person's identity at an OpenID Connect provider: `subject` is unchanged when the e-mail address changes."""

    issuer = CharField()
    subject = CharField()
    person = ForeignKeyField(Person, on_delete="CASCADE")
    email = CharField(default="")  # from the provider, in its normal form
    created_at = DateTimeField(default=utcnow)
    used_at = DateTimeField(default=utcnow)

    class Meta:
        indexes = ((("issuer", "subject"), True),)


class WaitingSignIn(Base):
    """An account at a provider with the address of a person here, which waits for confirmation."""

    issuer = CharField()
    subject = CharField()
    email = CharField(default="")  # as the provider gave it
    label = CharField(default="")  # of the provider, as people know it
    why = TextField(default="")
    person_may_confirm = BooleanField(default=False)  # by signing in another way
    person = ForeignKeyField(Person, on_delete="CASCADE")
    created_at = DateTimeField(default=utcnow)

    class Meta:
        indexes = ((("issuer", "subject"), True),)


class PasswordRequest(Base):
    """Someone has asked for a new password: answered by a worker, so that no address is recognised by the time it
    takes. The row is deleted then."""

    sealed = BlobField()  # the e-mail address as it was typed
    source = CharField(default="")  # the network address that asked
    state = OneOf(MailState, default=MailState.QUEUED)
    next_at = DateTimeField(default=utcnow)
    lease_owner = CharField(null=True)
    lease_until = DateTimeField(null=True)
    error = TextField(null=True)
    created_at = DateTimeField(default=utcnow)
