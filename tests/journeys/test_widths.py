"""No page is wider than its window, whatever the window's width is and however long a word on it is."""

from __future__ import annotations

from sync.db import writing
from sync.models import Account, Asset, Person
from tests.journeys.looks import PHONE

WIDTHS = (768, 1024, 1239, 1240)  # a tablet, half a screen, and both sides of where tables fold; looks has the others
LONG = "x" * 120


def test_no_list_scrolls_sideways(visit, live, olga: Person, chat) -> None:
    chat.leave(1)
    chat.check()
    with writing():
        Account.update(name=LONG, email=f"{LONG}@acme.example").where(Account.external_id == "2").execute()
        Person.update(name=LONG).where(Person.id == olga.id).execute()
        Asset.create(app=chat.app, external_id="p1", kind=LONG, name=LONG)
    app = f"/apps/{chat.app.id}"
    page = visit(olga)
    lists = ("/", "/apps", f"{app}/members", f"{app}/assets", "/people", "/reports", "/activity", "/directories")
    for address in lists:
        page.goto(live.url + address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert beside(page) <= 0, f"{address} is {beside(page)} px too wide at {width}"
    page.set_viewport_size(PHONE)
    page.goto(f"{live.url}{app}/activity?search=0&since=2027-01-01")
    page.click("summary:has-text('Views')")
    assert beside(page) <= 0, "a menu behind a chip leads out of the window"


def beside(page) -> int:
    """So many pixels of the page lie beside the window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
