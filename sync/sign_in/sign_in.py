"""Who is at the browser: passwords, sessions, the one-time links of the first start and of the demo.
Only hashes are kept; a person without a workspace role, or who has left, is nobody here."""

from __future__ import annotations

import hmac
import secrets
import time
from datetime import datetime

from itsdangerous import BadSignature, URLSafeTimedSerializer

from connectors.names import email_key
from sync import activity, names, rank, vault
from sync.db import utcnow, writing
from sync.mail import sign_in_changes
from sync.models import Person, Session, SignInIdentity
from sync.people import people
from sync.people.last_owner import has_owner, may_sign_in
from sync.people.people import PeopleProblem
from sync.rank import Asker
from sync.sign_in import attempts, passwords, second_factor
from sync.sign_in.sessions import token_hash
from sync.states import PersonStatus, WorkspaceRole
from sync.workspace import WITHDRAWN, set_setting, setting, update_workspace, workspace

LINK_SECONDS = 60 * 60
SETUP_LINK = "setup link"
USED_LINKS = "used sign-in links"


def set_password(person: Person, password: str, by: Asker | None = None) -> None:
    """Raises PeopleProblem for a password that is too short or easy to guess, NotAllowed for someone above the asker,
    and for another person unless an Owner or super admin asks; None: the installation itself. Every session ends."""
    if by is not None:
        rank.require_for_sign_in(by, person)
    known = (person.name, names.main_email(person), workspace().name)
    passwords.refuse_weak(password, *known)
    person.password_hash = passwords.hashed(password)
    with writing():
        Person.update(password_hash=person.password_hash).where(Person.id == person.id).execute()
        Session.delete().where(Session.person == person).execute()
        if by:
            activity.record(by, "set password", about=names.signature(person), person=person)
            sign_in_changes.notify(person, "Your password was changed. You were signed out everywhere.", by)


def authenticate(email: str, password: str, source: str = "", browser: str = "") -> Person | None:
    """The person, or None for a wrong e-mail or password alike, in the same time.

    `source` is the network address it comes from, `browser` the id of a browser that this person has signed in with
    before. Raises TooManyAttempts after too many failures of either, also for the right password; Busy.
    """
    person = people.find_by_email(email)
    counted = attempts.keys(person, email_key(email) or email.strip().lower()[:200], source, browser)
    attempts.begin(counted)
    known = person is not None and person.password_hash and may_sign_in(person)
    if not passwords.fits(person.password_hash if known else None, password):
        attempts.failed(person, source, counted)
        return None
    attempts.succeeded(counted)
    if passwords.is_outdated(person.password_hash):
        compared, person.password_hash = person.password_hash, passwords.hashed(password)
        with writing():  # nor is a password restored that has just been changed
            Person.update(password_hash=person.password_hash).where(
                Person.id == person.id, Person.password_hash == compared).execute()
    return person


def setup_link_token() -> str | None:
    """A new one-time token for the set-up page, which makes the one before void; None once there is an owner."""
    if has_owner():
        return None
    token = secrets.token_urlsafe(24)
    set_setting(SETUP_LINK, token_hash(token))
    return token


def check_setup_token(token: str) -> bool:
    kept = setting(SETUP_LINK)
    return bool(kept) and not has_owner() and hmac.compare_digest(kept, token_hash(token))


def set_up(workspace_name: str, email: str, name: str, password: str, by: Asker, zone: str = "") -> Person:
    """Name the workspace and make its first owner; PeopleProblem, and nothing changed, when there is one.

    `zone` is the workspace's time zone; "" leaves it as it is. Raises WorkspaceProblem for one that isn't known.

    Someone who is known and has lost their second factor gets in by this: it is reset.
    """
    rank.require(by, WorkspaceRole.OWNER)
    with writing():
        if has_owner():
            raise PeopleProblem("This workspace already has an Owner. Nothing was changed: sign in instead.")
        update_workspace(by, name=workspace_name.strip(), **({"zone": zone.strip()} if zone.strip() else {}))
        person = people.find_by_email(email)
        if person is None:
            person = people.add(name, email, by)
        else:
            sentence = "The set-up link made you an Owner, with a new password and no second factor."
            sign_in_changes.notify(person, sentence, by)
        if person.status != PersonStatus.ACTIVE:
            people.mark_returned(person, by)
        set_password(person, password)
        second_factor.reset(person, by)
        people.set_workspace_role(person, WorkspaceRole.OWNER, by)
        set_setting(SETUP_LINK, None)
        activity.record(by, "set up workspace", about=workspace_name, person=person)
    return person


def signed_link(person: Person, by: Asker | None = None, once: str = "", lasts: int = LINK_SECONDS) -> str:
    """A token that signs in once, within `lasts` seconds: what `make demo` prints, and what an owner hands to a
    newcomer. Tokens with the same `once` are one link: using one of them uses up all.

    It ends with a new password, without the address that it may have been sent to, and with a higher role: it was made
    by someone who may have a lower one. One that
    someone passes on to another (`by`) is confirmed on a page first: programs that look at the links in mails and chats
    would use it up, and nobody is signed in by following a stranger's link. The person gets an e-mail about it. Raises
    NotAllowed; `by` is None for the installation itself (`make demo`).
    """
    if by is not None:
        rank.require_for_sign_in(by, person)
    if by:
        with writing():
            activity.record(by, "made one-time sign-in link", about=names.signature(person), person=person)
            if by.person_id != person.id and _has_another_way(person):
                sign_in_changes.notify(person, "A one-time link was made that signs in as you.", by)
    body = {"asks": bool(by), "person": person.id, "once": once or secrets.token_urlsafe(12), "lasts": lasts,
            "role": person.workspace_role, **marks(person)}
    return _links().dumps(body)


def _has_another_way(person: Person) -> bool:
    """Whether they can sign in without a link. A newcomer who can't expects one."""
    identity = SignInIdentity.select().where(SignInIdentity.person == person)
    return bool(person.password_hash) or second_factor.has(person) or identity.exists()


def link_asks(token: str) -> bool:
    """Whether a signed link needs a click on its page before it signs in. The link isn't used up by this call."""
    body = _body(token)
    if body is None or not body.get("asks", True) or body["once"] in (setting(USED_LINKS) or {}):
        return False
    return _person_of_link(body) is not None


def person_of_link(token: str) -> Person | None:
    """The person of a signed link; None for a forged, used or outdated one. This uses it up."""
    body = _body(token)
    if body is None:
        return None
    now = int(utcnow().timestamp())
    with writing():
        used = {once: ends for once, ends in (setting(USED_LINKS) or {}).items() if ends >= now}
        if body["once"] in used:
            return None
        set_setting(USED_LINKS, used | {body["once"]: now + body["lasts"]})
    return _person_of_link(body)


def lasts(token: str) -> int:
    """How many seconds a signed link is valid in all; 0 if it is forged or has expired."""
    body = _body(token)
    return body["lasts"] if body else 0


def _person_of_link(body: dict) -> Person | None:
    """The person of the link; None if they have another password, a higher role or not that address any longer, or may
    no longer sign in."""
    person = Person.get_or_none(Person.id == body["person"])
    if person is None or not are_marks_of(person, body):
        return None
    if rank.rank_of(person.workspace_role) < rank.rank_of(body["role"]):
        return None
    return person if may_sign_in(person) else None


def _body(token: str) -> dict | None:
    try:
        body, made_at = _links().loads(token, return_timestamp=True)
    except BadSignature:
        return None
    body.setdefault("lasts", LINK_SECONDS)
    body.setdefault("role", WorkspaceRole.OWNER)  # of a link that was made before they were bound to a role
    if time.time() - made_at.timestamp() > body["lasts"] or was_withdrawn(made_at):
        return None
    return body


def was_withdrawn(made_at: datetime) -> bool:
    """Whether a backup was restored since: which links had been used by then isn't known any longer."""
    withdrawn = setting(WITHDRAWN)
    return withdrawn is not None and made_at.replace(tzinfo=None) < datetime.fromisoformat(withdrawn).replace(
        microsecond=0)  # a link has whole seconds


def _links() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(vault.derive("sign-in link"), salt="one-time link")


def password_mark(person: Person) -> str:
    return _mark(person.password_hash or "")


def marks(person: Person) -> dict[str, str]:
    """What must not change for a link by e-mail to work: the password, and the address, which may become another's."""
    return {"password": password_mark(person), "to": _mark(names.main_email(person))}


def are_marks_of(person: Person, body: dict[str, str]) -> bool:
    """Whether the person still has the password and the address. Links of earlier versions have no address."""
    sent_to = body.get("to", _mark(""))
    is_theirs = sent_to == _mark("") or sent_to in {_mark(row.email) for row in person.addresses()}
    return is_theirs and hmac.compare_digest(body["password"], password_mark(person))


def _mark(text: str) -> str:
    return token_hash(text)[:16]
