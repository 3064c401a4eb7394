"""Someone has left and stays in an app: seen everywhere within a minute, and the last Owner is accepted by name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from sync.checks import comparison
from sync.db import utcnow
from sync.directory import push
from sync.jobs import queue
from sync.mail import outbox
from sync.models import AcceptedLeaver, Account, Activity, Check, Person
from sync.states import CheckTrigger
from sync.workspace import today
from tests.journeys.browser import NARROW, WIDE
from tests.journeys.looks import Look, look_at, nothing_wrong, opens
from tests.journeys.test_scim_looks import USER, write
from tests.sync.fixtures import email

REASON = "Until Mira is trained"


def a_minute_later() -> None:
    comparison.compare_due(utcnow() + timedelta(minutes=1))


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_departure_is_known_everywhere_without_a_check(visit, live, olga: Person, chat, width: int) -> None:
    page: Page = visit(olga, width=width, at=None)
    page.goto(f"{live.url}/apps")
    card = page.locator(f"#app-{chat.app.id}")
    expect(card).to_contain_text("Up to date")
    page.goto(f"{live.url}/apps/{chat.app.id}")
    for empty in ("#app-alerts", "#app-leavers"):  # each would take a gap
        expect(page.locator(empty)).to_have_css("display", "none")
    page.goto(f"{live.url}/people/{chat.people[3].id}")
    page.click("#left")
    page.get_by_label("Reason").fill("Last day was Friday")
    page.get_by_role("button", name="Mark as having left").dblclick()
    expect(page.locator("main")).to_contain_text("Deprovisioned")
    chat.stop()  # the app isn't asked
    a_minute_later()
    page.goto(live.url)
    expect(page.locator("#answer")).to_contain_text("1 person who has left still has 1 account")
    expect(page.locator(".drawer a", has_text="Reports")).to_contain_text("1")
    page.goto(f"{live.url}/apps")
    expect(card).to_contain_text("Approval needed")
    expect(card).not_to_contain_text("Up to date")
    page.goto(f"{live.url}/reports")
    expect(page.get_by_role("main")).to_contain_text("1 person has left")


def test_a_push_of_the_directory_is_known_everywhere(visit, live, olga: Person, chat, second, smtp, by: str) -> None:
    """The identity provider disables someone: both apps show it before they are read again."""
    _, token = push.connect("Okta", by)
    users = {
        number: write(live.url, token, "POST", "/Users", {"schemas": [USER], "userName": email(number), "active": True})
        for number in range(10)
    }
    outbox.configure(smtp.url, live.url)
    page: Page = visit(olga, at=None)
    page.goto(f"{live.url}/apps")
    cards = [page.locator(f"#app-{one.app.id}") for one in (chat, second)]
    for card in cards:
        expect(card).to_contain_text("Up to date")
    chat.stop()
    second.stop()
    write(live.url, token, "PATCH", f"/Users/{users[3]['id']}", {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": {"active": False}}]})  # fmt: skip
    page.reload()
    for card in cards:  # at once, before the reports are made
        expect(card).not_to_contain_text("Up to date")
    a_minute_later()
    queue.drain(("mail",))
    for message in smtp.wait_for(2):
        assert "1 person has left Acme and still has an account in" in message["Subject"]
    page.reload()
    for card in cards:
        expect(card).to_contain_text("1 person who has left still has an account")
    expect(page.locator(".drawer a", has_text="Reports")).to_contain_text("2")
    page.goto(live.url)
    expect(page.locator("#answer")).to_contain_text("1 person who has left still has 2 accounts")
    page.locator("main").get_by_role("link", name="View report: 1 person has left Acme").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Disabled in Okta")
    assert not Check.select().where(Check.trigger != CheckTrigger.HAND, Check.started_at.is_null(False)).exists()
    outbox.configure(None, live.url)


@pytest.mark.parametrize("javascript", [True, False])
def test_the_last_owner_is_accepted_by_name_until_a_day(visit, live, olga: Person, chat, javascript: bool) -> None:
    chat.leave(0)
    chat.check()
    account = Account.get(Account.email == email(0))
    page: Page = visit(olga, width=NARROW, javascript=javascript, expected=("status of 422",), at=None)
    app = f"{live.url}/apps/{chat.app.id}"
    page.goto(live.url)
    expect(page.get_by_role("main")).to_contain_text("Person 0 has left and is the last Owner of Chat")
    page.goto(app)
    other = page.context.new_page()
    other.goto(app)
    for one in (page, other):
        one.click("#warnings label")  # on a phone, several warnings are one line
    page.click(f"#accept-{account.id}")
    page.get_by_label("Look at it again on").fill((today() + timedelta(days=30)).isoformat())
    page.get_by_role("button", name="Accept for now").click()
    assert not AcceptedLeaver.select().exists(), "a reason is required"
    page.evaluate("document.querySelectorAll('form').forEach((form) => { form.noValidate = true })")
    page.get_by_role("button", name="Accept for now").click()
    expect(page.get_by_role("alert")).to_contain_text("reason")
    expect(page.get_by_label("Look at it again on")).to_have_value((today() + timedelta(days=30)).isoformat())
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Accept for now").dblclick()
    accepted = page.locator(f"#accepted-{account.id}")
    expect(accepted).to_contain_text(REASON)
    expect(accepted).to_contain_text("Olga Brandt")
    assert AcceptedLeaver.select().count() == 1
    assert Activity.select().where(Activity.why == REASON).count() == 1

    other.click(f"#accept-{account.id}")
    expect(other.get_by_label("Reason")).to_have_value(REASON)
    page.reload()
    page.click(f"#withdraw-{account.id}")
    expect(page.locator(f"#stuck-{account.id}")).to_contain_text("Person 0 has left")
    assert not AcceptedLeaver.select().where(AcceptedLeaver.ended_at.is_null()).exists()


def test_looks(visit, live, olga: Person, chat) -> None:
    chat.leave(0, 3)
    chat.check()
    account = Account.get(Account.email == email(0))
    page = visit(olga, at=None)
    app = f"/apps/{chat.app.id}"
    looks = [
        Look("stuck-home", "/"), Look("stuck-app", app),
        Look("stuck-accept", app, opens(f"#accept-{account.id}")), Look("stuck-fix", app, opens(f"#fix-{account.id}")),
    ]  # fmt: skip
    nothing_wrong(look_at(page, live.url, *looks))
