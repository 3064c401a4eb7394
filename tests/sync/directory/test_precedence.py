"""Several directories: which one decides what, and how their entries are matched to each other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base import DirectoryPerson
from sync import names
from sync.db import db, utcnow
from sync.directory import directories, precedence, reading
from sync.models import Directory, DirectoryEntry, Person
from sync.people import people
from tests.sync.scripted import Scripted, entries_of, person, status


def persons() -> int:
    """How many came from directories."""
    return Person.select().where(Person.workspace_role.is_null()).count()


@pytest.fixture
def two(scripted, by) -> tuple[Scripted, Scripted]:
    """HR and IT, which spell the names in their own ways."""
    hr, it = Scripted("HR"), Scripted("IT")
    for number in range(8):
        hr.add(f"h{number}", f"p{number}@acme.example", f"Person {number}", employee_number=str(number))
        it.add(f"i{number}", f"p{number}@acme.example", f"P. {number}", employee_number=f"IT-{number}")
    hr.read()
    it.read()
    return hr, it


def test_the_first_directory_says_name_mail_and_number_whichever_is_read_last(two):
    hr, it = two
    it.say("i1", name="Somebody", email="it1@acme.example")
    it.read()
    one = person("p1@acme.example")
    assert (one.name, names.main_email(one), one.employee_number) == ("Person 1", "p1@acme.example", "1")
    for changed in ({"name": "Ana López", "email": "ana@acme.example"}, {"employee_number": "17"}):
        hr.say("h1", **changed)  # all at once, it would be someone else
        hr.read()
    one = person("p1@acme.example")
    assert (one.name, names.main_email(one), one.employee_number) == ("Ana López", "ana@acme.example", "17")
    assert person("it1@acme.example") == one and persons() == 8


def test_another_order_is_followed_at_once_and_reported(two, by):
    hr, it = two
    assert precedence.move(it.row(), -1, by)
    assert [directory.name for directory in precedence.in_order()] == ["IT", "HR"]
    one = person("p1@acme.example")
    assert (one.name, one.employee_number) == ("P. 1", "IT-1")
    assert entries_of("changed order of directories")[0].after == "IT, HR"
    assert (entries_of("changed name")[0].before, entries_of("changed name")[0].after) == ("Person 0", "P. 0")
    assert not precedence.move(it.row(), -1, by), "it is the first already"
    assert not precedence.move(hr.row(), 1, by), "it is the last already"
    hr.say("h1", name="Ana")
    hr.read()
    assert person("p1@acme.example").name == "P. 1"


def test_the_next_directory_names_a_person_whom_the_first_no_longer_has(two):
    hr, it = two
    hr.delete("h1")
    hr.read()
    one = person("p1@acme.example")
    assert (one.status, one.name, one.employee_number) == ("active", "P. 1", "IT-1")
    hr.add("h1", "p1@acme.example", "Person 1", employee_number="1")
    hr.read()
    assert person("p1@acme.example").name == "Person 1"


def test_the_next_directory_fills_a_field_that_the_first_leaves_empty(two):
    hr, it = two
    hr.say("h1", employee_number="")
    hr.read()
    it.say("i1", employee_number="77")
    it.read()
    assert person("p1@acme.example").employee_number == "77"


def test_a_name_typed_by_hand_outlives_readings_and_another_order(two, by):
    hr, it = two
    people.edit(person("p1@acme.example"), by, name="Typed")
    hr.read()
    it.read()
    precedence.move(it.row(), -1, by)
    assert person("p1@acme.example").name == "Typed"
    it.say("i1", name="New in the first")
    it.read()
    assert person("p1@acme.example").name == "New in the first"


# Matching entries to people

@pytest.mark.parametrize(
    ("name", "number", "further", "same"),
    [
        ("Ana López", "17", (), True),
        ("LOPEZ, Ana", "17", (), True),
        ("Ana López", "18", (), False),  # a mere name finds nobody
        ("Bo Okafor", "17", (), False),  # a number of another numbering
        ("", "17", (), False),
        ("Ana López", "", ("ana@acme.example",), True),
        ("Bo Okafor", "", ("ana@acme.example",), False),  # a leaver's address that was handed on
    ],
)
def test_a_number_or_a_further_address_finds_who_has_the_same_name_in_another_directory(
    scripted, by, name, number, further, same
):
    hr, it = Scripted("HR"), Scripted("IT")
    hr.add("h1", "ana@acme.example", "Ana López", employee_number="17")
    hr.add("h2", "else@acme.example", "Somebody Else", employee_number="99")
    hr.read()
    it.entries = {}
    it.add("i1", "ana@it.acme.example", name, employee_number=number, further_emails=further)
    it.say("i1", name=name)
    it.read()
    assert (person("ana@it.acme.example") == person("ana@acme.example")) is same
    assert persons() == (2 if same else 3)


def test_a_number_that_two_have_finds_nobody(scripted, by):
    hr, it = Scripted("HR"), Scripted("IT")
    hr.add("h1", "ana@acme.example", "Ana", employee_number="17")
    hr.add("h2", "ana2@acme.example", "Ana", employee_number="17")
    hr.read()
    it.add("i1", "ana@it.example", "Ana", employee_number="17")
    it.read()
    assert persons() == 3


def test_two_of_a_reading_with_one_number_are_nobody_known(scripted, by):
    hr, it = Scripted("HR"), Scripted("IT")
    hr.add("h1", "ana@acme.example", "Ana", employee_number="17")
    hr.read()
    it.add("i1", "ana@it.example", "Ana", employee_number="17")
    it.add("i2", "ana2@it.example", "Ana", employee_number="17")
    it.read()
    assert persons() == 3


# The guard counts a day

def test_many_who_leave_a_few_at_a_time_are_held_on_the_same_day(company):
    company.delete("id0", "id1", "id2")
    assert company.read().counts["deprovisioned"] == 3
    company.delete("id3", "id4")
    assert company.read().counts["deprovisioned"] == 2
    company.delete("id5")
    assert company.read().counts["held"] == 1
    assert status("p5@acme.example") == "active"


def test_another_day_counts_again_but_releases_nobody_who_is_held(company, by):
    company.delete("id0", "id1", "id2", "id3")
    company.read()
    company.delete("id4", "id5")
    assert company.read().counts["held"] == 2
    _a_day_passes()
    assert company.read().counts["held"] == 2
    assert directories.release(company.row(), by) == 2
    company.delete("id6")
    assert company.read().counts["deprovisioned"] == 1


def test_a_day_after_those_who_left_more_may_leave(company):
    company.delete("id0", "id1", "id2", "id3")
    company.read()
    _a_day_passes()
    company.delete("id4", "id5")
    assert company.read().counts["deprovisioned"] == 2


def test_after_a_release_only_those_who_leave_later_count(company, by):
    company.delete(*[f"id{number}" for number in range(6)])
    assert company.read().counts["held"] == 6
    assert directories.release(company.row(), by) == 6
    company.delete("id6")
    assert company.read().counts["deprovisioned"] == 1


def test_people_of_another_directory_still_count_as_leavers_of_this_one(two):
    hr, _ = two
    hr.delete("h0", "h1", "h2")
    assert hr.read().counts["held"] == 0
    hr.delete("h3", "h4", "h5")
    assert hr.read().counts["held"] == 3


def test_people_held_in_another_directory_lengthen_no_ones_day(two):
    hr, it = two
    hr.delete("h0", "h1", "h2", "h3")
    assert hr.read().counts["held"] == 0
    it.entries = {"i7": it.entries["i7"]}
    assert it.read().counts["held"] == 7
    _a_day_passes()
    hr.delete("h4", "h5")
    assert hr.read().counts["held"] == 0


def _a_day_passes() -> None:
    earlier = timedelta(hours=25)
    for row in DirectoryEntry.select().where(DirectoryEntry.left_at.is_null(False)):
        DirectoryEntry.update(left_at=row.left_at - earlier).where(DirectoryEntry.id == row.id).execute()
    Directory.update(created_at=utcnow() - 3 * earlier).execute()


def test_a_directory_changes_its_own_entries_unless_they_are_deleted(home):
    here, there = (Directory.create(kind="scim", name=name) for name in ("HR", "IT"))
    before = {"name": "Ana", "email": "ana@acme.example", "user_name": "ana", "employee_number": "7"}
    cases = {"same": {}, "renamed": {"name": "Ann"}, "deleted": {"name": "Ann"}, "another login": {"user_name": "ann"},
             "elsewhere": {"name": "Ann"}}  # fmt: skip
    for who in cases:
        DirectoryEntry.create(directory=there if who == "elsewhere" else here, external_id=who,
                              person=Person.create(name=who), **before)  # fmt: skip
    DirectoryEntry.create(directory=there, external_id="renamed", person=Person.create(name="theirs"), **before)
    with reading.staging():
        reading.stage([DirectoryPerson(id=who, **before | shown) for who, shown in cases.items()])
        db.execute_sql("UPDATE read_person SET deleted = TRUE WHERE external_id = 'deleted'")
        precedence.note_changes(here)
        noted = db.execute_sql("SELECT p.name, field FROM read_changed JOIN person AS p ON p.id = person_id").fetchall()
    assert noted == [("renamed", "name")]
    assert {entry.person.name: (entry.name, entry.user_name) for entry in DirectoryEntry.select()} == dict.fromkeys(
        [*cases, "theirs"], ("Ana", "ana")) | {"renamed": ("Ann", "ana"), "another login": ("Ana", "ann")}  # fmt: skip
