"""Reads the people of a file: each row is a person, or has a reason why it isn't.
A row that can't be read is reported with its line, and then nobody is imported from the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from connectors.base import Refused
from connectors.names import AddressProblem, clean_email, email_key
from connectors.tables.meanings import Meaning, Means, Purpose
from connectors.tables.rows import DAY_COUNTS, LEFT_EARLY, STATUS_COUNTS, STAYED, RowValues

_STATUSES = {Means.ACTIVE: "active", Means.SUSPENDED: "suspended", Means.LEFT: "deprovisioned"}


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person of the file. `status`: "" if the file doesn't say. `line`: the line in which the row begins."""

    line: int
    email: str
    name: str = ""
    status: str = ""
    groups: tuple[str, ...] = ()
    employee_number: str = ""
    further_emails: tuple[str, ...] = ()
    id: str = ""
    user_name: str = ""
    department: str = ""
    manager: str = ""
    last_day: date | None = None
    start_date: date | None = None


def people_of(
    rows: list[RowValues], decisions: Mapping[str, str], today: date, purpose: Purpose = Purpose.DIRECTORY
) -> tuple[list[PersonRow], list[tuple[int, str]]]:
    """(people, refused rows as (line, reason)) of the rows."""
    found, refused = [], []
    for row in rows:
        if row.status is Means.LEAVE_OUT:
            continue
        try:
            if row.problem:
                raise Refused(row.problem)
            found.append(_person(row, decisions, today))
        except Refused as problem:
            refused.append((row.line, str(problem)))
    refused += _repeated(found, purpose)
    return found, sorted(refused)


def _person(row: RowValues, decisions: Mapping[str, str], today: date) -> PersonRow:
    status, last_day = row.status, row.days.get(Meaning.LAST_DAY)
    if last_day and status is Means.LEFT and last_day >= today:
        if decisions.get(LEFT_EARLY) == DAY_COUNTS:
            status = Means.ACTIVE
        else:
            last_day = None
    elif last_day and last_day < today and status in (Means.ACTIVE, Means.SUSPENDED):
        decided = decisions.get(STAYED)
        if decided == DAY_COUNTS:
            status = Means.LEFT
        elif decided == STATUS_COUNTS:
            last_day = None
    email = _email(row.text(Meaning.EMAIL), row.line)
    further = [_email(one, row.line) for one in row.lists.get(Meaning.FURTHER_EMAILS, ())]
    if status is None and last_day and last_day < today:
        status = Means.LEFT
    return PersonRow(
        line=row.line,
        email=email,
        name=row.text(Meaning.NAME), status=_STATUSES.get(status, ""),
        groups=row.lists.get(Meaning.GROUPS, ()), employee_number=row.text(Meaning.EMPLOYEE_NUMBER),
        further_emails=tuple(one for one in further if email_key(one) != email_key(email)),
        id=row.text(Meaning.ID),
        user_name=row.text(Meaning.USER_NAME), department=row.text(Meaning.DEPARTMENT),
        manager=row.text(Meaning.MANAGER), last_day=last_day, start_date=row.days.get(Meaning.START_DATE),
    )  # fmt: skip


def _email(text: str, line: int) -> str:
    if not text.strip():
        raise Refused(f"The row in line {line} has no e-mail address.")
    try:
        return clean_email(text)
    except AddressProblem as problem:
        unusable = f"The row in line {line} has an e-mail address that can't be used: {text!r}."
        raise Refused(f"{unusable} {problem}") from problem


def _repeated(rows: list[PersonRow], purpose: Purpose) -> Iterator[tuple[int, str]]:
    """A complete directory may list someone who has left beside the person who has the address now."""
    claimed: dict[str, PersonRow] = {}
    numbered: dict[str, int] = {}
    for row in rows:
        for email in dict.fromkeys(map(email_key, (row.email, *row.further_emails))):
            other = claimed.get(email)
            if other and not (purpose is Purpose.DIRECTORY and _one_has_left(other, row)):
                yield row.line, f"Lines {other.line} and {row.line} both have the e-mail address {email}."
            if other is None or other.status == "deprovisioned":
                claimed[email] = row
        for word, value in (("employee number", row.employee_number), ("id", row.id)):
            if value and f"{word} {value}" in numbered:
                yield row.line, f"Lines {numbered[f'{word} {value}']} and {row.line} both have the {word} {value}."
            numbered.setdefault(f"{word} {value}", row.line)


def _one_has_left(one: PersonRow, other: PersonRow) -> bool:
    are_distinct = all(row.id or row.employee_number for row in (one, other))
    return are_distinct and "deprovisioned" in (one.status, other.status)
