"""Connecting an app in a browser: a form that was opened leaves nothing behind, and what was entered is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from connectors.apps.slack import Slack
from connectors.getting_started import SLACK_MANIFEST
from sync.models import App, Person
from tests.connectors.apps.test_slack import TestSlack as SlackContract
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
    page, other = visit(olga, expected=("status of 422",), at=None), visit(olga, at=None)
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
    page = visit(olga, at=None)
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
    page = visit(olga, javascript=False, expected=("status of 422",), at=None)
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


def test_slack_is_connected_as_its_page_shows(visit, live: Live, olga: Person, monkeypatch) -> None:
    contract, slack = SlackContract(), SlackContract.fake()
    slack.start()
    try:
        contract.fill(slack, 3)
        monkeypatch.setattr(Slack, "api", f"{slack.url}/api")
        page: Page = visit(olga, at=None)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(f"{live.url}/apps/new")
        page.get_by_text("What the levels mean").click()
        expect(page.get_by_text("Silver: ")).to_be_visible()
        page.get_by_label("Search the catalogue").fill("slack")
        expect(page.locator("a.choice-card")).to_have_count(1)
        page.locator("a.choice-card", has_text="Slack").click()

        shortcut = page.get_by_role("link", name="Create the Slack app")
        assert parse_qs(urlsplit(shortcut.get_attribute("href")).query)["manifest_yaml"] == [SLACK_MANIFEST]
        expect(shortcut).to_have_attribute("target", "_blank")
        copies(page, page.locator(".shortcut [data-copy]"), SLACK_MANIFEST)
        copies(page, page.locator(".how [data-copy]").first, "users:read")
        expect(page.get_by_role("link", name="api.slack.com/apps")).to_have_attribute("href", "https://api.slack.com/apps")
        notes = page.locator("details", has_text="What it can and can't do")
        expect(notes.locator("li").first).to_be_hidden()
        notes.locator("summary").click()
        expect(notes.locator("li").first).to_be_visible()

        page.locator("[name=token]").fill(slack.token)
        page.get_by_role("button", name="Test connection").click()
        expect(page.locator("#tested")).to_contain_text("Connection works")
        expect(page.get_by_role("button", name="Continue")).to_have_count(1)
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url("**/connection/owners")
    finally:
        slack.stop()


def copies(page: Page, button: Locator, text: str) -> None:
    button.click()
    expect(button).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == text
