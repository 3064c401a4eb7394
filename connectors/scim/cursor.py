"""A SCIM server that gives its lists by cursor (RFC 9865) and knows no startIndex.
The list ends with a page that names no next one; a page may have fewer than were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.memory import KnownItems
from connectors.scim.client import ACCEPT, ScimClient, pager_options
from connectors.tools.paging import Page, pages_by_cursor


class CursorClient(ScimClient):
    def first_page(self, kind: str) -> Page:
        return self._at("", kind, {"count": 1})

    def all(
        self, kind: str, on_total: Callable[[int], None] | None = None, narrowed: Mapping[str, str] | None = None,
        known: KnownItems | None = None,
    ) -> Iterator[Any]:  # fmt: skip
        """`narrowed`: further parameters of each call: a filter."""
        params, raw = {"count": self._size, **(narrowed or {})}, known is not None
        pages = pages_by_cursor(
            lambda cursor: self._at(cursor or "", kind, params, raw), **pager_options(kind, on_total, known)
        )
        for page in pages:
            yield from page

    def _at(self, cursor: str, kind: str, params: Mapping[str, str | int], raw: bool = False) -> Page:
        """The page at a cursor; an empty one asks for the first page (RFC 9865, 2)."""
        params = {"cursor": cursor, **params}
        answer = self.http.call("GET", kind, params=params, headers=ACCEPT, may_be_empty=("cursor",))
        return self._page(answer, raw=raw)
