"""Lists in pages: which page is shown, of how many. A number beyond the last page shows the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect

PAGE = 50  # rows


@dataclass(frozen=True)
class Page:
    """One page of a list: `rows` of `total`, page numbers from 1."""

    rows: list
    total: int
    number: int
    pages: int


def page_with_first(first: Sequence[int], query: ModelSelect, number: int, fetch: Callable[[list[int]], Any],
                    total: int) -> Page:
    """Page `number` of the ids `first`, in this order, and then of an ordered query of ids that has none of them.

    `fetch` makes the rows of these ids, in their order. `total` counts both.
    """
    pages = max(1, -(-total // PAGE))
    number = min(max(1, number), pages)
    start = (number - 1) * PAGE
    ids = list(first[start : start + PAGE])
    if len(ids) < PAGE:
        ids += [row.id for row in query.limit(PAGE - len(ids)).offset(max(0, start - len(first)))]
    return Page(list(fetch(ids)), total, number, pages)


def page_of(
    query: ModelSelect, number: int, fetch: Callable[[ModelSelect], Any] = list, total: int | None = None
) -> Page:
    """Page `number` of an ordered query; `fetch` makes its rows. `total` saves counting where it is known."""
    if total is None:
        total = query.count()
    pages = max(1, -(-total // PAGE))
    number = min(max(1, number), pages)
    return Page(list(fetch(query.paginate(number, PAGE))) if total else [], total, number, pages)
