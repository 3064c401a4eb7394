"""What a whole reading changes, what the guard holds, and how entries are matched to people."""

from __future__ import annotations

import pytest

from sync import names
from sync.db import db
from sync.directory import directories
from sync.models import (
    Account,
    Activity,
    App,
    DirectoryEntry,
    DirectoryGroup,
    DirectoryGroupMember,
    Mail,
    Person,
)
from sync.people import people
from sync.sign_in import sessions
from tests.database import ON_FILE, few_variables
from tests.sync.scripted import Scripted, entries_of, person, portrait, status


def test_everyone_new_joins_with_name_address_and_number(scripted, by):
    company = Scripted()
    company.add("1", "Ana@Acme.example", "Ana López", employee_number="17", further_emails=("al@acme.example",))
    company.add("2", "", "Without Address")
    company.add("3", "bo@acme.example", "Bo", status="deprovisioned")
    reading = company.read()
    assert (reading.state, reading.people_read, reading.counts["joined"]) == ("succeeded", 3, 3)
    ana = person("ana@acme.example")
    assert (ana.name, ana.status, ana.employee_number, names.main_email(ana)) == (
        "Ana López", "active", "17", "Ana@Acme.example")  # fmt: skip
    assert person("al@acme.example") == ana
    assert (status("bo@acme.example"), person("bo@acme.example").status_reason) == (
        "deprovisioned", "Disabled in Company LDAP")  # fmt: skip
    assert len(entries_of("person joined")) == 3


@ON_FILE
def test_a_reading_that_finds_nothing_writes_a_handful_of_rows(company):
    before = portrait()
    entries = Activity.select().count()
    changes = db.connection().total_changes
    company.read()
    temporary = 2 * 5 * 10  # rows that go into staging tables and out again
    assert db.connection().total_changes - changes <= temporary + 10
    assert portrait() == before
    assert Activity.select().count() == entries


def test_missing_and_disabled_are_deprovisioned_and_locked_out_is_suspended(company):
    company.delete("id1")
    company.say("id2", status="deprovisioned")
    company.say("id3", status="suspended")
    counts = company.read().counts
    assert (counts["deprovisioned"], counts["suspended"]) == (2, 1)
    assert [(status(f"p{n}@acme.example"), person(f"p{n}@acme.example").status_reason) for n in (1, 2, 3)] == [
        ("deprovisioned", "No longer in Company LDAP"),
        ("deprovisioned", "Disabled in Company LDAP"),
        ("suspended", "Locked out in Company LDAP"),
    ]
    assert status("p4@acme.example") == "active"


def test_a_rehire_is_active_again(company):
    gone = company.entries["id1"]
    company.delete("id1")
    company.read()
    company.entries["id1"] = gone
    assert company.read().counts["returned"] == 1
    assert status("p1@acme.example") == "active"


def test_becoming_deprovisioned_ends_the_sessions(company, by):
    one = person("p1@acme.example")
    people.set_workspace_role(one, "user", by)
    token = sessions.start_session(one)
    company.delete("id1")
    company.read()
    assert sessions.person_of(token) is None


def test_more_people_than_a_page(scripted, by):
    company = Scripted(count=1001)
    assert company.read().counts["joined"] == 1001
    assert [entry.after for entry in entries_of("people joined")] == ["1,001 people"]
    company.delete("id1000")
    assert company.read().counts["deprovisioned"] == 1


def test_groups_and_who_is_in_them_follow(company):
    company.say("id0", groups=("Sales", "Berlin"))
    company.say("id1", groups=("Sales",))
    company.read()

    def groups() -> dict[str, int]:
        return {group.name: group.members.count() for group in DirectoryGroup.select()}

    assert groups() == {"Sales": 2, "Berlin": 1}
    company.say("id0", groups=("Sales",))
    company.delete("id1")
    company.read()
    assert groups() == {"Sales": 1}


# The guard

def test_an_empty_directory_is_held(company, olga):
    company.entries.clear()
    assert company.read().counts["held"] == 10
    assert Person.select().where(Person.status != "active").count() == 0
    assert Mail.select().where(Mail.kind == "directory held").count() == 1


@pytest.mark.parametrize(
    ("people_there", "leaving", "held"),
    [
        (10, 5, 0),  # not more than 5 people
        (10, 6, 6),  # more than 5, more than 20 %
        (30, 6, 0),  # 20 % exactly
        (29, 6, 6),
        (3, 2, 0),
        (3, 3, 3),  # nobody would be left
        (1, 1, 1),
    ],
)
def test_more_than_5_and_more_than_20_percent_or_everyone_is_held(scripted, by, people_there, leaving, held):
    company = Scripted(count=people_there)
    company.read()
    company.delete(*[f"id{number}" for number in range(leaving)])
    counts = company.read().counts
    assert (counts["held"], counts["deprovisioned"]) == (held, 0 if held else leaving)
    assert Person.select().where(Person.status == "deprovisioned").count() == (0 if held else leaving)


def test_the_guard_is_the_workspaces(company, by):
    from sync.workspace import update_workspace

    update_workspace(by, guard_accounts=0, guard_percent=5)
    company.delete("id1")
    assert company.read().counts["held"] == 1


def test_newcomers_do_not_thin_out_the_leavers(company):
    company.entries.clear()
    for number in range(200):
        company.add(f"other{number}", f"other{number}@acme.example")
    assert company.read().counts["held"] == 10
    assert status("p1@acme.example") == "active"
    assert status("other1@acme.example") == "active"


def test_people_known_already_are_guarded_from_a_new_directory_too(scripted, by):
    for number in range(10):
        people.add(f"Person {number}", f"p{number}@acme.example", by)
    company = Scripted(count=20)
    for number in range(10):
        company.say(f"id{number}", status="deprovisioned")
    assert company.read().counts["held"] == 10
    assert status("p1@acme.example") == "active"
    assert directories.release(company.directory, by) == 10
    assert status("p1@acme.example") == "deprovisioned"


def test_a_held_leaver_stays_held_until_they_are_back_or_released(company, by):
    gone = dict(company.entries)
    company.entries = {"id0": gone["id0"]}
    company.read()
    company.read()
    assert [entry.person.name for entry in directories.held(company.directory)] == [f"Person {n}" for n in range(1, 10)]
    assert len(entries_of("held leavers")) == 1
    company.entries = {f"id{number}": gone[f"id{number}"] for number in range(4)}
    assert company.read().counts["held"] == 6
    company.entries = {f"id{number}": gone[f"id{number}"] for number in range(8)}
    assert company.read().counts["deprovisioned"] == 2
    assert directories.held(company.directory) == []
    company.entries = {"id0": gone["id0"]}
    company.read()
    assert directories.release(company.directory, by) == 7
    assert directories.release(company.directory, by) == 0
    assert Person.select().where(Person.status == "active").count() == 2
    assert person("p5@acme.example").status_reason == "No longer in Company LDAP"


def test_others_are_applied_while_leavers_are_held(company):
    company.delete(*[f"id{number}" for number in range(1, 8)])
    company.say("id8", name="New Name")
    company.add("id99", "new@acme.example")
    company.say("id9", status="suspended")
    company.read()
    assert (person("p8@acme.example").name, status("p9@acme.example")) == ("New Name", "suspended")
    assert status("new@acme.example") == "active"


def test_held_people_stay_in_their_groups(company):
    for number in range(10):
        company.say(f"id{number}", groups=("All",))
    company.read()
    company.entries.clear()
    company.read()
    assert DirectoryGroupMember.select().count() == 10


# Matching entries to people

def test_someone_added_by_hand_is_found_by_address(scripted, by):
    ana = people.add("Ana", "ANA@acme.example", by)
    company = Scripted()
    company.add("1", "ana@Acme.example", "Ana")
    assert company.read().counts["joined"] == 0
    assert DirectoryEntry.get().person == ana


def test_someone_added_by_hand_under_another_address_is_found_by_the_further_one(scripted, by):
    ana = people.add("Ana", "al@acme.example", by)
    company = Scripted()
    company.add("1", "ana@acme.example", "Ana", further_emails=("al@acme.example",))
    company.read()
    assert person("ana@acme.example") == ana


def test_a_leavers_address_that_is_handed_on_does_not_make_the_successor_the_leaver(company):
    leaver = person("p1@acme.example")
    company.delete("id1")
    company.read()
    company.add("id50", "successor@acme.example", "Successor", further_emails=("p1@acme.example",))
    reading = company.read()
    assert person("successor@acme.example") != leaver
    assert Person.get_by_id(leaver.id).status == "deprovisioned"
    assert "p1@acme.example" in reading.counts["warnings"][0]
    assert person("p1@acme.example") == person("successor@acme.example"), "the directory gives it to the successor"


def test_a_changed_address_becomes_the_main_one_and_the_old_one_still_finds(company):
    one = person("p1@acme.example")
    company.say("id1", email="married@acme.example", name="New Name")
    assert company.read().counts["updated"] == 1
    assert person("married@acme.example") == person("p1@acme.example") == one
    assert names.main_email(one) == "married@acme.example"
    assert [(entry.before, entry.after) for entry in entries_of("changed e-mail")] == [
        ("p1@acme.example", "married@acme.example")
    ]


def test_an_edit_by_hand_outlives_the_readings_until_the_directory_changes_it(company, by):
    one = person("p1@acme.example")
    people.edit(one, by, name="Nickname", emails=["nick@acme.example", "p1@acme.example"])
    company.read()
    assert (person("p1@acme.example").name, names.main_email(one)) == ("Nickname", "nick@acme.example")
    company.say("id1", name="Renamed")
    company.read()
    assert person("p1@acme.example").name == "Renamed"


def test_a_new_address_matches_accounts(company, by):
    app = App.create(connector="x", name="X", category="Seat-based", state="active")
    account = Account.create(app=app, external_id="1", email="new@acme.example", email_key="new@acme.example")
    company.say("id1", email="new@acme.example")
    company.read()
    assert Account.get_by_id(account.id).person == person("p1@acme.example")


def test_two_newcomers_with_one_address_are_both_reported_and_neither_is_guessed(company):
    company.add("a", "shared@acme.example", "Ana")
    company.add("b", "SHARED@acme.example", "Bo")
    [warning] = company.read().counts["warnings"]
    assert "Ana and Bo" in warning and "shared@acme.example" in warning
    assert people.find_by_email("shared@acme.example") is None
    company.read()
    assert len(entries_of("directory needs a look")) == 1
    company.say("b", email="bo@acme.example")
    assert company.read().counts["joined"] == 2
    assert (person("shared@acme.example").name, person("bo@acme.example").name) == ("Ana", "Bo")


def test_an_address_that_nobody_has_while_people_of_another_directory_claim_it_is_warned_about(scripted, by):
    other, company = Scripted("HR"), Scripted()
    other.add("1", "one@acme.example", "Ana")
    other.add("2", "two@acme.example", "Bo")
    other.read()
    for id in ("1", "2"):
        other.say(id, email="both@acme.example")
    other.read()
    company.add("9", "both@acme.example", "Cleo")
    company.add("8", "other@acme.example", "Dan")
    assert company.read().counts["warnings"] == [
        f"Company LDAP gives the e-mail address both@acme.example to Cleo, but HR gives it to {holder}. Nobody has it "
        "until only one of the two does: correct it in the directory." for holder in ("Ana", "Bo")]
    assert people.find_by_email("both@acme.example") is None
    assert person("other@acme.example").name == "Dan"


def test_only_known_others_are_named_as_claiming_an_address_that_nobody_has(scripted, by):
    other, company = Scripted("HR"), Scripted()
    other.add("1", "one@acme.example", "Ana")
    other.add("2", "two@acme.example", "Bo")
    other.read()
    company.add("9", "one@acme.example", "Ana")
    company.read()
    for id in ("1", "2"):
        other.say(id, email="both@acme.example")
    other.add("3", "both@acme.example", "Newcomer")
    other.read()
    assert people.find_by_email("both@acme.example") is None
    company.add("8", "both@acme.example", "Disabled", status="deprovisioned")
    assert not company.read().counts.get("warnings"), "who is disabled claims nothing"
    company.delete("8")
    company.say("9", further_emails=("both@acme.example",))
    assert company.read().counts["warnings"] == [
        "Company LDAP gives the e-mail address both@acme.example to Ana, but HR gives it to Bo. Nobody has it "
        "until only one of the two does: correct it in the directory."]


def test_a_claim_to_someones_address_takes_nothing_from_them(company):
    one = person("p1@acme.example")
    company.add("impostor", "P1@acme.example", "Impostor")
    company.say("id2", email="p1@acme.example")
    assert company.read().counts["warnings"]
    assert person("p1@acme.example") == one
    assert status("p1@acme.example") == status("p2@acme.example") == "active"


def test_of_two_entries_with_one_address_the_one_that_stays_keeps_the_person(company):
    """Two entries for one human; someone cleans up and deletes the older one: nobody has left."""
    company.add("newer", "p1@acme.example", "Person 1")
    company.read()
    company.delete("id1")
    company.read()
    assert status("p1@acme.example") == "active"


def test_nobody_leaves_whose_address_the_directory_gives_to_someone_here(company, by):
    """The same human may have been entered again under another name: until someone decides, neither is gone."""
    one = person("p1@acme.example")
    company.delete("id1")
    company.add("id50", "p1@acme.example", "Another Person 1")
    reading = company.read()
    assert (reading.counts["held"], status("p1@acme.example")) == (1, "active")
    assert "p1@acme.example" in reading.counts["warnings"][0]
    company.read()
    assert (person("p1@acme.example"), status("p1@acme.example")) == (one, "active")
    assert directories.release(company.directory, by) == 1
    company.read()
    assert Person.get_by_id(one.id).status == "deprovisioned"
    assert (status("p1@acme.example"), person("p1@acme.example").name) == ("active", "Another Person 1")


def test_an_old_address_goes_to_the_newcomer_that_the_directory_gives_it_to(company):
    """Renamed, and then gone: the newcomer with the old address is not in the way of either."""
    one = person("p1@acme.example")
    company.say("id1", email="married@acme.example")
    company.read()
    assert person("p1@acme.example") == one, "kept while nobody else has it"
    company.add("id50", "p1@acme.example", "Another Person 1")
    reading = company.read()
    assert "p1@acme.example" in reading.counts["warnings"][0]
    assert (status("p1@acme.example"), person("p1@acme.example").name) == ("active", "Another Person 1")
    assert person("married@acme.example") == one
    company.delete("id1")
    company.read()
    assert status("married@acme.example") == "deprovisioned"
    assert (status("p1@acme.example"), person("p1@acme.example").name) == ("active", "Another Person 1")


def test_a_rehire_under_a_new_id_beside_the_old_disabled_entry_is_active(company):
    one = person("p1@acme.example")
    company.say("id1", status="deprovisioned")
    company.read()
    company.add("id1-again", "p1@acme.example", "Person 1")
    reading = company.read()
    assert (person("p1@acme.example"), status("p1@acme.example")) == (one, "active")
    assert reading.counts["warnings"] == []


def test_all_ids_are_new_and_nobody_has_left(company):
    before = {f"p{n}@acme.example": person(f"p{n}@acme.example").id for n in range(10)}
    company.entries = {}
    for number in range(10):
        company.add(f"rebuilt{number}", f"p{number}@acme.example", f"Person {number}")
    counts = company.read().counts
    assert (counts["held"], counts["deprovisioned"], counts["joined"]) == (0, 0, 0)
    assert {email: person(email).id for email in before} == before


def test_a_directory_larger_than_one_statement_can_name_is_read_and_removed(scripted, by):
    company = Scripted(count=6000)
    with few_variables(db, 5000):
        assert company.read().counts["joined"] == 6000
        company.delete(*[f"id{number}" for number in range(300)])
        assert company.read().counts["deprovisioned"] == 300
        directories.remove(company.directory, by)
    assert Person.select().where(Person.status == "deprovisioned").count() == 300
