"""Accounts that the list left out: who is looked for one by one, and who counts as gone."""

from __future__ import annotations

import pytest

from sync.models import Account, Change
from tests.sync.listed import ListedApp


@pytest.fixture
def looked_for(listed, monkeypatch) -> list[str]:
    """The ids that were asked for one by one."""
    ids: list[str] = []
    look_up = ListedApp.account

    def account(self, id: str):
        ids.append(id)
        return look_up(self, id)

    monkeypatch.setattr(ListedApp, "account", account)
    return ids


@pytest.mark.parametrize(("missing", "looks"), [(99, 99), (100, 100), (110, 100)])
def test_of_a_mass_a_hundred_are_looked_for(listed, looked_for, missing, looks):
    ids = [f"id{number:03}" for number in range(missing)]
    for id in ids:
        listed.add(id)
    listed.check()
    for id in ids:
        del listed.seats[id]
    check = listed.check()
    assert looked_for == ids[:looks]
    assert check.held == missing and not Account.select().where(Account.state == "gone").exists()
    [change, *others] = Change.select().where(Change.kind == "removed user")
    assert (change.in_app, change.reason, change.before) == (False, "No longer in the app's list", "Member")
    assert len(others) == missing - 1


def test_of_a_few_each_is_looked_for_and_those_not_found_are_gone(listed, looked_for):
    for number in range(8):
        listed.add(f"id{number}")
    listed.check()
    for number in range(2):
        del listed.seats[f"id{number}"]
    check = listed.check()
    assert looked_for == ["id0", "id1"] and check.warning is None
    assert {account.external_id for account in Account.select().where(Account.state == "gone")} == {"id0", "id1"}
    assert listed.check().applied == 0 and looked_for == ["id0", "id1"]
