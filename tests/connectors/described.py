"""Small descriptions for tests: a dict becomes a file, a file a connector, and a server answers as the test says."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.rest.connector import RestConnector, connector_of
from connectors.rest.file import load
from tests.connectors.fake import Fact, FakeApp, Reply, Request

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SECRET = "t0p-s3cret"
FIELDS = [
    {"name": "base_url", "label": "Address"},
    {"name": "user", "label": "User"},
    {"name": "token", "label": "Token", "secret": True},
]
LEAST: dict[str, Any] = {
    "rollcall": 1,
    "app": "tried",
    "label": "Tried",
    "fields": FIELDS,
    "base_url": "{base_url}",
    "auth": {"bearer": "{token}"},
    "accounts": [{"path": "/users", "account": {"id": "id", "email": "email"}}],
}


class Anything(FakeApp):
    """Answers every call as `answer` says: a Reply, or what becomes its JSON."""

    facts = (*(Fact(method, "/{a}", "any_call") for method in METHODS),
             *(Fact(method, "/{a}/{b}", "any_call") for method in METHODS),
             *(Fact(method, "/{a}/{b}/{c}", "any_call") for method in METHODS))  # fmt: skip
    answer: Callable[[Request], Any] = staticmethod(lambda request: [])

    def is_authorised(self, request: Request) -> bool:
        return True

    def any_call(self, request: Request) -> Any:
        return self.answer(request)

    def _fact(self, request: Request) -> Any:
        """Every call that is made is declared here; a test looks at the recorded calls."""
        found = super()._fact(request)
        return found and (_Open(found[0].method, found[0].path, found[0].answer), found[1])


class _Open(Fact):
    def objections(self, request: Request) -> list[str]:
        return []


def described(folder: Path, **changes: Any) -> type[RestConnector]:
    """LEAST with these keys changed; None takes one away."""
    spec = {key: value for key, value in {**copy.deepcopy(LEAST), **changes}.items() if value is not None}
    file = folder / "tried.yaml"
    file.write_text(json.dumps(spec))  # JSON is YAML
    return connector_of(load(file))


def users(count: int) -> list[dict]:
    return [{"id": number, "email": f"p{number}@acme.example"} for number in range(count)]


def pages(rows: list, request: Request, size: int = 100) -> list:
    """The page that offset and limit ask for."""
    start = request.number("offset", 0)
    return rows[start : start + min(size, request.number("limit", size))]


NO = Reply(401, {"message": "no"})


@pytest.fixture
def anything() -> Iterator[Anything]:
    app = Anything()
    app.start()
    yield app
    app.stop()


@pytest.fixture
def connect(anything: Anything, tmp_path: Path) -> Iterator[Callable[..., RestConnector]]:
    """Connects a description, LEAST with changes, to `anything`."""
    made: list[RestConnector] = []

    def connect(**changes: Any) -> RestConnector:
        kind = described(tmp_path, **{"fields": FIELDS, **changes})
        made.append(kind({"base_url": anything.url, "user": "olga", "token": SECRET}))
        return made[-1]

    yield connect
    for connector in made:
        connector.close()


def ids(connector: RestConnector) -> list[str]:
    return [account.id for account in connector.accounts()]
