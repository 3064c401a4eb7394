"""Follows a row of work to its end: in a thread of this process, or in the server that already runs it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from peewee import Model

from sync.faults import OwnFault
from sync.states import LIVE_CHECKS, LIVE_READINGS

LIVE = {*LIVE_CHECKS, *LIVE_READINGS}
POLL = 0.2  # seconds
CLAIM_EVERY = 1.0  # seconds between attempts to claim a row that another process holds


def see_through(
    run: Callable[[int], None], row: Model, progress: Callable[[Model], None], interrupted: Callable[[Model], None]
) -> Model:
    """Returns the row once it has ended. `progress` gets it from time to time; Ctrl+C calls `interrupted` once, and a
    second Ctrl+C leaves.

    Raises OwnFault if the work has to wait for a fault of the installation; a server then continues it.
    """
    worker, tried, shown = None, float("-inf"), False
    met: list[OwnFault] = []

    def attempt() -> None:
        try:
            run(row.id)
        except OwnFault as problem:
            met.append(problem)

    with _first_ctrl_c() as pressed:
        while True:
            if met:
                raise met[0]
            row = type(row).get_by_id(row.id)
            if row.state not in LIVE:
                return row
            if pressed.is_set() and not shown:
                shown = True
                interrupted(row)
            progress(row)
            if (worker is None or not worker.is_alive()) and time.monotonic() - tried > CLAIM_EVERY:
                worker, tried = threading.Thread(target=attempt, daemon=True), time.monotonic()
                worker.start()
            if shown:
                time.sleep(POLL)
            else:
                pressed.wait(POLL)


@contextmanager
def _first_ctrl_c() -> Iterator[threading.Event]:
    """Set by the first Ctrl+C; a second one raises KeyboardInterrupt. An exception alone would be lost where Python
    ignores exceptions, such as in a callback of the garbage collector."""
    pressed = threading.Event()

    def handle(_signum: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        pressed.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
