"""How much of the processor a part of a program takes. A virtual machine's clock of that may stop for a moment: a part
in which it did not move is given its time by the clock on the wall, which is never less."""

from __future__ import annotations

import time
from collections.abc import Callable


class Stopwatch:
    """Runs from when it is made. Other programs on the machine count little."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._processor = time.process_time()

    def seconds(self) -> float:
        """Processor seconds of this process so far, with all its threads. They are never 0."""
        processor = time.process_time() - self._processor
        return processor if processor > 0 else time.perf_counter() - self._wall


def seconds(work: Callable[[], object]) -> float:
    """The processor seconds that the work takes."""
    watch = Stopwatch()
    work()
    return watch.seconds()
