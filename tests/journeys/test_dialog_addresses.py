"""A dialog that others may open too has an address: Back closes it, a reload and a second tab open it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from sync.models import Person, Report


def test_a_report_is_in_the_address(visit, live, olga: Person, chat) -> None:
    chat.leave(1)
    chat.check()
    number = Report.get(Report.state == "open").id
    app, page = f"{live.url}/apps/{chat.app.id}", visit(olga, at=None)
    page.goto(f"{live.url}/apps")
    page.goto(app)
    page.click("#view-report")
    wizard = page.locator("#sync-data:modal")
    expect(wizard).to_be_visible()
    expect(page).to_have_url(f"{app}?report={number}")
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(app)
    page.go_forward()
    expect(wizard).to_be_visible()
    page.reload()
    expect(wizard).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(app)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.click("#view-report")
    wizard.get_by_role("link", name="Later").click()
    expect(page).to_have_url(app)
    page.go_back()
    expect(page).to_have_url(re.compile("/apps$"))
    other = visit(olga, at=None)
    other.goto(f"{app}?report={number}")
    expect(other.locator("#sync-data:modal")).to_be_visible()
    other.click("#finish-sync")
    expect(other).to_have_url(re.compile("/tasks|/activity"))
    expect(other.get_by_role("dialog")).to_have_count(0)


def test_a_check_is_in_the_address(visit, live, olga: Person, chat) -> None:
    page = visit(olga, at=f"/apps/{chat.app.id}")
    page.get_by_role("button", name="Check for updates").dblclick()
    expect(page).to_have_url(re.compile(r"\?check=\d+$"))
    page.reload()
    expect(page.locator("dialog:modal")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(f"{live.url}/apps/{chat.app.id}")


def test_a_setting_is_in_the_address(visit, live, olga: Person, chat) -> None:
    app, page = f"{live.url}/apps/{chat.app.id}", visit(olga, at=None)
    page.goto(f"{live.url}/apps")
    page.goto(app)
    dialog = page.get_by_role("dialog", name=re.compile("Rename"))
    page.click("#change-name")
    expect(dialog).to_be_visible()
    expect(page).to_have_url(f"{app}?dialog=/apps/{chat.app.id}/name")
    page.reload()
    expect(dialog).to_be_visible()
    page.fill("[name=name]", "")
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(app)
    page.go_forward()
    expect(dialog).to_be_visible()
    page.fill("[name=name]", "Chat of Acme")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Chat of Acme")
    expect(page).to_have_url(app)
    page.go_back()
    expect(page).to_have_url(re.compile("/apps$"))


def test_back_closes_the_answer_to_a_form_too(visit, live, olga: Person, chat) -> None:
    page = visit(olga, expected=("422",), at="/people")
    address = page.url
    page.click("#add-person")
    page.fill("dialog [name=name]", "Mira Novak")
    page.fill("dialog [name=email]", "nobody")
    page.get_by_role("button", name="Add this person").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page).to_have_url(f"{address}?dialog=/people/new")
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(address)


def test_filters_leave_one_step_back(visit, live, olga: Person, chat) -> None:
    page = visit(olga, at="/apps")
    page.goto(f"{live.url}/people")
    page.click("#more-filters")
    page.select_option("#filter-role", "user")
    page.click("#show")
    expect(page).to_have_url(f"{live.url}/people?role=user")
    page.go_back()
    expect(page).to_have_url(f"{live.url}/people")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.go_back()
    expect(page).to_have_url(f"{live.url}/apps")


def test_a_second_step_back_while_the_first_is_being_loaded(visit, live, olga: Person, chat) -> None:
    page, held = visit(olga, at="/people"), []
    for role in ("user", "owner"):
        page.evaluate("""(role) => htmx.ajax("GET", `/people?role=${role}`, {target: "#page", select: "#page",
            swap: "morph:outerHTML", push: "true"})""", role)
        page.wait_for_url(f"**/people?role={role}")
    page.route("**/rollcall*.js*", lambda route: held.append(route), times=1)
    with page.expect_request("**/rollcall*.js*"):
        page.evaluate("void history.back()")
    page.evaluate("void history.back()")
    page.wait_for_url(f"{live.url}/people", wait_until="commit")
    while held:
        held.pop().continue_()
    expect(page.locator("#people")).to_contain_text("Person 1")
    expect(page.locator("#chip-role")).to_have_count(0)


def test_the_search_is_in_the_address(visit, live, olga: Person, chat) -> None:
    page, search = visit(olga, at=None), "#search-dialog:modal"
    page.goto(f"{live.url}/people")
    page.keyboard.press("Control+k")
    expect(page).to_have_url(f"{live.url}/people?dialog=/search")
    page.reload()
    expect(page.locator(search)).to_be_visible()
    page.go_back()
    expect(page.locator(search)).to_have_count(0)
    expect(page).to_have_url(f"{live.url}/people")


PAGES = ["/apps", "/apps/{app}", "/apps/{app}/members", "/apps/{app}/assets", "/apps/{app}/reports",
         "/apps/{app}/activity", "/apps/{app}/rules", "/people", "/people/{person}", "/directories", "/settings",
         "/reports", "/activity", "/directories/teams"]  # fmt: skip
OPENERS = """() => [...document.querySelectorAll('#page a[hx-get][hx-target="#dialog"]')]
    .map(link => link.getAttribute('hx-get'))"""
OPEN = "address => document.querySelector(`#page [hx-get=\"${CSS.escape(address)}\"]`).click()"


def test_back_closes_whatever_a_page_opens(visit, live, olga: Person, chat) -> None:
    """Each link to a dialog that the pages of the workspace's Owner have, one of each kind."""
    chat.leave(1)
    chat.check()
    page, seen, someone = visit(olga, at=None), set(), Person.get(Person.id != olga.id)
    for each in PAGES:
        address = live.url + each.format(app=chat.app.id, person=someone.id)
        page.goto(address)
        for opener in page.evaluate(OPENERS):
            kind = re.sub(r"\d+", "N", opener.partition("?")[0])
            if kind in seen:
                continue
            seen.add(kind)
            page.evaluate(OPEN, opener)
            page.wait_for_selector("dialog:modal")
            expect(page, opener).to_have_url(re.compile(r"[?&](dialog|report)="))
            named = page.url
            page.go_back()
            page.wait_for_selector("dialog:modal", state="detached")
            assert page.url == address, opener
            page.go_forward()  # as a reload does, it asks for the dialog by its address
            page.wait_for_selector("dialog:modal")
            assert page.url == named
            page.go_back()
            page.wait_for_selector("dialog:modal", state="detached")
    assert len(seen) > 20, seen


def test_nonsense_opens_nothing(visit, live, olga: Person, chat) -> None:
    page = visit(olga, expected=("404",), at=f"/apps/{chat.app.id}?report=//evil.example")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    for nonsense in ("//evil.example", "/apps", "https://evil.example/", "/apps/1/../../people", "/nothing"):
        page.goto(f"{live.url}/people?dialog={nonsense}")
        expect(page).to_have_url(f"{live.url}/people")
        expect(page.get_by_role("dialog")).to_have_count(0)
