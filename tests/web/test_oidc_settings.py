"""The page where an Owner sets up signing in through a provider, and what it says when that can't work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app import create_app
from sync import vault
from sync.models import Activity
from sync.sign_in import oidc
from sync.sign_in.oidc import OidcProblem, Settings
from tests.parts import free_port
from tests.web.client import Client
from tests.web.oidc_fake import CLIENT, SECRET, FakeProvider

PAGE = "/settings/sign-in"


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    fake = FakeProvider()
    yield fake
    fake.stop()


@pytest.fixture
def form(provider: FakeProvider) -> dict:
    return {
        "issuer": provider.issuer + "/", "client_id": CLIENT, "client_secret": SECRET, "label": "Acme SSO",
        "scopes": "openid email  groups", "groups_claim": "groups", "group": ["IT", "", "Staff "],
        "role": ["admin", "user", "user"], "default_role": "guest",
    }  # fmt: skip


def test_an_owner_sets_it_up(owner: Client, provider, form) -> None:
    page = owner.get(PAGE).text
    assert "http://127.0.0.1:8000/sign-in/oidc/answer" in page and 'data-copy="http://127.0.0.1:8000/sign-in"' in page
    assert owner.send("PUT", PAGE, **form).location == PAGE
    known = oidc.settings()
    assert known == Settings(issuer=provider.issuer, client_id=CLIENT, label="Acme SSO", scopes="openid email groups",
                             roles=(("IT", "admin"), ("Staff", "user")), default_role="guest")  # fmt: skip
    page = owner.get(PAGE).text
    assert 'value="IT"' in page and "Leave this empty to keep" in page and SECRET not in page
    assert "With Acme SSO, or a password" in owner.get("/settings").text
    entry = Activity.get(Activity.what == "changed sign-in provider")
    assert "IT → admin" in entry.after and SECRET not in entry.after and entry.before is None


def test_a_refused_form_returns_with_the_fault_and_the_entered_values(owner: Client, form) -> None:
    answer = owner.send("PUT", PAGE, **form | {"scopes": "email", "group": ["<b>IT</b>"], "role": ["owner"]})
    assert answer.status_code == 422 and "openid" in answer.text and "Nothing was changed" in answer.text
    assert "&lt;b&gt;IT&lt;/b&gt;" in answer.text and SECRET not in answer.text
    assert oidc.settings() is None


@pytest.mark.parametrize("wrong, words", [
    ({"issuer": ""}, "are needed"), ({"client_id": " "}, "are needed"),
    ({"issuer": "http://id.acme.example"}, "https://"),
    ({"issuer": "ftp://id.acme.example"}, "https://"), ({"issuer": "https://user:pw@id.acme.example"}, "password"),
    ({"issuer": "x" * 600}, "too long"), ({"default_role": "owner"}, "must be nobody"),
    ({"role": ["boss"]}, "isn&#39;t a workspace role"),
    ({"groups_claim": ""}, "name of the claim"),
    ({"group": ["g"] * 9 + ["x" * 400], "role": ["user"] * 10}, "at most 300"),
])  # fmt: skip
def test_settings_that_cant_be(owner: Client, form, wrong, words) -> None:
    answer = owner.send("PUT", PAGE, **form | wrong)
    assert answer.status_code == 422 and words in answer.text
    assert oidc.settings() is None


def test_the_stored_secret_goes_to_nobody_else(owner: Client, provider, form) -> None:
    owner.send("PUT", PAGE, **form)
    evil = FakeProvider()
    try:
        for method, address in (("PUT", PAGE), ("POST", PAGE + "/tests")):
            answer = owner.send(method, address, **form | {"client_secret": "", "issuer": evil.issuer})
            assert answer.status_code == 422 and "Enter the client secret again" in answer.text
        assert not evil.forms and oidc.settings().issuer == provider.issuer
    finally:
        evil.stop()
    assert owner.send("PUT", PAGE, **form | {"client_secret": "", "label": "SSO"}).status_code == 303
    assert oidc._secret() == SECRET and oidc.settings().label == "SSO"


def test_a_lost_key_is_shown_and_the_secret_entered_again(owner: Client, provider, form, home, config) -> None:
    owner.send("PUT", PAGE, **form)
    config.secret_key_file.unlink()
    vault.open_vault(config.secret_key_file)
    answer = Client(owner.client.application).get("/sign-in/oidc")
    assert answer.status_code == 400 and "secret.key is not the one" in answer.text
    assert "secret.key is not the one" in owner.send("POST", PAGE + "/tests", **form | {"client_secret": ""}).text
    assert owner.send("PUT", PAGE, **form).status_code == 303
    assert Client(owner.client.application).get("/sign-in/oidc").status_code == 303


def test_roles_can_be_changed_while_the_provider_is_down(owner: Client, provider, form) -> None:
    owner.send("PUT", PAGE, **form)
    provider.stop()
    assert owner.send("PUT", PAGE, **form | {"client_secret": "", "default_role": ""}).status_code == 303
    assert oidc.settings().default_role == ""


def test_a_test_says_that_it_works(owner: Client, provider, form) -> None:
    answer = owner.send("POST", PAGE + "/tests", **form)
    assert answer.status_code == 200 and "These settings work, as far as Rollcall can test them" in answer.text
    assert oidc.settings() is None, "a test keeps nothing"
    part = owner.client.post(PAGE + "/tests", data=form | {"csrf_token": owner.token()},
                             headers={"HX-Request": "true", "HX-Target": "test"}).text
    assert part.lstrip().startswith('<div id="test"')


@pytest.mark.parametrize("wrong, words", [
    ({"issuer": "https://other.example"}, "calls itself “https://other.example”"),
    ({"issuer": None}, "calls itself"), ({"token_endpoint": None}, "token_endpoint"),
    ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
    ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
    ({"end_session_endpoint": 7}, "end_session_endpoint"), ({"response_types_supported": ["id_token"]}, "code flow"),
    ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
])  # fmt: skip
def test_a_test_says_what_is_wrong_with_the_provider(owner: Client, provider, form, wrong, words) -> None:
    provider.metadata = wrong
    answer = owner.send("POST", PAGE + "/tests", **form)
    assert answer.status_code == 422 and words in answer.text
    assert "Nobody can sign in with these settings" in answer.text


def test_a_test_says_what_is_wrong_with_the_client(owner: Client, provider, form) -> None:
    provider.token_answer = (401, {"error": "invalid_client"})
    answer = owner.send("POST", PAGE + "/tests", **form)
    assert answer.status_code == 422 and "client id or secret" in answer.text
    provider.token_answer, provider.published = None, []
    assert "no key" in owner.send("POST", PAGE + "/tests", **form).text


def test_a_test_says_that_nobody_is_there(owner: Client, form) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    assert "accepts no connection" in owner.send("POST", PAGE + "/tests", **form | {"issuer": nobody}).text
    provider = FakeProvider()
    answer = owner.send("POST", PAGE + "/tests", **form | {"issuer": provider.issuer + "/realms/x"})
    provider.stop()
    assert "There is no provider at" in answer.text


def test_doubts_stop_nobody(owner: Client, provider, form) -> None:
    provider.metadata = {"scopes_supported": ["openid", "email"], "end_session_endpoint": None}
    answer = owner.send("POST", PAGE + "/tests", **form)
    assert answer.status_code == 200 and "the scope groups" in answer.text
    assert "no address for signing out" in answer.text


def test_without_tls_it_is_not_set_up(home, config, olga, form) -> None:
    site = create_app(replace(config, url="http://rollcall.acme.example"))
    answer = Client(site, olga).send("PUT", PAGE, **form)
    assert answer.status_code == 422 and "ROLLCALL_URL" in answer.text


def test_the_secret_never_leaves_without_tls(owner: Client, provider, form) -> None:
    provider.metadata = {"token_endpoint": "http://id.acme.example/token"}
    answer = owner.send("POST", PAGE + "/tests", **form)
    assert answer.status_code == 422 and "must begin with https://" in answer.text


def test_taking_it_away(owner: Client, form) -> None:
    owner.send("PUT", PAGE, **form)
    assert "one-time link" in owner.get(PAGE + "/removal").text
    assert owner.send("DELETE", PAGE).location == "/settings"
    assert oidc.settings() is None
    with pytest.raises(OidcProblem, match="isn't set up"):
        oidc.begin("http://127.0.0.1:8000")
    assert owner.send("DELETE", PAGE).location == "/settings"
