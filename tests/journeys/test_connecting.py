"""Connecting an app in a browser: a form that was opened leaves nothing behind, and what was entered is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sync.models import App, Person
from tests.demo.apps import ChatApp
from tests.journeys.browser import Live


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[ChatApp]:
    """An Acme Chat that nobody has connected yet."""
    with ChatApp(tmp_path / "acme") as chat:
        chat.store.add("olga@acme.example", "Olga Brandt", "owner", via="page")
        yield chat


def fill(page: Page, acme: ChatApp, token: str) -> None:
    page.locator("[name=app_name]").fill("Chat")
    page.locator("[name=base_url]").fill(acme.url)
    page.locator("[name=token]").fill(token)


def choose(page: Page, live: Live) -> None:
    page.goto(f"{live.url}/apps/new")
    page.locator("a.choice-card", has_text="Acme Chat").click()
    expect(page.get_by_role("heading", name="Connect Acme Chat")).to_be_visible()


def test_the_first_test_makes_the_draft(visit, live: Live, olga: Person, acme: ChatApp) -> None:
    page, other = visit(olga, expected=("status of 422",)), visit(olga)
    choose(page, live)
    form = page.url
    choose(other, live)
    page.go_back()
    page.go_forward()
    page.reload()
    assert App.select().count() == 0, "two tabs, Back, forward and a reload"
    fill(page, acme, "wrong")
    page.get_by_role("button", name="Test connection").dblclick()
    expect(page.locator("#tested [role=alert]")).to_be_visible()
    expect(page.locator("[name=token]")).to_have_value("wrong")
    app = App.get()
    page.wait_for_url(f"{live.url}/apps/{app.id}/connection")
    page.reload()
    expect(page.locator("[name=base_url]")).to_have_value(acme.url)
    page.goto(form)
    page.wait_for_url(f"{live.url}/apps/{app.id}/connection")
    page.locator("[name=token]").fill(acme.token)
    page.get_by_role("button", name="Continue").dblclick()
    page.wait_for_url("**/connection/owners")
    page.go_back()
    expect(page.locator("[name=base_url]")).to_have_value(acme.url)
    assert App.select().count() == 1


def test_continue_at_once_and_back(visit, live: Live, olga: Person, acme: ChatApp) -> None:
    page = visit(olga)
    choose(page, live)
    fill(page, acme, acme.token)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/connection/owners")
    page.go_back()
    expect(page.locator("[name=base_url]")).to_have_value(acme.url)
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#tested [role=status]")).to_be_visible()
    assert App.select().count() == 1


def test_without_javascript(visit, live: Live, olga: Person, acme: ChatApp) -> None:
    page = visit(olga, javascript=False, expected=("status of 422",))
    choose(page, live)
    fill(page, acme, "wrong")
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#tested [role=alert]")).to_be_visible()
    expect(page.locator("[name=base_url]")).to_have_value(acme.url)
    page.go_back()
    expect(page.locator("[name=base_url]")).to_have_value(acme.url)
    page.locator("[name=token]").fill(acme.token)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/connection/owners")
    assert App.select().count() == 1
