"""A SCIM server that gives its lists by cursor (RFC 9865) and knows no startIndex.
The list ends with a page that names no next one; a page may hold fewer than were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from connectors.scim.client import ACCEPT, ScimClient
from connectors.scim.values import id_of
from connectors.tools.paging import Page, pages_by_cursor


class CursorClient(ScimClient):
    def first_page(self, kind: str) -> Page:
        return self._at("", kind, {"count": 1})

    def all(
        self, kind: str, on_total: Callable[[int], None] | None = None, narrowed: Mapping[str, str] | None = None
    ) -> Iterator[dict]:
        """`narrowed`: further parameters of each call: a filter."""
        params = {"count": self._size, **(narrowed or {})}
        pages = pages_by_cursor(
            lambda cursor: self._at(cursor or "", kind, params), what=kind.lower(), id_of=id_of, on_total=on_total
        )
        for page in pages:
            yield from page

    def _at(self, cursor: str, kind: str, params: Mapping[str, str | int]) -> Page:
        """The page at a cursor; an empty one asks for the first page (RFC 9865, 2)."""
        params = {"cursor": cursor, **params}
        return self._page(self.http.call("GET", kind, params=params, headers=ACCEPT, may_be_empty=("cursor",)))
