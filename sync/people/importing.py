"""Imports people from a list: people in it are added or updated, and nobody else changes.
What its columns mean is remembered for the next list."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import connectors
from connectors.base import ColumnsUnclear, ConnectorError
from connectors.names import email_key
from sync import activity, rank, sample_data
from sync.db import writing
from sync.files.columns import is_to_be_looked_at
from sync.matching import addresses
from sync.matching import rules as match_rules
from sync.matching.members import counted_once
from sync.models import Person, PersonEmail
from sync.names import person_name, short_name
from sync.people import held
from sync.people.as_known import AsKnown, is_called_so
from sync.people.people import (
    MOST_EMAILS,
    PeopleProblem,
    add,
    decide_by_hand,
    edit,
    find_by_email,
    keep_an_owner,
    portrait,
    take_address,
)
from sync.rank import Asker
from sync.states import HeldField, PersonStatus
from sync.workspace import set_setting, setting, today

PURPOSE = "import"
REMEMBERED = "people import columns"


@dataclass(frozen=True)
class ImportOutcome:
    """How many people of a list were new, were brought up to date, and were already as it says; of how many something
    is held, since they rank above the importer or have left. `unread` names the columns that were not read, `notes`
    what else was passed over, `emails` the main addresses that the list says."""

    added: int
    updated: int
    unchanged: int
    held: int = 0
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    emails: tuple[str, ...] = field(default=(), compare=False)


def remembered_mapping() -> str:
    """The answers about the columns of the last list, as JSON; "" if there are none."""
    return setting(REMEMBERED, "")


def propose(content: bytes, mapping: str | None = None) -> connectors.Proposal:
    """What the list says and what must be answered first. Raises PeopleProblem for a file that can't be used."""
    try:
        return connectors.propose(content, PURPOSE, remembered_mapping() if mapping is None else mapping, today())
    except ConnectorError as problem:
        raise PeopleProblem(f"The list can't be read. {problem} Nothing was changed.") from problem


def asks_first(content: bytes) -> bool:
    """Whether a person must look at what the columns mean before this list is used: something is open, or it is the
    first list that isn't in Rollcall's own words. Raises PeopleProblem."""
    proposal = propose(content)
    return bool(proposal.questions) or not remembered_mapping() and is_to_be_looked_at(proposal)


def import_file(path: Path, by: Asker, mapping: str | None = None) -> ImportOutcome:
    """import_csv() of a file on this machine."""
    try:
        content = connectors.file_content(path)
    except ConnectorError as problem:
        raise PeopleProblem(f"{problem} Nothing was changed.") from problem
    return import_csv(content, by, mapping, path.name)


def import_csv(content: bytes, by: Asker, mapping: str | None = None, name: str = "The list") -> ImportOutcome:
    """Import the people in the list, without changing anyone else.

    `mapping` (JSON) is what its columns mean, None for what was remembered. Whole or nothing: raises PeopleProblem,
    which names the line or the column, and changes nothing; NotAllowed. A status in the list is a decision by hand,
    since the list is given by hand. Its changes to people above the asker are held, and so is the return of someone
    who has left, as the list may be an old one.
    """
    rank.require(by, *rank.MANAGERS)
    sample_data.refuse_real()
    proposal = propose(content, mapping)
    try:
        rows = connectors.rows_of(proposal)
    except ColumnsUnclear as unclear:
        raise ImportUnclear(f"{name}: {unclear} Nothing was changed.", proposal) from unclear
    except ConnectorError as problem:
        raise PeopleProblem(f"{name} can't be read. {problem} Nothing was changed.") from problem
    done = {"added": 0, "updated": 0, "unchanged": 0, "held": 0}
    with writing(), counted_once():
        dated, named = _says(proposal, "last_day"), {}
        as_known = AsKnown(rows, by, dated)
        for place, row in enumerate(rows):
            outcome, person = "unchanged", as_known.person_of(place)
            if person is None:
                outcome, person = _import(row, by, dated)
            done[outcome] += 1
            if (before := named.setdefault(person.id, row.email)) != row.email:
                raise PeopleProblem(f"{name} names {person_name(person)} twice, as {before} and as {row.email}. "
                                    "Nothing was changed.")
        if mapping is not None:
            set_setting(REMEMBERED, proposal.settled())
        counts = {word: count for word, count in done.items() if count or word != "held"}
        activity.record(by, "imported people", after=", ".join(f"{count} {word}" for word, count in counts.items()))
    notes = (*proposal.notes, *(["Groups were not imported: they come from directories."] if _says(proposal, "groups")
                                else []))  # fmt: skip
    return ImportOutcome(**done, unread=proposal.unread, notes=notes, emails=tuple(row.email for row in rows))


class ImportUnclear(PeopleProblem):
    """Something must be answered first; `proposal` holds the questions."""

    def __init__(self, message: str, proposal: connectors.Proposal):
        super().__init__(message)
        self.proposal = proposal


def _says(proposal: connectors.Proposal, meaning: str) -> bool:
    """Whether one of the list's columns is that."""
    return any(column.meaning == meaning for column in proposal.columns)


def _import(row: Any, by: Asker, dated: bool) -> tuple[str, Person]:
    """Bring one person in line with their row; `dated` lists say each one's last day, or that there is none. Returns
    what was done, and who it is."""
    if len(row.further_emails) >= MOST_EMAILS:
        raise PeopleProblem(f"{row.email} has more than {MOST_EMAILS} e-mail addresses in this list. "
                            "Nothing was changed.")
    person = find_by_email(row.email)
    if person is not None and not rank.may_change(by, person):
        return "held" if held.hold_import(person, _asked(row, person, dated), by) else "unchanged", person
    former = person if person is not None and _is_a_successor(row, person) else None
    if former is not None:
        take_address(former, row.email)
    if person is None or former is not None:
        person = add(row.name, row.email, by, row.further_emails)
        outcome = "added"
        if former is not None:
            _record_moved(row, former, person, by)
    else:
        before = _as_now(person)
        if not is_called_so(row, person):
            known = {email_key(email.email): email.email for email in person.emails}
            further = [email for email in row.further_emails if email_key(email) not in known]
            known_first = [*(email.email for email in person.addresses()), *further]
            edit(person, by, name=row.name or None, emails=known_first)
        outcome = "updated"
    if by.vouches:
        named = [email_key(email) for email in (row.email, *row.further_emails)]
        theirs = (PersonEmail.person == person, PersonEmail.email_key.in_(named))
        PersonEmail.update(vouched_for=True).where(*theirs).execute()
    if row.employee_number and row.employee_number != person.employee_number:
        Person.update(employee_number=row.employee_number).where(Person.id == person.id).execute()
        match_rules.match_everywhere(numbers=(row.employee_number, person.employee_number or ""))
    brought_back = person.status == PersonStatus.DEPROVISIONED and row.status and row.status != person.status
    if brought_back:
        asked = [(HeldField.STATUS, row.status), *([(HeldField.LAST_DAY, str(row.last_day))] if row.last_day else [])]
        why = "They have left: the list may be an old one"
        is_new = [held.hold(person, field, value, by, why=why) for field, value in asked]
        outcome = "held" if any(is_new) else outcome
    elif row.status and row.status != person.status:
        if row.status == PersonStatus.DEPROVISIONED:
            keep_an_owner(person)
        decide_by_hand(person, row.status, by, f"Imported by {short_name(by)}", "")
    if not brought_back:
        _note(person, row, dated)
    if outcome == "updated":
        outcome = "unchanged" if before == _as_now(Person.get_by_id(person.id)) else "updated"
    return outcome, person


def _is_a_successor(row: Any, person: Person) -> bool:
    """Whether the list gives the address of this person, who has left, to another human who is here."""
    is_here = row.status != PersonStatus.DEPROVISIONED
    return person.status == PersonStatus.DEPROVISIONED and is_here and (
        addresses.is_another_human(row.name, row.employee_number, person))  # fmt: skip


def _record_moved(row: Any, former: Person, person: Person, by: Asker) -> None:
    before, after = person_name(former), person_name(person)
    activity.record_all([
        dict(who=by, what="moved e-mail address", about=row.email, before=before, after=after, person_id=one.id,
             why=f"A list gives it to {after}, and {before} has left") for one in (former, person)
    ])  # fmt: skip


def _asked(row: Any, person: Person, dated: bool) -> list[tuple[str, str]]:
    """What the row says that isn't so, as it is held: (field, value)."""
    known = {email.email_key for email in person.emails}
    asked = [(HeldField.NAME, row.name), (HeldField.NUMBER, row.employee_number), (HeldField.STATUS, row.status),
             (HeldField.DEPARTMENT, row.department), (HeldField.MANAGER, row.manager),
             *((HeldField.ADDRESS, email) for email in row.further_emails if email_key(email) not in known)]
    if dated and row.status != PersonStatus.DEPROVISIONED:
        asked.append((HeldField.LAST_DAY, str(row.last_day or held.NO_DAY)))
    return asked


def _note(person: Person, row: Any, dated: bool) -> None:
    """What the list says beside the status; a last day that has passed is already in the status."""
    given = {"department": row.department, "manager": row.manager}
    values: dict[str, object] = {name: value for name, value in given.items() if value}
    if dated:
        values["last_day"] = row.last_day if row.status != PersonStatus.DEPROVISIONED else None
    if values:
        Person.update(values).where(Person.id == person.id).execute()


def _as_now(person: Person) -> tuple:
    return (portrait(person), person.status, person.employee_number, person.last_day, person.department,
            person.manager)
