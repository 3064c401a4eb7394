"""Tokens that are asked for and renewed, against a token endpoint and an app behind real HTTP."""

from __future__ import annotations

import base64

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from connectors.base import CredentialRejected, Refused, TemporarilyUnavailable
from connectors.tools import oauth, renewal
from connectors.tools.http import Forbidden, Http
from tests.connectors.fake import FOREVER, Fact, FakeApp, Reply, Request
from tests.connectors.keys import key

FORM = ("grant_type", "client_id", "client_secret", "refresh_token", "assertion", "scope")


class Issuer(FakeApp):
    """Gives tokens t-1, t-2, … and answers /me to the latest alone."""

    facts = (Fact("POST", "/token", "give", (), FORM), Fact("GET", "/me", "me"))
    lifetime: object = 3600

    def __init__(self):
        super().__init__()
        self.given: list[Request] = []

    def is_authorised(self, request: Request) -> bool:
        return request.path == "/token" or request.headers.get("authorization") == f"Bearer t-{len(self.given)}"

    def give(self, request: Request) -> dict:
        self.given.append(request)
        return {"access_token": f"t-{len(self.given)}", "token_type": "Bearer", "expires_in": self.lifetime}

    def me(self, request: Request) -> dict:
        return {"me": "olga"}


@pytest.fixture
def issuer():
    app = Issuer()
    app.start()
    yield app
    app.stop()


def ask(issuer: Issuer, auth: renewal.Renewed, times: int = 1) -> None:
    http = Http(issuer.url, auth=auth)
    for _ in range(times):
        assert http.get("/me").json() == {"me": "olga"}
    http.close()


def test_one_token_serves_many_calls(issuer):
    ask(issuer, oauth.client_credentials(issuer.url + "/token", "rollcall", "s3", scope="read"), times=3)
    [given] = issuer.given
    assert given.body == {"grant_type": "client_credentials", "scope": "read"}
    assert given.headers["authorization"] == "Basic " + base64.b64encode(b"rollcall:s3").decode()


def test_the_client_can_stand_in_the_body(issuer):
    ask(issuer, oauth.refreshed(issuer.url + "/token", "rollcall", "s3", "r-1"))
    assert issuer.given[0].body == {
        "grant_type": "refresh_token", "refresh_token": "r-1", "client_id": "rollcall", "client_secret": "s3",
    }  # fmt: skip


def test_a_signed_jwt_names_its_subject(issuer):
    ask(issuer, oauth.jwt_bearer(issuer.url + "/token", {"iss": "robot", "sub": "admin@acme.example"}, key()))
    [given] = issuer.given
    assert given.body["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(given.body["assertion"], RSAKey.import_key(key().public_key())).claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("robot", "admin@acme.example", issuer.url + "/token")
    assert claims["exp"] - claims["iat"] == 600


def test_a_token_is_renewed_before_it_ends(issuer, monkeypatch):
    auth = oauth.client_credentials(issuer.url + "/token", "rollcall", "s3")
    ask(issuer, auth)
    now = renewal.time.monotonic()
    monkeypatch.setattr(renewal.time, "monotonic", lambda: now + 3600 - renewal.EARLY + 1)
    ask(issuer, auth)
    assert len(issuer.given) == 2


@pytest.mark.parametrize("lifetime", [None, 0, -5, "soon", True])
def test_a_token_without_a_known_end_is_used_until_it_is_refused(issuer, lifetime):
    issuer.lifetime = lifetime
    auth = oauth.client_credentials(issuer.url + "/token", "rollcall", "s3")
    ask(issuer, auth, times=2)
    assert len(issuer.given) == 1
    issuer.fail(lambda _: issuer.unauthorised(), on="me", times=1)
    ask(issuer, auth)
    assert len(issuer.given) == 2


def test_a_new_token_that_is_refused_too_ends_it(issuer):
    issuer.fail(lambda _: issuer.unauthorised(), on="me", times=FOREVER)
    with pytest.raises(CredentialRejected):
        ask(issuer, oauth.client_credentials(issuer.url + "/token", "rollcall", "s3"))
    assert len(issuer.given) == 2


def test_a_missing_permission_is_no_reason_to_renew(issuer):
    issuer.fail(Reply(403), on="me", times=FOREVER)
    with pytest.raises(CredentialRejected):
        ask(issuer, oauth.client_credentials(issuer.url + "/token", "rollcall", "s3"))
    assert len(issuer.given) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_the_endpoints_error_is_reported_without_the_secret(issuer, status):
    issuer.fail(Reply(status, {"error_description": "no client with s3cret-one"}), on="give", times=FOREVER)
    with pytest.raises(CredentialRejected, match="no client with •••") as failure:
        ask(issuer, oauth.client_credentials(issuer.url + "/token", "rollcall", "s3cret-one"))
    assert "s3cret-one" not in str(failure.value)


def test_an_endpoint_that_is_away_is_not_a_wrong_credential(issuer):
    issuer.fail(Reply(503), on="give", times=FOREVER)
    with pytest.raises(TemporarilyUnavailable):
        ask(issuer, oauth.client_credentials(issuer.url + "/token", "rollcall", "s3"))


@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_endpoint_that_is_too_busy_is_not_a_wrong_credential(issuer, status):
    """learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, “Error codes for token endpoint errors”:
    temporarily_unavailable, “The server is temporarily too busy to handle the request”."""
    busy = {"error": "temporarily_unavailable", "error_description": "AADSTS90033: A transient error has occurred."}
    issuer.fail(Reply(status, busy), on="give", times=FOREVER)
    with pytest.raises(TemporarilyUnavailable, match="AADSTS90033"):
        ask(issuer, oauth.client_credentials(issuer.url + "/token", "rollcall", "s3"))


@pytest.mark.parametrize("status", [404, 410, 409])
def test_a_missing_token_endpoint_says_nothing_about_the_account(issuer, status):
    """Otherwise an account that is looked up would seem to be gone."""
    issuer.fail(Reply(status), on="give", times=FOREVER)
    with pytest.raises(Refused, match=f"token.* answered {status}") as failure:
        ask(issuer, oauth.client_credentials(issuer.url + "/token", "rollcall", "s3"))
    assert type(failure.value) is Refused


def test_a_login_that_is_forbidden_is_no_permission_that_a_call_lacks(issuer):
    def forbidden():
        raise Forbidden("No.")

    with pytest.raises(CredentialRejected) as failure:
        ask(issuer, renewal.Renewed(forbidden))
    assert type(failure.value) is CredentialRejected


def test_an_answer_without_a_token_is_reported(issuer):
    issuer.fail(Reply(200, {"token": "t"}), on="give", times=FOREVER)
    with pytest.raises(CredentialRejected, match="gave no access_token"):
        ask(issuer, oauth.client_credentials(issuer.url + "/token", "rollcall", "s3"))


def test_a_given_token_is_a_secret(issuer):
    auth = oauth.client_credentials(issuer.url + "/token", "rollcall", "s3")
    http = Http(issuer.url, auth=auth)
    http.get("/me")
    issuer.fail(Reply(400, {"message": "what is t-1?"}), on="me")
    with pytest.raises(Exception, match="what is •••") as failure:
        http.get("/me")
    assert "t-1" not in str(failure.value)
    http.close()
