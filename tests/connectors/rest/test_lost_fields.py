"""A YAML-described app that leaves keys out: a missing key is unknown, or means what the file says; never a guess."""

from __future__ import annotations

import pytest

from connectors.base import Refused
from connectors.rest.template import has

WHOLE = {
    "id": 1, "email": "ana@acme.example", "first": "Ana", "last": "Lopez", "role": "admin", "state": "on",
    "seen": "2026-11-01T10:00:00Z", "plan": {"name": "full"}, "roles": [{"key": "owner"}],
}  # fmt: skip
ACCOUNT = {
    "id": "id", "email": "email", "name": "{first} {last}", "role": "role", "seat": "plan.name",
    "status": {"from": "state", "values": {"on": "active", "off": "suspended"}}, "last_activity": "seen",
}  # fmt: skip


@pytest.fixture
def read(anything, connect):
    """The one account of an app whose list has this item, as the file describes it."""

    def read(item: dict, **account):
        anything.answer = lambda request: [{"id": 1, **item}]
        [found] = connect(accounts=[{"path": "/users", "account": {**ACCOUNT, **account}}]).accounts()
        return found

    return read


def without(*keys):
    return {key: value for key, value in WHOLE.items() if key not in keys}


@pytest.mark.parametrize("privileged", ["is_admin", {"from": "policies.*.admin", "prefer": [True], "default": False}])
def test_roles_that_no_longer_say_who_may_administer_fail_the_reading(anything, connect, privileged):
    connector = connect(roles=[{"path": "/roles", "role": {"id": "id", "privileged": privileged}}])
    anything.answer = lambda request: [{"id": 1, "is_admin": True, "policies": [{"admin": True}]}, {"id": 2}]
    assert [role.privileged for role in connector.roles()] == [True, False], "left out where it doesn't hold"
    anything.answer = lambda request: [{"id": 1}, {"id": 2}]
    with pytest.raises(Refused, match="No role has the value for “privileged”"):
        connector.roles()
    anything.answer = lambda request: [{"id": 1, "is_admin": False, "policies": []}, {"id": 2}]
    assert not any(role.privileged for role in connector.roles())


def test_nothing_is_missing_from_a_whole_item(read):
    account = read(WHOLE)
    assert (account.missing_fields, account.defaulted_fields) == (set(), set())
    assert (account.email, account.name, account.role, account.status, account.seat) == (
        "ana@acme.example", "Ana Lopez", "admin", "active", "full",
    )  # fmt: skip


@pytest.mark.parametrize("key,field", [
    ("email", "email"), ("role", "role"), ("state", "status"), ("seen", "last_activity"), ("plan", "seat"),
])  # fmt: skip
def test_a_missing_key_is_not_sent_and_an_empty_one_is(read, key, field):
    assert read(without(key)).missing_fields == {field}
    values = {"on": "active", "null": "active"}
    assert read({**WHOLE, key: None}, status={"from": "state", "values": values}).missing_fields == set()


def test_a_text_is_missing_with_all_of_its_names(read):
    assert read(without("first")).name == "Lopez" and read(without("first")).missing_fields == set()
    assert read(without("first", "last")).missing_fields == {"name"}


@pytest.mark.parametrize("role", [
    {"from": "role", "default": "member"},
    {"from": "role", "values": {"admin": "admin", "null": "member"}},
    {"from": "roles.*.key", "prefer": ["owner"], "default": "member"},
])  # fmt: skip
def test_the_default_of_a_missing_value_is_assumed_for_a_missing_key(read, role):
    account = read(without("role", "roles"), role=role)
    assert (account.role, account.defaulted_fields, account.missing_fields) == ("member", {"role"}, set())
    account = read({**WHOLE, "role": None, "roles": []}, role=role)
    assert (account.role, account.defaulted_fields, account.missing_fields) == ("member", set(), set())


def test_an_account_in_no_row_of_a_table_has_its_role_assumed(anything, connect):
    """A list of administrators that comes back empty makes nobody a plain member."""
    lists = {"/roles": [{"user": 1, "role": "admin"}], "/users": [{"id": 1}, {"id": 2}]}
    anything.answer = lambda request: lists[request.path]
    role = {"from": "id", "table": "role_of", "default": "member"}
    connector = connect(
        accounts=[{"path": "/users", "account": {"id": "id", "role": role}}],
        tables={"role_of": {"path": "/roles", "key": "user", "value": "role"}},
    )
    assert [(one.role, one.defaulted_fields) for one in connector.accounts()] == [
        ("admin", set()), ("member", {"role"})]


def test_an_empty_status_is_unknown_unless_the_file_says_what_it_means(read):
    assert read({**WHOLE, "state": None}).status == "unknown"
    assert read({**WHOLE, "state": None}, status={**ACCOUNT["status"], "default": "active"}).status == "active"
    assert read(without("state")).status == "unknown"


@pytest.mark.parametrize("keys,there", [
    (("a", "b"), True), (("a", "x"), False), (("n", "x"), True), (("l", "*", "k"), True), (("l", "*", "x"), False),
    (("e", "*", "x"), True), (("m", "*", "x"), False), (("l", "0", "k"), True), (("l", "0", "x"), False), ((), True),
])  # fmt: skip
def test_a_path_is_there_with_whatever_value(keys, there):
    assert has({"a": {"b": None}, "n": None, "l": [{"k": 1}], "e": []}, keys) is there
