"""Whether a rule gives something to a person: each of its conditions alone."""

from __future__ import annotations

import pytest

from sync.db import utcnow
from sync.groups import assignments
from sync.models import (
    Directory,
    DirectoryEntry,
    DirectoryGroup,
    Person,
    Role,
)
from sync.people import people
from tests.sync.fixtures import email


@pytest.fixture
def ten(groups) -> Person:
    """Someone without an account, to whom a rule gives the role of an administrator."""
    groups.put(10, "Sales")
    groups.read()
    groups.rule("Sales", "admin")
    return people.find_by_email(email(10))


@pytest.mark.parametrize(("of", "values", "covered"), [
    (DirectoryGroup, {"gone_at": utcnow()}, True),
    (Directory, {"state": "paused"}, True),
    (DirectoryEntry, {"status": "suspended"}, True),
    (DirectoryEntry, {"status": "deprovisioned"}, False),
    (Person, {"status": "suspended"}, True),
    (Person, {"status": "deprovisioned"}, True),
    (Role, {"external_id": "renamed"}, True),
])  # fmt: skip
def test_each_condition_alone_rests_a_rule(groups, second, ten, of, values, covered):
    """Another app with the same roles changes nothing."""
    assert assignments.place_of(groups.app, ten.id) == assignments.Place("admin", True)
    of_these = {Role: (Role.app == groups.app) & (Role.external_id == "admin"), Person: Person.id == ten.id,
                DirectoryEntry: DirectoryEntry.person == ten}.get(of, of.id.is_null(False))  # fmt: skip
    of.update(**values).where(of_these).execute()
    assert assignments.place_of(groups.app, ten.id) == assignments.Place(None, covered)
