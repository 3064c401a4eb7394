"""A last day that a directory or a list names: once it is over, in the workspace's time zone, the person has left.
Also without a new file, and through the guard like any leaver; who begins on a later day has not left."""

from __future__ import annotations

from datetime import date, datetime

from peewee import ModelSelect

from connectors.base import ColumnsUnclear, DirectoryPerson
from sync import activity, names
from sync.db import db, writing
from sync.directory.compare import apply_pushed
from sync.directory.reading import stage, staging
from sync.jobs import asking, queue
from sync.mail import news
from sync.matching import addresses
from sync.models import Directory, DirectoryEntry, Person
from sync.people import people
from sync.rank import Asker
from sync.safety.guards import workspace_guard
from sync.states import PersonStatus
from sync.workspace import day_in_words, today

NAMED = 3  # people named in a contradiction


def settle(directory: Directory) -> None:
    """Make the staged statuses follow the days that come with them. Raises ColumnsUnclear where they contradict each
    other: someone is active though the last day has passed, and not because it passed since the list named it."""
    day = today()
    _refuse_contradictions(directory, day)
    for (last,) in _rows("SELECT DISTINCT last_day FROM read_person "
                         "WHERE last_day < ? AND status_before_dates <> 'deprovisioned'", day.isoformat()):  # fmt: skip
        db.execute_sql("UPDATE read_person SET status = 'deprovisioned', why = ? "
                       "WHERE last_day = ? AND status_before_dates <> 'deprovisioned'",
                       (_over(date.fromisoformat(last)), last))
    begins = "status_before_dates = 'deprovisioned' AND starts_on > ? AND (last_day IS NULL OR last_day >= starts_on)"
    for (first,) in _rows(f"SELECT DISTINCT starts_on FROM read_person WHERE {begins}", day.isoformat()):
        why = f"Begins on {day_in_words(date.fromisoformat(first))}"
        db.execute_sql(f"UPDATE read_person SET status = 'suspended', why = ? WHERE {begins} AND starts_on = ?",
                       (why, day.isoformat(), first))


def _refuse_contradictions(directory: Directory, day: date) -> None:
    found = _rows("""
        SELECT coalesce(nullif(r.name, ''), r.email), r.last_day FROM read_person AS r
        LEFT JOIN directory_entry AS e ON e.directory_id = ? AND e.external_id = r.external_id
        WHERE r.last_day < ? AND r.status_before_dates <> 'deprovisioned'
          AND (e.id IS NULL OR e.status_before_dates IS DISTINCT FROM r.status_before_dates
               OR e.last_day IS DISTINCT FROM r.last_day)
        ORDER BY r.last_day, 1""", directory.id, day.isoformat())
    if not found:
        return
    named = ", ".join(f"{name} ({day_in_words(date.fromisoformat(last))})" for name, last in found[:NAMED])
    more = f" and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
    raise ColumnsUnclear(f"The last day of {named}{more} has passed, but the status isn't that of someone who has "
                         "left. Decide which counts, in the questions about the list's columns.", None)


@queue.each_minute
def mark_left(now: datetime) -> None:
    """Who has left since the last minute by a day that was known before."""
    day = today()
    ids = sorted({entry.directory_id for entry in _due_entries(day)})
    for directory in list(Directory.select().where(Directory.id.in_(ids))) if ids else ():
        _mark_left_in_directory(directory, day)
    for person in list(_due_by_hand(day)):
        _mark_left_by_hand(person, day)


def _due_entries(day: date) -> ModelSelect:
    is_due = (DirectoryEntry.last_day < day) & (DirectoryEntry.reported_status != PersonStatus.DEPROVISIONED)
    return DirectoryEntry.select().join(Directory).where(is_due, Directory.is_active)


def _due_by_hand(day: date) -> ModelSelect:
    return Person.select().where(Person.last_day < day, Person.status != PersonStatus.DEPROVISIONED)


def _mark_left_in_directory(directory: Directory, day: date) -> None:
    with staging(), writing():
        entries = list(_due_entries(day).where(DirectoryEntry.directory == directory))  # a reading may just have ended
        if not entries:
            return
        stage([DirectoryPerson(
            id=entry.external_id, email=entry.email, name=entry.name, status=PersonStatus.DEPROVISIONED,
            further_emails=addresses.further_of(entry),
            user_name=entry.user_name, employee_number=entry.employee_number, last_day=entry.last_day,
            start_date=entry.starts_on, department=entry.department or "", manager=entry.manager or "",
        ) for entry in entries])  # fmt: skip
        for entry in entries:
            db.execute_sql("UPDATE read_person SET status_before_dates = ?, why = ? WHERE external_id = ?",
                           (entry.status_before_dates, _over(entry.last_day), entry.external_id))
        before = [entry.person_id for entry in entries]
        outcome = apply_pushed(directory, workspace_guard(), names.signature_of_directory(directory))
        if outcome.counts["held"]:
            news.directory_held(directory)
        gone = Person.select(Person.id).where(Person.id.in_(before), Person.has_left)
        asking.check_apps_of([person.id for person in gone], names.signature_of_directory(directory))


def _mark_left_by_hand(person: Person, day: date) -> None:
    with writing():
        person = _due_by_hand(day).where(Person.id == person.id).first()
        if person is None:
            return  # someone has just given another day
        why = _over(person.last_day)
        Person.update(last_day=None).where(Person.id == person.id).execute()
        try:
            people.keep_an_owner(person)
        except people.PeopleProblem as problem:
            activity.record("schedule", "kept last owner", about=names.signature(person), why=f"{why}. {problem}",
                            person=person)
            return
        people.decide_by_hand(person, PersonStatus.DEPROVISIONED, Asker.rollcall(), why, "")
        asking.check_apps_of([person.id], "schedule")


def _over(last: date) -> str:
    return f"Last day {day_in_words(last)}"


def _rows(sql: str, *values: object) -> list[tuple]:
    return db.execute_sql(sql, values).fetchall()
