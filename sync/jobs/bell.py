"""Wakes a worker as soon as a message is in the queue, whichever process put it there: a named pipe beside the file.
A lost ring delays work by a second and loses none: workers also look at the queue every second."""

from __future__ import annotations

import os
import select
import stat
from contextlib import suppress
from pathlib import Path

LOOK_SECONDS = 1.0  # between looks at the queue, when nobody rings
RING = b"."


class Bell:
    """One byte in the pipe wakes one worker of any process that listens."""

    look_seconds = LOOK_SECONDS

    def __init__(self, path: Path):
        self.path = path
        self._heard: int | None = None

    def ring(self, times: int = 1) -> None:
        """Wake this number of workers. Nothing happens if nobody listens."""
        with suppress(OSError):  # ENXIO: nobody listens; EAGAIN: more rings wait than there are workers
            pipe = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            try:
                if stat.S_ISFIFO(os.fstat(pipe).st_mode):
                    os.write(pipe, RING * times)
            finally:
                os.close(pipe)

    @property
    def is_heard(self) -> bool:
        """Whether this process listens. It can't where the file system has no named pipes."""
        return self._heard is not None

    def listen(self) -> None:
        """From now on, rings wake this process. It makes the pipe if there is none."""
        with suppress(OSError):
            os.mkfifo(self.path, 0o600)
        with suppress(OSError):
            if stat.S_ISFIFO(os.stat(self.path).st_mode):
                self._heard = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)  # also to write: it never ends

    def wait(self, seconds: float) -> bool:
        """Sleep until it rings for this thread: True. After `seconds` without a ring: False."""
        rung = select.poll()
        rung.register(self._heard, select.POLLIN)
        if not rung.poll(seconds * 1000):
            return False
        with suppress(BlockingIOError):
            return bool(os.read(self._heard, len(RING)))
        return False  # another thread took it

    def close(self) -> None:
        heard, self._heard = self._heard, None
        if heard is not None:
            os.close(heard)
