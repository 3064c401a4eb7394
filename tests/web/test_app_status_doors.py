"""One app has one status, whichever door one looks through: card, page, drawer, command line, doctor and metrics."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from sync import vault
from sync.matching import decisions, unmatched
from sync.models import Account, App, Directory, DirectoryEntry
from sync.people import people
from tests.web.client import Client


def fails(chat) -> None:
    chat.stop()
    chat.check()


def leaves(chat) -> None:
    chat.leave(1)


def leaves_and_is_reported(chat) -> None:
    chat.leave(1)
    chat.check()


def is_unknown(chat) -> None:
    for row in Account.select().where(Account.email.in_([f"p{number}@acme.example" for number in range(1, 5)])):
        decisions.unmatch(row, chat.by)


SITUATIONS = [
    (lambda chat: None, "Up to date", "ok"), (fails, "Last check failed", "waiting"),
    (leaves, "Needs attention", "attention"), (leaves_and_is_reported, "Approval needed", "waiting"),
    (is_unknown, "Needs matching", "waiting"),
]  # fmt: skip


@pytest.mark.parametrize(("happens", "status", "tone"), SITUATIONS)
def test_every_door_shows_the_same(owner: Client, chat, happens, status: str, tone: str, capsys) -> None:
    from cli import apps as command
    from cli import doctor

    happens(chat)
    card = owner.get(f"/apps/{chat.app.id}/card", htmx=True).text
    assert f'badge-{tone}' in card and f"{status}" in card
    page = owner.get(f"/apps/{chat.app.id}").text
    assert tone == "ok" or f"badge badge-{tone}" in page and status in page
    listed = owner.get(f"/apps?state={tone}").text
    assert f'id="app-{chat.app.id}"' in listed
    app = App.get_by_id(chat.app.id)
    document = command._document(app, command.standings([app])[app.id])
    assert (document["standing"], document["tone"]) == (status, tone) and json.dumps(document)
    loudest = command.standings([app])[app.id].loudest
    assert ("count-attention" in page) == (loudest == "attention"), "the drawer, also of what is beside the status"
    findings = [finding for finding in doctor._apps() if finding.about == app.name]
    assert bool(findings) == (tone in ("waiting", "attention"))
    assert f'rollcall_apps_by_status{{status="{status}"}} 1' in owner.get("/metrics").text
    waits = document["report"] is not None
    assert ("1<span class=\"visually-hidden\"> waiting" in owner.get("/apps").text) == waits


def test_a_leaver_is_on_card_and_page_whatever_the_status(owner: Client, chat) -> None:
    chat.leave(1, 2)
    chat.stop()
    chat.check()
    for address in (f"/apps/{chat.app.id}/card", f"/apps/{chat.app.id}", f"/apps/{chat.app.id}/members"):
        assert "2 people who have left still have accounts" in owner.get(address).text


def test_the_card_opens_the_list_of_those_who_have_left(owner: Client, chat) -> None:
    link = f'<a href="/apps/{chat.app.id}/members?tab=left">2 people who have left still have accounts</a>'
    chat.leave(1, 2)
    assert f'<span class="quiet small">{link}' in owner.get(f"/apps/{chat.app.id}/card").text, "as what is wrong"
    chat.check()
    assert f"<span>{link}" in owner.get(f"/apps/{chat.app.id}/card").text, "beside the report"
    assert "Person 1" in (left := owner.get(f"/apps/{chat.app.id}/members?tab=left").text) and "Person 3" not in left


def test_an_app_that_cannot_be_reached_offers_a_test_and_the_address_alone(owner: Client, chat) -> None:
    assert "Works, tested" in owner.get(f"/apps/{chat.app.id}").text
    fails(chat)
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "Test again" in page and "Check address" in page and "Replace the credential" not in page
    assert "Chat can&#39;t be reached: it accepts no connection" in page and "Works, tested" not in page
    words, _, details = App.get().error.partition("\n")
    assert words == "Chat can't be reached: it accepts no connection." and details.startswith("GET http://")
    assert page.index("<summary>Details</summary>") < page.index("GET http://"), "the technical part is folded away"
    dialog = owner.post(f"/apps/{chat.app.id}/tests").text
    assert "Chat can&#39;t be reached" in dialog and "Check address" in dialog and "Replace the cred" not in dialog


def test_only_a_rejected_credential_is_replaced(owner: Client, chat) -> None:
    App.update(credential=vault.seal({"token": "acme_revoked"})).execute()
    chat.check()
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "Needs attention" in page and "Replace the credential" in page and "Check address" not in page
    assert "Rejected" in page and "Test again" not in page


def test_the_page_says_which_domains_nobody_knows(owner: Client, chat) -> None:
    is_unknown(chat)
    assert [(row.name, row.unmatched) for row in unmatched.by_domain(chat.app)] == [("acme.example", 4)]
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "4 of the 10 addresses at acme.example are not in your directory." in page and "Match people" in page
    Account.update(match_kind="unmatched", person=None).where(Account.email.contains("@acme.example")).execute()
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "None of the 10 addresses at acme.example is in your directory." in page


def test_held_changes_of_a_directory_are_in_the_drawer_and_on_apps(site: Flask, owner: Client, chat, someone):
    directory = Directory.create(kind="csv", name="Staff list")
    for number in (1, 2):
        person = people.find_by_email(f"p{number}@acme.example")
        DirectoryEntry.create(directory=directory, external_id=str(number), person=person,
                              reported_status="deprovisioned")  # fmt: skip
    page = owner.get("/apps").text
    assert "A guard holds changes of 2 people in Staff list." in page and f"/directories/{directory.id}" in page
    assert "2<span class=\"visually-hidden\"> waiting" in page.split("Directory</span>")[1][:80]
    user = Client(site, someone("Uma User", "user")).get("/apps").text
    assert "A guard holds" not in user
