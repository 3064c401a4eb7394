"""What each page may cost a browser: a table of budgets, measured on a first visit in a real one.
Counts and bytes alone, so that a busy machine changes nothing; bench/pages measures times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sync.apps import drafts
from sync.db import utcnow, writing
from sync.models import Account, App, AppPerson, Person, PersonEmail
from sync.reports import reports
from tests.journeys.browser import NARROW, WIDE

ACCOUNTS, APPS = 500, 200
SHARED = 60  # KB over the wire of what every page needs once and then keeps for a year: stylesheet, scripts, icons
REQUESTS = 9  # the page, a stylesheet, five scripts and the icons, and one to spare


@dataclass(frozen=True)
class Budget:
    """`page`: KB of the page itself over the wire; `nodes`: elements in it; `more`: further requests, such as logos."""

    page: int
    nodes: int
    more: int = 0


# A page is at most 14 KB over the wire: a server sends these before the browser has answered once (RFC 6928).
# At 1,400 elements Lighthouse begins to warn. Most pages need far fewer; the others have their
# reason beside them.
BUDGETS = {
    "home": Budget(8, 700, 2),
    "apps of 200": Budget(14, 3200, 2),  # 60 cards at once, each with its menu: people look for one of many
    "people of 500": Budget(8, 1300),
    "reports": Budget(8, 600, 1),
    "activity": Budget(8, 1000),
    "directories": Budget(6, 250),
    "settings": Budget(14, 1200),  # 600 time zones to choose from
    "the wizard": Budget(8, 300),
    "an app": Budget(8, 450, 1),
    "members of 500": Budget(14, 3400, 1),  # 50 rows, each with all that can be done with it, as without scripts
    "assets": Budget(6, 300, 1),
    "choose an app": Budget(12, 1000, 50),  # the logos of the apps in sight; more come as one scrolls
    "enter the credential": Budget(8, 300, 1),
    "match the people": Budget(8, 300, 1),
}

WATCH = """
    window.shifts = []
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifts.push(entry)
    }).observe({type: "layout-shift", buffered: true})
"""
SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
# Less than a hundredth is a column that grows by some pixels when its times are shown in the reader's zone, or an icon
# that is drawn half a pixel beside its place at first. Lighthouse calls up to 0.1 good.
SHIFTED = """shifts.filter((entry) => entry.value >= 0.01).map((entry) =>
    entry.value.toFixed(4) + " " + entry.sources.map(({node}) =>
        node?.outerHTML?.slice(0, 80) ?? "a text").join(" | "))"""
BLOCKING = "[...document.querySelectorAll('script[src]:not([defer], [async], [type=module])')].map((one) => one.src)"
UNSIZED = "[...document.images].filter((one) => !(one.width && one.hasAttribute('height'))).map((one) => one.src)"


@pytest.fixture
def addresses(chat, olga: Person) -> dict[str, str]:
    """Where each page of BUDGETS is, in a workspace with many apps and many accounts."""
    chat.leave(2, 3)
    chat.check()
    draft = drafts.start("sample-chat", olga)
    with writing():
        _many_accounts(chat.app)
        _many_apps(olga)
    report, app = reports.open_report(chat.app), f"/apps/{chat.app.id}"
    return {
        "home": "/", "apps of 200": "/apps", "people of 500": "/people", "reports": "/reports",
        "activity": "/activity", "directories": "/directories", "settings": "/settings",
        "the wizard": f"/reports/{report.id}", "an app": app, "members of 500": f"{app}/members",
        "assets": f"{app}/assets", "choose an app": "/apps/new",
        "enter the credential": f"/apps/{draft.id}/connection", "match the people": f"{app}/connection/matching",
    }  # fmt: skip


def _many_accounts(app: App) -> None:
    first = 1 + Person.select().order_by(Person.id.desc()).get().id
    everyone = [(first + number, f"Worker {number}", f"w{number}@acme.example") for number in range(ACCOUNTS)]
    Person.insert_many([{"id": id, "name": name} for id, name, _ in everyone]).execute()
    PersonEmail.insert_many([{"person": id, "email": email, "email_key": email, "main": True}
                             for id, _, email in everyone]).execute()  # fmt: skip
    Account.insert_many([
        {"app": app, "external_id": f"w{id}", "email": email, "email_key": email, "name": name, "role": "member",
         "match_kind": "matched", "person": id, "last_activity": utcnow()} for id, name, email in everyone
    ]).execute()  # fmt: skip


def _many_apps(owner: Person) -> None:
    for number in range(1, APPS):
        app = App.create(connector="scim", name=f"App {number}", category=("Seat-based", "Paid social")[number % 2],
                         state="active", users=40, matched=36, unmatched=4, last_check_at=utcnow())  # fmt: skip
        AppPerson.create(app=app, person=owner, manages_as="owner")


def test_each_page_keeps_its_budget(visit, live, olga: Person, addresses: dict[str, str]) -> None:
    assert addresses.keys() == BUDGETS.keys()
    over = []
    for width in (WIDE, NARROW):
        page = visit(olga, width=width, at=None)
        page.add_init_script(WATCH)
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
        for name, (kinds, sizes) in _visited(page, wire, live.url, addresses):
            over += [f"{name} at {width}: {what}" for what in _over(page, BUDGETS[name], kinds, sizes)]
    assert not over, "\n".join(over)


def _visited(page, wire, url: str, addresses: dict[str, str]) -> Iterator[tuple[str, tuple[dict, dict]]]:
    """The name of each page, while it is open, with the kinds and the bytes of what it has requested, by id."""
    kinds, sizes = {}, {}
    wire.on("Network.responseReceived", lambda seen: kinds.update(_over_the_wire(seen)))
    wire.on("Network.loadingFinished", lambda seen: seen["requestId"] in kinds and sizes.update(
        {seen["requestId"]: seen["encodedDataLength"]}))  # fmt: skip
    for name, address in addresses.items():
        kinds.clear()
        sizes.clear()
        page.goto(url + address, wait_until="networkidle")
        page.evaluate(SETTLED)
        yield name, (kinds, sizes)


def _over_the_wire(seen: dict) -> dict[str, str]:
    """Not what Chromium has itself, such as the icon in a field for a day."""
    return {} if seen["response"]["url"].startswith("data:") else {seen["requestId"]: seen["type"]}


def _over(page, budget: Budget, kinds: dict[str, str], sizes: dict[str, int]) -> list[str]:
    own = sum(size for key, size in sizes.items() if kinds[key] == "Document") / 1024
    shared = sum(size for key, size in sizes.items() if kinds[key] in ("Stylesheet", "Script", "Image")) / 1024
    nodes = page.evaluate("document.querySelectorAll('*').length")
    found = [
        own > budget.page and f"{own:.1f} KB over the wire; {budget.page} are allowed",
        nodes > budget.nodes and f"{nodes} elements; {budget.nodes} are allowed",
        len(sizes) > REQUESTS + budget.more and f"{len(sizes)} requests; {REQUESTS + budget.more} are allowed",
        shared > SHARED + budget.more and f"{shared:.1f} KB of stylesheet, scripts and images",
    ]
    looked_at = {"what is in sight moves": SHIFTED, "a script blocks": BLOCKING, "images without a size": UNSIZED}
    for what, script in looked_at.items():
        if wrong := page.evaluate(script):
            found.append(f"{what}: {wrong}")
    return [what for what in found if what]
