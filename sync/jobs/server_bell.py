"""Wakes a worker of any machine as soon as a message is in the queue, by PostgreSQL's NOTIFY: Huey's storage sends it.
While the server is away nobody is woken: workers look at the queue every few seconds without it too."""

from __future__ import annotations

import logging
import threading

import psycopg

from sync.jobs.bell import LOOK_SECONDS

WAIT_SECONDS = 5.0  # for a ring; a message wakes nobody only while the listener connects again
CONNECT_SECONDS = 5
MOST = 100  # wakes that are kept for workers that are busy now

log = logging.getLogger("rollcall.queue")


class ServerBell:
    """One thread listens for all workers of this process."""

    look_seconds = WAIT_SECONDS

    def __init__(self, address: str, channel: str):
        self._address, self._channel = address, channel
        self._rings, self._news = 0, threading.Condition()
        self._closed = threading.Event()
        self._listener: threading.Thread | None = None

    @property
    def is_heard(self) -> bool:
        return self._listener is not None

    def listen(self) -> None:
        self._listener = threading.Thread(target=self._listen, name="Bell", daemon=True)
        self._listener.start()

    def ring(self, times: int = 1) -> None:
        """Wake so many workers of this process. Those of all are woken by the message itself."""
        with self._news:
            self._rings = min(self._rings + times, MOST)
            self._news.notify(times)

    def wait(self, seconds: float) -> bool:
        with self._news:
            rung = bool(self._news.wait_for(lambda: self._rings, seconds))
            self._rings -= rung
            return rung

    def close(self) -> None:
        self._closed.set()
        if self._listener:
            self._listener.join()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                with psycopg.connect(self._address, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
                    connection.execute(f'LISTEN "{self._channel}"')
                    self._hear(connection)
            except psycopg.Error as problem:
                log.warning("not woken at the moment: %s", str(problem).splitlines()[0] if str(problem) else problem)
                self._closed.wait(LOOK_SECONDS)

    def _hear(self, connection: psycopg.Connection) -> None:
        while not self._closed.is_set():
            for _ in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
                self.ring()
