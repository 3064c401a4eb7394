"""One directory's people, read whole into TEMP tables of this thread's connection, or not at all.
The database isn't locked during this; compare.py applies them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from itertools import islice

from connectors.base import DirectoryConnector, DirectoryPerson, TemporarilyUnavailable
from connectors.names import AddressProblem, clean_email, clean_name, spelling_and_key
from connectors.time_limit import check_time, time_limit
from sync.db import db
from sync.people import people
from sync.problems import UnusableReading
from sync.staging import directory, tables

PAGE = 500
LIMIT = 3600  # seconds for a reading, however its list is cut into answers
READINGS = 2  # of a list that repeats itself, before the reading fails


def staging() -> AbstractContextManager[None]:
    """Empty staging tables for the length of the block."""
    return tables.created(*directory.REPORTED, *directory.DERIVED)


def read(connector: DirectoryConnector, progress: Callable[[int], None]) -> int:
    """Stage everyone the directory reports; how many. The database is not locked in that time.

    Raises ConnectorError or UnusableReading; a list that names someone twice is read once more.
    """
    with time_limit(LIMIT):
        for _attempt in range(READINGS):
            count = _read_once(connector, progress)
            if count is not None:
                return count
    raise TemporarilyUnavailable(
        f"The list names someone more than once, {READINGS} times in a row, so others may be missing from it."
    )


def _read_once(connector: DirectoryConnector, progress: Callable[[int], None]) -> int | None:
    tables.empty(*directory.REPORTED)
    everyone, count = iter(connector.people()), 0
    while page := list(islice(everyone, PAGE)):
        db.execute_sql("BEGIN")  # deferred, and TEMP alone: takes no lock on the file
        try:
            stored = stage(page)
        finally:
            db.execute_sql("COMMIT")
        if stored != len(page):
            return None
        count += stored
        progress(count)
        _go_on()
    return count


def _go_on() -> None:
    try:
        check_time()
    except TimeoutError:
        raise TemporarilyUnavailable("The directory was not read to the end within an hour.") from None


def stage(page: list[DirectoryPerson]) -> int:
    """Put these people beside those who are staged; how many of them weren't yet. Raises UnusableReading."""
    people_rows = [_person_row(person) for person in page]
    groups = [(person.id, group) for person in page for group in person.groups if group]
    tables.refuse_long([*people_rows, *groups])
    stored = db.executemany(
        "INSERT INTO read_person (external_id, email_key, email, name, status, user_name, "
        "employee_number, status_before_dates, last_day, starts_on, department, manager, hides_status) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        people_rows).rowcount
    db.executemany("INSERT INTO read_email VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                   [row for person in page for row in _email_rows(person)])
    db.executemany("INSERT INTO read_no_email VALUES (?, ?)",
                   [row for person in page for row in _no_email_rows(person)])
    db.executemany("INSERT INTO read_group VALUES (?, ?) ON CONFLICT DO NOTHING", groups)
    return stored


def _person_row(person: DirectoryPerson) -> tuple:
    if not person.id or person.status not in people.STATUSES:
        raise UnusableReading(f"someone came with the id {person.id!r} and the status {person.status!r}")
    email, normal = spelling_and_key(person.email)
    return (person.id, normal, email if normal else "", clean_name(person.name),
            person.status, person.user_name, person.employee_number, person.status, _day(person.last_day),
            _day(person.start_date), person.department or None, person.manager or None, person.hides_status)


def _day(day: date | None) -> str | None:
    return day and day.isoformat()


def _email_rows(person: DirectoryPerson) -> Iterator[tuple]:
    for place, given in enumerate((person.email, *person.further_emails)):
        email, normal = spelling_and_key(given)
        if normal:
            yield person.id, normal, email, place == 0


def _no_email_rows(person: DirectoryPerson) -> Iterator[tuple]:
    """What is given as an address and is none, with the reason."""
    for given in filter(str.strip, (person.email, *person.further_emails)):
        try:
            clean_email(given)
        except AddressProblem as problem:
            yield person.id, str(problem)
