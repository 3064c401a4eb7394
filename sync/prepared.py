"""Statements that are written once in a process: each call only binds its values. peewee makes dozens of objects for a
statement and writes its text from them, which takes longer than SQLite needs to answer most of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, time
from functools import wraps
from inspect import signature
from typing import Any

from peewee import Insert, Select, _WriteQuery

from sync.db import db
from sync.quick_sql import Given


def prepared(write: Callable[..., Select]) -> Callable[..., list]:
    """For a function that makes a query from values: it answers with the query's rows.

    The function is called once for all values, so it may only put each of them into the query, where it must not be
    None. Arguments after `*` are its shape: it is called once for each of them, and they may decide how the query is.
    Raises TypeError where the query depends on the time, which would be that of the first call for ever.
    """
    return _once_written(write, Statement.rows)


def prepared_plain(write: Callable[..., Select]) -> Callable[..., list[tuple]]:
    """The same, and its rows are as the database has them: nothing is converted."""
    return _once_written(write, Statement.plain_rows)


def prepared_write(write: Callable[..., _WriteQuery]) -> Callable[..., int]:
    """For a function that makes an INSERT, UPDATE or DELETE from values, as above: how many rows it changed. Values
    that an INSERT adds may be None."""
    return _once_written(write, Statement.change)


def prepared_rows(write: Callable[..., _WriteQuery]) -> Callable[[Iterable[Sequence]], int]:
    """The same for many rows of values, as if the function were called with each: how many rows it changed in all."""
    places = len(signature(write).parameters)
    statements: list[Statement] = []

    @wraps(write)
    def changed(rows: Iterable[Sequence]) -> int:
        if not statements:
            statements.append(Statement(write(*map(Given, range(places)))))
        return statements[0].change_all(rows)

    return changed


def _once_written(write: Callable, answer: Callable[[Statement, tuple], Any]) -> Callable:
    places = [one for one in signature(write).parameters.values() if one.kind is not one.KEYWORD_ONLY]
    defaults = tuple(one.default for one in places)
    statements: dict[tuple, Statement] = {}

    @wraps(write)
    def answered(*values: Any, **shape: Any) -> Any:
        key = tuple(shape.items())
        if key not in statements:
            statements[key] = Statement(write(*map(Given, range(len(places))), **shape))
        return answer(statements[key], values + defaults[len(values):])

    return answered


class Statement:
    """A query with places for values."""

    def __init__(self, query: Select | _WriteQuery):
        self._query = query
        self._sql, self._bound = db.get_sql_context().sql(query).query()
        self._row: Callable | None = None  # makes one of those that the database gives
        if any(isinstance(value, date | time) for value in self._bound):
            raise TypeError(f"A time that is written into a statement stays the same for ever: {self._sql}")

    def rows(self, values: Sequence) -> list:
        """The query's rows with these values. Raises TypeError if one of them is None, which equals nothing."""
        cursor = self._run(values)
        make = self._row or self._reader(cursor)
        found = [make(row) for row in cursor.fetchall()]
        cursor.close()
        return found

    def plain_rows(self, values: Sequence) -> list[tuple]:
        """The same as the database has them."""
        return self._run(values).fetchall()

    def change(self, values: Sequence) -> int:
        """How many rows it changed with these values."""
        return self._run(values).rowcount

    def change_all(self, rows: Iterable[Sequence]) -> int:
        """How many rows it changed with each of these rows of values, one after the other."""
        return db.executemany(self._sql, map(self._values, rows)).rowcount

    def _run(self, values: Sequence) -> Any:
        return db.execute_sql(self._sql, self._values(values))

    def _values(self, values: Sequence) -> list:
        """What is bound. Raises TypeError for None where it would be compared."""
        if None in values and not isinstance(self._query, Insert):
            raise TypeError(f"None can't be bound: {self._sql}")
        return [bound.value(values) if type(bound) is Given else bound for bound in self._bound]

    def _reader(self, cursor: Any) -> Callable:
        """What makes a row of each of the cursor's, as peewee does. It keeps no cursor, and so no connection."""
        reader = self._query._get_cursor_wrapper(cursor)
        reader.initialize()
        reader.cursor = None
        self._row = reader.process_row
        return self._row
