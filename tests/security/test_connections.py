"""A request that is too large is refused before it is read; slow senders and one client with many keep nobody out."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
import requests

from cli import pages
from cli.pages import Pages
from sync.sign_in import attempts
from tests.parts import free_port

WAIT = 60  # seconds at most for what happens within one


@pytest.fixture
def served(monkeypatch) -> Iterator[Callable]:
    """`served(HEAD_SECONDS=0.2)` serves a small page with other limits; gives its port."""
    running: list[Pages] = []

    def serve(**limits: float) -> int:
        for name, value in {"LOOK_EVERY": 0.05, **limits}.items():
            monkeypatch.setattr(pages, name, value)
        port = free_port()
        running.append(Pages(_small, "127.0.0.1", port))
        return port

    yield serve
    for one in running:
        one.stop()


def _small(environ: dict, start_response: Callable) -> list[bytes]:
    read = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{len(read)} bytes".encode()]


def connect(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=WAIT, source_address=(source, 0))


def is_closed(connection: socket.socket) -> bool:
    """Waits for the other side to close it; False when it is still open after WAIT."""
    try:
        while connection.recv(65536):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


def test_a_large_body_is_refused_before_it_is_sent(served):
    port = served()
    with connect(port) as stranger:
        stranger.sendall(b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n")
        assert b" 413 " in stranger.recv(200), "answered without waiting for a byte of it"


def test_a_body_that_says_nothing_of_its_length_ends_at_the_limit(served):
    port = served(LARGEST_BODY=100_000)
    with connect(port) as stranger:
        stranger.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(40):
                stranger.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        except OSError:
            pass  # it was closed while we sent
        assert b" 413 " in stranger.recv(200)


def test_a_head_and_a_body_that_drip_are_closed_and_others_are_served(served):
    port = served(HEAD_SECONDS=0.2, BODY_SECONDS=0.4)
    with connect(port) as head, connect(port) as body:
        head.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        body.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
        assert requests.get(f"http://127.0.0.1:{port}", timeout=WAIT).text == "0 bytes"
        assert is_closed(head) and is_closed(body)


def test_one_client_has_its_share_of_connections_and_no_more(served):
    port = served(OF_CLIENT=5)
    crowd = [connect(port, "127.0.0.2") for _ in range(12)]
    assert requests.get(f"http://127.0.0.1:{port}", timeout=WAIT).status_code == 200
    assert all(is_closed(one) for one in crowd[5:]), "the latest are closed"
    crowd[0].sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"200 OK" in crowd[0].recv(500), "its first ones are served"
    for one in crowd:
        one.close()


def test_all_of_an_ipv6_customers_addresses_share_the_connections_of_one_client(served, monkeypatch):
    monkeypatch.setattr(attempts, "network", lambda address: "2001:db8:1:2::/64")
    port = served(OF_CLIENT=5)
    crowd = [connect(port, f"127.0.0.{number}") for number in range(2, 14)]
    assert all(is_closed(one) for one in crowd[5:])
    for one in crowd:
        one.close()


def test_a_request_that_is_being_answered_is_never_cut_off(served):
    port = served(HEAD_SECONDS=0.2, BODY_SECONDS=5)
    with connect(port) as steady:
        steady.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")
        for letter in b"abc":
            steady.sendall(bytes([letter]))
        assert b"3 bytes" in steady.recv(500) + steady.recv(500)
