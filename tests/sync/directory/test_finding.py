"""A staged entry finds its person, or nobody. Each condition of sync/directory/finding.py has one person whose result
depends on it alone. Without the condition, that person would be found, parted or given back like the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import pytest

from connectors.base import DirectoryPerson
from connectors.names import email_key
from sync.db import db
from sync.directory import finding, reading
from sync.models import Directory, DirectoryEntry, FormerEntry, Person, PersonEmail
from sync.safety.guards import Guard

LONG_AGO = datetime(2026, 1, 2)


@pytest.fixture
def here(home) -> Iterator[Directory]:
    """A directory whose reading the test stages."""
    with reading.staging():
        yield Directory.create(kind="csv", name="File")


@pytest.fixture
def there(home) -> Directory:
    return Directory.create(kind="csv", name="Another file")


def address(who: str) -> str:
    return re.sub(r"\W+", ".", who) + "@acme.example"


def give(person: Person, who: str) -> None:
    PersonEmail.create(person=person, email=address(who), email_key=email_key(address(who)))


def known(who: str, **values: object) -> Person:
    person = Person.create(**{"name": who} | values)
    give(person, who)
    return person


def enter(directory: Directory, person: Person, id: str, **values: object) -> DirectoryEntry:
    return DirectoryEntry.create(directory=directory, external_id=id, person=person, **{"name": person.name} | values)


def stage(who: str, **shown: object) -> None:
    reading.stage([DirectoryPerson(**{"id": who, "email": address(who), "name": who} | shown)])


def note(table: str, *rows: object) -> None:
    db.executemany(f"INSERT INTO {table} VALUES (?)", [(row,) for row in rows])


def already(who: str, person: Person) -> None:
    db.execute_sql("UPDATE read_person SET person_id = ? WHERE external_id = ?", (person.id, who))


def found() -> dict[str, str]:
    """By the id of the staged entry, the name of its person."""
    return dict(db.execute_sql("SELECT r.external_id, p.name FROM read_person AS r JOIN person AS p "
                               "ON p.id = r.person_id").fetchall())  # fmt: skip


def names_in(table: str) -> set[str]:
    return {name for (name,) in db.execute_sql(f"SELECT p.name FROM {table} JOIN person AS p ON p.id = person_id")}


@pytest.mark.parametrize("is_removed", [True, False])
def test_an_id_that_is_the_same_everywhere_finds_its_person_unless_name_and_number_are_anothers(
        here, there, is_removed):
    """In a directory of this kind that was removed, or in one that is still connected."""
    for who, shown in (("same", {}), ("another name", {"name": "Cy"}), ("another number", {"employee_number": "8"}),
                       ("both", {"name": "Di", "employee_number": "9"}), ("another kind", {})):  # fmt: skip
        person = known(who, employee_number=f"number of {who}")
        if is_removed or who == "another kind":
            FormerEntry.create(kind="okta" if who == "another kind" else "csv", external_id=who, person=person)
        else:
            enter(there, person, who)
        stage(who, **{"email": f"new.{address(who)}", "employee_number": person.employee_number} | shown)
    Person.update(employee_number=None).where(Person.name == "another kind").execute()
    finding.find_people(here, worldwide_ids=True)
    assert found() == {who: who for who in ("same", "another name", "another number")}


def test_people_who_only_got_another_number_are_found_once_they_are_more_than_may_leave(here, there):
    """Someone who is found wrongly is shown as here, although they have left."""
    cases: dict[str, tuple[dict, dict]] = {  # what the missing entry has, and what is staged
        "plain": ({}, {}),
        "plain too": ({"name": "Too, plain"}, {}),
        "locked out": ({"reported_status": "suspended"}, {"status": "suspended"}),
        "held as a leaver": ({"status": "deprovisioned"}, {}),
        "disabled": ({}, {"status": "deprovisioned"}),
        "had left": ({"reported_status": "deprovisioned"}, {}),
        "another name": ({"name": "Cy"}, {}),
        "nameless": ({"name": ""}, {"name": ""}),
        "further address": ({}, {"email": "new@acme.example", "further_emails": (address("further address"),)}),
        "still here": ({}, {}),
        "disputed": ({}, {}),
        "taken": ({}, {}),
        "found": ({}, {}),
        "found by another": ({}, {}),
        "twice": ({}, {}),
        "two entries": ({}, {}),
        "elsewhere": ({}, {}),
    }
    people = {who: known(who) for who in cases}
    for who, (entry, shown) in cases.items():
        enter(there if who == "elsewhere" else here, people[who], f"{who} before", **entry)
        stage(who, **shown)
    enter(here, people["two entries"], "one more")
    enter(there, people["plain"], "plain before")
    give(people["twice"], "second")
    stage("second", name="twice")
    stage("still here before", email="")
    note("read_disputed", email_key(address("disputed")))
    note("read_taken", people["taken"].id)
    already("found", people["found by another"])
    for guard, is_found in ((Guard(4, 0), False), (Guard(3, 25), False), (Guard(3, 24), True)):  # 4 of 16
        finding._find_renumbered(here, guard)
        plain = {who: who for who in ("plain", "plain too", "locked out", "held as a leaver")} if is_found else {}
        assert found() == plain | {"found": "found by another"}


def test_an_employee_number_finds_someone_where_nothing_speaks_against_it(here, there):
    cases: dict[str, dict] = {  # what is staged with the number and name of someone
        "plain": {},
        "in capitals": {"employee_number": "IN CAPITALS"},
        "had left": {},
        "here elsewhere": {},
        "another name": {"name": "Cy"},
        "nameless": {"name": ""},
        "marks for a name": {"name": "-"},
        "numberless": {"employee_number": ""},
        "two people": {},
        "two entries": {},
        "someone's address": {"email": address("someone else")},
        "someone's further address": {"further_emails": (address("someone else"),)},
        "taken": {},
        "found": {},
        "found by another": {},
        "still here": {},
    }
    nameless, numberless = {"nameless": "", "marks for a name": "."}, {"numberless": ""}
    people = {who: Person.create(name=nameless.get(who, who), employee_number=numberless.get(who, who))
              for who in cases}  # fmt: skip
    for who, shown in cases.items():
        stage(who, **{"employee_number": who} | shown)
    stage("one more", name="two entries", employee_number="Two Entries")
    Person.create(name="two people", employee_number="Two People")
    note("read_taken", people["taken"].id)
    known("someone else")
    already("found", people["found by another"])
    enter(here, people["had left"], "had left before", reported_status="deprovisioned")
    enter(there, people["here elsewhere"], "here elsewhere before")
    enter(here, people["still here"], "still here before", status="deprovisioned")
    finding._find_by_number(here)
    right = {who: who for who in ("plain", "in capitals", "had left", "here elsewhere")}
    assert found() == right | {"found": "found by another"}


def test_the_people_whose_address_a_new_entry_has_are_noted_unless_the_numbers_differ(here):
    """Their leaving is held: perhaps the new entry is theirs."""
    shown: dict[str, dict] = {
        "plain": {}, "no number": {"employee_number": ""}, "another number": {"employee_number": "8"},
        "locked out": {"status": "suspended"}, "disabled": {"status": "deprovisioned"},
        "further address": {"email": "new@acme.example", "further_emails": (address("further address"),)},
        "found": {},
    }  # fmt: skip
    for who in shown:
        known(who, employee_number="7")
        stage(who, **{"employee_number": "7"} | shown[who])
    already("found", known("someone else"))
    finding.note_unclear_successors()
    finding.note_unclear_successors()  # nobody is noted twice
    assert names_in("read_claimed") == {"plain", "no number", "locked out"}


def test_someone_who_is_here_by_an_entry_that_is_not_pushed_is_not_found_by_another(here, there):
    entries: dict[str, dict] = {
        "plain": {}, "held as a leaver": {"status": "deprovisioned"}, "had left": {"reported_status": "deprovisioned"},
        "elsewhere": {}, "pushed": {}, "not mentioned": {},
    }  # fmt: skip
    for who in entries:
        enter(there if who == "elsewhere" else here, known(who), f"{who} before", **entries[who])
        if who != "not mentioned":
            stage(f"{who} before" if who == "pushed" else who, email=address(who))
    finding.exclude_people_of_others(here)
    assert names_in("read_taken") == {"plain", "held as a leaver"}


NEW = {"email": "new@acme.example", "name": "Ana Lima"}
LEFT = {"status": "deprovisioned", "reported_status": "deprovisioned"}
HELD, BACK = {"reported_status": "deprovisioned"}, {"status": "deprovisioned"}


@pytest.mark.parametrize("whole", [True, False], ids=["read", "pushed"])
def test_an_entry_is_someone_elses_by_name_and_number_or_after_a_departure_by_name_and_address(here, there, whole):
    cases: dict[str, tuple[dict, dict, bool]] = {  # the entry's status, what is staged, whether it is someone else's
        "both": ({}, {"name": "Ana Lima", "employee_number": "12"}, True),
        "both, disabled": ({}, {"name": "Ana Lima", "employee_number": "12", "status": "deprovisioned"}, False),
        "number": ({}, {"employee_number": "12"}, False),
        "elsewhere": ({}, {"name": "Ana Lima", "employee_number": "12"}, False),
        "left": (LEFT, NEW, True),
        "held as a leaver": (HELD, NEW, True),
        "held as back": (BACK, NEW, True),
        "here": ({}, NEW, False),
        "left, disabled": (LEFT, NEW | {"status": "deprovisioned"}, False),
        "left, number kept": (LEFT, NEW | {"employee_number": "LEFT, NUMBER KEPT"}, False),
        "left, name turned round": (LEFT, NEW | {"name": "turned round, name left"}, False),
        "left, nameless": (LEFT, NEW | {"name": ""}, False),
        "left, their address kept": (LEFT, NEW | {"further_emails": (address("left, their address kept"),)}, False),
        "left, its address kept": (LEFT, {"name": "Ana Lima"}, False),
        "left, another entry has it": (LEFT, NEW, True),
        "left, with someone's address": (LEFT, NEW | {"further_emails": (address("left"),)}, True),
    }
    people = {who: known(who, employee_number=who) for who in cases}
    for who, (entry, shown, _) in cases.items():
        enter(there if who == "elsewhere" else here, people[who], who, email=address(who),
              **entry, left_at=LONG_AGO, back_at=LONG_AGO, reported_at=LONG_AGO)  # fmt: skip
        stage(who, **shown)
    PersonEmail.delete().where(PersonEmail.person == people["left, its address kept"]).execute()
    stage("another", email=address("left, another entry has it"))
    earlier = enter(there, people["left"], "another", former_id="id", left_at=LONG_AGO)
    finding._part_from_successors(here, whole)
    used = DirectoryEntry.select().where(DirectoryEntry.former_id.is_null(False), DirectoryEntry.id != earlier.id)
    assert {entry.person.name for entry in used} == {who for who, (*_, parted) in cases.items() if parted}
    assert all(entry.former_id == entry.person.name != entry.external_id for entry in used)
    changed = {entry.person.name for entry in used if entry.reported_at != LONG_AGO}
    assert changed == (set() if whole else {"both", "held as back"}), "a whole reading says so itself"
    assert {entry.person.name for entry in used if entry.left_at != LONG_AGO} == changed - {"held as back"}
    assert {entry.person.name for entry in used if entry.back_at is None} == changed
    assert not DirectoryEntry.select().where(DirectoryEntry.reported_at != LONG_AGO,
                                             DirectoryEntry.id.not_in([earlier, *used])).exists()
    if not whole:
        assert {entry.reported_status for entry in used} == {"deprovisioned"}
        assert {entry.reason for entry in used} == {"", "No longer in File"}
    assert DirectoryEntry.get_by_id(earlier.id).reported_status == "active", "this is the other directory's to say"


def test_an_entry_goes_back_to_the_one_person_who_had_it_and_is_nobody_else_here(here, there):
    """Otherwise two people are one, or someone who is here again counts as a leaver."""
    cases = ("plain", "left by another", "in use elsewhere", "here elsewhere", "twice", "another name",
             "another number", "in use", "here by another", "used elsewhere", "two people")  # fmt: skip
    people = {who: known(who, employee_number="7") for who in cases}
    used = {who: enter(there if who == "used elsewhere" else here, people[who], f"{who} 1", former_id=who, **LEFT)
            for who in cases}  # fmt: skip
    for who in cases:
        stage(who, **{"another name": {"name": "Cy"}, "another number": {"name": who, "employee_number": "8"}}.get(
            who, {"employee_number": "7"}))  # fmt: skip
    someone = known("someone else", employee_number="7")
    enter(here, people["left by another"], "another 1", **HELD)
    enter(there, someone, "in use elsewhere")
    enter(there, people["here elsewhere"], "another 1")
    enter(here, someone, "in use")
    enter(here, people["here by another"], "another 2", **BACK)
    enter(here, known("another one", employee_number="7"), "two people 2", former_id="two people", **LEFT)
    used["twice"] = enter(here, people["twice"], "twice 2", former_id="twice", **LEFT)
    finding._give_back(here)
    ids = {who: DirectoryEntry.get_by_id(entry.id).external_id for who, entry in used.items()}
    assert {who for who in cases if ids[who] == who} == set(cases[:5])
    assert {id for who, id in ids.items() if id != who} == {f"{who} 1" for who in cases[5:]}
    assert {who for who in cases if DirectoryEntry.get_by_id(used[who].id).former_id is None} == set(cases[:5])
    assert not DirectoryEntry.select().where(DirectoryEntry.external_id == "two people").exists()


def test_an_id_that_reads_like_a_note_of_ours_makes_nobody_a_leaver(here):
    """An id that was used again had the note in it."""
    ids = ("E5", "E5 was used again: 2", "used again 1")
    for id in ids:
        enter(here, known(id), id)
        stage(id)
    finding._part_from_successors(here, whole=False)
    finding._give_back(here)
    finding.note_used_again(here)
    assert names_in("read_claimed") == set() and finding.used_again(here) == []
    assert {(entry.external_id, entry.reported_status) for entry in DirectoryEntry.select()} == {
        (id, "active") for id in ids}  # fmt: skip


def test_no_id_of_a_directory_can_be_that_of_an_entry_which_was_used_again(here):
    """It would make a leaver someone who is here. The ids of entries can be guessed."""
    former = enter(here, known("former", employee_number="7"), "id", employee_number="7")
    stage("id", name="Cy", employee_number="8")
    stage(f"used again {former.id}")
    finding.find_people(here, worldwide_ids=False)
    assert DirectoryEntry.get_by_id(former.id).former_id == "id" and found() == {}


def test_a_person_whose_entry_was_used_again_is_not_found_by_an_address_that_the_new_one_has(here, there):
    """They would be here again as someone else."""
    cases = ("used again", "of another file", "back under its own name", "never used again")
    for who in cases:
        entry = enter(there if who == "of another file" else here, known(who), f"{who} 1", former_id=who)
        if who == "never used again":
            DirectoryEntry.update(former_id="another").where(DirectoryEntry.id == entry.id).execute()
        stage(who, **{} if who == "back under its own name" else {"name": "Cy"})
    known("new here")
    stage("new here", name="Cy")
    enter(here, known("their predecessor"), "new here 1", former_id="new here")
    PersonEmail.update(main=True, by_hand=True).execute()
    finding._find_by_email(here, "m.main AND pe.main")
    assert found() == {who: who for who in (*cases[1:], "new here")}
