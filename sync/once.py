"""A page that asks the same question several times gets the first answer again. It is kept for that page alone, until
its thread writes, and never used in a transaction: every decision reads the rows as they are then."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TypeVar

Answer = TypeVar("Answer")

_kept: ContextVar[dict | None] = ContextVar("answers of the page that this thread makes", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """In this block, a function that is marked with `once` is asked once for the same arguments."""
    before = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(before)


@contextmanager
def afresh() -> Iterator[None]:
    """In this block nothing is remembered, and afterwards everything from before it is dropped."""
    kept = _kept.get()
    outside = _kept.set(None)
    try:
        yield
    finally:
        _kept.reset(outside)
        if kept is not None:
            kept.clear()


def is_remembering() -> bool:
    """Whether this thread makes a page, outside of a transaction."""
    return _kept.get() is not None


def once(ask: Callable[..., Answer]) -> Callable[..., Answer]:
    """For a function that only reads. Its callers must not change what it returns."""

    @wraps(ask)
    def answer(*asked: Hashable) -> Answer:
        kept = _kept.get()
        if kept is None:
            return ask(*asked)
        if (ask, asked) not in kept:
            kept[ask, asked] = ask(*asked)
        return kept[ask, asked]

    return answer
