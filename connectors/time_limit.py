"""Limits the time of a whole conversation with a server. A time-out for each piece wouldn't end one with a server that
sends its bytes slowly. The receiver calls check_time() before each piece, or reads through a Timed. sync/ uses this for
mail too."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Talk:
    """One conversation with a server. If it is a part of another (`outer`), it ends with that one at the latest."""

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
    """In this block, receiving raises TimeoutError once `seconds` are over, or up to one piece's time-out later."""
    before = _now.set(Talk(seconds, _now.get()))
    try:
        yield _now.get()
    finally:
        _now.reset(before)


def check_time() -> None:
    """Raises TimeoutError if the time of the current conversation is over."""
    talk = _now.get()
    if talk and talk.over:
        raise TimeoutError("no whole answer in time")


class Timed(io.RawIOBase):
    """The bytes that come over a connection, until the conversation's time is over. `file`: from makefile("rb") of a
    socket.

    For a protocol that reads lines, whose reader requests further pieces until the line ends.
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
