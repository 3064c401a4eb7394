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
    """Nothing was sent: for so long, the host had as many calls under way as it gets."""


@contextmanager
def turn(host: str, seconds: float) -> Iterator[None]:
    """One call to the host; waits for its turn up to so many seconds, or raises Busy."""
    with _lock:
        turns = _turns.setdefault(host, threading.Semaphore(AT_ONCE))
    if not turns.acquire(timeout=seconds):
        raise Busy
    try:
        yield
    finally:
        turns.release()
