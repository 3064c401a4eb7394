"""Whose an address is: what each directory says now, what was given by hand, and what happens where they differ."""

from __future__ import annotations

import pytest

from sync import names
from sync.db import utcnow
from sync.directory import address_moves, directories, precedence
from sync.matching import addresses
from sync.matching import rules as match_rules
from sync.models import Account, App, DirectoryAddress, Person, PersonEmail
from sync.people import people
from tests.sync.scripted import Scripted, entries_of, person, status

ONE, TWO, MARRIED = "p1@acme.example", "p2@acme.example", "married@acme.example"


@pytest.fixture
def app(company) -> App:
    """Each of the ten people has an account in it."""
    app = App.create(connector="x", name="X", category="Seat-based", state="active")
    for number in range(10):
        address = f"p{number}@acme.example"
        Account.create(app=app, external_id=str(number), email=address, email_key=address, match_kind="matched",
                       person=person(address))  # fmt: skip
    return app


def seat(app: App, id: str = "1") -> Account:
    return Account.get(Account.app == app, Account.external_id == id)


def why(app: App, id: str = "1") -> str:
    account = seat(app, id)
    return match_rules.why(App.get_by_id(app.id), [account])[account.id]


def disputed() -> set[str]:
    return {row.email_key for row in PersonEmail.select().where(PersonEmail.disputed)}


# One directory


def test_a_former_name_in_an_app_is_still_hers_while_nobody_else_has_it(company, app):
    one = person(ONE)
    company.say("id1", email=MARRIED, name="New Name")
    company.read()
    assert (person(ONE), person(MARRIED), seat(app).person) == (one, one, one)
    company.delete("id1")
    company.read()
    assert seat(app).person == one and status(ONE) == "deprovisioned", "a leaver's account under it is found as well"


def test_it_is_asked_about_as_soon_as_someone_else_has_it(company, app):
    one = person(ONE)
    company.say("id1", email=MARRIED, name="New Name")
    company.read()
    company.add("id50", ONE, "Ana Lima")
    reading = company.read()
    assert person(ONE).name == "Ana Lima" and one.id != person(ONE).id
    assert (seat(app).match_kind, why(app)) == (
        "unmatched", "p1@acme.example belonged to New Name and belongs to Ana Lima now: decide whose it is")
    assert "1 account with it is unmatched until someone decides whose it is" in reading.counts["warnings"][0]
    assert [status(email) for email in (ONE, MARRIED)] == ["active", "active"]


def test_a_corrected_mistake_leaves_the_owners_unchanged(company, app):
    one = person(ONE)
    company.say("id1", email="wrong@acme.example")
    company.say("id2", further_emails=(ONE,))
    company.read()
    assert person(ONE) == person(TWO) and seat(app).match_kind == "unmatched"
    company.say("id1", email=ONE)
    company.say("id2", further_emails=())
    company.read()
    assert (person(ONE), seat(app).person, seat(app, "2").person) == (one, one, person(TWO))


def test_colleagues_who_swap_addresses_are_asked_about_each(company, app):
    one, two = person(ONE), person(TWO)
    company.say("id1", email=TWO)
    company.say("id2", email=ONE)
    company.read()
    assert (person(ONE), person(TWO)) == (two, one)
    assert [names.main_email(Person.get_by_id(who.id)) for who in (one, two)] == [TWO, ONE]
    assert [seat(app, id).match_kind for id in "12"] == ["unmatched", "unmatched"]


def test_an_address_that_two_claim_belongs_to_nobody_and_the_reason_is_shown(company, app):
    company.delete("id1")
    company.read()
    company.add("id50", ONE, "Ana Lima")
    company.add("id51", ONE, "Anna Lind")
    company.read()
    assert people.find_by_email(ONE) is None, "neither is guessed"
    assert seat(app).match_kind == "unmatched" and "is claimed by Ana Lima and Anna Lind now: decide whose" in why(app)
    company.say("id51", email="lind@acme.example")
    company.read()
    assert person(ONE).name == "Ana Lima" and seat(app).match_kind == "unmatched"
    assert "belongs to Ana Lima now: decide whose it is" in why(app)


def test_of_two_in_use_nobody_is_trusted(company, app):
    company.add("id50", ONE, "Impostor")
    company.read()
    assert disputed() == {ONE} and (seat(app).match_kind, person(ONE).name) == ("unmatched", "Person 1")
    assert why(app) == "The e-mail address is claimed by both Person 1 and Impostor"
    assert entries_of("e-mail address is disputed")[0].why == why(app)
    new = Account.create(app=app, external_id="new", email=ONE, email_key=ONE)
    match_rules.match(app)
    assert Account.get_by_id(new.id).match_kind == "unmatched"
    company.delete("id50")
    company.read()
    assert disputed() == set() and seat(app).person == Account.get_by_id(new.id).person == person(ONE)
    assert len(entries_of("e-mail address is settled")) == 1


def test_a_second_entry_of_the_same_name_or_number_is_no_rival(company, app):
    company.say("id2", employee_number="2")
    company.read()
    company.add("admin1", ONE, "person 1")
    company.add("admin2", TWO, "Administrator", employee_number="2")
    company.read()
    assert disputed() == set() and [seat(app, id).match_kind for id in "12"] == ["matched", "matched"]


@pytest.mark.parametrize("state", ["active", "suspended"])
def test_a_suspended_person_claims_the_address_as_well(company, app, state):
    company.say("id1", status="suspended")
    company.read()
    company.add("id50", ONE, "Ana Lima", status=state)
    company.read()
    assert disputed() == {ONE} and person(ONE).status == "suspended"
    company.say("id1", status="deprovisioned")
    company.read()
    assert (person(ONE).name, person(ONE).status) == ("Ana Lima", state)


def test_a_person_who_has_not_started_yet_has_no_address(company, app):
    one = person(ONE)
    company.delete("id1")
    company.read()
    company.add("id50", ONE, "Ana Lima", status="deprovisioned")
    company.read()
    assert person(ONE) == one and seat(app).person == one
    company.say("id50", status="active")
    company.read()
    assert (person(ONE).name, status(ONE)) == ("Ana Lima", "active") and seat(app).match_kind == "unmatched"
    assert Person.get_by_id(one.id).status == "deprovisioned"


def test_the_same_number_is_the_same_human_under_a_new_name(company):
    one = person(ONE)
    company.say("id1", employee_number="17")
    company.read()
    company.delete("id1")
    company.read()
    company.add("id1b", ONE, "Another Name", employee_number="17")
    company.read()
    assert (person(ONE), status(ONE)) == (one, "active")


def test_people_who_were_numbered_again_are_the_same(scripted, by):
    company = Scripted()
    for number in range(12):
        company.add(f"{number}", f"p{number}@acme.example", f"Person {number}", employee_number=f"{number}")
    company.read()
    before = {number: person(f"p{number}@acme.example").id for number in range(12)}
    company.entries.clear()
    for number in range(12):
        company.add(f"N{number}", f"p{number}@acme.example", f"Person {number}", employee_number=f"N{number}")
    reading = company.read()
    assert (reading.counts["held"], reading.counts["joined"], reading.counts["warnings"]) == (0, 0, [])
    assert {number: person(f"p{number}@acme.example").id for number in before} == before
    assert person(ONE).employee_number == "N1" and disputed() == set()


def test_a_list_whose_rows_were_mixed_up_moves_nothing(company, app):
    before = {email.email_key: email.person_id for email in PersonEmail.select()}
    for number in range(10):
        company.say(f"id{number}", email=f"p{(number + 1) % 10}@acme.example")
    reading = company.read()
    assert before == {email.email_key: email.person_id for email in PersonEmail.select()}
    assert {account.match_kind for account in app.accounts} == {"matched"}
    assert "of 10 people who are here would move to other people, all at once" in reading.counts["warnings"][0]


def test_a_reading_that_finds_nothing_says_nothing_of_addresses(company):
    before = list(DirectoryAddress.select().order_by(DirectoryAddress.id).tuples())
    company.read()
    assert list(DirectoryAddress.select().order_by(DirectoryAddress.id).tuples()) == before
    company.delete("id1")
    company.say("id2", email="new@acme.example")
    company.read()
    assert [(row.active, row.email) for row in DirectoryAddress.select().where(
        DirectoryAddress.external_id.in_(["id1", "id2"])).order_by(DirectoryAddress.external_id)] == [
        (False, ONE), (True, "new@acme.example")]  # fmt: skip


# Several directories


@pytest.fixture
def it(scripted, company) -> Scripted:
    """Another directory, which has only its own person yet."""
    it = Scripted("IT")
    it.add("i0", "root@acme.example", "Root")
    it.read()
    return it


def test_two_directories_write_the_name_in_their_own_ways(company, it, app):
    it.add("i1", ONE, "P. Erson-Eins")
    it.read()
    assert len(people.entries_of(person(ONE))) == 2 and disputed() == set() and seat(app).match_kind == "matched"


def test_a_leaver_of_one_whose_address_another_gives_to_someone_else(company, it, app):
    one = person(ONE)
    company.delete("id1")
    company.read()
    it.add("i1", ONE, "Ana Lima")
    it.read()
    assert (person(ONE).name, status(ONE), Person.get_by_id(one.id).status) == ("Ana Lima", "active", "deprovisioned")
    assert seat(app).match_kind == "unmatched"


def test_a_former_address_does_not_make_someone_elses_entry_hers(company, it):
    """Else who leaves the first would be here for ever by the second."""
    one = person(ONE)
    company.say("id1", email=MARRIED)
    company.read()
    it.add("i1", ONE, "Ana Lima")
    it.read()
    assert person(ONE) != one
    company.delete("id1")
    company.read()
    assert Person.get_by_id(one.id).status == "deprovisioned"


@pytest.mark.parametrize("first", [True, False], ids=["IT goes first", "IT goes last"])
def test_where_two_directories_disagree_their_order_decides_nothing(company, it, app, by, first):
    if first:
        precedence.move(it.row(), -1, by)
    company.add("id50", "lima@acme.example", "Ana Lima")
    company.read()
    it.add("i50", "lima@acme.example", "Ana Lima", further_emails=(ONE,))
    it.read()
    assert disputed() == {ONE} and why(app) == "The e-mail address is claimed by both Person 1 and Ana Lima"
    company.say("id1", status="deprovisioned")
    company.read()
    assert person(ONE) == person("lima@acme.example") and status(ONE) == "active"


def test_a_directory_that_is_removed_says_nothing_any_longer(company, it, app, by):
    it.add("i1", ONE, "Impostor")
    it.add("i2", "p3@acme.example", "Person 3")
    it.read()
    directories.remove(company.directory, by)
    directories.remove(it.directory, by)
    address_moves.follow_decisions_by_hand(utcnow())
    assert DirectoryAddress.select().count() == 0 and disputed() == set()
    assert seat(app).person == person(ONE) and seat(app, "3").person == person("p3@acme.example")


# By hand


def test_an_address_given_by_hand_counts_until_a_directory_agrees(company, app, by):
    people.edit(person(ONE), by, emails=[ONE, "extra@acme.example"])
    by_hand = PersonEmail.select().where(PersonEmail.by_hand).order_by(PersonEmail.id)
    assert [row.email for row in by_hand] == ["olga@acme.example", "extra@acme.example"]
    company.add("id50", "lima@acme.example", "Ana Lima", further_emails=("extra@acme.example",))
    company.read()
    assert disputed() == {"extra@acme.example"} and person("extra@acme.example") == person(ONE)
    company.say("id50", further_emails=())
    company.say("id1", further_emails=("extra@acme.example",))
    company.read()
    assert disputed() == set() and [row.email for row in by_hand.clone()] == ["olga@acme.example"]
    company.say("id1", further_emails=())
    company.say("id50", further_emails=("extra@acme.example",))
    company.read()
    assert person("extra@acme.example").name == "Ana Lima"


def test_someone_added_by_hand_who_has_left_loses_the_address(company, by, app):
    gus = "gus@acme.example"
    guest = people.add("Gus", gus, by)
    account = Account.create(app=app, external_id="g", email=gus, email_key=gus, match_kind="matched", person=guest)
    people.mark_left(guest, by)
    company.add("id50", "gus@acme.example", "Gustav Lind")
    company.read()
    assert person("gus@acme.example").name == "Gustav Lind" and status("gus@acme.example") == "active"
    assert Account.get_by_id(account.id).match_kind == "unmatched"


def test_one_of_two_holders_is_marked_by_hand_as_left(company, by, app):
    gus = people.add("Gus", "gus@acme.example", by)
    company.say("id2", further_emails=("gus@acme.example",))
    company.read()
    assert disputed() == {"gus@acme.example"}
    people.mark_left(gus, by)
    address_moves.follow_decisions_by_hand(utcnow())
    assert disputed() == set() and person("gus@acme.example") == person(TWO)


def test_someone_returned_by_hand_keeps_the_address_until_the_dispute_is_settled(company, app, by):
    one = person(ONE)
    company.say("id1", status="deprovisioned")
    company.read()
    people.mark_returned(one, by)
    company.add("id50", ONE, "Ana Lima")
    company.read()
    assert disputed() == {ONE} and person(ONE) == one and seat(app).match_kind == "unmatched"


def test_a_leavers_address_that_is_handed_on_by_hand_is_asked_about(company, app, by):
    one = person(ONE)
    company.say("id1", status="deprovisioned", further_emails=("old@acme.example",))
    company.read()
    people.edit(one, by, emails=["old@acme.example"])
    people.edit(person(TWO), by, emails=[TWO, ONE])
    assert (seat(app).match_kind, person(ONE)) == ("unmatched", person(TWO))
    assert "belonged to Person 1 (left" in why(app) and "belongs to Person 2 now: decide whose it is" in why(app)
    company.read()
    assert person(ONE) == person(TWO)


def test_an_address_that_was_typed_at_the_wrong_person_is_corrected_by_hand(company, app, by):
    """Both are here: what was matched by it follows."""
    people.edit(person(TWO), by, emails=[TWO, "extra@acme.example"])
    Account.create(app=app, external_id="x", email="extra@acme.example", email_key="extra@acme.example")
    match_rules.match(app)
    assert seat(app, "x").person == person(TWO)
    people.edit(person(TWO), by, emails=[TWO])
    people.edit(person(ONE), by, emails=[ONE, "extra@acme.example"])
    assert seat(app, "x").person == person(ONE)


def test_a_second_entry_of_the_same_name_is_no_reason_why(company, app):
    company.say("id2", employee_number="2")
    company.add("admin1", ONE, "Person 1")
    company.read()
    Account.update(employee_number="2").where(Account.external_id == "1").execute()
    match_rules.match(app)
    assert why(app) == "The e-mail is Person 1's, the employee number is Person 2's"


# What an account is matched by


def test_an_account_that_shows_a_number_is_no_question(company, app):
    """The number says whose it is, with the address or against it."""
    company.say("id1", employee_number="1")
    company.read()
    Account.update(employee_number="1").where(Account.external_id == "1").execute()
    company.say("id1", status="deprovisioned")
    company.read()
    company.add("id50", ONE, "Ana Lima", employee_number="50")
    company.read()
    assert (seat(app).match_kind, why(app)[:30]) == ("unmatched", "p1@acme.example belonged to Pe")
    Account.update(employee_number="50").where(Account.external_id == "1").execute()
    match_rules.match(app)
    assert seat(app).person == person(ONE)


def test_an_account_that_is_known_by_its_user_name_alone_is_asked_about_too(company, app, by):
    match_rules.set_domain(app, "acme.example", by)
    Account.create(app=app, external_id="u", user_name="p1")
    match_rules.match(App.get_by_id(app.id))
    assert seat(app, "u").person == person(ONE)
    company.delete("id1")
    company.read()
    company.add("id50", ONE, "Ana Lima")
    company.read()
    assert seat(app, "u").match_kind == "unmatched" and "belongs to Ana Lima now: decide whose it is" in why(app, "u")
    new = Account.create(app=app, external_id="v", user_name="p1")
    match_rules.match(App.get_by_id(app.id))
    assert Account.get_by_id(new.id).person == person(ONE)


def test_each_address_is_shown_with_its_sources(company, it, by):
    def words(email: str) -> list[str]:
        return [words for _, words in sorted(addresses.sources(person(email)).items())]

    people.edit(person(ONE), by, emails=[ONE, "extra@acme.example"])
    company.say("id1", email=MARRIED)
    company.read()
    assert words(MARRIED) == ["no directory has it now", "given by hand", "in Company LDAP"]
    it.add("i1", MARRIED, "Person 1")
    it.add("i2", TWO, "Impostor")
    it.add("i3", "imp@acme.example", "Impostor Two", further_emails=(TWO,))
    it.read()
    assert words(MARRIED)[2] == "in Company LDAP, IT"
    assert words(TWO) == ["in Company LDAP; IT gives it to Impostor too; IT gives it to Impostor Two too"]
    company.delete("id3")
    company.read()
    assert words("p3@acme.example") == ["no directory has it now"]
