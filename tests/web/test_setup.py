"""The first start, by the one-time link."""

from __future__ import annotations

import pytest

from sync.models import Person
from sync.people.last_owner import has_owner
from sync.sign_in import sign_in
from sync.workspace import workspace
from tests.web.client import Client

FIRST = {
    "workspace": "Acme",
    "name": "Olga Brandt",
    "email": "olga@acme.example",
    "password": "correct horse battery",
    "password_again": "correct horse battery",
}


def _set_up(browser: Client, token: str, **changed: str):
    return browser.post("/setup", **FIRST | {"token": token} | changed)


def test_makes_workspace_and_owner_and_signs_in(anybody: Client) -> None:
    token = sign_in.setup_link_token()
    assert "Set up Rollcall" in anybody.get(f"/setup?token={token}").text
    assert _set_up(anybody, token).location == "/directories"
    assert workspace().name == "Acme"
    assert Person.get().workspace_role == "owner"
    assert "Olga Brandt" in anybody.get("/settings").text


def test_the_time_zone_is_asked_for(anybody: Client) -> None:
    token = sign_in.setup_link_token()
    refused = _set_up(anybody, token, zone="Mars/Olympus")
    assert refused.status_code == 422 and "t a time zone" in refused.text and 'value="Mars/Olympus"' in refused.text
    assert not has_owner()
    _set_up(anybody, token, zone="Europe/Berlin")
    assert workspace().zone == "Europe/Berlin"


@pytest.mark.parametrize("token", ["", "wrong", "' OR 1=1", "é"])
def test_wrong_token(anybody: Client, token: str) -> None:
    sign_in.setup_link_token()
    assert anybody.get("/setup").status_code == 404
    assert anybody.client.get("/setup", query_string={"token": token}).status_code == 404
    assert _set_up(anybody, token).status_code == 404
    assert not has_owner()


def test_once_only(anybody: Client) -> None:
    token = sign_in.setup_link_token()
    _set_up(anybody, token)
    stranger = Client(anybody.client.application)
    assert stranger.get(f"/setup?token={token}").location == "/sign-in"
    assert _set_up(stranger, token, email="eve@evil.example").location == "/sign-in"
    assert Person.select().count() == 1


@pytest.mark.parametrize(
    "changed, expected",
    [
        ({"password": "short", "password_again": "short"}, "at least 12 characters"),
        ({"password_again": "another horse battery"}, "The passwords don&#39;t match"),
        ({"email": "no address"}, "t an e-mail address"),
        ({"workspace": "   "}, "needs a name"),
    ],
)
def test_a_fault_is_reported_and_nothing_is_created(anybody: Client, changed: dict, expected: str) -> None:
    token = sign_in.setup_link_token()
    answer = _set_up(anybody, token, **changed)
    assert answer.status_code == 422
    assert expected in answer.text
    assert not has_owner()
    assert FIRST["name"] in answer.text and FIRST["password"] not in answer.text
    assert _set_up(anybody, token).status_code == 303


def test_before_it_the_sign_in_page_says_so(anybody: Client) -> None:
    assert "isn&#39;t set up yet" in anybody.get("/people").text or anybody.get("/people").status_code == 303
    assert "isn't set up yet" in anybody.get("/sign-in").text
