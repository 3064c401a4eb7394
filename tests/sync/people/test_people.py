"""People: adding, editing, finding, leaving and returning by hand."""

from __future__ import annotations

import pytest

from sync import names
from sync.models import Account, Activity, App, Directory, DirectoryEntry, Person, Session
from sync.people import people, person_list
from sync.people.people import PeopleProblem
from sync.people.person_list import People
from sync.sign_in import sessions


@pytest.fixture
def ana(by) -> Person:
    return people.add("Ana López", "Ana@acme.example", by, ["ana.lopez@acme.example"])


def fresh(person: Person) -> Person:
    return Person.get_by_id(person.id)


def entries_with(person: Person, *statuses: str) -> list[DirectoryEntry]:
    """Directories that call the person so."""
    entries = []
    for number, status in enumerate(statuses):
        directory = Directory.create(kind="csv", name=f"Directory {Directory.select().count() + number}",
                                     vouched_for=True)
        entries.append(DirectoryEntry.create(
            directory=directory, external_id="1", person=person, status=status, reported_status=status,
            reason=f"{status} there"))
    return entries


def test_someone_added_is_found_by_every_address_in_every_spelling(ana):
    for email in ("ana@acme.example", " ANA@ACME.EXAMPLE ", "Ana.Lopez@acme.example"):
        assert people.find_by_email(email) == ana
    assert people.find_by_email("bo@acme.example") is None
    assert people.find_by_email("") is None
    assert names.main_email(ana) == "Ana@acme.example"
    assert names.signature(ana) == "Ana López <Ana@acme.example>"
    assert fresh(ana).status == "active"


def test_an_address_belongs_to_one_person(ana, by):
    with pytest.raises(PeopleProblem, match="belongs to Ana López"):
        people.add("Another", "ANA@acme.example", by)
    with pytest.raises(PeopleProblem, match="belongs to Ana López"):
        people.add("Another", "another@acme.example", by, ["Ana.Lopez@Acme.example"])
    assert not Person.select().where(Person.name == "Another").exists()


@pytest.mark.parametrize("email", ["", "nobody", "a@", "@b", "a b@c.example", "a@b@c.example"])
def test_a_text_that_is_not_an_address_is_refused(by, email):
    with pytest.raises(PeopleProblem):
        people.add("Bo", email, by)
    assert person_list.search(People("Bo")).total == 0


def test_editing_changes_name_and_addresses_at_once_or_not_at_all(ana, by, olga):
    with pytest.raises(PeopleProblem, match="belongs to Olga"):
        people.edit(ana, by, name="New Name", emails=["new@acme.example", "olga@acme.example"])
    assert (fresh(ana).name, names.main_email(ana)) == ("Ana López", "Ana@acme.example")
    people.edit(ana, by, name="Ana  Brandt", emails=["new@acme.example", "ana@acme.example"])
    assert (fresh(ana).name, names.main_email(ana)) == ("Ana Brandt", "new@acme.example")
    assert people.find_by_email("ana.lopez@acme.example") is None
    entry = Activity.select().where(Activity.what == "edited person").get()
    assert "Ana López" in entry.before and "new@acme.example" in entry.after


def test_editing_without_a_change_shows_nothing(ana, by):
    people.edit(ana, by, name="Ana López", emails=["Ana@acme.example", "ana.lopez@acme.example"])
    assert not Activity.select().where(Activity.what == "edited person").exists()


def test_the_last_address_stays(ana, by):
    with pytest.raises(PeopleProblem, match="needs an e-mail"):
        people.edit(ana, by, emails=["", "  "])


def test_accounts_follow_the_addresses(by):
    app = App.create(connector="x", name="X", category="Seat-based", state="active")
    account = Account.create(app=app, external_id="1", email="bo@acme.example", email_key="bo@acme.example")
    bo = people.add("Bo", "BO@acme.example", by)
    assert Account.get_by_id(account.id).person == bo
    people.edit(bo, by, emails=["bo2@acme.example"])
    assert Account.get_by_id(account.id).person is None


def test_leaving_ends_sessions_and_returning_brings_back(ana, by):
    people.set_workspace_role(ana, "user", by)
    token = sessions.start_session(fresh(ana))
    people.mark_left(ana, by, "went to a rival")
    assert fresh(ana).status == "deprovisioned"
    assert fresh(ana).status_reason == "Marked as left by Olga Brandt: went to a rival"
    assert not Session.select().where(Session.person == ana).exists()
    assert sessions.person_of(token) is None
    people.mark_returned(ana, by)
    assert fresh(ana).status == "active"
    assert sessions.person_of(token) is None
    logged = [entry.what for entry in Activity.select().where(Activity.person == ana).order_by(Activity.id)]
    assert logged[-2:] == ["person deprovisioned", "person returned"]


def test_the_only_owner_can_neither_leave_nor_give_it_up(olga, by, ana):
    for change in (lambda: people.mark_left(olga, by), lambda: people.set_workspace_role(olga, "user", by)):
        with pytest.raises(PeopleProblem, match="only Owner"):
            change()
    people.set_workspace_role(ana, "owner", by)
    people.mark_left(ana, by)
    with pytest.raises(PeopleProblem, match="only Owner"):
        people.mark_left(olga, by)


def test_a_role_that_does_not_exist_is_refused(ana, by):
    with pytest.raises(PeopleProblem, match="isn't a workspace role"):
        people.set_workspace_role(ana, "root", by)


def test_losing_the_role_ends_the_sessions(ana, by):
    people.set_workspace_role(ana, "admin", by)
    token = sessions.start_session(fresh(ana))
    people.set_workspace_role(ana, None, by)
    assert sessions.person_of(token) is None


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (["active", "deprovisioned", "suspended"], "active"),
        (["deprovisioned", "suspended"], "suspended"),
        (["deprovisioned", "deprovisioned"], "deprovisioned"),
    ],
)
def test_any_active_directory_makes_active_else_suspended_else_deprovisioned(ana, by, statuses, status):
    entries_with(ana, *statuses)
    people.recompute_status([ana.id], by)
    assert fresh(ana).status == status
    if status != "active":
        assert fresh(ana).status_reason == f"{status} there"


def test_a_decision_by_hand_wins_until_the_directory_agrees_and_then_changes(ana, by):
    [entry] = entries_with(ana, "deprovisioned")
    people.recompute_status([ana.id], by)
    people.mark_returned(ana, by)
    for status, expected in [("deprovisioned", "active"), ("active", "active"), ("deprovisioned", "deprovisioned")]:
        entry.status = entry.reported_status = status
        entry.save()
        people.recompute_status([ana.id], "schedule")
        assert fresh(ana).status == expected, status


def test_a_rehire_undoes_a_leaving_by_hand_that_the_directory_has_confirmed(ana, by):
    [entry] = entries_with(ana, "active")
    people.mark_left(ana, by)
    for status, expected in [("active", "deprovisioned"), ("deprovisioned", "deprovisioned"), ("active", "active")]:
        entry.status = entry.reported_status = status
        entry.save()
        people.recompute_status([ana.id], "schedule")
        assert fresh(ana).status == expected, status


def test_returned_by_hand_where_the_directory_agrees_is_no_decision(ana, by):
    entries_with(ana, "active")
    people.mark_left(ana, by)
    people.mark_returned(ana, by)
    assert fresh(ana).status_by_hand is None


def test_search_finds_parts_of_names_and_addresses_and_nothing_by_wildcards(by):
    for number in range(60):
        people.add(f"Person {number:02}", f"p{number:02}@acme.example", by)
    people.add("Élodie_100%", "elodie@acme.example", by)
    assert person_list.search(People("élodie")).rows[0].name == "Élodie_100%"
    assert [person.name for person in person_list.search(People("P07@")).rows] == ["Person 07"]
    assert person_list.search(People("%")).total == person_list.search(People("_")).total == 1
    assert person_list.search(People("'; DROP TABLE person; --")).total == 0
    first, last = person_list.search(People("person")), person_list.search(People("person"), number=99)
    assert (first.total, first.pages, len(first.rows), last.number, len(last.rows)) == (60, 2, 50, 2, 10)
    assert person_list.search(People(status="deprovisioned")).rows == []
    assert names.main_email(first.rows[0]) == "p00@acme.example"
