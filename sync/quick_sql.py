"""peewee's SQL, with the columns of models written in one step: they are most of each statement, and peewee makes
six objects and a dozen calls for each. The SQL is the same: tests/sync/test_quick_sql.py compares."""

from __future__ import annotations

import functools

from peewee import SCOPE_VALUES, Context, Field, FieldAlias, NodeList, Table


@functools.cache
def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class QuickContext(Context):
    """What a statement is written into."""

    __slots__ = ()

    def sql(self, obj: object) -> Context:
        if type(obj) is NodeList and not obj.parens:
            written = self._columns(obj.nodes)
            if written:
                self._sql.append(obj.glue.join(written))
                return self
        elif written := self._columns((obj,)):
            self._sql.append(written[0])
            return self
        return super().sql(obj)

    def _columns(self, nodes: list | tuple) -> list[str] | None:
        """Each as it is written; None if one of them isn't a model's column, or that of an alias of a model."""
        written, before, prefix = [], None, ""
        values = self.state.scope == SCOPE_VALUES
        for node in nodes:
            write = getattr(type(node), "__sql__", None)
            if write is Field.__sql__:
                source, name = node.model._meta.table, node.column_name
            elif write is FieldAlias.__sql__:
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
