"""Importing a list of people: whole or nothing, and only about those it names."""

from __future__ import annotations

from datetime import date

import pytest

from sync.models import Person, PersonEmail
from sync.people import held, importing, people
from sync.people.people import PeopleProblem


@pytest.fixture
def ana(by) -> Person:
    return people.add("Ana López", "Ana@acme.example", by, ["ana.lopez@acme.example"])


def fresh(person: Person) -> Person:
    return Person.get_by_id(person.id)


def test_an_import_says_nothing_of_those_it_does_not_name(ana, by, olga):
    outcome = importing.import_csv(b"email,name\nbo@acme.example,Bo\n", by)
    assert (outcome.added, outcome.updated, outcome.unchanged) == (1, 0, 0)
    assert {fresh(person).status for person in (ana, olga)} == {"active"}


def test_an_import_without_a_status_leaves_each_status(ana, by):
    people.mark_left(ana, by)
    importing.import_csv("email,name\nana@acme.example,Ana López\n".encode(), by)
    assert fresh(ana).status == "deprovisioned"


def test_an_old_list_brings_nobody_back_until_someone_releases_it(ana, by):
    people.mark_left(ana, by)
    text = "email,name,status,last_day\nana@acme.example,Ana López,active,\n".encode()
    assert [importing.import_csv(text, by).held for _ in range(2)] == [1, 0]
    [waiting] = held.waiting(ana)
    assert (fresh(ana).status, waiting.value) == ("deprovisioned", "active")
    held.release(waiting, by)
    assert fresh(ana).status == "active"


def test_the_last_day_of_someone_whom_a_list_brings_back_is_released_after_that(ana, by):
    people.mark_left(ana, by)
    importing.import_csv(b"email,status,last_day\nana@acme.example,active,2099-12-31\n", by)
    assert fresh(ana).last_day is None
    status, last_day = held.waiting(ana)
    with pytest.raises(PeopleProblem, match="has left"):
        held.release(last_day, by)
    held.release(status, by)
    held.release(last_day, by)
    assert (fresh(ana).status, fresh(ana).last_day) == ("active", date(2099, 12, 31))


def test_an_import_brings_up_to_date_and_twice_is_once(ana, by):
    text = "email;name;status;employee_number;further_emails\nANA@acme.example;Ana B;left;17;ab@acme.example\n"
    assert importing.import_csv(text.encode(), by).updated == 1
    assert importing.import_csv(text.encode(), by).unchanged == 1
    now = fresh(ana)
    assert (now.name, now.status, now.employee_number) == ("Ana B", "deprovisioned", "17")
    assert people.find_by_email("ab@acme.example") == ana
    assert PersonEmail.select().where(PersonEmail.person == ana).count() == 3


@pytest.mark.parametrize(
    "text",
    [
        "email,name\nbo@acme.example,Bo\nbo@acme.example,Bo\n",
        "email,further_emails\nbo@acme.example,olga@acme.example\n",
        "email,status\nbo@acme.example,active\nolga@acme.example,left\n",
        "email,further_emails,status\nbo@acme.example,b@acme.example,active\nb@acme.example,,left\n",
        "name\nBo\n",
    ],
)
def test_an_import_is_whole_or_nothing(olga, by, text):
    with pytest.raises(PeopleProblem):
        importing.import_csv(text.encode(), by)
    assert [person.name for person in Person.select()] == ["Olga Brandt"]
    assert fresh(olga).status == "active"


def test_an_import_reads_a_file_by_its_path(tmp_path, by):
    file = tmp_path / "staff.csv"
    file.write_text("email,name\nbo@acme.example,Bo\n")
    assert importing.import_file(file, by).added == 1
    with pytest.raises(PeopleProblem, match="No such file"):
        importing.import_file(tmp_path / "none.csv", by)


def test_a_list_that_names_someone_by_two_addresses_is_refused(ana, by):
    text = "email,status\nana@acme.example,active\nana.lopez@acme.example,left\n"
    with pytest.raises(PeopleProblem, match="names Ana López twice, as ana@acme.example and as ana.lopez@acme.example"):
        importing.import_csv(text.encode(), by)
    assert fresh(ana).status == "active"
