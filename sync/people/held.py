"""What a list or a directory reports about people above the one responsible for it, what an imported list reports
about people who have left as if they were here, and what a guard held of a directory that was removed: kept until
someone of rank releases it. A decision stays: a dismissed
change isn't proposed again while the directory has the same value."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sync import activity, names, rank
from sync.db import db, writing
from sync.matching import rules as match_rules
from sync.models import Directory, HeldChange, Person
from sync.people import holds, people
from sync.rank import Asker
from sync.states import HeldChangeState, HeldField, PersonStatus

OF_PERSON = {
    HeldField.LAST_DAY: "last_day",
    HeldField.DEPARTMENT: "department",
    HeldField.MANAGER: "manager",
    HeldField.NUMBER: "employee_number",
}
NO_DAY = "none"


def hold(person: Person, field: str, value: str, by: str | Asker, directory: Directory | int | None = None,
         why: str = "") -> bool:  # fmt: skip
    """Keep what was asked instead of doing it, since the person ranks above, or as `why` says; False where the same
    waits, or was decided. Inside the caller's transaction."""
    same = (HeldChange.person == person) & (HeldChange.field == field) & (HeldChange.value == value)
    if directory is None:
        same &= HeldChange.directory.is_null() & (HeldChange.state == HeldChangeState.OPEN)
    else:
        same &= (HeldChange.directory == directory) & HeldChange.state.in_(
            (HeldChangeState.OPEN, HeldChangeState.DISMISSED)
        )
    if HeldChange.select().where(same).exists():
        return False
    HeldChange.create(person=person, field=field, value=value, asked_by=str(by), directory=directory)
    activity.record(by, "held change", about=names.signature(person), before=now(person, field), person=person,
                    after=f"{field}: {value}",
                    why=why or f"{person.name or 'This person'} ranks above the person responsible for it")
    return True


def hold_import(person: Person, asked: Iterable[tuple[str, str | None]], by: Asker) -> int:
    """Keep what a list that someone imports says of a person above them; how much of it is new."""
    differs = [(field, value) for field, value in asked if value and value != (now(person, field) or NO_DAY)]
    return sum(hold(person, field, value, by) for field, value in differs)


def delete_unreported(directory: Directory) -> None:
    """Drop waiting changes that the directory no longer reports for these people. Inside the caller's transaction."""
    entry = ("SELECT 1 FROM directory_entry AS e WHERE e.directory_id = held_change.directory_id "
             "AND e.person_id = held_change.person_id AND e.reported_status <> 'deprovisioned'")
    addresses = ("SELECT 1 FROM directory_address AS a JOIN directory_entry AS e ON e.directory_id = a.directory_id "
                 "AND e.external_id = a.external_id WHERE e.directory_id = held_change.directory_id "
                 "AND e.person_id = held_change.person_id AND a.email = held_change.value AND a.active")
    db.execute_sql(f"""
        DELETE FROM held_change WHERE directory_id = ? AND state <> 'released' AND NOT CASE field
            WHEN '{HeldField.NAME}' THEN EXISTS ({entry} AND e.name = held_change.value)
            WHEN '{HeldField.NUMBER}' THEN EXISTS ({entry} AND e.employee_number = held_change.value)
            WHEN '{HeldField.MAIN_ADDRESS}' THEN EXISTS ({entry} AND email_key(e.email) = held_change.value)
            WHEN '{HeldField.ADDRESS}' THEN EXISTS ({addresses}) ELSE TRUE END""", (directory.id,))


def waiting(person: Person | None = None, directory: Directory | None = None) -> list[HeldChange]:
    """What is held, of one person, of one directory, or all of it; the oldest first, with its people."""
    query = HeldChange.select(HeldChange, Person).join(Person).where(HeldChange.state == HeldChangeState.OPEN)
    if person is not None:
        query = query.where(HeldChange.person == person)
    if directory is not None:
        query = query.where(HeldChange.directory == directory)
    return list(query.order_by(Person.name, HeldChange.id))


def left_by(directory: Directory) -> list[HeldChange]:
    """The held changes that a removed directory with this name asked for, oldest first, with their people."""
    of_removed = HeldChange.directory.is_null() & (HeldChange.asked_by == names.signature_of_directory(directory))
    query = HeldChange.select(HeldChange, Person).join(Person).where(HeldChange.state == HeldChangeState.OPEN)
    return list(query.where(of_removed).order_by(Person.name, HeldChange.id))


def count(role: str) -> int:
    """How many changes wait that someone with this workspace role may release."""
    return db.execute_sql(f"""SELECT count(*) FROM held_change AS h JOIN person AS p ON p.id = h.person_id
                              WHERE h.state = 'open' AND {rank.sql_rank("p.workspace_role")} >= ?""",
                          (rank.rank_of(role),)).fetchone()[0]


def now(person: Person, field: str) -> str:
    """The person's current value of the field, in words; "" if there is none."""
    known = Person.get_by_id(person.id)
    if field == HeldField.ADDRESS:
        return ""
    if field == HeldField.MAIN_ADDRESS:
        return names.main_email(known)
    if field == HeldField.STATUS:
        return known.status
    return known.name if field == HeldField.NAME else str(getattr(known, OF_PERSON[field]) or "")


def release(change: HeldChange, by: Asker) -> bool:
    """Make the held change, as decided by the person who releases it; False if it was decided before. Raises NotAllowed
    for someone below the person, PeopleProblem where it can't be made; nothing is changed then."""
    with writing():
        change = HeldChange.get_by_id(change.id)
        rank.require_over(by, change.person)
        if is_open := change.state == HeldChangeState.OPEN:
            _decide(change, HeldChangeState.RELEASED, by)
            _do(change, by)
    return is_open


def dismiss(change: HeldChange, by: Asker) -> bool:
    """Dismiss the held change: it isn't made. False if it was decided before. Raises NotAllowed for someone below the
    person."""
    with writing():
        change = HeldChange.get_by_id(change.id)
        rank.require_over(by, change.person)
        if is_open := change.state == HeldChangeState.OPEN:
            _decide(change, HeldChangeState.DISMISSED, by)
    return is_open


def _decide(change: HeldChange, state: str, by: Asker) -> None:
    HeldChange.update(state=state, decided_by=by.name).where(HeldChange.id == change.id).execute()
    activity.record(by, f"{state} held change", about=names.signature(change.person), person=change.person,
                    before=now(change.person, change.field), after=f"{change.field}: {change.value}",
                    why=f"Asked by {names.short_name(change.asked_by)}")


def _do(change: HeldChange, by: Asker) -> None:
    person, field, value = change.person, change.field, change.value
    if field == HeldField.NAME:
        people.edit(person, by, name=value)
    elif field in (HeldField.ADDRESS, HeldField.MAIN_ADDRESS):
        known = [email.email for email in person.addresses()]
        people.edit(
            person,
            by,
            emails=[value, *_but(known, value)] if field == HeldField.MAIN_ADDRESS else [*_but(known, value), value],
        )
    elif field == HeldField.STATUS:
        if value == PersonStatus.DEPROVISIONED:
            people.keep_an_owner(person)
        people.decide_by_hand(person, value, by, f"Released by {names.short_name(by)}", "")
        if value == PersonStatus.DEPROVISIONED and is_of_a_directory(change):
            holds.begin_grace([person], by)
    elif field == HeldField.LAST_DAY and value != NO_DAY and person.status == PersonStatus.DEPROVISIONED:
        raise people.PeopleProblem(f"{names.person_name(person)} has left, so a last day means nothing. Nothing was "
                                   "changed: release their status first.")
    else:
        before = getattr(person, OF_PERSON[field])
        after = (None if value == NO_DAY else date.fromisoformat(value)) if field == HeldField.LAST_DAY else value
        Person.update({OF_PERSON[field]: after}).where(Person.id == person.id).execute()
        if field == HeldField.NUMBER:
            match_rules.match_everywhere(numbers=(value, before or ""))


def is_of_a_directory(change: HeldChange) -> bool:
    """Whether a directory asked for it, which may be removed by now, and not a person who imported a list."""
    return change.directory_id is not None or names.directory_in(change.asked_by) is not None


def _but(known: Iterable[str], value: str) -> list[str]:
    key = people.email_key(value)
    return [email for email in known if people.email_key(email) != key]
