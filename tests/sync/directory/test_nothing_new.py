"""A directory's reading that finds nothing new holds the file only for a look at each person, and what was found before
the file was locked is looked at again."""

from __future__ import annotations

from connectors.base import DirectoryPerson
from sync.db import connected, db, writing
from sync.directory.finding import find_known, find_people
from sync.directory.reading import stage, staging
from sync.models import DirectoryEntry, DirectoryGroupMember, Person
from tests.database import ON_FILE
from tests.sync.scripted import Scripted, person

FEW, MANY = 20, 60
AT_MOST = 800  # steps of SQLite's machine for one more person, staging included


@ON_FILE
def test_one_more_person_costs_few_steps(scripted, by):
    steps = {}
    for count in (FEW, MANY):
        company = Scripted(f"Company {count}", 0)
        for number in range(count):
            company.add(f"{count}-{number}", f"p{number}@{count}.example", f"Person {number}")
        company.read()
        company.read()  # statements are compiled now
        steps[count] = steps_of(company)
    assert steps[MANY] - steps[FEW] <= AT_MOST * (MANY - FEW), steps


def steps_of(company: Scripted) -> int:
    taken = [0]

    def step() -> None:
        taken[0] += 1

    with connected():
        db.connection().set_progress_handler(step, 1)
        try:
            assert company.read().counts["updated"] == 0
        finally:
            db.connection().set_progress_handler(None, 0)
    return taken[0]


def test_an_entry_that_became_someone_elses_before_the_file_was_locked_is_theirs(scripted, by):
    company = Scripted(count=3)
    company.read()
    former, other = person("p1@acme.example"), person("p2@acme.example")
    with staging():
        stage([DirectoryPerson(id=f"id{number}", email=f"p{number}@acme.example", name=f"Person {number}")
               for number in range(3)])  # fmt: skip
        find_known(company.row())
        assert found("id1") == former.id
        with writing():
            DirectoryEntry.update(person=other).where(DirectoryEntry.external_id == "id1").execute()
            DirectoryEntry.delete().where(DirectoryEntry.external_id == "id0").execute()
            find_people(company.row(), worldwide_ids=False, ids_are_reused=True)
        assert found("id1") == other.id
        assert found("id0") == Person.get(Person.name == "Person 0").id  # by the address, now that no entry is known


def found(external_id: str) -> int:
    return db.execute_sql("SELECT person_id FROM read_person WHERE external_id = ?", (external_id,)).fetchone()[0]


@ON_FILE
def test_a_name_is_followed_whatever_characters_its_id_has(scripted, by):
    """SQLite reads a text from JSON up to its first NUL only."""
    company = Scripted()
    company.add("a\0b", "ana@acme.example", "Ana")
    company.read()
    company.say("a\0b", name="Ana Lopez")
    company.read()
    assert person("ana@acme.example").name == "Ana Lopez"


@ON_FILE
def test_a_reading_looks_for_the_members_of_groups_once_however_many_groups_there_are(scripted, by):
    """It looked for each person in each group."""
    company, hundreds = Scripted(count=200), []
    for groups in (1, 40):
        for number in range(200):
            company.say(f"id{number}", groups=(f"Group {number % groups}",))
        company.read()
        hundreds.append(0)
        db.connection().set_progress_handler(lambda: hundreds.append(hundreds.pop() + 1), 100)
        company.read()
        db.connection().set_progress_handler(None, 0)
    assert DirectoryGroupMember.select().count() == 200
    assert hundreds[1] < 1.1 * hundreds[0], hundreds
