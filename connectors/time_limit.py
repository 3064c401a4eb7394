"""A limit for a whole conversation with a server. A time-out for each piece never ends one that sends slow bytes.
The receiver asks before each piece, or reads through a Timed. sync/ uses it for mail too."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Talk:
    """One talk with a server; one inside another ends with that one."""

    def __init__(self, seconds: float, outer: Talk | None = None):
        now = time.monotonic()
        self.seconds = seconds if outer is None else max(0, min(seconds, outer.ends - now))
        self.ends = now + self.seconds

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.ends

    def __str__(self) -> str:
        return f"within {math.ceil(self.seconds * 10) / 10:g} seconds" if self.seconds else "in time"


_now: ContextVar[Talk | None] = ContextVar("the conversation in progress", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[Talk]:
    """What is received inside ends within `seconds`, and the time-out of one piece more: by a TimeoutError."""
    before = _now.set(Talk(seconds, _now.get()))
    try:
        yield _now.get()
    finally:
        _now.reset(before)


def check_time() -> None:
    """Raises TimeoutError if the time of the current exchange is over."""
    talk = _now.get()
    if talk and talk.over:
        raise TimeoutError("no whole answer in time")


class Timed(io.RawIOBase):
    """What comes over a connection, until the time of the talk is over; `file` as the socket's makefile("rb") makes it.

    For a protocol that reads lines: its reader requests further pieces until the line ends.
    """

    def __init__(self, file: io.BufferedReader):
        self._raw = file.detach()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:
        check_time()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
