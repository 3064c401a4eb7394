"""All the held changes that one directory or import asked for, decided at once: which ones those are, who may decide
them, and that nothing is decided that wasn't shown."""

from __future__ import annotations

import pytest

from sync.db import writing
from sync.models import Activity, Directory, HeldChange, Person
from sync.people import held, held_together, people
from sync.people.people import PeopleProblem
from sync.rank import Asker
from tests.sync.scripted import status

REMOVED = "Company LDAP (directory)"
ADMIN = Asker("Adam", "admin")


def hold(name: str, value: str = "deprovisioned", asked_by: str = REMOVED, role: str | None = None, **more) -> Person:
    person = Person.create(name=name, workspace_role=role, status="active")
    with writing():
        people.edit(person, Asker.rollcall(), emails=[f"{name}@acme.example"])
        HeldChange.create(person=person, value=value, asked_by=asked_by, **({"field": "status"} | more))
    return person


@pytest.fixture
def leavers(home) -> list[Person]:
    Person.create(name="Olga", workspace_role="owner", status="active")
    return [hold("ana"), hold("ben"), hold("boss", role="owner"), hold("eve", asked_by="Mira <mira@acme.example>"),
            hold("kim", directory=Directory.create(kind="scim", name="Company LDAP"))]  # fmt: skip


def of_ldap(by: Asker) -> held_together.Together:
    return held_together.of_asker(held_together.key(HeldChange(asked_by=REMOVED)), by.role)


def test_all_changes_of_one_asker_are_released_in_one_line_but_for_those_of_people_above(leavers):
    shown = of_ldap(ADMIN)
    assert [change.person.name for change in shown.changes] == ["ana", "ben"] and (shown.above, shown.more) == (1, 0)
    entries = Activity.select().count()
    assert held_together.release(shown.key, ADMIN, shown.seen) == 2
    found = {name: status(f"{name}@acme.example") for name in ("ana", "ben", "boss", "eve", "kim")}
    assert found == {"ana": "deprovisioned", "ben": "deprovisioned", "boss": "active", "eve": "active", "kim": "active"}
    head, *inside = Activity.select().order_by(Activity.id).offset(entries)
    assert (head.what, head.about, head.after) == ("released all held changes", REMOVED, "2 changes of 2 people")
    assert {entry.first_entry for entry in inside} == {head.id}
    assert [entry.why for entry in inside if entry.what == "released held change"] == [f"Asked by {REMOVED}"] * 2


def test_only_what_was_shown_is_decided(leavers, by):
    shown = of_ldap(by)
    assert len(shown.changes) == 3
    held.dismiss(shown.changes[0], by)
    for decide in (held_together.release, held_together.dismiss):
        with pytest.raises(PeopleProblem, match="has changed since you looked"):
            decide(shown.key, by, shown.seen)
    shown = of_ldap(by)
    Person.update(status="suspended").where(Person.name == "ben").execute()
    with pytest.raises(PeopleProblem, match="has changed since you looked"):
        held_together.release(shown.key, by, shown.seen)
    shown = of_ldap(by)
    assert held_together.dismiss(shown.key, by, shown.seen) == 2
    assert status("ben@acme.example") == "suspended" and not of_ldap(by).changes
    assert {change.person.name for change in held.waiting()} == {"eve", "kim"}
    with pytest.raises(PeopleProblem):
        held_together.dismiss(shown.key, by, of_ldap(by).seen)


def test_where_one_cannot_be_released_none_is(leavers, by):
    hold("zoe", value="2026-12-24", field="last day")
    Person.update(status="deprovisioned").where(Person.name == "zoe").execute()
    shown = of_ldap(by)
    with pytest.raises(PeopleProblem, match="Not all can be released, so nothing was changed. zoe has left"):
        held_together.release(shown.key, by, shown.seen)
    assert status("ana@acme.example") == "active" and len(of_ldap(by).changes) == 4
    assert not Activity.select().where(Activity.what.startswith("released")).exists()


def test_a_release_is_of_so_many_at_once(leavers, by, monkeypatch):
    monkeypatch.setattr(held_together, "MOST", 2)
    [first, *_] = held_together.by_asker(held.waiting(), by.role)
    assert (len(first.changes), first.more) == (2, 1)
    assert held_together.release(first.key, by, first.seen) == 2
    assert len(of_ldap(by).changes) == 1
