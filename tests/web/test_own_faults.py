"""What people, load balancers and identity providers see during our own faults; pages stay readable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from sync import faults
from sync.db import utcnow
from sync.jobs import asking, clock, health, queue
from sync.models import Check, Session
from sync.people import people
from tests import database
from tests.faults import own
from tests.web.client import Client

PAGES = ("/apps", "/people", "/reports", "/activity", "/directories", "/settings")
HINDERED = faults.SERVER_READS_ONLY if database.on_server() else faults.READ_ONLY
READ_ONLY = HINDERED.sentence.rstrip(".").replace("'", "&#39;")


@pytest.fixture(autouse=True)
def well_before() -> Iterator[None]:
    faults.clear()
    health._looked_at = float("-inf")
    yield
    faults.clear()


def test_healthz_is_503_with_the_reason_until_it_is_over(anybody):
    queue.sweep()
    assert anybody.get("/healthz").status_code == 200
    with own.read_only():
        queue.sweep()
        response = anybody.get("/healthz")
        assert response.status_code == 503 and response.text.startswith(HINDERED.text)
    queue.sweep()
    assert (anybody.get("/healthz").status_code, anybody.get("/healthz").text) == (200, "ok\n")


def test_every_page_can_be_read_and_says_so_while_nothing_can_be_written(owner):
    assert READ_ONLY not in owner.get("/apps").text
    Session.update(seen_at=utcnow() - timedelta(minutes=5)).execute()  # to be written by the next page
    with own.read_only():
        queue.sweep()
        for page in PAGES:
            response = owner.get(page)
            assert response.status_code == 200 and READ_ONLY in response.text, page
    queue.sweep()
    assert READ_ONLY not in owner.get("/apps").text


def test_a_request_on_a_full_disk_is_refused_in_words_and_not_done(owner, by):
    token = owner.token()
    with own.read_only():
        response = owner.post("/people", name="Jana", email="jana@acme.example", csrf=token)
        assert response.status_code == 503 and response.headers["Retry-After"] == "60"
        assert READ_ONLY in response.text and "was not carried out, and nothing is lost" in response.text
        response = owner.send("POST", "/people", htmx=True, name="Jana", email="jana@acme.example", csrf=token)
        toast = json.loads(response.headers["HX-Trigger"])["toast"]
        assert response.status_code == 503 and HINDERED.sentence.rstrip(".") in toast["text"]
    assert people.find_by_email("jana@acme.example") is None
    assert owner.post("/people", name="Jana", email="jana@acme.example").status_code == 303


def test_a_bug_is_still_a_bug(owner, monkeypatch):
    monkeypatch.setattr("web.people.page_or_part", lambda *arguments, **values: 1 // 0)
    owner.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    response = owner.get("/people")
    assert response.status_code == 500 and "Something went wrong in Rollcall" in response.text


def test_an_identity_provider_is_asked_to_send_it_again(okta):
    with own.read_only():
        response = okta.call("POST", "/Users", {"userName": "ana@acme.example", "active": True})
    assert response.status_code == 503 and response.headers["Retry-After"]
    assert HINDERED.sentence in response.json["detail"] and "again" in response.json["detail"]
    okta.add("ana@acme.example")


@database.ON_FILE
def test_the_check_that_waits_says_why_and_until_when(owner, chat):
    check = asking.ask(chat.app, chat.by)
    with own.full_for_what_is_staged():
        queue.drain(("check",))
    response = owner.get(f"/apps/{chat.app.id}/checks/{check.id}").text
    assert "The disk that Rollcall writes to is full." in response and "The next attempt is" in response
    assert "connector" not in response
    assert "The disk that Rollcall writes to is full." in owner.get("/apps").text, "the banner"
    Check.update(next_at=utcnow()).execute()
    queue.drain(("check",))
    assert "The disk that Rollcall writes to is full." not in owner.get("/apps").text


def test_an_owner_says_that_the_clock_is_right(owner, someone, site):
    clock.keep(utcnow() + timedelta(days=400))
    assert "has gone back" in owner.get("/apps").text and "The clock is right now" in owner.get("/settings").text
    collaborator = Client(site, someone("Kim Larsen", "user"))
    assert "has gone back" in collaborator.get("/apps").text
    assert collaborator.send("PUT", "/settings/clock").status_code == 403
    assert owner.send("PUT", "/settings/clock").status_code == 303
    assert "has gone back" not in owner.get("/apps").text
    assert "The clock is right now" not in owner.get("/settings").text
