"""What a person sees of an app that fails, holds leavers, or is full of strangers, and where that leads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync import vault
from sync.apps import drafts
from sync.checks import checks
from sync.jobs import asking
from sync.matching import decisions
from sync.models import Account, App, Directory, DirectoryEntry, Person
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
    directory = Directory.create(kind="csv", name="Staff list")
    for number in (5, 6, 7):
        person = people.find_by_email(f"p{number}@acme.example")
        DirectoryEntry.create(directory=directory, external_id=str(number), person=person, reported="deprovisioned")
    draft = drafts.start("sample-ads", Person.get(Person.name == "Olga Brandt"))
    with pytest.raises(Exception, match="."):
        drafts.enter(draft, "Our ads", {"base_url": "http://127.0.0.1:9", "token": "acme_x"})
    yield chat.app.id, second.app.id


def _test_fails(page) -> None:
    page.click("#test-again")
    page.wait_for_selector("dialog:modal [role=alert]")


def _details(page) -> None:
    page.click("#alert-failed summary")


def test_looks(visit, live, troubled, olga: Person) -> None:
    chat, second = troubled
    App.update(credential=vault.seal({"token": "acme_revoked"})).where(App.id == second).execute()
    looks = [
        Look("status-apps", "/apps"), Look("status-unreachable", f"/apps/{chat}", _details),
        Look("status-test-again", f"/apps/{chat}", _test_fails),
        Look("status-check-address", f"/apps/{chat}", opens("#check-address")),
        Look("status-unmatched", f"/apps/{second}"), Look("status-members", f"/apps/{second}/members?tab=unmatched"),
    ]  # fmt: skip
    page = visit(olga)
    nothing_wrong(wrong for look in looks for wrong in look_at(page, live.url, look))


def test_a_check_that_fails_changes_title_and_alert_at_once(visit, live, chat, olga: Person) -> None:
    page = visit(olga)
    page.goto(f"{live.url}/apps/{chat.app.id}")
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
