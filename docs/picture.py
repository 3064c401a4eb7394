"""Takes docs/sync-data.png, the picture in the README, from the demo in a real Chromium: `python -m docs.picture`.
Run it again when the wizard looks different."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from app import create_app
from demo.run import BY, running
from demo.serve import Served
from sync.apps import apps
from sync.db import connected
from sync.jobs import asking, queue
from sync.reports import reports

PICTURE = Path(__file__).with_name("sync-data.png")
WIDTH, HEIGHT = 1280, 900


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rollcall-picture-") as folder, running(folder, "127.0.0.1:8000") as demo:
        with connected():
            app = apps.by_name("Acme Chat")
            asking.ask(app, BY)
            queue.drain(("check",))
            report = reports.open_report(app)
        pages = Served(create_app(demo.config))
        try:
            take(pages.url, demo.link.rpartition("/")[2], f"/apps/{app.id}/reports", report.id)
        finally:
            pages.stop()
    print(PICTURE)


def take(url: str, token: str, behind: str, report_id: int) -> None:
    """The wizard as a dialog over the page at `behind`, its removals opened."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(f"{url}/sign-in/{token}")
        page.goto(url + behind)
        page.locator(f'a[href*="/reports/{report_id}"]').first.click()
        page.locator("dialog[open]").wait_for()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
