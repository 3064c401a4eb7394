"""INSERT and UPDATE of plain values: peewee writes the text once for each shape, later ones only bind their values. The
statements are the same: tests/sync/test_quick_writes.py compares."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from peewee import OP, Database, Expression, Field, ForeignKeyField, Function, Model, ModelInsert, ModelUpdate, Node

from sync.quick_sql import QuickContext

Statement = tuple[str, list]  # its text, and what is bound
COMPARED = {OP.EQ, OP.NE, OP.LT, OP.LTE, OP.GT, OP.GTE}
NULLS = {OP.IS, OP.IS_NOT}
PLAIN = {str, int, float, bool, date, datetime}

_texts: dict[tuple, str | None] = {}  # by shape; None where it takes peewee to know what is bound


class QuickDatabase(Database):
    """A database that asks such statements for their text."""

    context_class = QuickContext

    def execute(self, query: Node, **options: Any) -> Any:
        if options or not isinstance(query, QuickInsert | QuickUpdate):
            return super().execute(query, **options)
        return self.execute_sql(*query.written(self))


class _NotPlain(Exception):
    """More than values is in the statement."""


class QuickInsert(ModelInsert):
    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self._usual = self._returning

    def written(self, database: Database) -> Statement:
        if self._columns or self._on_conflict is not None or self._returning is not self._usual or self._cte_list:
            return _as_peewee(self, database)
        if not isinstance(self._insert, dict):
            return _as_peewee(self, database)
        values = self._insert
        for field, default in self.model._meta.defaults.items():
            if field not in values:
                values = {**values, field: default() if callable(default) else default}
        return _written(ModelInsert(self.model, values), values, None, database)


class QuickUpdate(ModelUpdate):
    def written(self, database: Database) -> Statement:
        if self._from or self._returning or self._cte_list or self._order_by or self._limit is not None:
            return _as_peewee(self, database)
        return _written(self, self._update, self._where, database)


def _as_peewee(query: Node, database: Database) -> Statement:
    return database.get_sql_context().sql(query).query()


def _written(query: QuickInsert | QuickUpdate, values: dict, where: Node | None, database: Database) -> Statement:
    fields = sorted(values, key=lambda field: field.get_sort_key(None))
    try:
        bound, shape = [], [type(query), query.model, database.on_server]
        for field in fields:
            value, how = _set(field, values[field])
            bound.append(value)
            shape += field.name, how
        for field, operator, value in _conditions(where) if where is not None else ():
            shape += field.model, field.name, operator
            if operator not in NULLS:
                bound.append(field.db_value(value))
    except _NotPlain:
        return _as_peewee(query, database)
    key = tuple(shape)
    if key not in _texts:
        text, expected = _as_peewee(query, database)
        _texts[key] = text if repr(bound) == repr(expected) else None
    known = _texts[key]
    return _as_peewee(query, database) if known is None else (known, bound)


def _set(field: Field, value: Any) -> tuple[Any, str]:
    """What is bound to give the column this value, and the function around it."""
    if isinstance(value, Node) and not (isinstance(value, Model) and isinstance(field, ForeignKeyField)):
        raise _NotPlain
    stored = field.db_value(value)
    if not isinstance(stored, Node):
        return stored, ""
    if type(stored) is Function and len(stored.arguments) == 1 and isinstance(stored.arguments[0], str):
        return stored.arguments[0], stored.name  # JSON in SQLite
    raise _NotPlain


def _conditions(where: Node) -> Iterator[tuple[Field, str, Any]]:
    """Those that are joined by AND. Raises _NotPlain for others."""
    if type(where) is not Expression:
        raise _NotPlain
    if where.op == OP.AND:
        yield from _conditions(where.lhs)
        yield from _conditions(where.rhs)
    elif isinstance(where.lhs, Field) and (where.op in COMPARED and _is_plain(where.rhs)
                                           or where.op in NULLS and where.rhs is None):  # fmt: skip
        yield where.lhs, where.op, where.rhs
    else:
        raise _NotPlain


def _is_plain(value: Any) -> bool:
    return type(value) in PLAIN or isinstance(value, str)
