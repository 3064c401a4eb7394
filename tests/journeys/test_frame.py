"""How the frame behaves under a hand and a keyboard: dialogs, menus, toasts, searching, double clicks, polling."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from sync.directory import directories
from sync.models import Directory, DirectoryReading, Person, Session
from sync.people import people
from tests.journeys.browser import NARROW
from tests.journeys.company import build


@pytest.fixture
def acme(tmp_path: Path, olga: Person, by: str):
    return build(tmp_path, olga, by)


BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor + getComputedStyle(document.body).color"


def focused(page) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.name || document.activeElement.tagName")


def test_dialog_takes_the_focus_and_gives_it_back(visit, live, olga: Person) -> None:
    page = visit(olga, at="/people")
    page.focus("#add-person")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog:modal")
    assert focused(page) == "f-name"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("!!document.activeElement.closest('dialog') || document.activeElement === document.body")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert focused(page) == "add-person"
    page.click("#add-person")
    page.click("dialog >> text=Cancel")
    page.wait_for_selector("dialog", state="detached")
    assert focused(page) == "add-person"
    page.wait_for_url(live.url + "/people")


def test_a_fault_is_shown_in_the_dialog(visit, live, olga: Person) -> None:
    page = visit(olga, expected=("status of 422",), at="/people")
    page.click("#add-person")
    page.fill("#f-name", "Jana Kowalski")
    page.fill("#f-email", "olga@acme.example")
    page.click("dialog >> text=Add this person")
    assert "belongs to Olga Brandt" in page.inner_text("dialog [role=alert]")
    assert page.input_value("#f-name") == "Jana Kowalski" and page.is_visible("dialog:modal")
    page.fill("#f-email", "jana@acme.example")
    page.click("dialog >> text=Add this person")
    page.wait_for_selector("h1 >> text=Jana Kowalski")
    assert "Jana Kowalski was added." in page.inner_text("#toasts")
    assert page.evaluate("""() => {
        const toast = document.querySelector(".toast")
        toast.querySelector("span").textContent = "x".repeat(99)
        return toast.scrollWidth <= toast.clientWidth
    }"""), "a long word leaves the button that closes it in sight"
    assert page.query_selector("dialog") is None
    assert page.title() == "Jana Kowalski · Rollcall"
    page.go_back()
    page.wait_for_selector("#people >> text=Jana Kowalski")
    page.goto(live.url + "/people/new")  # the same dialog as a page of its own
    page.fill("#f-name", "Jana Kowalski")
    page.fill("#f-email", "olga@acme.example")
    page.click("dialog >> text=Add this person")
    assert "belongs to Olga Brandt" in page.inner_text("main dialog[open] [role=alert]") and focused(page) == "f-name"
    assert page.locator("dialog").count() == 1, "the refused dialog takes the place of the first one"


def test_searching_as_one_types(visit, live, acme) -> None:
    page = visit(acme.olga, at="/people")
    page.click("[name=search]")
    page.keyboard.type("kowal")
    page.wait_for_url("**/people?search=kowal")  # each letter before it may have been searched for, too
    page.wait_for_selector("#people >> text=Tom Duarte", state="detached")
    page.wait_for_selector("#people >> text=Jana Kowalski")
    assert focused(page) == "search" and page.input_value("[name=search]") == "kowal"
    page.click("#more-filters")
    page.get_by_label("Status", exact=True).select_option("deprovisioned")
    page.click("#show")
    page.wait_for_selector("#people >> text=Tom Kowalski")
    page.wait_for_selector("#people >> text=Jana Kowalski", state="detached")
    page.reload()
    assert page.input_value("[name=search]") == "kowal"
    assert page.url.endswith("/people?search=kowal&status=deprovisioned")
    page.goto(live.url + "/people")
    page.click("text=Next")
    page.wait_for_selector("#people >> text=51–")
    page.go_back()
    page.wait_for_selector("#people >> text=1–50")


def test_a_double_click_sends_once(visit, live, olga: Person) -> None:
    page = visit(olga, at="/people")
    page.click("#add-person")
    page.fill("#f-name", "Jana Kowalski")
    page.fill("#f-email", "jana@acme.example")
    held, sent = [], []
    page.route("**/people", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    button = page.locator("dialog button[type=submit]")
    button.click()
    page.wait_for_selector("dialog button[type=submit][aria-busy=true]")
    button.click(force=True)
    page.keyboard.press("Enter")
    assert focused(page) != "BODY", "a busy button keeps the focus"
    held[0].continue_()
    page.wait_for_selector("h1 >> text=Jana Kowalski")
    assert len(sent) == 1


def test_menu(visit, live, acme) -> None:
    page = visit(acme.olga, at=f"/directories/{acme.staff.id}")
    summary = page.locator("main summary.icon-button")
    summary.click()
    assert page.is_visible("text=Change how it is read")
    page.keyboard.press("Escape")
    assert not page.is_visible("text=Change how it is read")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    summary.click()
    page.click("h1")
    assert not page.is_visible("text=Change how it is read")
    page.set_viewport_size({"width": 1280, "height": 250})
    summary.click()
    expect(page.locator(".menu[open] .menu-list > :last-child")).to_be_in_viewport(ratio=1)
    page.click("text=Remove")
    page.wait_for_selector("dialog:modal")
    page.click("dialog button >> text=Remove Staff")
    page.wait_for_url("**/directories")
    page.wait_for_selector("#toasts >> text=Staff was removed")
    assert not Directory.select().where(Directory.name == "Staff").exists()


def test_a_toast_is_above_a_dialog_and_can_be_dismissed(visit, live, olga: Person) -> None:
    page = visit(olga, expected=("status of 400", "Code 400"), at="/people")
    page.click("#add-person")
    page.wait_for_selector("dialog:modal")
    page.context.clear_cookies()
    page.fill("#f-name", "Jana Kowalski")
    page.fill("#f-email", "jana@acme.example")
    page.click("dialog >> text=Add this person")
    page.wait_for_selector("dialog:modal #toasts:popover-open >> text=This page was open too long.")
    page.click(".toast button")
    page.wait_for_selector(".toast", state="detached")
    page.evaluate("document.dispatchEvent(new CustomEvent('toast', {detail: {text: 'More', tone: 'attention'}}))")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert page.inner_text(".toast") == "More", "a dialog that closes takes no toast along"


def test_polling_ends_with_what_it_waits_for_and_rests_unseen(visit, live, acme, by: str) -> None:
    page = visit(acme.olga, at=None)
    reading = directories.ask(acme.staff, by)
    page.clock.install()
    page.goto(f"{live.url}/directories/{acme.staff.id}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_request(f"**/directories/{acme.staff.id}"):
        pass
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    before = len(asked)
    page.clock.run_for(2500)
    assert len(asked) == before, "nobody looks, so nothing is asked"
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
    with page.expect_request(f"**/directories/{acme.staff.id}"):
        pass
    directories.run(reading.id)
    page.wait_for_selector("#state h2 >> text=People")
    page.wait_for_selector("#readings tbody tr:first-child >> text=Applied")
    before = len(asked)
    page.clock.run_for(2500)
    assert len(asked) == before, "there is nothing to wait for any more"
    assert DirectoryReading.get_by_id(reading.id).state == "succeeded"


def test_a_session_that_ended_leads_to_sign_in(visit, live, olga: Person) -> None:
    page = visit(olga, expected=("status of 401",), at="/people")
    Session.delete().execute()
    page.click("#add-person")
    page.wait_for_url("**/sign-in?next=/people")  # and back to the page, after signing in


def test_a_server_that_is_gone_is_shown(visit, live, olga: Person) -> None:
    page = visit(olga, expected=("net::ERR", "Failed to load", "htmx:sendError", "htmx:afterRequest"), at="/people")
    page.route("**/people/new", lambda route: route.abort())
    page.click("#add-person")
    page.wait_for_selector(".toast >> text=can't be reached")


def test_without_javascript(visit, live, olga: Person) -> None:
    page = visit(olga, javascript=False, at="/people")
    page.click("text=Add a person")
    page.fill("[name=name]", "Jana Kowalski")
    page.fill("[name=email]", "jana@acme.example")
    page.click("text=Add this person")
    assert "Jana Kowalski was added." in page.inner_text("#toasts")
    page.click("text=Mark as having left")
    page.fill("[name=reason]", "Last day was Friday")
    page.click("text=Mark as having left")
    assert people.find_by_email("jana@acme.example").status == "deprovisioned"
    page.click(".page-head .menu summary")
    page.click("text=Reactivate")
    assert people.find_by_email("jana@acme.example").status == "active"
    page.goto(live.url + "/people")
    page.fill("[name=search]", "jana")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.is_visible("text=jana@acme.example") and not page.is_visible("text=olga@acme.example")
    page.click("text=Sign out")
    assert page.url == live.url + "/sign-in"


@pytest.mark.parametrize("width", [320, NARROW])
def test_a_phone_shows_everything(visit, live, acme, width: int) -> None:
    page = visit(acme.olga, width=width)
    for label in ("Apps", "People", "Reports", "Activity", "Directory", "Settings"):
        box = page.locator(f".drawer a:has-text('{label}')").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, label
        assert box["height"] >= 44
    page.goto(live.url + "/people")
    page.click("#add-person")
    page.wait_for_selector("dialog:modal")
    box = page.locator("dialog").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width


def test_on_a_phone_tabs_theme_and_the_way_out_are_reached(visit, live, olga: Person, chat) -> None:
    page = visit(olga, width=NARROW)
    answers: dict[str, dict] = {}
    page.on("response", lambda answer: answers.update({answer.url: answer.headers}))
    page.goto(f"{live.url}/apps/{chat.app.id}")
    for label in ("Settings", "Members", "Assets", "Groups", "Reports", "Activity"):
        box = page.locator(".tabs").get_by_role("link", name=label).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= NARROW, label
    assert answers[page.url]["content-encoding"] in ("zstd", "br", "gzip")
    [style] = [headers for url, headers in answers.items() if "rollcall" in url and ".css" in url]
    assert "immutable" in style["cache-control"] and style["content-encoding"]

    light = page.evaluate(BACKGROUND)
    for button, becomes_light in (("Dark", False), ("Light", True)):
        page.click(".account summary")
        page.locator(".account").get_by_role("button", name=button).click()
        page.wait_for_selector(f"[data-theme={button.lower()}]")
        page.reload()
        assert (page.evaluate(BACKGROUND) == light) is becomes_light
        assert page.url.endswith(f"/apps/{chat.app.id}"), "it stays on its page"
    page.click(".account summary")
    page.locator(".account").get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.fill("[name=password]", "correct horse battery")
    page.get_by_role("button", name="Show Password").click()
    assert page.get_attribute("[name=password]", "type") == "text"
    page.fill("[name=email]", "olga@acme.example")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("h1:has-text('Home')")


def test_skip_link(visit, live, olga: Person) -> None:
    page = visit(olga, at="/settings")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('main')")


def test_settings_are_saved_in_place(visit, live, olga: Person) -> None:
    page = visit(olga, expected=("status of 422",), at="/settings")
    page.fill("#f-zone", "Mars/Olympus")
    page.click("#save-settings")
    page.wait_for_selector("[role=alert] >> text=a time zone")
    assert page.input_value("#f-zone") == "Mars/Olympus"
    page.fill("#f-zone", "Europe/Berlin")
    page.click("#save-settings")
    page.wait_for_selector("#toasts >> text=Saved.")
    page.wait_for_selector("[role=alert]", state="detached")


def test_a_page_that_has_the_focus_is_replaced_like_any_other(visit, live, olga) -> None:
    """A click beside a button gives it to the page."""
    page = visit(olga, at="/people")
    page.evaluate("""() => {
        document.getElementById("main").focus()
        htmx.ajax("GET", "/reports", {target: "#page", select: "#page", swap: "morph:outerHTML"})
    }""")
    page.wait_for_selector("h1:has-text('Reports')")
