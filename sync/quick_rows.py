"""peewee's rows, made in fewer steps: it sets each column by a call of its own, and converts texts that are texts. The
rows are the same: tests/sync/test_quick_rows.py compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from peewee import (
    Field,
    ForeignKeyField,
    IntegerField,
    Model,
    ModelCursorWrapper,
    ModelObjectCursorWrapper,
    ModelSelect,
    _StringField,
    is_model,
)

Conversion = tuple[str, Callable[[Any], Any], type | None]  # of which column, how, and what needs none


class QuickSelect(ModelSelect):
    """A query whose rows are of models."""

    def _get_model_cursor_wrapper(self, cursor: Any) -> ModelObjectCursorWrapper | ModelCursorWrapper:
        if len(self._from_list) == 1 and not self._joins:
            return _OfOne(cursor, self.model, self._returning, self.model)
        return _Joined(cursor, self.model, self._returning, self._from_list, self._joins)


def _conversions(names: Sequence[str], converters: Sequence[Callable | None]) -> list[Conversion]:
    return [(name, convert, _natural(convert)) for name, convert in zip(names, converters) if convert is not None]


def _natural(convert: Callable) -> type | None:
    """The type that the conversion leaves alone."""
    field = getattr(convert, "__self__", None)
    kind = type(field)
    if kind is ForeignKeyField:
        return _natural(field.rel_field.python_value)
    if getattr(kind, "python_value", None) is Field.python_value:
        if kind.adapt is _StringField.adapt:
            return str
        if kind.adapt is IntegerField.adapt:
            return int
    return None


def _made(model: type[Model], names: Sequence[str], values: Sequence, conversions: Sequence[Conversion]) -> Model:
    """A row of the model as peewee makes it, and none of its columns counts as changed."""
    data = dict(zip(names, values))
    for name, convert, natural in conversions:
        value = data[name]
        if type(value) is not natural:
            data[name] = convert(value)
    row = model.__new__(model)
    row.__data__, row.__rel__, row._dirty = data, {}, set()
    return row


def _only_columns(model: type[Model], names: Sequence[str]) -> bool:
    """Whether they are columns of the model, each once, so that nothing but the column is set."""
    once = len(set(names)) == len(names)
    return model.__init__ is Model.__init__ and once and model._meta.fields.keys() >= set(names)


class _OfOne(ModelObjectCursorWrapper):
    """Rows of one model."""

    def initialize(self) -> None:
        super().initialize()
        self._quick = is_model(self.constructor) and _only_columns(self.constructor, self.unique_columns)
        self._conversions = _conversions(self.unique_columns, self.converters)

    def process_row(self, row: tuple) -> Any:
        if not self._quick:
            return super().process_row(row)
        return _made(self.constructor, self.unique_columns, row, self._conversions)


class _Joined(ModelCursorWrapper):
    """Rows of a model with those of others, joined to it."""

    def initialize(self) -> None:
        super().initialize()
        self._parts = []
        for key, model, of_model in self._constructor_list:
            places = [place for place, its_key, _, _ in self._row_spec if its_key == key]
            names = [self._row_spec[place][2] for place in places]
            in_a_row = places == list(range(places[0], places[0] + len(places))) if places else True
            if not (of_model and in_a_row and _only_columns(model, names)):
                self._parts = None
                return
            first, converters = places[0] if places else 0, [self._row_spec[place][3] for place in places]
            self._parts.append((key, model, first, first + len(places), names, _conversions(names, converters)))
        if sum(len(part[4]) for part in self._parts) != self.ncols:
            self._parts = None

    def process_row(self, row: tuple) -> Any:
        if self._parts is None:
            return super().process_row(row)
        rows, known = {}, set()
        for key, model, first, end, names, conversions in self._parts:
            values = row[first:end]
            if values.count(None) < len(values):
                known.add(key)
            rows[key] = _made(model, names, values, conversions)
        for join in self.src_to_dest:
            self._join(rows, known, join)
        for one in rows.values():
            one._dirty.clear()
        return rows[self.model]

    def _join(self, rows: dict, known: set, join: tuple) -> None:
        """As in peewee's process_row()."""
        source, name, joined, _, outer, foreign_key = join
        row = rows.get(joined)
        if row is None and joined not in rows:
            return
        if joined not in known and not self._dest_reachable.get(joined, frozenset()) & known:
            if not outer:
                return
            row = None
        if outer and source not in known and joined not in known:
            return
        if foreign_key and row is None:
            rows[source].__rel__[name] = None
        else:
            setattr(rows[source], name, row)
