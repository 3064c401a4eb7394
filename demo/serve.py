"""Serves one WSGI application on a loopback port, from a thread that can be stopped.
The sample apps, the company's page and the tests use it; Rollcall itself is served by app.py."""

from __future__ import annotations

import threading
from collections.abc import Callable

from waitress import create_server, wasyncore


class Served:
    """A running server at `url`. It listens only on 127.0.0.1."""

    def __init__(self, application: Callable, port: int = 0):
        """Start at once. Port 0 means any free one. Raises OSError if the port is taken."""
        self._sockets: dict = {}
        self._server = create_server(application, self._sockets, host="127.0.0.1", port=port, threads=8, ident=None)
        self.port = int(self._server.effective_port)
        self.url = f"http://127.0.0.1:{self.port}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"serve {self.port}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, map=self._sockets, count=1)

    def stop(self) -> None:
        """Close the port and every connection. A second call does nothing."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join()
        self._server.task_dispatcher.shutdown(timeout=2)
        wasyncore.close_all(self._sockets, ignore_all=True)
