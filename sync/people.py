"""The humans that the workspace knows: adding, editing, finding them, and the one rule of their status.
Nothing else may write Person.status: it follows from the directories unless somebody decided by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from peewee import JOIN, fn, prefetch

from sync import activity, matching
from sync.db import connected, db, utcnow, writing
from sync.models import App, DirectoryEntry, Person, PersonEmail, Session
from sync.page import PAGE_SIZE, Page

STATUSES = ("active", "suspended", "deprovisioned")
WORKSPACE_ROLES = ("owner", "super admin", "admin", "user", "guest")
CHUNK = 500  # ids in one SQL statement

db.register_function(lambda text: (text or "").casefold(), "casefold", 1)


class PeopleProblem(ValueError):
    """It can't be done; the message is a sentence for the page."""


def signature(person: Person) -> str:
    """How the log names somebody: "Olga Brandt <olga@acme.example>"."""
    email = main_email(person)
    return f"{person.name} <{email}>" if person.name and email else person.name or email or f"person {person.id}"


def main_email(person: Person) -> str:
    """The address that mail goes to; "" for somebody who has none."""
    emails = sorted(person.emails, key=lambda email: (not email.main, email.id))
    return emails[0].email if emails else ""


def find_by_email(email: str) -> Person | None:
    """Whose address this is, in any spelling, main or further."""
    normal = matching.normal_email(email)
    if not normal:
        return None
    with connected():
        return Person.select().join(PersonEmail).where(PersonEmail.normal == normal).first()


def search(search: str = "", status: str = "", page: int = 1) -> Page:
    """One page of people by name; `search` is a part of a name or an address, `status` one of STATUSES or ""."""
    query = Person.select()
    if status:
        query = query.where(Person.status == status)
    if wanted := search.strip().casefold():
        with_email = PersonEmail.select(PersonEmail.person).where(PersonEmail.normal.contains(wanted))
        query = query.where(fn.casefold(Person.name).contains(wanted) | Person.id.in_(with_email))
    with connected():
        total = query.count()
        rows = query.order_by(Person.name, Person.id).paginate(max(page, 1), PAGE_SIZE)
        return Page(rows=list(prefetch(rows, PersonEmail)), total=total, number=max(page, 1))


def add(
    name: str, email: str, by: str, further_emails: Iterable[str] = (), workspace_role: str | None = None
) -> Person:
    """A new person, active; PeopleProblem if an address is none or belongs to somebody already."""
    _check_role(workspace_role)
    with writing():
        emails = _usable_emails([email, *further_emails], None)
        person = Person.create(name=_clean(name), workspace_role=workspace_role, status_reason=f"Added by {_short(by)}")
        _write_emails(person, emails)
        activity.record(by, "added person", about=signature(person), after=workspace_role, person=person)
        match_accounts()
    return person


def edit(person: Person, by: str, name: str | None = None, emails: Sequence[str] | None = None) -> None:
    """Change the name, or all addresses at once (the first is the main one); what is None stays."""
    with writing():
        before = _portrait(person)
        if name is not None:
            person.name = _clean(name)
            Person.update(name=person.name).where(Person.id == person.id).execute()
        if emails is not None:
            usable = _usable_emails(emails, person)
            PersonEmail.delete().where(PersonEmail.person == person).execute()
            _write_emails(person, usable)
            match_accounts()
        after = _portrait(person)
        if before != after:
            activity.record(by, "edited person", about=signature(person), before=before, after=after, person=person)


def mark_left(person: Person, by: str, reason: str = "") -> None:
    """Somebody says that the person has left the company: deprovisioned, whatever the directories say."""
    with writing():
        _keep_an_owner(person)
        _decide_by_hand(person, "deprovisioned", by, f"Marked as left by {_short(by)}", reason)


def mark_returned(person: Person, by: str) -> None:
    """Somebody says that the person is (still, or again) here: active, until a directory agrees and then changes."""
    with writing():
        _decide_by_hand(person, "active", by, f"Marked as back by {_short(by)}", "")


def set_workspace_role(person: Person, role: str | None, by: str) -> None:
    """What the person may do in Rollcall; None: may not sign in. The last owner stays owner."""
    _check_role(role)
    with writing():
        before = Person.get_by_id(person.id).workspace_role
        if before == role:
            return
        if role != "owner":
            _keep_an_owner(person)
        Person.update(workspace_role=role).where(Person.id == person.id).execute()
        if role is None:
            Session.delete().where(Session.person == person).execute()
        activity.record(
            by, "changed workspace role", about=signature(person), before=before, after=role, person=person
        )
    person.workspace_role = role


def recompute_status(person_ids: Iterable[int], by: str) -> dict[str, int]:
    """Bring the persons' status in line with their directory entries; gives how many became what.

    Any active entry makes active, else any suspended one suspended, else deprovisioned.
    Without entries the status stays. A decision by hand wins until the directories agree
    with it, and is then forgotten, so that what they say next counts again.
    """
    became: dict[str, int] = {}
    ids = sorted(set(person_ids))
    with writing():
        for start in range(0, len(ids), CHUNK):
            for person, entries in _with_entries(ids[start : start + CHUNK]):
                for word in _follow(person, entries, by):
                    became[word] = became.get(word, 0) + 1
    return became


def match_accounts() -> None:
    """New addresses may belong to accounts that nobody was found for."""
    for app in App.select().where(App.state != "disconnected"):
        matching.match_by_email(app)


def _with_entries(ids: list[int]) -> list[tuple[Person, list[DirectoryEntry]]]:
    people = Person.select().where(Person.id.in_(ids)).order_by(Person.id)
    entries: dict[int, list[DirectoryEntry]] = {}
    for entry in DirectoryEntry.select().where(DirectoryEntry.person.in_(ids)):
        entries.setdefault(entry.person_id, []).append(entry)
    return [(person, entries.get(person.id, [])) for person in people]


def _follow(person: Person, entries: list[DirectoryEntry], by: str) -> list[str]:
    said = next((status for status in STATUSES if any(entry.status == status for entry in entries)), None)
    if said is None:
        return []
    if person.status_by_hand == said:
        Person.update(status_by_hand=None).where(Person.id == person.id).execute()
    elif person.status_by_hand:
        return []
    latest = max((entry for entry in entries if entry.status == said), key=lambda entry: entry.reported_at)
    return [said] if _become(person, said, by, latest.reason) else []


def _decide_by_hand(person: Person, status: str, by: str, reason: str, why: str) -> None:
    [(current, entries)] = _with_entries([person.id])
    agreed = bool(entries) and _derived(entries) == status
    Person.update(status_by_hand=None if agreed else status).where(Person.id == person.id).execute()
    _become(current, status, by, f"{reason}: {why.strip()}" if why.strip() else reason)
    person.status, person.status_by_hand = status, None if agreed else status


def _become(person: Person, status: str, by: str, reason: str) -> bool:
    if person.status == status:
        return False
    Person.update(status=status, status_since=utcnow(), status_reason=reason).where(Person.id == person.id).execute()
    if status == "deprovisioned":
        Session.delete().where(Session.person == person).execute()
    activity.record(
        by, f"person {status}", about=signature(person), why=reason, before=person.status, after=status, person=person
    )
    return True
