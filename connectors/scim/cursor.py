"""The client of a SCIM server that pages its lists by cursor (RFC 9865) and has no startIndex.
A list ends with a page that names no next one. A page may have fewer items than requested."""

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
        """As ScimClient.all(). `narrowed`: further parameters of each call, such as a filter."""
        params, raw = {"count": self._size, **(narrowed or {})}, known is not None
        pages = pages_by_cursor(
            lambda cursor: self._at(cursor or "", kind, params, raw), **pager_options(kind, on_total, known)
        )
        for page in pages:
            yield from page

    def _at(self, cursor: str, kind: str, params: Mapping[str, str | int], raw: bool = False) -> Page:
        """The page at a cursor. An empty cursor requests the first page (RFC 9865, 2)."""
        params = {"cursor": cursor, **params}
        answer = self.http.call("GET", kind, params=params, headers=ACCEPT, may_be_empty=("cursor",))
        return self._page(answer, raw=raw)
