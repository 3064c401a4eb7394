"""How many calls one host gets at once, from all the apps that are on it: checks of many apps that are due together
don't flood a server that these share. Each process counts its own calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 6  # the reading of one app makes three

_turns: dict[str, threading.Semaphore] = {}
_lock = threading.Lock()


class Busy(Exception):
    """Nothing was sent: for the whole wait, the host had as many calls under way as are allowed."""


@contextmanager
def turn(host: str, seconds: float) -> Iterator[None]:
    """In this block, one call to the host may be made. Waits at most this many seconds for a turn, then raises Busy."""
    with _lock:
        turns = _turns.setdefault(host, threading.Semaphore(AT_ONCE))
    if not turns.acquire(timeout=seconds):
        raise Busy
    try:
        yield
    finally:
        turns.release()
