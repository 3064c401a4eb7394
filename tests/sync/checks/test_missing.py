"""Accounts that the list left out: who is looked for one by one, and who counts as gone."""

from __future__ import annotations

import pytest

from connectors.base import Refused
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
    listed.say("id2", name="Another name")
    check = listed.check()
    assert looked_for == ["id0", "id1", "id2"] and check.warning is None, "the last one shows that the app finds any"
    assert {account.external_id for account in Account.select().where(Account.state == "gone")} == {"id0", "id1"}
    assert listed.check().applied == 0 and len(looked_for) == 3


@pytest.mark.parametrize("refused", [(), ("id3", "id5")])
@pytest.mark.parametrize("found", [{"id3"}, {"id5"}, {"id7"}, set()])
def test_an_app_that_finds_nobody_by_id_proves_no_absence(listed, monkeypatch, found, refused):
    """Its call has another address since a new version, say. Only the neighbours in the order of ids are asked for. One
    that the app doesn't show proves nothing."""
    for number in range(9):
        listed.add(f"id{number}")
    listed.check()

    def look_up(_app: ListedApp, id: str):
        if id in refused and id not in found:
            raise Refused("That is for administrators.")
        return listed.seats[id] if id in found else None

    monkeypatch.setattr(ListedApp, "account", look_up)
    gone = listed.seats.pop("id4")
    checks = [listed.check(), listed.check()]
    proves = bool(found & {"id3", "id5"})
    assert [check.counts.get("removed_users") for check in checks] == ([1, 0] if proves else [0, 1])
    assert ["finds nobody by id" in (check.warning or "") for check in checks] == [not proves] * 2
    assert listed.account(gone.id).state == "gone"
