"""Lists in pages: which page is shown, of how many. A number beyond the last page shows the last."""

from __future__ import annotations

from collections.abc import Callable
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


def page_of(
    query: ModelSelect, number: int, fetch: Callable[[ModelSelect], Any] = list, total: int | None = None
) -> Page:
    """Page `number` of an ordered query; `fetch` makes its rows. `total` saves counting where it is known."""
    if total is None:
        total = query.count()
    pages = max(1, -(-total // PAGE))
    number = min(max(1, number), pages)
    return Page(list(fetch(query.paginate(number, PAGE))) if total else [], total, number, pages)
