"""The first sign-in with the provider of someone above a plain user, in a browser: confirmed by the password or a
one-time link while it waits, never by signing in alone; and the way out where nobody has a password."""

from __future__ import annotations

import json
import os
import subprocess
from urllib.parse import urlsplit

import pytest

from sync.config import Config
from sync.models import Person, SignInIdentity, WaitingSignIn
from sync.sign_in import sign_in
from tests import database
from tests.blank import environ_of
from tests.cli.conftest import TIMEOUT
from tests.cli.forks import shared
from tests.web.client import Client
from tests.web.test_oidc import is_in, provider, set_up, try_to  # noqa: F401

PASSWORD = "correct horse battery"
CONFIRM = "/sign-in/oidc/confirmation"


@pytest.fixture
def waits(site, set_up, provider, olga: Person) -> Client:  # noqa: F811
    """A browser in which Olga, the only Owner, has signed in with the provider for the first time."""
    set_up()
    provider.claims |= {"email": "olga@acme.example"}
    browser = Client(site)
    answer = try_to(browser, "/people")
    assert answer.status_code == 403 and not is_in(browser)
    assert "Confirm it below with the password or a one-time link" in answer.text
    return browser


def _command(config: Config, *arguments: str) -> subprocess.CompletedProcess:
    environ = os.environ | environ_of(config.home)
    around = {"input": "", "env": environ, "cwd": config.home, "timeout": TIMEOUT}
    return shared(database.on_server()).run(list(arguments), **around)


def _sign_in(browser: Client, email: str = "olga@acme.example") -> str:
    page = browser.get("/sign-in").text
    assert "Sign in" in page
    answer = browser.post("/session", email=email, password=PASSWORD, next=CONFIRM)
    assert answer.status_code == 303
    return answer.location


def test_the_password_and_then_an_explicit_click_connect_it(waits, site):
    assert _sign_in(waits) == CONFIRM
    assert not SignInIdentity.select().exists(), "signing in alone connects nothing"
    page = waits.get(CONFIRM).text
    assert "Is this account yours?" in page and "olga@acme.example" in page
    assert waits.post(CONFIRM).status_code == 303
    assert SignInIdentity.select().count() == 1 and not WaitingSignIn.select().exists()
    again = Client(site)
    try_to(again)
    assert is_in(again)


def test_it_can_be_declined(waits):
    _sign_in(waits)
    waits.send("DELETE", CONFIRM)
    assert not SignInIdentity.select().exists() and not WaitingSignIn.select().exists()
    assert waits.get(CONFIRM).location == "/apps"


def test_another_person_there_and_the_person_in_another_browser_connect_nothing(waits, site, olga, by, someone):
    jana = someone("Jana Kowalski", role="admin")
    sign_in.set_password(jana, PASSWORD, by)
    _sign_in(waits, "jana.kowalski@acme.example")
    assert waits.get(CONFIRM).location == "/apps"
    waits.post(CONFIRM)
    other = Client(site, olga)
    assert other.get(CONFIRM).location == "/apps"
    other.post(CONFIRM)
    assert not SignInIdentity.select().exists()


def test_without_a_password_the_command_line_lets_the_only_owner_in(waits, site, olga, config):
    Person.update(password_hash=None).where(Person.id == olga.id).execute()
    done = _command(config, "people", "recover", "olga@acme.example", "--json")
    assert done.returncode == 0, done.stderr
    path = urlsplit(json.loads(done.stdout)["link"]).path
    assert waits.follow(path).status_code == 200, "a link that was handed over asks first"
    assert waits.post(path).location == CONFIRM
    waits.post(CONFIRM)
    again = Client(site)
    try_to(again)
    assert is_in(again)


def test_nobody_who_may_not_sign_in_gets_a_link(home, config, olga):
    done = _command(config, "people", "recover", "nobody@acme.example")
    assert done.returncode == 1 and "may sign in" in done.stderr
