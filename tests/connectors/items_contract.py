"""A connector that reads item by item gives of items that are known what it gives when it reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from connectors.base import Account, Connector
from connectors.memory import Marked, Unchanged
from tests.connectors.fake import FakeApp


class Kept:
    """The connectors.memory.KnownItems of a caller that trusts every item it has seen, by its list and its bytes."""

    def __init__(self):
        self.known: dict[bytes, tuple[Account, str]] = {}

    def compare(self, list_name: str, items: Sequence[bytes]) -> list[Unchanged | bytes]:
        marks = [list_name.encode() + bytes(item) for item in items]
        return [Unchanged(self.known[mark][0].id, self.known[mark][1], (mark,)) if mark in self.known else mark
                for mark in marks]  # fmt: skip

    def read(self, connector: Connector) -> tuple[list[Account], int]:
        """Its accounts, and how many of them it did not read again."""
        connector.known_items, given, skipped = self, [], 0
        for one in connector.accounts():
            if isinstance(one, Marked):
                self.known[one.mark] = (one.account, one.note)
            skipped += isinstance(one, Unchanged)
            given.append(self.known[one.row[0]][0] if isinstance(one, Unchanged) else getattr(one, "account", one))
        connector.known_items = None
        return given, skipped


class ItemsContract:
    """For a connector with `reads_item_by_item`."""

    @classmethod
    def offers(cls, name: str) -> bool:
        return bool(cls.kind.reads_item_by_item) if name == "reads_item_by_item" else super().offers(name)

    @pytest.mark.only_where("reads_item_by_item")
    def test_known_items_give_the_same_as_reading_them(self, app: FakeApp, connector: Any):
        number = self.short_page(app) * 2 + 1
        self.fill(app, number)
        for place, role in ((0, self.owner_role), (1, self.other_role)) if self.has_roles else ():
            app.seats[place].role = role
        whole, roles = self.read(connector), connector.roles()
        kept = Kept()
        assert (*kept.read(connector), connector.roles()) == (whole, 0, roles)
        assert len(kept.known) == number, "an account has no mark"
        assert (*kept.read(connector), connector.roles()) == (whole, number, roles)
        app.seats[2].name = "Renamed"
        del app.seats[number // 2]
        whole = self.read(connector)
        assert kept.read(connector) == (whole, number - 2)
        assert [account.id for account in whole if account.name == "Renamed"] == [app.seats[2].id]
