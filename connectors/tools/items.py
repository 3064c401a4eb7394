"""Skips items of a list for which the app sent the same bytes as at the last reading.
A pager opens its pages with `Opened`, and the connector turns the result into accounts with `accounts_of`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from connectors.base import Account, TemporarilyUnavailable
from connectors.memory import KnownItems, Marked, Unchanged
from connectors.tools.answers import decoded


class Fresh(NamedTuple):
    """A decoded item that is new or changed, and its mark for Marked."""

    value: dict
    mark: bytes


class Opened:
    """Decodes the items of a page that are new or changed; all of them where `known` is None.

    Items that aren't bytes are returned as they are: a lenient decoder has read them, and they are never Unchanged.
    """

    def __init__(self, known: KnownItems | None, what: str, list_name: str = ""):
        """`what`: the list's name for messages. `list_name`: its name for KnownItems, if several lists share `what`."""
        self._known, self._what, self._list_name = known, what, list_name or what

    def __call__(self, items: list) -> list[dict | Fresh | Unchanged]:
        if self._known is None or not all(type(item) is msgspec.Raw for item in items):
            return items
        sent = [bytes(item) for item in items]
        found = self._known.compare(self._list_name, sent)
        return [one if type(one) is Unchanged else Fresh(self._decoded(item), one) for one, item in zip(found, sent)]

    def _decoded(self, item: bytes) -> dict:
        try:
            value = decoded(item)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise TemporarilyUnavailable(f"The app returned one of the {self._what} in a form that can't be read.")
        return value


def opening(known: KnownItems | None, what: str, id_of: Callable[[Any], str], list_name: str = "") -> dict[str, Any]:
    """Options of the pager for items that may be known. The connector reads such pages with json_but_items().

    `id_of` returns Account.id of an item; `list_name` is as for Opened.
    """
    return {"id_of": id_of} if known is None else {"id_of": _id_by(id_of), "opened": Opened(known, what, list_name)}


def _id_by(id_of: Callable[[Any], str]) -> Callable[[Any], str]:
    def id_of_opened(item: Any) -> str:
        kind = type(item)
        return item.id if kind is Unchanged else id_of(item.value if kind is Fresh else item)

    return id_of_opened


def accounts_of(items: Iterable, account_of: Callable[[Any], Account]) -> Iterator[Account | Marked | Unchanged]:
    """The accounts of opened items, as accounts() returns them, with no notes."""
    for item in items:
        kind = type(item)
        if kind is Unchanged:
            yield item
        elif kind is Fresh:
            yield Marked(account_of(item.value), item.mark)
        else:
            yield account_of(item)
