"""Tabs of the browser. A test gets one that is as new; mostly it is one that an earlier test has had, because a new tab
takes a process of its own, and three times the processor time of loading a page in an old one.

A tab is used again if its test has passed, has visited its own server alone, and has asked the tab only for what can be
undone here. It is closed after anything else, so that a test can't leave something to the next one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

BLANK = "about:blank"
# Asked by the page, so that Chromium keeps its process.
LEAVE = "name = '', localStorage.clear(), sessionStorage.clear(), location.replace('about:blank')"
PATIENCE = 3_000  # milliseconds for leaving a page; a tab that needs more is closed
DRAWN = {"width": 1, "height": 1}  # pixels of a page that Chromium draws; nobody sees the others
KEPT = 4  # so many tabs of each kind wait for the next test

# What a test may use of a tab that another test gets later. It reads, or changes only the document, the cookies, the
# history, the size, what emulate_media() sets, or the place of the mouse. Scripts for each page, clocks and permissions
# aren't here.
UNDONE_IN_PAGE = """
    check click content context dblclick dispatch_event emulate_media eval_on_selector eval_on_selector_all evaluate
    evaluate_handle expect_event expect_navigation expect_request expect_request_finished expect_response fill focus
    frame frames get_attribute get_by_alt_text get_by_label get_by_placeholder get_by_role get_by_test_id get_by_text
    get_by_title go_back go_forward goto hover inner_html inner_text input_value is_checked is_closed is_disabled
    is_editable is_enabled is_hidden is_visible keyboard locator main_frame press query_selector query_selector_all
    reload screenshot select_option set_checked set_input_files set_viewport_size tap text_content title type uncheck
    unroute_all url viewport_size wait_for_event wait_for_function wait_for_load_state wait_for_selector
    wait_for_timeout wait_for_url"""
UNDONE_IN_CONTEXT = "browser clear_cookies close cookies expect_page is_closed new_page pages request"
# What undoes a further use of a page, given the page and the arguments of that use.
UNDO_IN_PAGE: dict[str, Callable] = {
    "on": lambda page, event, f: page.remove_listener(event, f),
    "route": lambda page, *_, **__: page.unroute_all(behavior="ignoreErrors"),
}


@dataclass
class Tab:
    """A page that is alone in its context. `options` are the context's; `complaints` are the console's in this test."""

    page: Page
    options: dict
    wire: CDPSession
    complaints: list[str] = field(default_factory=list)
    sites: set[str] = field(default_factory=set)  # where the documents came from that this test has seen
    others: list[Page] = field(default_factory=list)  # opened beside it
    scripts: dict[str, str] = field(default_factory=dict)  # those that run in each page, with their ids
    has_device: bool = False

    def add_script(self, script: str) -> None:
        """Run it, once, in each page that follows in this test."""
        if script in self.scripts:
            return
        self.wire.send("Page.enable")
        added = self.wire.send("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        self.scripts[script] = added["identifier"]

    def add_device(self, options: dict) -> str:
        """Give the tab a virtual authenticator of these `options`. Returns its id."""
        self.wire.send("WebAuthn.enable")
        self.has_device = True
        return self.wire.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def add_other(self, other: Page) -> None:
        self.others.append(other)
        other.on("framenavigated", lambda frame: self.sites.add(_site(frame.url)))

    def draw_little(self) -> None:
        """Leave the page's size as it is to the page, its layout and the mouse, and draw hardly any of it: that is a
        sixth of the work of showing a page. A picture is still whole."""
        self.wire.send("Emulation.setVisibleSize", DRAWN)

    def resize(self, size: dict[str, int]) -> None:
        """What the page does as set_viewport_size()."""
        type(self.page).set_viewport_size(self.page, size)
        self.draw_little()

    def begin(self) -> None:
        """What came before is no longer known."""
        self.complaints, self.sites, self.others = [], set(), []
        for owner in (self.page, self.page.context):
            vars(owner).pop("lasting", None)
            vars(owner).pop("undoing", None)

    def can_be_undone(self, site: str) -> bool:
        """Whether a test that has visited `site` has left only what undo() undoes."""
        lasting = any("lasting" in vars(owner) for owner in (self.page, self.page.context))
        sites = self.sites | {_site(other.url) for other in self.others}
        return not (lasting or self.page.is_closed() or sites - {site, _site(BLANK)})

    def undo(self) -> None:
        """Close what was opened beside the page, and leave the page, its listeners and routes, its cookies, its
        storage, its name, its history, its size and its theme. The browser keeps the files that any test gets from the
        same address. Raises playwright's Error where the page is just going elsewhere."""
        for undo in vars(self.page).pop("undoing", []):
            undo()
        for other in self.others:
            other.close()
        if self.has_device:
            self.wire.send("WebAuthn.disable")
            self.has_device = False
        if self.scripts:
            while self.scripts:  # to disable the domain alone would keep them until it is enabled again
                self.wire.send("Page.removeScriptToEvaluateOnNewDocument", {"identifier": self.scripts.popitem()[1]})
            self.wire.send("Page.disable")
        self.page.evaluate(LEAVE)
        self.page.wait_for_url(BLANK, timeout=PATIENCE)
        self.page.context.clear_cookies()
        self.wire.send("Page.resetNavigationHistory")
        self.page.mouse.move(0, 0)
        if self.page.viewport_size != self.options["viewport"]:
            self.page.set_viewport_size(self.options["viewport"])
        as_opened = {name: self.options.get(name, "null") for name in ("color_scheme", "reduced_motion")}
        self.page.emulate_media(media="null", forced_colors="null", contrast="null", **as_opened)


class Tabs:
    def __init__(self, browser: Browser, timeout: int):
        """`timeout`: milliseconds."""
        self._browser, self._timeout = browser, timeout
        self._waiting: list[Tab] = []

    def get(self, **options) -> Tab:
        """One that is as new. `options`: as of Browser.new_context()."""
        tab = next((one for one in self._waiting if one.options == options), None)
        if tab:
            self._waiting.remove(tab)
        else:
            tab = self._open(options)
        tab.begin()
        return tab

    def give_back(self, tab: Tab, site: str, passed: bool) -> None:
        """`site`: the server that the test was about; `passed`: the test has."""
        alike = sum(one.options == tab.options for one in self._waiting)
        if passed and alike < KEPT and tab.can_be_undone(site) and _is_undone(tab):
            self._waiting.append(tab)
        else:
            tab.page.context.close()

    def _open(self, options: dict) -> Tab:
        context = self._browser.new_context(**options)
        context.set_default_timeout(self._timeout)
        page = context.new_page()
        tab = page.tab = Tab(page, options, context.new_cdp_session(page))
        page.set_viewport_size = tab.resize
        tab.draw_little()
        context.on("page", tab.add_other)
        page.on("console", lambda words: tab.complaints.append(words.text) if words.type == "error" else None)
        page.on("pageerror", lambda problem: tab.complaints.append(str(problem)))
        page.on("framenavigated", lambda frame: tab.sites.add(_site(frame.url)))
        return tab


def _is_undone(tab: Tab) -> bool:
    from playwright.sync_api import Error

    try:
        tab.undo()
    except Error:
        return False
    return True


def _site(url: str) -> str:
    scheme, host, *_ = urlsplit(url)
    return f"{scheme}://{host}"


def watch_use() -> None:
    """From now on, what a test does with a page or a context beyond UNDONE is noted there."""
    from playwright.sync_api import BrowserContext, Page

    for kind, undone, undo in ((Page, UNDONE_IN_PAGE, UNDO_IN_PAGE), (BrowserContext, UNDONE_IN_CONTEXT, {})):
        for name in dir(kind):
            if not name.startswith("_") and name not in undone.split():
                what, back = getattr(kind, name), undo.get(name)
                noted = property(_noted(what.fget)) if isinstance(what, property) else _noted(what, back)
                setattr(kind, name, noted)


def _noted(use: Callable, undo: Callable | None = None) -> Callable:
    """`undo`: what undoes it, with the same arguments; None: nothing does."""

    @functools.wraps(use)
    def used(owner: object, *arguments, **options):
        if undo is None:
            owner.lasting = True
        else:
            vars(owner).setdefault("undoing", []).append(functools.partial(undo, owner, *arguments, **options))
        return use(owner, *arguments, **options)

    return used
