"""All accounts of a filter, more than a page or an address can name: the preview shows exactly these, and an approval
covers what was shown."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from sync.matching import members
from sync.models import Account, Person, Task
from tests.sync.fixtures import email

MANY = 520


def seat(chat, number: int, **values: object) -> dict:
    address = f"temp{number:03}@acme.example"
    return {"app": chat.app, "external_id": f"t{number}", "name": f"Temp {number:03}", "email": address,
            "email_key": address, "role": "member", "match_kind": "matched", "person": chat.people[9],
            "missing_fields": 0, **values}  # fmt: skip


@pytest.fixture
def crowd(chat) -> list[str]:
    """The names of those that a search for “temp” finds; Temp 998 is a guest, Temp 999 has left the app."""
    rows = [seat(chat, number) for number in range(MANY)]
    rows += [seat(chat, 998, match_kind="guest"), seat(chat, 999, state="gone")]
    Account.insert_many(rows).execute()
    members.recount(chat.app)
    return [row["name"] for row in rows[:MANY]]


def previewed(page: Page) -> list[str]:
    return page.locator("#will li strong").all_inner_texts()


def confirm_twice_beside_the_answer(page: Page) -> None:
    """A double click so slow that its second half meets the preview that the first one brings."""
    page.locator("#confirm").hover()
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_role("alert")).to_contain_text("Something has changed since this was shown. Nothing was done")
    with page.expect_event("console", lambda message: message.text == "clicked twice"):
        page.evaluate("""document.getElementById("confirm").addEventListener("click", (event) =>
            setTimeout(() => console.log(event.detail === 2 ? "clicked twice" : "clicked once")))""")
        page.mouse.down(click_count=2)
        page.mouse.up(click_count=2)
    expect(page.locator("#confirm[aria-busy]")).to_have_count(0)


def test_all_found_are_previewed_by_name_and_a_change_asks_again(visit, live, olga: Person, chat, crowd) -> None:
    page = visit(olga, expected=("status of 422",), at=None)
    searches: list[str] = []
    page.on("request", lambda request: searches.append(request.url) if "search=temp" in request.url else None)
    page.goto(f"{live.url}/apps/{chat.app.id}/members")
    page.get_by_role("searchbox", name="Search members").press_sequentially("temp")
    expect(page).to_have_url(re.compile("search=temp&|search=temp$"))
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    everyone = page.get_by_label(f"Select all {MANY} found")
    page.get_by_role("checkbox", name="Tick Temp 003", exact=True).check()
    everyone.check()
    expect(page.locator("#bulk")).to_contain_text(f"{MANY} selected")
    page.click("#bulk-role")
    expect(page.get_by_role("dialog")).to_contain_text(f"{MANY} accounts in Chat")
    assert len(searches) == 1, "neither Enter nor leaving the field searches again for what is shown"
    page.get_by_label("New role").select_option("admin")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#confirm")).to_have_text(f"Change {MANY} roles")
    assert previewed(page) == crowd
    Account.update(role="admin").where(Account.name == "Temp 007").execute()
    Account.create(**seat(chat, 997))
    confirm_twice_beside_the_answer(page)
    assert Task.select().count() == 0
    crowd.remove("Temp 007")
    assert previewed(page) == crowd, "nobody is added to what was shown"
    expect(page.locator("#left-alone")).to_contain_text("Temp 007")
    page.locator("#confirm").dblclick()
    expect(page.locator("dialog")).to_have_count(0)
    asked = Task.select(Task, Account).join(Account)
    assert sorted(task.account.name for task in asked) == crowd
    assert not asked.where(Account.email.in_([email(1), "temp007@acme.example", "temp997@acme.example"])).exists()
