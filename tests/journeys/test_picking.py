"""People are picked to be invited, a toast says when it is done, and text that can't be copied is selected."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from sync.jobs import queue
from sync.models import Account, Invitation, Person
from tests.journeys.looks import Look, look_at, nothing_wrong, opens
from tests.sync.fixtures import email

REFUSED = """
    Object.defineProperty(navigator, "clipboard", {value: {writeText: () => Promise.reject(new Error("not allowed"))}})
    document.execCommand = () => %s
"""


def drain() -> None:
    while queue.drain(("task",)):
        pass


def test_people_are_picked_and_invited(visit, live, olga: Person, chat) -> None:
    page: Page = visit(olga, expected=("status of 422",), at=None)
    page.goto(f"{live.url}/apps/{chat.app.id}/members")
    opens("#add-users")(page)
    field = page.get_by_label("People", exact=True)
    page.evaluate("""() => {
        const data = new DataTransfer(), field = document.querySelector("[data-pastes]")
        data.setData("text", "kim@freelance.example\\nbo@acme.example\\n")
        field.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}))
    }""")
    expect(field).to_have_value("kim@freelance.example, bo@acme.example")
    field.press("Enter")
    picked = page.locator("#picked li")
    expect(picked).to_have_text(["kim@freelance.example", "bo@acme.example"])
    expect(field).to_have_value("")
    page.get_by_role("button", name="Remove bo@acme.example").click()
    expect(picked).to_have_count(1)
    field.fill("nobody")
    page.click("#add-person")
    expect(page.get_by_role("alert")).to_contain_text("isn't an e-mail address")
    expect(field).to_have_value("nobody")
    field.fill("")
    page.click("#preview-invitations")
    page.get_by_role("button", name="Back").click()
    expect(picked).to_have_text(["kim@freelance.example"])
    page.click("#preview-invitations")
    page.dblclick("#confirm")
    expect(page.locator(".toast")).to_contain_text("1 person is being invited to Chat.")
    drain()
    expect(page.locator(".toast")).to_contain_text("Invited 1 person to Chat: Chat has confirmed it.")
    assert [one.email for one in Invitation.select()] == ["kim@freelance.example"]


def test_a_toast_says_when_the_app_has_confirmed_it(visit, live, olga: Person, chat) -> None:
    account = Account.get(Account.email == email(3))
    page: Page = visit(olga, at=None)
    page.goto(f"{live.url}/apps/{chat.app.id}/removals/new?account={account.id}")
    page.click("#confirm")  # a page of its own: the toast comes with the next one
    expect(page.locator(".toast")).to_contain_text("Removing 1 account from Chat")
    drain()
    expect(page.locator(".toast")).to_contain_text("Removed 1 account from Chat: Chat has confirmed it.")


@pytest.mark.parametrize("can_copy", ["true", "false"])
def test_copying_without_the_clipboard(visit, live, olga: Person, home, can_copy: str) -> None:
    page: Page = visit(olga, at=None)
    page.tab.add_script(REFUSED % can_copy)
    page.goto(f"{live.url}/directories/new/entra")
    button = page.locator("[data-copy]").first
    button.click()
    if can_copy == "true":
        expect(button).to_contain_text("Copied")
        return
    expect(button).to_contain_text("Selected: press Ctrl+C")
    expected = button.get_attribute("data-copy").split()
    assert page.evaluate("getSelection().toString()").split() == expected


def test_looks(visit, live, olga: Person, chat) -> None:
    def picked(page: Page) -> None:
        opens("#add-users")(page)
        page.get_by_label("People", exact=True).fill("kim@freelance.example, bo.with.a.long.address@acme.example")
        page.click("#add-person")
        page.wait_for_selector("#picked")

    page = visit(olga, at=None)
    look = Look("add-users", f"/apps/{chat.app.id}/members", picked)
    nothing_wrong(look_at(page, live.url, look))
