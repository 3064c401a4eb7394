"""What a removal reaches, loses and frees is read before it is approved; an API version that ends is warned of."""

from __future__ import annotations

from datetime import timedelta

from sync import workspace
from sync.models import Account, App, Report
from tests.sync.fixtures import email
from tests.web.client import Client

NOT_UNDONE = "It can&#39;t be undone. To let them in again, invite them again, and give them"


def preview(owner: Client, chat) -> str:
    account = Account.get(Account.email == email(1))
    return owner.get(f"/apps/{chat.app.id}/removals/new?account={account.id}").text


def is_now(chat, connector: str, **settings: str) -> None:
    """The same accounts, in another kind of app."""
    App.update(connector=connector, settings=settings).where(App.id == chat.app.id).execute()


def test_the_preview_of_a_removal_says_what_it_reaches_and_loses(owner: Client, chat) -> None:
    page = preview(owner, chat)
    assert "Removes them from the workspace, with all its channels." in page and NOT_UNDONE in page
    assert "Their seat is freed." in page


def test_a_removal_that_only_suspends_says_that_the_vendor_goes_on_charging(owner: Client, chat) -> None:
    App.update(seat_price=875).where(App.id == chat.app.id).execute()
    assert "Saves 8.75" in preview(owner, chat)
    is_now(chat, "google_workspace")
    page = preview(owner, chat)
    assert "Suspends their Google account" in page and "Google charges for a suspended user" in page
    assert "It can be undone at any time: reactivate the user in the Google Admin console." in page
    assert "Saves" not in page
    is_now(chat, "microsoft_365")
    assert "Saves" not in preview(owner, chat), "a member's licence stays, a guest may have none"


def test_the_last_day_to_undo_is_a_date(owner: Client, chat) -> None:
    is_now(chat, "microsoft_365")
    last = workspace.today() + timedelta(days=30)
    assert f"It can be undone until {last.day} {last:%b %Y}: restore the user" in preview(owner, chat)


def test_a_setting_decides_what_a_removal_reaches(owner: Client, chat) -> None:
    is_now(chat, "slack", removal="admin")
    page = preview(owner, chat)
    assert "Takes them out of this workspace alone." in page and "Deactivates their account" not in page


def test_the_wizard_says_it_above_the_people_who_are_removed(owner: Client, chat) -> None:
    chat.leave(1)
    chat.check()
    page = owner.get(f"/reports/{Report.get(Report.state == 'open').id}").text
    assert page.index("Removes them from the workspace") > page.index("Removed users") and NOT_UNDONE in page


def test_a_report_that_removes_nobody_does_not_say_it(owner: Client, chat) -> None:
    chat.store.add("new@acme.example", "New Body", "member", via="page")
    chat.check()
    assert "Removes them from" not in owner.get(f"/reports/{Report.select().order_by(Report.id.desc()).get().id}").text


def test_the_page_that_connects_an_app_says_it_for_each_choice(owner: Client) -> None:
    answer = owner.post("/apps", connector="slack")
    page = owner.get(answer.location).text
    assert "What a removal does" in page
    assert "People are removed over SCIM, by deactivating them (Business+):" in page


def test_a_version_that_has_ended_is_warned_of_on_the_page_of_its_app(owner: Client, chat) -> None:
    assert "Acme Chat v1" in owner.get(f"/apps/{chat.app.id}").text
    is_now(chat, "linkedin_ads", version="202501")
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "LinkedIn Marketing API 202501, until 1 Jan 2026" in page
    assert "LinkedIn Marketing API 202501, ended on 1 January 2026" in page and "Enter a later version" in page
