"""How a column keeps an enum, a set of ids or a question, and the base of every table."""

from __future__ import annotations

import json
from enum import StrEnum

from peewee import OP, SQL, CharField, Expression, Field, Model, ModelDescriptor, Node, TextField

from connectors.base import OPTIONAL_FIELDS
from sync.db import db
from sync.prepared import prepared
from sync.quick_rows import QuickSelect
from sync.quick_writes import QuickInsert, QuickUpdate
from sync.states import is_one, texts

# In account.missing_fields and account.defaulted_fields.
BIT = {field: 1 << place for place, field in enumerate(OPTIONAL_FIELDS)}


class RoleIds(TextField):
    """External ids of roles, as a tuple. Stored as sorted JSON, so that equal sets are equal texts."""

    @staticmethod
    def stored(ids):
        return json.dumps(sorted(set(ids)), ensure_ascii=False, separators=(",", ":"))

    def db_value(self, value):
        return value if value is None or isinstance(value, str) else self.stored(value)

    def python_value(self, value):
        return tuple(json.loads(value or "[]"))


class OneOf(CharField):
    """A text of one enum of sync/states. Rows have its members; the schema allows no other text."""

    def __init__(self, words: type[StrEnum], in_bulk: bool = False, **options):
        """`in_bulk`: of a table of which a check writes very many rows."""
        super().__init__(**options)
        self._in_bulk = in_bulk
        self.words = {str(word): word for word in words}

    def bind(self, model, name, set_attribute=True):
        super().bind(model, name, set_attribute)
        named = self.column_name
        allowed = is_one(named, self.words) if self._in_bulk else f'"{named}" IN ({texts(self.words)})'
        self.constraints = [*(self.constraints or ()), SQL(f"CHECK ({allowed})")]

    def python_value(self, value):
        return self.words.get(value, value)  # a function of the column, such as its count, comes here too


class Question(ModelDescriptor):
    """Whether a column has one of these words: of a row (`task.is_live`) or in a query (`.where(Task.is_live)`).

    A query has them written out, not bound: SQLite takes an index of the rows that are live or open only where it sees
    that the words are those of the index.
    """

    def __init__(self, column: str, *words: StrEnum):
        self.column, self.words = column, words

    def __get__(self, row, model):
        asked = getattr(model if row is None else row, self.column)
        if row is not None:
            return asked in self.words
        return asked == SQL(texts(self.words)) if len(self.words) == 1 else asked.in_(SQL(f"({texts(self.words)})"))


class Differ(ModelDescriptor):
    """Whether two columns differ: of a row or in a query, as for Question."""

    def __init__(self, one: str, other: str):
        self.columns = one, other

    def __get__(self, row, model):
        one, other = (getattr(model if row is None else row, column) for column in self.columns)
        return one != other


class Base(Model):
    @classmethod
    def select(cls, *columns):
        """A query of these columns, or of all."""
        return QuickSelect(cls, columns or cls._meta.sorted_fields, is_default=not columns)

    @classmethod
    def insert(cls, data=None, **values):
        return QuickInsert(cls, cls._normalize_data(data, values))

    @classmethod
    def update(cls, data=None, **values):
        return QuickUpdate(cls, cls._normalize_data(data, values))

    @classmethod
    def get(cls, *query, **filters):
        """The row that the query finds. Raises the model's DoesNotExist. One that is found by the value of one of its
        columns needs no new statement."""
        asked = query[0] if len(query) == 1 and not filters else None
        if not _is_a_value(cls, asked):
            return super().get(*query, **filters)
        for row in _having(asked.rhs, model=cls, column=asked.lhs.name):
            return row
        raise cls.DoesNotExist(f"no {cls.__name__} has this {asked.lhs.name}: {asked.rhs}")

    class Meta:
        database = db
        legacy_table_names = False


def _is_a_value(model: type[Base], asked: object) -> bool:
    """Whether it is the condition that a column of the model has a value."""
    if type(asked) is not Expression or asked.op != OP.EQ or isinstance(asked.rhs, Node | list | tuple | set | type):
        return False
    return isinstance(asked.lhs, Field) and asked.lhs.model is model


@prepared
def _having(value, *, model, column):
    return model.select().where(model._meta.fields[column] == value).paginate(1, 1)


db.base = Base  # a new database on a server gets the tables of its subclasses
