"""Answers that outlive a page: they are kept until anyone writes anything to the database. Each use asks the database
whether that has happened. In a transaction, no answer is kept or used again."""

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
    """Those of this thread's connection. The state is read before the question is asked: if someone writes in between,
    the answer is kept with the older state, which nobody uses again."""
    connection, state = db.connection(), db.state()
    if state is None:
        return None
    before = _kept.get(connection)
    if before is None or before.state != state:
        _kept[connection] = before = _Kept(state, {})
    return before.answers
