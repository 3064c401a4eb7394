"""What a phone shows first: apps and members, with several warnings of an app folded into one line above them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from sync.db import utcnow
from sync.matching import decisions
from sync.models import Account, App, Person
from tests.journeys.browser import NARROW
from tests.journeys.looks import PHONE, Look, Press, look_at, nothing_wrong

HEIGHT = 844


def whole(page: Page, selector: str) -> int:
    """How many of them are whole in the window, before anything is scrolled."""
    boxes = (one.bounding_box() for one in page.locator(selector).all())
    return sum(box is not None and box["y"] + box["height"] <= HEIGHT for box in boxes)


@pytest.fixture
def troubled(chat) -> App:
    """It knows hardly anyone, someone who has left is in it, and it can't be reached."""
    known = Account.select().where(Account.app == chat.app, Account.email.startswith("p")).order_by(Account.id)
    for number, row in enumerate(known):
        if number % 4 == 0:
            decisions.unmatch(row, chat.by)
    chat.leave(*[number for number in range(1, 9) if _is_matched(number)][:2])
    chat.stop()
    chat.check()
    return chat.app


def _is_matched(number: int) -> bool:
    return Account.select().where(Account.email == f"p{number}@acme.example", Account.match_kind == "matched").exists()


def test_several_warnings_are_one_line_that_opens(visit, live, olga: Person, troubled: App) -> None:
    page = visit(olga, width=NARROW, at=f"/apps/{troubled.id}/members")
    line, alerts = page.locator("#warnings"), page.locator("#app-alerts > .banner")
    count = alerts.count() + page.locator("#app-leavers > .banner").count()
    assert count >= 3
    expect(line).to_contain_text(f"{count} warnings")
    expect(alerts.first).to_be_hidden()
    assert whole(page, "#members-table tbody tr") >= 3
    page.locator("#show-warnings").focus()
    page.keyboard.press("Space")
    expect(alerts.first).to_be_visible()
    expect(alerts.last).to_be_visible()
    line.click()
    expect(alerts.first).to_be_hidden()
    wide = visit(olga, at=f"/apps/{troubled.id}/members")
    expect(wide.locator("#warnings")).to_be_hidden()
    expect(wide.locator("#app-alerts > .banner").first).to_be_visible()


def test_a_screen_has_nine_apps_or_more(visit, live, olga: Person, chat) -> None:
    for number in range(20):
        App.create(connector="sample_chat", name=f"App {number}", category="seat-based", state="active", users=30,
                   matched=28, unmatched=2, last_check_at=utcnow())  # fmt: skip
    page = visit(olga, width=NARROW, at="/apps")
    assert whole(page, ".card-grid > .card") >= 9


def test_looks(visit, live, olga: Person, troubled: App) -> None:
    page, members = visit(olga, at=None), f"/apps/{troubled.id}/members?tab=unmatched"
    looks = [Look("phone-members", members), Look("phone-warnings", members, Press("#warnings"), sizes=(PHONE,)),
             Look("phone-apps", "/apps"), Look("phone-reports", "/reports")]  # fmt: skip
    nothing_wrong(look_at(page, live.url, *looks))
