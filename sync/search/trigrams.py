"""The index of trigrams beside the table search_text, which each database has in its own way: SQLite a virtual table,
search_index (FTS5), PostgreSQL an index of the column (pg_trgm). Nothing else in sync/search knows which one it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync.db import db

Rows = list[tuple[int, str]]  # ids and texts


@dataclass(frozen=True)
class Texts:
    """Where to look: a table, its column of ids, and a condition with its values."""

    table: str
    id: str
    condition: str
    values: list[object]


def put(out: Rows, into: Rows) -> None:
    """Take these texts out of the table and the index and put those in. Inside the caller's transaction."""
    if not db.on_server:
        db.executemany("INSERT INTO search_index (search_index, rowid, text) VALUES ('delete', ?, ?)", out)
    db.executemany("DELETE FROM search_text WHERE id = ?", [(id,) for id, _ in out])
    db.executemany("INSERT INTO search_text (id, text) VALUES (?, ?)", into)
    if not db.on_server:
        db.executemany("INSERT INTO search_index (rowid, text) VALUES (?, ?)", into)


def having(phrases: Sequence[str], parts: Sequence[str]) -> Texts:
    """The texts that have all of these. The index is asked for `phrases`, which have at least three characters; `parts`
    are looked for in the texts that it finds."""
    if db.on_server:
        likes = ["text LIKE ?"] * len(phrases)
        return Texts("search_text", "id", _all(likes + _parts(parts)), [*map(_like, phrases), *parts])
    if not phrases:
        return Texts("search_text", "rowid", _all(_parts(parts)), [*parts])
    asked = " AND ".join('"' + phrase.replace('"', '""') + '"' for phrase in phrases)
    return Texts("search_index", "rowid", _all(["search_index MATCH ?", *_parts(parts)]), [asked, *parts])


def _parts(parts: Sequence[str]) -> list[str]:
    return ["instr(text, ?) > 0"] * len(parts)


def _all(conditions: list[str]) -> str:
    return " AND ".join(conditions) or "true"


def _like(phrase: str) -> str:
    escaped = phrase.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
