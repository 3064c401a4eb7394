"""How a YAML-described app's answers become Rollcall's values: mapping, joins, nested lists, lists per parent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from connectors.base import Access, Refused, Role, TemporarilyUnavailable
from connectors.rest.connector import RestConnector
from connectors.rest.values import Value, holds, read_time
from tests.connectors.described import Anything
from tests.connectors.fake import Reply

ITEM = {
    "id": 7, "on": True, "off": False, "none": None, "empty": "", "name": {"first": "Ana", "last": None},
    "emails": [{"value": "a@x"}, {"value": "b@x"}], "roles": ["user", "admin"], "a.b": "dotted", "html": "<b>\x00x",
}  # fmt: skip


def no_table(name: str) -> dict:
    raise AssertionError(name)


@pytest.mark.parametrize("odd", ["", " ", "x", "\x00", None, 0, 7, 1.5, True, False, [], ["a", "", "b"], [None], {},
                                 {"a": 1}], ids=repr)  # fmt: skip
@pytest.mark.parametrize("spec", ["odd", {"from": "odd", "values": {"true": "yes", "null": "n", "*": "rest"}}], ids=str)
def test_a_shortcut_reads_what_the_long_way_reads(spec: object, odd: object) -> None:
    def read(short: bool) -> tuple | str:
        value = Value(spec, "odd")
        assert value._only_path == ("odd",)
        value._only_path = value._only_path if short else None
        try:
            return value.every({"odd": odd}, no_table), value.raw({"odd": odd}, no_table)
        except Refused as refused:
            return str(refused)

    assert repr(read(True)) == repr(read(False))


@pytest.mark.parametrize("spec", [{"const": "c"}, {"from": "a", "table": "t"}, ["a", "b"], "{a}"], ids=str)
def test_only_a_single_path_is_read_by_the_shortcut(spec: object) -> None:
    assert Value(spec, "a")._only_path is None


@pytest.mark.parametrize(
    "spec, text",
    [
        ("id", "7"), ("on", "true"), ("none", ""), ("nowhere.at.all", ""), ("name.first", "Ana"),
        ("emails.1.value", "b@x"), ("emails.-1.value", "b@x"), ("emails.9.value", ""),
        ("emails.*.value", "a@x"), ("html", "<b>x"),
        ("{name.first} {name.last}", "Ana"), ("{{{id}}}", "{7}"), (["none", "empty", "id"], "7"),
        ({"const": "fixed"}, "fixed"), ({"from": "none", "default": "x"}, "x"), ({"from": ["none", "id"]}, "7"),
        ({"from": "roles", "prefer": ["owner", "admin"]}, "admin"), ({"from": "roles"}, "user"),
        ({"from": "on", "values": {"true": "yes"}}, "yes"), ({"from": "off", "values": {"*": "rest"}}, "rest"),
        ({"from": "none", "values": {"a": "b"}, "default": "x"}, "x"), ({"from": "none", "values": {"null": "n"}}, "n"),
        ({"from": "{on} {off}", "values": {"true false": "mixed"}}, "mixed"),
    ],
    ids=str,
)  # fmt: skip
def test_where_a_value_comes_from(spec, text):
    assert Value(spec, "it").text(ITEM, no_table) == text


@pytest.mark.parametrize("spec", [{"from": "id", "values": {"8": "x"}}, "name", "emails"])
def test_a_value_that_the_file_does_not_foresee_is_refused(spec):
    with pytest.raises(Refused):
        Value(spec, "it").text(ITEM, no_table)


@pytest.mark.parametrize(
    "value, form, zone, moment",
    [
        ("2026-11-24T10:30:00+01:00", "iso", None, datetime(2026, 11, 24, 9, 30)),
        ("2026-11-24T09:30:00Z", "iso", "Europe/Berlin", datetime(2026, 11, 24, 9, 30)),
        ("2026-11-24 10:30", "iso", "Europe/Berlin", datetime(2026, 11, 24, 9, 30)),
        ("2026-07-01T12:00", "iso", "Europe/Berlin", datetime(2026, 7, 1, 10)),
        ("24.11.2026 10:30", "%d.%m.%Y %H:%M", "Europe/Berlin", datetime(2026, 11, 24, 9, 30)),
        (1795512600, "seconds", None, datetime(2026, 11, 24, 9, 30)),
        ("1795512600000", "milliseconds", None, datetime(2026, 11, 24, 9, 30)),
        (0, "seconds", None, None), ("never", "iso", None, None), (None, "iso", None, None),
        (1e300, "seconds", None, None),
        ("0001-01-01T00:00+10:00", "iso", None, None), ("nan", "seconds", None, None), (True, "iso", None, None),
    ],
)  # fmt: skip
def test_a_time_becomes_utc_or_none(value, form, zone, moment):
    assert read_time(value, form, zone) == moment


def test_conditions_hold_when_every_path_has_one_of_its_values():
    for conditions in ({"on": [True], "id": [6, 7]}, {"roles": ["admin"]}, {"none": [None]}):
        assert holds(ITEM, conditions)
    assert not holds(ITEM, {"on": [True], "id": [8]}) and not holds(None, {"ok": [False]})


# Lists


@pytest.fixture
def connect_to(anything: Anything, connect: Callable[..., RestConnector]) -> Callable[..., RestConnector]:
    """Connects a description to an app that answers each path as given, and 404 otherwise."""

    def connect_to(answers: dict, **changes) -> RestConnector:
        anything.answer = lambda request: answers.get(request.path, Reply(404, {"message": "none"}))
        return connect(**changes)

    return connect_to


PEOPLE = [{"id": 1, "email": "a@x.example"}, {"id": 2, "email": "b@x.example"}]


def test_roles_are_joined_from_a_list_of_their_own(connect_to):
    granted = [{"user": 1, "role": 5}, {"user": 1, "role": 9}, {"user": 3, "role": 5}]
    tables = {
        "role_of": {"path": "/granted", "key": "user", "value": "role", "prefer": [9]},
        "role_name": {"path": "/roles", "key": "id", "value": "name"},
    }
    connector = connect_to(
        {"/users": PEOPLE, "/granted": granted, "/roles": [{"id": 5, "name": "Editor"}, {"id": 9, "name": "Owner"}]},
        tables=tables,
        accounts=[{"path": "/users", "account": {
            "id": "id", "role": {"from": "id", "table": "role_of", "default": "none"}}}],
        roles=[{"path": "/roles", "role": {"id": "id", "label": {"from": "id", "table": "role_name"},
                                           "privileged": {"from": "name", "values": {"Owner": True, "*": False}}}},
               {"id": "none", "label": "Without a role", "default": True}],
    )  # fmt: skip
    assert {account.id: account.role for account in connector.accounts()} == {"1": "9", "2": "none"}
    assert connector.roles() == [Role("5", "Editor"), Role("9", "Owner", privileged=True),
                                 Role("none", "Without a role", default=True)]  # fmt: skip


def test_a_table_that_cannot_be_read_fails_the_reading(connect_to):
    account = {"id": "id", "role": {"from": "id", "table": "role_of"}}
    tables = {"role_of": {"path": "/granted", "key": "user", "value": "role"}}
    with pytest.raises(Refused):
        accounts = [{"path": "/users", "account": account}]
        list(connect_to({"/users": PEOPLE}, tables=tables, accounts=accounts).accounts())


def test_lists_per_parent_go_as_deep_as_the_file(connect_to):
    answers = {
        "/orgs": [{"id": "o1"}, {"id": "o2"}],
        "/orgs/o1/projects": [{"id": "p1", "name": "One"}], "/orgs/o2/projects": [{"id": "p2", "name": "Two"}],
        "/p/o1/p1": [{"user": 1, "level": "lead"}], "/p/o2/p2": [{"user": 1, "level": "x"}, {"user": 2, "level": "x"}],
    }  # fmt: skip
    connector = connect_to(
        answers,
        lists=[{"name": "orgs", "path": "/orgs"}],
        assets=[{"name": "projects", "kind": "project", "prefix": "p:", "for_each": "orgs",
                 "path": "/orgs/{parent.id}/projects", "asset": {"id": "id", "name": "{parent.id}/{name}"}}],
        access=[{"for_each": "projects", "path": "/p/{parent.parent.id}/{parent.id}",
                 "access": {"account": "user", "role": "level",
                            "privileged": {"from": "level", "values": {"lead": True, "*": False}}}}],
    )  # fmt: skip
    assert {asset.id: asset.name for asset in connector.assets()} == {"p:p1": "o1/One", "p:p2": "o2/Two"}
    assert list(connector.access()) == [
        Access("1", "p:p1", "lead", True), Access("1", "p:p2", "x"), Access("2", "p:p2", "x"),
    ]  # fmt: skip


def test_a_parent_that_disappeared_fails_the_reading(connect_to):
    teams = {"name": "teams", "path": "/teams", "kind": "team", "asset": {"id": "id"}}
    members = {"for_each": "teams", "path": "/teams/{parent.id}", "access": {"account": "id"}}
    connector = connect_to({"/teams": [{"id": 1}]}, assets=[teams], access=[members])
    with pytest.raises(TemporarilyUnavailable, match="disappeared"):
        list(connector.access())


def test_nested_lists_of_objects_and_of_plain_values(connect_to):
    groups = [{"id": "g", "users": [1, 2], "owners": [{"id": 2}]}, {"id": "h", "users": None}]
    nested = {"path": "/groups", "access": {"account": "value", "asset": "parent.id"}, "nested": "users"}
    owners = {"path": "/groups", "access": {"account": "id", "asset": "parent.id", "role": {"const": "owner"}},
              "nested": "owners"}  # fmt: skip
    connector = connect_to({"/groups": groups}, access=[nested, owners])
    assert list(connector.access()) == [Access("1", "g"), Access("2", "g"), Access("2", "g", "owner")]


def test_a_nested_list_that_is_none_fails_the_reading(connect_to):
    nested = {"path": "/groups", "access": {"account": "value", "asset": "parent.id"}, "nested": "users"}
    with pytest.raises(TemporarilyUnavailable):
        list(connect_to({"/groups": [{"id": "g", "users": "1,2"}]}, access=[nested]).access())


def test_an_object_keyed_by_id_is_a_list_too(connect_to):
    entry = {"path": "/users", "keyed": True, "account": {"id": "key", "email": ["mail", "value"]}}
    connector = connect_to({"/users": {"u1": {"mail": "a@x.example"}, "u2": "b@x.example"}}, accounts=[entry])
    emails = {account.id: account.email for account in connector.accounts()}
    assert emails == {"u1": "a@x.example", "u2": "b@x.example"}


@pytest.mark.parametrize(("contacts", "email"), [
    ([{"at": "447700900123"}, {"at": "a@x.example"}, {"at": "b@x.example"}], "a@x.example"),
    ([{"at": "a@x.example"}, {"at": "447700900123"}], "a@x.example"),
    ([{"at": "447700900123"}], "447700900123"),
    ([], ""),
])  # fmt: skip
def test_the_first_e_mail_address_of_several_contacts_counts(connect_to, contacts, email):
    """Synapse, User Admin API, “threepids”: “either email or msisdn (phone number)”."""
    entry = {"path": "/users", "account": {"id": "id", "email": "contacts.*.at"}}
    connector = connect_to({"/users": [{"id": "u1", "contacts": contacts}]}, accounts=[entry])
    assert [account.email for account in connector.accounts()] == [email]


def test_items_can_be_left_out_and_asked_for_in_detail(connect_to):
    rows = [{"id": 1, "type": "user"}, {"id": 2, "type": "app"}, {"id": 3, "type": "user", "gone": True}]
    entry = {"path": "/users", "only": {"type": ["user"]}, "skip": {"gone": [True]},
             "detail": {"path": "/users/{item.id}", "item": "user"},
             "account": {"id": "id", "email": "mail"}}  # fmt: skip
    connector = connect_to({"/users": rows, "/users/1": {"user": {"mail": "a@x.example"}}}, accounts=[entry])
    assert [(account.id, account.email) for account in connector.accounts()] == [("1", "a@x.example")]


@pytest.mark.parametrize("detail", [Reply(404, {}), {"user": None}, []])
def test_a_detail_that_does_not_come_fails_the_reading(connect_to, detail):
    entry = {"path": "/users", "detail": {"path": "/users/{item.id}", "item": "user"}, "account": {"id": "id"}}
    with pytest.raises(TemporarilyUnavailable):
        list(connect_to({"/users": [{"id": 1}], "/users/1": detail}, accounts=[entry]).accounts())


def test_an_account_in_two_lists_is_given_once(connect_to):
    twice = [{"path": path, "account": {"id": "id"}} for path in ("/users", "/blocked")]
    connector = connect_to({"/users": PEOPLE, "/blocked": PEOPLE[1:]}, accounts=twice)
    assert [account.id for account in connector.accounts()] == ["1", "2"]


@pytest.mark.parametrize("answer, found", [({"users": PEOPLE[:1]}, True), ({"users": []}, False)])
def test_a_second_look_by_a_search(connect_to, answer, found):
    look = {"path": "/search", "query": {"id": "{account.id}"}, "item": "users.0", "missing_is_gone": True}
    entry = {"path": "/users", "account": {"id": "id"}, "look_up": look}
    assert (connect_to({"/search": answer}, accounts=[entry]).account("1") is not None) is found


def test_a_second_look_without_its_account_is_no_answer(connect_to):
    entry = {"path": "/users", "account": {"id": "id"}, "look_up": {"path": "/one", "item": "user"}}
    with pytest.raises(TemporarilyUnavailable):
        connect_to({"/one": {"user": None}}, accounts=[entry]).account("1")


def test_the_credentials_owner_and_missing_rights_are_reported(connect_to):
    who = {"path": "/me", "name": "{user.name} of Acme", "id": "user.id", "may": ["read people"],
           "needs": [{"when": {"scopes": ["write"]}, "otherwise": "Give the token the scope write."}]}  # fmt: skip
    me = {"user": {"name": "Olga", "id": 1}, "scopes": ["read"]}
    identity = connect_to({"/users": PEOPLE, "/me": me}, identity=who).test()
    assert (identity.name, identity.external_id, identity.may) == ("Olga of Acme", "1", ("read people",))
    assert identity.missing == ("Give the token the scope write.",)
    may = {**me, "scopes": ["write"]}
    lacking = connect_to({"/users": Reply(403, {"message": "no"}), "/me": may}, identity=who).test()
    assert lacking.missing[0].startswith("read accounts: ")


def test_an_identity_without_the_id_that_is_looked_for_is_refused(connect_to):
    """Else the account that Rollcall acts with would lose its protection without a word."""
    who = {"path": "/me", "id": "user.id"}
    for me in ({}, {"user": None}, {"user": {"id": ""}}):
        with pytest.raises(Refused, match="“identity” finds no id in the answer to GET /me"):
            connect_to({"/users": PEOPLE, "/me": me}, identity=who).test()
    nobody = {**who, "id": {"from": "user.id", "default": ""}}
    assert connect_to({"/users": PEOPLE, "/me": {"user": None}}, identity=nobody).test().external_id is None


def test_the_acting_account_can_be_shown_by_a_field(connect_to):
    connector = connect_to({"/users": PEOPLE}, identity={"id": "{user}", "name": "{user} of Acme"})
    identity = connector.test()
    assert (identity.external_id, identity.name, connector.own_account_unknown) == ("olga", "olga of Acme", "")
    with pytest.raises(Refused, match="“identity” finds no id in the fields"):
        connector.settings["user"] = ""
        connector.test()


@pytest.mark.parametrize(
    "identity, unknown",
    [
        (None, True), ({"path": "/me"}, True), ({"path": "/me", "name": "name"}, True),
        ({"path": "/me", "id": "id"}, False), ({"id": "{user}"}, False), ({"account": False}, False),
        ({"path": "/me", "name": "name", "account": False}, False),
    ],
    ids=str,
)  # fmt: skip
def test_a_file_that_does_not_say_who_acts_is_reported(connect_to, identity, unknown):
    warning = connect_to({}, identity=identity).own_account_unknown
    assert bool(warning) == unknown
    assert not warning or "tried.yaml doesn't say which account" in warning and "isn't protected" in warning
