"""The bar of a list of members: at the bottom while something is ticked, with a count; across pages, and without
JavaScript."""

from __future__ import annotations

from playwright.sync_api import expect

from sync.models import Person
from tests.journeys.looks import Look, look_at, nothing_wrong


def test_it_appears_with_a_count_and_is_cleared(visit, live, olga: Person, chat) -> None:
    page = visit(olga, at=f"/apps/{chat.app.id}/members")
    bar = page.locator("#bulk")
    expect(bar).to_be_hidden()
    boxes = page.locator("td.tick input")
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(bar).to_contain_text("2 selected")
    expect(bar).to_be_in_viewport()
    page.click("#bulk-role")
    expect(page.get_by_role("dialog")).to_contain_text("2 accounts in Chat")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Clear").click()
    expect(bar).to_be_hidden()
    expect(page.locator("td.tick input:checked")).to_have_count(0)


def test_without_javascript(visit, live, olga: Person, chat) -> None:
    page = visit(olga, javascript=False, at=f"/apps/{chat.app.id}/members")
    page.locator("td.tick input").first.check()
    page.click("#bulk-role")
    expect(page.locator("main")).to_contain_text("1 account in Chat")


def test_looks(visit, live, olga: Person, chat) -> None:
    def tick(page) -> None:
        page.locator("td.tick input").nth(1).check()

    page = visit(olga, at=None)
    look = Look("bulk-bar", f"/apps/{chat.app.id}/members", tick, within="#bulk")
    nothing_wrong(look_at(page, live.url, look))
