"""The words of an enum as SQL has them."""

from __future__ import annotations

from collections.abc import Iterable


def texts(words: Iterable[str]) -> str:
    """As SQL has them in a list: 'active', 'paused'."""
    return ", ".join(f"'{word}'" for word in words)


def is_one(column: str, words: Iterable[str]) -> str:
    """SQL: whether the column has one of them. For the schema of a table that gets very many rows at once: for a list
    there, SQLite makes a table of the list again for each row."""
    return " OR ".join(f"\"{column}\" = '{word}'" for word in words)
