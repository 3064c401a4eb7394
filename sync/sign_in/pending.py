"""A sign-in that has passed its first step and waits for the second factor: kept here, not in the browser's cookie.
It opens nothing, is good once, and ends after ten minutes or with another password."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace
from datetime import timedelta

from sync.db import connected, utcnow, writing
from sync.models import PendingSignIn, Person
from sync.people.last_owner import may_sign_in
from sync.sign_in import sign_in
from sync.sign_in.sessions import Way, token_hash

LASTS = timedelta(minutes=10)


def still_holds(person: Person) -> bool:
    """Whether the first step, which has just let this person in, would again: same password, and they may sign in."""
    now = Person.get_or_none(Person.id == person.id)
    same = now is not None and hmac.compare_digest(sign_in.password_mark(now), sign_in.password_mark(person))
    return same and may_sign_in(now)


def begin(person: Person, way: Way) -> str:
    """A token for the browser that passed the first step."""
    token = secrets.token_urlsafe(32)
    with writing():
        PendingSignIn.delete().where(PendingSignIn.ends_at < utcnow()).execute()
        PendingSignIn.create(token_hash=token_hash(token), person=person, password_mark=sign_in.password_mark(person),
                             method=way.method, through=way.through, provider=way.provider, ends_at=utcnow() + LASTS)
    return token


def person_of(token: str) -> Person | None:
    """Who is half signed in; None once it has ended, or the person may no longer sign in."""
    row = _row(token)
    return row.person if row else None


def finish(token: str, second: str) -> Way | None:
    """The way in which the person signs in, now with the second factor; None if the half sign-in has ended. This uses
    it up."""
    with writing():
        row = _row(token)
        if row is None or not row.delete_instance():
            return None
    return replace(Way(row.method, provider=row.provider, through=row.through), second_factor=second)


def _row(token: str) -> PendingSignIn | None:
    with connected():
        row = PendingSignIn.select(PendingSignIn, Person).join(Person).where(
            PendingSignIn.token_hash == token_hash(token), PendingSignIn.ends_at > utcnow()).first()
    fits = row is not None and may_sign_in(row.person)
    return row if fits and hmac.compare_digest(row.password_mark, sign_in.password_mark(row.person)) else None
