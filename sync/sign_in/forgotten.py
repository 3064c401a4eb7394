"""A forgotten password: a one-time link by e-mail, to the address that an Owner is responsible for.
A worker decides who gets one, so that neither the answer nor its time shows which addresses are known here."""

from __future__ import annotations

import hashlib
import secrets

from itsdangerous import BadSignature, URLSafeTimedSerializer

from connectors.names import email_key
from sync import activity, names, vault
from sync.db import connected, utcnow, writing
from sync.jobs import leases, queue
from sync.mail import outbox
from sync.mail.letters import SEALED_LINK, Sentence, moment
from sync.matching import vouching
from sync.models import PasswordRequest, Person
from sync.people import people
from sync.people.last_owner import may_sign_in
from sync.people.people import PeopleProblem
from sync.rank import Asker
from sync.sign_in import attempts, oidc, sign_in

LASTS = 30 * 60  # seconds
FOR_ADDRESS, FOR_SOURCE = 3, 10  # requests within attempts.WINDOW
LONGEST = 300  # characters of an address that are looked at
USED_UP = ("This link was already used, or is older than 30 minutes. If you have set a new password with it, sign in. "
           "Otherwise, ask for a new link.")  # fmt: skip


def is_offered() -> bool:
    """Whether e-mails reach people now, so that a link can be mailed."""
    return outbox.reaches_people()


def ask(email: str, source: str) -> None:
    """Queue a request for a worker. `source` is the network address that asks.

    Raises TooManyAttempts after too many requests for one address or from one source, whether it is known here or not.
    """
    email = email.strip()[:LONGEST]
    asked = hashlib.sha256((email_key(email) or email.lower()).encode()).hexdigest()[:32]
    counted = {f"reset {asked}": FOR_ADDRESS}
    if source:
        counted[f"reset from {attempts.network(source)}"] = FOR_SOURCE
    attempts.begin(counted)
    with writing():
        request = PasswordRequest.create(sealed=vault.seal({"email": email}), source=source[:60])
        queue.wake("password request", request.id)


@queue.runs("password request")
def run(request_id: int) -> None:
    """Mail a link, if this address may get one; then delete the request."""
    with connected():
        if not leases.claim(PasswordRequest, request_id):
            return
        request = PasswordRequest.get_by_id(request_id)
        email = vault.unseal(request.sealed)["email"]
        person = people.find_by_email(email)
        with writing():
            if person is not None and _may_get_one(person):
                _mail(person, request.source)
            PasswordRequest.delete().where(PasswordRequest.id == request_id).execute()


def _may_get_one(person: Person) -> bool:
    """Not for people who sign in at the provider alone. An address proves someone only if an Owner vouches for it."""
    has_password = bool(person.password_hash) or oidc.settings() is None
    main = names.main_email(person)
    return may_sign_in(person) and has_password and bool(main) and vouching.is_vouched_for(email_key(main), person)


def _mail(person: Person, source: str) -> None:
    link = outbox.link(f"/sign-in/password/{token_for(person)}")
    outbox.put(
        [names.main_email(person)], "new password", f"new-password-{person.id}-{secrets.token_hex(8)}",
        template="new_password", subject=Sentence("Set a new password for Rollcall"), name=person.name,
        link=SEALED_LINK, source=source or "an unknown address", when=moment(utcnow()), secret_link=link,
        signs_in=person,
    )  # fmt: skip
    activity.record("sign-in", "asked for a new password", about=names.signature(person), person=person,
                    why=f"from {source}" if source else "")


def token_for(person: Person) -> str:
    """It ends with the next change of the password, once its address isn't theirs, and with a restored backup."""
    return _tokens().dumps({"person": person.id, **sign_in.marks(person)})


def person_of(token: str) -> Person | None:
    """Whose link it is; None for a forged, used or outdated one."""
    try:
        body, made_at = _tokens().loads(token, max_age=LASTS, return_timestamp=True)
    except BadSignature:
        return None
    if sign_in.was_withdrawn(made_at):  # a restored password is that of the links that were used since the backup
        return None
    person = Person.get_or_none(Person.id == body["person"])
    if person is None or not sign_in.are_marks_of(person, body):
        return None
    return person if may_sign_in(person) else None


def set_new(token: str, password: str) -> Person:
    """Set the password by a link, and sign the person out everywhere. Their second factor is not touched.

    Raises PeopleProblem, and changes nothing, for a used link or a weak password.
    """
    person = person_of(token)
    if person is None:
        raise PeopleProblem(USED_UP)
    sign_in.set_password(person, password, Asker.person(person))
    return person


def _tokens() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(vault.derive("new password link"), salt="new password")
