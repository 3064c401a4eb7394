"""How a TEMP table is declared, created and ended. It belongs to one thread's connection and never locks the file.
What `owner`, `writers` and `readers` say is compared with the code by tests/sync/staging/test_declarations.py."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sync.db import db
from sync.problems import UnusableReading

LONGEST = 20_000  # characters of a text: pages show it, and an app's or directory's may have megabytes
LONGEST_LIST = 1_000_000  # characters of a list of ids: someone may be in thousands of groups that are roles
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Given(threading.local):
    def __init__(self):
        self.unusual: dict[str, set[str]] = {}  # by table: the columns that insert() was given other values for


_given = _Given()


@dataclass(frozen=True)
class Table:
    """`columns` are SQL, `key` names some of them, `indexed` is what an index is made of; `rowid` is False for a table
    that is its own index. `usual` has columns in which nearly all rows have the same plain value. `foreign`: its texts
    are those of an app, and none may be longer than LONGEST, or than LONGEST_LIST in the columns `lists`.

    Of the modules of sync/, the `owner` creates it, `writers` change its rows too, and `readers` only read them.
    """

    name: str
    columns: str
    owner: str
    writers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    key: str = ""
    rowid: bool = True
    indexed: str = ""
    usual: tuple[tuple[str, str | int | None], ...] = ()
    foreign: bool = False
    lists: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of its columns, in order."""
        return tuple(column.split()[0] for column in self.columns.split(", "))

    @property
    def created(self) -> str:
        """Its columns, with their usual values as defaults."""
        usual = dict(self.usual)
        return ", ".join(
            column if usual.get(name) is None else f"{column} DEFAULT {usual[name]!r}"
            for name, column in zip(self.names, self.columns.split(", "))
        )

    @property
    def definition(self) -> str:
        """What comes after its name where it is created."""
        key = f", PRIMARY KEY ({self.key})" if self.key else ""
        return f"({self.created}{key}){'' if self.rowid else ' WITHOUT ROWID'}"


def create(*tables: Table) -> None:
    """Empty tables, whatever they held before."""
    for table in tables:
        _create(table)
        _index(table)


def fill(table: Table, query: str, values: Mapping[str, object] | tuple = ()) -> None:
    """The table with the rows of this SELECT, which gives its columns in order; whatever it held before is gone."""
    _create(table)
    _given.unusual.pop(table.name, None)
    db.execute_sql(f"INSERT INTO {table.name} {query}", values)
    _index(table)  # now, because that is faster than row by row


def has_rows(table: Table) -> bool:
    """Whether there is anything to do for statements that begin at its rows."""
    return db.execute_sql(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone() is not None


def was_given(table: Table, *columns: str) -> bool:
    """Whether insert() was given an unusual value in any of these columns since the table was emptied. It isn't noted
    which values other statements write. To look at each row takes a hundredth of a first reading."""
    unusual = _given.unusual.get(table.name)
    return unusual is None or not unusual.isdisjoint(columns)


def insert(table: Table, rows: Iterable[tuple]) -> int:
    """Add rows in the order of the table's columns; how many were added: none for a key that is already there.

    Raises UnusableReading for a key that can't be stored, or a text that is too long. Takes no lock on the file.
    """
    columns = list(zip(*rows))
    return insert_columns(table, columns) if columns else 0


def insert_columns(table: Table, columns: Sequence[Sequence]) -> int:
    """The same for rows that are given as their columns: at least one row."""
    if db.on_server and any("\0" in key for key in columns[0] if isinstance(key, str)):
        raise UnusableReading("an entry came with an id that can't be stored")
    try:
        return _insert(table, columns)
    except UnicodeEncodeError:
        return _insert(table, list(zip(*map(_storable, zip(*columns)))))


def refuse_long(texts: Iterable[Sequence], longest: int = LONGEST) -> None:
    """Raises UnusableReading for a text of more than `longest` characters in these rows or columns."""
    for values in texts:
        if _length(values) > longest and max(map(len, filter(_is_text, values))) > longest:  # mostly, all are short
            raise UnusableReading(f"an entry came with a text of more than {longest:,} characters")


def _length(values: Sequence) -> int:
    """Of all texts together."""
    try:
        return len("".join(values))
    except TypeError:  # not all of them are texts
        return len("".join(filter(_is_text, values)))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _insert(table: Table, columns: Sequence[Sequence]) -> int:
    bound = _unusual(table, columns)
    _given.unusual.setdefault(table.name, set(table.names)).update(bound)
    if table.foreign:
        refuse_long(values for name, values in bound.items() if name not in table.lists)
        refuse_long((bound[name] for name in table.lists if name in bound), LONGEST_LIST)
    with _transaction():
        return db.add_rows(table.name, list(bound), zip(*bound.values()))


def _unusual(table: Table, columns: Sequence[Sequence]) -> dict[str, Sequence]:
    """By their names, the columns in which a row is unlike most: to bind a value takes as long as half of a comparison,
    and a list has a hundred thousand rows."""
    usual = dict(table.usual)
    return {name: values for name, values in zip(table.names, columns)
            if name not in usual or values.count(usual[name]) < len(values)}  # fmt: skip


@contextmanager
def _transaction() -> Iterator[None]:
    db.execute_sql("BEGIN")  # deferred, and TEMP alone: takes no lock on the file
    try:
        yield
    except BaseException:
        db.execute_sql("ROLLBACK")
        raise
    db.execute_sql("COMMIT")


def _storable(row: tuple) -> tuple:
    """Without lone surrogates, which JSON can hold but no file: one strange name must not stop every check."""
    if _SURROGATE.search(row[0]):
        raise UnusableReading("an entry came with an id that can't be stored")
    return tuple(_SURROGATE.sub("", value) if isinstance(value, str) else value for value in row)


def empty(*tables: Table) -> None:
    """Take all rows out of tables that are there."""
    for table in tables:
        db.execute_sql(f"DELETE FROM {table.name}")
        _given.unusual[table.name] = set()


def end(*tables: Table) -> None:
    """Their rows are gone, and on a server the tables with them."""
    for table in tables:
        _given.unusual.pop(table.name, None)
    db.end_temp_tables(table.name for table in tables)


@contextmanager
def created(*tables: Table, ended: tuple[Table, ...] = ()) -> Iterator[None]:
    """Empty tables for the length of the block. At its end, those `ended` go with them."""
    create(*tables)
    try:
        yield
    finally:
        end(*tables, *ended)


def _create(table: Table) -> None:
    db.make_temp_table(table.name, table.definition)
    _given.unusual[table.name] = set()


def _index(table: Table) -> None:
    if table.indexed:
        db.execute_sql(f"CREATE INDEX IF NOT EXISTS {table.name}_index ON {table.name} ({table.indexed})")
