"""Signing in at a real provider of OpenID Connect that keeps to the standard, and refuses who doesn't."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from app import create_app
from sync.models import Person, SignInIdentity
from sync.people import people
from sync.sign_in import oidc, sign_in
from sync.sign_in.oidc import Settings
from tests.real.oidc_server import CLIENT, SECRET, OidcServer, Visitor
from tests.web.client import Client

HERE = "http://127.0.0.1:8000"


@pytest.fixture
def site(home, config):
    return create_app(config)


@pytest.fixture
def server(oidc_server: OidcServer, olga: Person) -> Iterator[OidcServer]:
    oidc_server.people = {
        "jana": {"email": "Jana@Acme.example", "email_verified": True, "name": "Jana Kowalski", "groups": ["IT", "X"]},
        "tom": {"email": "tom@acme.example", "email_verified": False, "name": "Tom Okafor", "groups": ["Staff"]},
        "guest": {"email": "guest@acme.example", "email_verified": True, "groups": []},
    }
    oidc_server.start(HERE)
    yield oidc_server


@pytest.fixture
def settings(server: OidcServer, by: str) -> Settings:
    given = Settings(server.issuer, CLIENT, "Acme SSO", "openid email profile groups", roles=(("IT", "admin"),))
    return oidc.save(given, SECRET, HERE, by)


def come_in(site, visitor: Visitor, login: str) -> tuple[Client, int]:
    browser = Client(site)
    came = urlsplit(visitor.go(browser.get("/sign-in/oidc?next=/apps").location, login))
    assert came.path == oidc.RETURN
    return browser, browser.get(f"{came.path}?{came.query}").status_code


def test_a_test_finds_nothing_wrong(server, settings, by) -> None:
    found = oidc.test(settings, None, HERE)
    assert not [finding.words for finding in found if finding.tone == "attention"]
    wrong = oidc.test(settings, "another secret", HERE)
    assert [finding.words for finding in wrong if "client id or secret" in finding.words]


def test_someone_new_comes_in_by_group_and_again_without_being_asked(site, server, settings) -> None:
    visitor = Visitor(server)
    browser, status = come_in(site, visitor, "jana")
    assert status == 303 and "Jana Kowalski" in browser.get("/settings").text
    jana = people.find_by_email("jana@acme.example")
    assert jana.workspace_role == "admin" and SignInIdentity.get().subject == "jana"
    assert come_in(site, visitor, "")[1] == 303, "the provider still knows who it is"
    assert SignInIdentity.select().count() == 1


def test_a_user_without_a_verified_address_or_a_role_is_not_admitted(site, server, settings) -> None:
    assert come_in(site, Visitor(server), "tom")[1] == 403
    assert come_in(site, Visitor(server), "guest")[1] == 403
    assert Person.select().count() == 1


def test_deprovisioned_is_out_at_once(site, server, settings, by) -> None:
    visitor = Visitor(server)
    browser, _ = come_in(site, visitor, "jana")
    people.mark_left(people.find_by_email("jana@acme.example"), by)
    assert browser.get("/settings").status_code == 303
    assert come_in(site, visitor, "")[1] == 403


def test_a_code_is_good_once_and_only_for_the_person_who_asked(site, server, settings) -> None:
    browser, visitor = Client(site), Visitor(server)
    came = urlsplit(visitor.go(browser.get("/sign-in/oidc").location, "jana"))
    mallory = Client(site)
    state = parse_qs(urlsplit(mallory.get("/sign-in/oidc").location).query)["state"][0]
    code = parse_qs(came.query)["code"][0]
    stolen = mallory.client.get(came.path, query_string={"code": code, "state": state, "iss": server.issuer})
    assert stolen.status_code == 400 and mallory.get("/settings").status_code == 303


def test_a_forged_code_is_refused(site, server, settings) -> None:
    browser = Client(site)
    state = parse_qs(urlsplit(browser.get("/sign-in/oidc").location).query)["state"][0]
    answer = browser.client.get(oidc.RETURN, query_string={"code": "forged", "state": state, "iss": server.issuer})
    assert answer.status_code == 400 and "refused the sign-in" in answer.text


def test_signing_out_signs_out_there(site, server, settings) -> None:
    visitor = Visitor(server)
    browser, _ = come_in(site, visitor, "jana")
    address = browser.send("DELETE", "/session").headers["Refresh"].removeprefix("0; url=")
    assert visitor.go(address) == HERE + "/sign-in"
    with pytest.raises(AssertionError):  # it asks who it is, and nobody says
        visitor.go(Client(site).get("/sign-in/oidc").location, "nobody")


def test_down_and_back(site, server, settings) -> None:
    assert come_in(site, Visitor(server), "jana")[1] == 303
    server.stop()
    found = oidc.test(settings, None, HERE)
    assert "accepts no connection" in found[0].words
    assert Client(site).get("/sign-in/oidc").status_code == 503
    assert sign_in.authenticate("olga@acme.example", "correct horse battery")
    server.start(HERE)
    assert come_in(site, Visitor(server), "jana")[1] == 303
