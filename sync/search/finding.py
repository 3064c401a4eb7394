"""Finds people, accounts and assets by parts of their names and addresses: the first few, or all as a condition.
The caller says in which apps. Nothing else is looked at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from peewee import SQL, Expression, Field

from sync.db import db
from sync.once import once
from sync.search import trigrams
from sync.search.index import MANY, ROW, Kind, is_behind, not_in_it_yet, span
from sync.search.texts import contains, part_of, words_of
from sync.search.trigrams import Texts

FEW_APPS = 20  # are searched one by one
_IDS = "SELECT CAST(value AS INTEGER) FROM json_each(?)"


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
    fresh = list(dict.fromkeys(id for id, text in not_in_it_yet(kind, most=MANY) if contains(text, words)))
    wanted = [apps] if apps is None or len(apps) > FEW_APPS else [[app] for app in apps]
    ids = _of_apps(kind, fresh, apps)
    for some in wanted:
        ids += _ids(kind, words, some, most + 1 - len(ids))
    return Found(ids[:most], len(ids) > most, is_behind(kind, MANY))


def _of_apps(kind: Kind, ids: list[int], apps: Sequence[int] | None) -> list[int]:
    if apps is None or not ids:
        return ids
    rows = db.execute_sql(f"SELECT id FROM {kind.name} WHERE id IN ({_IDS}) AND app_id IN ({_IDS})",
                          (json.dumps(ids), json.dumps(list(apps))))  # fmt: skip
    there = {id for (id,) in rows.fetchall()}
    return [id for id in ids if id in there]


def _ids(kind: Kind, words: Sequence[str], apps: Sequence[int] | None, most: int) -> list[int]:
    if most <= 0:
        return []
    texts = _texts(kind, words, apps[0] if apps is not None and len(apps) == 1 else None)
    condition, values = texts.condition, [*texts.values]
    if apps is not None and len(apps) > 1:
        condition += f" AND ({texts.id} >> 40) & 1048575 IN ({_IDS})"
        values.append(json.dumps(list(apps)))
    rows = db.execute_sql(f"SELECT {texts.id} & {ROW} FROM {texts.table} WHERE {condition} ORDER BY {texts.id} LIMIT ?",
                          (*values, most))  # fmt: skip
    return [id for (id,) in rows.fetchall()]


def having(column: Field, kind: Kind, asked: str, app_id: int | None = None) -> Expression:
    """The condition that the row with this id has all the words of a search; there must be one."""
    words = words_of(asked)
    texts = _texts(kind, words, app_id)
    found = f"SELECT {texts.id} & {ROW} FROM {texts.table} WHERE {texts.condition}"
    fresh = json.dumps(_fresh(kind, tuple(words), app_id))
    return column.in_(SQL(f"({found} UNION ALL {_IDS})", (*texts.values, fresh)))  # in one, so that SQLite begins there


@once
def _fresh(kind: Kind, words: tuple[str, ...], app_id: int | None) -> list[int]:
    """The ids of rows that have all the words and aren't in the index yet."""
    return [id for id, text in not_in_it_yet(kind, app_id) if contains(text, words)]


def _texts(kind: Kind, words: Sequence[str], app_id: int | None) -> Texts:
    """The texts in the index that have all the words and are still true."""
    phrases = [phrase for word in words if (phrase := _phrase(word))]
    texts = trigrams.having(phrases, [part_of(word) for word in words if "@" in word or not _phrase(word)])
    true = f"{texts.id} BETWEEN ? AND ? AND NOT EXISTS (SELECT 1 FROM search_due d WHERE d.id = {texts.id})"
    return replace(texts, condition=f"{texts.condition} AND {true}", values=[*texts.values, *span(kind, app_id)])


def _phrase(word: str) -> str:
    """What the index is asked for; "" if it can't be. Of an address, it is the part before the @: looking for
    trigrams of a domain that all have takes long."""
    local, at, _ = word.partition("@")
    part = part_of(local + at if local and len(local + at) > 2 else word)
    return part if len(part) > 2 else ""
