"""Held changes: who may decide how many of them, and that each is made once."""

from __future__ import annotations

import pytest

from sync.db import writing
from sync.models import Directory, HeldChange, Person
from sync.people import held, people
from sync.rank import RANKS


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
