"""The last administrator of an app has left: from the app's card to an app that is up to date, in a real browser."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Page, expect

from sync.checks import comparison
from sync.db import utcnow
from sync.jobs import queue
from sync.models import Account, Mail, Person
from tests.journeys.browser import NARROW
from tests.journeys.looks import Look, look_at, nothing_wrong, opens
from tests.sync.fixtures import email


def compare() -> None:
    comparison.compare_due(utcnow() + timedelta(minutes=1))


def drain() -> None:
    while queue.drain(("task",)):
        pass


def test_from_the_card_to_up_to_date(visit, live, olga: Person, chat) -> None:
    chat.leave(0)
    compare()
    page: Page = visit(olga)
    button = page.get_by_role("link", name="Make someone else Owner: Person 0 has left and is the last Owner of Chat")
    button.click()
    expect(page.get_by_role("dialog").get_by_label("New role")).to_be_visible()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.goto(f"{live.url}/reports")
    expect(page.get_by_role("main")).to_contain_text("1 person has left Acme and still has an account in Chat.")
    page.goto(f"{live.url}/apps")
    card = page.locator(f"#app-{chat.app.id}")
    expect(card).to_contain_text("Person 0 has left and is the last Owner of Chat: make someone else Owner first.")
    card.locator(f"#report-{chat.app.id}").click()
    wizard = page.get_by_role("dialog")
    expect(wizard.locator("#sync-outcome")).to_have_text("Nothing can be removed yet.")
    expect(wizard.locator("#finish-sync")).to_be_disabled()
    page.keyboard.press("Escape")
    card.get_by_role("link", name="Make someone else Owner").click()
    page.get_by_label("Person").select_option(label=f"Person 1 · {email(1)}")
    page.get_by_label("New role").select_option(label="Owner · can administer the app")
    page.click("#preview-successor")
    expect(page.get_by_role("dialog")).to_contain_text("Member → Owner")
    page.dblclick("#confirm")
    expect(page.locator(".toast")).to_contain_text("Changing 1 role in Chat")
    drain()
    expect(page.locator(".toast")).to_contain_text("Changed 1 role in Chat: Chat has confirmed it.")
    compare()
    page.goto(f"{live.url}/apps")
    expect(card).not_to_contain_text("make someone else")
    card.locator(f"#report-{chat.app.id}").click()
    expect(page.locator("#sync-outcome")).to_have_text("Removes 1 person from Chat.")
    page.click("#finish-sync")
    expect(page.get_by_role("dialog")).to_have_count(0)
    drain()
    assert chat.removed() == [email(0)]
    page.goto(f"{live.url}/apps")
    expect(card.locator(".badge")).to_have_text("Up to date")


def test_one_number_everywhere(visit, live, olga: Person, chat) -> None:
    """Two have left, and one of them can't be removed yet: Home, Reports, wizard, foot and e-mail say the same."""
    shown = "2 people have left Acme and still have accounts in Chat. 1 can be removed. Person 0 can't yet"
    chat.leave(0, 3)
    compare()
    [mail] = Mail.select()
    assert mail.subject == shown
    page: Page = visit(olga, width=NARROW)
    expect(page.locator("#answer")).to_contain_text("2 people who have left still have 2 accounts")
    expect(page.get_by_role("main")).to_contain_text(f"{shown}.")
    expect(page.get_by_role("main")).to_contain_text("2 accounts of people who have left")
    page.goto(f"{live.url}/reports")
    expect(page.get_by_role("main")).to_contain_text(f"{shown}.")
    page.get_by_role("link", name="View the report of Chat").first.click()
    wizard = page.get_by_role("dialog")
    expect(wizard).to_contain_text(f"{shown}.")
    expect(wizard.locator("summary", has_text="Removed users")).to_contain_text("2")
    expect(wizard.locator("#sync-outcome")).to_have_text("Removes 1 person from Chat.")


def test_it_is_accepted_from_the_card(visit, live, olga: Person, chat) -> None:
    chat.leave(0)
    compare()
    page: Page = visit(olga, at=None)
    page.goto(f"{live.url}/apps")
    page.get_by_role("link", name="Accept for now").click()
    page.get_by_label("Reason").fill("Until Mira is trained")
    page.click("#accept-for-now")
    expect(page.locator(".toast")).to_contain_text("Accepted.")
    expect(page.locator(f"#app-{chat.app.id}")).not_to_contain_text("make someone else")


def test_it_is_accepted_from_the_report_and_the_report_is_shown_again(visit, live, olga: Person, chat) -> None:
    chat.leave(0, 3)
    compare()
    page: Page = visit(olga, at=None)
    page.goto(f"{live.url}/reports")
    page.get_by_role("link", name="View the report of Chat").first.click()
    page.get_by_role("dialog").get_by_role("link", name="Accept for now").click()
    page.get_by_label("Reason").fill("Until Mira is trained")
    page.click("#accept-for-now")
    expect(page.locator(".toast")).to_contain_text("Accepted.")
    expect(page.get_by_role("dialog")).to_contain_text("1 can be removed. 1 may stay for now.")
    page.get_by_role("link", name="Later").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_looks(visit, live, olga: Person, chat) -> None:
    chat.leave(0, 3)
    compare()
    account = Account.get(Account.email == email(0))
    looks = [Look("stuck-card", "/apps"), Look("stuck-accept", "/apps", opens(f"#accept-{account.id}"))]
    page = visit(olga, at=None)
    nothing_wrong(look_at(page, live.url, *looks))
