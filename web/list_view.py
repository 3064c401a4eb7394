"""What is above a list: chips for what is looked for, each with a way to remove it, and the order of its rows.
All of it is in the address, so that it works without JavaScript and Back brings the last list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from flask import request

from sync.listing import YES, Filter, Order
from sync.words import listed
from web.components import Head

ASCENDING, DESCENDING = "ascending", "descending"


@dataclass(frozen=True)
class Column:
    """The head of a column. `sort` is its name in the list's Order, "" where rows can't be sorted by it. `up` and
    `down` say both directions in words, for the list to choose from on a phone."""

    label: str
    sort: str = ""
    css: str = ""
    up: str = "A to Z"
    down: str = "Z to A"
    down_first: bool = False  # as a first click on it sorts


@dataclass(frozen=True)
class Chip:
    """One value that is looked for; `without` is the address of the list without it."""

    name: str
    label: str
    without: str


@dataclass(frozen=True)
class Shortcut:
    """A value that is often looked for, and how many rows have it."""

    label: str
    count: int
    address: str
    icon: str = ""


@dataclass(frozen=True)
class SortChoice:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class ViewLink:
    name: str
    address: str
    here: bool
    shared: bool


@dataclass(frozen=True)
class SavedViews:
    """The menu of saved views: `here` is the name of the one that is shown. `new` and `edit` are addresses of dialogs,
    "" where there is nothing to save, or no view of one's own that is shown."""

    links: list[ViewLink] = field(default_factory=list)
    here: str = ""
    new: str = ""
    edit: str = ""


@dataclass(frozen=True)
class ListHead:
    """`kept`: what the form that sorts takes along, as names and values; `beside_search`: what the search does. `clear`
    is the address without any filter."""

    here: str
    chips: list[Chip] = field(default_factory=list)
    shortcuts: list[Shortcut] = field(default_factory=list)
    sorts: list[SortChoice] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)
    beside_search: list[tuple[str, str]] = field(default_factory=list)
    clear: str = ""
    more: str = ""  # the address of the dialog with all filters
    views: SavedViews = field(default_factory=SavedViews)


class Listed:
    """A list as its address asks for it: at `here`, filtered by `wanted`, in the order `sort`."""

    def __init__(self, here: str, wanted: Filter, order: Order):
        self.here, self.wanted = here, wanted
        self.sort = order.asked(request.args.get("sort", ""))

    @property
    def address(self) -> str:
        """The address of this list, without its page."""
        return self.to(self.wanted, self.sort)

    def to(self, wanted: Filter, sort: str) -> str:
        query = self._query(wanted, sort)
        return f"{self.here}?{query}" if query else self.here

    def download(self, address: str) -> str:
        """The address of the list as a file, with the same filters and order."""
        return self._asking_the_same(address)

    def filters(self, address: str) -> str:
        """The address of the dialog with all filters, which shows those that are chosen."""
        return self._asking_the_same(address)

    def _asking_the_same(self, address: str) -> str:
        return f"{address}?{self.query}" if self.query else address

    @property
    def query(self) -> str:
        return self._query(self.wanted, self.sort)

    def _query(self, wanted: Filter, sort: str) -> str:
        return urlencode(wanted.asked | ({"sort": sort} if sort else {}))

    def kept_beside(self, *names: str) -> list[tuple[str, str]]:
        """The names and values that a form must send along, besides the filters that it shows itself."""
        kept = [(name, value) for name, value in self.wanted.asked.items() if name not in names]
        return kept + ([("sort", self.sort)] if self.sort else [])

    def heads(self, columns: Iterable[Column]) -> list[Head]:
        return [self._head(column) for column in columns]

    def _head(self, column: Column) -> Head:
        if not column.sort:
            return Head(column.label, column.css, column.css == "tick")
        now = {column.sort: ASCENDING, f"-{column.sort}": DESCENDING}.get(self.sort, "")
        return Head(column.label, column.css, address=self.to(self.wanted, self._next(column)), sorted=now)

    def _next(self, column: Column) -> str:
        """The next order of a column: the first click sorts by it, the second one in the other direction, the third one
        not at all."""
        turns = [f"-{column.sort}", column.sort] if column.down_first else [column.sort, f"-{column.sort}"]
        turns.append("")
        return turns[turns.index(self.sort) + 1] if self.sort in turns[:2] else turns[0]

    def head(self, columns: Iterable[Column], default: str, labels: Mapping[str, Callable[[str], str]],
             more: str = "", shortcuts: Iterable[Shortcut] = (), views: SavedViews | None = None) -> ListHead:
        """`default`: the order without a choice, in words. `labels`: by name, the words of a filter's chip."""
        asked = self.wanted.asked
        chips = [Chip(name, label(asked[name]), self.to(self.wanted.without(name), self.sort))
                 for name, label in labels.items() if name in asked]  # fmt: skip
        cleared = self.wanted
        for name in labels:
            cleared = cleared.without(name)
        return ListHead(
            self.here, chips, list(shortcuts), self._sorts(columns, default), list(asked.items()),
            self.kept_beside("search"), self.to(cleared.without("search"), self.sort), more, views or SavedViews(),
        )  # fmt: skip

    def _sorts(self, columns: Iterable[Column], default: str) -> list[SortChoice]:
        choices = [("", default)]
        for column in columns:
            if column.sort:
                ways = [(column.sort, column.up), (f"-{column.sort}", column.down)]
                choices += [(value, f"{column.label}: {words}") for value, words in
                            (reversed(ways) if column.down_first else ways)]  # fmt: skip
        return [SortChoice(value, label, value == self.sort) for value, label in choices]


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class FilterField:
    """One filter in the dialog with all filters: a choice of `options` and "" for any, or an input of this `type`."""

    name: str
    label: str
    options: list[Option] = field(default_factory=list)
    help: str = ""
    type: str = ""
    value: str = ""


def filter_field(name: str, label: str, options: Iterable[tuple[str, str]], chosen: str, help: str = "") -> FilterField:
    """`options` are (value, words). A chosen value that is not among them stays, so that it isn't lost unseen."""
    options = list(options)
    if chosen and chosen not in dict(options):
        options.append((chosen, f"{chosen} (not found)"))
    return FilterField(name, label, [Option(value, words, value == chosen) for value, words in options], help)


def quoted(label: str) -> Callable[[str], str]:
    """Words of a chip: “Role: Admin”."""
    return lambda value: f"{label}: {value}"


def yes_or_no(label: str) -> Callable[[str], str]:
    """The words of the chip of a mark, which is YES or not asked for. Any other value matches nothing, and is shown."""
    return lambda value: label if value == YES else f"{label}: {value}?"


def nothing_matches(sentence: str, wanted: Filter, head: ListHead) -> str:
    """What an empty list says: what was looked for, and what to remove. `sentence` ends before "your search"."""
    if not head.chips:
        return f"{sentence} your search."
    named = [f"“{chip.label}”" for chip in head.chips] + (["your search"] if "search" in wanted.asked else [])
    return f"{sentence} {listed(named)}. Remove {'one of them' if len(named) > 1 else 'it'} above."
