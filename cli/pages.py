"""Serves the pages from threads, and closes without cutting anybody off: what was asked is answered first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer

THREADS = 8
POLL = 0.25  # seconds
LAST_ANSWERS = 30  # seconds for requests that run when it is told to stop


class Pages:
    """A WSGI application on a port, from construction until stop(). Raises OSError when the port can't be had."""

    def __init__(self, application: Callable, host: str, port: int):
        self._sockets: dict = {}
        self._dispatcher = create_server(
            application, self._sockets, host=host, port=port, threads=THREADS, ident=None,
            clear_untrusted_proxy_headers=False,
        ).task_dispatcher  # fmt: skip
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pages", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections, answer what is being asked, then close."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._turn()
        for server in self._open(BaseWSGIServer):
            wasyncore.dispatcher.close(server)  # the port alone: its trigger still wakes this loop for the last answers
        deadline = time.monotonic() + LAST_ANSWERS
        while self._answering() and time.monotonic() < deadline:
            self._turn()
        self._dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._sockets, ignore_all=True)

    def _turn(self) -> None:
        wasyncore.loop(timeout=POLL, map=self._sockets, count=1)

    def _answering(self) -> bool:
        return any(channel.requests or channel.total_outbufs_len for channel in self._open(HTTPChannel))

    def _open(self, kind: type) -> list:
        return [socket for socket in self._sockets.values() if isinstance(socket, kind)]
