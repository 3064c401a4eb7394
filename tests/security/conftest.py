"""What the security tests share: the site and browsers of tests/web, and a server that keeps what it hears."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import connectors
from connectors.tools import net
from tests.security.listening import PRIVATE, Encrypted, Listener, networks
from tests.web.conftest import anybody, no_failures_before, okta, owner, site, someone  # noqa: F401
from tests.web.test_oidc import jana, provider, set_up  # noqa: F401


class Stranger:
    """A server that nobody entered a credential for; `heard` holds each request's head and body."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                heard.append(f"{self.requestline}\n{self.headers}\n{body.decode(errors='replace')}")
                self.send_response(401)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                """Nothing on the tests' output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    server = Stranger()
    yield server
    server.stop()


@pytest.fixture
def strict() -> None:
    """An installation that configures nothing."""
    connectors.allow_networks(())


@pytest.fixture
def here() -> Iterator[Listener]:
    listener = Listener("127.0.0.1")
    yield listener
    listener.stop()


@pytest.fixture
def inside(strict, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """A host in a private network, which on this machine is PRIVATE."""
    monkeypatch.setattr(net, "LOOPBACK", networks("127.0.0.1/32", "::1/128"))
    monkeypatch.setattr(net, "PRIVATE", (*net.PRIVATE, *networks(f"{PRIVATE}/32")))
    listener = Listener(PRIVATE)
    yield listener
    listener.stop()


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[Encrypted]:
    server = Encrypted(tmp_path)
    yield server
    server.stop()
