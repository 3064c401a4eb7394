"""What a CSV file of people says, row by row, or exactly what is wrong with it and where.
Pure: bytes in, rows out, `Refused` with the line number otherwise. The CSV directory and the import share it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors import csv_rows
from connectors.base import Refused

COLUMNS = {
    "email": ("email", "e-mail", "mail", "email address", "e-mail address"),
    "name": ("name", "full name", "display name", "displayname"),
    "status": ("status", "state"),
    "groups": ("groups", "group"),
    "employee_number": ("employee_number", "employee number", "employee id", "employee_id", "employeenumber"),
    "further_emails": ("further_emails", "further emails", "further e-mails", "aliases"),
}
STATUSES = {
    "": "",
    "active": "active",
    "enabled": "active",
    "suspended": "suspended",
    "locked": "suspended",
    "deprovisioned": "deprovisioned",
    "disabled": "deprovisioned",
    "inactive": "deprovisioned",
    "left": "deprovisioned",
}


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person of the file; `status` is "" where the file doesn't say, `line` is where the row begins."""

    line: int
    email: str
    name: str = ""
    status: str = ""
    groups: tuple[str, ...] = ()
    employee_number: str = ""
    further_emails: tuple[str, ...] = ()


def read_people(content: bytes) -> list[PersonRow]:
    """The whole file; raises Refused for anything that could make the list wrong or incomplete."""
    lines = csv_rows.lines(csv_rows.decode(content))
    columns = _columns(*next(lines, (1, [])))
    rows = [_person(line, cells, columns) for line, cells in lines]
    if not rows:
        raise Refused("The file names nobody: there is no row below the header.")
    _refuse_repeated(rows)
    return rows


def _columns(line: int, header: list[str]) -> dict[str, int]:
    columns = csv_rows.columns(line, header, COLUMNS)
    if "email" not in columns:
        raise Refused(
            f"The header in line {line} has no column named email.{csv_rows.header_words(header)} "
            "Add a header row such as: email,name,status,groups"
        )
    return columns


def _person(line: int, cells: list[str], columns: dict[str, int]) -> PersonRow:
    said = csv_rows.cells_of(line, cells, columns)
    if not _is_email(said["email"]):
        raise Refused(f"The row in line {line} has no usable e-mail address: {said['email']!r}.")
    further = _several(said.get("further_emails", ""))
    for email in further:
        if not _is_email(email):
            raise Refused(f"The row in line {line} has a further e-mail address that is none: {email!r}.")
    status = STATUSES.get(said.get("status", "").casefold())
    if status is None:
        raise Refused(
            f"The row in line {line} has the status {said['status']!r}. "
            "It can be active, suspended or deprovisioned (or left, disabled, inactive, locked)."
        )
    return PersonRow(
        line=line,
        email=said["email"],
        name=" ".join(said.get("name", "").split()),
        status=status,
        groups=_several(said.get("groups", "")),
        employee_number=said.get("employee_number", ""),
        further_emails=further,
    )


def _is_email(text: str) -> bool:
    return re.fullmatch(r"[^\s@]+@[^\s@]+", text) is not None


def _several(cell: str) -> tuple[str, ...]:
    """The values of one cell, apart by ; or | or a comma or a line break."""
    return tuple(dict.fromkeys(value.strip() for value in re.split(r"[;|,\n\r]", cell) if value.strip()))


def _refuse_repeated(rows: list[PersonRow]) -> None:
    claimed: dict[str, int] = {}
    numbered: dict[str, int] = {}
    for row in rows:
        for email in dict.fromkeys(email.casefold() for email in (row.email, *row.further_emails)):
            if email in claimed:
                raise Refused(f"Lines {claimed[email]} and {row.line} both have the e-mail address {email}.")
            claimed[email] = row.line
        number = row.employee_number
        if number and number in numbered:
            raise Refused(f"Lines {numbered[number]} and {row.line} both have the employee number {number}.")
        numbered[number] = row.line
