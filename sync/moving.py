"""Copies all rows of a workspace between the SQLite file and PostgreSQL, and compares each of them afterwards.
Neither may be in use. The target gets all rows in one transaction or none, so an interruption leaves it empty."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest
from typing import Any

from peewee import (
    AutoField,
    BlobField,
    BooleanField,
    DateField,
    DateTimeField,
    Field,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    sort_models,
)

from sync.models import Base, SearchDue, SearchMark, SearchText, Setting

MADE_AGAIN = (SearchDue, SearchMark, SearchText)  # from the other rows, within a minute
BATCH = 2_000  # rows
EMPTY = "The workspace stays where it is, and the other database is empty."
Row = tuple[Any, ...]


class MoveProblem(Exception):
    """Nothing is in the target; the message says why, and what to do."""


@dataclass(frozen=True)
class Table:
    """The columns of a model as both databases name them, in the order of the first part: its key."""

    model: type[Model]

    @property
    def name(self) -> str:
        return self.model._meta.table_name

    @property
    def fields(self) -> list[Field]:
        key = self.model._meta.primary_key
        return [key, *(field for field in self.model._meta.sorted_fields if field is not key)]

    @property
    def columns(self) -> str:
        return ", ".join(f'"{field.column_name}"' for field in self.fields)

    @property
    def has_numbers(self) -> bool:
        """Whether the database gives new rows the next number."""
        return isinstance(self.model._meta.primary_key, AutoField)

    def select(self) -> str:
        return f'SELECT {self.columns} FROM "{self.name}" ORDER BY 1'

    def meant(self, raw: Row) -> Row:
        """The row's values, whichever database they come from."""
        try:
            return tuple(None if value is None else read(value) for read, value in zip(self._readers(), raw))
        except (ValueError, TypeError, AttributeError) as problem:
            raise MoveProblem(f"Row {raw[0]} of {self.name} has a value that its column can't have: {problem}. {EMPTY}"
                              ) from None

    def _readers(self) -> list[Callable[[Any], Any]]:
        return [next((read for kind, read in _READERS if isinstance(field, kind)), str) for field in self.fields]


@dataclass(frozen=True)
class Document:
    """JSON, compared by what it means: PostgreSQL keeps neither blanks nor the order of names."""

    value: Any

    @classmethod
    def of(cls, raw: str) -> Document:
        return cls(json.loads(raw))

    def __str__(self) -> str:
        return json.dumps(self.value, ensure_ascii=False, separators=(",", ":"))


def _moment(raw: str) -> datetime:
    return datetime.fromisoformat(raw)


_READERS: list[tuple[type[Field], Callable[[Any], Any]]] = [
    (BooleanField, bool), (DateTimeField, _moment), (DateField, date.fromisoformat), (JSONField, Document.of),
    (BlobField, bytes), (ForeignKeyField, int), (AutoField, int), (IntegerField, int),
]  # fmt: skip


def tables() -> list[Table]:
    """Those that are copied: each after those that it refers to."""
    return [Table(model) for model in sort_models(Base.__subclasses__()) if model not in MADE_AGAIN]


def move(source: Side, target: Side, progress: Callable[[str], None] = lambda text: None) -> dict[str, int]:
    """Copy, and compare each row. How many rows each table has. Raises MoveProblem, and the target has nothing."""
    counted = {}
    with source.reading(), target.writing():
        _refuse_rows(target)
        for table in tables():
            progress(table.name)
            target.write(table, (table.meant(row) for row in source.rows(table)))
            counted[table.name] = _compare(table, source, target)
    return counted


def _refuse_rows(target: Side) -> None:
    for table in tables():
        if table.model is not Setting and next(iter(target.rows(table)), None) is not None:
            raise MoveProblem(f"The target already has a workspace: rows are in {table.name}. Nothing was changed. "
                              "Name an empty database, or empty that one.")
    target.empty(Table(Setting))


def _compare(table: Table, source: Side, target: Side) -> int:
    count = 0
    for before, after in zip_longest(source.rows(table), target.rows(table)):
        if before is None or after is None or table.meant(before) != table.meant(after):
            key = (before or after)[0]
            raise MoveProblem(f"Row {key} of {table.name} isn't the same in both databases. {EMPTY}")
        count += 1
    return count


class Side:
    """One of the two databases, by a connection of its own."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One state of it, whatever others would do."""
        raise NotImplementedError

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All that is written in the block, or nothing."""
        raise NotImplementedError

    def rows(self, table: Table) -> Iterator[Row]:
        """In the order of their keys, with texts for times, dates and JSON."""
        raise NotImplementedError

    def write(self, table: Table, rows: Iterable[Row]) -> None:
        raise NotImplementedError

    def empty(self, table: Table) -> None:
        raise NotImplementedError


class File(Side):
    """The SQLite file."""

    def __init__(self, path: str):
        self.path = path

    @contextmanager
    def _open(self, begin: str) -> Iterator[None]:
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=30)) as self.connection:
            self.connection.execute("PRAGMA foreign_keys = ON")
            self.connection.execute(begin)
            yield
            self.connection.execute("COMMIT")

    def reading(self):
        return self._open("BEGIN")

    def writing(self):
        return self._open("BEGIN IMMEDIATE")

    def rows(self, table: Table) -> Iterator[Row]:
        found = self.connection.execute(table.select())
        while batch := found.fetchmany(BATCH):
            yield from batch

    def write(self, table: Table, rows: Iterable[Row]) -> None:
        marks = ", ".join("?" * len(table.fields))
        statement = f'INSERT INTO "{table.name}" ({table.columns}) VALUES ({marks})'
        self.connection.executemany(statement, (tuple(map(_for_file, row)) for row in rows))

    def empty(self, table: Table) -> None:
        self.connection.execute(f'DELETE FROM "{table.name}"')


def _for_file(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return str(value) if isinstance(value, date | Document) else value


class Server(Side):
    """The database on a PostgreSQL server."""

    def __init__(self, address: str):
        self.address = address

    @contextmanager
    def _open(self, isolation: str) -> Iterator[None]:
        import psycopg
        from psycopg.types.string import TextLoader

        try:
            with psycopg.connect(self.address, autocommit=True) as self.connection:
                for kind in ("timestamp", "date", "json", "jsonb"):
                    self.connection.adapters.register_loader(kind, TextLoader)
                with self.connection.transaction():
                    self.connection.execute(f"SET TRANSACTION {isolation}")
                    yield
        except psycopg.Error as problem:
            reason = next(iter(str(problem).splitlines()), type(problem).__name__)
            raise MoveProblem(f"The PostgreSQL server refused: {reason}. {EMPTY}") from problem

    def reading(self):
        return self._open("ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def writing(self):
        return self._open("ISOLATION LEVEL READ COMMITTED")

    def rows(self, table: Table) -> Iterator[Row]:
        with self.connection.cursor(name="rows") as cursor:
            cursor.itersize = BATCH
            yield from cursor.execute(table.select())

    def write(self, table: Table, rows: Iterable[Row]) -> None:
        with self.connection.cursor().copy(f'COPY "{table.name}" ({table.columns}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row([str(value) if isinstance(value, Document) else value for value in row])
        if table.has_numbers:
            self.connection.execute(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) "
                                    f'FROM "{table.name}" HAVING max(id) IS NOT NULL')

    def empty(self, table: Table) -> None:
        self.connection.execute(f'DELETE FROM "{table.name}"')
