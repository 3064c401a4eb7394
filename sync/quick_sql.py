"""peewee's SQL in fewer steps: columns of models are most of each statement, and peewee makes six objects and a dozen
calls for each. The SQL is the same: tests/sync/test_quick_sql.py compares."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from peewee import (
    SCOPE_VALUES,
    Context,
    Field,
    FieldAlias,
    ForeignKeyField,
    IntegerField,
    Node,
    NodeList,
    SelectBase,
    State,
    Table,
    _StringField,
)


@functools.cache
def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Columns(dict):
    """By type of node: Field for a model's column, FieldAlias for one of an alias of a model, None for all others."""

    def __missing__(self, kind: type) -> type | None:
        write = getattr(kind, "__sql__", None)
        self[kind] = Field if write is Field.__sql__ else FieldAlias if write is FieldAlias.__sql__ else None
        return self[kind]


_COLUMNS = _Columns()


def _unconverted(converter: Callable | bool | None) -> frozenset[type]:
    """The types of values that the conversion leaves alone."""
    field = getattr(converter, "__self__", None)
    if isinstance(field, ForeignKeyField) and type(field).db_value is ForeignKeyField.db_value:
        return _unconverted(field.rel_field.db_value)
    if isinstance(field, Field) and type(field).db_value is Field.db_value:
        for kind, adapt in ((str, _StringField.adapt), (int, IntegerField.adapt)):
            if type(field).adapt is adapt and converter == field.db_value:
                return frozenset((kind, type(None)))
    return frozenset()


class Given:
    """The place of a value in a statement that is written once (sync/prepared.py). It can only be bound: a statement
    that depends on it otherwise isn't the same for each value."""

    __slots__ = ("_place", "_converter", "_as_it_is")

    def __init__(self, place: int, converter: Callable | bool | None = None):
        self._place, self._converter = place, converter
        self._as_it_is = _unconverted(converter)

    def value(self, values: Sequence) -> object:
        """Of all values, the one for this place, as the database gets it."""
        value = values[self._place]
        return value if not self._converter or type(value) in self._as_it_is else self._converter(value)

    def converted(self, converter: Callable | bool | None) -> Given:
        """The same place where peewee converts the value so."""
        return Given(self._place, converter)

    def __bool__(self) -> bool:
        raise TypeError("A statement that is written once can't depend on its values.")


class _RightOfIn(Context):
    """What peewee writes to see whether IN has nothing to its right. A query isn't nothing: writing it for that would
    double the work with each query within a query."""

    __slots__ = ()

    def parse(self, node: Node) -> tuple[str, list]:
        return ("", []) if isinstance(node, SelectBase) else super().parse(node)


class QuickContext(Context):
    """What a statement is written into."""

    __slots__ = ()

    def as_new(self) -> Context:
        return _RightOfIn(**self.state.settings)

    def value(self, value: object, converter: Callable | bool | None = None, add_param: bool = True) -> Context:
        if type(value) is not Given:
            return super().value(value, converter, add_param)
        self._values.append(value.converted(self.state.converter if converter is None else converter))
        return self.literal(self.state.param or "?") if add_param else self

    def sql(self, obj: object) -> Context:
        kind = type(obj)
        if kind is NodeList:
            if not obj.parens and (written := self._columns(obj.nodes)):
                self._sql.append(obj.glue.join(written))
                return self
        elif _COLUMNS[kind]:
            self._sql += self._columns((obj,))
            return self
        return obj.__sql__(self) if isinstance(obj, Node) else super().sql(obj)

    def _columns(self, nodes: list | tuple) -> list[str] | None:
        """Each as it is written; None if one of them isn't a model's column, or that of an alias of a model."""
        written, before, prefix = [], None, ""
        values = self.state.scope == SCOPE_VALUES
        for node in nodes:
            kind = _COLUMNS[type(node)]
            if kind is Field:
                source, name = node.model._meta.table, node.column_name
            elif kind is FieldAlias:
                source, name = node.source, node.field.column_name
            else:
                return None
            if not values and source is not before:
                before, prefix = source, _quoted(self._alias_of(source)) + "."
            written.append(prefix + _quoted(name))
        return written

    def _alias_of(self, source: object) -> str:
        aliases = self.alias_manager
        given = source._alias if isinstance(source, Table) else source.alias
        if given:
            aliases[source] = given
        return aliases[source]

    def __call__(self, scope: int | None = None, parentheses: bool | None = None, **settings: object) -> Context:
        """What is written next, until the end of `with`, is written in this scope, in parentheses or not."""
        now = self.state
        self.stack.append(now)
        self.state = State(now.scope if scope is None else scope, parentheses,
                           {**now.settings, **settings} if settings else now.settings)  # fmt: skip
        return self

    def __enter__(self) -> Context:
        if self.state.parentheses:
            self._sql.append("(")
        return self

    def __exit__(self, *_: object) -> None:
        if self.state.parentheses:
            self._sql.append(")")
        self.state = self.stack.pop()
