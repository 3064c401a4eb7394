"""What a connector must do when its app still returns the list but leaves a field out of every item, as many apps do
to a credential that lost a permission: say so, or fail. A value that nobody gave is never made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.base import OPTIONAL_FIELDS, Account, Connector, ConnectorError
from tests.connectors.fake import FOREVER, FakeApp, Reply

MEANT_TO_FAIL = (ConnectorError, KeyError)  # an answer without a key that no list can do without


def without(value: Any, key: str) -> Any:
    """The JSON, with this key in none of its objects."""
    if isinstance(value, dict):
        return {name: without(inner, key) for name, inner in value.items() if name != key}
    return [without(inner, key) for inner in value] if isinstance(value, list) else value


def said_otherwise(value: Any, key: str) -> Any:
    """The JSON, with a word that nobody knows in place of every text under this key."""
    if isinstance(value, dict):
        return {
            name: "frozen" if name == key and isinstance(inner, str) else said_otherwise(inner, key)
            for name, inner in value.items()
        }
    return [said_otherwise(inner, key) for inner in value] if isinstance(value, list) else value


def keys_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys_in(inner)


def _bent(change: Callable[[Any, str], Any], key: str | None) -> Callable[[Reply], Reply]:
    return lambda reply: Reply(reply.status, change(reply.body, key), reply.headers)


class LostFieldsContract:
    """Mixed into ConnectorContract, whose attributes it uses."""

    given_where_true: tuple[str, ...] = ()  # keys that the app gives only where they hold: nobody can miss them
    statuses: tuple[str, ...]
    has_roles: bool
    owner_role: str
    other_role: str

    read: Callable[[Any], list]
    fill: Callable[[FakeApp, int], None]
    connect: Callable[..., Connector]

    def one_of_each(self, app: FakeApp) -> None:
        """People of every status and of several roles."""
        self.fill(app, 3 + len(self.statuses))
        if self.has_roles:
            app.seats[0].role, app.seats[1].role = self.owner_role, self.other_role
        for seat, status in zip(app.seats[3:], self.statuses):
            seat.status = status

    def test_a_field_that_is_left_out_of_every_item_is_not_made_up(self, app):
        self.one_of_each(app)
        known = self._read_without(app, None)
        assert known
        for key in self._keys_of_a_reading(app) - set(self.given_where_true):
            try:
                read = self._read_without(app, key)
            except MEANT_TO_FAIL:
                continue
            made_up = {
                (account.id, field, getattr(account, field))
                for account in read.values() for field in OPTIONAL_FIELDS
                if account.id in known and self._is_made_up(account, known[account.id], field)
            }  # fmt: skip
            assert not made_up, f"without “{key}”"

    def test_a_word_that_the_connector_does_not_know_is_no_status(self, app):
        """Whichever key has the status: a new word of the app is shown, and never counts as active."""
        self.one_of_each(app)
        known = self._read_without(app, None)
        for key in self._keys_of_a_reading(app):
            try:
                read = self._read(app, _bent(said_otherwise, key))
            except (*MEANT_TO_FAIL, ValueError):
                continue
            finally:
                app.violations.clear()  # with another word for an id or a cursor, the fake is asked nonsense
            became = {account.id: account.status for account in read.values() if account.id in known}
            guessed = {
                id: status for id, status in became.items()
                if status != known[id].status and status not in ("unknown", "unknown: frozen")
            }  # fmt: skip
            assert not guessed, f"with another word in “{key}”"

    @staticmethod
    def _is_made_up(account: Account, known: Account, field: str) -> bool:
        if getattr(account, field) == getattr(known, field):
            return False
        if field in account.missing_fields | account.defaulted_fields:
            return False
        return not (field == "status" and account.status.startswith("unknown"))

    def _keys_of_a_reading(self, app: FakeApp) -> set[str]:
        """Every key of every answer to a whole reading."""
        seen: set[str] = set()

        def look(reply: Reply) -> Reply:
            seen.update(keys_in(reply.body))
            return reply

        self._read(app, look)
        return seen

    def _read_without(self, app: FakeApp, key: str | None) -> dict[str, Account]:
        return self._read(app, _bent(without, key))

    def _read(self, app: FakeApp, bend: Callable[[Reply], Reply]) -> dict[str, Account]:
        app.fail(bend, times=FOREVER, acts=True)
        connector = self.connect(app)
        try:
            return {account.id: account for account in self.read(connector)}
        finally:
            connector.close()
            app.behave()


@pytest.mark.parametrize("value", [{"a": 1, "b": {"a": [{"a": 2, "c": 3}]}}])
def test_a_key_is_left_out_everywhere(value):
    assert without(value, "a") == {"b": {}}
    assert sorted(set(keys_in(value))) == ["a", "b", "c"]
    assert said_otherwise({"a": [{"b": "x", "c": 1}], "b": 2}, "b") == {"a": [{"b": "frozen", "c": 1}], "b": 2}
