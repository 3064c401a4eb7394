"""Which message a worker of this process may take now. Checks that wait for a slow app give their place to others,
and however many of them wait, there are workers for what someone waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sync.jobs.messages import Urgency

CHECKS = 8  # that have begun lately, at once: more would wait for a processor, and none would end sooner
PATIENCE = 2.0  # seconds after which a check gives its place to the next one: it mostly waits for its app
MOST_CHECKS = 32  # at once, with those that wait
WORKERS = 48  # at most, so that 16 remain for other work

Message = TypeVar("Message")


class Crew:
    """The workers of one process and what they do.

    The scheduled checks, which nobody waits for, are one kind of work, and all else is the other (Urgency.SOON).
    Of the checks, `checks` have begun within the last `patience` seconds, and `most_checks` run in all. An app that
    hangs so delays the others by `patience` seconds of one of their places. `workers` are for both kinds.
    """

    def __init__(
        self, checks: int = CHECKS, most_checks: int = MOST_CHECKS, workers: int = WORKERS, patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ):  # fmt: skip
        self.checks, self.most_checks, self.workers, self._patience = checks, most_checks, workers, patience
        self._clock = clock
        self._taking = threading.Lock()
        self._busy: dict[int, float | None] = {}  # by thread: when its check began, or None for other work

    @property
    def busy(self) -> int:
        """How many workers have a message."""
        return len(self._busy)

    def take(self, dequeue: Callable[[Urgency], Message | None]) -> Message | None:
        """The next message that this thread may take, or None. `dequeue` is given the least urgency that counts now."""
        with self._taking:
            message = dequeue(self._least())
            if message is not None:
                is_check = message.priority < Urgency.SOON
                self._busy[threading.get_ident()] = self._clock() if is_check else None
            return message

    def done(self) -> None:
        """Note that this thread has finished its message."""
        self._busy.pop(threading.get_ident(), None)

    def seconds_until_room(self) -> float:
        """Until a check gives its place to the next one without ending; infinite where there is room, or none."""
        begun = self._begun()
        if len(begun) >= self.most_checks:
            return float("inf")
        left = self._until_one_is_old(begun)
        return left if left > 0 else float("inf")

    def _least(self) -> Urgency:
        begun = self._begun()
        has_room = len(begun) < self.most_checks and self._until_one_is_old(begun) <= 0
        return Urgency.LAST if has_room else Urgency.SOON

    def _begun(self) -> list[float]:
        """When the checks under way began, the newest last."""
        return sorted(begun for begun in list(self._busy.values()) if begun is not None)

    def _until_one_is_old(self, begun: list[float]) -> float:
        """Seconds until fewer than `checks` of them are new; 0 or less where it is so now."""
        return 0.0 if len(begun) < self.checks else begun[-self.checks] + self._patience - self._clock()
