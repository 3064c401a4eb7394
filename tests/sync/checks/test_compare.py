"""What a check finds in an app, row by row: kind, before, after and reason of each change."""

from __future__ import annotations

import pytest

from connectors.base import Account as Seat
from sync.checks import compare, snapshot
from sync.checks.listed import stage_account
from sync.db import utcnow, writing
from sync.models import Access, Account, App, Asset, Change, Check
from tests.sync.fixtures import Chat, email

CONNECTED = "In the app when it was connected"


def found(check: Check) -> set[tuple]:
    """(kind, name of the account or asset, before, after, reason) of each change of this check."""
    rows = Change.select().where(Change.found_by == check)
    return {(row.kind, row.account.name if row.account else row.asset.name, row.before, row.after, row.reason)
            for row in rows}  # fmt: skip


def add_channels(chat: Chat, *names: str) -> dict[str, str]:
    return {name: chat.store.add_channel(name, via="page") for name in names}


def test_those_in_the_app_when_it_is_connected_are_found_as_such(chat):
    names = {f"Person {number}" for number in range(10)}
    first = {row for row in found(Check.get()) if row[1] in names}
    assert first == {("new user", name, None, "Owner" if name == "Person 0" else "Member", CONNECTED) for name in names}


def test_new_changed_and_gone_accounts(chat):
    chat.store.add("new@acme.example", "New", "guest", via="page")
    chat.store.change(chat.id_of(1), via="page", role="admin")
    chat.store.change(chat.id_of(2), via="page", status="deactivated")
    chat.store.remove(chat.id_of(3), via="page")
    check = chat.check()
    assert {row for row in found(check) if row[0] != "updated profile"} == {
        ("new user", "New", None, "Guest", ""),
        ("updated role", "Person 1", "Member", "Admin", ""),
        ("removed user", "Person 3", "Member", None, "No longer in the app"),
    }
    [profile] = [row for row in found(check) if row[0] == "updated profile"]
    assert profile[1] == "Person 2" and "suspended" in profile[3] and "suspended" not in profile[2]
    gone = Account.get(Account.email == email(3))
    assert (gone.state, gone.missing_since) == ("gone", None) and gone.gone_at is not None
    assert Account.select().where(Account.state == "gone").count() == 1
    assert found(chat.check()) == set()


@pytest.mark.parametrize("column", ["user_name", "employee_number", "seat", "last_activity"])
def test_a_value_that_only_rollcall_had_is_replaced_without_a_change(listed, column):
    listed.add("one", name="One", email="one@acme.example")
    listed.check()
    before = getattr(listed.account("one"), column)
    Account.update({getattr(Account, column): "2026-01-02 03:04:05"}).where(Account.external_id == "one").execute()
    assert found(listed.check()) == set()
    assert getattr(listed.account("one"), column) == before


def test_an_account_that_returns_is_new_again_and_matched_again(listed):
    for number in range(4):
        listed.add(f"id{number}", name=f"Person {number}", email=email(number))
    listed.check()
    seat = listed.seats.pop("id1")
    assert found(listed.check()) == {("removed user", "Person 1", "Member", None, "No longer in the app")}
    listed.seats["id1"] = seat
    listed.say("id1", name="Person One", role="")
    assert found(listed.check()) == {("new user", "Person One", None, "", "Is in the app again")}
    account = listed.account("id1")
    assert (account.state, account.gone_at, account.missing_since) == ("present", None, None)
    assert (account.name, account.role) == ("Person One", "")


def test_assets_come_are_renamed_go_and_return(chat):
    ids = add_channels(chat, *"abcdefg")
    assert found(chat.check()) == {("new asset", name, None, name, "") for name in "abcdefg"}
    chat.store.rename_channel(ids["a"], "A", via="page")
    chat.store.remove_channel(ids["b"], via="page")
    assert found(chat.check()) == {
        ("renamed asset", "A", "a", "A", ""), ("removed asset", "b", "b", None, "No longer in the app")}  # fmt: skip
    assert {asset.name for asset in Asset.select().where(Asset.state == "gone")} == {"b"}
    assert found(chat.check()) == set()
    Asset.update(state="gone").where(Asset.name == "c").execute()
    assert found(chat.check()) == {("new asset", "c", None, "c", "Is in the app again")}
    assert Asset.select().where(Asset.state == "gone").count() == 1


def test_access_is_granted_changed_and_revoked(chat):
    a, b = add_channels(chat, "a", "b").values()
    for number in range(1, 8):
        chat.store.join(a, chat.id_of(number), "member", via="page")
    assert {row for row in found(chat.check()) if row[0] != "new asset"} == {
        ("granted access", f"Person {number}", None, "member", "") for number in range(1, 8)}  # fmt: skip
    chat.store.join(a, chat.id_of(1), "manager", via="page")
    chat.store.leave(a, chat.id_of(2), via="page")
    chat.store.join(b, chat.id_of(3), "manager", via="page")
    assert found(chat.check()) == {
        ("changed access", "Person 1", "member", "manager", ""),
        ("revoked access", "Person 2", "member", None, ""),
        ("granted access", "Person 3", None, "manager", ""),
    }
    assert sorted((row.account.name, row.asset.name, row.role, row.privileged) for row in Access.select()) == [
        ("Person 1", "a", "manager", True), ("Person 3", "a", "member", False), ("Person 3", "b", "manager", True),
        *[(f"Person {number}", "a", "member", False) for number in range(4, 8)]]  # fmt: skip
    assert found(chat.check()) == set()


def test_the_access_of_a_new_account_is_part_of_it(chat):
    [a] = add_channels(chat, "a").values()
    chat.check()
    id = chat.store.add("new@acme.example", "New", "member", via="page")
    chat.store.join(a, id, "member", via="page")
    assert found(chat.check()) == {("new user", "New", None, "Member", "")}
    assert Access.select().count() == 1


def test_all_assets_or_all_access_at_once_wait_for_a_person(chat):
    [a] = add_channels(chat, "a").values()
    chat.store.join(a, chat.id_of(1), "member", via="page")
    chat.check()
    chat.store.leave(a, chat.id_of(1), via="page")
    assert {(row[0], row[4]) for row in found(chat.check())} == {("revoked access", "No longer in the app's list")}
    assert Access.select().count() == 1
    chat.store.remove_channel(a, via="page")
    assert ("removed asset", "No longer in the app's list") in {(row[0], row[4]) for row in found(chat.check())}
    assert Asset.get().state == "present"


def test_a_check_counts_what_it_found_by_kind(chat):
    chat.store.add("new@acme.example", "New", "guest", via="page")
    chat.store.remove(chat.id_of(3), via="page")
    add_channels(chat, "a")
    chat.leave(4)
    check = chat.check()
    counts = {kind: number for kind, number in check.counts.items() if number}
    assert counts == {"new_users": 1, "removed_users": 2, "assets": 1}
    assert (check.applied, check.waiting, check.held, check.accounts) == (3, 1, 0, App.get().users)


@pytest.mark.parametrize(("known", "granted_by"), [
    ({"role": "guest"}, None), ({"privileged": True}, "Sales"), ({"role": "guest", "privileged": True}, None)])
def test_a_role_or_a_right_alone_is_brought_up_to_date(chat, known, granted_by):
    """The group whose rule granted the access is cleared with the role, not with the right."""
    room = chat.store.add_channel("general", via="page")
    chat.store.join(room, chat.id_of(1), "member", via="page")
    chat.check()
    Access.update({"granted_by": "Sales", **known}).execute()
    chat.check()
    access = Access.get()
    assert (access.role, access.privileged, access.granted_by) == ("member", False, granted_by)


def test_an_account_that_is_back_is_no_longer_missing_in_this_app_alone(chat, second):
    ids = {}
    for app in (chat.app, second.app):
        for number, since in ((1, utcnow()), (2, None), (3, None)):
            row = Account.get(Account.app == app, Account.email == email(number))
            Account.update(missing_since=since, external_id=f"id{number}").where(Account.id == row.id).execute()
            ids[app.id, number] = row.id
    with snapshot.staging():
        stage_account(Seat(id="id1"))
        with writing():
            compare.note_missing(chat.app, [ids[chat.app.id, 3]])
    missing = {id for (id,) in Account.select(Account.id).where(Account.missing_since.is_null(False)).tuples()}
    assert missing == {ids[second.app.id, 1], ids[chat.app.id, 3]}
