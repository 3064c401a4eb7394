"""Answers that outlive a page, for as long as nothing is written to the database: by nobody, to no table. Each use
asks the database whether that is so, and there is none in a transaction."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from sync.db import db
from sync.once import is_remembering

Answer = TypeVar("Answer")

MOST = 500  # answers that a connection keeps


class _Kept(NamedTuple):
    state: Hashable
    answers: dict


_kept: WeakKeyDictionary[object, _Kept] = WeakKeyDictionary()  # by connection, which one thread at a time uses


def while_unchanged(ask: Callable[..., Answer]) -> Callable[..., Answer]:
    """For a function that reads the database and nothing else: what it takes from the clock, it is given. On a page it
    is asked again only once something has been written. Its callers must not change what it returns."""

    @wraps(ask)
    def answer(*asked: Hashable) -> Answer:
        kept = _answers() if is_remembering() else None
        if kept is None:
            return ask(*asked)
        if (ask, asked) not in kept:
            found = ask(*asked)
            if len(kept) >= MOST:
                kept.clear()
            kept[ask, asked] = found
        return kept[ask, asked]

    return answer


def _answers() -> dict | None:
    """Those of this thread's connection. The state is looked at first: an answer that comes after the next write is
    put among those from before it, which nobody uses again."""
    connection, state = db.connection(), db.state()
    if state is None:
        return None
    before = _kept.get(connection)
    if before is None or before.state != state:
        _kept[connection] = before = _Kept(state, {})
    return before.answers
