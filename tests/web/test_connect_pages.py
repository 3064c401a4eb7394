"""Connecting an app through its steps: what is kept, what is never shown, what happens once however often clicked."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from sync import names, vault
from sync.apps import drafts
from sync.db import connected, utcnow
from sync.jobs import queue
from sync.models import Account, Activity, App, AppPerson, Check
from tests.demo.apps import ChatApp
from tests.web.client import Client

OVERTAKEN = "Someone changed this while your form was open. Nothing was saved: look at it again."


@pytest.fixture
def acme(tmp_path: Path):
    """An Acme Chat that nobody has connected yet, with three members."""
    with ChatApp(tmp_path / "acme") as chat:
        for name, role in (("Olga Brandt", "owner"), ("Jana Kowalski", "member"), ("Kim Sørensen", "guest")):
            chat.store.add(f"{name.split()[0].lower()}@acme.example", name, role, via="page")
        yield chat


def begin(browser: Client) -> App:
    """A draft of Acme Chat, made by a test of the empty form."""
    return App.get_by_id(browser.draft("sample-chat"))


def opened(browser: Client) -> str:
    """What a form holds that was just opened."""
    return re.search(r'name="opened" value="([^"]+)"', browser.get("/apps/new/sample-chat").text).group(1)


def first_test(browser: Client, acme: ChatApp, form: str, htmx: bool = False, **values):
    given = {"opened": form, "app_name": "Chat", **acme.settings} | values
    return browser.send("POST", "/apps/new/sample-chat", htmx=htmx, **given)


def enter(browser: Client, app: App, acme: ChatApp, **values):
    return browser.post(f"/apps/{app.id}/connection", **({"app_name": "Chat", **acme.settings} | values))


def seen(answer) -> str:
    return re.search(r'name="seen" value="(\w+)"', answer.text)[1]


def start(browser: Client, app: App, **values):
    given = {"owners": "olga@acme.example", "daily": "yes", "time": "04:20"} | values
    return browser.post(f"/apps/{app.id}/connection/reading", **given)


def test_the_catalogue_is_searched(owner: Client) -> None:
    page = owner.get("/apps/new").text
    assert "Acme Chat (sample)" in page and "SCIM 2.0" in page and "Platinum" in page
    part = owner.get("/apps/new?search=scim", htmx=True).text
    assert "SCIM 2.0" in part and "Acme Chat" not in part and "<html" not in part
    assert "No such app in the catalogue" in owner.get("/apps/new?search=zzz").text
    assert "Acme Ads" in owner.get("/apps/new?category=Paid+social").text
    platinum = owner.get("/apps/new?level=platinum", htmx=True).text
    assert "SCIM 2.0" in platinum and "Acme Chat" not in platinum


def test_the_catalogue_explains_the_levels_and_what_each_app_lacks(owner: Client) -> None:
    page = owner.get("/apps/new").text
    assert "What the levels mean" in page and "verifies before each change and handles rate limits" in page
    assert "For gold, it lacks “every operation”: Atlassian" in page
    assert "For gold, it lacks “every operation”: Atlassian" in owner.get("/apps/new?search=scim").text


def test_the_whole_way(owner: Client, acme: ChatApp, someone) -> None:
    someone("Jana Kowalski")
    address = re.search(r'href="(/apps/new/sample-chat[^"]+)"', owner.get("/apps/new").text).group(1)
    page = owner.get(address).text
    assert "Copy the access token" in page and 'type="password"' in page
    form = re.search(r'name="opened" value="([^"]+)"', page).group(1)
    tested = first_test(owner, acme, form)
    app = App.get()
    assert owner.get(address).location == f"/apps/{app.id}/connection", "Back to what was entered"
    assert app.state == "connecting" and f'action="/apps/{app.id}/connection"' in tested.text
    assert "Connection works: Access token in Acme Chat" in tested.text and "It can read members" in tested.text
    assert enter(owner, app, acme, next="yes").location == f"/apps/{app.id}/connection/owners"
    page = owner.get(f"/apps/{app.id}/connection/owners").text
    assert 'value="olga@acme.example"' in page
    answer = start(owner, app, collaborators="jana.kowalski@acme.example")
    assert answer.location == f"/apps/{app.id}/connection/reading"
    assert "every 1s" in owner.get(f"/apps/{app.id}/connection/reading").text
    queue.drain(("check",))
    page = owner.get(f"/apps/{app.id}/connection/reading").text
    assert "Chat was read" in page and "4 members read" in page and "every 1s" not in page
    page = owner.get(f"/apps/{app.id}/connection/matching").text
    assert "Kim Sørensen" in page and "Unmatched" in page
    app = App.get_by_id(app.id)
    assert (app.name, app.state, app.check_minute, app.users) == ("Chat", "active", 260, 4)
    assert sorted(row.manages_as for row in app.people) == ["collaborator", "owner"]
    assert Activity.select().where(Activity.what == "connected app", Activity.app == app).count() == 1


def test_a_draft_survives_a_reload_and_shows_no_secret(owner: Client, acme: ChatApp) -> None:
    app = begin(owner)
    wrong = enter(owner, app, acme, token="acme_this-is-wrong")
    assert wrong.status_code == 422 and "Connection failed." in wrong.text and "acme_this-is-wrong" not in wrong.text
    page = owner.get(f"/apps/{app.id}/connection").text
    assert f'value="{acme.url}"' in page and "acme_this-is-wrong" not in page
    assert b"acme_this-is-wrong" not in bytes(App.get_by_id(app.id).credential), "sealed, not written down"
    enter(owner, app, acme)
    page = owner.get(f"/apps/{app.id}/connection").text
    assert acme.token not in page and "keep the stored value" in page
    assert "1 unfinished" in owner.get("/apps").text and "Continue setup" in owner.get("/apps").text
    assert enter(owner, app, acme, token="", next="yes").status_code == 303, "an empty secret is the one entered before"


def test_a_look_at_a_kind_of_app_leaves_no_draft_behind(owner: Client, acme: ChatApp) -> None:
    assert owner.post("/apps", connector="sample-chat").location == "/apps/new/sample-chat"
    form = opened(owner)
    assert App.select().count() == 0
    assert first_test(owner, acme, form, token="wrong").status_code == 422
    page = owner.get("/apps").text
    assert "1 unfinished" in page and "Connect your first app" in page, "a draft isn't an app yet"
    drafts.delete_expired(utcnow() + timedelta(days=2))
    assert App.select().count() == 1, "what was entered is kept for a week"


@pytest.mark.parametrize("htmx", [True, False])
def test_pressed_twice_in_one_form_it_is_one_draft(owner: Client, acme: ChatApp, htmx: bool) -> None:
    form = opened(owner)
    first_test(owner, acme, form, htmx, token="wrong")
    answer = first_test(owner, acme, form, htmx)
    app = App.get()
    assert "Connection works" in answer.text and App.select().count() == 1 and app.tested_at
    assert answer.headers.get("HX-Replace-Url") == (f"/apps/{app.id}/connection" if htmx else None)
    assert first_test(owner, acme, form, htmx, next="yes").status_code == (204 if htmx else 303)
    assert App.select().count() == 1


def test_two_clicks_at_once_make_one_draft(owner: Client, olga, acme: ChatApp) -> None:
    form, made = opened(owner), []

    def press() -> None:
        with connected():
            made.append(drafts.start("sample-chat", olga, form).id)

    clicks = [threading.Thread(target=press) for _ in range(6)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert len(made) == 6 and len(set(made)) == 1


def test_two_forms_are_two_drafts_and_nobody_elses_is_found(owner: Client, site: Flask, someone, acme: ChatApp) -> None:
    form = opened(owner)
    first_test(owner, acme, form)
    first_test(owner, acme, opened(owner), app_name="Second")
    first_test(Client(site, someone("Ada Admin", "admin")), acme, form, app_name="Theirs")
    assert sorted(app.name for app in App.select()) == ["Chat", "Second", "Theirs"]


@pytest.mark.parametrize("form", ["", "soon", "2999-01-01T00:00", "2001-01-01T00:00", "2026-01-01T00:00+00:00"])
def test_a_time_that_cannot_be_counts_as_now(owner: Client, acme: ChatApp, form: str) -> None:
    first_test(owner, acme, form)
    assert abs(App.get().created_at - utcnow()) < timedelta(hours=1)


def test_with_htmx_the_form_stays_and_only_the_outcome_comes(owner: Client, acme: ChatApp) -> None:
    app = begin(owner)
    part = owner.send("POST", f"/apps/{app.id}/connection", htmx=True, app_name="Chat", base_url=acme.url, token="no")
    assert part.status_code == 422 and "<html" not in part.text
    assert re.findall("<input.*", part.text) == [f'<input type="hidden" id="f-seen" name="seen" value="{seen(part)}" '
                                                 'hx-swap-oob="true">']  # fmt: skip
    part = owner.send("POST", f"/apps/{app.id}/connection", htmx=True, app_name="Chat", **acme.settings)
    assert "Connection works" in part.text


def test_of_two_tabs_the_one_that_was_opened_before_the_other_saved_replaces_nothing(owner: Client, acme: ChatApp):
    empty = owner.get("/apps/new/sample-chat")
    form = re.search(r'name="opened" value="([^"]+)"', empty.text).group(1)
    first = first_test(owner, acme, form, htmx=True, seen=seen(empty))
    assert "Connection works" in first.text
    for other in ({"app_name": "Talk"}, {"token": "other"}):
        late = first_test(owner, acme, form, seen=seen(empty), **other)
        assert late.status_code == 422 and OVERTAKEN in late.text
        assert f'value="{other.get("app_name", "Chat")}"' in late.text, "it keeps what was typed"
    app = App.get()
    assert app.name == "Chat" and vault.unseal(app.credential)["token"] == acme.token and app.tested_at
    again = first_test(owner, acme, form, seen=seen(empty), token="")
    assert "Connection works" in again.text, "a double click sends the same once more"
    page = owner.get(f"/apps/{app.id}/connection/owners")
    assert enter(owner, app, acme, seen=seen(again), app_name="Talk", next="yes").status_code == 303
    assert OVERTAKEN in enter(owner, app, acme, seen=seen(again), token="wrong").text
    before = owner.get(f"/apps/{app.id}/connection")
    answer = enter(owner, app, acme, seen=seen(before), app_name="Talk", token=acme.reading_token)
    assert answer.status_code == 200
    assert OVERTAKEN in enter(owner, app, acme, seen=seen(before), token="other").text, "another secret counts too"
    answer = start(owner, app, seen=seen(page), owners="jana@acme.example")
    assert answer.status_code == 422 and OVERTAKEN in answer.text and 'value="jana@acme.example"' in answer.text
    assert "Who manages Talk?" in answer.text and App.get().state == "connecting"
    assert start(owner, app, seen=seen(answer)).status_code == 303


def test_a_draft_keeps_what_another_tab_enters_during_a_test(owner: Client, acme: ChatApp, monkeypatch) -> None:
    app, page = begin(owner), acme.store.page

    def meanwhile(*asked):
        monkeypatch.undo()
        enter(owner, app, acme, app_name="Talk", token="wrong")
        return page(*asked)

    monkeypatch.setattr(acme.store, "page", meanwhile)
    answer = enter(owner, app, acme)
    assert answer.status_code == 422 and "Someone changed this while Rollcall tested the connection" in answer.text
    now = App.get()
    assert (now.name, vault.unseal(now.credential)["token"], now.tested_at) == ("Talk", "wrong", None)


@pytest.mark.parametrize("values, expected", [
    ({"base_url": ""}, "Address is missing"),
    ({"base_url": "javascript:alert(1)"}, "Address does not look right"),
    ({"base_url": "http://127.0.0.1:1"}, "can&#39;t be reached: it accepts no connection"),
    ({"token": "has space"}, "Access token does not look right"),
])
def test_the_exact_fault_is_shown(owner: Client, acme: ChatApp, values: dict, expected: str) -> None:
    answer = enter(owner, begin(owner), acme, **values)
    assert answer.status_code == 422 and expected in answer.text


def test_a_token_that_may_only_read_is_shown_before_one_continues(owner: Client, acme: ChatApp) -> None:
    app = begin(owner)
    answer = enter(owner, app, acme, token=acme.reading_token, next="yes")
    assert answer.status_code == 200 and "read-only token" in answer.text and "Continue anyway" in answer.text


def test_nothing_is_begun_before_the_credential_was_tested(owner: Client, acme: ChatApp) -> None:
    app = begin(owner)
    assert owner.get(f"/apps/{app.id}/connection/owners").location == f"/apps/{app.id}/connection"
    answer = start(owner, app)
    assert answer.status_code == 422 and "not been tested" in answer.text
    assert App.get_by_id(app.id).state == "connecting" and Check.select().count() == 0


def test_starting_twice_is_one_reading(owner: Client, acme: ChatApp, someone) -> None:
    app = begin(owner)
    enter(owner, app, acme)
    assert start(owner, app).location == start(owner, app).location
    queue.drain(("check",))
    start(owner, app)
    assert Check.select().count() == 1, "Back and pressed again"
    answer = start(owner, app, owners=names.main_email(someone()))
    assert "was already connected, so what you entered was not saved" in owner.get(answer.location).text
    assert App.select().count() == 1
    assert owner.get(f"/apps/{app.id}/connection").location == f"/apps/{app.id}"


def test_the_same_space_and_the_same_name_are_refused(owner: Client, acme: ChatApp) -> None:
    first = begin(owner)
    enter(owner, first, acme)
    start(owner, first)
    second = begin(owner)
    answer = enter(owner, second, acme)
    assert answer.status_code == 422 and "An app named Chat already exists" in answer.text
    answer = enter(owner, second, acme, app_name="Another")
    assert answer.status_code == 422 and "already connected, as Chat" in answer.text


def test_two_drafts_of_one_space_make_one_app(owner: Client, site: Flask, someone, acme: ChatApp) -> None:
    other = Client(site, someone("Ada Admin", "admin"))
    mine, theirs = begin(owner), begin(other)
    assert mine.id != theirs.id
    enter(owner, mine, acme)
    enter(other, theirs, acme, app_name="Theirs")
    start(owner, mine)
    answer = start(other, theirs)
    assert answer.status_code == 422 and "already connected" in answer.text
    assert other.get(f"/apps/{mine.id}").status_code == 404, "an admin without a part in it"


def test_unknown_owners_come_back_with_what_was_typed(owner: Client, acme: ChatApp) -> None:
    app = begin(owner)
    enter(owner, app, acme)
    answer = start(owner, app, owners="olga@acme.example, ghost@acme.example")
    assert answer.status_code == 422 and "ghost@acme.example" in answer.text and "olga@acme.example" in answer.text
    assert start(owner, app, owners=" , ").status_code == 422
    assert start(owner, app, time="noon").status_code == 422
    assert App.get_by_id(app.id).state == "connecting"


def test_a_person_who_connects_for_someone_else_returns_to_the_apps(site: Flask, someone, olga, acme: ChatApp) -> None:
    admin = someone("Ada Admin", "admin")
    browser = Client(site, admin)
    app = begin(browser)
    enter(browser, app, acme)
    assert start(browser, app).location == "/apps"
    assert [row.person for row in AppPerson.select().where(AppPerson.app == app)] == [olga]


def test_a_first_reading_that_fails_can_be_tried_again(owner: Client, acme: ChatApp) -> None:
    app = begin(owner)
    enter(owner, app, acme)
    start(owner, app)
    acme.stop()
    queue.drain(("check",))
    page = owner.get(f"/apps/{app.id}/connection/reading").text
    assert "could not be read" in page and "Read it again" in page
    assert owner.get(f"/apps/{app.id}/connection/matching").location == f"/apps/{app.id}/connection/reading"
    acme.start()
    owner.post(f"/apps/{app.id}/connection/readings")
    queue.drain(("check",))
    assert "Chat was read" in owner.get(f"/apps/{app.id}/connection/reading").text


def test_a_likely_person_is_one_click_away(owner: Client, acme: ChatApp, someone) -> None:
    someone("Kim Sorensen")
    app = begin(owner)
    enter(owner, app, acme)
    start(owner, app)
    queue.drain(("check",))
    page = owner.get(f"/apps/{app.id}/connection/matching").text
    assert "Is Kim Sorensen" in page
    kim = Account.get(Account.name == "Kim Sørensen")
    back = f"/apps/{app.id}/connection/matching"
    answer = owner.send("PUT", f"/apps/{app.id}/members/{kim.id}/match?back={back}", kind="person",
                        email="kim.sorensen@acme.example")  # fmt: skip
    assert answer.location == back
    assert Account.get_by_id(kim.id).match_kind == "matched"


def test_a_draft_is_given_up_or_deleted_with_its_secret(owner: Client, acme: ChatApp) -> None:
    app = begin(owner)
    enter(owner, app, acme)
    owner.send("DELETE", f"/apps/{app.id}")
    assert App.select().count() == 0
    app = begin(owner)
    enter(owner, app, acme)
    drafts.delete_expired(utcnow())
    assert App.select().count() == 1
    drafts.delete_expired(utcnow() + timedelta(days=8))
    assert App.select().count() == 0


def test_an_unknown_kind_is_refused(owner: Client) -> None:
    assert owner.get("/apps/new/unknown").location == "/apps/new"
    assert owner.post("/apps/new/unknown", app_name="X").location == "/apps/new"
    assert owner.get(owner.post("/apps", connector="../etc").location).status_code == 404
    assert owner.get(owner.post("/apps").location).location == "/apps/new"
    assert App.select().count() == 0
