"""What SCIM resources say, as real services write them."""

from __future__ import annotations

import pytest

from connectors.base import Account
from connectors.scim import values
from connectors.scim.values import (
    ENTERPRISE,
    account_of,
    email_of,
    id_of,
    in_order,
    member_ids,
    name_of,
    privileged_by_name,
    roles_of,
)
from connectors.tools.http import clean


def read(**raw) -> Account:
    user = {"id": "7", "userName": "u@x.example", "displayName": "Ana"} | raw
    user = {name: value for name, value in user.items() if value is not None}
    return account_of(user, in_order(roles_of(user), privileged_by_name("")))


@pytest.mark.parametrize(
    "raw,expected",
    [
        ({"active": "True"}, "active"),
        ({"active": "False"}, "suspended"),
        ({"active": "false"}, "suspended"),
        ({"active": None}, "active"),
    ],
)
def test_active_is_understood_in_every_form(raw, expected):
    assert read(**raw).status == expected


@pytest.mark.parametrize(
    ("raw", "says_role", "fields"),
    [
        ({"id": "7"}, False, "name status kind seat user_name employee_number email role"),
        ({"displayName": None, "active": None, "userName": "u@x.example"}, True, "kind seat employee_number"),
        ({"userType": "", "emails": [{"value": "nobody"}], ENTERPRISE: {}}, True, "name status user_name email"),
    ],
    ids=["nothing", "null", "no address"],
)
def test_a_field_without_its_key_is_defaulted_and_null_is_a_value(raw, says_role, fields):
    assert account_of({"id": "7"} | raw, ["member"], says_role).defaulted_fields == frozenset(fields.split())


@pytest.mark.parametrize(
    ("extension", "number"),
    [({"employeeNumber": " 701984 "}, "701984"), ({"employeeNumber": 701984}, "701984"), ({"employeeNumber": True}, ""),
     ({"employeeNumber": None}, ""), ({"employeeNumber": ["7"]}, ""), ({}, ""), (None, ""), ("7", "")],
)  # fmt: skip
def test_user_name_and_employee_number_are_reported(extension, number):
    """The numbers as in RFC 7643, 8.3."""
    account = read(**{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": extension})
    assert (account.user_name, account.employee_number) == ("u@x.example", number)


@pytest.mark.parametrize(
    "raw,email",
    [
        ({"emails": [{"value": "a@x.example"}, {"value": "b@x.example", "primary": True}]}, "b@x.example"),
        ({"emails": [{"value": "a@x.example"}, {"value": "b@x.example", "type": "work"}]}, "b@x.example"),
        ({"emails": [{"value": "a@x.example"}, {"value": "b@x.example"}]}, "a@x.example"),
        ({"emails": ["a@x.example"]}, "a@x.example"),
        ({"emails": [{"value": ""}, {"value": None}, {}, 5], "userName": "u@x.example"}, "u@x.example"),
        ({"emails": None, "userName": "u@x.example"}, "u@x.example"),
        ({"emails": "a@x.example", "userName": "u"}, "a@x.example"),
        ({"emails": None, "userName": "ana"}, ""),
        ({"emails": None, "userName": None}, ""),
    ],
)
def test_the_email_is_found(raw, email):
    assert read(**raw).email == email


@pytest.mark.parametrize(
    "raw,name",
    [
        ({"displayName": None, "name": {"formatted": "Ana B."}}, "Ana B."),
        ({"displayName": "", "name": {"givenName": "Ana", "familyName": "Brandt"}}, "Ana Brandt"),
        ({"displayName": None, "userName": "ana"}, "ana"),
        ({"displayName": None}, ""),
        ({"displayName": {"odd": 1}, "name": "Ana"}, ""),
        ({"displayName": "A\x00n\ud800a\n"}, "Ana"),
    ],
)
def test_the_name_is_found(raw, name):
    account = read(**raw)
    assert account.name == name
    account.name.encode()


@pytest.mark.parametrize(
    "roles,held",
    [
        ([], ()),
        (["editor"], ("editor",)),
        ([{"display": "Editor"}], ("Editor",)),
        ([{"value": "viewer"}, {"value": "editor", "primary": True}], ("editor", "viewer")),
        ([{"value": "viewer", "primary": True}, {"value": "bill"}, {"value": "owner"}], ("owner", "viewer", "bill")),
        ([{"value": "viewer"}, {"value": "viewer", "primary": True}, "viewer"], ("viewer",)),
        ("editor", ("editor",)),
        ([None, 7.5, {}], ()),
    ],
)
def test_the_roles_are_found_the_highest_first(roles, held):
    account = read(roles=roles)
    assert (account.roles, account.role) == (held, held[0] if held else "")


def test_machines_are_distinguished_from_people():
    assert [read(userType=kind).kind for kind in ("Bot", "Employee", None)] == ["system", "user", "user"]


def test_members_are_users_each_once():
    group = {"members": [{"value": "1"}, {"value": "1"}, "2", {"value": "g", "type": "Group"},
                         {"value": "h", "$ref": "https://x.example/Groups/h"}, {}, None]}  # fmt: skip
    assert member_ids(group) == ["1", "2"]
    assert member_ids({"members": None}) == member_ids({}) == []


ODD = ["", " ", "7", " Ana ", "a@x.example", " a@x.example ", "a b@x", "Ana\x00", "\ud800", None, 7, 1.0, 1, True, [],
       ["x"], {}, {"value": "x"}, False]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_shortcuts_read_what_the_long_way_reads(odd: object) -> None:
    plain = {"id": "7", "userName": "u", "displayName": "Ana", "emails": [{"value": "a@x.example"}]}
    assert values._plain_texts(plain) == ("7", "a@x.example", "Ana", "u")
    lists = (odd, [odd], [{"value": odd}], [{"value": odd}, {"value": "b@x.example", "primary": True}])
    for change in (*({key: odd} for key in ("id", "userName", "displayName")), *({"emails": one} for one in lists)):
        user = plain | change
        texts = values._plain_texts(user)
        assert texts is None or texts == (id_of(user), email_of(user), name_of(user), clean(user["userName"]))
    for roles in (odd, [odd], *([{"value": "x"} | {key: odd}] for key in ("value", "display", "primary"))):
        assert roles_of({"roles": roles}) == values._roles_of_each(roles)


def test_long_texts_of_an_app_are_not_kept() -> None:
    """Only texts of few characters outlive an answer, however many users have others."""
    roles_of({"roles": [{"value": "Admin", "display": "y" * values.LONGEST_KEPT, "primary": True}]})
    account_of({"id": "7"})
    before = values._only_role.cache_info().currsize, values._defaulted_fields.cache_info().currsize
    for number in range(3):
        long = str(number) * (values.LONGEST_KEPT + 1)
        for role in ({"value": long}, {"value": "Admin", "display": long}, {"value": "Admin", "primary": long},
                     {"value": int(long)}):  # fmt: skip
            assert roles_of({"roles": [role]}) == values._roles_of_each([role])
        account_of({"id": "7", long: ""})
    assert (values._only_role.cache_info().currsize, values._defaulted_fields.cache_info().currsize) == before
