"""Serves the pages from threads, and closes without cutting anybody off: what was asked is answered first.
A request that is too large is refused before it is read; one that drips, and a client with many, keep nobody out."""

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
LARGEST_BODY = 33_000_000  # bytes: a file of 32 MB and the form around it
CONNECTIONS, OF_CLIENT = 400, 30  # at once: of all, and of one network address that is no proxy
HEAD_SECONDS, BODY_SECONDS, IDLE_SECONDS = 15, 120, 60  # to send a request's head, and all of it; between requests
LOOK_EVERY = 1.0  # seconds
OWN_MACHINE = ("127.0.0.1", "::1")  # a proxy beside us, which stands for everybody


class Pages:
    """A WSGI application on a port, from construction until stop(). Raises OSError when the port can't be had."""

    def __init__(self, application: Callable, host: str, port: int, is_proxy: Callable[[str], bool] = lambda _: False):
        self._sockets: dict = {}
        self._is_proxy = is_proxy
        self._began: dict[HTTPChannel, tuple[object, float]] = {}  # the request being received, and since when
        self._looked_at = 0.0
        self._dispatcher = create_server(
            application, self._sockets, host=host, port=port, threads=THREADS, ident=None,
            clear_untrusted_proxy_headers=False, max_request_body_size=LARGEST_BODY, connection_limit=CONNECTIONS,
            channel_timeout=IDLE_SECONDS, cleanup_interval=10,
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
        if time.monotonic() - self._looked_at >= LOOK_EVERY:
            self._looked_at = time.monotonic()
            self._end_slow_requests()
            self._end_surplus()

    def _end_slow_requests(self) -> None:
        """Close the connections whose request has been on its way for too long, however busily it drips."""
        now, before, self._began = time.monotonic(), self._began, {}
        for channel in self._open(HTTPChannel):
            request = channel.request
            if request is None:
                continue
            known, since = before.get(channel, (None, now))
            since = since if known is request else now
            self._began[channel] = (request, since)
            if now - since > (BODY_SECONDS if request.headers_finished else HEAD_SECONDS):
                channel.handle_close()

    def _end_surplus(self) -> None:
        """Close what one client has beyond its share of connections, the latest first, unless it is being answered."""
        of_client: dict[str, list[HTTPChannel]] = {}
        for channel in self._open(HTTPChannel):
            address = str(channel.addr[0] if isinstance(channel.addr, tuple) else channel.addr)
            of_client.setdefault(address, []).append(channel)
        for address, channels in of_client.items():
            if len(channels) <= OF_CLIENT or address in OWN_MACHINE or self._is_proxy(address):
                continue
            waiting = [channel for channel in channels if not channel.requests and not channel.total_outbufs_len]
            for channel in sorted(waiting, key=lambda one: -one.creation_time)[: len(channels) - OF_CLIENT]:
                channel.handle_close()

    def _answering(self) -> bool:
        return any(channel.requests or channel.total_outbufs_len for channel in self._open(HTTPChannel))

    def _open(self, kind: type) -> list:
        return [socket for socket in self._sockets.values() if isinstance(socket, kind)]
