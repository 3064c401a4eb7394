"""Directories of different ranks. One that may change someone says that they have left, and one that may not has them:
they don't count as having left, and no page is green."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.matching import doubtful, vouching
from sync.models import Directory, DirectoryEntry, Person
from sync.people import people
from sync.workspace import update_workspace
from tests.sync.scripted import Scripted, person, status

ROLES = (None, "admin", "owner")
WORDS = ("active", "suspended", "deprovisioned", "deprovisioned")


@pytest.fixture
def worlds(scripted, by) -> list[Scripted]:
    """Three directories: an Owner vouches for the first, an admin is responsible for the second, nobody for the third.
    Three people, of the ranks of ROLES, each in all of them."""
    update_workspace(by, guard_accounts=1000, guard_percent=100)
    found = [Scripted(name, count=3) for name in ("Okta", "HR", "List")]
    found[0].add("olga", "olga@acme.example", "Olga Brandt")  # so that it is never empty
    found[0].read()
    admin = people.add("Ada", "ada@acme.example", by, workspace_role="admin")
    Directory.update(vouched_for=False).where(Directory.name != "Okta").execute()
    Directory.update(responsible_id=admin.id).where(Directory.name == "HR").execute()
    for number, role in enumerate(ROLES):
        Person.update(workspace_role=role).where(Person.id == person(f"p{number}@acme.example").id).execute()
    return found


def test_a_directory_that_may_change_someone_decides_in_any_order_of_readings(worlds):
    """At any time, of each person: if nobody who may change them has them, they have left or it is in doubt; if one
    does, neither, unless their return waits for someone."""
    chance = random.Random(9)
    said: dict[str, dict[int, str]] = {"Okta": dict.fromkeys(range(3), "active")}
    for _ in range(60):
        one = chance.choice(worlds)
        for number in range(3):
            one.say(f"id{number}", status=chance.choice(WORDS))
        one.read()
        said[one.name] = {number: one.entries[f"id{number}"].status for number in range(3)}
        for number in range(3):
            hides_nobody(number, said)


def test_a_decision_by_hand_ends_once_those_that_may_decide_say_so_too_or_all_do_where_none_may(home, by):
    low, okta = (Directory.create(kind="csv", name=name, vouched_for=name == "Okta") for name in ("List", "Okta"))
    ann = Person.create(name="Ann", workspace_role="owner", status="active", status_by_hand="active")
    entry = {"external_id": "1", "person": ann, "email": "ann@acme.example"}
    DirectoryEntry.create(**entry, directory=low, status="active", reported_status="active")
    left = DirectoryEntry.create(**entry, directory=okta, status="deprovisioned", reported_status="deprovisioned")
    people.recompute_status([ann.id], by)
    assert Person.get_by_id(ann.id).status_by_hand == "active", "Okta alone may decide, and says that she has left"
    left.delete_instance()
    people.recompute_status([ann.id], by)
    assert Person.get_by_id(ann.id).status_by_hand is None


def test_a_status_follows_an_entry_that_reports_it_before_a_newer_one_that_is_held(home, by):
    okta = Directory.create(kind="csv", name="Okta", vouched_for=True)
    ann = Person.create(name="Ann", status="active")
    now = utcnow()
    left, _held = (DirectoryEntry.create(directory=okta, external_id=reported, person=ann, email="ann@acme.example",
                                         status="deprovisioned", reported_status=reported, reported_at=at)
                   for reported, at in (("deprovisioned", now - timedelta(days=1)), ("active", now)))  # fmt: skip
    people.recompute_status([ann.id], by)
    ann = Person.get_by_id(ann.id)
    assert (ann.status, ann.status_entry_id) == ("deprovisioned", left.id)


def hides_nobody(number: int, said: dict[str, dict[int, str]]) -> None:
    them = person(f"p{number}@acme.example")
    known = [Directory.get(Directory.name == name) for name in said]
    decide = [one for one in known if not vouching.is_above(one, them)] or known
    is_here = any(said[one.name][number] != "deprovisioned" for one in decide)
    is_held = any(entry.has_left and entry.is_held for entry in people.entries_of(them))
    in_doubt = them.id in doubtful.held_leavers()
    assert (them.status == "deprovisioned") + in_doubt == (not is_here or is_held), (them.workspace_role, said)


@pytest.mark.parametrize("first", [("Okta", "List"), ("List", "Okta")], ids=str)
def test_someone_above_a_list_is_in_doubt_while_only_the_list_has_them_until_someone_decides(worlds, by, first):
    okta, _, low = worlds
    for number in (0, 2):
        okta.say(f"id{number}", status="deprovisioned")
    low.read()
    for name in first:
        (okta if name == "Okta" else low).read()
    plain, above = person("p0@acme.example"), person("p2@acme.example")
    assert (plain.status, above.status) == ("active", "active"), "active in any directory is active"
    assert doubtful.held_leavers() == {above.id}
    people.mark_left(above, by)
    low.read()
    assert status("p2@acme.example") == "deprovisioned", "the list can't bring them back"
    people.mark_returned(Person.get_by_id(above.id), by)
    for one in (okta, low):
        one.read()
    assert doubtful.held_leavers() == set() and status("p2@acme.example") == "active", "someone has decided"
    okta.say("id2", status="active")
    okta.read()
    okta.say("id2", status="deprovisioned")
    okta.read()
    assert doubtful.held_leavers() == {above.id}, "they have left once more since then"
    Directory.update(vouched_for=False).execute()
    assert doubtful.held_leavers() == set(), "neither may decide, so what has them counts"
    Directory.update(vouched_for=True).where(Directory.name << ("Okta", "List")).execute()
    assert doubtful.held_leavers() == set(), "the list may decide"
    low.say("id2", status="deprovisioned")
    low.read()
    assert (status("p2@acme.example"), doubtful.held_leavers()) == ("deprovisioned", set()), "nothing is in doubt"
