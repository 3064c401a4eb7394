"""Finds people, accounts and assets by parts of their names and addresses: the first few, or all as a condition.
The caller says in which apps. Nothing else is looked at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from peewee import SQL, Expression, Field

from sync.db import db
from sync.search.index import ROW, Kind, is_behind, not_in_it_yet, span
from sync.search.texts import contains, part_of, words_of

FRESH = 1000  # rows beside the index that a search reads; if there are more, it says so
FEW_APPS = 20  # are searched one by one


@dataclass(frozen=True)
class Found:
    """Ids of the rows. `more`: there are further ones; `behind`: new rows can't be found yet."""

    ids: list[int]
    more: bool = False
    behind: bool = False


def searches(asked: str) -> bool:
    """Whether there is anything to look for."""
    return bool(words_of(asked))


def first(kind: Kind, asked: str, most: int, apps: Sequence[int] | None = None) -> Found:
    """At most so many that have all the words, in these apps; `apps` is None for people.

    Nothing for a search without two letters that the index can be asked for: too many have them.
    """
    words = words_of(asked)
    if not any(map(_phrase, words)) or apps is not None and not apps:
        return Found([])
    fresh = [id for id, text in not_in_it_yet(kind, most=FRESH) if contains(text, words)]
    wanted = [apps] if apps is None or len(apps) > FEW_APPS else [[app] for app in apps]
    ids = _of_apps(kind, fresh, apps)
    for some in wanted:
        ids += _ids(kind, words, some, most + 1 - len(ids))
    return Found(ids[:most], len(ids) > most, is_behind(kind, FRESH))


def _of_apps(kind: Kind, ids: list[int], apps: Sequence[int] | None) -> list[int]:
    if apps is None or not ids:
        return ids
    rows = db.execute_sql(f"SELECT id FROM {kind.name} WHERE id IN (SELECT value FROM json_each(?)) "
                          "AND app_id IN (SELECT value FROM json_each(?))", (json.dumps(ids), json.dumps(list(apps))))
    return [id for (id,) in rows.fetchall()]


def _ids(kind: Kind, words: Sequence[str], apps: Sequence[int] | None, most: int) -> list[int]:
    if most <= 0:
        return []
    condition, values = _condition(kind, words, apps[0] if apps is not None and len(apps) == 1 else None)
    rest = "ORDER BY rowid LIMIT ?"
    if apps is not None and len(apps) > 1:
        condition += " AND (rowid >> 40) & 1048575 IN (SELECT value FROM json_each(?))"
        values.append(json.dumps(list(apps)))
    return [id for (id,) in db.execute_sql(f"{condition} {rest}", (*values, most)).fetchall()]


def having(column: Field, kind: Kind, asked: str, app_id: int | None = None) -> Expression:
    """The condition that the row with this id has all the words of a search; there must be one."""
    words = words_of(asked)
    condition, values = _condition(kind, words, app_id)
    fresh = [id for id, text in not_in_it_yet(kind, app_id) if contains(text, words)]
    return column.in_(SQL(f"({condition})", values)) | column.in_(SQL("(SELECT value FROM json_each(?))",
                                                                      (json.dumps(fresh),)))  # fmt: skip


def _condition(kind: Kind, words: Sequence[str], app_id: int | None) -> tuple[str, list]:
    """A SELECT of the ids of rows whose text in the index has all the words and is still true, and its values."""
    phrases = [phrase for word in words if (phrase := _phrase(word))]
    table, values = ("search_index", []) if phrases else ("search_text", [])
    matches = ""
    if phrases:
        matches, values = "search_index MATCH ? AND ", [" AND ".join(phrases)]
    parts = [part_of(word) for word in words if "@" in word or not _phrase(word)]
    checks = "".join(" AND instr(text, ?) > 0" for _ in parts)
    return (f"SELECT rowid & {ROW} FROM {table} WHERE {matches}rowid BETWEEN ? AND ?{checks} "
            "AND NOT EXISTS (SELECT 1 FROM search_due d WHERE d.id = rowid)"), [*values, *span(kind, app_id), *parts]


def _phrase(word: str) -> str:
    """What the index is asked for; "" if it can't be. Of an address, it is what stands before the @: looking for
    trigrams of a domain that all have takes long."""
    local, at, _ = word.partition("@")
    part = part_of(local + at if local and len(local + at) > 2 else word)
    return '"' + part.replace('"', '""') + '"' if len(part) > 2 else ""
