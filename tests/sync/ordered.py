"""Lists as plain Python sorts and pages them, for comparing with what SQL gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from sync.listing import Order, Page

FEW = 3  # rows of a page in these tests: a few rows fill several


def compared(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None,
                    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip


def sorts(order: Order) -> list[str]:
    """No choice, and each column in both directions."""
    return ["", *order.columns, *(f"-{name}" for name in order.columns)]


def filters(values: dict[str, Sequence[str]]) -> st.SearchStrategy[dict[str, str]]:
    """Few at once: of several, most find nothing."""
    one = st.sampled_from(list(values)).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(values[name])))
    return st.lists(one, max_size=2).map(dict)


def asks(values: dict[str, Sequence[str]], order: Order) -> st.SearchStrategy[list[tuple[dict[str, str], str]]]:
    """Filters with an order, all to be asked of the same rows: each order alone, each filter alone, and a few of
    both."""
    alone = [({}, sort) for sort in sorts(order)] + [({name: value}, "") for name in values for value in values[name]]
    both = st.lists(st.tuples(filters(values), st.sampled_from(sorts(order))), min_size=3, max_size=3)
    return both.map(lambda further: alone + further)


def in_order(rows: list, value: Callable[[Any], Sequence], ties: Callable[[Any], Any], descending: bool) -> list:
    """By the places of `value`, an unknown one last in both directions; then by `ties`, always ascending."""
    ordered = sorted(rows, key=ties)
    for place in reversed(range(len(value(rows[0])) if rows else 0)):
        known = [row for row in ordered if value(row)[place] is not None]
        unknown = [row for row in ordered if value(row)[place] is None]
        known.sort(key=lambda row, place=place: value(row)[place], reverse=descending)
        ordered = known + unknown
    return ordered


def assert_pages(search: Callable[[int], Page], expected: list[int], id_of: Callable[[Any], int]) -> None:
    """All pages together show exactly these ids in this order, each page full but the last, with the right total."""
    first = search(1)
    assert (first.total, first.pages) == (len(expected), max(1, -(-len(expected) // FEW)))
    pages = [first, *(search(number) for number in range(2, first.pages + 1))]
    assert [id_of(row) for page in pages for row in page.rows] == expected
    assert all(len(page.rows) == FEW for page in pages[:-1])
    beyond = search(first.pages + 1)
    assert (beyond.number, [id_of(row) for row in beyond.rows]) == (first.pages, [id_of(row) for row in pages[-1].rows])
