"""The apps' pages as a hurried person uses them: keyboard, double clicks, Back, reload, two tabs, no JavaScript."""

from __future__ import annotations

import pytest

from sync.apps import apps
from sync.jobs import asking, queue
from sync.models import App, Check, Person, Report, Task


@pytest.fixture
def report(chat) -> Report:
    """Persons 1, 2 and 3 have left; a seat costs 21 €."""
    apps.set_seat_price(chat.app, 2100, chat.by)
    chat.leave(1, 2, 3)
    chat.check()
    return Report.get(Report.state == "open")


def opened(page, url: str, app: App):
    page.goto(f"{url}/apps/{app.id}")
    page.click("#view-report")
    page.wait_for_selector("#sync-data:modal")
    return page


def focused(page) -> str:
    return page.evaluate("document.activeElement.id")


def message(page) -> str:
    return " ".join(page.text_content("#sync-outcome").split())


def requests_within(page, milliseconds: int) -> list[str]:
    """What the page asks for while its clock, which must be installed, is moved forward by this much."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.clock.run_for(milliseconds)
    return seen


def test_the_foot_follows_the_ticks_and_asks_for_reasons(visit, live, olga: Person, chat, report: Report) -> None:
    page = opened(visit(olga, at=None), live.url, chat.app)
    assert focused(page) == "dialog-title"
    assert message(page) == "Removes 3 people from Chat and saves 63 € a month."
    box = page.locator("#sync-form input[name=yes]").first
    reason = page.locator(".why input").first
    assert not reason.is_visible()
    box.focus()
    page.keyboard.press("Space")
    assert reason.is_visible() and focused(page) == reason.get_attribute("id")
    assert message(page) == "Removes 2 people from Chat and saves 42 € a month."
    page.click("#finish-sync")
    page.wait_for_selector(".why input:invalid:focus")
    assert page.query_selector("#sync-data:modal") and Task.select().count() == 0, "the reason is missing"
    page.keyboard.type("Hand-over until Friday")
    page.click("#finish-sync")
    page.wait_for_selector("#tasks")
    assert page.query_selector("dialog:modal") is None and "Removing 2 people from Chat" in page.text_content("#toasts")
    assert Task.select().count() == 2


def test_a_double_click_and_a_second_tab_finish_once(visit, live, olga: Person, chat, report: Report) -> None:
    page, other = visit(olga, at=None), visit(olga, at=None)
    opened(other, live.url, chat.app)
    opened(page, live.url, chat.app).dblclick("#finish-sync")
    page.wait_for_selector("#tasks")
    other.click("#finish-sync")
    other.wait_for_selector("#tasks")
    assert "already finished" in other.text_content("#toasts")
    assert Task.select().count() == 3
    page.go_back()
    page.wait_for_selector("#app-head")
    page.reload()
    queue.drain(("task",))
    assert len(chat.removed()) == 3


def test_progress_is_live_and_then_rests(visit, live, olga: Person, chat, report: Report) -> None:
    page = visit(olga, at=None)
    page.clock.install()
    opened(page, live.url, chat.app).click("#finish-sync")
    page.wait_for_selector("#tasks[hx-trigger]")
    with page.expect_request("**/tasks**"):  # it looks again
        page.clock.run_for(2500)
    queue.drain(("task",))
    page.wait_for_selector("#tasks:not([hx-trigger])")
    assert page.locator("#tasks .badge-ok").count() == 3
    assert requests_within(page, 2500) == [], "there is nothing to wait for"


def test_a_stale_report_is_shown_again_with_what_was_written(visit, live, olga: Person, chat, report: Report) -> None:
    page = opened(visit(olga, expected=("status of 422",), at=None), live.url, chat.app)
    page.locator("#sync-form input[name=yes]").nth(2).click()
    page.keyboard.type("Hand-over")
    chat.leave(4)
    chat.check()
    page.click("#finish-sync")
    page.wait_for_selector("#sync-form [role=alert]")
    assert "Look at it again" in page.text_content("#sync-form [role=alert]")
    assert page.locator(".why input:visible").input_value() == "Hand-over"
    assert message(page) == "Removes 3 people from Chat and saves 63 € a month." and Task.select().count() == 0
    page.click("#finish-sync")
    page.wait_for_selector("#tasks")
    assert Task.select().count() == 3


def test_a_check_is_watched_closed_and_joined(visit, live, olga: Person, chat) -> None:
    page = visit(olga, at=None)
    page.clock.install()
    page.goto(f"{live.url}/apps/{chat.app.id}")
    page.dblclick("#check-for-updates")
    page.wait_for_selector("dialog:modal progress")
    assert Check.select().where(Check.state == "queued").count() == 1
    page.keyboard.press("Escape")
    assert page.query_selector("dialog:modal") is None
    page.wait_for_selector("#show-check")
    assert focused(page) == "check-for-updates"
    page.click("#show-check")
    page.wait_for_selector("dialog:modal progress")
    page.focus("dialog .dialog-foot a")
    chat.leave(1)
    queue.drain(("check",))
    page.wait_for_selector("#view-report-of-check")
    assert page.evaluate("document.activeElement.textContent") == "Close", "an answer takes no focus away"
    page.wait_for_selector("#app-head:not([hx-trigger*=every])", state="attached")
    assert requests_within(page, 2500) == []
    page.click("#view-report-of-check")
    page.wait_for_selector("#sync-data:modal")
    assert message(page).startswith("Removes 1 person from Chat")


def test_a_card_follows_its_check_and_keeps_its_menu_open(visit, live, olga: Person, chat) -> None:
    check = asking.ask(chat.app, chat.by)
    page = visit(olga, at=None)
    page.clock.install()
    page.goto(f"{live.url}/apps")
    card = f"#app-{chat.app.id}"
    page.click(f"{card} summary")
    Check.update(state="running", phase="accounts", items_read=1, total=4).where(Check.id == check.id).execute()
    page.wait_for_selector(f"{card} .badge:has-text('Checking 25 %')")
    assert page.is_visible(f"{card} .menu-list"), "a swap closes no menu"
    Check.update(state="queued").where(Check.id == check.id).execute()
    queue.drain(("check",))
    page.wait_for_selector(f"{card} .badge:has-text('Up to date')")
    assert requests_within(page, 2500) == []


def test_searching_keeps_the_place_and_back_finds_it_again(visit, live, olga: Person, chat, second) -> None:
    page = visit(olga, at="/apps")
    page.fill(".search input", "second")
    page.wait_for_url("**search=second**")
    page.wait_for_selector(f"#app-{chat.app.id}", state="detached")
    assert page.evaluate("document.activeElement.name") == "search"
    page.click(f"#app-{second.app.id} h2 a")
    page.wait_for_selector("#app-head")
    page.go_back()
    page.wait_for_selector(f"#app-{second.app.id}")
    assert page.query_selector(f"#app-{chat.app.id}") is None and page.input_value(".search input") == "second"


def test_without_javascript_it_all_works(visit, live, olga: Person, chat, report: Report) -> None:
    page = visit(olga, javascript=False, expected=("status of 422",), at=f"/apps/{chat.app.id}")
    page.click("#check-for-updates")
    page.wait_for_selector("text=You can close this")
    assert "/checks/" in page.url
    queue.drain(("check",))
    page.wait_for_selector("#view-report-of-check")
    page.click("#view-report-of-check")
    page.click("#sync-form input[name=yes] >> nth=0")
    assert page.is_visible(".why input >> nth=0")
    page.click("#finish-sync")
    page.wait_for_selector("text=Enter why Person 1 keeps the account")
    page.fill(".why input >> nth=0", "Hand-over")
    page.click("#finish-sync")
    page.wait_for_selector("text=Removing 2 people from Chat")
    assert page.url.endswith(f"/apps/{chat.app.id}/activity")
    queue.drain(("task",))
    page.reload()
    assert page.locator("#tasks .badge-ok").count() == 2


def test_a_report_on_a_phone_with_many_rows(visit, live, olga: Person, chat, report: Report) -> None:
    page = opened(visit(olga, width=390, at=None), live.url, chat.app)
    foot = page.locator("#finish-sync").bounding_box()
    assert foot["y"] + foot["height"] <= 844, "the button is in reach however long the list is"
    line = """new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
        done(getComputedStyle(document.querySelector("dialog:modal .dialog-head"), "::after").opacity))))"""
    assert page.evaluate(line) == "0"
    page.evaluate("document.querySelector('dialog:modal .dialog-body').scrollTop = 40")
    page.wait_for_selector("dialog:modal .dialog-body[data-scrolled]")
    assert page.evaluate(line) == "1", "rows that are cut off are seen to continue"
    page.tap("#dismiss-report")
    page.wait_for_selector("dialog:modal [name=reason]")
    page.tap("#keep-report")
    page.wait_for_selector("#sync-data:modal")
    assert Report.get_by_id(report.id).state == "open"
