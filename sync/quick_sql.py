"""peewee's SQL in fewer steps: columns of models are most of each statement, and peewee makes six objects and a dozen
calls for each. The SQL is the same: tests/sync/test_quick_sql.py compares."""

from __future__ import annotations

import functools

from peewee import SCOPE_VALUES, Context, Field, FieldAlias, Node, NodeList, State, Table


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


class QuickContext(Context):
    """What a statement is written into."""

    __slots__ = ()

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
