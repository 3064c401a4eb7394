"""Serves the pages from threads, and closes only after it has answered every open request. It refuses a request
that is too large before reading it, and limits slow requests and clients with many connections."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer

from sync.sign_in import attempts

THREADS = 8
AT_ONCE = 2  # pages that are being made
LASTS = 0.3  # seconds after which a request no longer counts among these
POLL = 0.25  # seconds
LAST_ANSWERS = 30  # seconds for running requests to finish at the stop
LARGEST_BODY = 33_000_000  # bytes: a file of 32 MB and its form
CONNECTIONS, OF_CLIENT = 400, 30  # at once: in total, and of one client that isn't a proxy (attempts.network)
HEAD_SECONDS, BODY_SECONDS, IDLE_SECONDS = 15, 120, 60  # for a request's head, all of it, between requests
LOOK_EVERY = 1.0  # seconds
OWN_MACHINE = ("127.0.0.1", "::1")  # a proxy on this machine, which connects for everyone


class Turns:
    """A WSGI application whose requests are answered a few at a time, in the order in which they came: Python runs one
    thread at a time, so that eight pages made at once would all be late.

    A request that lasts no longer counts, since it mostly waits for a server: it may delay no other.
    """

    def __init__(self, application: Callable, at_once: int = AT_ONCE):
        self._application, self._at_once = application, at_once
        self._first = threading.Lock()  # of those that wait
        self._changed = threading.Condition()
        self._began: deque[float] = deque()  # when each request that is being answered began, on the monotonic clock

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        began = self._enter()
        try:
            return self._application(environ, start_response)
        finally:
            self._leave(began)

    def _enter(self) -> float:
        with self._first, self._changed:
            while len(self._began) >= self._at_once and (left := self._seconds_until_room()) > 0:
                self._changed.wait(left)
            self._began.append(began := time.monotonic())
            return began

    def _seconds_until_room(self) -> float:
        """Until enough of them last so long that they don't count."""
        return self._began[-self._at_once] + LASTS - time.monotonic()

    def _leave(self, began: float) -> None:
        with self._changed:
            self._began.remove(began)
            self._changed.notify()


class Pages:
    """A WSGI application on a port, from construction until stop(). Raises OSError if the port isn't free."""

    def __init__(self, application: Callable, host: str, port: int, is_proxy: Callable[[str], bool] = lambda _: False):
        self._sockets: dict = {}
        self._is_proxy = is_proxy
        self._began: dict[HTTPChannel, tuple[object, float]] = {}  # the request being received, and when it began
        self._looked_at = 0.0
        self._dispatcher = create_server(
            Turns(application), self._sockets, host=host, port=port, threads=THREADS, ident=None,
            clear_untrusted_proxy_headers=False, max_request_body_size=LARGEST_BODY, connection_limit=CONNECTIONS,
            channel_timeout=IDLE_SECONDS, cleanup_interval=10,
        ).task_dispatcher  # fmt: skip
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pages", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Accept no more connections, answer the open requests, then close."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._turn()
        for server in self._open(BaseWSGIServer):
            wasyncore.dispatcher.close(server)  # only the port: its trigger still wakes this loop
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
        """Close connections whose request takes too long to arrive, even if bytes keep coming."""
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
        """Close a client's connections beyond its limit, latest first, except those being answered."""
        of_client: dict[str, list[HTTPChannel]] = {}
        for channel in self._open(HTTPChannel):
            address = str(channel.addr[0] if isinstance(channel.addr, tuple) else channel.addr)
            if address not in OWN_MACHINE and not self._is_proxy(address):
                of_client.setdefault(attempts.network(address), []).append(channel)
        for channels in of_client.values():
            if len(channels) <= OF_CLIENT:
                continue
            waiting = [channel for channel in channels if not channel.requests and not channel.total_outbufs_len]
            for channel in sorted(waiting, key=lambda one: -one.creation_time)[: len(channels) - OF_CLIENT]:
                channel.handle_close()

    def _answering(self) -> bool:
        return any(channel.requests or channel.total_outbufs_len for channel in self._open(HTTPChannel))

    def _open(self, kind: type) -> list:
        return [socket for socket in self._sockets.values() if isinstance(socket, kind)]
