"""Confirming that it is you, a while after signing in: the input is kept, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sync.config import Config
from sync.db import utcnow
from sync.models import Person, Session
from sync.people import people
from sync.sign_in.sessions import FRESH
from tests.journeys.browser import Live, door, serving
from tests.journeys.looks import Look, look_at, nothing_wrong, opens
from tests.journeys.test_second_factor import device
from tests.security.factors import HERE, PASSWORD, with_app


@pytest.fixture
def live(home: Path, config: Config) -> Iterator[Live]:
    """By a name: browsers know no passkeys at an IP address."""
    with serving(config, "http://localhost:{port}", door()) as running:
        yield running


@pytest.fixture
def ben(by: str) -> Person:
    return people.add("Ben Roth", "ben@acme.example", by)


def a_while_later() -> None:
    Session.update(created_at=utcnow() - FRESH - timedelta(minutes=1), confirmed_at=None).execute()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_role_is_given_after_the_password(visit, live: Live, olga: Person, ben: Person, javascript: bool) -> None:
    page = visit(olga, javascript=javascript, expected=("status of 422",), at=None)
    a_while_later()
    page.goto(f"{live.url}/people/{ben.id}")
    page.click("#change-role")
    page.check("[name=role][value=admin]")
    page.click(".dialog-foot >> text=Save")
    page.wait_for_selector("text=Confirm that it is you")
    page.fill("[name=password]", "not it")
    page.click("button >> text=Confirm")
    page.wait_for_selector("[role=alert] >> text=Wrong password")
    page.fill("[name=password]", PASSWORD)
    page.click("button >> text=Confirm")
    page.wait_for_selector("#toasts >> text=can now sign in as admin")
    assert Person.get_by_id(ben.id).workspace_role == "admin"


def test_a_passkey_confirms(visit, live: Live, olga: Person, ben: Person) -> None:
    page = visit(olga, expected=("status of 422", "status of 403"), at=None)
    device(page)
    page.goto(live.url + HERE)
    page.click("button >> text=Add a passkey")
    page.click("text=I have saved them")
    a_while_later()
    page.goto(f"{live.url}/people/{ben.id}")
    page.click("#change-role")
    page.check("[name=role][value=user]")
    page.click(".dialog-foot >> text=Save")
    page.click("button >> text=Use your passkey")
    page.wait_for_selector("#toasts >> text=can now sign in as user")
    a_while_later()
    page.goto(live.url + HERE)
    page.click("button >> text=Add a passkey")
    page.wait_for_selector("text=Confirm that it is you")
    page.click("button >> text=Use your passkey")
    page.wait_for_url(live.url + HERE)


def test_cancel_changes_nothing_and_stays_on_the_page(visit, live: Live, olga: Person, ben: Person) -> None:
    page = visit(olga, expected=("status of 422",), at=None)
    a_while_later()
    page.goto(live.url + "/settings")
    page.fill("[name=session_hours]", "7")
    page.click("#save-settings")
    page.wait_for_selector("dialog:modal >> text=Confirm that it is you")
    page.click("dialog >> text=Cancel")
    assert page.input_value("[name=session_hours]") == "7"


def test_looks(visit, live: Live, olga: Person, ben: Person) -> None:
    page = visit(olga, expected=("status of 422",), at=None)
    device(page)
    page.goto(live.url + HERE)
    page.click("button >> text=Add a passkey")
    page.click("text=I have saved them")

    def asked(page) -> None:
        opens("#change-role")(page)
        page.check("[name=role][value=user]")
        page.click(".dialog-foot >> text=Save")
        page.wait_for_selector("dialog:modal >> text=Confirm that it is you")

    a_while_later()
    wrong = look_at(page, live.url, Look("confirm", f"/people/{ben.id}", asked))
    with_app(olga)
    wrong += look_at(page, live.url, Look("confirm-both", f"/people/{ben.id}", asked))
    nothing_wrong(wrong)
