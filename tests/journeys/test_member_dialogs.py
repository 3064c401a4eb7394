"""Operations on members in a browser: invite, join, another role, access granted and revoked, removal; hurried clicks.
E-mails go to a real SMTP server, operations to the sample app over HTTP; the queue runs between the steps."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from sync.jobs import queue
from sync.mail import outbox
from sync.models import Account, Invitation, Task
from sync.people import people
from tests.sync.fixtures import email

NINA, OMAR = "nina@acme.example", "omar@acme.example"


@pytest.fixture
def acme(chat, live, smtp, by):
    """The chat with one channel that person 1 manages, two newcomers without an account, a mail server."""
    people.add("Nina Vogel", NINA, by)
    people.add("Omar Haddad", OMAR, by)
    general = chat.store.add_channel("general", via="page")
    chat.store.join(general, chat.id_of(1), "manager", via="page")
    chat.check()
    outbox.configure(smtp.url, live.url)
    yield chat
    outbox.configure(None, live.url)


def row(page: Page, number: int):
    return page.locator(f"#account-{id_of(number)}")


def id_of(number: int) -> int:
    return Account.get(Account.email == email(number)).id


def tick(page: Page, *numbers: int) -> None:
    for number in numbers:
        page.get_by_role("checkbox", name=f"Tick Person {number}", exact=True).check()


def confirm(page: Page) -> None:
    """In a hurry: twice."""
    page.locator("#confirm").dblclick()
    expect(page.locator("dialog")).to_have_count(0)


def test_members_are_invited_changed_and_removed(acme, live, visit, olga, smtp) -> None:
    page = visit(olga, expected=("status of 422",), at=None)
    members = f"{live.url}/apps/{acme.app.id}/members"
    two_are_invited(page, members, smtp)
    one_joins_and_a_check_onboards_them(page, members, acme)
    roles_change_in_bulk(page, members, acme)
    access_is_granted_and_revoked(page, live, acme)
    somebody_is_removed_with_a_reason(page, members, acme)
    activity_tells_it_all(page, live, acme)


def two_are_invited(page: Page, members: str, smtp) -> None:
    page.goto(members)
    page.get_by_role("link", name="Add users").click()
    page.wait_for_selector("dialog:modal")
    page.get_by_label("People", exact=True).press_sequentially("Nina", delay=50)
    expect(page.locator("#people-found option")).to_have_attribute("value", NINA)
    page.get_by_label("People", exact=True).fill(f"{NINA}, {OMAR}, {email(3)}")
    page.get_by_role("button", name="Preview").click()
    preview = page.locator("#preview")
    expect(preview.locator("#will li")).to_have_count(2)
    expect(preview.locator("#left-alone")).to_contain_text("Already has an account")
    expect(page.locator("#confirm")).to_have_text("Invite 2 people")
    confirm(page)
    coming = page.locator("#joining")
    expect(coming).to_contain_text("Nina Vogel")
    expect(coming.get_by_text("Invitation ongoing")).to_have_count(2)
    queue.drain(("task", "mail"))
    text = smtp.wait_for(2)
    assert {mail["To"] for mail in text} == {NINA, OMAR} and {mail["Subject"] for mail in text} == {"Join Chat"}
    expect(coming).to_contain_text("expires")
    assert Invitation.select().count() == 2 == Task.select().count()


def one_joins_and_a_check_onboards_them(page: Page, members: str, acme) -> None:
    acme.check()
    acme.store.change(next(one["id"] for one in acme.members() if one["email"] == NINA), via="page", status="active")
    acme.check()
    page.goto(f"{members}?search=nina")
    expect(page.locator("#members-table")).to_contain_text("Nina Vogel")
    expect(page.locator("#members-table")).not_to_contain_text("Invitation")
    expect(page.locator("#joining")).to_contain_text("Omar Haddad")
    expect(page.locator("#joining")).not_to_contain_text("Nina Vogel")


def roles_change_in_bulk(page: Page, members: str, acme) -> None:
    page.goto(members)
    expect(page.locator("#bulk")).to_be_hidden()
    tick(page, 1, 2)
    page.locator("#bulk-role").click()
    page.get_by_label("New role").select_option("admin")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#will li")).to_have_count(2)
    expect(page.locator("#will")).to_contain_text("Member → Admin")
    confirm(page)
    expect(row(page, 1)).to_contain_text("Update ongoing")
    queue.drain(("task",))
    expect(page.locator(f"#role-{id_of(1)}")).to_have_text("Admin")
    expect(row(page, 1)).not_to_contain_text("Update ongoing")
    assert acme.check().applied == 0
    assert len(acme.calls("PATCH")) == 2


def access_is_granted_and_revoked(page: Page, live, acme) -> None:
    page.goto(f"{live.url}/apps/{acme.app.id}/assets")
    page.get_by_role("link", name="general").click()
    page.get_by_role("link", name="Grant access").click()
    page.get_by_role("searchbox", name="Search accounts").fill("Person 3")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("dialog input[name=account][type=checkbox]")).to_have_count(1)
    page.get_by_role("checkbox", name=re.compile("Person 3")).check()
    page.get_by_label("Role there").select_option("manager")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#will")).to_contain_text("general")
    confirm(page)
    queue.drain(("task",))
    page.reload()
    expect(page.locator("#access")).to_contain_text("Person 3")
    tick(page, 3)
    page.locator("#revoke-access").click()
    confirm(page)
    queue.drain(("task",))
    page.reload()
    expect(page.locator("#access")).not_to_contain_text("Person 3")
    page.goto(f"{live.url}/apps/{acme.app.id}/members/{id_of(1)}")
    page.get_by_role("checkbox", name="Tick general").check()
    page.locator("#revoke-access").click()
    expect(page.locator("#will")).to_contain_text("is the only manager of the channel")
    page.keyboard.press("Escape")


def somebody_is_removed_with_a_reason(page: Page, members: str, acme) -> None:
    page.goto(members)
    row(page, 5).locator("summary").click()
    row(page, 5).get_by_role("link", name="Remove from Chat").click()
    page.locator("#preview").get_by_label("Reason").fill("Moved to another team")
    confirm(page)
    expect(page.locator("#joining")).to_contain_text("Person 5")
    expect(page.locator("#joining")).to_contain_text("Removal ongoing")
    queue.drain(("task",))
    expect(page.locator("#joining")).not_to_contain_text("Person 5")
    assert acme.removed() == [email(5)]


def activity_tells_it_all(page: Page, live, acme) -> None:
    page.goto(f"{live.url}/apps/{acme.app.id}/activity")
    text = page.locator("main")
    for words in ("Onboarded", "Member → Admin", "Moved to another team", "Granted access in the app",
                  "Revoked access in the app", "Removed from the app", "Invited to the app"):  # fmt: skip
        expect(text).to_contain_text(re.compile(re.escape(words), re.I))


def test_all_works_without_javascript(acme, live, visit, olga) -> None:
    page = visit(olga, javascript=False, at=f"/apps/{acme.app.id}/members")
    tick(page, 6, 7)
    page.locator("#bulk-role").click()
    page.get_by_label("New role").select_option("guest")
    page.get_by_role("button", name="Preview").click()
    page.locator("#confirm").click()
    expect(page.get_by_text("Changing 2 roles in Chat. Progress is shown with each account.")).to_be_visible()
    tick(page, 8)
    page.locator("#bulk-remove").click()
    page.get_by_label("Reason").fill("Moved on")
    page.locator("#confirm").click()
    expect(page.locator("#joining")).to_contain_text("Person 8")
    page.get_by_role("link", name="Add users").click()
    page.get_by_label("People", exact=True).fill(NINA)
    page.get_by_role("button", name="Preview").click()
    page.locator("#confirm").click()
    expect(page.locator("#joining")).to_contain_text("Nina Vogel")
    queue.drain(("task",))
    page.reload()
    assert acme.removed() == [email(8)] and Invitation.get().state == "invited"
    assert {one["role"] for one in acme.members() if one["email"] in (email(6), email(7))} == {"guest"}


def test_two_tabs_and_the_way_back_ask_once(acme, live, visit, olga) -> None:
    first, second = (visit(olga, expected=("status of 422",), at=None) for _ in range(2))
    for page in (first, second):
        page.goto(f"{live.url}/apps/{acme.app.id}/members")
        tick(page, 1)
        page.locator("#bulk-role").click()
        page.get_by_label("New role").select_option("admin")
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#confirm")).to_be_visible()
    confirm(first)
    confirm(second)
    expect(second.locator("#toasts")).to_contain_text("Nothing is done twice")
    second.go_back()
    assert Task.select().count() == 1
