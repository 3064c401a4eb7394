"""Takes the pictures in the README and docs/directories.md from the demo, in a real Chromium: `python -m docs.picture`.
Run it again when the wizard, or the page about a file's columns, looks different."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from app import create_app
from demo.run import BY, running
from demo.serve import Served
from sync.apps import apps
from sync.db import connected
from sync.jobs import asking, queue
from sync.reports import reports

WIZARD, COLUMNS = (Path(__file__).with_name(f"{name}.png") for name in ("sync-data", "columns"))
WIDTH, HEIGHT = 1280, 1120
STATES = {3: ("Terminated", "03.11.2026"), 4: ("On Leave", "")}
STAFF = "Acme: staff list\n\nEmployee #;First name;Last name;Work Email;Employment Status;Termination Date\n" + "".join(
    f"{number:04};{name};Person{number};p{number}@acme.example;{';'.join(STATES.get(number, ('Active', '')))}\n"
    for number, name in enumerate(("Ana", "Ben", "Cleo", "Dan", "Eve", "Finn")))  # fmt: skip


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
    print(WIZARD, COLUMNS)


def take(url: str, token: str, behind: str, report_id: int) -> None:
    program = shutil.which("chromium") or shutil.which("chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(f"{url}/sign-in/{token}")
        take_wizard(page, url + behind, report_id)
        take_columns(page, f"{url}/directories/new/csv")
        browser.close()


def take_wizard(page: Page, behind: str, report_id: int) -> None:
    """The wizard as a dialog over the page at `behind`, its removals opened."""
    page.goto(behind)
    page.locator(f'a[href*="/reports/{report_id}"]').first.click()
    page.locator("dialog[open]").wait_for()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=WIZARD)


def take_columns(page: Page, connect: str) -> None:
    """The page that asks what the columns of a list mean, after its upload."""
    page.goto(connect)
    page.select_option("select[name=source]", "upload")
    page.set_input_files("input[type=file]", {"name": "staff.csv", "mimeType": "text/csv", "buffer": STAFF.encode()})
    page.get_by_role("button", name="Connect", exact=True).click()
    page.wait_for_url("**/files/*")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=COLUMNS, full_page=True)


if __name__ == "__main__":
    main()
