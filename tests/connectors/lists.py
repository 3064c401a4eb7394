"""Lists as apps give them, for the tests of pagers: whole, capped, with a total that lies; and each way to read one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from connectors.tools.paging import (
    Page,
    pages_by_cursor,
    pages_by_index,
    pages_by_link,
    pages_by_number,
    pages_by_offset,
)

SIZE = 10


@dataclass
class Source:
    """A list in an app; `before` runs ahead of each call with its number, from 0."""

    items: list[dict]
    cap: int = SIZE
    lie: int = 0
    sends_total: bool = True
    before: Callable[[int], None] = lambda call: None
    calls: int = field(default=0)

    def part(self, offset: int, more: bool | None = None) -> Page:
        self.before(self.calls)
        self.calls += 1
        return Page(self.items[offset : offset + self.cap], len(self.items) + self.lie if self.sends_total else None)

    def by_index(self, start: int) -> Page:
        assert start >= 1
        return self.part(start - 1)

    def by_number(self, number: int) -> Page:
        return self.part((number - 1) * self.cap)

    def by_cursor(self, cursor: str | None) -> Page:
        offset = int(cursor or 0)
        page = self.part(offset)
        after = offset + len(page.items)
        return replace(page, next=str(after) if after < len(self.items) else None)


def source(count: int, **options) -> Source:
    return Source([{"id": str(n)} for n in range(count)], **options)


POSITION = {
    "index": lambda s, **o: pages_by_index(s.by_index, size=SIZE, **o),
    "offset": lambda s, **o: pages_by_offset(s.part, size=SIZE, **o),
    "number": lambda s, **o: pages_by_number(s.by_number, size=SIZE, **o),
}
CURSOR = {
    "cursor": lambda s, **o: pages_by_cursor(s.by_cursor, **o),
    "link": lambda s, **o: pages_by_link(s.by_cursor, **o),
}
EVERY = POSITION | CURSOR
every = pytest.mark.parametrize("pager", EVERY.values(), ids=EVERY)
by_position = pytest.mark.parametrize("pager", POSITION.values(), ids=POSITION)
by_cursor = pytest.mark.parametrize("pager", CURSOR.values(), ids=CURSOR)
either_total = pytest.mark.parametrize("sends_total", [True, False], ids=["total", "no total"])


def ids(pages) -> list[str]:
    return [item["id"] for page in pages for item in page]
