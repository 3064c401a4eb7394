"""Reads long lists by index, offset, page number, cursor or link: whole, or it raises TemporarilyUnavailable.
A pager advances by the number of items that came. It ends when the app has no more: reaching the total isn't enough."""

from __future__ import annotations

import re
import time
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from itertools import compress
from typing import Any

from connectors.base import Refused, TemporarilyUnavailable
from connectors.tools.answers import Answer

MOST_PAGES = 200_000
FIRST, LAST = "the first page", "the last page"  # the pages that an app may return again
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_PARAMETER = re.compile(r';\s*(\w+)\s*=\s*(?:"([^"]*)"|([^\s;,"]*))')
WORTH_WAITING = 0.02  # seconds: several threads don't speed up the reading of an app that answers sooner


class ListChanged(TemporarilyUnavailable):
    """The list changed while it was read, or doesn't add up: it must be read again from the start."""


class NeverWhole(ListChanged):
    """The app's way of listing makes it impossible to read the whole list, however often it is tried."""

    advice = "Report it to the app's maker. If a file of yours describes the app, check its “paging” and “total” first."


class NoList(TemporarilyUnavailable):
    """An answer without its list. `total`: the length of the whole list, if the answer says."""

    def __init__(self, message: str, total: int | None = None):
        super().__init__(message)
        self.total = total


@dataclass(frozen=True, slots=True)
class Page:
    """One page as the app returned it."""

    items: list
    total: int | None = None  # of the whole list, where the app reports it
    next: str | None = None  # the cursor or address of the next page; None or "" on the last
    more: bool | None = None  # "has_more", where the app reports it


def by_id(item: Any) -> str:
    """The id of an item, where most apps have it."""
    return item["id"]


def pages_by_index(fetch: Callable[[int], Page], *, size: int, **options: Any) -> Iterator[list]:
    """SCIM's way (RFC 7644, 3.4.2.4): `fetch(start)` returns up to `size` items from number `start`, counted from 1.

    `ahead`, here and in the two functions below: the number of pages that threads request before they are needed,
    where the app reports the total. Use it only if the app's rules for callers allow that. Several threads then call
    `fetch` at once.
    """
    return _by_position(fetch, 1, size, **options)


def pages_by_offset(fetch: Callable[[int], Page], *, size: int, **options: Any) -> Iterator[list]:
    """`fetch(offset)` returns up to `size` items after the first `offset`."""
    return _by_position(fetch, 0, size, **options)


def pages_by_number(fetch: Callable[[int], Page], *, size: int, first: int = 1, **options: Any) -> Iterator[list]:
    """`fetch(number)` returns page `number`, of up to `size` items. The first page has the number `first`."""
    return _by_position(fetch, first, size, by_number=True, **options)


def pages_by_cursor(fetch: Callable[[str | None], Page], **options: Any) -> Iterator[list]:
    """`fetch(None)` returns the first page, and `fetch(page.next)` each further one, until a page names no next.

    An empty page that names a next one isn't the end. The options are those of every pager (see _List).
    """
    reading = _List(**options)
    cursor, known = None, Seen()
    while True:
        page = fetch(cursor)
        fresh = reading.take(page)
        if fresh:
            yield fresh
        cursor = page.next
        if not cursor:
            break
        if not known.add(cursor):
            raise ListChanged(f"The pages of the app's list of {reading.what} lead back to an earlier page. Nothing "
                              "was changed.")  # fmt: skip
        if reading.came_again is not None:
            raise reading.repeated()
    reading.finish()


def pages_by_link(fetch: Callable[[str | None], Page], **options: Any) -> Iterator[list]:
    """As pages_by_cursor, for a `page.next` that is an address (see next_link)."""
    return pages_by_cursor(fetch, **options)


def next_link(answer: Answer) -> str | None:
    """The address of rel="next" in the Link header (RFC 8288); None on the last page."""
    found = linked(answer, "next")
    return found[0] if found else None


def linked(answer: Answer, relation: str) -> tuple[str, dict[str, str]] | None:
    """The address with this relation in the Link header (RFC 8288), and the link's parameters; None without one."""
    for address, rest in _LINK.findall(answer.headers.get("Link", "")):
        parameters = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
        if relation in parameters.get("rel", "").lower().split():
            return address, parameters
    return None


def number(value: Any) -> int | None:
    """A total as apps write it, as an int or as its digits; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _by_position(
    fetch: Callable[[int], Page], position: int, size: int, *, by_number: bool = False, ahead: int = 0, **options: Any
) -> Iterator[list]:
    if ahead:
        with Ahead(fetch, 1 if by_number else size, size, ahead) as early:
            yield from _by_position(early, position, size, by_number=by_number, **options)
        return
    reading = _List(**options)
    while True:
        page = reading.fetch_unless_ended(fetch, position)
        fresh = reading.take(page)
        if fresh:
            yield fresh
        if page.more is False or reading.is_last_page_again:
            break
        if reading.came_again is not None:
            raise reading.repeated()
        if not page.items and not (page.more and by_number):
            if page.more:
                raise ListChanged(f"The app returned no {reading.what} but says there are more. Nothing was changed.")
            break
        position += 1 if by_number else len(page.items)
    reading.finish()


class _List:
    """One reading of one list, with the checks that every pager makes.

    The options of the pagers are its arguments. what: the list's name for messages ("users"). id_of: returns an item's
    id; None if items have none. on_total: called once with the total, if the app reports it. opened: applied first to
    the items of each page (see items.py).

    An id that comes twice is returned once. The list must then add up to its total; without a total it can't be
    trusted, and finish() raises ListChanged.
    """

    def __init__(
        self,
        *,
        what: str = "items",
        id_of: Callable[[Any], str] | None = by_id,
        on_total: Callable[[int], None] | None = None,
        opened: Callable[[list], list] | None = None,
    ):
        self.what, self._id_of, self._on_total, self._opened = what, id_of, on_total, opened
        self._seen, self._total, self._came, self._distinct, self._pages = Seen(), None, 0, 0, 0
        self._first: list[str] = []  # the ids of the first page, and of the latest
        self._latest: list[str] = []
        self._fell_to: int | None = None  # a later total, lower by exactly what came: it may count the remaining items
        self.came_again: str | None = None  # which page the latest one repeats: "the first page"; None if it is new

    def fetch_unless_ended(self, fetch: Callable[[int], Page], position: int) -> Page:
        """The page at the position. Once the total is reached, a refusal means that there are no more pages, and so
        does an answer without a list that repeats the total or says 0."""
        ended = bool(self._pages) and self._total == self._distinct
        try:
            return fetch(position)
        except Refused:
            if ended:
                return Page([], self._total)
            raise
        except NoList as none:
            if ended and none.total in (0, self._total):
                return Page([], self._total)
            raise

    def take(self, page: Page) -> list:
        """The new items of the page. Raises ListChanged if the list changed while it was read."""
        self._pages += 1
        if self._pages > MOST_PAGES:
            raise ListChanged(f"The app's list of {self.what} doesn't end. Nothing was changed.")
        self._look_at_total(page)
        items = self._opened(page.items) if self._opened else page.items
        ids = self._ids(items)
        fresh = items if ids is None else list(compress(items, self._seen.add_each(ids)))
        self._came += len(page.items)
        self._distinct += len(fresh)
        self.came_again = self._which_page(ids) if page.items and not fresh else None
        self._first = self._first if self._pages > 1 else ids or []
        self._latest = ids or []
        if self.came_again is not None and self._total != self._distinct:
            raise self.repeated()
        return fresh

    def _look_at_total(self, page: Page) -> None:
        """Keep the first total. Raises ListChanged if a later page has another one, except for an empty page at the end
        that says 0."""
        reported = page.total
        if reported is None:
            return
        if self._pages == 1:
            self._total = reported
            if self._on_total:
                self._on_total(reported)
            return
        if not page.items and reported == 0 and self._total == self._distinct:
            return
        if reported == self._total:
            return
        left = self._total is not None and reported == self._total - self._came
        if self._came + len(page.items) > reported and page.items and (left or reported == len(page.items)):
            counts = "the remaining items from each page on" if left else "each page"
            raise NeverWhole(
                f"The app reported a total of {self._total} {self.what}, and of {reported} after it had returned "
                f"{self._came}: its total counts {counts}, not the whole list. Nothing was changed. Reading the list "
                "again won't help."
            )
        if not left:
            raise self._moved(reported if self._fell_to is None else self._fell_to)
        self._fell_to = reported  # perhaps that many were removed during the reading: the next page shows which it is

    def _moved(self, reported: int) -> ListChanged:
        return ListChanged(
            f"The number of {self.what} changed from {_or_unknown(self._total)} to {reported} while the list was read."
            " Nothing was changed. Reading the list again helps."
        )

    @property
    def is_last_page_again(self) -> bool:
        """True if the total is reached and the app returns its last page in place of every later one. With a single
        page, this can't be distinguished from an app that returns no other page, so it is False."""
        return self.came_again == LAST and self._total == self._distinct

    def repeated(self) -> ListChanged:
        """The error for a page that has only items of earlier pages."""
        lasts = self.came_again == FIRST
        return (NeverWhole if lasts else ListChanged)(
            f"The app returned {self.came_again} again instead of page {self._pages}, after {self._distinct} of "
            f"{_or_unknown(self._total)} {self.what}. There may be more, so nothing was changed."
        )

    def _which_page(self, ids: list[str] | None) -> str:
        if set(ids or ()) == set(self._first):
            return FIRST
        return LAST if set(ids or ()) == set(self._latest) else f"the same {self.what}"

    def finish(self) -> None:
        if self._fell_to is not None and self._total == self._distinct:
            raise self._moved(self._fell_to)
        if self._total is not None and self._distinct > self._total == len(self._first):
            raise NeverWhole(
                f"The app reported a total of {self._total} {self.what}, but returned {self._distinct}: its total "
                "counts the first page, not the whole list. Nothing was changed. Reading the list again won't help."
            )
        if self._total is not None and self._distinct != self._total:
            raise ListChanged(
                f"The app reported a total of {self._total} {self.what}, but returned {self._distinct}. "
                "Nothing was changed. Reading the list again may help."
            )
        if self._total is None and self._came > self._distinct:
            raise ListChanged(
                f"The app returned some {self.what} twice, so others may be missing. "
                "Nothing was changed. Reading the list again may help."
            )

    def _ids(self, items: list) -> list[str] | None:
        if self._id_of is None:
            return None
        try:
            return [str(id) for id in map(self._id_of, items)]
        except (KeyError, TypeError, AttributeError, IndexError):
            raise TemporarilyUnavailable(f"The app returned one of the {self.what} without an id.") from None


def _or_unknown(number: int | None) -> str:
    return "an unknown number" if number is None else str(number)


class Ahead:
    """Fetches pages before they are needed, once the first has shown the total and that the app is slow. If an earlier
    page was short, the next one begins at another position: it is then fetched when it is needed."""

    def __init__(self, fetch: Callable[[int], Page], step: int, size: int, most: int):
        self._fetch, self._step, self._size, self._most = fetch, step, size, most
        self._coming: dict[int, Future[Page]] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._last = 0

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *_: object) -> None:
        if self._threads:
            self._threads.shutdown(wait=True, cancel_futures=True)

    def __call__(self, position: int) -> Page:
        coming, asked = self._coming.pop(position, None), time.monotonic()
        page = coming.result() if coming else self._fetch(position)
        slow = time.monotonic() - asked > WORTH_WAITING
        if slow and self._threads is None and page.total and len(page.items) == self._size:
            pages = -(-page.total // self._size)
            self._last = position + (pages - 1) * self._step
            self._threads = ThreadPoolExecutor(self._most, thread_name_prefix="reading")
        if self._threads and len(page.items) == self._size:
            for further in range(position + self._step, min(position + self._most * self._step, self._last) + 1,
                                 self._step):  # fmt: skip
                if further not in self._coming:
                    self._coming[further] = self._threads.submit(copy_context().run, self._fetch, further)
        return page


class Seen:
    """The ids that have come so far: an open-addressing table of 64-bit hashes. An id takes 16 to 40 bytes, however
    long the list is."""

    def __init__(self):
        self._slots, self._count = array("q", bytes(8 * 1024)), 0

    def add(self, id: str) -> bool:
        """True if the id is new."""
        if (self._count + 1) * 2 > len(self._slots):
            self._grow()
        slots, last, key = self._slots, len(self._slots) - 1, hash(id) or 1
        at = key & last
        while slots[at] and slots[at] != key:
            at = (at + 1) & last
        new = not slots[at]
        slots[at] = key
        self._count += new
        return new

    def add_each(self, ids: list[str]) -> list[bool]:
        """The same for several ids at once."""
        while (self._count + len(ids)) * 2 > len(self._slots):
            self._grow()
        slots, last, repeated = self._slots, len(self._slots) - 1, []
        for number, key in enumerate(map(hash, ids)):
            key = key or 1
            at = key & last
            while slots[at] and slots[at] != key:
                at = (at + 1) & last
            if slots[at]:
                repeated.append(number)
            slots[at] = key
        new = [True] * len(ids)
        for number in repeated:
            new[number] = False
        self._count += len(ids) - len(repeated)
        return new

    def _grow(self) -> None:
        old = self._slots
        self._slots = slots = array("q", bytes(8 * 2 * len(old)))
        last = len(slots) - 1
        for key in filter(None, old):
            at = key & last
            while slots[at]:
                at = (at + 1) & last
            slots[at] = key
