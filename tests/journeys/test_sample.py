"""Sample data from the page, with a hurried hand: loaded once, tried, and removed again without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from demo.sample import FOLDER, SampleApps
from sync.checks import checks
from sync.jobs import asking
from sync.models import App, Directory, Person, Report
from sync.sign_in import sign_in
from tests.asking import MACHINE
from tests.journeys.browser import Live
from tests.journeys.looks import Look, look_at, nothing_wrong


@pytest.fixture
def ida(home: Path) -> Person:
    """The Owner of a company that isn't the sample one."""
    return sign_in.set_up("Borealis", "ida@borealis.example", "Ida Lund", "correct horse battery", MACHINE)


@pytest.fixture
def live(live: Live, home: Path) -> Iterator[Live]:
    """The pages of a process that can run the sample apps."""
    samples = live.site.config["SAMPLE"] = SampleApps(home)
    yield live
    samples.stop()


@pytest.mark.parametrize("javascript", [True, False])
def test_it_is_loaded_tried_and_removed(visit, live: Live, home: Path, ida: Person, javascript: bool) -> None:
    page: Page = visit(ida, javascript=javascript, at=None)
    page.goto(f"{live.url}/apps")
    other = page.context.new_page()
    other.goto(f"{live.url}/apps")
    page.get_by_role("button", name="Try it with sample data").dblclick()
    expect(page.get_by_role("link", name="Acme Chat (sample)", exact=True)).to_be_visible(timeout=60_000)
    expect(page.locator("#toasts")).to_contain_text("The sample data is loaded.")
    other.get_by_role("button", name="Try it with sample data").click()
    expect(other.get_by_role("link", name="Acme Chat (sample)", exact=True)).to_be_visible()
    assert App.select().count() == 2 and Directory.select().count() == 1

    page.get_by_role("link", name="What to try").click()
    expect(page.get_by_role("heading", name="What to try")).to_be_visible()
    chat = App.get(App.name == "Acme Chat (sample)")
    checks.run(asking.ask(chat, MACHINE).id)
    report = Report.get(Report.app == chat, Report.state == "open")
    page.goto(f"{live.url}/reports/{report.id}")
    expect(page.locator("main")).to_contain_text("3 people have left")

    page.goto(f"{live.url}/apps")
    other.reload()
    page.get_by_role("button", name="Remove the sample data").dblclick()
    expect(page.locator("#toasts")).to_contain_text("The sample data was removed")
    expect(page.locator("#sample-data")).to_have_count(0)
    other.get_by_role("button", name="Remove the sample data").click()
    expect(other.locator("#sample-data")).to_have_count(0)
    assert [row.id for row in Person.select()] == [ida.id]
    assert not App.select().where(App.is_connected).exists() and not (home / FOLDER).exists()
    expect(page.get_by_role("button", name="Try it with sample data")).to_be_visible()


def test_looks(visit, live: Live, ida: Person) -> None:
    live.site.config["SAMPLE"].load(ida)
    page = visit(ida, at=None)
    looks = (Look("sample", "/sample"), Look("sample-home", "/"))
    nothing_wrong(look_at(page, live.url, *looks))
