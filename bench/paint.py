"""Measures when each page is first seen in Chromium, beside a bare page with the same SQL and rows: in turns, in one
run, with the stylesheet and the scripts in the browser's cache."""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench import pages
from demo.serve import Served

TIMES = 5
PAINTED = """new Promise((done) => new PerformanceObserver((list, observer) => {
    observer.disconnect()
    done(list.getEntriesByName("first-contentful-paint")[0].startTime)
}).observe({type: "paint", buffered: true}))"""


def paints(count: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Page → milliseconds until something is seen, and that ÷ the same of a bare page; medians."""
    addresses, site = pages.filled(count, folder)
    client, ours = site.test_client(), Served(site)
    client.get(pages.owners_link())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(ours.url + pages.owners_link())
        found = {}
        for name, address in addresses.items():
            bare = Served(pages.beside(client, address)[2].application)
            pairs = [(_painted(page, ours.url + address), _painted(page, bare.url)) for _ in range(TIMES)]
            bare.stop()
            found[name] = (statistics.median(seen for seen, _ in pairs),
                           statistics.median(seen / floor for seen, floor in pairs))  # fmt: skip
        browser.close()
    ours.stop()
    return found


def _painted(page: Page, address: str) -> float:
    page.goto(address)
    return page.evaluate(PAINTED)
