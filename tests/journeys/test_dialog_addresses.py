"""A dialog that others may open too has an address: Back closes it, a reload and a second tab open it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from sync.models import Person, Report


def test_a_report_is_in_the_address(visit, live, olga: Person, chat) -> None:
    chat.leave(1)
    chat.check()
    number = Report.get(Report.state == "open").id
    app, page = f"{live.url}/apps/{chat.app.id}", visit(olga)
    page.goto(f"{live.url}/apps")
    page.goto(app)
    page.click("#view-report")
    wizard = page.locator("#sync-data:modal")
    expect(wizard).to_be_visible()
    expect(page).to_have_url(f"{app}?report={number}")
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(app)
    page.go_forward()
    expect(wizard).to_be_visible()
    page.reload()
    expect(wizard).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(app)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.click("#view-report")
    wizard.get_by_role("link", name="Later").click()
    expect(page).to_have_url(app)
    page.go_back()
    expect(page).to_have_url(re.compile("/apps$"))
    other = visit(olga)
    other.goto(f"{app}?report={number}")
    expect(other.locator("#sync-data:modal")).to_be_visible()
    other.click("#finish-sync")
    expect(other).to_have_url(re.compile("/tasks|/activity"))
    expect(other.get_by_role("dialog")).to_have_count(0)


def test_a_check_is_in_the_address(visit, live, olga: Person, chat) -> None:
    page = visit(olga)
    page.goto(f"{live.url}/apps/{chat.app.id}")
    page.get_by_role("button", name="Check for updates").dblclick()
    expect(page).to_have_url(re.compile(r"\?check=\d+$"))
    page.reload()
    expect(page.locator("dialog:modal")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(f"{live.url}/apps/{chat.app.id}")


def test_nonsense_opens_nothing(visit, live, olga: Person, chat) -> None:
    page = visit(olga)
    page.goto(f"{live.url}/apps/{chat.app.id}?report=//evil.example")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
