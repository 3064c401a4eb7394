"""Accounts at a sign-in provider that would be a person here by an address alone, until someone says that they are:
the person, who proves it another way, or an Owner."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta

from peewee import ModelSelect, fn

from connectors.names import email_key
from sync import activity, names, rank
from sync.db import utcnow, writing
from sync.jobs import queue
from sync.models import Person, SignInIdentity, WaitingSignIn
from sync.people.people import PeopleProblem
from sync.prepared import prepared_plain
from sync.rank import Asker
from sync.states import WorkspaceRole

SWAPPED = "This sign-in has just changed, so nothing was approved. Look at it again: it may be someone else's."
KEPT = timedelta(days=14)  # after which an Owner is no longer asked
FRESH = timedelta(minutes=30)  # in which the person may confirm it, in the browser where it began


def keep(person: Person, issuer: str, subject: str, email: str, label: str, why: str,
         person_may_confirm: bool) -> WaitingSignIn:  # fmt: skip
    """Store the sign-in, or update its row and its time if it has one. Inside the caller's transaction."""
    row = WaitingSignIn.get_or_none(WaitingSignIn.issuer == issuer, WaitingSignIn.subject == subject)
    row = row or WaitingSignIn(issuer=issuer, subject=subject)
    row.person, row.email, row.label, row.why = person, email, label, why
    row.person_may_confirm, row.created_at = person_may_confirm, utcnow()
    row.save()
    return row


def waiting(person: Person | None = None) -> list[WaitingSignIn]:
    """What waits, of one person or all; the oldest first, with its people."""
    query = WaitingSignIn.select(WaitingSignIn, Person).join(Person)
    return list((query.where(WaitingSignIn.person == person) if person else query).order_by(WaitingSignIn.id))


def count() -> int:
    """How many wait."""
    [(number,)] = _counted()
    return number


@prepared_plain
def _counted() -> ModelSelect:
    return WaitingSignIn.select(fn.COUNT(WaitingSignIn.id))


def confirmable(waiting_id: int | None, person: Person) -> WaitingSignIn | None:
    """The one that this person may confirm themselves: it began in their browser a moment ago."""
    if waiting_id is None:
        return None
    return WaitingSignIn.get_or_none(WaitingSignIn.id == waiting_id, WaitingSignIn.person == person,
                                     WaitingSignIn.person_may_confirm, WaitingSignIn.created_at > utcnow() - FRESH)


def confirm(row: WaitingSignIn, by: Asker) -> None:
    """Link the account to the person, who has signed in another way. Raises NotAllowed for anyone else."""
    with writing():
        row = WaitingSignIn.get_by_id(row.id)
        if by.person_id != row.person_id or confirmable(row.id, row.person) is None:
            raise rank.NotAllowed("The person confirms this themselves, in the browser where it began.")
        _link(row, by, "confirmed by the person")


def approve(row: WaitingSignIn, by: Asker) -> None:
    """An Owner says that it is the person's. Raises NotAllowed for anyone else.

    Raises PeopleProblem where it is no longer what `row` says: the same account may have come with another address.
    """
    rank.require(by, WorkspaceRole.OWNER)
    with writing():
        now = WaitingSignIn.get_or_none(WaitingSignIn.id == row.id)
        if now is None or seen(now) != seen(row):
            raise PeopleProblem(SWAPPED)
        _link(now, by, "approved by an Owner")


def seen(row: WaitingSignIn) -> str:
    """A mark of what an Owner looks at: which account would be which person, by which address."""
    return hashlib.sha256(json.dumps([row.id, row.issuer, row.subject, row.person_id, row.email]).encode()).hexdigest()


def dismiss(row: WaitingSignIn, by: Asker) -> None:
    """Don't link the account, as an Owner or the person decided. It waits again when someone signs in with it again."""
    if by.person_id != row.person_id:
        rank.require(by, WorkspaceRole.OWNER)
    with writing():
        if WaitingSignIn.delete().where(WaitingSignIn.id == row.id).execute():
            activity.record(by, "dismissed waiting sign-in", about=names.signature(row.person), person=row.person,
                            before=f"{row.email}, {row.subject} of {row.issuer}")


def _link(row: WaitingSignIn, by: Asker, why: str) -> None:
    same = (SignInIdentity.issuer == row.issuer) & (SignInIdentity.subject == row.subject)
    SignInIdentity.delete().where(same).execute()
    SignInIdentity.create(issuer=row.issuer, subject=row.subject, person=row.person, email=email_key(row.email))
    activity.record(by, "linked sign-in", about=names.signature(row.person), after=f"{row.subject} of {row.issuer}",
                    why=f"{row.email}: {why}", person=row.person)
    row.delete_instance()


@queue.each_minute
def delete_expired(now: datetime) -> None:
    """What nobody confirmed for two weeks."""
    with writing():
        WaitingSignIn.delete().where(WaitingSignIn.created_at < now - KEPT).execute()
