"""A list's changes are previewed; applying makes exactly these changes, or none."""

from __future__ import annotations

import pytest

from connectors.base import Refused
from sync.directory import directories
from sync.directory import preview as directory_preview
from sync.directory.preview import PreviewChanged
from sync.models import Activity, Directory, DirectoryEntry, DirectoryReading, Mail, Person
from sync.people import people
from tests.asking import MACHINE
from tests.sync.scripted import person, portrait, status

HEAD = "email,name,status,groups,employee_number\n"
TEN = HEAD + "".join(f"p{n}@acme.example,Person {n},active,Sales,{n}\n" for n in range(10))


@pytest.fixture
def listed(home, by) -> Directory:
    directory = directories.connect("csv", "HR", {"source": "upload", "text": TEN}, by)
    directories.run(DirectoryReading.get().id)
    return Directory.get_by_id(directory.id)


def without(*numbers: int) -> str:
    return "".join(line for line in TEN.splitlines(True) if not line.startswith(tuple(f"p{n}@" for n in numbers)))


def found(preview: directory_preview.Preview) -> list[tuple]:
    return [(row.kind, row.name, row.details) for row in preview.rows]


def test_every_kind_of_change_is_named_and_nothing_is_done(listed):
    text = without(1).replace("p2@acme.example,Person 2,active", "p2@acme.example,Person 2,suspended")
    text = text.replace("Person 3,active,Sales", "Ana López,active,Berlin") + "new@acme.example,Newcomer,,,99\n"
    before, entries, mails = portrait(), Activity.select().count(), Mail.select().count()
    preview = directory_preview.upload(listed, text, MACHINE)
    assert found(preview) == [
        ("deprovisioned", "Person 1", ("active → deprovisioned",)),
        ("suspended", "Person 2", ("active → suspended",)),
        ("joined", "Newcomer", ()),
        ("updated", "Ana López", ("name: Person 3 → Ana López", "groups: Sales → Berlin")),
    ]
    assert (portrait(), Activity.select().count(), Mail.select().count()) == (before, entries, mails)
    assert preview.counts == {"deprovisioned": 1, "suspended": 1, "joined": 1, "updated": 1}


def test_the_previewed_file_is_applied_and_read_from_then_on(listed, by):
    preview = directory_preview.upload(listed, without(1), MACHINE)
    directory_preview.apply_previewed(listed, preview.mark, by, directory_preview.pending(listed))
    assert (status("p1@acme.example"), directory_preview.pending(listed)) == ("deprovisioned", None)
    assert DirectoryReading.select().order_by(DirectoryReading.id.desc()).first().counts["deprovisioned"] == 1
    assert Directory.get_by_id(listed.id).settings["handed_over"]
    reading = directories.ask(listed, by)
    directories.run(reading.id)
    assert DirectoryReading.get_by_id(reading.id).state == "succeeded"
    assert status("p1@acme.example") == "deprovisioned"


def test_another_file_or_other_people_are_previewed_again(listed, by):
    first = directory_preview.upload(listed, without(1), MACHINE)
    second = directory_preview.upload(listed, without(2), MACHINE)
    before = portrait()
    with pytest.raises(PreviewChanged) as changed:
        directory_preview.apply_previewed(listed, first.mark, by, directory_preview.pending(listed))
    assert changed.value.preview == second
    assert portrait() == before
    people.mark_left(person("p2@acme.example"), by)
    before = portrait()
    with pytest.raises(PreviewChanged) as changed:
        directory_preview.apply_previewed(listed, second.mark, by, directory_preview.pending(listed))
    assert "deprovisioned" not in changed.value.preview.counts
    assert portrait() == before
    directory_preview.apply_previewed(
        listed, changed.value.preview.mark, by, directory_preview.pending(listed))
    assert Person.select().where(Person.status == "deprovisioned").count() == 1


def test_a_list_that_differs_in_what_no_row_shows_is_previewed_again(listed, by):
    lists = [TEN.replace("\n", f",{department}\n").replace(department, "department", 1)
             for department in ("Sales team", "Legal")]  # fmt: skip
    first, second = (directory_preview.upload(listed, text, MACHINE) for text in lists)
    assert first.rows == second.rows
    with pytest.raises(PreviewChanged):
        directory_preview.apply_previewed(listed, first.mark, by, directory_preview.pending(listed))
    assert {entry.department for entry in DirectoryEntry.select()} == {None}
    directory_preview.apply_previewed(listed, second.mark, by, directory_preview.pending(listed))
    assert {entry.department for entry in DirectoryEntry.select()} == {"Legal"}


def test_people_held_by_the_guard_are_named(listed, by):
    preview = directory_preview.upload(listed, without(*range(6)), MACHINE)
    assert preview.counts == {"held": 6}
    assert preview.rows[0].details == ("No longer in HR; held by the guard until released",)
    directory_preview.apply_previewed(listed, preview.mark, by, directory_preview.pending(listed))
    assert len(directories.held(listed)) == 6 and status("p1@acme.example") == "active"


@pytest.mark.parametrize("text", ["", "nonsense", HEAD, HEAD + "no address,x,,,\n"])
def test_a_list_that_can_not_be_used_is_not_kept(listed, text):
    with pytest.raises(Refused):
        directory_preview.upload(listed, text, MACHINE)
    assert directory_preview.pending(listed) is None


def test_a_file_on_this_machine_is_previewed_as_it_is_now(home, by, tmp_path):
    file = tmp_path / "staff.csv"
    file.write_text(TEN)
    directory = directories.connect("csv", "HR", {"file": str(file)}, by)
    directories.run(DirectoryReading.get().id)
    file.write_text(without(4))
    preview = directory_preview.preview(directory, MACHINE)
    assert preview.counts["deprovisioned"] == 1
    file.write_text(without(5))
    with pytest.raises(PreviewChanged):
        directory_preview.apply_previewed(directory, preview.mark, by)
    assert Person.select().where(Person.status != "active").count() == 0
