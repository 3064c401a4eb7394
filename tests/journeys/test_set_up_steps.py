"""From an empty workspace to one that works, by the steps that Home lists: each is done by its own link."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sync.jobs import queue
from sync.mail import outbox
from sync.models import Person
from tests.demo.apps import ChatApp
from tests.journeys.browser import Live

STAFF = "email,name\nolga@acme.example,Olga Brandt\nana@acme.example,Ana López\nmira@acme.example,Mira Okafor\n"


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[ChatApp]:
    """An Acme Chat in which one of three accounts has a private address."""
    with ChatApp(tmp_path / "acme") as chat:
        for email, name in (("olga@acme.example", "Olga Brandt"), ("mira@acme.example", "Mira Okafor"),
                            ("ana.lopez@private.example", "Ana Lopez")):  # fmt: skip
            chat.store.add(email, name, "owner" if name.startswith("Olga") else "member", via="page")
        yield chat


@pytest.fixture(autouse=True)
def no_mail_server_afterwards(home: Path) -> Iterator[None]:
    yield
    outbox.configure(None, "http://127.0.0.1:8000")


def take(page: Page, live: Live, step: str) -> None:
    """Follow the link of the step, which is still to do."""
    page.goto(live.url)
    expect(page.locator(".setup-steps li", has_text=step)).to_contain_text("(to do)")
    page.locator(".setup-steps").get_by_role("link", name=step).click()


def is_done(page: Page, live: Live, step: str) -> None:
    page.goto(live.url)
    expect(page.locator(".setup-steps li", has_text=step)).to_contain_text("(done)")
    expect(page.locator(".setup-steps").get_by_role("link", name=step)).to_have_count(0)


def test_each_step_is_done_by_its_link(visit, live: Live, olga: Person, acme: ChatApp, smtp, tmp_path: Path) -> None:
    page: Page = visit(olga, at=None)
    page.goto(live.url)
    expect(page.locator(".setup-steps li")).to_have_count(5)
    expect(page.locator("#answer")).to_contain_text("No app is connected yet")
    expect(page.locator(".setup-steps").get_by_role("link", name="Match the accounts")).to_have_count(0)

    staff = tmp_path / "staff.csv"
    staff.write_text(STAFF)
    take(page, live, "Connect your directory")
    page.locator("a.choice-card", has_text="CSV").click()
    page.fill("#f-directory_name", "HR")
    page.select_option("#f-source", "upload")
    page.set_input_files("#f-text", staff)
    page.get_by_role("button", name="Connect", exact=True).click()
    page.wait_for_url("**/directories/*")
    queue.drain()
    is_done(page, live, "Connect your directory")

    take(page, live, "Connect the first app")
    page.locator("a.choice-card", has_text="Acme Chat").click()
    page.locator("[name=app_name]").fill("Chat")
    page.locator("[name=base_url]").fill(acme.url)
    page.locator("[name=token]").fill(acme.token)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Start the first reading").click()
    expect(page.locator("#reading")).to_be_visible()
    queue.drain()
    expect(page.locator("#go-on")).to_be_visible()
    is_done(page, live, "Connect the first app")

    take(page, live, "Match the accounts")
    page.locator("tr", has_text="Ana Lopez").locator(".likely button").click()
    expect(page.locator("#toasts")).to_contain_text("Ana Lopez: Ana López.")
    is_done(page, live, "Match the accounts")

    take(page, live, "Set up mail")
    form = page.get_by_role("form", name="Mail server")
    expect(form.get_by_label("Server")).to_be_in_viewport()
    form.get_by_label("Server").fill("127.0.0.1")
    form.get_by_label("Encryption").select_option("none")
    form.get_by_label("Port").fill(str(smtp.port))
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("Saved. E-mails are sent through 127.0.0.1.")
    is_done(page, live, "Set up mail")

    take(page, live, "Invite a second Owner")
    page.get_by_label("Name").fill("Mira Okafor")
    page.get_by_label("E-mail").fill("mira@acme.example")
    page.get_by_role("radio", name="Owner").check()
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Mira Okafor was invited.")
    page.goto(live.url)
    expect(page.locator(".setup-steps")).to_have_count(0)
    expect(page.locator("#answer")).to_contain_text("Nobody who has left has an account")
