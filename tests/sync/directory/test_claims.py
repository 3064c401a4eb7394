"""Whose an address is while several entries claim it, and what a directory's reading says of that."""

from __future__ import annotations

import pytest

from sync.directory import address_moves, directories
from sync.directory.address_moves import Moves
from sync.models import Directory, DirectoryAddress, DirectoryEntry, HeldChange, Person, PersonEmail
from sync.people import people
from sync.safety.guards import Guard
from tests.sync.scripted import Scripted

BOTH = "both@acme.example"


def warnings(company: Scripted) -> list[str]:
    return company.read().counts.get("warnings", [])


def test_a_disabled_entry_gets_no_address_that_newcomers_of_another_directory_use(scripted, by):
    other, company = Scripted("HR"), Scripted()
    for id in ("1", "2"):
        other.add(id, BOTH, f"Newcomer {id}")
    other.read()
    assert people.find_by_email(BOTH) is None
    company.add("8", BOTH, "Disabled", status="deprovisioned")
    company.read()
    assert people.find_by_email(BOTH) is None


def test_someone_new_whose_main_address_is_claimed_is_not_added_by_a_further_one(scripted, by):
    company = Scripted()
    company.add("1", BOTH, "Ana", further_emails=("ana@acme.example",))
    company.add("2", BOTH, "Bo")
    assert company.read().counts["joined"] == 0
    assert people.find_by_email("ana@acme.example") is None and people.find_by_email(BOTH) is None


NEW_HIRE = {"name": "Ana Lima", "email": "ana@acme.example", "employee_number": "12"}


@pytest.mark.parametrize("kept", [{}, {"email": "p1@acme.example"}, {"further_emails": ("p1@acme.example",)}],
                         ids=["no address", "the address, as of a role", "the address as a further one"])  # fmt: skip
@pytest.mark.parametrize("left", [True, False])
def test_an_entry_that_is_used_again_for_a_new_hire_is_not_its_former_persons(scripted, by, left, kept):
    company = Scripted(count=9)
    company.say("id1", employee_number="7")
    company.read()
    ben = people.find_by_email("p1@acme.example")
    if left:
        company.say("id1", status="deprovisioned")
        company.read()
    company.say("id1", **NEW_HIRE | kept, status="active")
    for _ in range(2):
        reading = company.read()
        ana, ben = people.find_by_email(company.entries["id1"].email), Person.get_by_id(ben.id)
        assert (ana.name, ana.employee_number, ana.status) == ("Ana Lima", "12", "active")
        assert (ben.name, ben.employee_number) == ("Person 1", "7")
        assert people.find_by_email("p1@acme.example") == (ana if kept else ben)
        assert (ben.status, reading.counts["held"]) == (("deprovisioned", 0) if left else ("active", 1))
    if not left:
        [warning] = reading.counts["warnings"]
        assert warning.startswith("Company LDAP has Ana Lima in the place of Person 1")
        directories.release(company.directory, by)
        assert company.read().counts.get("warnings", []) == []
        assert Person.get_by_id(ben.id).status == "deprovisioned"


@pytest.mark.parametrize("its_id", ["id1", "p1@acme.example"], ids=["numbers", "addresses as ids"])
@pytest.mark.parametrize(("status", "reported"), [("active", "deprovisioned"), ("deprovisioned", "active")],
                         ids=["held as a leaver", "held as back"])  # fmt: skip
def test_an_entry_used_again_hides_no_leaver_that_a_guard_holds(scripted, by, status, reported, its_id):
    """Otherwise the former person would be here under the new hire's name, and no report would have them. So they are
    still held as someone who may have left, or are still a leaver in the reports of their apps."""
    company = Scripted(count=9)
    company.delete("id1")
    company.add(its_id, "p1@acme.example", "Person 1")
    company.read()
    ben = people.find_by_email("p1@acme.example")
    DirectoryEntry.update(status=status, reported_status=reported).where(DirectoryEntry.person == ben).execute()
    Person.update(status=status).where(Person.id == ben.id).execute()
    company.say(its_id, name="Ana Lima", **({"email": "ana@acme.example"} if its_id == "id1" else {}))
    for _ in range(2):
        company.read()
        ben = Person.get_by_id(ben.id)
        assert (ben.name, ben.status) == ("Person 1", status)
        assert [entry.person for entry in directories.held(company.directory)] == ([ben] if status == "active" else [])
    directories.release(company.directory, by)
    company.read()
    ana = people.find_by_email(company.entries[its_id].email)
    assert (ana.name, ana.status, Person.get_by_id(ben.id).status) == ("Ana Lima", "active", "deprovisioned")


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize(("before", "kept"), [
    ("7", {"name": "Person 1"}), ("7", {"name": "Person 1", "email": "p1@acme.example"}),
    ("7", {"name": "1, Person"}), ("7", {"employee_number": "7"}),
    ("7", {"email": "p1@acme.example", "employee_number": ""}),
    ("", {"email": "p1@acme.example"}), ("", {"further_emails": ("p1@acme.example",)}),
], ids=["name", "name and address", "name, turned round", "number", "address, without a number",
        "address, with a first number", "address as a further one"])  # fmt: skip
def test_an_entry_that_keeps_one_of_its_values_is_renamed(scripted, by, before, kept, left):
    company = Scripted(count=9)
    company.say("id1", employee_number=before)
    company.read()
    ben = people.find_by_email("p1@acme.example")
    if left:
        company.say("id1", status="deprovisioned")
        company.read()
    company.say("id1", **NEW_HIRE | kept, status="active")
    company.read()
    assert people.find_by_email(company.entries["id1"].email) == ben and Person.select().count() == 10
    assert Person.get_by_id(ben.id).status == "active"


def test_a_disabled_entry_is_still_its_persons_whatever_it_says(scripted, by):
    company = Scripted(count=9)
    company.say("id1", employee_number="7")
    company.read()
    ben = people.find_by_email("p1@acme.example")
    company.say("id1", name="Deleted", employee_number="12", status="deprovisioned")
    assert company.read().counts["held"] == 0 and Person.get_by_id(ben.id).status == "deprovisioned"


@pytest.mark.parametrize("released", [True, False])
def test_an_entry_that_is_as_before_again_is_its_former_persons(scripted, by, released):
    """Two rows of a list were mixed up for a day."""
    company = Scripted(count=9)
    company.say("id1", employee_number="7")
    company.read()
    was, ben = company.entries["id1"], people.find_by_email("p1@acme.example")
    company.say("id1", name="Ana Lima", employee_number="12")
    company.read()
    ana = people.find_by_email("p1@acme.example")
    company.say("id1", name="Person 1", employee_number="")
    company.read()
    assert people.find_by_email("p1@acme.example") == ana, "a name without a number is another name of hers"
    company.say("id1", name="Ana Lima", employee_number="12")
    company.read()
    if released:
        directories.release(company.directory, by)
    company.entries["id1"] = was
    company.read()
    ben = Person.get_by_id(ben.id)
    assert (ben.name, ben.status, people.find_by_email("p1@acme.example")) == ("Person 1", "active", ben)
    [entry] = directories.held(company.directory)
    assert entry.person.name == "Ana Lima"


def test_an_address_that_another_directory_gives_to_the_former_person_makes_the_new_one_nobody_else(scripted, by):
    company, other = Scripted(count=9), Scripted("HR")
    other.add("ben", "p1@acme.example", "Person 1")
    company.say("id1", employee_number="7")
    company.read()
    other.read()
    ben = people.find_by_email("p1@acme.example")
    company.say("id1", name="Ana Lima", employee_number="12")
    found = warnings(company)
    assert (Person.get_by_id(ben.id).name, Person.get_by_id(ben.id).employee_number) == ("Person 1", "7")
    assert Person.get_or_none(name="Ana Lima") is None and PersonEmail.get(email_key="p1@acme.example").disputed
    assert "gives the e-mail address p1@acme.example to Ana Lima, but here it belongs to Person 1" in found[0]
    assert [entry.person for entry in directories.held(company.directory)] == [ben]


def test_an_entry_that_two_directories_of_one_kind_have_is_used_again_in_both(scripted, by):
    one, two = Scripted("Domain 1", count=9), Scripted("Domain 2", count=9)
    for company in (one, two):
        company.say("id1", employee_number="7")
        company.read()
    ben = people.find_by_email("p1@acme.example")
    for company in (one, two):
        company.say("id1", **NEW_HIRE)
        company.read()
        assert [entry.person for entry in directories.held(company.directory)] == [ben]
    assert Person.select().count() == 11 and len(people.entries_of(people.find_by_email("ana@acme.example"))) == 2
    one.say("id1", name="Cy", email="cy@acme.example", employee_number="9")
    directories.remove(two.row(), by)
    directories.remove(one.row(), by)
    one.connect()
    one.read()
    assert people.find_by_email("cy@acme.example").name == "Cy", "nor is it who had it before the removal"


def test_the_first_fifty_warnings_are_shown_and_the_others_counted(scripted, by):
    company = Scripted()
    for number in range(50):
        for half in "ab":
            company.add(f"{number}{half}", f"p{number}@acme.example", f"Person {number}{half}")
    assert len(found := warnings(company)) == 50 and "gives the e-mail address" in found[-1]
    for id in ("last", "least"):
        company.add(id, BOTH, id)
    assert len(found := warnings(company)) == 51 and found[-1] == "And 1 more such address."


def test_someone_whose_main_address_moves_to_another_has_a_main_one_still(scripted, by):
    company = Scripted(count=3)
    company.read()
    ana = people.find_by_email("p1@acme.example")
    people.edit(ana, by, emails=["p1@acme.example", "ana@home.example"])
    company.say("id1", email="")
    company.say("id2", email="p1@acme.example")
    company.read()
    assert people.find_by_email("p1@acme.example").name == "Person 2"
    assert [(row.email, row.main) for row in PersonEmail.select().where(PersonEmail.person == ana)] == [
        ("ana@home.example", True)]  # fmt: skip


def test_an_address_that_moves_is_held_if_the_directory_may_not_change_who_gets_it(scripted, by):
    company = Scripted(count=3)
    company.read()
    Person.update(workspace_role="owner").where(Person.name == "Person 2").execute()
    Directory.update(vouched_for=False).execute()
    company.say("id1", email="other@acme.example")
    company.say("id2", further_emails=("p1@acme.example",))
    company.read()
    assert people.find_by_email("p1@acme.example") is None
    assert [(change.person.name, change.field, change.value) for change in HeldChange.select()] == [
        ("Person 2", "address", "p1@acme.example")]  # fmt: skip


@pytest.mark.parametrize(("here", "left", "losing", "frozen"), [
    (10, 40, ["active"] * 6, 6),
    (40, 10, ["active"] * 6, 0),
    (10, 40, ["deprovisioned"] * 6, 0),
    (10, 40, ["active"] * 5 + ["deprovisioned"] * 5, 0),
    (10, 40, ["suspended"] * 6 + ["deprovisioned"], 6),
], ids=["many", "few of many", "leavers", "few and leavers", "many and a leaver"])  # fmt: skip
def test_addresses_stay_if_many_of_those_who_are_here_would_lose_theirs(home, here, left, losing, frozen):
    directory = Directory.create(kind="csv", name="File")
    for number in range(here + left):
        person = Person.create(name=f"Person {number}")
        DirectoryEntry.create(directory=directory, external_id=str(number), person=person,
                              status="active" if number < here else "deprovisioned")  # fmt: skip
    people_losing = [Person.create(name=f"Loser {number}", status=status) for number, status in enumerate(losing)]
    moves = Moves(lost=[(person.name, person.name, person.id) for person in people_losing])
    address_moves._freeze(moves, directory, Guard(5, 20))
    assert (moves.frozen, len(moves.lost)) == (frozen, len(losing) - frozen)


def test_a_disputed_address_that_nobody_else_claims_is_settled_and_stays(home):
    """Also if nothing proves by now that it is theirs."""
    ana = Person.create(name="Ana", status="deprovisioned")
    PersonEmail.create(person=ana, email=BOTH, email_key=BOTH, main=True, disputed=True)
    assert address_moves.settle("FALSE").settled == []
    moves = address_moves.settle()
    assert (moves.settled, moves.lost, PersonEmail.get().disputed) == ([BOTH], [], False)


def test_nobody_loses_an_address_who_is_not_looked_at(home):
    ana = Person.create(name="Ana", status="deprovisioned")
    PersonEmail.create(person=ana, email=BOTH, email_key=BOTH, main=True)
    DirectoryAddress.create(directory=Directory.create(kind="scim", name="HR"), external_id="1", email=BOTH,
                            email_key=BOTH)  # fmt: skip
    assert address_moves.settle("FALSE").lost == []
    assert address_moves.settle().lost == [(BOTH, BOTH, ana.id)]


@pytest.mark.parametrize("both", [True, False])
def test_an_address_goes_to_the_only_one_who_claims_it_and_to_neither_of_two(home, both):
    here, there = (Directory.create(kind="csv", name=name) for name in ("File", "HR"))
    ana, bo, cy = (Person.create(name=name) for name in ("Ana", "Bo", "Cy"))
    for directory, person in ((here, ana), (here, bo), (there, bo), (there, cy)):
        DirectoryEntry.create(directory=directory, external_id=person.name, person=person)
    PersonEmail.create(person=ana, email=BOTH, email_key=BOTH, main=True)
    for directory, id in ((here, "Bo"), (there, "Cy" if both else "Bo")):
        DirectoryAddress.create(directory=directory, external_id=id, email=BOTH, email_key=BOTH)
    assert address_moves.settle().lost == [(BOTH, BOTH, ana.id)]
    assert [row.person for row in PersonEmail.select()] == ([] if both else [bo])


def test_an_address_that_stays_as_too_many_would_move_is_not_disputed(home):
    directory = Directory.create(kind="csv", name="File")
    ana, bo = Person.create(name="Ana"), Person.create(name="Bo")
    for person in (ana, bo):
        DirectoryEntry.create(directory=directory, external_id=person.name, person=person)
    PersonEmail.create(person=ana, email=BOTH, email_key=BOTH, main=True)
    DirectoryAddress.create(directory=directory, external_id="Bo", email=BOTH, email_key=BOTH)
    moves = address_moves.settle(directory=directory, guard=Guard(0, 0))
    assert (moves.frozen, moves.normals, PersonEmail.get().disputed) == (1, [], False)
    assert address_moves.settle(directory=directory, guard=Guard(5, 0)).lost == [(BOTH, BOTH, ana.id)]


def test_an_address_that_someone_gets_is_disputed_if_an_entry_without_a_person_has_it_too(scripted, by):
    other, company = Scripted("HR"), Scripted()
    other.add("1", "shared@acme.example", "Zed Abel", further_emails=(BOTH,))
    other.add("2", "shared@acme.example", "Bo Chen")
    other.read()
    assert people.find_by_email(BOTH) is None, "nobody is added by a further address"
    company.add("8", "cy@acme.example", "Cy Dorn", further_emails=(BOTH, "cy.dorn@acme.example"))
    company.read()
    cy = people.find_by_email("cy@acme.example")
    disputed = {row.email: row.disputed for row in PersonEmail.select().where(PersonEmail.person == cy)}
    assert disputed == {"cy@acme.example": False, BOTH: True, "cy.dorn@acme.example": False}
