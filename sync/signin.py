"""Who is at the browser: passwords, sessions, the one-time links of the first start and of the demo.
Only hashes are kept; a person without a workspace role, or who has left, is nobody here."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict, deque
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sync import activity, people, vault
from sync.db import connected, utcnow, writing
from sync.matching import normal_email
from sync.models import Person, Session
from sync.ownership import has_owner, may_sign_in
from sync.people import PeopleProblem
from sync.workspace import set_setting, setting, update_workspace

SESSION = timedelta(days=14)
PROVIDER_SESSION = timedelta(hours=12)  # then the provider is asked again: it may know that somebody is gone
SEEN_EVERY = timedelta(minutes=5)
PASSWORD_MIN, PASSWORD_MAX = 10, 1000
FAILURES, WINDOW = 5, 15 * 60  # wrong passwords of one e-mail, within seconds
LINK_SECONDS = 60 * 60
SETUP_LINK = "setup link"
USED_LINKS = "used sign-in links"

hasher = PasswordHasher()
_failures: OrderedDict[str, deque[float]] = OrderedDict()
_failures_lock = threading.Lock()
_FAILURES_KEPT = 10_000  # e-mails: somebody who tries many must not fill the memory


class TooManyAttempts(PeopleProblem):
    """Too many wrong passwords for this e-mail address: wait."""


def set_password(person: Person, password: str, by: str | None = None) -> None:
    """Raises PeopleProblem for a password that is too short or absurdly long. Every session of the person ends."""
    if len(password) < PASSWORD_MIN:
        raise PeopleProblem(f"The password needs at least {PASSWORD_MIN} characters.")
    if len(password) > PASSWORD_MAX:
        raise PeopleProblem(f"The password can have at most {PASSWORD_MAX} characters.")
    person.password_hash = hasher.hash(password)
    with writing():
        Person.update(password_hash=person.password_hash).where(Person.id == person.id).execute()
        Session.delete().where(Session.person == person).execute()
        if by:
            activity.record(by, "set password", about=people.signature(person), person=person)


def authenticate(email: str, password: str) -> Person | None:
    """The person, or None for a wrong e-mail or password alike, in the same time.

    Raises TooManyAttempts after 5 failures of one e-mail within 15 minutes, also for the right password.
    """
    who = normal_email(email) or email.strip().casefold()[:200]
    _refuse_when_throttled(who)
    person = people.find_by_email(email)
    known = person is not None and person.password_hash and may_sign_in(person)
    unknown = _nobodys_hash()
    right = _fits(person.password_hash if known else unknown, password[: PASSWORD_MAX + 1])
    if not (known and right):
        _count_failure(who)
        return None
    with _failures_lock:
        _failures.pop(who, None)
    if hasher.check_needs_rehash(person.password_hash):
        with writing():
            Person.update(password_hash=hasher.hash(password)).where(Person.id == person.id).execute()
    return person


def start_session(person: Person, provider: bytes | None = None, through: str = "") -> str:
    """A new session's token, for the cookie; the file keeps its hash alone.

    One that a provider began (`provider` is what signing out there takes) ends after 12 hours, used or not.
    """
    token = secrets.token_urlsafe(32)
    ends_at = utcnow() + (SESSION if provider is None else PROVIDER_SESSION)
    with writing():
        Session.delete().where(Session.ends_at < utcnow()).execute()
        Session.create(token_hash=_hash(token), person=person, ends_at=ends_at, provider=provider)
        activity.record(people.signature(person), "signed in", why=through, person=person)
    return token


def person_of(token: str) -> Person | None:
    """Whose session this is; None once it has ended or the person may not sign in any more."""
    with connected():
        session = (
            Session.select(Session, Person)
            .join(Person)
            .where(Session.token_hash == _hash(token), Session.ends_at > utcnow())
            .first()
        )
        if session is None or not may_sign_in(session.person):
            return None
        if session.seen_at < utcnow() - SEEN_EVERY:
            with writing():
                ends_at = utcnow() + SESSION if session.provider is None else session.ends_at
                Session.update(seen_at=utcnow(), ends_at=ends_at).where(Session.id == session.id).execute()
        return session.person


def end_session(token: str) -> bytes | None:
    """What it kept of the provider that began it, None for one that a password or a link began."""
    with writing():
        kept = Session.select(Session.provider).where(Session.token_hash == _hash(token)).scalar()
        Session.delete().where(Session.token_hash == _hash(token)).execute()
    return kept


def setup_link_token() -> str | None:
    """A new one-time token for the set-up page, which makes the one before void; None once there is an owner."""
    if has_owner():
        return None
    token = secrets.token_urlsafe(24)
    set_setting(SETUP_LINK, _hash(token))
    return token


def check_setup_token(token: str) -> bool:
    kept = setting(SETUP_LINK)
    return bool(kept) and not has_owner() and hmac.compare_digest(kept, _hash(token))


def set_up(workspace_name: str, email: str, name: str, password: str, by: str) -> Person:
    """Name the workspace and make its first owner; PeopleProblem, and nothing changed, when there is one."""
    with writing():
        if has_owner():
            raise PeopleProblem("This workspace has an owner already. Nothing was changed: sign in instead.")
        update_workspace(by, name=workspace_name.strip())
        person = people.find_by_email(email)
        if person is None:
            person = people.add(name, email, by)
        elif person.status != "active":
            people.mark_returned(person, by)
        set_password(person, password)
        people.set_workspace_role(person, "owner", by)
        set_setting(SETUP_LINK, None)
        activity.record(by, "set up workspace", about=workspace_name, person=person)
    return person


def signed_link(person: Person, by: str | None = None) -> str:
    """A token that signs in once, within an hour: what `make demo` prints, and what an owner hands to a newcomer."""
    if by:
        with writing():
            activity.record(by, "made one-time sign-in link", about=people.signature(person), person=person)
    body = {"person": person.id, "ends": int(time.time()) + LINK_SECONDS, "once": secrets.token_urlsafe(12)}
    packed = urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")
    return f"{packed}.{_seal(packed)}"


def person_of_link(token: str) -> Person | None:
    """Whom a signed link is for; None for a forged, used or outdated one. It is used up by this."""
    packed, _, seal = token.partition(".")
    if not hmac.compare_digest(seal.encode(), _seal(packed).encode()):
        return None
    body = json.loads(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    now = int(time.time())
    if body["ends"] < now:
        return None
    with writing():
        used = {once: ends for once, ends in (setting(USED_LINKS) or {}).items() if ends >= now}
        if body["once"] in used:
            return None
        set_setting(USED_LINKS, used | {body["once"]: body["ends"]})
        person = Person.get_or_none(Person.id == body["person"])
    return person if person and may_sign_in(person) else None


def _seal(packed: str) -> str:
    return hmac.new(vault.derive("sign-in link"), packed.encode(), "sha256").hexdigest()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@cache
def _nobodys_hash() -> str:
    return hasher.hash(secrets.token_urlsafe(16))


def _fits(password_hash: str, password: str) -> bool:
    try:
        return hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _refuse_when_throttled(who: str) -> None:
    with _failures_lock:
        recent = _recent(who)
        if len(recent) >= FAILURES:
            minutes = max(1, round((recent[0] + WINDOW - time.monotonic()) / 60))
            raise TooManyAttempts(
                f"Too many wrong passwords for this e-mail address. Try again in {minutes} "
                f"minute{'s' if minutes > 1 else ''}."
            )


def _count_failure(who: str) -> None:
    with _failures_lock:
        _recent(who).append(time.monotonic())
        while len(_failures) > _FAILURES_KEPT:
            _failures.popitem(last=False)


def _recent(who: str) -> deque[float]:
    recent = _failures.setdefault(who, deque(maxlen=FAILURES))
    _failures.move_to_end(who)
    while recent and recent[0] < time.monotonic() - WINDOW:
        recent.popleft()
    return recent
