"""Inviting a colleague into Rollcall in one step: the person, their workspace role, and a one-time link to sign in.
The link is mailed; without a mail server it is shown once to the person who invites."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from connectors.names import email_key
from sync import activity, names, rank
from sync.db import utcnow, writing
from sync.mail import outbox
from sync.mail.letters import SEALED_LINK, Sentence, moment, name_in_line
from sync.models import Person
from sync.people import people
from sync.people.people import PeopleProblem
from sync.rank import Asker
from sync.settings import set_setting, setting
from sync.sign_in import sign_in
from sync.states import PersonStatus, WorkspaceRole
from sync.workspace import workspace

MAY_INVITE = (WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
LASTS = timedelta(days=3)
SENT = "invited colleagues"  # the marks of forms that were sent lately → [person, until when they are remembered]
REMEMBERED = timedelta(hours=1)
MARK = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True)
class Invited:
    person: Person
    link: str  # to hand over; "" where it is mailed


def invite(name: str, email: str, role: str, by: Asker, mark: str) -> Invited:
    """Add the person, or give the role to someone who may not sign in yet, and make their link.

    `mark` is random and comes with the form: the second request of a double click has the same one, invites nobody
    again, and gets the same link. Raises PeopleProblem, or NotAllowed for a role above the asker's; then nothing was
    changed.
    """
    rank.require(by, *MAY_INVITE)
    if not MARK.fullmatch(mark) or not role:
        raise PeopleProblem("Choose a role, and send the form from its page. Nobody was invited.")
    with writing():
        person = people.find_by_email(email)
        if person is None or _sent().get(mark, [None])[0] != person.id:
            person = _added(person, name, email, role, by)
            until = utcnow() + REMEMBERED
            set_setting(SENT, _sent() | {mark: [person.id, until.isoformat()]})
            activity.record(by, "invited colleague", about=names.signature(person), after=role, person=person)
        token = sign_in.signed_link(person, by, once=mark, lasts=int(LASTS.total_seconds()))
        link = outbox.link(f"/sign-in/{token}")
        if not outbox.can_send():
            return Invited(person, link)
        _mail(person, _as_stored(person, email), role, link, by, mark)
    return Invited(person, "")


def is_invitation(token: str) -> bool:
    """Whether a link came from invite(), and not from someone's page."""
    return sign_in.lasts(token) == int(LASTS.total_seconds())


def _sent() -> dict[str, list]:
    now = utcnow().isoformat()
    return {mark: kept for mark, kept in (setting(SENT) or {}).items() if kept[1] > now}


def _added(person: Person | None, name: str, email: str, role: str, by: Asker) -> Person:
    if person is None:
        return people.add(name, email, by, workspace_role=role)
    known = person.name or names.main_email(person)
    if person.workspace_role:
        role = rank.in_words(person.workspace_role)
        raise PeopleProblem(f"{known} can already sign in, as {role}. Nobody was invited. Change the role, "
                            "or make a new link, on their page.")
    if person.status != PersonStatus.ACTIVE:
        raise PeopleProblem(f"{known} is {person.status} in Rollcall. Nobody was invited. Open their page to see why.")
    people.set_workspace_role(person, role, by)
    return person


def _as_stored(person: Person, email: str) -> str:
    """The address that the asker entered. An admin or a directory may have given the person another main one, and what
    is mailed there signs in."""
    return next(row.email for row in person.addresses() if row.email_key == email_key(email))


def _mail(person: Person, email: str, role: str, link: str, by: Asker, mark: str) -> None:
    company = workspace().name
    outbox.put(
        [email], "colleague", f"colleague-{mark}", template="colleague",
        subject=Sentence(f"Your access to Rollcall at {name_in_line(company)}"), name=person.name, role=role,
        asked_by=names.short_name(by), link=SEALED_LINK, until=moment(utcnow() + LASTS), secret_link=link,
        signs_in=person,
    )  # fmt: skip
