"""The walk of a newcomer in a real browser, timed: from a fresh clone to a finished removal in the demo, and from
nothing to an HR system's report whose people are matched. `make walk`; `make walk ARGS="--from URL"` clones another."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench import machine
from demo import chat_app
from demo.chat_app import ChatStore
from demo.serve import Served

HERE = Path(__file__).parent.parent
PATIENCE = 120_000  # milliseconds: a busy machine makes a walk long, not wrong
PEOPLE = 60  # in the report
LEFT, PRIVATE = 3, 4  # so many of them have left, and have an account with a private address
PASSWORD = "correct horse battery"
# What BambooHR exports: https://documentation.bamboohr.com/docs/list-of-field-names, dates as in its American setting.
HEADER = ("Employee #,Last Name,First Name,Work Email,Home Email,Job Title,Department,Location,Supervisor,Hire Date,"
          "Status,Employment Status,Termination Date")  # fmt: skip
FIRST = ("Ana", "Ben", "Cleo", "Dana", "Emil", "Finn", "Gwen", "Hugo", "Ines", "Jan")
LAST = ("Abel", "Berg", "Cruz", "Dahl", "Egede", "Fox")


class Clock:
    """Prints what is reached, with the seconds since the start."""

    def __init__(self, words: str):
        print(f"\n{words}", flush=True)
        self._began = time.perf_counter()

    def reached(self, words: str) -> None:
        print(f"{words:58}{time.perf_counter() - self._began:6.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--from", dest="source", default=str(HERE), help="the repository to clone; default: this one")
    given = parser.parse_args()
    print("\n".join(machine.facts()))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        clone = Path(folder) / "rollcall"
        to_a_removal(browser, given.source, clone)
        to_a_matched_file(browser, clone, Path(folder))
        browser.close()


def to_a_removal(browser: Browser, source: str, clone: Path) -> None:
    clock = Clock("A fresh clone, the demo, and the first removal")
    subprocess.run(["git", "clone", "--quiet", source, str(clone)], check=True)
    clock.reached("cloned")
    with running("demo", clone, clone.parent / "demo", "Rollcall is at") as words:
        clock.reached("`make demo` prints its link")
        page = opened(browser, re.search(r"signed in as.*?(http\S+)", words).group(1))
        page.get_by_role("link", name="Acme Chat", exact=True).click()
        page.get_by_role("button", name="Check for updates").click()
        page.get_by_role("dialog").get_by_role("link", name="View report").click()
        expect(page.get_by_role("dialog")).to_contain_text("3 people have left Acme")
        clock.reached("a check has found three people who left")
        page.get_by_role("button", name="Finish Sync").click()
        expect(page.locator("#toasts")).to_contain_text("Removing")
        expect(page.locator("#toasts")).to_contain_text("has confirmed it")
        clock.reached("the app has confirmed the removal")


def to_a_matched_file(browser: Browser, clone: Path, folder: Path) -> None:
    report = folder / "BambooHR report.csv"
    report.write_text("\n".join([HEADER, *(_employee(number) for number in range(PEOPLE))]) + "\n")
    served = _an_app(folder / "chat")
    clock = Clock(f"An empty workspace, a BambooHR report of {PEOPLE} people, and the first app")
    with running("run", clone, folder / "home", "/setup?") as words:
        clock.reached("`make run` prints its link")
        page = opened(browser, re.search(r"http\S+/setup\S+", words).group(0))
        home = page.url.partition("/setup?")[0]
        _set_up(page)
        clock.reached("the workspace is set up")
        _connect_the_report(page, report)
        clock.reached("the report's people are known")
        _connect_the_app(page, home, *served)
        clock.reached("the first app is read")
        _match(page, home)
        clock.reached("every account belongs to someone")
    served[0].stop()


def _employee(number: int) -> str:
    """One of them has a status that Rollcall can't know."""
    first, last = _name(number)
    status, day = ("Terminated", "10/31/2026") if number < LEFT else ("Full-Time", "")
    state = "Inactive" if number < LEFT else "Active"
    hired = f"{number % 12 + 1:02}/{number % 28 + 1:02}/2024"
    return (f"{100 + number},{last},{first},{_address(number)},,Engineer,Product,Malmö,Gwen Fox,{hired},{state},"
            f"{'Furloughed' if number == LEFT else status},{day}")  # fmt: skip


def _name(number: int) -> tuple[str, str]:
    return FIRST[number % len(FIRST)], LAST[number // len(FIRST)]


def _address(number: int) -> str:
    return ".".join(_name(number)).lower() + "@acme.example"


def _an_app(folder: Path) -> tuple[Served, str]:
    """A served Acme Chat in which everyone has an account, a few with a private address; and its token."""
    store = ChatStore(folder)
    store.add("olga@acme.example", "Olga Brandt", "owner", via="page")
    for number in range(PEOPLE):
        name = " ".join(_name(number))
        address = f"{name.replace(' ', '')}@private.example" if number >= PEOPLE - PRIVATE else _address(number)
        store.add(address, name, "member", via="page")
    return Served(chat_app.create_app(store)), store.token


def _set_up(page: Page) -> None:
    for label, text in (("Workspace", "Acme"), ("Your name", "Olga Brandt"), ("Your e-mail", "olga@acme.example"),
                        ("Password", PASSWORD), ("Repeat the password", PASSWORD)):  # fmt: skip
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Set up Rollcall").click()


def _connect_the_report(page: Page, report: Path) -> None:
    page.get_by_role("link", name="Connect a directory").first.click()
    page.locator("a.choice-card", has_text="CSV").click()
    page.fill("#f-directory_name", "BambooHR")
    page.select_option("#f-source", "upload")
    page.set_input_files("#f-text", report)
    page.get_by_role("button", name="Connect", exact=True).click()
    page.locator("#q-1").select_option(label="Suspended")
    page.get_by_role("button", name="Save the answers").click()
    page.get_by_role("button", name="Connect this directory").click()
    expect(page.locator("#state .figures div", has_text="active")).to_contain_text(str(PEOPLE - LEFT - 1))


def _connect_the_app(page: Page, home: str, served: Served, token: str) -> None:
    page.goto(home)
    page.get_by_role("link", name="Connect: Connect the first app").click()
    page.locator("a.choice-card", has_text="Acme Chat").click()
    page.locator("[name=base_url]").fill(served.url)
    page.locator("[name=token]").fill(token)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Start the first reading").click()
    expect(page.locator("#go-on")).to_be_visible()


def _match(page: Page, home: str) -> None:
    page.click("#go-on")
    likely = page.get_by_role("button", name=re.compile("^Is "))
    for left in range(PRIVATE, 0, -1):
        expect(likely).to_have_count(left)
        likely.first.click()
    expect(likely).to_have_count(0)
    page.goto(home)
    expect(page.locator(".setup-steps li", has_text="Match the accounts")).to_contain_text("(done)")


def opened(browser: Browser, address: str) -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page = context.new_page()
    page.goto(address)
    return page


@contextmanager
def running(target: str, clone: Path, home: Path, last: str) -> Iterator[str]:
    """`make TARGET` in the clone until the block ends; what it printed, up to a line that holds `last`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ours = ("ROLLCALL_", "MAKE", "MFLAGS", "ARGS")  # make hands its own down
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
        "ROLLCALL_HOME": str(home), "ROLLCALL_LISTEN": f"127.0.0.1:{port}", "PYTHONUNBUFFERED": "1",
        "ROLLCALL_PRIVATE_NETWORKS": "127.0.0.0/8",
    }  # fmt: skip
    process = subprocess.Popen(["make", target], cwd=clone, env=environment, text=True, start_new_session=True,
                               stdout=subprocess.PIPE)  # fmt: skip
    words = ""
    try:
        while last not in words:
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"make {target} ended: {words}")
            words += line
        yield words
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


if __name__ == "__main__":
    main()
