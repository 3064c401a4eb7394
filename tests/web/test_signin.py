"""Signing in and out, the one-time link, and where one is sent afterwards."""

from __future__ import annotations

import pytest
from flask import Flask

from sync.models import Activity, Person, Session
from sync.people import people
from sync.sign_in import attempts, sessions, sign_in
from tests.asking import MACHINE
from tests.web.client import Client
from web.answers import safe_address

PASSWORD = "correct horse battery"


def _sign_in(browser: Client, email: str = "olga@acme.example", password: str = PASSWORD, **values):
    return browser.post("/session", email=email, password=password, **values)


def test_right_password(anybody: Client, olga: Person) -> None:
    answer = _sign_in(anybody)
    assert (answer.status_code, answer.location) == (303, "/")
    page = anybody.get("/settings")
    assert "Olga Brandt" in page.text and "Acme · Owner" in page.text


@pytest.mark.parametrize(
    "email, password",
    [
        ("olga@acme.example", "wrong horse battery"),
        ("nobody@acme.example", PASSWORD),
        ("", ""),
        ("' OR 1=1 --", "' OR 1=1 --"),
        ("olga@acme.example\x00", PASSWORD),
        ("olga@acme.example", "x" * 100_000),
    ],
)
def test_wrong_password_or_email_alike(anybody: Client, olga: Person, email: str, password: str) -> None:
    answer = _sign_in(anybody, email, password)
    assert answer.status_code == 422
    assert "Wrong e-mail or password" in answer.text
    assert anybody.get("/settings").status_code == 303


def test_email_comes_back_escaped_and_the_password_never(anybody: Client, olga: Person) -> None:
    answer = _sign_in(anybody, '"><script>alert(1)</script>', "a secret nobody may see")
    assert "<script>alert" not in answer.text and "&lt;script&gt;" in answer.text
    assert "a secret nobody may see" not in answer.text


def test_too_many_tries(anybody: Client, olga: Person) -> None:
    for _ in range(attempts.OF_PERSON):
        assert _sign_in(anybody, password="wrong horse battery").status_code == 422
    answer = _sign_in(anybody)
    assert answer.status_code == 429
    assert "Try again in" in answer.text


def test_one_who_left_or_has_no_role_may_not(anybody: Client, olga: Person, by: str, someone) -> None:
    ben = someone("Ben Roth", "user")
    sign_in.set_password(ben, PASSWORD)
    assert _sign_in(Client(anybody.client.application), "ben.roth@acme.example").status_code == 303
    people.mark_left(ben, by)
    assert _sign_in(anybody, "ben.roth@acme.example").status_code == 422


def test_leaving_ends_the_session_at_once(site, by: str, someone) -> None:
    ben = someone("Ben Roth", "user")
    browser = Client(site, ben)
    assert browser.get("/settings").status_code == 200
    people.mark_left(ben, by)
    assert browser.get("/settings").status_code == 303


def test_without_token_nothing_happens(site, olga: Person) -> None:
    answer = site.test_client().post("/session", data={"email": "olga@acme.example", "password": PASSWORD})
    assert answer.status_code == 400
    assert "Reload the page" in answer.text
    assert Session.select().count() == 0


def test_token_of_another_session_is_refused(site, olga: Person) -> None:
    strangers_token = Client(site).token()
    browser = Client(site, olga)
    assert browser.send("DELETE", "/session", csrf=strangers_token).status_code == 400
    assert browser.get("/settings").status_code == 200


def test_sign_out(owner: Client) -> None:
    cookie = owner.client.get_cookie("rollcall").value
    assert owner.send("DELETE", "/session").location == "/sign-in"
    assert owner.get("/settings").status_code == 303
    owner.client.set_cookie("rollcall", cookie)
    assert owner.get("/settings").status_code == 303, "the old cookie is worth nothing once one has signed out"
    assert Session.select().count() == 0


def test_signing_out_needs_no_session(anybody: Client, olga: Person) -> None:
    assert anybody.send("DELETE", "/session").location == "/sign-in"


def test_continues_to_the_requested_page(anybody: Client, olga: Person) -> None:
    answer = anybody.get("/people?search=jana&status=active")
    assert answer.location == "/sign-in?next=/people?search%3Djana%26status%3Dactive"
    page = anybody.get(answer.location)
    assert 'name="next" value="/people?search=jana&amp;status=active"' in page.text
    assert _sign_in(anybody, next="/people?search=jana&status=active").location == "/people?search=jana&status=active"


@pytest.mark.parametrize(
    "hostile",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/apps\r\nSet-Cookie: a=b",
        "",
        None,
        "apps",
        "/\t/evil.example",
    ],
)
def test_never_to_another_host(site: Flask, hostile: str | None) -> None:
    with site.test_request_context():
        assert safe_address(hostile) == "/"


def test_signing_in_starts_a_fresh_session(anybody: Client, olga: Person) -> None:
    before = anybody.token()
    _sign_in(anybody)
    assert anybody.send("DELETE", "/session", csrf=before).status_code == 400


def test_one_time_link(anybody: Client, olga: Person) -> None:
    link = f"/sign-in/{sign_in.signed_link(olga)}"
    assert anybody.client.head(link).status_code == 200
    assert anybody.get(link).location == "/"
    assert anybody.get("/settings").status_code == 200
    again = Client(anybody.client.application)
    answer = again.get(link)
    assert answer.status_code == 410 and "already used" in answer.text
    assert again.get("/settings").status_code == 303


@pytest.mark.parametrize("token", ["x", "a.b", "." * 50, "%00", "é", "a" * 5000])
def test_forged_link(anybody: Client, olga: Person, token: str) -> None:
    assert anybody.get(f"/sign-in/{token}").status_code == 410


def test_signing_in_is_reported(anybody: Client, olga: Person) -> None:
    _sign_in(anybody)
    assert Activity.select().where(Activity.what == "signed in").count() == 1


def test_htmx_is_sent_to_sign_in(anybody: Client, olga: Person) -> None:
    answer = anybody.get("/people", htmx=True)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/sign-in")


@pytest.mark.parametrize(("open_page", "back"), [
    ("http://localhost/people?role=owner#top", "/people?role%3Downer"), ("http://localhost/", ""), ("", ""),
    ("http://localhost/session", ""), ("http://elsewhere.example/nowhere", ""), ("http://[", ""),
])  # fmt: skip
@pytest.mark.parametrize("header", ["HX-Current-URL", "Referer"])
def test_a_form_that_is_sent_after_the_session_has_ended_says_so(anybody: Client, olga, header, open_page, back):
    anybody.sign_in(olga)
    token = anybody.token()
    sessions.end_sessions(olga, MACHINE)
    htmx = {"HX-Request": "true"} if header == "HX-Current-URL" else {}
    answer = anybody.client.post("/people", data={"csrf_token": token}, headers={header: open_page, **htmx})
    led = answer.headers["HX-Redirect"] if htmx else answer.location
    assert led == (f"/sign-in?next={back}" if back else "/sign-in")
    said = "You are no longer signed in, so nothing was changed. Sign in, then do it again."
    assert anybody.messages() == [("attention", said)]
    for method in ("GET", "HEAD"):
        asked = anybody.client.open("/people", method=method, headers={"Referer": "http://localhost/apps"})
        assert asked.location == "/sign-in?next=/people" and anybody.messages() == []


def test_front_door(anybody: Client, olga: Person) -> None:
    assert anybody.get("/").location == "/sign-in"
    _sign_in(anybody)
    assert anybody.get("/").status_code == 200
    assert anybody.get("/sign-in").location == "/"
