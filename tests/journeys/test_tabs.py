"""A tab that is used again shows none of the test before; one that can't be cleared is closed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Error, Page

from sync.models import Person
from tests.journeys.browser import Live
from tests.journeys.tabs import Tab, Tabs

OPTIONS = {"viewport": {"width": 700, "height": 500}}  # no other test has this size
LEFT = """() => {
    document.cookie = "left=behind"
    localStorage.left = sessionStorage.left = "behind"
    name = "left behind"
    history.pushState({left: "behind"}, "", "/sign-in?left=behind")
    setInterval(() => fetch("/asked-by-the-page-before"), 1)
    addEventListener("beforeunload", (event) => event.preventDefault())
}"""
SEEN = """[
    name, document.cookie, document.referrer, history.length, history.state, window.left, innerWidth, innerHeight,
    localStorage.left, sessionStorage.left,
    ...["(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)", "(prefers-contrast: more)",
        "(forced-colors: active)", "print"].map((set) => matchMedia(set).matches)
]"""
LASTING: dict[str, Callable[[Page], object]] = {
    "listener of the context": lambda page: page.context.on("request", lambda request: None),
    "listener for once": lambda page: page.once("request", lambda request: None),
    "script": lambda page: page.add_init_script("window.left = 'behind'"),
    "function": lambda page: page.expose_function("left", lambda: "behind"),
    "clock": lambda page: page.clock.install(),
    "headers": lambda page: page.set_extra_http_headers({"Left": "behind"}),
    "mouse": lambda page: page.mouse.down(),
    "script of the context": lambda page: page.context.add_init_script("window.left = 'behind'"),
    "permission": lambda page: page.context.grant_permissions(["clipboard-read"]),
    "session": lambda page: page.context.new_cdp_session(page),
    "another server in a second tab": lambda page: _visit_beside(page).close(),
    "another server": lambda page: page.goto(page.url.replace("127.0.0.1", "localhost")),
}


def _visit_beside(page: Page) -> Page:
    other = page.context.new_page()
    for address in (page.url.replace("127.0.0.1", "localhost"), page.url):
        other.goto(address)
    return other


@pytest.fixture
def visited(tabs: Tabs, live: Live, olga: Person) -> Tab:
    """A tab that is signed in and shows people."""
    tab = tabs.get(**OPTIONS)
    tab.page.context.request.get(live.link_for(olga), max_redirects=0)
    tab.page.goto(f"{live.url}/people")
    return tab


def test_a_tab_that_is_used_again_is_as_new(tabs: Tabs, live: Live, visited: Tab, monkeypatch) -> None:
    monkeypatch.setattr("tests.journeys.tabs.PATIENCE", 60_000)
    fresh = tabs.get(**OPTIONS)
    assert fresh is not visited
    fresh.page.goto(f"{live.url}/people")
    as_new = fresh.page.evaluate(SEEN)
    fresh.page.context.close()

    visited.page.evaluate(LEFT)
    visited.page.set_viewport_size({"width": 500, "height": 300})
    assert visited.page.evaluate("[innerWidth, innerHeight]") == [500, 300], "also where hardly any of it is drawn"
    visited.page.emulate_media(
        media="print", color_scheme="dark", reduced_motion="reduce", forced_colors="active", contrast="more"
    )
    visited.add_script("window.left = 'behind'")
    visited.add_script("window.further = 'behind'")
    visited.page.goto(f"{live.url}/people")
    assert visited.page.evaluate("left") == "behind"
    device = visited.add_device({"protocol": "u2f", "transport": "usb"})
    noticed, stopped = _leave_more(visited.page)
    visited.page.evaluate(LEFT)
    tabs.give_back(visited, live.url, passed=True)
    again = tabs.get(**OPTIONS)
    assert again is visited and again.page.context.pages == [again.page]
    noticed.clear()
    with pytest.raises(Error):
        again.wire.send("WebAuthn.getCredentials", {"authenticatorId": device})
    again.add_script("window.new = typeof left + typeof further")
    again.page.goto(f"{live.url}/people")
    assert again.page.evaluate("window.new") == "undefinedundefined"
    assert noticed == stopped == []
    assert again.page.url.startswith(f"{live.url}/sign-in"), "nobody is signed in"
    assert again.page.evaluate(SEEN) == as_new
    assert again.page.go_back() is None or again.page.url == "about:blank"
    assert again.complaints == []
    again.page.context.close()


def _leave_more(page: Page) -> tuple[list, list]:
    """What a listener notices from now on, and what a route stops. A second tab and a popup are left open."""
    noticed, stopped = [], []
    page.on("request", lambda request: noticed.append(request))
    page.route("**/people", lambda route: stopped.append(route))
    page.context.new_page()
    with page.context.expect_page():
        page.evaluate("void window.open('about:blank')")
    return noticed, stopped


def test_a_lasting_change_is_noticed(live: Live, visited: Tab) -> None:
    unnoticed = []
    for what, happens in LASTING.items():
        visited.begin()
        assert visited.can_be_undone(live.url)
        happens(visited.page)
        if visited.can_be_undone(live.url):
            unnoticed.append(what)
    assert not unnoticed
    visited.page.context.close()


@pytest.mark.parametrize("why", ["has failed", "used what lasts", "cannot be cleared"])
def test_a_tab_that_cannot_be_used_again_is_closed(tabs: Tabs, live: Live, visited: Tab, why: str) -> None:
    if why == "used what lasts":
        LASTING["headers"](visited.page)
    elif why == "cannot be cleared":
        visited.wire.detach()
    tabs.give_back(visited, live.url, passed=why != "has failed")
    assert visited.page.is_closed() and tabs.get(**OPTIONS) is not visited
