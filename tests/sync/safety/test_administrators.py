"""Who is known to administer an app, so that another administrator may leave it: each doubt counts against them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync import roles
from sync.models import BIT, Account, Role
from sync.safety import administrators, protection
from sync.states import Protection
from tests.sync.acting import account
from tests.sync.fixtures import Chat, after, email


def make_owner(chat: Chat) -> None:
    chat.store.change(chat.id_of(1), via="page", role="owner")
    chat.check()


@after(make_owner)
def pair(chat):
    """The accounts of persons 0 and 1, the app's administrators."""
    pair = [account(0), account(1)]
    assert set(administrators.administrators_left(chat.app)) == {account.id for account in pair}
    return pair


@pytest.mark.parametrize(("values", "counts"), [
    ({"state": "removing"}, False),
    ({"state": "gone"}, False),
    ({"status": "suspended"}, False),
    ({"status": "invited"}, False),
    ({"kind": "system"}, False),
    ({"role": "member"}, False),
    ({"role": "member", "further_roles": ("owner",)}, True),
    ({"held_values": {"name": "Another"}}, True),
    ({"held_values": {"status": "active", "kind": "user"}}, True),
    ({"held_values": {"status": "suspended"}}, False),
    ({"held_values": {"kind": "system"}}, False),
    ({"held_values": {"role": "owner"}}, True),
    ({"held_values": {"role": "member"}}, False),
    ({"held_values": {"role": "member", "further_roles": ["guest"]}}, False),
    ({"held_values": {"role": "member", "further_roles": ["guest", "owner"]}}, True),
    ({"held_values": {"role": "owner", "status": "suspended"}}, False),
    ({"missing_fields": BIT["email"]}, True),
    *[({"missing_fields": BIT[field]}, False) for field in ("role", "status", "kind")],
])  # fmt: skip
def test_an_administrator_counts_if_known_to_be_one_and_able_to_sign_in(chat, pair, values, counts):
    Account.update(**values).where(Account.id == pair[1].id).execute()
    assert (pair[1].id in administrators.administrators_left(chat.app)) is counts
    assert pair[0].id in administrators.administrators_left(chat.app)


def test_a_status_missing_for_everyone_casts_no_doubt_on_one_administrator(chat, second, pair):
    Account.update(missing_fields=BIT["status"]).where(Account.app == chat.app).execute()
    assert len(administrators.administrators_left(chat.app)) == 2
    Account.update(missing_fields=0, state="gone").where(Account.email == email(5)).execute()  # no longer listed
    assert len(administrators.administrators_left(chat.app)) == 2
    Account.update(missing_fields=0).where(Account.email == email(6)).execute()
    assert administrators.administrators_left(chat.app) == []


def test_those_without_are_left_out_and_another_apps_are_none(chat, second, pair):
    assert administrators.administrators_left(chat.app, [pair[0].id]) == [pair[1].id]
    assert administrators.administrators_left(chat.app, [account.id for account in pair]) == []
    assert not {account.id for account in pair} & set(administrators.administrators_left(second.app))


def test_the_most_recently_active_comes_first(chat, pair):
    for day, one in enumerate(pair):
        Account.update(last_activity=f"2026-11-0{day + 1} 09:00:00").where(Account.id == one.id).execute()
    assert administrators.administrators_left(chat.app) == [pair[1].id, pair[0].id]


def test_privileged_is_what_the_app_says_of_the_role(chat, pair):
    Role.update(privileged=False).where(Role.external_id == "owner").execute()
    assert administrators.administrators_left(chat.app) == []


def test_roles_as_they_are_known_now_stand_before_those_of_the_last_check(chat, pair):
    known = roles.of(chat.app)
    now = replace(known, privileged=frozenset({"member"}))
    members = {account.id for account in Account.select().where(Account.role == "member")}
    assert set(administrators.administrators_left(chat.app, known=now)) == members
    assert set(administrators.administrators_left(chat.app, known=known)) == {account.id for account in pair}


def test_the_last_one_is_named_by_the_role_that_administers(chat, second, pair):
    """By the first, in the app's own order; another app's roles may have the same ids."""
    Role.update(label="Chief", position=-1).where(Role.app == second.app).execute()
    Role.update(position=-1).where(Role.external_id == "member").execute()
    Account.update(role="member").where(Account.id == pair[1].id).execute()

    def why(**values: object) -> str:
        Account.update(**values).where(Account.id == pair[0].id).execute()
        found = protection.of(Account.get_by_id(pair[0].id), Protection.LAST_ADMINISTRATOR)
        assert found.code == Protection.LAST_ADMINISTRATOR
        return found.words

    assert why(role="owner") == "Protected: the last Owner of the app"
    assert why(role="admin") == "Protected: the last Admin of the app"
    assert why(role="member", further_roles=("admin", "owner")) == "Protected: the last Owner of the app"
    Role.update(label="").where(Role.app == chat.app).execute()
    assert why(role="admin", further_roles=()) == "Protected: the last admin of the app"
    found = protection.last_administrator(Account.get_by_id(pair[0].id), [], roles.of(chat.app))
    assert (found.code, found.words) == (Protection.LAST_ADMINISTRATOR, "Protected: the last admin of the app")
    assert protection.last_administrator(Account.get_by_id(pair[0].id), [1], roles.of(chat.app)) is None
    assert protection.last_administrator(Account.get_by_id(pair[0].id), [], roles.of(chat.app), ("owner",)) is None
    assert protection.last_administrator(Account.get_by_id(pair[1].id), [], roles.of(chat.app)) is None
