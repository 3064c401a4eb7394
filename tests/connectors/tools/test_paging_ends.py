"""Where a list ends: totals that agree with their page, apps that give a page again, and answers past the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from connectors.base import Refused, TemporarilyUnavailable
from connectors.tools import paging
from connectors.tools.paging import ListChanged, NoList, Page, pages_by_cursor, pages_by_number, pages_by_offset
from tests.connectors.lists import (
    POSITION,
    SIZE,
    Source,
    by_cursor,
    by_position,
    either_total,
    every,
    ids,
    source,
)


@by_position
@pytest.mark.parametrize("count", [1, SIZE - 1, SIZE])
def test_a_total_that_is_reached_takes_one_more_call(pager, count):
    """The total agrees with the page that it came on: only an empty page shows that there is no more."""
    listed = source(count)
    ids(pager(listed))
    assert listed.calls == 2


@by_position
def test_an_empty_list_takes_one_call(pager):
    listed = source(0)
    ids(pager(listed))
    assert listed.calls == 1


@by_cursor
def test_no_next_page_is_the_end_without_a_further_call(pager):
    listed = source(SIZE - 1)
    ids(pager(listed))
    assert listed.calls == 1


@every
@pytest.mark.parametrize("lie", [-11, -10, -1, 1, 10, 100])
def test_a_total_that_lies_fails_the_reading(pager, lie):
    with pytest.raises(ListChanged, match="reported a total of|changed"):
        ids(pager(source(2 * SIZE, lie=lie)))


@every
def test_a_total_that_is_the_length_of_the_page_is_rejected(pager):
    listed = source(3 * SIZE)
    listed.lie = SIZE - 3 * SIZE
    with pytest.raises(ListChanged):
        ids(pager(listed))


@every
@pytest.mark.parametrize("change", [-1, 1])
def test_a_total_that_changes_fails_the_reading(pager, change):
    listed = source(3 * SIZE)

    def before(call: int) -> None:
        if call == 1:
            listed.lie = change

    listed.before = before
    with pytest.raises(ListChanged, match=f"from 30 to {30 + change}"):
        ids(pager(listed))


@by_position
@either_total
def test_the_same_page_again_and_again_ends(pager, sends_total):
    listed = source(3 * SIZE, sends_total=sends_total)
    whole, listed.part = listed.part, lambda offset: whole(0)
    with pytest.raises(ListChanged, match="the first page again instead of page 2"):
        ids(pager(listed))
    assert listed.calls == 2


@by_position
@pytest.mark.parametrize("count", [1, 5, SIZE, 2 * SIZE])
@pytest.mark.parametrize("shuffled", [False, True])
def test_the_first_page_for_ever_is_no_whole_list_though_its_total_agrees(pager, count, shuffled):
    """Nobody knows whether the app has no more or returns no more: the reading fails."""
    listed = source(count, cap=100)
    whole = listed.part

    def part(offset: int) -> Page:
        page = whole(0)
        return replace(page, items=page.items[::-1]) if shuffled and offset else page

    listed.part = part
    with pytest.raises(ListChanged, match="first page again instead of page 2.*may be more, so nothing was changed"):
        ids(pager(listed))
    assert listed.calls == 2


@by_position
@pytest.mark.parametrize("cap", [SIZE, 5])
def test_a_total_that_counts_the_first_page_alone_hides_nobody(pager, cap):
    """50 of 120, and the app says 50: also where it gives fewer than were asked for."""
    listed = source(24, cap=cap)
    listed.lie = cap - 24
    with pytest.raises(ListChanged, match=f"reported a total of {cap} items, but returned 24.*won't help") as raised:
        ids(pager(listed))
    assert raised.value.advice


def counting(pager: str, count: int, total_of: Callable[[list, int], int]):
    """Reads an app by the pager. `total_of` returns its total, from the page's items and the items before it."""
    listed = source(count)
    whole = listed.part

    def part(offset: int) -> Page:
        page = whole(offset)
        return replace(page, total=total_of(page.items, offset))

    listed.part = part
    return ids(POSITION[pager](listed))


@pytest.mark.parametrize("pager", POSITION)
@pytest.mark.parametrize("count", [SIZE + 1, 2 * SIZE, 25, 93])
def test_a_total_of_what_is_left_is_reported_as_such(pager, count):
    with pytest.raises(ListChanged, match="counts the remaining items from each page on, not the whole list") as raised:
        counting(pager, count, lambda items, before: count - before)
    assert "won't help" in str(raised.value) and raised.value.advice


@pytest.mark.parametrize("pager", POSITION)
def test_a_total_of_each_page_is_reported_as_such(pager):
    with pytest.raises(ListChanged, match="a total of 10 items, and of 5 after it had returned 10.*counts each page"):
        counting(pager, SIZE + 5, lambda items, before: len(items))


@pytest.mark.parametrize("pager", POSITION)
def test_as_many_removed_as_had_come_is_not_taken_for_what_is_left(pager):
    with pytest.raises(ListChanged, match="from 30 to 20 while the list was read.*Reading the list again helps"):
        counting(pager, 3 * SIZE, lambda items, before: 20 if before == SIZE else 30)


@pytest.mark.parametrize("pager", POSITION)
@pytest.mark.parametrize("count", [5, 2 * SIZE])
def test_a_total_of_0_on_the_empty_page_at_the_end_is_no_change(pager, count):
    assert len(counting(pager, count, lambda items, before: count if items else 0)) == count


@pytest.mark.parametrize("pager", POSITION)
def test_another_total_on_the_empty_page_at_the_end_fails_the_reading(pager):
    with pytest.raises(ListChanged):
        counting(pager, 2 * SIZE, lambda items, before: 2 * SIZE if items else 2 * SIZE + 1)


def clamped(count: int, **options) -> Source:
    """An app that gives its last page for every later one."""
    listed = source(count, **options)
    whole, last = listed.part, (count - 1) // SIZE * SIZE
    listed.part = lambda offset: whole(min(offset, last))
    return listed


@by_position
@pytest.mark.parametrize("count", [SIZE + 1, 2 * SIZE, 93])
def test_the_last_page_again_is_the_end_once_the_total_is_reached(pager, count):
    listed = clamped(count)
    assert len(ids(pager(listed))) == count
    assert listed.calls == -(-count // SIZE) + 1


@by_position
def test_the_last_page_again_is_no_end_without_a_total_or_before_it(pager):
    with pytest.raises(ListChanged, match="returned the last page again instead of page 4, after 25 of an unknown"):
        ids(pager(clamped(25, sends_total=False)))
    with pytest.raises(ListChanged, match="returned the last page again instead of page 4, after 25 of 26") as raised:
        ids(pager(clamped(25, lie=1)))
    assert not raised.value.advice, "the list may have moved"


@by_position
def test_no_list_past_the_total_is_the_end_and_before_it_is_not(pager):
    """{"users": null, "total": 20}: what many apps give in place of an empty list."""

    def nothing(total: int | None) -> Callable[[int], None]:
        def before(call: int) -> None:
            if call == 2:
                raise NoList("answered without its list", total)

        return before

    for total in (2 * SIZE, 0):
        assert len(ids(pager(source(2 * SIZE, before=nothing(total))))) == 2 * SIZE
    for count, total in ((2 * SIZE, None), (2 * SIZE, 7), (3 * SIZE, 3 * SIZE)):
        with pytest.raises(NoList):
            ids(pager(source(count, before=nothing(total))))


@by_position
def test_a_refusal_beyond_the_total_is_the_end_and_before_it_is_not(pager):
    def refuse(call: int) -> None:
        if call == 2:
            raise Refused("There is no such page.")

    listed = source(2 * SIZE, before=refuse)
    assert len(ids(pager(listed))) == 2 * SIZE
    with pytest.raises(Refused):
        ids(pager(source(3 * SIZE, before=refuse)))
    with pytest.raises(Refused):
        ids(pager(source(2 * SIZE, before=refuse, sends_total=False)))


@by_position
def test_a_fault_beyond_the_total_is_no_end(pager):
    def fail(call: int) -> None:
        if call == 2:
            raise TemporarilyUnavailable("500")

    with pytest.raises(TemporarilyUnavailable, match="500"):
        ids(pager(source(2 * SIZE, before=fail)))


@pytest.mark.parametrize("more,count", [(False, SIZE), (True, 3 * SIZE)])
def test_the_apps_has_more_is_heeded(more, count):
    listed = source(3 * SIZE, sends_total=False)

    def fetch(offset: int) -> Page:
        page = listed.part(offset)
        return replace(page, more=more and offset + SIZE < 3 * SIZE)

    assert len(ids(pages_by_offset(fetch, size=SIZE))) == count
    assert listed.calls == count // SIZE


def test_an_empty_page_by_number_is_not_the_end_where_there_are_more():
    pages = {1: Page([{"id": "1"}], more=True), 2: Page([], more=True), 3: Page([{"id": "2"}], more=False)}
    assert ids(pages_by_number(pages.get, size=1)) == ["1", "2"]


def test_a_total_that_fell_fails_the_reading_though_all_came():
    """Nobody knows whether as many were removed, or the app counts the remaining items."""
    pages = {None: Page([{"id": "1"}], 3, next="a"), "a": Page([{"id": "2"}], 2, next="b"), "b": Page([{"id": "3"}])}
    with pytest.raises(ListChanged, match="changed from 3 to 2"):
        ids(pages_by_cursor(pages.get))


def test_cursors_without_an_end_have_one(monkeypatch):
    monkeypatch.setattr(paging, "MOST_PAGES", 5)
    with pytest.raises(ListChanged, match="doesn't end"):
        ids(pages_by_cursor(lambda cursor: Page([], next=f"{cursor}+")))


def test_more_without_items_fails_the_reading_by_offset():
    with pytest.raises(ListChanged, match="says there are more"):
        ids(pages_by_offset(lambda offset: Page([], more=True), size=SIZE))


@pytest.mark.parametrize("total", [None, 2, 50])
def test_a_cursor_that_brings_the_first_page_for_ever_ends(total):
    asked = []

    def fetch(cursor: str | None) -> Page:
        asked.append(cursor)
        return Page([{"id": "1"}, {"id": "2"}], total, next=f"after-{len(asked)}")

    with pytest.raises(ListChanged, match="the first page again instead of page 2"):
        ids(pages_by_cursor(fetch))
    assert len(asked) == 2


@pytest.mark.parametrize("items", [[], [{"id": "1"}]])
def test_cursors_that_go_round_in_circles_end(items):
    asked = []

    def fetch(cursor: str | None) -> Page:
        asked.append(cursor)
        return Page(items, next="a" if cursor == "b" else "b")

    with pytest.raises(ListChanged):
        ids(pages_by_cursor(fetch))
    assert len(asked) <= 3
