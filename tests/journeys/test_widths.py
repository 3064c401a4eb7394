"""No page is wider than its window, whatever the window's width is and however long a word on it is."""

from __future__ import annotations

from sync.db import writing
from sync.models import Account, Asset, Person
from tests.journeys.looks import DESK, PHONE

WIDTHS = (768, 1024, 1239, 1240)  # a tablet, half a screen, and both sides of where tables fold; looks has the others
LONG = "x" * 120
TEXT = "parseFloat(getComputedStyle(document.body).fontSize)"
CUT_COUNTS = """[...document.querySelectorAll(".drawer-links .count")].filter(
    (count) => count.getBoundingClientRect().height < parseFloat(getComputedStyle(count).lineHeight)
).map((count) => count.textContent)"""


def test_no_list_scrolls_sideways(visit, live, olga: Person, chat) -> None:
    chat.leave(1)
    chat.check()
    with writing():
        Account.update(name=LONG, email=f"{LONG}@acme.example").where(Account.external_id == "2").execute()
        Person.update(name=LONG).where(Person.id == olga.id).execute()
        Asset.create(app=chat.app, external_id="p1", kind=LONG, name=LONG)
    app = f"/apps/{chat.app.id}"
    page = visit(olga, at=None)
    lists = ("/", "/apps", f"{app}/members", f"{app}/assets", "/people", "/reports", "/activity", "/directories")
    for address in lists:
        page.goto(live.url + address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert beside(page) <= 0, f"{address} is {beside(page)} px too wide at {width}"
    double(page)
    for address in ("/", f"{app}/members", "/people"):
        page.goto(live.url + address)
        assert page.evaluate(TEXT) == 30, "the text doesn't follow the browser's font size"
        for size in (DESK, PHONE):
            page.set_viewport_size(size)
            assert beside(page) <= 0, f"{address} is {beside(page)} px too wide at {size} with text of double size"
            assert page.evaluate(CUT_COUNTS) == [], f"counts beside the links of {address} are cut"
    double(page, 16)
    page.set_viewport_size(PHONE)
    page.goto(f"{live.url}{app}/activity?search=0&since=2999-01-01")
    page.click("summary:has-text('Views')")
    assert beside(page) <= 0, "a menu behind a chip leads out of the window"


def double(page, pixels: int = 32) -> None:
    """As the browser's font size in its settings."""
    page.context.new_cdp_session(page).send("Page.setFontSizes", {"fontSizes": {"standard": pixels}})


def beside(page) -> int:
    """So many pixels of the page lie beside the window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
