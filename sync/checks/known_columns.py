"""Known accounts, column by column: the database gives each column as one text, which takes half the time of rows.
Where such a text has more than one meaning, nothing is read."""

from __future__ import annotations

from collections.abc import Sequence

from peewee import Field, IntegerField

from sync.models import Account

BETWEEN = "\x1f"  # two values of a column
Column = Sequence[str | int | None]


def asked(names: Sequence[str]) -> str:
    """SQL: all rows of these columns of account in one row, for given()."""
    return ", ".join(("count(*)", *map(_joined, names)))


def given(names: Sequence[str], row: Sequence) -> list[Column] | None:
    """The columns of the rows that asked() found, each in the same order. A time is as it is stored.

    None where a value holds what is between two values, or is empty beside one that is NULL.
    """
    number, *found = row
    if not number:
        return [() for _ in names]
    columns, parts = [], iter(found)
    for name in names:
        values, field = next(parts).split(BETWEEN), _field(name)
        if len(values) != number:
            return None
        nulls = number - next(parts) if field.null else 0
        if nulls and values.count("") != nulls:
            return None
        columns.append(_read(values, field, nulls))
    return columns


def _joined(name: str) -> str:
    field = _field(name)
    text = f"CAST({name} AS TEXT)" if _is_number(field) or name == "last_activity" else name
    if not field.null:
        return f"group_concat({text}, '{BETWEEN}')"
    return f"group_concat(coalesce({text}, ''), '{BETWEEN}'), count({name})"


def _read(values: list[str], field: Field, nulls: int) -> Column:
    if _is_number(field):
        return tuple([int(value) if value else None for value in values] if nulls else map(int, values))
    return tuple([value or None for value in values] if nulls else values)


def _field(name: str) -> Field:
    return Account._meta.fields[name]


def _is_number(field: Field) -> bool:
    return isinstance(field, IntegerField)
