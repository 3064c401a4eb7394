"""What the tests of the HTTP client share: a server that echoes, and a client that notes its pauses."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from connectors.tools import oauth
from connectors.tools.http import Http
from tests.connectors.described import anything, connect
from tests.connectors.fake import Fact, FakeApp, Request

__all__ = ["anything", "connect"]
for battery in ("contract", "directory_contract", "holes_contract", "lost_fields_contract", "reading_contract"):
    pytest.register_assert_rewrite(f"tests.connectors.{battery}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test of the contract that is not one for a connector, as it can't do what it tests, is left out there."""
    asked = {item: item.get_closest_marker("only_where") for item in items}
    out = [item for item, mark in asked.items() if mark and not all(map(item.cls.offers, mark.args))]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in set(out)]


@pytest.fixture(scope="session", autouse=True)
def quick_keys() -> Iterator[None]:
    """A private key that was read once is known: to validate its primes takes longer than a whole reading."""
    thorough, oauth.load_pem_private_key = oauth.load_pem_private_key, functools.cache(oauth.load_pem_private_key)
    yield
    oauth.load_pem_private_key = thorough


SECRET = 's3cr3t/+ü=&"x'


class Target(FakeApp):
    facts = tuple(
        Fact(method, "/thing", "echo", ("q",), ("a",)) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    )

    def is_authorised(self, request: Request) -> bool:
        return True

    def echo(self, request: Request) -> dict:
        return {"method": request.method, "params": request.params, "body": request.body}


@pytest.fixture
def target():
    app = Target()
    app.start()
    yield app
    app.stop()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def client(target, pauses):
    made = []

    def client(**options) -> Http:
        options = {"pause": pauses.append, "headers": {"Authorization": "Bearer " + quote(SECRET)}} | options
        made.append(Http(options.pop("base_url", target.url), secrets=[SECRET], **options))
        return made[-1]

    yield client
    for http in made:
        http.close()
