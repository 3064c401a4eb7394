"""What a held update of a profile shows: only what differs, each field in its own words."""

from __future__ import annotations

import pytest

from sync.models import Account, Change

NUMBER = 10


@pytest.mark.parametrize(("before", "after", "shown"), [
    ({"name": "Ana"}, {"name": "Ana Lima"}, ("Ana", "Ana Lima")),
    ({"status": "active"}, {"status": "suspended"}, ("active", "suspended")),
    ({"kind": "user"}, {"kind": "system"}, ("user", "made by the app")),
    ({"kind": "system"}, {"kind": "user"}, ("made by the app", "user")),
    ({}, {"user_name": "ana"}, ("user name –", "user name ana")),
    ({"employee_number": "7"}, {"employee_number": "8"}, ("employee number 7", "employee number 8")),
    ({"name": "Ana", "status": "active"}, {"name": "Lima", "status": "invited"}, ("Ana active", "Lima invited")),
])  # fmt: skip
def test_only_what_differs_is_shown(listed, before, after, shown):
    for number in range(NUMBER):
        listed.add(f"id{number}", **before)
    listed.check()
    known = {row.external_id: (row.name, row.status, row.kind) for row in Account.select()}
    for number in range(NUMBER):
        listed.say(f"id{number}", **after)
    report = listed.check().report
    rows = list(report.changes.where(Change.decision == "held"))
    assert [(row.kind, row.before, row.after) for row in rows] == [("updated profile", *shown)] * NUMBER
    assert {row.external_id: (row.name, row.status, row.kind) for row in Account.select()} == known


def test_an_address_is_shown_in_brackets(listed):
    for number in range(NUMBER):
        listed.add(f"id{number}", email=f"p{number}@old.example")
    listed.check()
    for number in range(NUMBER):
        listed.say(f"id{number}", email=f"p{number}@new.example")
    rows = listed.check().report.changes.where(Change.decision == "held")
    assert sorted((row.before, row.after) for row in rows) == [
        (f"<p{number}@old.example>", f"<p{number}@new.example>") for number in range(NUMBER)]  # fmt: skip
