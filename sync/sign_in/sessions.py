"""The browsers that someone is signed in with: each begins, is used, and ends after hours or when it lies idle.
Only hashes of their tokens are kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import ModelSelect

from sync import activity, faults, names
from sync.db import connected, utcnow, writing
from sync.jobs import queue
from sync.models import Person, Session
from sync.people.last_owner import may_sign_in
from sync.prepared import prepared
from sync.states import SecondFactor, SignInMethod
from sync.words import plural
from sync.workspace import workspace

FRESH = timedelta(minutes=15)  # for which a proof of who someone is holds: what is delicate asks again after that
SEEN_EVERY = timedelta(minutes=1)  # a session's last use is written no more often


@dataclass(frozen=True)
class Way:
    """How someone signs in. `provider` is what signing out at the provider takes; `through` says it in words, for the
    log. `proved_at` is when the provider saw a proof of who they are, where that was before; None: just now."""

    method: SignInMethod = SignInMethod.NOT_KNOWN
    second_factor: SecondFactor = SecondFactor.NONE
    provider: bytes | None = None
    through: str = ""
    proved_at: datetime | None = None  # UTC, naive


def start_session(person: Person, way: Way = Way(), source: str = "", browser: str = "") -> str:  # noqa: B008 - frozen
    """A new session's token, for the cookie. It ends after the workspace's session hours, used or not.

    `source` and `browser` say where it began.
    """
    token = secrets.token_urlsafe(32)
    ends_at = utcnow() + timedelta(hours=workspace().session_hours)
    with writing():
        Session.create(token_hash=token_hash(token), person=person, ends_at=ends_at, provider=way.provider,
                       method=way.method, second_factor=way.second_factor, confirmed_at=way.proved_at,
                       source=source[:60], browser=browser[:60])
        second = way.second_factor and f"second factor: {way.second_factor}"
        why = ", ".join(part for part in (way.through, second) if part)
        activity.record(names.signature(person), "signed in", why=why, person=person)
    return token


def session_of(token: str) -> Session | None:
    """The session with its person; None once it has ended, has lain idle, or the person may no longer sign in."""
    with connected():
        session = next(iter(_with_person(token_hash(token))), None)
        now = utcnow()
        if session is None or session.ends_at <= now or not may_sign_in(session.person):
            return None
        if session.seen_at < now - SEEN_EVERY:  # which is less than any session may lie idle
            if session.seen_at < now - timedelta(minutes=workspace().session_idle_minutes):
                return None
            with faults.tolerated(), writing():
                Session.update(seen_at=now).where(Session.id == session.id).execute()
        return session


@prepared
def _with_person(hashed: str) -> ModelSelect:
    return Session.select(Session, Person).join(Person).where(Session.token_hash == hashed).limit(1)


def is_fresh(session: Session) -> bool:
    """Whether the person has proved who they are lately, by signing in or since."""
    return (session.confirmed_at or session.created_at) > utcnow() - FRESH


def confirm(session: Session) -> None:
    """Note that the person has just proved again who they are."""
    now = utcnow()
    with writing():
        Session.update(confirmed_at=now).where(Session.id == session.id).execute()
    session.confirmed_at = now


def person_of(token: str) -> Person | None:
    """Whose session this is; None as for session_of."""
    session = session_of(token)
    return session.person if session else None


def end_session(token: str) -> bytes | None:
    """What it kept of the provider that began it, None for one that a password or a link began."""
    with writing():
        kept = Session.select(Session.provider).where(Session.token_hash == token_hash(token)).scalar()
        Session.delete().where(Session.token_hash == token_hash(token)).execute()
    return kept


def sessions_of(person: Person) -> list[Session]:
    """This person's sessions that have not ended, the one used last first."""
    idle = utcnow() - timedelta(minutes=workspace().session_idle_minutes)
    alive = (Session.person == person) & (Session.ends_at > utcnow()) & (Session.seen_at >= idle)
    return list(Session.select().where(alive).order_by(Session.seen_at.desc(), Session.id.desc()))


def end_sessions(person: Person, by: str, only: int | None = None, but: int | None = None) -> int:
    """End this person's sessions: one by its id, or all `but` one; how many ended."""
    mine = Session.person == person
    if only is not None:
        mine &= Session.id == only
    if but is not None:
        mine &= Session.id != but
    with writing():
        ended = Session.delete().where(mine).execute()
        if ended:
            activity.record(by, "ended sessions", about=names.signature(person), after=plural(ended, "browser"),
                            person=person)
    return ended


@queue.each_minute
def delete_ended(now: datetime) -> None:
    with writing():
        Session.delete().where(Session.ends_at <= now).execute()


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
