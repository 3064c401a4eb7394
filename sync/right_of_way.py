"""While a thread of this process holds the file's only lock, the others let it run: each waits before its next
statement until that write has ended, but not for long, and after a wait it runs undisturbed for as long as it waited.

Python runs one thread at a time, and SQLite works without Python's lock. So a write that makes a hundred statements
asks for Python's lock a hundred times, each time behind all who make a page.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 0.1  # seconds that others wait for one write: a longer one takes turns with them
# After how long a thread lets run the one that writes, where it makes no statement itself.
SWITCH_SECONDS = 0.00005


class RightOfWay:
    """Of one process: the thread that has it, and those that give way."""

    def __init__(self) -> None:
        self._holder: tuple[int, float] | None = None  # the thread, and until when others wait, on the monotonic clock
        self._ended = threading.Event()
        self._own = threading.local()

    @contextmanager
    def held(self) -> Iterator[None]:
        """In this block the other threads give way to this one. One thread at a time may be in it."""
        interval = sys.getswitchinterval()
        self._ended.clear()
        self._holder = threading.get_ident(), time.monotonic() + LONGEST
        sys.setswitchinterval(min(interval, SWITCH_SECONDS))
        try:
            yield
        finally:
            sys.setswitchinterval(interval)
            self._holder = None
            self._ended.set()

    def give(self) -> None:
        """Called before each statement: wait while another thread has the right of way."""
        if (holder := self._holder) is None or holder[0] == threading.get_ident():
            return
        now = time.monotonic()
        if holder[1] <= now or getattr(self._own, "undisturbed_until", 0.0) > now:
            return
        self._ended.wait(holder[1] - now)
        ended = time.monotonic()
        self._own.undisturbed_until = ended + (ended - now)
