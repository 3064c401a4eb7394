"""Every pager against lists of every awkward length, and against apps that lose, repeat or miscount."""

from __future__ import annotations

import threading

import pytest

from connectors.base import TemporarilyUnavailable
from connectors.tools import paging
from connectors.tools.answers import Answer
from connectors.tools.paging import (
    ListChanged,
    Page,
    Seen,
    next_link,
    number,
    pages_by_cursor,
    pages_by_index,
    pages_by_number,
    pages_by_offset,
)
from tests.connectors.lists import (
    SIZE,
    Source,
    by_position,
    either_total,
    every,
    ids,
    source,
)


@every
@either_total
@pytest.mark.parametrize("count", [0, 1, SIZE - 1, SIZE, SIZE + 1, 25 * SIZE, 25 * SIZE + 1])
def test_a_list_of_any_length_is_read_whole(pager, count, sends_total):
    listed = source(count, sends_total=sends_total)
    assert ids(pager(listed)) == [item["id"] for item in listed.items]
    assert listed.calls <= count // SIZE + 2


@every
@either_total
@pytest.mark.parametrize("count", [3, 4, 9, 10, 11, 100])
def test_a_page_capped_below_what_was_asked_loses_nobody(pager, count, sends_total):
    listed = source(count, cap=3, sends_total=sends_total)
    assert ids(pager(listed)) == [item["id"] for item in listed.items]


@by_position
def test_someone_removed_between_pages_is_noticed(pager):
    listed = source(3 * SIZE)
    listed.before = lambda call: listed.items.pop(0) if call == 1 else None
    with pytest.raises(ListChanged):
        ids(pager(listed))


@every
@either_total
def test_an_item_in_place_of_another_is_noticed(pager, sends_total):
    listed = source(3 * SIZE, sends_total=sends_total)
    listed.items[-1] = listed.items[0]
    with pytest.raises(ListChanged):
        ids(pager(listed))


@every
def test_an_item_that_comes_twice_beyond_the_total_is_given_once(pager):
    listed = source(2 * SIZE, lie=-1)
    listed.items[-1] = listed.items[0]
    assert ids(pager(listed)) == [str(n) for n in range(2 * SIZE - 1)]


def test_pages_may_be_counted_from_zero():
    asked = []

    def fetch(number: int) -> Page:
        asked.append(number)
        return Page([{"id": number}] if number < 3 else [])

    assert ids(pages_by_number(fetch, first=0, size=1)) == [0, 1, 2]
    assert asked == [0, 1, 2, 3]


def test_an_empty_page_that_names_a_next_one_is_not_the_end():
    pages = {None: Page([{"id": "1"}], next="a"), "a": Page([], next="b"), "b": Page([{"id": "2"}])}
    assert ids(pages_by_cursor(pages.get)) == ["1", "2"]


@every
@pytest.mark.parametrize("item", [{}, {"name": "x"}, None, "text", 7])
def test_an_item_without_an_id_fails_the_reading(pager, item):
    listed = source(3)
    listed.items[1] = item
    with pytest.raises(TemporarilyUnavailable, match="without an id"):
        ids(pager(listed))


@every
def test_ids_that_differ_by_case_are_two(pager):
    listed = source(2)
    listed.items[1] = {**listed.items[0], "id": "aB"}
    listed.items[0] = {**listed.items[0], "id": "Ab"}
    assert ids(pager(listed)) == ["Ab", "aB"]


@every
def test_the_total_is_reported_once(pager):
    raised: list[int] = []
    ids(pager(source(25), on_total=raised.append))
    assert raised == [25]


def test_messages_name_the_list():
    with pytest.raises(ListChanged, match="reported a total of 21 users, but returned 20"):
        ids(pages_by_offset(source(20, lie=1).part, size=SIZE, what="users"))


def test_items_without_ids_can_be_read_anyway():
    assert list(pages_by_offset(lambda offset: Page(["a", "a"][offset:], 2), size=SIZE, id_of=None)) == [["a", "a"]]


def test_pages_are_fetched_one_by_one():
    listed = source(3 * SIZE)
    pages = pages_by_offset(listed.part, size=SIZE)
    next(pages)
    assert listed.calls == 1


def test_seen_distinguishes_new_from_known_at_any_size():
    seen = Seen()
    assert all(seen.add(f"id-{n}") for n in range(20_000))
    assert not any(seen.add(f"id-{n}") for n in range(20_000))
    assert seen.add("") and not seen.add("")
    assert len(seen._slots) * 8 < 20_000 * 41


def test_a_first_page_may_be_longer_than_the_table_of_ids():
    assert all(Seen().add_each([str(n) for n in range(5_000)]))


@pytest.mark.parametrize(
    "value,expected",
    [(0, 0), (7, 7), ("12", 12), (-1, None), ("-1", None), (True, None), (None, None), (1.5, None), ("x", None),
     ([], None), ("9" * 13, None), ("٣", None)],
)  # fmt: skip
def test_a_total_is_a_number_or_unknown(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize(
    "header,link",
    [
        ('<https://x.example/a?page=2>; rel="next", <https://x.example/a?page=9>; rel="last"', "https://x.example/a?page=2"),
        ('<https://x.example/a?page=1>; rel="prev"', None),
        ("<https://x.example/a?q=a,b;c>; title=\"y\"; REL=next", "https://x.example/a?q=a,b;c"),
        ('</a?page=2>; rel="last next"', "/a?page=2"),
        ('<https://x.example/>; rel="nextish"', None),
        ("", None),
        ("garbage <", None),
    ],
)  # fmt: skip
def test_the_next_link_is_found(header, link):
    assert next_link(Answer(200, {"Link": header}, b"", "https://x.example", "GET")) == link


# Pages asked for ahead


class Slow(Source):
    """Answers each call but the first once two have met, and notes how many were under way at once."""

    def __init__(self, items: list[dict]):
        super().__init__(items)
        self.under_way, self.most, self._lock = 0, 0, threading.Lock()
        self.together = threading.Event()  # two calls met

    def by_index(self, start: int) -> Page:
        with self._lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            if self.under_way > 1:
                self.together.set()
        if start > 1:
            self.together.wait(60)
        with self._lock:
            page = super().by_index(start)
            self.under_way -= 1
        return page


@pytest.fixture
def always_ahead(monkeypatch):
    monkeypatch.setattr(paging, "WORTH_WAITING", 0)


@pytest.mark.usefixtures("always_ahead")
def test_pages_are_asked_for_ahead_and_given_in_order():
    slow = Slow([{"id": str(n)} for n in range(95)])
    got = [item["id"] for page in pages_by_index(slow.by_index, size=SIZE, ahead=3) for item in page]
    assert got == [str(n) for n in range(95)]
    assert 2 <= slow.most <= 3


def test_a_quick_app_is_read_by_one_call_after_the_other(monkeypatch):
    monkeypatch.setattr(paging, "WORTH_WAITING", 60)
    slow = Slow([{"id": str(n)} for n in range(95)])
    slow.together.set()
    assert sum(len(page) for page in pages_by_index(slow.by_index, size=SIZE, ahead=3)) == 95
    assert slow.most == 1


@pytest.mark.usefixtures("always_ahead")
@pytest.mark.parametrize("count", [0, 1, SIZE, SIZE + 1, 3 * SIZE, 95])
@pytest.mark.parametrize("cap", [SIZE, SIZE - 3])
def test_ahead_or_not_the_list_is_the_same(count, cap):
    for pager, fetch in ((pages_by_index, "by_index"), (pages_by_number, "by_number")):
        if pager is pages_by_number and cap != SIZE:
            continue  # a number means another place then: no list could be read so
        one, other = source(count, cap=cap), source(count, cap=cap)
        plain = list(pager(getattr(one, fetch), size=SIZE))
        assert list(pager(getattr(other, fetch), size=SIZE, ahead=4)) == plain


@pytest.mark.usefixtures("always_ahead")
def test_a_fault_ahead_is_raised_when_its_turn_comes_and_ends_the_reading():
    def break_at(call: int) -> None:
        if call == 3:
            raise TemporarilyUnavailable("broke off")

    broken = source(95, before=break_at)
    with pytest.raises(TemporarilyUnavailable, match="broke off"):
        list(pages_by_index(broken.by_index, size=SIZE, ahead=2))
    assert broken.calls <= 7


@pytest.mark.usefixtures("always_ahead")
@pytest.mark.parametrize("lie", [-40, 40])
def test_a_total_that_lies_is_rejected_ahead_either(lie):
    with pytest.raises(ListChanged):
        list(pages_by_index(source(95, lie=lie).by_index, size=SIZE, ahead=3))


@pytest.mark.usefixtures("always_ahead")
@pytest.mark.parametrize("count,lie", [(95, 0), (95, SIZE - 95), (25, -15)])
@pytest.mark.parametrize("heeds", [True, False])
def test_ahead_or_not_a_total_that_is_reached_proves_nothing(count, lie, heeds):
    outcomes = []
    for ahead in (0, 3):
        listed = source(count, lie=lie)
        if not heeds:
            whole = listed.part
            listed.part = lambda offset, whole=whole: whole(0)
        try:
            outcomes.append(ids(pages_by_index(listed.by_index, size=SIZE, ahead=ahead)))
        except ListChanged as raised:
            outcomes.append(str(raised))
    assert outcomes[0] == outcomes[1] and isinstance(outcomes[0], list) == (heeds and not lie)


@pytest.mark.usefixtures("always_ahead")
def test_a_reading_that_is_given_up_leaves_no_thread():
    before = threading.enumerate()
    reading = pages_by_index(source(95).by_index, size=SIZE, ahead=3)
    next(reading)
    reading.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("reading") and one not in before]
