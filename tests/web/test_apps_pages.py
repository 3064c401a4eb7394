"""Apps as cards and one app with its settings: what is shown, to whom, what a form changes, in how few queries."""

from __future__ import annotations

import gzip
from datetime import timedelta

import pytest
from flask import Flask

from sync import activity
from sync.apps import app_list, apps
from sync.apps.app_list import Apps
from sync.db import db, utcnow, writing
from sync.jobs import asking
from sync.models import (
    AWAITED,
    Account,
    App,
    AppPerson,
    Check,
    Directory,
    DirectoryEntry,
    Person,
    Report,
    Task,
)
from sync.people import people
from sync.safety import guards
from tests.web.client import Client


@pytest.fixture
def queries() -> list[str]:
    """Every statement from here on."""
    seen: list[str] = []

    def note(event) -> None:
        seen.append(event.sql)

    db.query_hooks.append(note)
    yield seen
    db.query_hooks.remove(note)


def make_apps(number: int, **values) -> list[App]:
    with writing():
        already = App.select().count()
        return [
            App.create(connector="sample-chat", name=f"Chat {place:03}", category="Seat-based", state="active",
                       users=100, matched=92, unmatched=8, last_check_at=utcnow(), **values)
            for place in range(already, already + number)
        ]  # fmt: skip


def test_without_apps_the_page_shows_the_next_step(owner: Client) -> None:
    page = owner.get("/apps").text
    assert "Connect your first app" in page
    assert 'href="/apps/new"' in page


def test_a_user_without_apps_sees_how_one_comes(site: Flask, someone) -> None:
    page = Client(site, someone("Uma User", "user")).get("/apps").text
    assert "No apps yet" in page and "/apps/new" not in page


def test_a_card_shows_users_match_state_and_last_check(owner: Client, chat) -> None:
    card = owner.get(f"/apps/{chat.app.id}/card", htmx=True).text
    assert "11 users" in card and "100\u00a0% matched" in card and "Up to date" in card and "checked" in card
    assert f"/apps/{chat.app.id}/checks" in card
    assert "every 2s" not in card, "there is nothing to wait for"


def test_the_card_of_a_running_check_polls_until_it_ends(owner: Client, chat) -> None:
    check = asking.ask(chat.app, chat.by)
    Check.update(state="running", phase="accounts", items_read=62, total=100).where(Check.id == check.id).execute()
    card = owner.get(f"/apps/{chat.app.id}/card", htmx=True).text
    assert "Checking 62 %" in card and "every 2s" in card
    Check.update(state="failed", error="No answer").where(Check.id == check.id).execute()
    assert "every 2s" not in owner.get(f"/apps/{chat.app.id}/card", htmx=True).text


def test_search_and_filters_find_and_say_when_nothing_fits(owner: Client, home) -> None:
    make_apps(3)
    App.update(name="Ünïcode Áds", category="Paid social").where(App.name == "Chat 001").execute()
    App.update(error="The token expired").where(App.name == "Chat 002").execute()

    def names(query: str) -> list[str]:
        part = owner.get(f"/apps?{query}", htmx=True).text
        assert "<html" not in part
        return [name for name in ("Chat 000", "Ünïcode Áds", "Chat 002") if f">{name}</a>" in part]

    assert names("") == ["Chat 000", "Ünïcode Áds", "Chat 002"]
    assert names("search=áDS") == ["Ünïcode Áds"]
    assert names("category=Paid+social") == ["Ünïcode Áds"]
    assert names("state=attention") == ["Chat 002"]
    App.update(unmatched=0).where(App.name != "Chat 000").execute()
    assert names("unmatched=yes") == ["Chat 000"] and names("unmatched=no") == names("left=yes") == []
    page = owner.get("/apps").text
    assert "Unmatched <strong>1</strong>" in page and "Left <strong>" not in page
    assert names("search=%25") == [], "a per cent sign is no wildcard"
    assert "No matching apps" in owner.get("/apps?search=zzz").text


def test_two_hundred_apps_take_as_few_queries_as_seventy(owner: Client, home, queries: list[str]) -> None:
    make_apps(70)

    def taken() -> int:
        owner.get("/apps")  # the next one needn't ask again for what nobody has changed
        queries.clear()
        assert owner.get("/apps").status_code == 200
        return len(queries)

    few = taken()
    make_apps(200)
    assert taken() == few < 27


def test_the_drawer_counts_apps_that_need_attention(owner: Client, site, chat, someone) -> None:
    badge = '<span class="count count-attention">'
    assert badge not in owner.get("/people").text
    chat.leave(3)
    assert f'{badge}1<span class="visually-hidden"> needs attention' in owner.get("/people").text
    make_apps(2, error="The token expired.")
    make_apps(1)
    assert f'{badge}3<span class="visually-hidden"> need attention' in owner.get("/people").text
    assert badge not in Client(site, someone("Una User", "user")).get("/").text, "only apps that one may see"


def test_a_thousand_apps_come_in_pages(owner: Client, olga) -> None:
    make_apps(1000)
    App.update(users=App.id - App.id / 7 * 7).execute()
    App.update(error="The token expired.").where(App.name == "Chat 777").execute()
    first, last = owner.get("/apps"), owner.get("/apps?page=17&sort=-users")
    assert len(gzip.compress(first.data)) < 20_000 and first.text.count('<li class="card"') == app_list.PAGE
    assert first.text.index("Chat 777") < first.text.index("Chat 000"), "one that needs attention is first"
    assert "1–60 of 1,000" in first.text and "961–1,000 of 1,000" in last.text
    rows = [row for number in range(1, 18) for row in app_list.search(olga, Apps(), "-users", number).rows]
    assert len(rows) == 1000 == len({app.id for app, _ in rows})
    assert [app.users for app, _ in rows] == sorted((app.users for app, _ in rows), reverse=True)


def test_a_name_that_is_too_long_is_refused_and_kept(owner: Client, chat) -> None:
    name = "N" * 97
    answer = owner.send("PUT", f"/apps/{chat.app.id}/name", name=name)
    assert answer.status_code == 422 and "at most 80 characters. This one has 97." in answer.text
    form = answer.text.split("<template")[0]
    assert f'value="{name}"' in form and "maxlength" not in form, "no browser cuts it without a word"
    assert owner.send("PUT", f"/apps/{chat.app.id}/name", name=name[:80]).status_code == 303
    assert f'title="{name[:80]}"' in owner.get("/apps").text


def test_names_from_outside_are_escaped(owner: Client, home) -> None:
    app = make_apps(1)[0]
    App.update(name="<script>alert(1)</script>").where(App.id == app.id).execute()
    for address in ("/apps", f"/apps/{app.id}", f"/apps/{app.id}/members", f"/apps/{app.id}/activity"):
        assert "<script>alert" not in owner.get(address).text


def test_a_collaborator_sees_members_and_no_way_to_act(site: Flask, chat, someone) -> None:
    person = someone("Cora Collaborator", "user")
    apps.set_manager(chat.app, person, "collaborator", chat.by)
    browser = Client(site, person)
    page = browser.get(f"/apps/{chat.app.id}").text
    assert "Check for updates" not in page and "Replace" not in page and "Disconnect" not in page
    assert f"/apps/{chat.app.id}/members" in page and f'href="/apps/{chat.app.id}/reports"' not in page
    assert "Check for updates" not in browser.get("/apps").text


def test_settings_say_it_in_plain_sentences(owner: Client, chat) -> None:
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "Owners approve each removal" in page
    assert "Holds changes when more than 5 users and more than 20\u00a0% would be removed" in page
    assert "Applied automatically" in page and "Access token in Acme Chat" in page
    assert chat.token not in page, "a secret is never on a page"


def test_the_daily_check_is_switched_and_moved(owner: Client, chat) -> None:
    here = f"/apps/{chat.app.id}/schedule"
    assert owner.send("PUT", here, daily="yes", time="04:20").status_code == 303
    app = App.get_by_id(chat.app.id)
    assert (app.checked_daily, app.check_minute) == (True, 260) and app.next_check_at is not None
    assert "On, at 04:20" in owner.get(f"/apps/{chat.app.id}").text
    owner.send("PUT", here, time="04:20")
    assert App.get_by_id(chat.app.id).next_check_at is None
    for wrong in ("", "25:00", "4.20", "04:60", "04:20; DROP"):
        answer = owner.send("PUT", here, daily="yes", time=wrong)
        assert answer.status_code == 422 and "hours and minutes, such as 04:20" in answer.text


def test_the_policy_takes_own_numbers_or_the_workspaces(owner: Client, chat) -> None:
    here = f"/apps/{chat.app.id}/policy"
    owner.send("PUT", here, removal="automatic", guard="own", accounts="2", percent="50")
    app = App.get_by_id(chat.app.id)
    assert (app.removal_approval, guards.guard_of(app)) == ("automatic", guards.Guard(2, 50))
    assert owner.send("PUT", here, removal="ask", guard="own", accounts="-1", percent="50").status_code == 422
    assert owner.send("PUT", here, removal="ask", guard="own", accounts="9" * 5000, percent="5").status_code == 422
    assert owner.send("PUT", here, removal="sometimes", guard="own", accounts="1", percent="5").status_code == 400
    assert App.get_by_id(chat.app.id).removal_approval == "automatic", "nothing of a refused form is applied"
    owner.send("PUT", here, removal="ask", guard="workspace", accounts="2", percent="50")
    app = App.get_by_id(chat.app.id)
    assert (app.removal_approval, app.guard_accounts, app.guard_percent) == ("ask", None, None)


@pytest.mark.parametrize("typed, kept", [("8.75", 875), ("8,5", 850), ("12", 1200), ("", None), ("0", 0)])
def test_a_seat_price_is_taken_as_people_write_it(owner: Client, chat, typed: str, kept: int | None) -> None:
    assert owner.send("PUT", f"/apps/{chat.app.id}/seat-price", price=typed).status_code == 303
    assert App.get_by_id(chat.app.id).seat_price == kept


@pytest.mark.parametrize("typed", ["-1", "1e3", "8.755", "twelve", "1,000.00", "99999999", "NaN"])
def test_a_seat_price_that_is_none_comes_back_with_the_reason(owner: Client, chat, typed: str) -> None:
    answer = owner.send("PUT", f"/apps/{chat.app.id}/seat-price", price=typed)
    assert answer.status_code == 422 and "such as 8.75" in answer.text and f'value="{typed}"' in answer.text


def test_owners_and_collaborators_are_added_changed_and_taken_out(owner: Client, chat, someone) -> None:
    jana = someone("Jana Kowalski", "user")
    here = f"/apps/{chat.app.id}/people"

    def part() -> str | None:
        row = AppPerson.get_or_none(AppPerson.app == chat.app, AppPerson.person == jana)
        return row and row.manages_as

    owner.post(here, email="JANA.kowalski@acme.example", manages_as="collaborator")
    assert part() == "collaborator"
    owner.send("PUT", f"{here}/{jana.id}", manages_as="owner")
    assert part() == "owner"
    owner.send("DELETE", f"{here}/{jana.id}")
    assert part() is None
    answer = owner.post(here, email="nobody@acme.example", manages_as="owner")
    assert answer.status_code == 422 and "Nobody in People has the address nobody@acme.example" in answer.text
    olga = people.find_by_email("olga@acme.example")
    page = owner.client.post(f"{here}/{olga.id}?_method=DELETE", data={"csrf_token": owner.token()},
                             follow_redirects=True).text  # fmt: skip
    assert "only Owner" in page and "Nothing was changed" in page


def test_people_are_suggested_behind_the_last_comma(owner: Client, chat, someone) -> None:
    someone("Jana Kowalski")
    here = f"/apps/{chat.app.id}/people/suggestions"
    assert 'value="jana.kowalski@acme.example"' in owner.get(f"{here}?email=kowal", htmx=True).text
    assert 'value="a@b.c, jana.kowalski@acme.example"' in owner.get(f"{here}?owners=a@b.c,+kowal", htmx=True).text
    assert owner.get(f"{here}?email=k", htmx=True).text.strip() == "", "one letter suggests nobody"


def test_a_credential_is_tested_before_it_replaces_the_other(owner: Client, chat) -> None:
    here = f"/apps/{chat.app.id}/credential"
    answer = owner.send("PUT", here, base_url=chat.url, token="acme_wrong-secret")
    assert answer.status_code == 422 and "The current credential is still in use" in answer.text
    assert "acme_wrong-secret" not in answer.text
    assert owner.send("PUT", here, base_url=chat.url, token="").status_code == 303, "an empty secret is the one before"
    assert chat.check().state == "succeeded"


def test_a_test_says_who_the_credential_is_or_what_to_fix(owner: Client, chat) -> None:
    assert "Connection works: Access token in Acme Chat" in owner.post(f"/apps/{chat.app.id}/tests").text
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "read members and channels · invite, remove and change members" in page and "<dt>Missing</dt>" not in page
    chat.stop()
    answer = owner.post(f"/apps/{chat.app.id}/tests")
    assert "Connection failed." in answer.text
    assert "is unchanged" in answer.text


def test_pause_and_resume(owner: Client, chat) -> None:
    owner.post(f"/apps/{chat.app.id}/pause")
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "Paused" in page and "Check for updates" not in page and "not while it is paused" in page
    owner.send("DELETE", f"/apps/{chat.app.id}/pause")
    assert "Check for updates" in owner.get(f"/apps/{chat.app.id}").text


def test_disconnecting_needs_the_name_and_says_what_stays(owner: Client, chat) -> None:
    chat.leave(1)
    chat.check()
    dialog = owner.get(f"/apps/{chat.app.id}/disconnection").text
    assert "Nobody is removed from Chat" in dialog and "1 change is waiting" in dialog
    assert owner.send("DELETE", f"/apps/{chat.app.id}", name="chat").status_code == 422
    assert App.get_by_id(chat.app.id).state == "active"
    owner.send("DELETE", f"/apps/{chat.app.id}", name="Chat")
    app = App.get_by_id(chat.app.id)
    assert (app.state, app.credential) == ("disconnected", None)
    assert chat.removed() == [] and Account.select().count() == 11
    assert ">Chat</a>" not in owner.get("/apps").text
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "is disconnected" in page and "Check for updates" not in page


def test_disconnecting_says_what_can_still_be_approved_in_the_app(owner: Client, chat) -> None:
    chat.check()
    address = f"/apps/{chat.app.id}"
    assert "for approval" not in owner.get(f"{address}/disconnection").text
    for account, detail in zip(Account.select().order_by(Account.id), ({AWAITED: ["r-1"]}, {})):
        Task.create(app=chat.app, kind="remove", account=account, detail=detail)
    dialog = owner.get(f"{address}/disconnection").text
    assert "2 tasks that aren&#39;t done are cancelled." in dialog
    assert "1 request still waits in the app for approval." in dialog and "reject it in the app" in dialog
    owner.send("DELETE", address, name="Chat")
    assert "1 request still waits in the app for approval. Reject it there." in owner.get("/apps").text


def test_assets_show_who_alone_controls_one(owner: Client, chat) -> None:
    channel = chat.store.add_channel("marketing", "page")
    chat.store.join(channel, chat.id_of(1), "manager", "page")
    chat.store.join(channel, chat.id_of(2), "member", "page")
    chat.check()
    page = owner.get(f"/apps/{chat.app.id}/assets").text
    assert "marketing" in page and "Person 1" in page and "only manager" in page
    asset = chat.app.assets.get()
    page = owner.get(f"/apps/{chat.app.id}/assets/{asset.id}").text
    assert "Person 1 is the only manager of this channel" in page and "Person 2" in page
    assert "No matches" in owner.get(f"/apps/{chat.app.id}/assets?search=zzz").text


def test_acts_are_shown_retried_marked_as_done_and_given_up(owner: Client, chat) -> None:
    account = Account.get(Account.email == "p1@acme.example")
    task = Task.create(app=chat.app, kind="remove", account=account, state="needs attention", asked_by=chat.by,
                       error="The app said no: billing owner", attempts=1)  # fmt: skip
    Account.update(state="removing").where(Account.id == account.id).execute()
    page = owner.get(f"/apps/{chat.app.id}/activity").text
    assert "The app said no: billing owner" in page and "Retry" in page and "every 2s" not in page
    here = f"/apps/{chat.app.id}/tasks"
    part = owner.send("POST", f"{here}/{task.id}/attempts", htmx=True)
    assert "Queued" in part.text and "every 2s" in part.text
    part = owner.send("DELETE", f"{here}/{task.id}", htmx=True)
    assert "Cancelled" in part.text and "every 2s" not in part.text
    assert Account.get_by_id(account.id).state == "present"
    again = owner.send("POST", f"{here}/{task.id}/attempts", htmx=True)
    assert "there is nothing to retry" in again.headers["HX-Trigger"]
    Task.update(state="needs attention").where(Task.id == task.id).execute()
    Account.update(state="removing").where(Account.id == account.id).execute()
    owner.post(f"{here}/{task.id}/completion")
    assert Account.get_by_id(account.id).state == "gone"


def test_alerts_are_loaded_again_while_tasks_are_done(owner: Client, chat) -> None:
    chat.leave(3)
    chat.check()
    here = f"/apps/{chat.app.id}"
    page = owner.get(f"{here}/activity").text
    assert 'id="alert-leavers"' in page and f"check-{chat.app.id} from:body" in page
    part = owner.get(f"{here}/tasks", htmx=True)
    assert part.headers["HX-Trigger-After-Swap"] == f"check-{chat.app.id}"
    shown = {"HX-Current-URL": f"http://localhost{here}/activity?kind=checks"}
    assert 'id="alert-leavers"' in owner.get(f"{here}/head", htmx=True, **shown).text
    Account.update(state="gone").where(Account.email == "p3@acme.example").execute()
    again = owner.get(f"{here}/head", htmx=True, **shown).text
    assert 'id="app-alerts" class="stack" hx-swap-oob="morph"' in again and 'id="alert-leavers"' not in again
    assert 'id="app-leavers" class="stack" hx-swap-oob="morph"' in again


def test_the_activity_of_an_app_is_its_own(owner: Client, chat, second) -> None:
    with writing():
        activity.record("x", "something elsewhere", app=second.app)
    page = owner.get(f"/apps/{chat.app.id}/activity").text
    assert "Connected app" in page and "Something elsewhere" not in page
    assert "No entry matches" in owner.get(f"/apps/{chat.app.id}/activity?search=zzz", htmx=True).text
    assert owner.get(f"/apps/{chat.app.id}/activity?before={2**70}").status_code == 200


def test_a_row_of_another_app_is_not_found(owner: Client, chat, second) -> None:
    check = Check.select().where(Check.app == second.app).get()
    account = Account.select().where(Account.app == second.app).get()
    assert owner.get(f"/apps/{chat.app.id}/checks/{check.id}").status_code == 404
    assert owner.get(f"/apps/{chat.app.id}/members/{account.id}/match").status_code == 404
    assert owner.get("/apps/999999").status_code == 404
    assert Report.select().count() == 2


def test_a_page_shows_why_a_directory_keeps_the_app_from_being_up_to_date_and_what_to_do(owner: Client, chat) -> None:
    assert "alert-unread-directory" not in owner.get(f"/apps/{chat.app.id}").text
    directory = Directory.create(kind="scim", name="Okta")
    entry = DirectoryEntry.create(directory=directory, external_id="1", person=chat.people[3], status="active")
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "Chat isn&#39;t up to date.</strong> Okta has no token. Rollcall doesn&#39;t notice who leaves." in page
    assert f'href="/directories/{directory.id}"' in page and "Show the directory" in page
    read = {"kind": "ldap", "next_read_at": utcnow(), "last_read_at": utcnow()}
    Directory.update(read | {"unread_attributes": [{"attribute": "x"}]}).execute()
    for page in (owner.get(f"/apps/{chat.app.id}").text, owner.get("/").text):
        assert f'href="/directories/{directory.id}/ends"' in page, "the way out is one click"
    entry.delete_instance()
    App.update(file_from=utcnow() - timedelta(days=9)).execute()
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "Chat is overdue.</strong> Its list of users is from" in page and "Replace the file</a>" in page
    App.update(file_from=None).execute()
    Account.update(match_kind="service account", match_by_hand=True).where(Account.person == chat.people[3]).execute()
    Person.update(status="deprovisioned").where(Person.id == chat.people[3].id).execute()
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "has no one responsible.</strong> Person 3 (Person 3 has left)." in page and "Service accounts</a>" in page
    former = Account.update(match_kind="unmatched", match_by_hand=False, person=None, former_person=chat.people[3])
    former.where(Account.person == chat.people[3]).execute()
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "Chat needs matching.</strong> Person 3 may be" in page and "Show the members" in page
