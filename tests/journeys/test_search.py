"""Search everything, by hand and keyboard: the dialog, its list, late answers, and the page without JavaScript."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error

from sync.db import utcnow, writing
from sync.models import Account, App, Asset, Person
from sync.search import index
from tests.journeys.browser import NARROW
from tests.journeys.company import build
from tests.journeys.looks import Look, look_at, nothing_wrong


@pytest.fixture
def acme(tmp_path: Path, olga: Person, by: str):
    company = build(tmp_path, olga, by)
    with writing():
        for name in ("Acme Chat", "Acme Ads"):
            app = App.create(connector="sample_chat", name=name, category="seat-based", state="active")
            for person in Person.select().limit(12):
                Account.create(app=app, external_id=str(person.id), name=person.name, email=f"{person.id}@acme.example")
            Asset.create(app=app, external_id="1", kind="channel", name=f"kowalski-and-friends of {name}")
    index.bring_up_to_date(utcnow())
    return company


def focused(page) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.tagName")


def wait_for_chosen(page, name: str, summary: str = "") -> None:
    """Until this option is the active one, in a list with this summary. The list may still be that of the letters
    before: the last letter that a test types is one that changes what is waited for."""
    page.wait_for_selector(f"#search-status:has-text('{summary}')", state="attached")
    page.wait_for_selector(f"#search-options [aria-selected=true] .strong:text-is('{name}')")


def test_the_keyboard_alone(visit, live, acme) -> None:
    okafor = Person.get(Person.name == "Jana Okafor")
    page = visit(acme.olga, at="/people")
    page.focus("#add-person")
    page.keyboard.press("/")
    page.wait_for_selector("#search-dialog:modal")
    assert focused(page) == "search-words" and page.input_value("#search-words") == ""
    page.keyboard.type("jana k")
    wait_for_chosen(page, "Jana Kowalski", "People: 1, Actions: 1")
    assert page.get_attribute("#search-words", "aria-expanded") == "true"
    first = page.get_attribute("#search-words", "aria-activedescendant")
    page.keyboard.press("ArrowDown")
    assert page.get_attribute("#search-words", "aria-activedescendant") != first
    assert focused(page) == "search-words" and page.locator("[aria-selected=true]").count() == 1
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")  # from the first to the last
    wait_for_chosen(page, "Offboard Jana Kowalski")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    page.wait_for_selector("#search-dialog", state="detached")
    assert focused(page) == "add-person"
    page.wait_for_url(live.url + "/people")  # Back comes later than the dialog's end
    page.keyboard.press("Control+k")
    page.wait_for_selector("#search-dialog:modal")
    page.keyboard.type("jana o")  # instead of what was there
    wait_for_chosen(page, "Jana Okafor")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/people/{okafor.id}")
    page.go_back()
    page.wait_for_url("**/people")
    assert page.query_selector("dialog:modal") is None


def test_enter_takes_what_is_written_and_not_what_was_found_before(visit, live, acme) -> None:
    page = visit(acme.olga)
    page.keyboard.press("/")
    page.keyboard.type("acme chat")
    page.wait_for_selector("#search-options >> text=Acme Chat")
    page.fill("#search-words", "jana kowalski")
    page.keyboard.press("Enter")  # before anything was asked
    page.wait_for_url(f"**/people/{acme.jana.id}")


def test_the_keys_do_not_fire_where_someone_writes_or_decides(visit, live, acme) -> None:
    page = visit(acme.olga, at="/people")
    page.click("[name=search]")
    page.keyboard.type("a/b")
    assert page.input_value("[name=search]") == "a/b" and page.query_selector("dialog:modal") is None
    page.keyboard.press("Escape")
    page.click("#add-person")
    page.wait_for_selector("dialog:modal")
    page.focus("dialog:modal h2")
    page.keyboard.press("/")
    page.keyboard.press("Control+k")
    assert page.query_selector("#search-dialog:modal") is None and page.locator("dialog:modal").count() == 1


def test_a_late_answer_never_replaces_a_newer_one(visit, live, acme) -> None:
    page = visit(acme.olga)
    held = []

    def hold(route) -> None:
        held.append(route) if "tom" in route.request.url else route.continue_()

    page.route("**/search?q=*", hold)
    page.keyboard.press("/")
    with page.expect_request("**/search?q=tom"):
        page.keyboard.type("tom")
    page.fill("#search-words", "jana")
    page.wait_for_selector("#search-options >> text=Jana Kowalski")
    for route in held:
        with suppress(Error):  # the question was given up
            route.fulfill(body='<a role="option" id="late" href="/late"><span class="strong">Late</span></a>')
    page.fill("#search-words", "jana kow")
    wait_for_chosen(page, "Jana Kowalski", "People: 1,")
    assert page.query_selector("#late") is None


def test_a_late_answer_keeps_what_was_chosen_in_the_list_before(visit, live, acme) -> None:
    page, held = visit(acme.olga), []

    def type_and_hold(letter: str) -> None:
        page.route("**/search?q=*", lambda route: held.append(route), times=1)
        with page.expect_request("**/search?q=*"):
            page.keyboard.type(letter)

    page.keyboard.press("/")
    page.keyboard.type("jana")
    wait_for_chosen(page, "Jana Duarte", "People: 4")
    type_and_hold(" ")
    page.evaluate("document.querySelector('#search-options').firstElementChild.id = 'before'")
    page.keyboard.press("ArrowDown")
    wait_for_chosen(page, "Jana Horák")
    held[0].continue_()
    page.wait_for_selector("#before", state="detached")
    wait_for_chosen(page, "Jana Horák")
    type_and_hold("k")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")  # on Jana Duarte, who isn't among what is found
    wait_for_chosen(page, "Jana Kowalski", "People: 1, Actions: 1")
    assert page.url == f"{live.url}/?dialog=/search"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/people/{acme.jana.id}")


def test_show_all_and_the_pointer(visit, live, acme) -> None:
    page = visit(acme.olga)
    page.click("#search-link")
    page.keyboard.type("kowalski")
    page.click("#search-options .search-all[href$='/people?search=kowalski']")  # not that of the letters before
    page.wait_for_url("**/people?search=kowalski")
    assert page.input_value("[name=search]") == "kowalski"


def test_messages_are_shown_after_a_search_that_a_reload_had_opened_again(visit, live, olga: Person) -> None:
    page = visit(olga, at="/people?dialog=/search")
    page.wait_for_selector("#search-dialog:modal #toasts", state="attached")  # so that they could be seen above it
    page.keyboard.press("Escape")
    page.wait_for_selector("#search-dialog", state="detached")
    assert page.locator("body > #toasts").count() == 1


def test_without_javascript_it_is_a_page(visit, live, acme) -> None:
    page = visit(acme.olga, width=NARROW, javascript=False)
    page.click("#search-link")
    page.wait_for_url("**/search")
    page.fill("main [name=q]", "jana kow")
    page.press("main [name=q]", "Enter")
    page.click("main >> text=Jana Kowalski >> nth=0")
    page.wait_for_url(f"**/people/{acme.jana.id}")


def test_the_page_answers_as_one_types(visit, live, acme) -> None:
    page = visit(acme.olga, at="/search")
    page.wait_for_selector("input:focus")
    page.keyboard.type("jana kow")
    page.wait_for_url("**/search?q=jana%20kow")
    page.wait_for_selector("#found >> text=Jana Kowalski")


def test_looks(visit, live, acme) -> None:
    def find(words: str):
        def act(page) -> None:
            page.click("#search-link")
            page.wait_for_selector("#search-dialog:modal")
            if words:
                page.fill("#search-words", words)
                page.wait_for_selector("#search-options [data-summary]", state="attached")
        return act

    page = visit(acme.olga)
    looks = [
        Look("search-dialog", "/people", find("kowalski")),
        Look("search-dialog-empty", "/", find("")),
        Look("search-dialog-nothing", "/", find("zzzz")),
        Look("search", "/search?q=kowalski"),
        Look("search-empty", "/search"),
        Look("search-nothing", "/search?q=zzzz"),
        Look("search-accounts", "/search?q=kowalski&kind=accounts"),
    ]
    nothing_wrong(look_at(page, live.url, *looks))
