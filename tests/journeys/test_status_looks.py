"""What a person sees of an app that fails, holds leavers, or is full of strangers, and where that leads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from sync import vault
from sync.apps import drafts
from sync.checks import checks
from sync.db import utcnow
from sync.jobs import asking
from sync.matching import decisions
from sync.models import Account, App, Check, Directory, DirectoryEntry, Person
from sync.people import people
from tests.journeys.looks import Look, look_at, nothing_wrong, opens


@pytest.fixture
def troubled(chat, second) -> Iterator[tuple[int, int]]:
    """The first app can't be reached and has leavers, the second knows hardly anyone; a directory's list is held."""
    for row in Account.select().where(Account.app == second.app, Account.email.startswith("p")):
        if row.email not in ("p0@acme.example", "p1@acme.example"):
            decisions.unmatch(row, second.by)
    chat.leave(2, 3)
    chat.stop()
    chat.check()
    directory = Directory.create(kind="csv", name="Staff list", last_read_at=utcnow(), next_read_at=utcnow())
    for number in (5, 6, 7):
        person = people.find_by_email(f"p{number}@acme.example")
        DirectoryEntry.create(directory=directory, external_id=str(number), person=person,
                              reported_status="deprovisioned")  # fmt: skip
    draft = drafts.start("sample-ads", Person.get(Person.name == "Olga Brandt"))
    with pytest.raises(Exception, match="."):
        drafts.enter(draft, "Our ads", {"base_url": "http://127.0.0.1:9", "token": "acme_x"})
    yield chat.app.id, second.app.id


def _test_fails(page) -> None:
    page.click("#test-again")
    page.wait_for_selector("dialog:modal [role=alert]")


def _as_a_table(page) -> None:
    page.click("text=The same as a table")


def _history(app_id: int) -> None:
    """Three weeks of daily checks, in which a few joined and left."""
    first = utcnow() - timedelta(days=22)
    Check.update(created_at=first, finished_at=first).where(Check.app == app_id, Check.state == "succeeded").execute()
    for days in range(21, 0, -1):
        then = utcnow() - timedelta(days=days)
        Check.create(app=app_id, state="failed" if days == 9 else "succeeded", accounts=11 - days // 5, created_at=then,
                     finished_at=then, counts={"new_users": int(days % 5 == 0)}, error="No" if days == 9 else None)


def _check_address(page) -> None:
    """On a phone, the line of all warnings is opened before: tests/journeys/test_phone.py."""
    opens("#check-address")(page)


def _details(page) -> None:
    page.click("#alert-failed summary")


def test_looks(visit, live, troubled, olga: Person) -> None:
    chat, second = troubled
    App.update(credential=vault.seal({"token": "acme_revoked"})).where(App.id == second).execute()
    looks = [
        Look("status-home", "/", _as_a_table), Look("status-apps", "/apps"),
        Look("status-unreachable", f"/apps/{chat}", _details),
        Look("status-test-again", f"/apps/{chat}", _test_fails),
        Look("status-check-address", f"/apps/{chat}", _check_address),
        Look("status-unmatched", f"/apps/{second}"), Look("status-members", f"/apps/{second}/members?tab=unmatched"),
    ]  # fmt: skip
    page = visit(olga, at=None)
    _history(chat)
    nothing_wrong(look_at(page, live.url, *looks))
    expect(page.get_by_role("main")).to_contain_text("8 of the 10 addresses at acme.example are not in your directory")
    page.goto(f"{live.url}/apps")
    expect(page.locator(f"#app-{second} .badge")).to_have_text("Needs matching")
    expect(page.locator(f"#app-{chat}")).to_contain_text("Last check failed")


def test_a_check_that_fails_changes_title_and_alert_at_once(visit, live, chat, olga: Person) -> None:
    page = visit(olga, at=f"/apps/{chat.app.id}")
    assert page.query_selector("#app-alerts .banner") is None
    chat.stop()
    page.click("#check-for-updates")
    page.wait_for_selector("dialog:modal #cancel-check")
    checks.run(asking.live(chat.app).id)
    page.wait_for_selector("dialog:modal #check-again")
    assert "Chat can't be reached" in page.inner_text("dialog:modal")
    page.keyboard.press("Escape")
    page.wait_for_selector("#alert-failed")
    assert "showing data from" in page.inner_text("#alert-failed")
    page.wait_for_selector("#app-head .badge-waiting:has-text('Last check failed')")
