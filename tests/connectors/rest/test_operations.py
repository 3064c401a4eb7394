"""The calls to a YAML-described app, which answers count as done, and what its errors mean."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from connectors.base import Account, Asset, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.rest.connector import RestConnector
from tests.connectors.described import SECRET, Anything, described, ids, pages, users
from tests.connectors.fake import Reply

PAGED = [{"path": "/users", "paging": {"offset": {"size": 100, "size_parameter": "limit"}}, "account": {"id": "id"}}]


# Operations

ANA = Account("7/7", "ana@acme.example", "Ana", role="user")


def operation(name: str, call: object) -> dict:
    return {"accounts": [{"path": "/users", "account": {"id": "id"}, name: call}]}


def test_a_body_keeps_the_kind_of_its_values(anything, connect):
    anything.answer = lambda request: {}
    call = {"method": "PATCH", "path": "/users/{account.id}", "values": {"admin": True, "user": False},
            "body": {"user": {"admin": "{role}", "tags": ["x", 1, None]},
                     "note": "{account.name}: {{ok}}"}}  # fmt: skip
    connect(**operation("change_role", call)).change_role(ANA, "admin")
    [request] = anything.requests
    assert (request.method, request.path) == ("PATCH", "/users/7%2F7")
    assert request.body == {"user": {"admin": True, "tags": ["x", 1, None]}, "note": "Ana: {ok}"}


def test_a_role_that_the_app_does_not_have_is_refused_before_the_call(anything, connect):
    call = {"path": "/x", "values": {"admin": True}, "body": {"admin": "{role}"}}
    with pytest.raises(Refused, match="no role “emperor”"):
        connect(**operation("change_role", call)).change_role(ANA, "emperor")
    assert not anything.requests


def test_a_form_and_a_query_are_filled_in_and_what_may_be_empty_and_is_is_left_out(anything, connect):
    anything.answer = lambda request: {}
    call = {"path": "/x", "form": {"who": "{account.email}", "seat": "{account.seat?}"}, "query": {"notify": False}}
    connect(**operation("remove", call)).remove(ANA)
    [request] = anything.requests
    assert (request.method, request.body, request.params) == ("POST", {"who": ANA.email}, {"notify": "false"})


def test_several_calls_hand_on_what_they_keep(anything, connect):
    anything.answer = lambda request: [{"id": 31}] if request.method == "GET" else Reply(204)
    calls = [{"method": "GET", "path": "/memberships", "query": {"of": "{account.id}"}, "keep": {"membership": "0.id"}},
             {"method": "DELETE", "path": "/memberships/{kept.membership}"}]  # fmt: skip
    connect(**operation("remove", calls)).remove(ANA)
    assert [f"{request.method} {request.path}" for request in anything.requests] == [
        "GET /memberships",
        "DELETE /memberships/31",
    ]


@pytest.mark.parametrize(
    "more, reply, done",
    [
        ({}, Reply(204), True),
        ({}, Reply(404, {"message": "none"}), True),
        ({"already": [404]}, Reply(404, "<html>Not Found</html>"), True),
        ({"already": [409]}, Reply(409, {}), True),
        ({"already": [409]}, Reply(404, {}), False),
        ({"done": [204]}, Reply(200, {}), False),
        ({"done": [202]}, Reply(202, {}), True),
        ({"done_when": {"ok": [True]}}, Reply(200, {"ok": True}), True),
        ({"done_when": {"ok": [True]}}, Reply(200, {"ok": False}), False),
        ({"done_when": {"ok": [True]}}, Reply(200, "<html>"), False),
        ({"already_when": {"error.code": ["gone"]}}, Reply(400, {"error": {"code": "gone"}}), True),
        ({"already_when": {"error.code": ["gone"]}}, Reply(400, {"error": {"code": "no"}}), False),
        ({}, Reply(403, {"message": "not the owner"}), False),
    ],
)
def test_the_answers_that_count_as_done(anything, connect, more, reply, done):
    anything.answer = lambda request: reply
    connector = connect(**operation("remove", {"method": "DELETE", "path": "/users/{account.id}", **more}))
    if done:
        connector.remove(ANA)
    else:
        with pytest.raises(Refused):
            connector.remove(ANA)


def test_a_web_page_is_no_word_of_the_app_unless_the_file_says_so(anything, connect):
    anything.answer = lambda request: Reply(404, "<!doctype html><html>Not Found</html>")
    calls = {"method": "DELETE", "path": "/users/{account.id}"}
    with pytest.raises(TemporarilyUnavailable):
        connect(**operation("remove", calls)).remove(ANA)
    look_up = {"path": "/users/{account.id}"}
    with pytest.raises(TemporarilyUnavailable):
        connect(**operation("look_up", look_up)).account("7")
    assert connect(**operation("look_up", {**look_up, "gone": [404]})).account("7") is None


def test_operations_on_assets_know_both(anything, connect):
    anything.answer = lambda request: Reply(204)
    call = {"method": "PUT", "path": "/teams/{asset.id}/{account.id}", "body": {"as": "{role}", "in": "{asset.name}"}}
    assets = [{"path": "/teams", "kind": "team", "prefix": "team:", "asset": {"id": "id"}, "grant": call}]
    connect(assets=assets).grant(ANA, Asset("team:9", "team", "Ops"), "lead")
    [request] = anything.requests
    assert (request.path, request.body) == ("/teams/9/7%2F7", {"as": "lead", "in": "Ops"})


# Errors, pace, TLS

ERRORS = {
    "says": "error.text", "when": {"ok": [False]}, "credential": {"error.code": ["bad_token"]},
    "too_many": {"error.code": ["slow_down"]}, "later": {"error.code": ["busy"]},
}  # fmt: skip


@pytest.mark.parametrize(
    "code, problem",
    [
        ("bad_token", CredentialRejected),
        ("slow_down", RateLimited),
        ("busy", TemporarilyUnavailable),
        ("else", Refused),
    ],
)
def test_an_error_inside_a_good_status_is_distinguished(anything, connect, code, problem):
    reply = {"ok": False, "error": {"code": code, "text": f"In the app's words, {SECRET}"}}
    anything.answer = lambda request: Reply(200, reply, {"X-Wait": "77"})
    connector = connect(errors=ERRORS, rate_limit={"wait_header": "X-Wait"})
    with pytest.raises(problem, match="In the app's words") as raised:
        ids(connector)
    assert SECRET not in str(raised.value)
    if problem is RateLimited:
        assert raised.value.retry_after == 77


def test_a_status_can_mean_too_many(anything, connect):
    anything.answer = lambda request: Reply(420, {}, {"Retry-After": "99"})
    with pytest.raises(RateLimited) as raised:
        ids(connect(rate_limit={"statuses": [420]}))
    assert raised.value.retry_after == 99


def test_calls_keep_the_pace_of_the_file(anything, connect):
    anything.answer = lambda request: pages(users(250), request)
    connector = connect(accounts=PAGED, rate_limit={"calls": 60, "seconds": 60})
    waits: list[float] = []
    connector._client._pause = waits.append
    assert len(ids(connector)) == 250
    assert len(waits) == len(anything.requests) - 1 and all(0.5 < wait <= 3.1 for wait in waits)


@pytest.fixture
def authority(anything: Anything) -> trustme.CA:
    """The one that `anything` shows a certificate of."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    anything._server.tls = context
    anything.answer = lambda request: users(1)
    return authority


def over_tls(anything: Anything, folder: Path, trusted: trustme.CA) -> RestConnector:
    trusted.cert_pem.write_to_path(folder / "ca.pem")
    kind = described(folder, tls={"authority": "ca.pem"})
    return kind({"base_url": anything.url.replace("http:", "https:"), "token": SECRET})


def test_the_files_own_authority_is_trusted(anything, authority, tmp_path):
    assert ids(over_tls(anything, tmp_path, authority)) == ["0"]


def test_no_other_authority_is_trusted(anything, authority, tmp_path):
    with pytest.raises(TemporarilyUnavailable, match="certificate"):
        ids(over_tls(anything, tmp_path, trustme.CA()))
