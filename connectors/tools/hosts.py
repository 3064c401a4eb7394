"""Limits how many calls one host gets at once, so that checks of many apps don't flood a server that these share.
Each process counts its own calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 6  # calls; reading one app makes up to three at once

_turns: dict[str, threading.Semaphore] = {}
_lock = threading.Lock()


class Busy(Exception):
    """Nothing was sent, because no turn became free during the whole wait."""


@contextmanager
def turn(host: str, seconds: float) -> Iterator[None]:
    """In this block, one call to the host may be made. Waits up to `seconds` for a turn, then raises Busy."""
    with _lock:
        turns = _turns.setdefault(host, threading.Semaphore(AT_ONCE))
    if not turns.acquire(timeout=seconds):
        raise Busy
    try:
        yield
    finally:
        turns.release()
