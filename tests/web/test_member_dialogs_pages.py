"""The dialogs for members and invitations: choose, preview, approve once; nothing twice, and nothing impossible."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from sync.apps import apps
from sync.db import utcnow
from sync.jobs import queue
from sync.models import Access, Account, App, Asset, Directory, DirectoryEntry, Invitation, Task
from sync.tasks import invitations
from sync.workspace import workspace
from tests.sync.fixtures import Chat, after, email
from tests.web.client import Client


@pytest.fixture
def here(chat) -> str:
    return f"/apps/{chat.app.id}"


def add_general(chat: Chat) -> None:
    channel = chat.store.add_channel("general", via="page")
    chat.store.join(channel, chat.id_of(1), "manager", via="page")
    chat.check()


@after(add_general)
def general(chat) -> Asset:
    return Asset.get(Asset.name == "general")


def id_of(number: int) -> int:
    return Account.get(Account.email == email(number)).id


def ask(*numbers: int, name: str = "account") -> str:
    return "&".join(f"{name}={id_of(number)}" for number in numbers)


def seen(text: str) -> str:
    return re.search(r'name="seen" value="(\w+)"', text).group(1)


def test_a_role_is_chosen_previewed_and_changed_once(owner: Client, chat, here) -> None:
    first = owner.get(f"{here}/role-changes/new?{ask(1, 2)}", htmx=True).text
    assert "Person 1, Person 2" in first and "Admin · can administer the app" in first and "<html" not in first
    shown = owner.get(f"{here}/role-changes/new?{ask(1, 2)}&role=admin").text
    assert shown.count("Member → Admin") == 2 and "Change 2 roles" in shown and Task.select().count() == 0
    values = {"account": [id_of(1), id_of(2)], "role": "admin", "seen": seen(shown)}
    answer = owner.post(f"{here}/role-changes", **values)
    assert answer.status_code == 303 and answer.location == f"{here}/members"
    again = owner.client.get(owner.post(f"{here}/role-changes", **values).location).text
    assert "Nothing is done twice" in again and Task.select().count() == 2
    assert again.count("Update ongoing") == 2
    queue.drain()
    page = owner.get(f"{here}/members").text
    assert "Update ongoing" not in page and page.count(">Admin<") == 2


def test_progress_is_sent_to_the_page_that_waits(owner: Client, chat, here) -> None:
    shown = owner.get(f"{here}/role-changes/new?{ask(1)}&role=admin").text
    owner.post(f"{here}/role-changes", account=id_of(1), role="admin", seen=seen(shown))
    page = owner.get(f"{here}/members").text
    assert f"/members/provisioning?account={id_of(1)}" in page and "every 2s" in page
    queue.drain()
    part = owner.get(f"{here}/members/provisioning?{ask(1)}", htmx=True).text
    assert f'id="role-{id_of(1)}" hx-swap-oob="true">Admin<' in part and "every 2s" not in part
    assert "Active" in part and "not done yet" not in part, "the row shows what it would after a reload"


def test_nobody_ticked_a_stale_preview_and_nonsense_are_reported(owner: Client, chat, here) -> None:
    assert "Select at least one account" in owner.get(f"{here}/role-changes/new").text
    assert owner.get(f"{here}/removals/new").status_code == 422
    assert "no such role" in owner.get(f"{here}/role-changes/new?{ask(1)}&role=emperor").text
    shown = owner.get(f"{here}/role-changes/new?{ask(1)}&role=admin").text
    stale = owner.post(f"{here}/role-changes", account=id_of(1), role="guest", seen=seen(shown))
    assert stale.status_code == 422 and "look at it again" in stale.text and "Member → Guest" in stale.text
    assert Task.select().count() == 0
    for nonsense in ("account=x", "account=99999999999999999999", "account=-1", "account=%00"):
        assert owner.get(f"{here}/removals/new?{nonsense}").status_code == 422


def test_a_removal_says_what_it_saves_and_what_is_protected(owner: Client, chat, general, here) -> None:
    apps.set_seat_price(chat.app, 875, chat.by)
    shown = owner.get(f"{here}/removals/new?{ask(0, 1, 2)}").text
    assert "Remove 1 account" in shown and "Saves 8.75" in shown, "without the one who waits"
    assert "1 person waits for a successor." in shown and "Nothing is changed until" not in shown
    alone = owner.get(f"{here}/removals/new?{ask(1)}").text
    assert ">Remove</button>" in alone and "Nothing is changed until you choose who manages their assets" in alone
    assert "the last Owner of the app" in shown
    assert "is the only manager of" in shown and "general" in shown
    assert f'name="yes" value="{id_of(1)}"' in shown and 'aria-labelledby="who-' in shown and " checked" not in shown
    values = {"account": [id_of(0), id_of(1), id_of(2)], "seen": seen(shown)}
    unanswered = owner.post(f"{here}/removals", **values, reason="Moved on")
    assert unanswered.status_code == 422 and "accept that nobody does" in unanswered.text
    values[f"manager-{id_of(1)}-{general.id}"] = "nobody"
    owner.post(f"{here}/removals", **values, reason="Moved on")
    page = owner.get(f"{here}/members").text
    assert "Joining and leaving" in page and page.count("Removal ongoing") == 2
    queue.drain()
    assert chat.removed() == [email(1), email(2)]
    assert "Joining and leaving" not in owner.get(f"{here}/members").text


def test_many_at_once_are_released_in_a_step_of_their_own(owner: Client, chat, here) -> None:
    apps.set_guard(chat.app, 2, 10, chat.by)
    shown = owner.get(f"{here}/removals/new?{ask(1, 2, 3)}").text
    assert "held by a guard" in shown and "Release" in shown and 'name="seen"' not in shown
    released = owner.get(f"{here}/removals/new?{ask(1, 2, 3)}&released=3").text
    values = {"account": [id_of(1), id_of(2), id_of(3)], "seen": seen(released), "reason": "Team closed"}
    held = owner.post(f"{here}/removals", **values)
    assert held.status_code == 422 and "A guard holds this" in held.text and Task.select().count() == 0
    for nonsense in ("x", "9" * 5000):
        held = owner.post(f"{here}/removals", **values, released=nonsense)
        assert held.status_code == 422 and Task.select().count() == 0
    owner.post(f"{here}/removals", **values, released="3")
    assert Task.select().count() == 3


def test_access_is_granted_from_the_account_and_from_the_asset(owner: Client, chat, general, here) -> None:
    choice = owner.get(f"{here}/grants/new?{ask(3)}").text
    assert "general" in choice and "Manager" in choice
    assert owner.get(f"{here}/grants/new?{ask(3)}&role=manager").status_code == 422, "nothing was ticked"
    old = Directory.create(kind="okta", name="Okta", next_read_at=utcnow(), last_read_at=utcnow() - timedelta(days=3))
    DirectoryEntry.create(directory=old, external_id="3", person=Account.get_by_id(id_of(3)).person)
    shown = owner.get(f"{here}/grants/new?{ask(3)}&asset={general.id}&role=manager").text
    assert "Okta hasn&#39;t shown who has left since" in shown
    owner.post(f"{here}/grants", account=id_of(3), asset=general.id, role="manager", seen=seen(shown))
    from_asset = owner.get(f"{here}/grants/new?asset={general.id}&about=account&search=Person+4&look=yes").text
    assert "Person 4" in from_asset and "Person 5" not in from_asset
    queue.drain()
    assert Access.select().where(Access.asset == general).count() == 2
    page = owner.get(f"{here}/members/{id_of(3)}").text
    assert "general" in page and "manages it" in page and "Grant access in Chat" in page and "Done" in page
    shown = owner.get(f"{here}/revocations/new?asset={general.id}&{ask(1, 3)}").text
    assert shown.count("are the only managers of the channel “general”") == 2, "together they leave nobody"
    owner.post(f"{here}/revocations", account=id_of(3), asset=general.id,
               seen=seen(owner.get(f"{here}/revocations/new?asset={general.id}&{ask(3)}").text))  # fmt: skip
    queue.drain()
    assert Access.select().where(Access.asset == general).count() == 1
    assert "Person 3" not in owner.get(f"{here}/assets/{general.id}").text


def test_invitations_are_typed_previewed_and_sent_once(owner: Client, chat, here, someone) -> None:
    someone("Nina Vogel")
    form = owner.get(f"{here}/invitations/new").text
    assert "paste a list of addresses" in form and form.count('name="people"') == 1
    shown = owner.post(f"{here}/invitations", role="member", people=[
        "Kim <kim@freelance.example>\nnot-an-address", "nina.vogel@acme.example", "p3@acme.example"])  # fmt: skip
    assert shown.status_code == 200 and Invitation.select().count() == 0
    assert "Invite 2 people" in shown.text and "Already has an account" in shown.text
    assert "not-an-address isn&#39;t an e-mail address" in shown.text
    assert "Nobody in People has this address" in shown.text and "Rollcall sends each an e-mail too" in shown.text
    nobody = owner.post(f"{here}/invitations", role="member", people="p3@acme.example").text
    assert "None of this can be done" in nobody and "Rollcall sends each" not in nobody, "nobody is invited"
    given = re.search(r'name="people" value="([^"]+)"', shown.text).group(1)
    values = {"people": given, "role": "member", "seen": seen(shown.text)}
    owner.post(f"{here}/invitations", **values)
    twice = owner.client.get(owner.post(f"{here}/invitations", **values).location).text
    assert "Nobody is invited twice" in twice and Invitation.select().count() == 2
    assert "Joining and leaving" in twice and twice.count("Invitation ongoing") == 2
    assert owner.post(f"{here}/invitations", people=" ", role="member").status_code == 422


def picked(page: str) -> list[str]:
    return re.findall(r'type="hidden" name="people" value="([^"]+)"', page)


def test_people_are_picked_in_one_field(owner: Client, chat, here) -> None:
    pasted = owner.post(f"{here}/invitations", people="kim@freelance.example\nbo@acme.example", add="yes", role="guest")
    assert pasted.status_code == 200 and picked(pasted.text) == ["kim@freelance.example", "bo@acme.example"]
    assert '<option value="guest" selected>' in pasted.text
    name = owner.post(f"{here}/invitations", people=["Nina & Co", *picked(pasted.text)], add="yes", role="guest")
    assert name.status_code == 422 and "isn&#39;t an e-mail address. Choose someone" in name.text
    assert 'value="Nina &amp; Co"' in name.text and len(picked(name.text)) == 2, "nothing that was entered is lost"
    less = owner.post(f"{here}/invitations", people=["", *picked(pasted.text)], drop="kim@freelance.example")
    assert picked(less.text) == ["bo@acme.example"]
    shown = owner.post(f"{here}/invitations", people=["", "bo@acme.example"], role="guest").text
    back = owner.post(f"{here}/invitations", people=picked(shown), role="guest", change="yes").text
    assert picked(back) == ["bo@acme.example"] and Invitation.select().count() == 0


def test_an_invitation_is_sent_again_and_cancelled(owner: Client, chat, here) -> None:
    chat.fault("forbidden", on="/invitations", method="POST")
    shown = owner.post(f"{here}/invitations", people="kim@freelance.example", role="guest").text
    owner.post(f"{here}/invitations", people="kim@freelance.example", role="guest", seen=seen(shown))
    queue.drain()
    page = owner.get(f"{here}/members").text
    assert "Invitation failed" in page
    chat.clear()
    invitation = Invitation.get()
    owner.post(f"{here}/invitations/{invitation.id}/sendings")
    queue.drain()
    assert Invitation.get().state == "invited" and "expires" in owner.get(f"{here}/members").text
    assert "may still be open in Chat" in owner.get(f"{here}/invitations/{invitation.id}/cancellation").text
    chat.check()
    dialog = owner.get(f"{here}/invitations/{invitation.id}/cancellation").text
    assert "Remove it from Chat" in dialog
    owner.send("DELETE", f"{here}/invitations/{invitation.id}")
    assert Invitation.get().state == "cancelled"
    page = owner.get(f"{here}/members?tab=unmatched").text
    assert "invited in Chat, first seen" in page, "the app still holds it open, and that is shown"


def test_an_expired_one_waits_for_the_owners_approval(owner: Client, chat, here) -> None:
    shown = owner.post(f"{here}/invitations", people="kim@freelance.example", role="guest").text
    owner.post(f"{here}/invitations", people="kim@freelance.example", role="guest", seen=seen(shown))
    queue.drain(("task",))
    chat.check()
    invitations.remind_and_expire(Invitation.get().expires_at)
    page = owner.get(f"{here}/members").text
    assert "Remove it from Chat" in page and "Invitation failed" in page and chat.removed() == []
    account = Invitation.get().account_id
    shown = owner.get(f"{here}/removals/new?account={account}").text
    owner.post(f"{here}/removals", account=account, seen=seen(shown), reason="Never came")
    queue.drain(("task",))
    assert chat.removed() == ["kim@freelance.example"] and Invitation.get().state == "cancelled"


def test_days_of_reminder_and_expiry_are_settings(owner: Client) -> None:
    given = {"invitation_reminder_days": "2", "invitation_expiry_days": "7"}
    assert owner.send("PATCH", "/settings", **given).status_code == 303
    assert (workspace().invitation_reminder_days, workspace().invitation_expiry_days) == (2, 7)
    for wrong in ("0", "8", "x", "", "99999999999999999999"):
        answer = owner.send("PATCH", "/settings", **(given | {"invitation_reminder_days": wrong}))
        assert answer.status_code == 422 and "Nothing was changed" in answer.text, wrong
    assert workspace().invitation_reminder_days == 2


def test_an_operation_that_the_app_lacks_is_not_offered(owner: Client, chat, here, monkeypatch) -> None:
    from connectors.apps.sample_chat import SampleChat
    from connectors.base import ASSETS, LOOK_UP

    monkeypatch.setattr(SampleChat, "capabilities", frozenset({LOOK_UP, ASSETS}))
    page = owner.get(f"{here}/members").text
    for words in ("Add users", "Change role", "Grant access", "bulk-remove"):
        assert words not in page, words
    for address in ("role-changes/new", "removals/new", "grants/new", "revocations/new", "invitations/new"):
        answer = owner.get(f"{here}/{address}?{ask(1)}&role=admin&asset=1")
        assert answer.status_code == 422, address
        assert "t do that in Chat" in answer.text or "t invite to Chat" in answer.text, address
    assert owner.post(f"{here}/removals", account=id_of(1), seen="x", reason="y").status_code == 422
    assert Task.select().count() == 0


def test_collaborators_look_and_touch_nothing(site, owner: Client, chat, here, someone) -> None:
    colleague = someone("Cora Looks", "user")
    apps.set_manager(App.get(), colleague, "collaborator", chat.by)
    page = Client(site, colleague).get(f"{here}/members").text
    assert "Add users" not in page and 'name="account"' not in page and "Person 3" in page
    assert "Change the role" not in Client(site, colleague).get(f"{here}/members/{id_of(1)}").text
