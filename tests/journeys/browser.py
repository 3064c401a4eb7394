"""A real Chromium before a real server: the fixtures of the journeys.
`live` serves the pages with waitress on a free port; `visit` opens a tab that fails the test on a console error."""

from __future__ import annotations

import functools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask import Flask
from waitress import create_server, wasyncore

from sync.config import Config
from sync.mail import outbox
from sync.models import Person
from sync.sign_in import sign_in
from tests.journeys.tabs import Tab, Tabs, watch_use
from tests.parts import free_port, need
from tests.web.site import pages_over

WIDE, NARROW = 1280, 390
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
# A page of a journey lives too briefly for its scripts, and axe's, to be worth optimising, and nobody sees it: it needs
# no process that draws.
FOR_SHORT = "--no-turbofan,--no-maglev,--min-semi-space-size=16"
# RenderDocument: a page that follows another in a tab would get a frame, a view and a context of scripts of its own in
# the browser's processes. The others are those that Playwright switches off; this takes the place of its argument.
OFF = ("RenderDocument", "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
       "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding", "AimEnabled",
       "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints",
       "NetworkTimeServiceQuerying", "PreconnectToSearch")  # fmt: skip
ARGUMENTS = [*SWITCHES, f"--js-flags={FOR_SHORT}", "--in-process-gpu", f"--disable-features={','.join(OFF)}"]
TIMEOUT = 30_000  # milliseconds
FAILED = pytest.StashKey[bool]()  # what a test that has failed has


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    program = need("chromium")
    need("playwright")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=TIMEOUT)
    _wait_for_whole_pages()
    _arrive_after_a_step_back()
    watch_use()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tabs(chromium) -> Tabs:
    return Tabs(chromium, TIMEOUT)


def _wait_for_whole_pages() -> None:
    """A click returns when all of the page that it opens has come. Playwright's returns when the address has changed,
    and what is counted then may be half a table."""
    from playwright.sync_api import Locator, Page

    def whole(act: Callable) -> Callable:
        @functools.wraps(act)
        def acted(where: Page | Locator, *arguments, **options) -> None:
            act(where, *arguments, **options)
            page = where if isinstance(where, Page) else where.page
            page.wait_for_load_state()

        return acted

    for kind in (Page, Locator):
        for name in ("click", "dblclick", "press"):
            setattr(kind, name, whole(getattr(kind, name)))


_ENDED_BY_ANOTHER = ("ERR_ABORTED", "interrupted by another navigation")


def _arrive_after_a_step_back() -> None:
    """An address that is opened while the browser still steps back, or loads the page of such a step, is opened again:
    that ends it."""
    from playwright.sync_api import Error, Page

    def arriving(go: Callable) -> Callable:
        @functools.wraps(go)
        def gone(page: Page, *arguments, **options):
            try:
                return go(page, *arguments, **options)
            except Error as problem:
                if not any(words in problem.message for words in _ENDED_BY_ANOTHER):
                    raise
            page.wait_for_load_state()
            return go(page, *arguments, **options)

        return gone

    for name in ("goto", "reload"):
        setattr(Page, name, arriving(getattr(Page, name)))


@dataclass
class Live:
    """A running server: its address, its configuration as it knows itself, and the pages that it serves."""

    url: str
    config: Config
    site: Flask

    def link_for(self, person: Person) -> str:
        """An address that signs this person in, once."""
        return f"{self.url}/sign-in/{sign_in.signed_link(person)}"


@functools.cache
def door() -> socket.socket:
    """Where the browser finds the pages of each journey of this process: a tab that is used again has their static
    files and compiled scripts then."""
    return socket.create_server(("127.0.0.1", free_port()))


@contextmanager
def serving(config: Config, url: str = "", at: socket.socket | None = None) -> Iterator[Live]:
    """The pages of an installation that is open, served until the block ends; `url` is what a proxy calls them, with
    {port} for the port. `at`: a socket that listens; None: one of its own."""
    listener = at.dup() if at else socket.create_server(("127.0.0.1", free_port()))
    port = listener.getsockname()[1]
    config = replace(config, listen_port=port, url=(url or "http://127.0.0.1:{port}").format(port=port))
    outbox.configure(config.smtp_url, config.url)
    site = pages_over(config)
    sockets: dict = {}
    server = create_server(site, sockets, sockets=[listener], threads=8)
    ending = threading.Event()

    def run() -> None:
        while not ending.is_set():
            wasyncore.loop(timeout=30, map=sockets, count=1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield Live(config.url, config, site)
    finally:
        ending.set()
        server.pull_trigger()  # sockets that are closed under a loop don't wake it
        thread.join(10)
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets, ignore_all=True)


@pytest.fixture
def live(home: Path, config: Config) -> Iterator[Live]:
    with serving(config, at=door()) as running:
        yield running


@pytest.fixture
def visit(tabs: Tabs, live: Live, request: pytest.FixtureRequest) -> Iterator[Callable]:
    """`visit(person)` gives a Playwright page that is signed in as the person; `visit(None)` one that is not.

    Further arguments: at (the address that is opened, below the server's; None: none yet), width (pixels), dark,
    javascript, zone (the browser's time zone). A complaint of the console (a script error, something that the
    Content-Security-Policy stopped) fails the test, unless its text holds one of `expected`.
    """
    opened: list[tuple[Tab, tuple[str, ...]]] = []

    def open_tab(
        person: Person | None,
        *,
        at: str | None = "/",
        width: int = WIDE,
        dark: bool = False,
        javascript: bool = True,
        zone: str | None = None,
        expected: tuple[str, ...] = (),
    ):
        tab = tabs.get(
            viewport={"width": width, "height": 844 if width < 600 else 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
            timezone_id=zone,
            reduced_motion="reduce",
            is_mobile=width < 600,
            has_touch=width < 600,
        )
        opened.append((tab, expected))
        if person:
            tab.page.context.request.get(live.link_for(person), max_redirects=0)
        if at:
            tab.page.goto(live.url + at)
        return tab.page

    yield open_tab
    shown = [text for tab, expected in opened for text in tab.complaints if not any(word in text for word in expected)]
    for tab, _expected in opened:
        tabs.give_back(tab, live.url, passed=not shown and FAILED not in request.node.stash)
    assert not shown, "\n".join(shown)
