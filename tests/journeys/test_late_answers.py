"""A hand that is quicker than the server: a late answer takes the place of nothing newer."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from sync.models import Person

ANSWERED = """() => { window.answered = new Promise((done) =>
    document.addEventListener("htmx:afterRequest", () => done(), {once: true})) }"""
CLOSE_AND_OPEN = """() => new Promise((done) => {
    addEventListener("popstate", () => setTimeout(done), {once: true})
    document.querySelector("[data-search-close]").click()
    document.getElementById("search-link").click()
})"""


def hold(page: Page, address: str) -> list:
    """The next request to `address` waits in the list for its continue_()."""
    held: list = []
    page.route(address, lambda route: held.append(route), times=1)
    return held


def answer(page: Page, held: list) -> None:
    """The request that waits is answered, and the page has dealt with that."""
    page.evaluate(ANSWERED)
    held[0].continue_()
    page.evaluate("answered")


def test_of_two_dialogs_the_one_that_was_asked_for_later_is_shown(visit, live, olga: Person, chat) -> None:
    page = visit(olga, at=f"/apps/{chat.app.id}")
    held = hold(page, "**/name*")
    with page.expect_request("**/name*"):
        page.click("#change-name")
    page.click("#change-rules")
    page.fill("dialog [name=domain]", "acme.example")
    answer(page, held)
    expect(page.locator("dialog:modal [name=domain]")).to_have_value("acme.example")


def test_a_late_page_closes_no_dialog(visit, live, olga: Person) -> None:
    page = visit(olga, at="/people")
    held = hold(page, "**/people?sort=*")
    with page.expect_request("**/people?sort=*"):
        page.get_by_role("link", name="Name").click()
    page.click("#add-person")
    page.fill("dialog [name=name]", "Jana Kowalski")
    answer(page, held)
    expect(page.locator("dialog:modal [name=name]")).to_have_value("Jana Kowalski")
    expect(page).to_have_url(f"{live.url}/people?dialog=/people/new")


def test_a_dialog_that_is_opened_while_the_browser_steps_back_stays_open(visit, live, olga: Person) -> None:
    page = visit(olga, at="/people")
    page.click("#search-link")
    page.wait_for_url("**?dialog=/search")
    page.evaluate(CLOSE_AND_OPEN)
    expect(page.locator("#search-dialog:modal")).to_be_visible()
    expect(page).to_have_url(f"{live.url}/people?dialog=/search")
    page.go_back()
    expect(page.locator("#search-dialog")).to_have_count(0)
    expect(page).to_have_url(f"{live.url}/people")
