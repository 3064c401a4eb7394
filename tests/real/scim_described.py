"""Schemathesis asks /scim/v2 by its description in docs/: whatever it allows, and what it doesn't.
Each answer is one that the description names, of its type and form; none is a fault of ours. A run of its own
(test_scim_described.py): making these tests takes as long as making all others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sync.config import Config
from sync.db import connected, db
from sync.directory import push
from tests.asking import MACHINE
from tests.blank import open_blank, set_up_acme
from tests.journeys.browser import serving
from web import scim_tokens

FILE = Path(__file__).resolve().parents[2] / "docs" / "scim-openapi.yaml"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BOUNDED = settings(
    derandomize=True, max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate], stateful_step_count=6,
)  # fmt: skip
described = schemathesis.openapi.from_path(FILE)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a directory that pushes to the server that the requests go to, one for all of them."""
    config = Config.from_environ({"ROLLCALL_HOME": str(tmp_path_factory.mktemp("described") / "home")})
    scim_tokens.clear_refusals()
    open_blank(config)
    with connected():
        set_up_acme()
        _, token = push.connect("Okta", MACHINE)
        with serving(config) as live:
            described.config.update(base_url=f"{live.url}/scim/v2")
            yield token
    if not db.is_closed():
        db.close()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection for all requests, and no look for a proxy in the environment at each of them."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@described.parametrize()
@BOUNDED
def test_each_answer_is_one_that_is_described(case, token, session):
    session.cookies.clear()
    answer = case.call(base_url=described.config.base_url, headers={"Authorization": f"Bearer {token}"},
                       session=session, timeout=60)  # fmt: skip
    if answer.status_code == 501:  # not a fault: RFC 7644, 3.12
        case.validate_response(answer, checks=CHECKS[1:])
    else:
        case.validate_response(answer, checks=CHECKS)


def test_a_created_resource_can_be_used(token, session):
    """By the links of the description: create, then read, replace, change and delete, in whatever order."""
    machine = described.as_state_machine()

    class Pushed(machine):
        def get_call_kwargs(self, case):
            session.cookies.clear()
            return {"headers": {"Authorization": f"Bearer {token}"}, "session": session}

        def validate_response(self, response, case, **options):
            case.validate_response(response, checks=CHECKS if response.status_code != 501 else CHECKS[1:])

    Pushed.run(settings=BOUNDED)


def test_without_the_token_nothing_is_reported(token):
    for operation in described.get_all_operations():
        found = operation.ok()
        if found.label != "GET /ServiceProviderConfig":
            address = described.config.base_url + found.path.replace("{id}", "1")
            assert requests.request(found.method, address, timeout=30).status_code in (401, 429), found.label


def test_an_address_that_no_route_knows_is_refused_in_the_standards_form(token):
    sent = {"Authorization": f"Bearer {token}"}
    for path in ("/Users/a%0Ab", "/%0A"):
        answer = requests.get(described.config.base_url + path, headers=sent, timeout=30)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/scim+json"), path
        assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    answer = requests.request("COPY", described.config.base_url + "/Users", headers=sent, timeout=30)
    assert (answer.status_code, answer.json()["status"]) == (405, "405")
