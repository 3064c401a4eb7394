"""What a removal reaches, loses and frees is read before it is approved; an API version that ends is warned of."""

from __future__ import annotations

from datetime import date, timedelta
from html import unescape

import pytest

from connectors.directories.okta import OktaDirectory
from connectors.versions import ApiVersion
from sync import workspace
from sync.db import utcnow
from sync.jobs import queue
from sync.mail import letters, news
from sync.models import Account, App, Change, Directory, Mail, Report, Task
from tests.sync.fixtures import email
from tests.web.client import Client
from tests.web.test_offboarding_pages import form_of

NOT_UNDONE = "It can&#39;t be undone. To let them in again, invite them again, and give them"


def preview(owner: Client, chat) -> str:
    account = Account.get(Account.email == email(1))
    return owner.get(f"/apps/{chat.app.id}/removals/new?account={account.id}").text


def is_now(chat, connector: str, **settings: str) -> None:
    """The same accounts, in another kind of app."""
    App.update(connector=connector, settings=settings).where(App.id == chat.app.id).execute()


def test_the_preview_of_a_removal_says_what_it_reaches_and_loses(owner: Client, chat) -> None:
    page = preview(owner, chat)
    assert "Removes them from the workspace and all its channels." in page and NOT_UNDONE in page
    assert "Their seat is freed." in page


def test_a_removal_that_only_suspends_says_that_the_vendor_keeps_charging(owner: Client, chat) -> None:
    App.update(seat_price=875).where(App.id == chat.app.id).execute()
    assert "Saves 8.75" in preview(owner, chat)
    is_now(chat, "google_workspace")
    page = preview(owner, chat)
    assert "Suspends their Google account" in page and "Google charges for a suspended user" in page
    assert "It can be undone at any time: reactivate them in the Google Admin console." in page
    assert "Saves" not in page
    is_now(chat, "microsoft_365")
    assert "Saves" not in preview(owner, chat), "a member's licence stays, a guest may have none"


def test_the_last_day_to_undo_is_a_date(owner: Client, chat) -> None:
    is_now(chat, "microsoft_365")
    last = workspace.today() + timedelta(days=30)
    assert f"It can be undone until {last.day} {last:%b %Y}: restore them" in preview(owner, chat)


def test_a_setting_decides_what_a_removal_reaches(owner: Client, chat) -> None:
    is_now(chat, "slack", removal="admin")
    page = preview(owner, chat)
    assert "Removes them from this workspace only." in page and "Deactivates their account" not in page


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
    page = owner.get("/apps/new/slack").text
    assert "What a removal does" in page
    assert "People are removed over SCIM, by deactivating them (Business+):" in page


def test_a_version_that_has_ended_is_warned_of_on_the_page_of_its_app(owner: Client, chat) -> None:
    assert "Acme Chat v1" in owner.get(f"/apps/{chat.app.id}").text
    is_now(chat, "linkedin_ads", version="202501")
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "LinkedIn Marketing API 202501, until 1 Jan 2026" in page
    assert "LinkedIn Marketing API 202501, ended on 1 January 2026" in page and "Enter a later version" in page


def offboarding_preview(owner: Client, chat) -> str:
    return owner.get(f"/people/{chat.people[3].id}/offboardings/new").text


def test_an_offboarding_says_of_each_account_what_its_removal_reaches_and_loses(owner: Client, chat) -> None:
    page = offboarding_preview(owner, chat)
    assert "Removes them from the workspace and all its channels." in page and NOT_UNDONE in page


def test_the_progress_of_an_offboarding_has_the_last_day_to_undo_each_removal(owner: Client, chat) -> None:
    person = chat.people[3]
    form = form_of(offboarding_preview(owner, chat))
    address = owner.post(f"/people/{person.id}/offboardings", **form).location
    assert "Removes them from the workspace" in owner.get(address).text
    queue.drain()
    removed = utcnow() - timedelta(days=5)
    Task.update(finished_at=removed).execute()
    is_now(chat, "dropbox")
    last = workspace.to_local(removed).date() + timedelta(days=7)
    assert f"It can be undone until {last.day} {last:%b %Y}: recover them" in owner.get(address).text
    Task.update(state="cancelled").execute()
    assert "It can be undone" not in owner.get(address).text, "the account stays"


def test_the_e_mails_about_removals_say_what_they_do(owner: Client, chat) -> None:
    chat.leave(1)
    chat.check()
    report = Mail.get(Mail.kind == "report")
    for body in (report.text, report.html):
        assert "What a removal does in Chat" in body and "It can't be undone." in unescape(body)
    owner.post(f"/people/{chat.people[3].id}/offboardings", **form_of(offboarding_preview(owner, chat)))
    queue.drain()
    done = Mail.get(Mail.kind == "offboarding")
    for body in (done.text, done.html):
        assert "Removes them from the workspace and all its channels. It can't be undone." in unescape(body)


def test_the_mail_about_a_report_that_removes_nobody_does_not_say_it(owner: Client, chat) -> None:
    assert letters.effects_in_words([]) == []
    chat.leave(1)
    chat.check()
    Change.update(in_app=False).execute()
    news.remind(Report.get(Report.state == "open"))
    assert "What a removal does" not in Mail.get(Mail.kind == "reminder").text


@pytest.mark.parametrize(
    ("connector", "says"),
    [("asana", "It isn't documented whether this frees the seat. Check the app's billing settings afterwards."),
     ("google_workspace", "No money is saved yet, because the seat isn't freed. Google charges for a suspended user"),
     ("csv-export", "Rollcall can't see whether this frees the seat.")],
)  # fmt: skip
def test_money_is_saved_only_where_the_seat_is_known_to_be_freed(owner: Client, chat, connector, says) -> None:
    App.update(seat_price=875).where(App.id == chat.app.id).execute()
    chat.leave(1)
    chat.check()
    address = f"/reports/{Report.get(Report.state == 'open').id}"
    assert "saves 8.75" in owner.get(address).text and says not in owner.get(address).text
    is_now(chat, connector)
    for page in (owner.get(address).text, offboarding_preview(owner, chat)):
        assert "saves" not in page and "Saves" not in page
    assert says in unescape(owner.get(address).text)


def test_an_invitation_saves_only_where_its_own_seat_is_freed(owner: Client, chat) -> None:
    App.update(seat_price=875).where(App.id == chat.app.id).execute()
    is_now(chat, "gitlab")
    assert "Saves 8.75" in preview(owner, chat)
    Account.update(status="invited").where(Account.email == email(1)).execute()
    page = unescape(preview(owner, chat))
    assert "Saves" not in page and "It isn't documented whether this frees the seat." in page


def test_a_directory_warns_of_the_version_of_its_api(owner: Client, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = Directory.create(kind="okta", name="Okta", settings={"url": "https://acme.okta.com"})
    assert "version in use" not in owner.get(f"/directories/{directory.id}").text
    ended = ApiVersion("Okta API", "v1", date(2026, 1, 1), source="“Versions”")
    monkeypatch.setattr(OktaDirectory, "api_version", ended)
    page = owner.get(f"/directories/{directory.id}").text
    assert "Okta: the version in use, Okta API v1, ended on 1 January 2026. Update Rollcall" in page


def test_a_task_that_awaits_approval_in_the_app_is_shown_as_waiting(owner: Client, chat) -> None:
    person = chat.people[3]
    address = owner.post(f"/people/{person.id}/offboardings", **form_of(offboarding_preview(owner, chat))).location
    Task.update(detail={"awaited": ["request 1"]}, error="A second admin must approve this.").execute()
    for page in (owner.get(address).text, owner.get(f"/apps/{chat.app.id}/activity").text):
        assert "Awaits approval in the app" in page and "A second admin must approve this." in page
    assert "every 2s" not in owner.get(address).text, "nothing moves until someone approves it"
