"""The demo as a newcomer clicks it: from the printed link to someone out of the sample app, with a hurried hand."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browser import TIMEOUT, WIDE
from tests.parts import free_port

ROOT = Path(__file__).resolve().parents[2]
ADDRESSES = {"rollcall": "Rollcall, signed in", "chat": "Acme Chat, a seat", "people": "Acme people, who"}


@pytest.fixture
def addresses(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The links that the demo prints; it runs until the test has ended."""
    environment = {**os.environ, "ROLLCALL_HOME": str(tmp_path / "demo"), "ROLLCALL_LISTEN": f"127.0.0.1:{free_port()}",
                   "PYTHONUNBUFFERED": "1"}  # fmt: skip
    process = subprocess.Popen([sys.executable, "app.py", "demo"], cwd=ROOT, env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
    shown = ""
    while "Rollcall is at" not in shown:
        line = process.stdout.readline()
        assert line, f"the demo ended: {shown}"
        shown += line
    yield {name: re.search(rf"{re.escape(label)}.*?(http\S+)", shown).group(1) for name, label in ADDRESSES.items()}
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0
    process.stdout.close()


@pytest.fixture
def page(chromium) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": WIDE, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(TIMEOUT)
    yield context.new_page()
    context.close()


def test_a_newcomer_sees_three_leavers_and_removes_one(addresses, page):
    page.goto(addresses["rollcall"])
    page.get_by_role("link", name="Acme Chat", exact=True).click()
    look_for_updates(page)

    wizard = page.get_by_role("dialog")
    expect(wizard).to_contain_text("3 people have left Acme and still have accounts in Acme Chat.")
    for title, number in (("New users", 2), ("Removed users", 3), ("Updated roles", 1)):
        expect(wizard.locator("summary", has_text=title)).to_contain_text(str(number))
    wizard.locator("summary", has_text="New users").click()
    wizard.locator("summary", has_text="Updated roles").click()
    expect(wizard).to_contain_text("Pavel Horák has left and is the last Owner of Acme Chat")

    expect(wizard.get_by_role("checkbox", name=re.compile("Jana"))).not_to_be_checked()
    wizard.get_by_label("Hand over “marketing” to").select_option(index=1)
    wizard.get_by_role("checkbox", name=re.compile("Tom Okafor")).uncheck()
    wizard.get_by_role("button", name="Finish Sync").click()
    why = wizard.get_by_label("Why is Tom Okafor left out?")
    expect(why).to_be_focused()
    why.fill("Hand-over until Friday")
    wizard.get_by_role("button", name="Finish Sync").dblclick()
    expect(page.get_by_text(re.compile("Finish Sync|Finished|removed from", re.I)).first).to_be_visible()
    gone_from_the_app(page, addresses["chat"], "jana@acme.example")
    expect(page.locator("body")).to_contain_text("tom@acme.example")

    page.goto(addresses["people"])
    page.get_by_role("button", name="Ana Duarte left the company").click()
    page.goto(addresses["rollcall"].partition("/sign-in")[0] + "/apps")
    page.get_by_role("link", name="Acme Chat", exact=True).click()
    look_for_updates(page)
    expect(page.get_by_role("dialog")).to_contain_text("Ana Duarte")
    expect(page.get_by_role("dialog")).to_contain_text("Left out: Hand-over until Friday")


def look_for_updates(page: Page) -> None:
    """With a double click, a reload that opens the dialog again by its address, and a further click."""
    check, dialog = page.get_by_role("button", name="Check for updates"), page.get_by_role("dialog")
    check.dblclick()
    expect(dialog).to_be_visible()
    page.reload()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    check.click()
    dialog.get_by_role("link", name="View report").click(timeout=30_000)
    expect(page.get_by_role("heading", name="Sync Data")).to_be_visible()


def gone_from_the_app(page: Page, chat: str, email: str) -> None:
    page.goto(chat)
    while page.get_by_role("table").first.get_by_text(email).count():
        page.reload()
