"""Activity as a person uses it: a line is opened, filters are combined and removed, and the order is changed."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from sync import activity, saved_views
from sync.db import writing
from sync.models import Person, Task
from sync.reports import reports
from sync.states import ListName
from tests.journeys.browser import NARROW, WIDE
from tests.journeys.looks import Look, look_at, nothing_wrong


@pytest.fixture
def logged(chat) -> Person:
    """A check that found three people, and what happened to one person before it."""
    jana = chat.people[3]
    for number in range(60):
        with writing():
            activity.record("Olga Brandt <olga@acme.example>", "noted", about=f"thing {number}", app=chat.app)
    with writing():
        activity.record("Olga Brandt <olga@acme.example>", "edited person", about=jana.name, person=jana)
    with writing():
        for number in range(3):
            activity.record("Rollcall", "new user", about=f"Newcomer {number}", app=chat.app, person=jana)
        activity.record("schedule", "check succeeded", about=chat.app.name, app=chat.app)
    return jana


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def lines(page: Page):
    return page.locator("#entries tbody tr:not(.more)")


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_line_opens_and_filters_combine(visit, live, olga: Person, logged: Person, chat, width: int) -> None:
    page = visit(olga, width=width, at="/activity")
    line = lines(page).filter(has_text="3 users found").first
    line.locator("summary").click()
    expect(line.locator(".timeline")).to_contain_text("Newcomer 2")
    page.click("#more-filters")
    page.get_by_label("Kind").select_option("checks")
    page.get_by_label("App", exact=True).select_option(str(chat.app.id))
    page.get_by_label("About a person").fill(logged.name)
    page.keyboard.press("Enter")
    expect(page.locator("#chip-person")).to_contain_text(f"About: {logged.name}")
    expect(lines(page)).to_have_count(2)
    page.click("#chip-kind")
    expect(page.locator("#chip-kind")).to_have_count(0)
    assert asked(page) == {"app": [str(chat.app.id)], "person": [logged.name]}
    page.go_back()
    expect(page.locator("#chip-kind")).to_be_visible()
    expect(lines(page)).to_have_count(2)
    page.reload()
    page.click("#more-filters")
    expect(page.get_by_label("Kind")).to_have_value("checks")
    expect(page.get_by_label("About a person")).to_have_value(logged.name)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("of_app", [False, True])
def test_the_oldest_first_and_back(visit, live, olga: Person, logged: Person, chat, width: int, of_app: bool) -> None:
    page = visit(olga, width=width, at=f"{f'/apps/{chat.app.id}' if of_app else ''}/activity?search=noted")
    expect(lines(page).first).to_contain_text("thing 59")
    if width == NARROW:
        page.get_by_label("Sort by").select_option("when")
    else:
        page.get_by_role("link", name="When").click()
    expect(lines(page).first).to_contain_text("thing 0")
    page.get_by_role("link", name="Show newer").click()
    expect(lines(page).last).to_contain_text("thing 59")
    assert asked(page) == {"search": ["noted"], "sort": ["when"]}
    page.get_by_label("Search activity").fill("thing")
    page.wait_for_url("**search=thing**")
    expect(lines(page).first).to_contain_text("thing 0")
    assert asked(page)["sort"] == ["when"], "a new search keeps the order"
    page.go_back()
    expect(page.get_by_label("Search activity")).to_have_value("noted")
    page.go_back()
    expect(lines(page).first).to_contain_text("thing 59")


def test_without_javascript(visit, live, olga: Person, logged: Person) -> None:
    page = visit(olga, javascript=False, at="/activity?kind=checks")
    page.locator("summary", has_text="3 users found").click()
    page.get_by_role("link", name="Show these entries").first.click()
    expect(page.get_by_role("main")).to_contain_text("Newcomer 2")
    page.get_by_role("main").get_by_role("link", name="Activity").click()
    assert asked(page) == {"kind": ["checks"]}
    page.get_by_role("link", name="When").click()
    assert asked(page) == {"kind": ["checks"], "sort": ["when"]}


def test_alerts_follow_the_tasks(visit, live, olga: Person, chat) -> None:
    chat.leave(3)
    reports.finish(chat.check().report, olga.name)
    Task.update(state="needs attention", error="Chat said no").execute()
    page = visit(olga, at=f"/apps/{chat.app.id}/activity")
    expect(page.locator("#alert-stuck")).to_be_visible()
    page.click(f"#retry-{Task.get().id}")
    expect(page.locator("#tasks")).to_contain_text("1 task in progress")
    expect(page.locator("#alert-stuck")).to_have_count(0)
    Task.update(state="needs attention").execute()  # while the page asks for its state
    expect(page.locator("#tasks")).to_contain_text("1 task needs attention")
    expect(page.locator("#alert-stuck")).to_be_visible()


def test_looks(visit, live, olga: Person, logged: Person, chat, by) -> None:
    query = f"person={logged.id}&kind=checks&sort=when"
    saved_views.save("Checks", ListName.ACTIVITY, None, query, by, shared=True)

    def line_opens(page: Page) -> None:
        page.locator("summary", has_text="3 users found").first.click()
        expect(page.locator(".log-inside .timeline").first).to_contain_text("Newcomer 2")

    looks = [
        Look("activity-line-open", "/activity", line_opens),
        Look("activity-filtered", f"/activity?{query}&since=2020-01-01", line_opens),
        Look("activity-of-app", f"/apps/{chat.app.id}/activity?sort=when&kind=checks"),
        Look("person-timeline", f"/people/{logged.id}"),
    ]
    page = visit(olga, at=None)
    nothing_wrong(look_at(page, live.url, *looks))
