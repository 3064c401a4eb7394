"""In a real browser behind a real nginx, below a path: every kind of click, and nothing asks outside the path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.config import Config
from sync.models import Person
from tests.journeys.browser import Live, serving
from tests.journeys.company import build
from tests.parts import free_port
from tests.real.nginx import nginx

PATH = "/tools/rollcall"


@pytest.fixture
def live(home: Path, config: Config) -> Iterator[Live]:
    port = free_port()
    url = f"http://127.0.0.1:{port}{PATH}"
    with serving(config, url) as running, nginx(port, running.config.listen_port, PATH):
        yield running


@pytest.fixture
def asked() -> list[str]:
    """Every address that the browser asked for, icons and the stylesheet included."""
    return []


def open_page(visit, live: Live, person: Person, asked: list[str], **how):
    page = visit(person, **how)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live.url}/apps")
    return page


def nothing_left(live: Live, asked: list[str]) -> None:
    assert len(asked) > 5
    assert [address for address in asked if not address.startswith((f"{live.url}/", f"{live.url}?"))] == []


def test_every_kind_of_click_stays_below_the_path(visit, live, asked, tmp_path, olga, by) -> None:
    acme = build(tmp_path, olga, by)
    page = open_page(visit, live, acme.olga, asked)
    assert page.locator("nav[aria-label=Main] a[aria-current=page]").inner_text() == "Apps"
    page.click("nav[aria-label=Main] >> text=People")  # a link
    page.click("[name=search]")  # htmx, which pushes an address
    page.keyboard.type("kowal")
    page.wait_for_selector("#people >> text=Tom Duarte", state="detached")
    page.wait_for_url(f"{live.url}/people?search=kowal")
    page.click("#add-person")  # a dialog
    page.wait_for_url(lambda url: url.startswith(live.url) and url.endswith("/people/new") and "dialog=" in url)
    page.fill("dialog #f-name", "Kim Larsen")
    page.fill("dialog #f-email", "kim@acme.example")
    page.click("dialog >> text=Add this person")  # a form, HX-Location and a toast
    page.wait_for_selector("h1 >> text=Kim Larsen")
    assert "was added" in page.inner_text("#toasts")
    page.go_back()
    page.wait_for_selector("#people >> text=Jana Kowalski")
    page.goto(f"{live.url}/directories/{acme.staff.id}")
    page.click("text=Read now")
    page.wait_for_selector("#toasts >> text=is being read")
    page.goto(f"{live.url}/people")  # a page that asks for nothing when its session has ended
    page.click(".drawer-foot >> text=Sign out")  # a form that redirects
    page.wait_for_url(f"{live.url}/sign-in")
    page.goto(f"{live.url}/people")
    assert page.url.startswith(f"{live.url}/sign-in?next=")
    nothing_left(live, asked)


def test_it_stays_there_without_javascript(visit, live, asked, olga) -> None:
    page = open_page(visit, live, olga, asked, javascript=False)
    page.click("nav[aria-label=Main] >> text=People")
    page.click("#add-person")
    page.fill("#f-name", "Kim Larsen")
    page.fill("#f-email", "kim@acme.example")
    page.click("text=Add this person")
    page.wait_for_selector("h1 >> text=Kim Larsen")
    page.click(".drawer-foot >> text=Sign out")
    page.wait_for_url(f"{live.url}/sign-in")
    nothing_left(live, asked)
