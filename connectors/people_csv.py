"""What a CSV file of people says, row by row, or exactly what is wrong with it and where.
Pure: bytes in, rows out, `Refused` with the line number otherwise. The CSV directory and the import share it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

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
    lines = _lines(_decode(content))
    columns = _columns(*next(lines, (1, [])))
    rows = [_person(line, cells, columns) for line, cells in lines]
    if not rows:
        raise Refused("The file names nobody: there is no row below the header.")
    _refuse_repeated(rows)
    return rows


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(content, "utf-16")
    if b"\x00" in content:
        raise Refused("The file is no text: save it as CSV (UTF-8) and try again.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decoded(content, "cp1252")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as problem:
        raise Refused("The file's letters can't be read: save it as CSV (UTF-8) and try again.") from problem


def _lines(text: str):
    """(line number, cells) of each row that is not blank, the header first."""
    if not text.strip():
        raise Refused("The file is empty.")
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, [cell.strip() for cell in cells]
            begins = reader.line_num + 1
    except csv.Error as problem:
        raise Refused(f"The row that begins in line {begins} is no CSV: {problem}.") from problem


def _delimiter(text: str) -> str:
    header = next(line for line in text.splitlines() if line.strip())
    return max(",;\t", key=header.count)


def _columns(line: int, header: list[str]) -> dict[str, int]:
    named = {alias: column for column, aliases in COLUMNS.items() for alias in aliases}
    columns: dict[str, int] = {}
    for place, title in enumerate(header):
        column = named.get(" ".join(title.casefold().split()))
        if column in columns:
            raise Refused(f"The header in line {line} has two columns for {column}: {', '.join(header)}.")
        if column:
            columns[column] = place
    if "email" not in columns:
        raise Refused(
            f"The header in line {line} has no column named email.{_named(header)} "
            "Add a header row such as: email,name,status,groups"
        )
    return columns


def _named(header: list[str]) -> str:
    """The header's words, if words they are: the file may be another one, with a secret in its first line."""
    if len(header) > 1 and all(re.fullmatch(r"[^\W\d_][\w .-]{0,29}", title.strip()) for title in header):
        return f" Its columns are: {', '.join(header)}."
    return ""


def _person(line: int, cells: list[str], columns: dict[str, int]) -> PersonRow:
    if len(cells) <= max(columns.values()):
        raise Refused(f"The row in line {line} is cut short: it has {len(cells)} columns, fewer than the header.")
    said = {column: cells[place] for column, place in columns.items()}
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
