"""A question of a model has the same answer for a row and in a query, also under another name of its table."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from sync.models import Base, Question

QUESTIONS = [(table, name, question) for table in Base.__subclasses__() for name, question in vars(table).items()
             if isinstance(question, Question)]  # fmt: skip


@pytest.mark.parametrize(("table", "name", "question"), QUESTIONS, ids=[f"{t.__name__}.{n}" for t, n, _ in QUESTIONS])
def test_a_row_and_a_query_agree(table, name, question):
    words = list(table._meta.fields[question.column].words.values())
    of_rows = {word for word in words if getattr(table(**{question.column: word}), name)}
    assert of_rows == set(question.words) and of_rows < set(words)
    for asked in (table, table.alias("other")):
        assert found(asked.select(getattr(asked, question.column)).where(getattr(asked, name)), table, words) == of_rows
        others = asked.select(getattr(asked, question.column)).where(~getattr(asked, name))
        assert found(others, table, words) == set(words) - of_rows


def found(query, table, words):
    """The words that the query selects from a table that has one row for each."""
    [column] = query.selected_columns
    with closing(sqlite3.connect(":memory:")) as file:
        file.execute(f'CREATE TABLE "{table._meta.table_name}" ("{column.column_name}")')
        file.executemany(f'INSERT INTO "{table._meta.table_name}" VALUES (?)', [(str(word),) for word in words])
        sql, values = query.sql()
        return {word for (word,) in file.execute(sql, [str(value) for value in values])}
