"""What a provider of OpenID Connect publishes is read quickly, or not at all."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from connectors.base import Refused, TemporarilyUnavailable
from connectors.oidc import discovery
from connectors.oidc.provider import NotTrusted, Provider
from tests.web.oidc_fake import CLIENT, SECRET, FakeProvider


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    fake = FakeProvider()
    yield fake
    fake.stop()


def test_one_that_never_answers_costs_seconds_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        issuer = f"http://127.0.0.1:{silent.getsockname()[1]}"
        silent.setblocking(False)

        def ask() -> None:
            with pytest.raises(TemporarilyUnavailable, match="no answer in time"):
                discovery.discover(issuer)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        silent.accept()
        with pytest.raises(BlockingIOError):
            silent.accept()  # those who come at the same time wait for the same answer
        assert discovery.is_down(issuer)
    discovery.clear(issuer)


def test_an_oversized_answer_is_not_read(provider: FakeProvider) -> None:
    provider.metadata = {"more": "x" * 2_000_000}
    with pytest.raises(TemporarilyUnavailable, match="more than"):
        discovery.discover(provider.issuer)


@pytest.mark.parametrize("issuer", [
    "https://user:password@id.acme.example", "http://id.acme.example", "ftp://id.acme.example", "id.acme.example", "https://",
])  # fmt: skip
def test_no_address_of_a_provider(issuer: str) -> None:
    with pytest.raises(Refused):
        discovery.discover(issuer)


def test_signatures_by_a_shared_secret_and_none_at_all_are_not_known(provider: FakeProvider) -> None:
    assert discovery.discover(provider.issuer).signatures == ("RS256",)


def test_it_is_asked_again_after_a_minute(provider: FakeProvider, monkeypatch) -> None:
    discovery.discover(provider.issuer)
    monkeypatch.setattr(discovery.time, "monotonic", lambda now=time.monotonic: now() + discovery.KEPT + 1)
    discovery.discover(provider.issuer)
    assert provider.answers(discovery.PATH) == 2


def test_a_provider_with_tls_may_not_lead_to_where_there_is_none(provider: FakeProvider, monkeypatch) -> None:
    shown = provider.described() | {"issuer": "https://id.acme.example"}
    answer = discovery.Answer(200, {}, json.dumps(shown).encode(), "", "")
    monkeypatch.setattr(discovery, "get", lambda address: answer)
    with pytest.raises(Refused, match="authorization_endpoint isn't an https"):
        discovery.discover("https://id.acme.example")
    discovery.clear("https://id.acme.example")


def test_a_website_without_a_provider_is_reported_as_such() -> None:
    class Website(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the server's own name for it
            self.send_error(404)  # as a web page

        def log_message(self, *shown: object) -> None:
            """No log on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Website)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    issuer = f"http://127.0.0.1:{server.server_port}"
    try:
        with pytest.raises(Refused, match="There is no provider at"):
            discovery.discover(issuer)
    finally:
        server.shutdown()
        server.server_close()
        discovery.clear(issuer)


@pytest.mark.parametrize("state", [None, "", "another"])
def test_an_answer_with_another_state_is_refused_before_the_provider_is_asked(provider: FakeProvider, state) -> None:
    client = Provider(provider.issuer, CLIENT, SECRET)
    pending, _address = client.begin("http://127.0.0.1:8000/back", "openid email")
    answer = {"code": "right"} | ({} if state is None else {"state": state})
    with pytest.raises(NotTrusted):
        client.signed_in(answer, asdict(pending))
    assert provider.answers("/token") == 0
