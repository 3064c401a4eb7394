"""Items of a described list that came as at the last reading aren't read again. It makes no difference."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from connectors.base import Account, TemporarilyUnavailable
from connectors.memory import Marked, Unchanged
from tests.connectors.described import Anything, described, pages, users
from tests.connectors.fake import Reply, Request

ACCOUNT = {"id": "id", "email": "email", "role": {"from": "role", "default": "member"}, "last_activity": "seen"}
BY_OFFSET = {"offset": {"size": 3, "parameter": "offset", "size_parameter": "limit"}}


class Remembered:
    """Trusts each item that it has seen, and knows the account that was made of it."""

    def __init__(self):
        self.accounts: dict[tuple[str, bytes], Account] = {}

    def compare(self, list_name: str, items: list[bytes]) -> list[Unchanged | bytes]:
        found = [(self.accounts.get((list_name, item)), item) for item in items]
        return [Unchanged(one.id, "", (one,)) if one else f"{list_name} ".encode() + item for one, item in found]

    def note(self, accounts: list) -> list[Account]:
        """Those of this reading, in order."""
        for one in accounts:
            if type(one) is Marked:
                list_name, item = one.mark.split(b" {", 1)
                self.accounts[list_name.decode(), b"{" + item] = one.account
        return [one.row[0] if type(one) is Unchanged else one.account if type(one) is Marked else one
                for one in accounts]  # fmt: skip


def accounts_entry(**changes: Any) -> dict:
    return {"path": "/users", "items": "data", "total": "total", "paging": BY_OFFSET, "account": ACCOUNT, **changes}


def paged(rows: list[dict]) -> Callable[[Request], dict]:
    return lambda request: {"data": pages(rows, request, 3), "total": len(rows)}


def read(anything: Anything, connect: Callable, spec: dict, rows: list[dict], known: Remembered) -> list:
    """One reading as a check makes it; what it gives. It has what a reading without memory has."""
    anything.answer = rows if callable(rows) else paged(rows)
    connector = connect(**spec)
    connector.known_items = known
    given = list(connector.accounts())
    assert known.note(given) == list(connect(**spec).accounts())
    return given


@pytest.mark.parametrize("changes", [{}, {"prefix": "user:"}], ids=["as it is", "with a prefix"])
def test_a_known_item_is_not_read_again(anything, connect, changes):
    rows, known, prefix = users(8), Remembered(), changes.get("prefix", "")
    spec = {"accounts": [accounts_entry(**changes)]}
    assert {type(one) for one in read(anything, connect, spec, rows, known)} == {Marked}
    assert {type(one) for one in read(anything, connect, spec, rows, known)} == {Unchanged}
    rows[4]["role"], rows[5]["seen"] = "admin", "2026-11-01T10:00:00"
    rows.append({"id": 20, "email": "new@acme.example"})
    del rows[0]
    again = read(anything, connect, spec, rows, known)
    assert [one.id for one in again if type(one) is Marked] == [f"{prefix}4", f"{prefix}5", f"{prefix}20"]


@pytest.mark.parametrize(("entry", "answer"), [
    ({"items": ".", "total": None, "paging": None}, users),
    ({"items": ".", "total": None, "paging": {"cursor": {"last": "id"}}},
     lambda count: lambda request: users(count) if request.number("cursor", 0) == 0 else []),
    ({"total": None, "paging": {"cursor": {"next": "next"}}},
     lambda count: lambda request: {"data": users(count), "next": None}),
    ({"only": {"email": ["p1@acme.example", "p2@acme.example"]}, "total": None, "paging": None},
     lambda count: {"data": users(count)}),
    ({"skip": {"id": [0, 3]}, "total": None, "paging": None}, lambda count: {"data": users(count)}),
], ids=["a list alone", "the last one's id", "a cursor", "only some", "not some"])  # fmt: skip
def test_each_way_of_paging(anything, connect, entry, answer):
    spec, known = {"accounts": [_without_none(accounts_entry(**entry))]}, Remembered()
    given = answer(4)
    rows = given if callable(given) else lambda request: given
    first = read(anything, connect, spec, rows, known)
    again = read(anything, connect, spec, rows, known)
    assert first and {type(one) for one in again} == {Unchanged} and len(again) == len(first)


def _without_none(entry: dict) -> dict:
    return {key: value for key, value in entry.items() if value is not None}


def test_equal_items_of_two_lists_are_two_accounts(anything, connect):
    known = Remembered()
    spec = {"accounts": [accounts_entry(), accounts_entry(prefix="invited:")]}
    for _ in range(2):
        given = known.note(read(anything, connect, spec, users(2), known))
        assert [one.id for one in given] == ["0", "1", "invited:0", "invited:1"]


def test_items_that_are_no_objects_are_read_each_time(anything, connect):
    entry = accounts_entry(total=None, paging=None, account={"id": "value"})
    spec, known = {"accounts": [_without_none(entry)]}, Remembered()
    for _ in range(2):
        given = read(anything, connect, spec, lambda request: {"data": ["a", "b"]}, known)
        assert {type(one) for one in given} == {Account}


def test_a_list_with_an_item_twice_ends_as_without_memory(anything, connect):
    rows = [*users(4), *users(1)]
    anything.answer = paged(rows)
    for known in (None, Remembered()):
        connector = connect(accounts=[accounts_entry()])
        connector.known_items = known
        with pytest.raises(TemporarilyUnavailable, match="5 accounts, but returned 4"):
            list(connector.accounts())


@pytest.mark.parametrize("entry", [
    {"nested": "members"}, {"keyed": True}, {"items": "data.users"}, {"total": "data.0.total"},
    {"detail": {"path": "/users/{item.id}"}},
    {"account": ACCOUNT | {"role": {"from": "id", "table": "held"}}},
    {"account": ACCOUNT | {"last_activity": {"from": "seen", "zone": "Europe/Berlin"}}},
], ids=lambda entry: next(iter(entry)))  # fmt: skip
def test_an_account_that_needs_more_than_its_item_is_read_each_time(tmp_path, entry):
    tables = {"held": {"path": "/held", "key": "id", "value": "role"}}
    tables = tables if "table" in json.dumps(entry) else None
    kind = described(tmp_path, accounts=[accounts_entry(**entry)], tables=tables)
    assert not kind({"base_url": "https://a.example"}).reads_item_by_item
    assert described(tmp_path, accounts=[accounts_entry()])({}).reads_item_by_item


def test_another_file_reads_each_item_again(tmp_path):
    one, other = (described(tmp_path, accounts=[accounts_entry(account=account)])
                  for account in (ACCOUNT, ACCOUNT | {"name": "email"}))  # fmt: skip
    assert one.read_with != other.read_with


def test_an_answer_that_is_no_json_ends_as_without_memory(anything, connect):
    anything.answer = lambda request: Reply(200, b"[{")
    for known in (None, Remembered()):
        connector = connect(accounts=[accounts_entry()])
        connector.known_items = known
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())
