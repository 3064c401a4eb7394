"""A host that several apps share gets only so many calls at once, and a host that never answers delays no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from connectors.base import TemporarilyUnavailable
from connectors.tools import hosts
from connectors.tools.http import Http

MORE = hosts.AT_ONCE + 4
SECONDS = 60  # a call that gets no turn ends the test, which would wait for it


class Server:
    """Answers no call before it may."""

    def __init__(self) -> None:
        self.begun, self.may_answer, self.lock, self.now, self.most = threading.Semaphore(0), threading.Semaphore(0), \
            threading.Lock(), 0, 0  # fmt: skip
        server = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with server.lock:
                    server.now += 1
                    server.most = max(server.most, server.now)
                server.begun.release()
                server.may_answer.acquire()
                with server.lock:
                    server.now -= 1
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("0.0.0.0", 0), Answers)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, calls: int) -> None:
        self.may_answer.release(calls)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.answer(1000)
    server.http.shutdown()
    server.http.server_close()


def app_on(server: Server, host: str, **options) -> Http:
    return Http(f"http://{host}:{server.http.server_port}", **{"max_seconds": SECONDS, "retries": 0, **options})


def test_apps_on_one_host_share_its_turns(server):
    apps = [app_on(server, "127.0.0.2") for _ in range(MORE)]
    with ThreadPoolExecutor(MORE) as threads:
        calls = [threads.submit(app.get, "x") for app in apps]
        for _ in range(hosts.AT_ONCE):
            assert server.begun.acquire(timeout=SECONDS)
        for _ in range(MORE - hosts.AT_ONCE):  # each that ends lets one more begin
            server.answer(1)
            assert server.begun.acquire(timeout=SECONDS)
        server.answer(hosts.AT_ONCE)
        assert all(call.result().status == 200 for call in calls)
    assert server.most == hosts.AT_ONCE


def test_a_host_that_never_answers_delays_no_other(server):
    with ThreadPoolExecutor(MORE + 1) as threads:
        hanging = [threads.submit(app_on(server, "127.0.0.3").get, "x") for _ in range(MORE)]
        for _ in range(hosts.AT_ONCE):
            assert server.begun.acquire(timeout=SECONDS)
        other = threads.submit(app_on(server, "127.0.0.4").get, "x")
        assert server.begun.acquire(timeout=SECONDS)  # of the other host: the first has no turn left
        server.answer(MORE + 1)
        assert other.result().status == 200
        wait(hanging)


def test_a_turn_is_given_back_after_an_error():
    for _ in range(hosts.AT_ONCE + 1):
        with pytest.raises(ValueError), hosts.turn("given.back", 1):
            raise ValueError
    with hosts.turn("given.back", 0):
        pass


def test_a_call_that_gets_no_turn_in_time_was_never_sent(server):
    with ThreadPoolExecutor(hosts.AT_ONCE) as threads:
        hanging = [threads.submit(app_on(server, "127.0.0.5").get, "x") for _ in range(hosts.AT_ONCE)]
        for _ in hanging:
            assert server.begun.acquire(timeout=SECONDS)
        with pytest.raises(TemporarilyUnavailable, match="busy with Rollcall's other calls"):
            app_on(server, "127.0.0.5", max_seconds=0, retries=0).get("x")
        server.answer(hosts.AT_ONCE)
        wait(hanging)
    assert server.most == hosts.AT_ONCE
