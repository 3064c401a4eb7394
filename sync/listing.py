"""Lists in pages: what is looked for, in which order, and which page of how many is shown.
No text of an address becomes SQL: an order is one of a closed table, and what is looked for is a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from peewee import SQL, Expression, Field, ModelSelect, Node, Ordering

from sync.db import db

Among = Collection[int] | None  # ids of apps; None: all that are connected

PAGE = 50  # rows
LONGEST = 200  # characters of a value that is looked for
YES = "yes"  # the value of a filter that is on or off
NOTHING = SQL("1 = 0")  # the condition of a value that nobody can have


@dataclass(frozen=True)
class Page:
    """One page of a list: `rows` of `total`, page numbers from 1."""

    rows: list
    total: int
    number: int
    pages: int


class Order:
    """What a list can be sorted by: the columns' names in addresses, each with what is compared, one after the other.

    In an address, "name" is ascending and "-name" descending. Unknown values are last in both directions. Rows that are
    alike are in the order of `ties`, of which the last is the row's id: no page repeats or skips one.
    `default` is the order without a choice.
    """

    def __init__(self, columns: Mapping[str, Sequence[Node]], ties: Sequence[Field], default: Sequence[Node] = ()):
        if not ties or not ties[-1].primary_key:
            raise ValueError("The last of the ties is the id of the rows: nothing else is different in every row.")
        self.columns, self.ties, self.default = dict(columns), tuple(ties), tuple(default)

    def asked(self, text: str) -> str:
        """The same text where it names an order, else "", which is the default."""
        return text if text.removeprefix("-") in self.columns else ""

    def terms(self, sort: str = "") -> list[Ordering | Node]:
        """For ORDER BY. Raises KeyError for a text that names no order."""
        if not sort:
            return [*self.default, *self.ties]
        towards = "DESC" if sort.startswith("-") else "ASC"
        compared = self.columns[sort.removeprefix("-")]
        return [*(_ordered(term, towards) for term in compared), *self.ties]


def _ordered(term: Node, towards: str) -> Ordering:
    never_null = isinstance(term, Field) and not term.null
    return Ordering(term, towards, nulls=None if never_null else "last")


@dataclass(frozen=True)
class Filter:
    """What is looked for in a list. A list's own class adds its fields: texts, named as in addresses, "" for anything.

    A value that means nothing is kept and finds nothing. Leaving it out would show more than someone asked for, and
    "select all" would reach more.
    """

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """What an address asks for; other names in it are left alone."""
        return cls(**{field.name: values[field.name].strip()[:LONGEST] for field in fields(cls)
                      if values.get(field.name, "").strip()})  # fmt: skip

    @property
    def asked(self) -> dict[str, str]:
        """The values that are set, by their names in addresses."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) != field.default}

    def without(self, name: str) -> Self:
        """The same without one of its values."""
        return replace(self, **{field.name: field.default for field in fields(self) if field.name == name})


def one_of(column: Field, ids: str) -> Expression:
    """The condition that the column is one of the ids in a JSON list, however many."""
    return column.in_(SQL("(SELECT CAST(value AS INTEGER) FROM json_each(?))", (ids,)))


def one_of_texts(column: Field, texts: str) -> Expression:
    """The same for texts."""
    return column.in_(SQL("(SELECT value FROM json_each(?))", (texts,)))


def in_apps(column: str, app_ids: Among) -> tuple[str, dict[str, str]]:
    """The condition, in SQL, that this column is one of the apps, and what is bound to it. For all connected apps there
    is none: the statement joins with them."""
    if app_ids is None:
        return "TRUE", {}
    apps = "(SELECT CAST(value AS INTEGER) FROM json_each(:apps))"
    return f"{column} IN {apps}", {"apps": json.dumps(sorted(set(app_ids)))}


def plain_rows(query: ModelSelect) -> list[tuple]:
    """The query's rows as the database has them, for many rows of numbers and texts: nothing is converted."""
    return db.execute_sql(*query.sql()).fetchall()


def whole_number(text: str) -> int | None:
    """What a browser sent, such as a row's id, as a whole number; None for what is none, or more than SQLite holds."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def page_with_first(first: Sequence[int], query: ModelSelect, number: int, fetch: Callable[[list[int]], Any],
                    total: int, backwards: ModelSelect | None = None) -> Page:
    """Page `number` of the ids `first`, in this order, and then of an ordered query of ids that has none of them.

    `backwards` is the query in the opposite order, for pages that are nearer to the end. `fetch` makes the rows of
    these ids, in their order. `total` counts both.
    """
    number, pages = _of(number, total, PAGE)
    start = (number - 1) * PAGE
    ids = list(first[start : start + PAGE])
    if len(ids) < PAGE:
        before, size = max(0, start - len(first)), PAGE - len(ids)
        after = total - len(first) - before - size  # rows; negative on a last page that isn't full
        if backwards is not None and after < before:
            ids += [row.id for row in backwards.limit(max(0, size + min(0, after))).offset(max(0, after))][::-1]
        else:
            ids += [row.id for row in query.limit(size).offset(before)]
    return Page(list(fetch(ids)), total, number, pages)


def page_of(
    query: ModelSelect, number: int, fetch: Callable[[ModelSelect], Any] = list, total: int | None = None,
    size: int | None = None,
) -> Page:  # fmt: skip
    """Page `number` of an ordered query; `fetch` makes its rows. `total` saves counting where it is known. Without a
    `size`, PAGE rows."""
    if total is None:
        total = query.count()
    size = size or PAGE
    number, pages = _of(number, total, size)
    return Page(list(fetch(query.paginate(number, size))) if total else [], total, number, pages)


def page_of_rows(rows: Sequence, number: int, size: int | None = None) -> Page:
    """The same of rows that are already here; PAGE of them without a `size`."""
    size = size or PAGE
    number, pages = _of(number, len(rows), size)
    return Page(list(rows[(number - 1) * size : number * size]), len(rows), number, pages)


def page_of_first(first: Callable[[int], Sequence], number: int, total: int, size: int) -> Page:
    """The same of rows that are found from the top: `first` gives so many, or all if there are fewer."""
    number, pages = _of(number, total, size)
    return Page(list(first(number * size)[(number - 1) * size :]), total, number, pages)


def _of(number: int, total: int, size: int) -> tuple[int, int]:
    """The page that is shown, and how many there are: a number beyond the last page shows the last."""
    pages = max(1, -(-total // size))
    return min(max(1, number), pages), pages
