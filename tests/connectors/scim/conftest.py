"""What the tests of SCIM share: a service, and connectors to it."""

from __future__ import annotations

import pytest

from connectors.scim.connector import Scim
from tests.connectors.fake_scim import FakeScim


@pytest.fixture
def service():
    app = FakeScim()
    app.start()
    yield app
    app.stop()


@pytest.fixture
def connect(service):
    made = []

    def connect(**settings: str) -> Scim:
        made.append(Scim({"base_url": service.url, "token": service.token, **settings}))
        return made[-1]

    yield connect
    for connector in made:
        connector.close()
