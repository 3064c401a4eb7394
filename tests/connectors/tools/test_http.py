"""The HTTP client against a server that does what servers do on bad days."""

from __future__ import annotations

import gzip
import threading
import time
from email.utils import formatdate

import pytest

from connectors.base import CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.tools.http import Conflict, Forbidden, NotFound, NotOffered, Stale
from connectors.tools.http_connections import MOST_COOKIES
from tests.connectors.conftest import SECRET
from tests.connectors.fake import DROPPED, FOREVER, WEB_PAGE, Reply, cut_off
from tests.parts import free_port

# What an answer means


@pytest.mark.parametrize(
    "status,error",
    [
        (400, Refused),
        (401, CredentialRejected),
        (403, Forbidden),
        (404, NotFound),
        (405, NotOffered),
        (408, TemporarilyUnavailable),
        (409, Conflict),
        (410, NotFound),
        (412, Stale),
        (422, Refused),
        (429, RateLimited),
        (500, TemporarilyUnavailable),
        (501, NotOffered),
        (503, TemporarilyUnavailable),
        (599, TemporarilyUnavailable),
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "patch", "delete"])
def test_each_status_is_one_of_the_four_errors(target, client, status, error, method):
    target.fail(Reply(status, {"detail": "Because of the moon."}), times=FOREVER)
    with pytest.raises(error, match=f"answered {status}: “Because of the moon”") as raised:
        getattr(client(), method)("thing")
    assert type(raised.value) is error


@pytest.mark.parametrize(
    "body,words",
    [
        ({"errors": [{"message": "First."}, {"detail": "Second."}]}, "“First.; Second”"),
        ({"error": {"code": 190, "message": "Expired"}}, "“Expired”"),
        ({"error": "invalid_grant", "error_description": "Bad code"}, "“Bad code”"),
        ({"title": "Gone fishing"}, "“Gone fishing”"),
        ("plain words", "“plain words”"),
        ("<html><body>Ignore me</body></html>", "answered 400."),
        ("two\nlines\x00\x1b[31m", "“two lines [31m”"),
        ("x" * 5000, "x" * 200 + "…”"),
        ("[" * 100_000, "answered 400"),
        ("", "answered 400."),
        (b"\xff\xfe\xfa", "answered 400"),
        ({"detail": None, "message": 7, "error": [None, {"x": "y"}]}, "answered 400."),
    ],
)
def test_the_apps_own_words_are_shown(target, client, body, words):
    target.fail(Reply(400, body))
    with pytest.raises(Refused) as refusal:
        client().get("thing")
    assert words in str(refusal.value) or words == "x" * 200 + "…”" and str(refusal.value).endswith("x…”.")
    assert str(refusal.value).isprintable() and len(str(refusal.value)) < 500


@pytest.mark.parametrize("body", ["", "{", "<html>", "[" * 100_000, b"\xff\xff", "1" * 10_000])
def test_an_answer_that_is_not_json_is_temporarily_unavailable(target, client, body):
    target.fail(Reply(200, body))
    with pytest.raises(TemporarilyUnavailable):
        client().get("thing").json(dict)


def test_a_web_page_is_called_one(target, client):
    target.fail(WEB_PAGE)
    with pytest.raises(TemporarilyUnavailable, match="a web page instead of data"):
        client().get("thing").json()


@pytest.mark.parametrize("status", [404, 410])
def test_a_web_page_says_of_nobody_that_they_are_gone(target, client, status):
    target.fail(Reply(status, WEB_PAGE.body), times=FOREVER)
    with pytest.raises(TemporarilyUnavailable, match="a web page instead of data"):
        client().get("thing")
    assert len(target.requests) == 1, "another attempt would get the same"


def test_a_connector_may_read_errors_in_its_own_way(target, client):
    target.fail(Reply(200, {"ok": False, "error": f"ratelimited {SECRET}"}), times=2)
    answers = []

    def on_error(answer):
        answers.append(answer.status)
        if answer.json().get("ok") is False:
            return RateLimited(f"Slack says: {answer.json()['error']}", 2)

    pauses: list[float] = []
    assert client(on_error=on_error, pause=pauses.append).post("thing").json()["method"] == "POST"
    assert answers == [200, 200, 200] and pauses == [2, 2]
    target.fail(Reply(200, {"ok": False, "error": SECRET}), times=FOREVER)
    with pytest.raises(RateLimited) as limited:
        client(on_error=on_error).get("thing")
    assert SECRET not in str(limited.value)


# Trying again


@pytest.mark.parametrize("method,tries", [("get", 4), ("put", 4), ("delete", 4), ("post", 1), ("patch", 1)])
def test_only_idempotent_calls_are_repeated(target, client, pauses, method, tries):
    target.fail(Reply(503), times=FOREVER)
    with pytest.raises(TemporarilyUnavailable):
        getattr(client(), method)("thing")
    assert len(target.requests) == tries
    assert pauses == sorted(pauses) and len(pauses) == tries - 1


def test_a_search_by_post_may_be_repeated(target, client):
    target.fail(Reply(503), times=2)
    assert client().post("thing", json={"a": 1}, idempotent=True).json()["body"] == {"a": 1}


def test_a_call_that_never_arrived_is_repeated_whatever_it_is(client, pauses):
    with pytest.raises(TemporarilyUnavailable, match="accepts no connection"):
        client(base_url=f"http://127.0.0.1:{free_port()}").post("thing", json={"a": 1})
    assert len(pauses) == 3


@pytest.mark.parametrize("bend,acts", [(cut_off, True), (DROPPED, False)])
def test_a_broken_answer_is_asked_for_again(target, client, bend, acts):
    target.fail(bend, acts=acts, times=2)
    assert client().get("thing").json()["method"] == "GET"
    assert len(target.requests) == 3


def test_a_post_whose_answer_broke_is_not_sent_twice(target, client):
    target.fail(cut_off, acts=True, times=FOREVER)
    with pytest.raises(TemporarilyUnavailable, match="before the answer was complete"):
        client().post("thing", json={"a": 1})
    assert len(target.requests) == 1


# Too many calls


@pytest.mark.parametrize(
    "status,headers,expected",
    [
        (429, {"Retry-After": "120"}, 120),
        (429, {"Retry-After": " 7.5 "}, 7.5),
        (429, {"Retry-After": "DATE IN 600"}, 600),
        (429, {"Retry-After": formatdate(600, usegmt=True), "Date": formatdate(0, usegmt=True)}, 600),
        (429, {"Retry-After": "99999999999"}, 86400),
        (429, {"Retry-After": "99999999999999999999"}, 60),
        (429, {"Retry-After": "-5"}, 60),
        (429, {"Retry-After": "soon"}, 60),
        (429, {"Retry-After": "nan"}, 60),
        (429, {"Retry-After": "Tue, 99 Foo 20x6"}, 60),
        (429, {"Retry-After": "Thu, 26 Nov 2026 00:00:00 +99999999999999999999"}, 60),
        (429, {"Retry-After": "Thu, 26 Nov 2026 99999999999999999999:00:00 GMT"}, 60),
        (429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "UNIX TIME IN 900"}, 900),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "UNIX TIME IN 900"}, 900),
        (403, {"Retry-After": "30"}, 30),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "50"}, 50),
        (429, {}, 60),
    ],
)
def test_the_wait_that_the_app_asks_for_is_handed_on(target, client, status, headers, expected):
    moment = {
        "DATE IN 600": formatdate(time.time() + 600, usegmt=True),
        "UNIX TIME IN 900": str(int(time.time()) + 900),
    }
    headers = {name: moment.get(value, value) for name, value in headers.items()}
    target.fail(Reply(status, headers=headers), times=FOREVER)
    with pytest.raises(RateLimited) as limited:
        client().get("thing")
    assert limited.value.retry_after == pytest.approx(expected, abs=60 if expected >= 600 else 5)


def test_a_plain_403_is_about_permission_though_calls_are_counted(target, client):
    target.fail(Reply(403, headers={"X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "9999999999"}))
    with pytest.raises(Forbidden):
        client().get("thing")


def test_a_403_to_an_operation_is_the_apps_no(target, client):
    target.fail(Reply(403, {"message": "Not this one."}))
    with pytest.raises(Refused, match="Not this one"):
        client().operate("DELETE", "thing")


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_short_wait_is_waited_out_for_any_call(target, client, pauses, method):
    target.fail(Reply(429, headers={"Retry-After": "3"}))
    getattr(client(), method)("thing")
    assert pauses == [3]


def test_a_date_in_the_past_means_soon(target, client, pauses):
    target.fail(Reply(429, headers={"Retry-After": formatdate(0, usegmt=True)}))
    client().get("thing")
    assert len(pauses) == 1 and pauses[0] < 1


def test_patience_can_be_longer(target, client, pauses):
    target.fail(Reply(503, headers={"Retry-After": "40"}))
    client(patience=60).get("thing")
    assert pauses == [40]


def test_a_long_wait_of_a_503_is_not_cut_short(target, client, pauses):
    target.fail(Reply(503, headers={"Retry-After": "40"}), times=FOREVER)
    with pytest.raises(TemporarilyUnavailable):
        client().get("thing")
    assert pauses == []


# Size and time


def test_an_answer_too_large_is_given_up_and_not_asked_for_again(target, client):
    target.fail(Reply(200, "x" * 1001), times=FOREVER)
    with pytest.raises(TemporarilyUnavailable, match="more than 1,000 bytes"):
        client(max_bytes=1000).get("thing")
    assert len(target.requests) == 1
    target.behave()
    target.fail(Reply(200, '"' + "x" * 998 + '"'))
    assert len(client(max_bytes=1000).get("thing").body) == 1000


def test_a_gzip_bomb_is_not_unpacked(target, client):
    bomb = gzip.compress(b" " * 20_000_000)
    target.fail(Reply(200, bomb, {"Content-Encoding": "gzip"}), times=FOREVER)
    with pytest.raises(TemporarilyUnavailable, match="more than 1,000,000 bytes"):
        client(max_bytes=1_000_000).get("thing")


def test_an_answer_that_is_packed_several_times_is_not_unpacked(target, client):
    """250 bytes take urllib3 20 seconds of processor time: it copies what the first of three gave for each piece."""
    target.fail(Reply(200, gzip.compress(gzip.compress(b"{}")), {"Content-Encoding": "gzip, gzip"}), times=FOREVER)
    with pytest.raises(TemporarilyUnavailable, match="packed several times"):
        client().get("thing")
    assert len(target.requests) == 1


def test_an_apps_cookies_are_sent_back_within_limits(target, client):
    http = client()
    given = ["long=" + "x" * 5000, *(f"c{number}=1" for number in range(MOST_COOKIES + 1)), "c0=2"]
    for cookie in given:
        target.fail(Reply(200, {}, {"Set-Cookie": cookie}))
        http.get("thing")
    http.get("thing")
    sent = target.requests[-1].headers["cookie"].split("; ")
    assert sorted(sent) == sorted(["c0=2", *(f"c{number}=1" for number in range(1, MOST_COOKIES))])


def test_gzip_is_unpacked_and_broken_gzip_reported(target, client):
    target.fail(Reply(200, gzip.compress(b'{"a": 1}'), {"Content-Encoding": "gzip"}))
    assert client().get("thing").json() == {"a": 1}
    target.fail(Reply(200, b"this is no gzip", {"Content-Encoding": "gzip"}), times=FOREVER)
    with pytest.raises(TemporarilyUnavailable, match="can't be unpacked"):
        client().get("thing")


def test_a_silent_server_is_given_up(target, client):
    release = threading.Event()
    target.when(lambda: release.wait(20))
    try:
        with pytest.raises(TemporarilyUnavailable, match="no answer in time"):
            client(timeout=(5, 0.1), retries=0).get("thing")
    finally:
        release.set()


def test_a_silent_server_is_asked_once_more_and_then_not_at_once_again(target, client, pauses):
    release = threading.Event()
    target.when(lambda: release.wait(20))
    try:
        with pytest.raises(TemporarilyUnavailable, match="no answer in time") as silence:
            client(timeout=(5, 0.1)).get("thing")
        assert silence.value.silent and len(pauses) == 1
    finally:
        release.set()


def test_a_server_that_refuses_connections_or_is_ill_is_not_silent(target, client):
    target.fail(Reply(503), times=FOREVER)
    with pytest.raises(TemporarilyUnavailable) as ill:
        client().get("thing")
    with pytest.raises(TemporarilyUnavailable, match="accepts no connection") as refused:
        client(base_url=f"http://127.0.0.1:{free_port()}").get("thing")
    assert not ill.value.silent and not refused.value.silent and len(target.requests) == 4
