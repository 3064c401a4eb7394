"""Acme as it looks on a Tuesday: a CSV directory with 64 people, some who left, a held reading, mails that wait.
For looking at pages; made through sync/ alone, as the program itself would."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sync.db import writing
from sync.directory import directories
from sync.mail import outbox
from sync.models import Directory, Person
from sync.people import people

FIRST = (
    "Jana",
    "Tom",
    "Ines",
    "Pavel",
    "Aiko",
    "Bruno",
    "Chidi",
    "Dagny",
    "Elif",
    "Fatou",
    "Giulia",
    "Hugo",
    "Ivana",
    "Jonas",
    "Katya",
    "Liam",
)
LAST = ("Kowalski", "Okafor", "Duarte", "Horák")


@dataclass
class Company:
    """What the pages are looked at with."""

    olga: Person
    jana: Person
    staff: Directory
    contractors: Directory


def build(folder: Path, olga: Person, by: str) -> Company:
    staff_list = folder / "staff.csv"
    staff = _directory(staff_list, "Staff", _everyone(), by)
    _write(staff_list, [line for line in _everyone() if not line.startswith("tom.")])
    _read(staff, by)
    contractor_list = folder / "contractors.csv"
    outside = [f"c{number}@studio.example,Contractor {number},active,Outside" for number in range(1, 13)]
    contractors = _directory(contractor_list, "Contractors", outside, by)
    _write(contractor_list, outside[:4])
    _read(contractors, by)
    jana = people.find_by_email("jana.kowalski@acme.example")
    people.set_workspace_role(jana, "admin", by)
    people.mark_left(people.find_by_email("liam.duarte@acme.example"), by, "Last day was Friday")
    people.add("Noor van den Berg", "noor@partner.example", by, workspace_role="guest")
    with writing():
        outbox.test_mail("olga@acme.example")
    return Company(Person.get_by_id(olga.id), Person.get_by_id(jana.id), staff, contractors)


def _everyone() -> list[str]:
    lines = []
    for last in LAST:
        for first in FIRST:
            status = "suspended" if (first, last) == ("Elif", "Okafor") else "active"
            address = f"{first}.{last}@acme.example".lower().replace("á", "a")
            lines.append(f"{address},{first} {last},{status},Everyone")
    return lines


def _directory(path: Path, name: str, lines: list[str], by: str) -> Directory:
    _write(path, lines)
    directory = directories.connect("csv", name, {"file": str(path)}, by)
    directories.run(directories.ask(directory, by).id)
    return directory


def _read(directory: Directory, by: str) -> None:
    directories.run(directories.ask(directory, by).id)


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(["email,name,status,groups", *lines]) + "\n", encoding="utf-8")
