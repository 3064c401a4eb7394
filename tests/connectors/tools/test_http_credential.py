"""Where the HTTP client sends a credential, and that no message or log holds it."""

from __future__ import annotations

import traceback
from urllib.parse import quote

import pytest
import requests

from connectors.base import CredentialRejected, Refused
from connectors.tools.http import Http, segment
from connectors.tools.redaction import Redactor
from tests.connectors.conftest import SECRET, Target
from tests.connectors.fake import FOREVER, Reply


@pytest.fixture
def other():
    app = Target()
    app.start()
    yield app
    app.stop()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(target, other, client, status):
    target.fail(Reply(status, headers={"Location": other.url + "/thing"}), times=FOREVER)
    for method in ("get", "post", "put", "patch", "delete"):
        with pytest.raises(Refused):
            getattr(client(), method)("thing")
    assert other.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "{other}/thing",
        "http://127.0.0.1@{host}/thing",
        "http://127.0.0.1\\@{host}/thing",
        "https://{own}/thing",
        "http://[::1]/thing",
        "https://acme.example/thing",
        "file:///etc/passwd",
        "http://:80/",
        "http://[/",
    ],
)
def test_a_next_link_to_another_host_is_not_followed(target, other, client, address):
    own, host = target.url.removeprefix("http://"), other.url.removeprefix("http://")
    with pytest.raises(Refused):
        client().get(address.format(other=other.url, host=host, own=own))
    assert target.requests == other.requests == []


def test_a_redirect_and_a_next_link_on_the_same_host_are_followed(target, client):
    target.fail(Reply(302, headers={"Location": "/thing?q=2"}))
    assert client().get("thing", params={"q": "1"}).json()["params"] == {"q": "2"}
    assert client().get(target.url + "/thing?q=3").json()["params"] == {"q": "3"}
    assert {request.headers["authorization"] for request in target.requests} == {"Bearer " + quote(SECRET)}


def test_a_change_is_sent_again_only_where_the_redirect_says_so(target, client):
    target.fail(Reply(308, headers={"Location": "/thing"}))
    assert client().post("thing", json={"a": 1}).json()["body"] == {"a": 1}
    target.fail(Reply(302, headers={"Location": "/thing"}))
    with pytest.raises(Refused, match="redirect"):
        client().delete("thing")


def test_a_redirect_without_end_has_one(target, client):
    target.fail(Reply(302, headers={"Location": "/thing"}), times=FOREVER)
    with pytest.raises(Refused, match="redirected more than"):
        client().get("thing")


def test_a_netrc_file_does_not_replace_the_credential(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    http = Http("https://acme.example", headers={"Authorization": "Bearer ours"})
    sent = http._prepared(requests.Request("GET", "https://acme.example/thing"), "GET /thing")
    assert sent.headers["Authorization"] == "Bearer ours"
    http.close()


@pytest.mark.parametrize(
    "address", ["http://acme.example", "ftp://x", "", "https://", "https://u:p@acme.example", "http://0.0.0.0"]
)
def test_an_address_that_cannot_be_used_is_refused(address):
    with pytest.raises(Refused, match="The address must"):
        Http(address)


@pytest.mark.parametrize(
    "address", ["http://localhost:1", "http://127.0.0.9:1", "http://[::1]:1", "https://acme.example/x/"]
)
def test_plain_http_is_for_this_machine_only(address):
    Http(address).close()


def test_an_id_stays_one_segment_of_the_path():
    assert segment("a/b?c#d é") == "a%2Fb%3Fc%23d%20%C3%A9"
    for id in ("", ".", ".."):
        with pytest.raises(Refused):
            segment(id)


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 429, 500])
def test_no_secret_is_in_an_error_or_a_log(target, client, caplog, status):
    caplog.set_level("DEBUG")
    for echo in (SECRET, quote(SECRET), quote(SECRET, safe=""), "x" * 288 + SECRET):
        location = {"Location": f"https://evil.example/{quote(echo)}"} if status == 302 else {}
        target.fail(Reply(status, {"detail": f"bad: {echo}"}, location), times=FOREVER)
        with pytest.raises(Exception) as raised:
            client().get("thing?q=" + quote(SECRET))
        shown = "".join(traceback.format_exception(raised.value)) + caplog.text
        for form in (SECRET, quote(SECRET), quote(SECRET, safe=""), SECRET[:4]):
            assert form not in shown
        target.behave()


def test_a_token_is_known_as_a_secret_without_its_kind(target):
    http = Http(target.url, headers={"Authorization": "Bearer t0ken", "X-Api-Key": "k3y"}, retries=0)
    target.fail(Reply(401, {"detail": "t0ken and k3y are wrong"}))
    with pytest.raises(CredentialRejected, match="“••• and ••• are wrong”"):
        http.get("thing")
    http.close()


def test_this_machine_is_called_without_the_proxy_of_the_environment(target, client, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert client().get("thing").json()["method"] == "GET"


def test_a_password_is_known_as_a_secret(target):
    http = Http(target.url, auth=("olga", "hunter2!"), retries=0)
    target.fail(Reply(401, {"detail": "hunter2! b2xnYTpodW50ZXIyIQ== olga"}))
    with pytest.raises(CredentialRejected, match="“••• ••• olga”"):
        http.get("thing")
    assert target.requests[0].headers["authorization"] == "Basic b2xnYTpodW50ZXIyIQ=="
    http.close()


@pytest.mark.parametrize("token", ["line\nbreak", "naïve Ж"])
def test_a_credential_that_cannot_be_sent_is_reported_without_it(target, token):
    http = Http(target.url, headers={"Authorization": f"Bearer {token}"})
    with pytest.raises(CredentialRejected) as rejected:
        http.get("thing")
    assert token not in "".join(traceback.format_exception(rejected.value))
    http.close()


def test_a_redactor_knows_each_form_of_a_secret():
    redact = Redactor([SECRET, None, "", "ab"])
    assert redact(f"{SECRET}|{quote(SECRET)}|cab|clean") == "•••|•••|c•••|clean"
    assert Redactor()("as it is") == "as it is"
