"""Held changes: who may decide how many of them, and that each is made once."""

from __future__ import annotations

import pytest

from sync.db import writing
from sync.models import Account, App, Directory, DirectoryAddress, DirectoryEntry, HeldChange, Person
from sync.people import held, people
from sync.people.people import PeopleProblem
from sync.rank import RANKS, Asker, NotAllowed


@pytest.mark.parametrize(("theirs", "may_decide"), [
    ("owner", {"owner"}), ("admin", {"owner", "super admin", "admin"}), (None, set(RANKS)),
])  # fmt: skip
def test_changes_are_counted_for_people_of_the_same_rank_or_above(home, theirs, may_decide):
    person = Person.create(name="Ana", workspace_role=theirs)
    HeldChange.create(person=person, field="name", value="Anna", asked_by="Mira")
    HeldChange.create(person=person, field="name", value="Anne", asked_by="Mira", state="dismissed")
    assert {role for role in RANKS if held.count(role) == 1} == may_decide
    assert {held.count(role) for role in RANKS} <= {0, 1}


def test_a_change_is_made_once(home, by):
    person = Person.create(name="Ana")
    change = HeldChange.create(person=person, field="department", value="Sales", asked_by="Mira")
    assert held.release(change, by)
    Person.update(department="Legal").where(Person.id == person.id).execute()
    assert not held.release(change, by)
    assert not held.dismiss(change, by)
    assert Person.get_by_id(person.id).department == "Legal" and HeldChange.get().state == "released"


@pytest.mark.parametrize(("before", "held_value"), [("active", "deprovisioned"), ("deprovisioned", "active")])
def test_a_status_that_someone_has_got_in_another_way_no_longer_waits(home, by, before, held_value):
    person = Person.create(name="Ana", status=before)
    for value in (held_value, "suspended"):
        HeldChange.create(person=person, field="status", value=value, asked_by="Mira")
    with writing():
        people.decide_by_hand(person, held_value, by, "Seen in HR", "")
    assert [change.value for change in held.waiting()] == ["suspended"]


def test_a_change_is_kept_once_and_not_again_after_it_was_dismissed_for_its_directory(home, by):
    person = Person.create(name="Ana")
    one, other = (Directory.create(kind="scim", name=name) for name in ("One", "Two"))

    def hold(value: str, directory: Directory | None, field: str = "name") -> bool:
        return held.hold(person, field, value, by, directory)

    with writing():
        assert [hold("Anna", one), hold("Anna", one), hold("Anna", other)] == [True, False, True]
        assert hold("Anna", None)
        assert [hold("Anne", one), hold("Anna", one, "department"), hold("Anna", None)] == [True, True, False]
        HeldChange.update(state="dismissed").execute()
        assert [hold("Anna", one), hold("Anna", None)] == [False, True]
        HeldChange.update(state="released").execute()
        assert hold("Anna", one)


@pytest.mark.parametrize("decide", [held.release, held.dismiss])
def test_only_someone_of_rank_decides(home, decide):
    person = Person.create(name="Ana", workspace_role="super admin")
    admin = Asker.person(Person.create(name="Mira", workspace_role="admin"))
    change = HeldChange.create(person=person, field="department", value="Sales", asked_by="Mira")
    with pytest.raises(NotAllowed):
        decide(change, admin)
    assert held.waiting(person) == [change] and Person.get_by_id(person.id).department is None


def test_a_release_never_takes_the_last_owner(home, by, olga):
    change = HeldChange.create(person=olga, field="status", value="deprovisioned", asked_by="Mira")
    with pytest.raises(PeopleProblem, match="only Owner"):
        held.release(change, by)
    assert Person.get_by_id(olga.id).status == "active" and held.waiting(olga) == [change]


@pytest.mark.parametrize(("field", "addresses"), [
    ("address", ["ana@acme.example", "lima@acme.example", "new@acme.example"]),
    ("main address", ["new@acme.example", "ana@acme.example", "lima@acme.example"]),
])  # fmt: skip
def test_a_released_address_becomes_the_main_one_only_if_it_was_asked_as_such(home, by, field, addresses):
    person = people.add("Ana", "ana@acme.example", by)
    people.edit(person, by, emails=["ana@acme.example", "lima@acme.example"])
    held.release(HeldChange.create(person=person, field=field, value="new@acme.example", asked_by="Mira"), by)
    assert [row.email for row in person.addresses()] == addresses


def test_a_released_number_matches_the_accounts_with_it_and_no_longer_those_with_the_one_before(home, by):
    person = Person.create(name="Ana", employee_number="17")
    old, new = (App.create(connector="listed", name=name, category="Test")
                for name in ("Old", "New"))
    was = Account.create(app=old, external_id="a", employee_number="17", person=person, match_kind="matched",
                         match_rule="employee number")  # fmt: skip
    becomes = Account.create(app=new, external_id="b", employee_number="18")
    held.release(HeldChange.create(person=person, field="employee number", value="18", asked_by="Mira"), by)
    assert [Account.get_by_id(one.id).person_id for one in (was, becomes)] == [None, person.id]


def test_a_held_last_day_of_someone_who_has_left_may_only_be_taken_away(home, by):
    person = Person.create(name="Ana", status="deprovisioned", last_day="2026-01-31")
    changes = [HeldChange.create(person=person, field="last day", value=value, asked_by="Mira")
               for value in ("2027-01-31", held.NO_DAY)]  # fmt: skip
    with pytest.raises(PeopleProblem, match="has left"):
        held.release(changes[0], by)
    assert held.release(changes[1], by) and Person.get_by_id(person.id).last_day is None


def test_only_what_the_directory_still_reports_stays_held_or_dismissed(home):
    """A dismissed value that it reports no longer would otherwise never be proposed again."""
    directory = Directory.create(kind="scim", name="One")
    ana, bea = (Person.create(name=name) for name in ("Ana", "Bea"))
    for person, status in ((ana, "active"), (bea, "deprovisioned")):
        DirectoryEntry.create(directory=directory, external_id=person.name, person=person, name="New",
                              reported_status=status)  # fmt: skip
    for email, active in (("in@acme.example", True), ("out@acme.example", False)):
        DirectoryAddress.create(directory=directory, external_id="Ana", email=email, email_key=email, active=active)
    kept = {(ana.id, "name", "New", "open"), (ana.id, "name", "New", "dismissed"),
            (ana.id, "address", "in@acme.example", "open"), (ana.id, "name", "Old", "released")}  # fmt: skip
    dropped = {(ana.id, "name", "Old", "open"), (ana.id, "name", "Old", "dismissed"), (bea.id, "name", "New", "open"),
               (ana.id, "address", "out@acme.example", "open")}  # fmt: skip
    for person, field, value, state in sorted(kept | dropped):
        HeldChange.create(person=person, field=field, value=value, state=state, asked_by="One", directory=directory)
    with writing():
        held.delete_unreported(directory)
    assert {(row.person_id, row.field, row.value, row.state) for row in HeldChange.select()} == kept
