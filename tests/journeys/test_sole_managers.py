"""Someone who alone manages something leaves, in a real browser: a successor is chosen or the Owner accepts that there
is none, in Sync Data, in Offboard everywhere and among the members."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from sync.checks import checks
from sync.jobs import asking, queue
from sync.models import Account, HandOver, Person, Report, Task
from tests.journeys.browser import NARROW, WIDE
from tests.journeys.looks import Look, look_at, nothing_wrong
from tests.sync.fixtures import email


def manages(chat, name: str, *numbers: int) -> None:
    channel = chat.store.add_channel(name, "page")
    for number in numbers:
        chat.store.join(channel, chat.id_of(number), "manager", "page")


def read(chat) -> Report | None:
    checks.run(asking.ask(chat.app, chat.by).id)
    return Report.get_or_none(Report.state == "open")


def drain() -> None:
    while queue.drain(("task",)):
        pass


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_successor_is_chosen_in_sync_data(visit, live, olga: Person, chat, width: int) -> None:
    manages(chat, "marketing", 1)
    read(chat)
    chat.leave(1, 2)
    read(chat)
    page: Page = visit(olga, width=width, at=None)
    page.goto(f"{live.url}/apps/{chat.app.id}")
    page.click("#view-report")
    wizard = page.get_by_role("dialog")
    box = wizard.get_by_role("checkbox", name="Person 1")
    expect(box).not_to_be_checked()
    expect(wizard.locator("#sync-outcome")).to_have_text("Removes 1 person from Chat. 1 person waits for a successor.")
    box.check()
    wizard.get_by_role("button", name="Finish Sync").click()
    expect(wizard).to_be_visible()
    assert Task.select().count() == 0, "the browser asks for the successor first"
    box.uncheck()
    wizard.get_by_label("Hand over “marketing” to").select_option(label="Person 4 (p4@acme.example)")
    expect(box).to_be_checked()
    expect(wizard.locator("#sync-outcome")).to_have_text("Removes 2 people from Chat.")
    wizard.get_by_role("button", name="Finish Sync").dblclick()
    expect(page.get_by_role("dialog")).to_have_count(0)
    drain()
    assert sorted(chat.removed()) == [email(1), email(2)]
    assert [task.kind for task in Task.select().order_by(Task.id)].count("grant") == 1
    page.goto(f"{live.url}/reports/{HandOver.get().change.report_id}")
    expect(page.locator("main")).to_contain_text("The channel “marketing” is handed over to Person 4.")


def test_without_javascript_nobody_is_removed_before_an_answer(visit, live, olga: Person, chat) -> None:
    for name in ("marketing", "press"):
        manages(chat, name, 1)
    read(chat)
    chat.leave(1, 2)
    report = read(chat)
    page = visit(olga, javascript=False, expected=("status of 422",), at=f"/reports/{report.id}")
    page.get_by_role("checkbox", name="Person 1").check()
    page.click("#finish-sync")
    expect(page.get_by_role("alert")).to_contain_text("Person 1 is the only manager of the channel “marketing”")
    expect(page.get_by_role("checkbox", name="Person 1")).to_be_checked()
    page.get_by_label("Hand over all 2 to").select_option("nobody")
    page.get_by_label("Hand over “press” to").select_option(label="Person 4 (p4@acme.example)")
    page.click("#finish-sync")
    expect(page.locator("body")).to_contain_text("Removing 2 people from Chat")
    drain()
    assert sorted(chat.removed()) == [email(1), email(2)]
    page.goto(f"{live.url}/apps/{chat.app.id}/assets")
    expect(page.locator("#unmanaged")).to_contain_text("1 channel has no manager.")
    page.get_by_role("link", name="Show", exact=True).click()
    expect(page.locator("#assets tbody tr")).to_have_count(1)


def test_among_the_members_and_everywhere(visit, live, olga: Person, chat) -> None:
    manages(chat, "marketing", 1)
    manages(chat, "press", 2)
    read(chat)
    ids = [Account.get(Account.email == email(number)).id for number in (1, 3)]
    page: Page = visit(olga, at=None)
    page.goto(f"{live.url}/apps/{chat.app.id}/removals/new?account={ids[0]}")
    expect(page.locator("#confirm")).to_be_disabled()
    expect(page.locator("#operation-outcome")).to_contain_text("Nothing is changed until you choose who manages their")
    page.get_by_label("Hand over “marketing” to").select_option("nobody")
    expect(page.locator("#confirm")).to_have_text("Remove 1 account")
    expect(page.locator("#confirm")).to_be_enabled()
    page.goto(f"{live.url}/apps/{chat.app.id}/removals/new?account={ids[0]}&account={ids[1]}")
    page.get_by_label("Reason").fill("Moved on")
    page.get_by_label("Hand over “marketing” to").select_option(label="Person 4 (p4@acme.example)")
    page.dblclick("#confirm")
    expect(page.locator(".toast")).to_contain_text("Removing 2 accounts from Chat")
    drain()
    assert sorted(chat.removed()) == [email(1), email(3)]
    page.goto(f"{live.url}/people/{chat.people[2].id}/offboardings/new")
    expect(page.get_by_role("checkbox", name="Chat")).not_to_be_checked()
    page.get_by_label("Hand over “press” to").select_option("nobody")
    expect(page.get_by_role("checkbox", name="Chat")).to_be_checked()
    page.dblclick("#finish-offboarding")
    expect(page.locator("#offboarding-tasks")).to_be_visible()
    drain()
    assert chat.removed()[-1] == email(2)


def test_looks(visit, live, olga: Person, chat) -> None:
    manages(chat, "marketing", 1)
    manages(chat, "press and public affairs", 1)
    manages(chat, "sales", 2, 3)
    read(chat)
    account = Account.get(Account.email == email(1))
    chat.leave(1, 2, 3)
    report = read(chat)
    Account.update(status="suspended").where(Account.email == email(1)).execute()
    looks = [
        Look("sole-wizard", f"/reports/{report.id}"),
        Look("sole-offboarding", f"/people/{chat.people[1].id}/offboardings/new"),
        Look("sole-members", f"/apps/{chat.app.id}/removals/new?account={account.id}"),
        Look("sole-assets", f"/apps/{chat.app.id}/assets"),
    ]
    page = visit(olga, at=None)
    nothing_wrong(look_at(page, live.url, *looks))
