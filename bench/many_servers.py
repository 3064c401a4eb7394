"""The SCIM servers of many apps, in a process of their own: each app has an address, and each host a loopback address.
It counts how many calls are under way at once."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from urllib.parse import parse_qs, urlsplit

from bench import reading

PAGE = 20


class Servers:
    """Answers at once until begin(), and then each call after `latency` seconds, or `slow` ones, or never."""

    def __init__(self, latency: float, slow: float, accounts: int):
        self._pipe, theirs = multiprocessing.Pipe()
        waits = {"ordinary": latency, "slow": slow}
        self._process = multiprocessing.get_context("fork").Process(target=_serve, args=(waits, accounts, theirs))
        self._process.start()
        self._port = self._pipe.recv()

    def address(self, host: int, path: str) -> str:
        """`path` begins with the kind: ordinary, slow or hanging. `host` is a number below 60,000."""
        return f"http://127.1.{host // 250}.{host % 250 + 1}:{self._port}/{path}"

    def begin(self) -> None:
        self._ask("begin")

    def most(self) -> dict[str, int]:
        """The most calls at once since begin(): of one app, of one host, and of all."""
        return self._ask("most")

    def _ask(self, what: str) -> dict[str, int]:
        self._pipe.send(what)
        return self._pipe.recv()

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()


class _Calls:
    """Those under way, by app and by host, and the most that there were."""

    def __init__(self) -> None:
        self._lock, self._now, self.most = threading.Lock(), Counter(), Counter()

    @contextmanager
    def one(self, app: str, host: str) -> Iterator[None]:
        places = (("app", app), ("host", host), ("all", ""))
        with self._lock:
            self._now.update(places)
            for place in places:
                self.most[place[0]] = max(self.most[place[0]], self._now[place])
        try:
            yield
        finally:
            with self._lock:
                self._now.subtract(places)


def _serve(waits: dict[str, float], accounts: int, pipe: Connection) -> None:
    bodies = reading.pages(accounts, 0, PAGE)
    config = reading.encoded({**reading.CONFIG, "filter": {"supported": True, "maxResults": PAGE}})
    begun, calls = threading.Event(), _Calls()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            _, kind, app, asked = address.path.split("/", 3)
            if begun.is_set():
                if kind == "hanging":  # not counted: nobody may be waiting for its answer any longer
                    threading.Event().wait()
                with calls.one(app, self.connection.getsockname()[0]):
                    time.sleep(waits[kind])
            start = int(parse_qs(address.query).get("startIndex", ["1"])[0])
            known = {"ServiceProviderConfig": config, "Users": bodies.get(start) or bodies[max(bodies)]}
            self.wfile.write(known.get(asked, reading.NO_SUCH_USER))

        def log_message(self, *_: object) -> None:
            pass

    server = _Server(("0.0.0.0", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send(server.server_port)
    while True:
        if pipe.recv() == "begin":
            begun.set()
        pipe.send(dict(calls.most))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
