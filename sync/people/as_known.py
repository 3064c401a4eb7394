"""Finds the rows of an imported list that say nothing new, a group at a time: a list of thousands in which little is
new then holds the database for a moment only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from connectors.names import clean_name, email_key
from sync.listing import one_of, one_of_texts
from sync.models import Person, PersonEmail
from sync.people.people import MOST_EMAILS
from sync.rank import Asker
from sync.states import PersonStatus

GROUP = 500  # rows that are looked at together


class AsKnown:
    """Answers for each row, in their order, whether it says nothing new. `dated`: the list gives each person's last
    day, or says that there is none.

    No two rows have an address in common, so that to import one doesn't change whether another is as known.
    """

    def __init__(self, rows: Sequence[Any], by: Asker, dated: bool):
        self._rows, self._by, self._dated = rows, by, dated
        self._read_to = 0
        self._people: dict[str, Person] = {}

    def person_of(self, place: int) -> Person | None:
        """Whose row this is, if an import of it would change nothing; None where it might."""
        if place >= self._read_to:
            self._read(place)
        row = self._rows[place]
        person = self._people.get(email_key(row.email))
        return person if person is not None and _is_known(row, person, self._by, self._dated) else None

    def _read(self, place: int) -> None:
        rows = self._rows[place : place + GROUP]
        self._read_to = place + len(rows)
        keys = json.dumps([email_key(row.email) for row in rows])
        named = {email.email_key: email.person_id for email in
                 PersonEmail.select().where(one_of_texts(PersonEmail.email_key, keys))}  # fmt: skip
        ids = json.dumps(sorted(set(named.values())))
        people = {person.id: person for person in Person.select().where(one_of(Person.id, ids))}
        for person in people.values():
            person.emails = []
        for email in PersonEmail.select().where(one_of(PersonEmail.person, ids)).order_by(PersonEmail.id):
            people[email.person_id].emails.append(email)
        self._people = {key: people[id] for key, id in named.items()}


def _is_known(row: Any, person: Person, by: Asker, dated: bool) -> bool:
    """Whether each step of an import finds nothing to do, because all values of the row are the person's. Someone else
    who has the address of a person who has left differs from them in name or number."""
    has_left = row.status == PersonStatus.DEPROVISIONED
    return (
        (not row.status or row.status == person.status)
        and len(row.further_emails) < MOST_EMAILS
        and is_called_so(row, person)
        and (not by.vouches or all(email.vouched_for for email in person.emails if email.email_key in _keys(row)))
        and row.employee_number in ("", person.employee_number)
        and row.department in ("", person.department) and row.manager in ("", person.manager)
        and (not dated or person.last_day == (None if has_left else row.last_day))
    )  # fmt: skip


def is_called_so(row: Any, person: Person) -> bool:
    """Whether this is the person's name, and all addresses of the row are theirs."""
    emails = list(person.emails)
    return (_keys(row) <= {email.email_key for email in emails} and any(email.main for email in emails)
            and (not row.name or clean_name(row.name) == person.name))  # fmt: skip


def _keys(row: Any) -> set[str]:
    return {email_key(email) for email in (row.email, *row.further_emails)}
