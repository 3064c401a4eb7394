"""The main job, whole, on real systems: `python app.py serve`, slapd, scim2-server, an SMTP server and Chromium.
One person leaves the company, and is out of the app; another leaver keeps the account, with a reason."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests import database
from tests.blank import environ_of
from tests.journeys.browser import TIMEOUT, WIDE
from tests.parts import free_port

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"


class Rollcall:
    """The program as a team starts it, on a folder of its own."""

    def __init__(self, home: Path, smtp_url: str):
        self.home, self.port = home, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ, **environ_of(home), "ROLLCALL_LISTEN": f"127.0.0.1:{self.port}",
            "ROLLCALL_SMTP_URL": smtp_url, "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        if database.on_server():
            database.make(home)

    def start(self) -> str:
        """What it printed when it was ready."""
        self.process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=self.environment, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
        output = self.process.stdout.readline()
        assert self.url in output, output
        return output

    def set_up_link(self) -> str:
        return re.search(r"http://\S+/setup\S+", self.process.stdout.readline()).group(0)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(120)
        self.process.stdout.close()
        return code


@pytest.fixture
def rollcall(tmp_path: Path, smtp_starttls) -> Iterator[Rollcall]:
    program = Rollcall(tmp_path / "home", smtp_starttls.url)
    yield program
    if program.process.poll() is None:
        program.stop()


@pytest.fixture
def page(chromium) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": WIDE, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(TIMEOUT)
    yield context.new_page()
    context.close()


@pytest.mark.proves("scim")
def test_a_person_leaves_and_is_out_of_the_app(rollcall, page, large_slapd, scim_app, smtp_starttls):
    scim_app.add_user("olga@acme.example", "Olga Brandt", "admin")
    for number in range(8):
        scim_app.add_user(f"p{number:04}@acme.example", f"Person {number:04}", "member")
    large_slapd.add("olga", "Olga Brandt", "olga@acme.example")

    rollcall.start()
    set_up(page, rollcall.set_up_link())
    connect_the_directory(page, rollcall, large_slapd)
    connect_the_app(page, rollcall, scim_app)
    the_daily_check_runs_after_a_night_of_downtime(page, rollcall, scim_app)

    large_slapd.disable("p0003")
    large_slapd.disable("p0004")
    check_for_updates(page, rollcall)
    shown = smtp_starttls.wait_for(1)[-1]
    assert "2 people have left Acme and still have accounts in Team wiki" in shown["Subject"]
    finish_from_the_mail(page, shown)

    outcome = smtp_starttls.wait_for(2)[-1]
    assert "removed from Team wiki" in outcome["Subject"]
    assert not scim_app.is_active("p0003@acme.example"), "the confirmed one is out of the app"
    assert scim_app.is_active("p0004@acme.example"), "the one who was left out is not"
    assert all(scim_app.is_active(f"p{number:04}@acme.example") for number in (0, 1, 2, 5, 6, 7))
    activity_tells_it_all(page, rollcall)
    assert rollcall.stop() == 0


def set_up(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Workspace").fill("Acme")
    page.get_by_label("Your name").fill("Olga Brandt")
    page.get_by_label("Your e-mail").fill("olga@acme.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Repeat the password").fill(PASSWORD)
    page.get_by_role("button", name="Set up Rollcall").click()
    expect(page.get_by_text("Olga Brandt").first).to_be_visible()


def connect_the_directory(page: Page, rollcall: Rollcall, slapd) -> None:
    page.goto(f"{rollcall.url}/directories")
    page.get_by_role("link", name="Connect").first.click()
    page.get_by_role("link", name=re.compile("LDAP")).click()
    page.locator("[name=directory_name]").fill("Company LDAP")
    fill(page, slapd.settings())
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#test")).to_contain_text("1,001")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("1,001").first).to_be_visible()


def fill(page: Page, values: dict[str, str]) -> None:
    for details in page.locator("form details:not([open]) > summary").all():
        details.click()
    for name, value in values.items():
        page.locator(f"input[name={name}]").fill(value)


def connect_the_app(page: Page, rollcall: Rollcall, scim_app) -> None:
    page.goto(f"{rollcall.url}/apps")
    page.get_by_role("link", name="Connect").first.click()
    page.get_by_role("link", name=re.compile("SCIM 2.0")).click()
    page.locator("[name=app_name]").fill("Team wiki")
    page.locator("[name=base_url]").fill(scim_app.settings["base_url"])
    page.locator("[name=token]").fill("not the token")
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#tested")).to_contain_text("rejects the credential")
    page.locator("[name=token]").fill(scim_app.settings["token"])
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#tested")).to_contain_text("read")
    page.get_by_role("button", name="Continue").dblclick()
    page.get_by_role("button", name="Start the first reading").click()
    expect(page.get_by_role("heading", name="Team wiki").first).to_be_visible()
    page.get_by_role("link", name=re.compile("Match people|Continue")).first.click()
    expect(page.get_by_text(re.compile("9")).first).to_be_visible()


def the_daily_check_runs_after_a_night_of_downtime(page: Page, rollcall: Rollcall, scim_app) -> None:
    assert rollcall.stop() == 0
    address = rollcall.environment.get("ROLLCALL_DATABASE")
    opened = psycopg.connect(address) if database.on_server() else sqlite3.connect(rollcall.home / "rollcall.db")
    opened.execute("UPDATE app SET next_check_at = '2026-01-01 03:00:00'")
    opened.commit()
    opened.close()
    scim_app.add_user("new@acme.example", "New Colleague", "member")
    rollcall.start()
    page.goto(f"{rollcall.url}/apps/1/members?tab=unmatched")
    deadline = time.monotonic() + 4 * TIMEOUT / 1000
    while not page.get_by_text("New Colleague").count():
        assert time.monotonic() < deadline, "the daily check did not run automatically"
        page.reload()
    page.goto(f"{rollcall.url}/apps/1/activity")
    expect(page.locator("main")).to_contain_text(re.compile("daily", re.I))


def check_for_updates(page: Page, rollcall: Rollcall) -> None:
    page.goto(f"{rollcall.url}/apps/1")
    page.get_by_role("button", name="Check for updates").dblclick()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("link", name="View report")).to_be_visible(timeout=30_000)
    dialog.get_by_role("link", name="View report").click()
    expect(page.get_by_role("heading", name="Sync Data")).to_be_visible()
    page.keyboard.press("Escape")


def finish_from_the_mail(page: Page, mail) -> None:
    text = mail.get_body(("plain",)).get_content()
    page.goto(re.search(r"http://\S+/reports/\d+", text).group(0))
    removed = page.locator("details", has=page.get_by_text("Removed users"))
    expect(removed).to_contain_text("Person 0003")
    expect(removed).to_contain_text("Disabled in Company LDAP")
    page.get_by_role("checkbox", name=re.compile("Person 0004")).uncheck()
    page.get_by_label("Why is Person 0004 left out?").fill("Hand-over until Friday")
    expect(page.locator("#sync-outcome")).to_contain_text("Removes 1 person")
    page.get_by_role("button", name="Finish Sync").dblclick()
    expect(page.get_by_text(re.compile("Finished|removed", re.I)).first).to_be_visible()
    page.reload()


def activity_tells_it_all(page: Page, rollcall: Rollcall) -> None:
    page.goto(f"{rollcall.url}/activity")
    shown = page.locator("main")
    for line in page.locator(".log-inside summary").all():
        line.click()
    for what in ("Finished sync", "Left out", "Hand-over until Friday", "Removed from the app", "Check succeeded"):
        expect(shown).to_contain_text(re.compile(re.escape(what), re.I))
