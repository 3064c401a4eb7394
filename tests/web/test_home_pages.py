"""The first page: what it says of people who left, and what each reader sees of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from sync.apps import apps
from sync.db import utcnow
from sync.models import Account, App, Directory, DirectoryEntry, DirectoryToken, Person, Report, Task
from sync.names import person_name
from sync.reports import reports
from tests.web.client import Client


def words(page: str) -> str:
    main = page[page.index('id="main"'):]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)).replace("\u00a0", " ")


def heading(client: Client) -> str:
    return re.sub(r"\s+", " ", re.search(r'id="answer">.*?<span>(.*?)</span></h2>', client.get("/").text, re.S)[1])


def test_people_who_have_left_but_still_have_accounts_are_counted(owner: Client, chat, second) -> None:
    App.update(seat_price=1050).where(App.id == chat.app.id).execute()
    assert "Nobody who has left has an account" in heading(owner)
    chat.leave(1)
    assert "1 person who has left still has 2 accounts" in heading(owner) and "10.50" in heading(owner)
    chat.leave(2)
    page = owner.get("/")
    assert "2 people who have left still have 4 accounts" in words(page.text)
    assert person_name(chat.people[2]) in page.text and f'href="/people/{chat.people[2].id}"' in page.text


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"failures": 1}, "Chat wasn't read when due"),
        ({"last_check_at": None}, "Chat wasn't read when due"),
        ({"unmatched": 3, "matched": 7}, "3 accounts are not matched to a person yet"),
    ],
)
def test_unknown_is_never_good_news(owner: Client, chat, change: dict, note: str) -> None:
    App.update(**change).execute()
    page = owner.get("/").text
    assert "answer-ok" not in page and "answer-neutral" in page
    assert "Nobody who has left is known to have an account" in heading(owner)
    assert note in words(page).replace("&#39;", "'")
    chat.leave(1)
    page = owner.get("/").text
    assert "answer-attention" in page and note in words(page).replace("&#39;", "'"), "also beside the number"


def test_accounts_that_are_not_matched_are_a_click_away(owner: Client, chat, second) -> None:
    App.update(unmatched=3, matched=7).where(App.id == chat.app.id).execute()
    link = re.search(r'<a href="([^"]+)">3 accounts are not matched</a>', owner.get("/").text)[1]
    page = owner.get(link).text
    assert f'id="app-{chat.app.id}"' in page and f'id="app-{second.app.id}"' not in page


def test_a_directory_or_a_list_that_does_not_show_who_has_left_is_no_good_news(owner: Client, chat) -> None:
    def is_unknown(note: str) -> bool:
        page = owner.get("/").text
        return "answer-neutral" in page and "answer-ok" not in page and note in words(page).replace("&#39;", "'")

    directory = Directory.create(kind="scim", name="Okta")
    DirectoryEntry.create(directory=directory, external_id="1", person=chat.people[2], status="active",
                          reported_status="active")  # fmt: skip
    assert is_unknown("Okta doesn't show who has left")
    assert f'href="/directories/{directory.id}"' in owner.get("/").text, "the one cause is named with a link"
    DirectoryToken.create(directory=directory, token_hash="a", used_at=utcnow())
    assert "Nobody who has left has an account" in heading(owner)
    Directory.update(many_back_since=utcnow()).execute()
    assert is_unknown("Okta says that many people who had left are back")
    assert "doesn't show" not in words(owner.get("/").text).replace("&#39;", "'"), "nobody knows that"
    Directory.update(many_back_since=None).execute()
    DirectoryEntry.update(reported_status="deprovisioned").execute()
    assert is_unknown("people have left according to a directory or list, but count as here")
    directory.delete_instance(recursive=True)
    Account.update(match_kind="service account", match_by_hand=True).where(Account.person == chat.people[3]).execute()
    Person.update(status="deprovisioned").where(Person.id == chat.people[3].id).execute()
    assert is_unknown("1 account may belong to someone who has left")
    Person.update(status="active").execute()
    App.update(file_from=utcnow() - timedelta(days=9)).execute()
    assert is_unknown("The list of users of Chat is too old or has a date in the future")
    App.update(file_from=utcnow() + timedelta(days=2)).execute()
    assert is_unknown("The list of users of Chat is too old or has a date in the future")


def test_the_week_counts_each_leaver_once(owner: Client, chat) -> None:
    """The last Owner too, and no more at each check that finds them again."""
    chat.leave(0, 3)
    for _ in range(3):
        chat.check()
    shown = words(owner.get("/").text)
    assert "2 people who have left still have 2 accounts" in shown
    assert "2 accounts of people who have left · 4 checks" in shown
    reports.finish(Report.select().order_by(Report.id.desc()).get(), chat.by)
    assert Task.get().state == "queued", "the app has confirmed nothing"
    assert "1 account removed or being removed" in words(owner.get("/").text)


def test_waiting_work_is_listed_with_a_link(owner: Client, chat) -> None:
    page = owner.get("/").text
    assert "Nothing is waiting for you" in page and page.index("h-steps") < page.index("h-waiting")
    chat.leave(1, 2)
    chat.check()
    page = owner.get("/").text
    assert "Nothing is waiting for you" not in page
    assert page.index("h-waiting") < page.index("h-steps"), "decisions come before the set-up"
    [address] = set(re.findall(r'href="(/reports/\d+\?back=/)"', page))
    assert "To be updated to Rollcall" in owner.get(address).text


def test_the_set_up_steps_are_for_managers_until_all_are_done(site, olga, someone) -> None:
    assert "Set up Rollcall" in Client(site, olga).get("/").text
    assert "Set up Rollcall" not in Client(site, someone("Uma User", "user")).get("/").text
    invites = 'href="/people/colleagues/new"'
    assert invites in Client(site, olga).get("/").text
    page = Client(site, someone("Ada Admin", "admin")).get("/").text
    assert invites not in page and "An Owner of the workspace can do this" in page


def test_a_user_sees_their_own_apps_alone(site, chat, second, someone, by) -> None:
    user = someone("Uma User", "user")
    chat.leave(1)
    chat.check()
    here = Client(site, user)
    assert chat.app.name not in here.get("/").text and "left still ha" not in here.get("/").text
    apps.set_manager(chat.app, user, "collaborator", by)
    page = here.get("/").text
    assert "1 person who has left still has 1 account" in words(page) and second.app.name not in page
    assert f'href="/people/{chat.people[1].id}"' not in page, "they may not open it"
    assert "Nothing is waiting for you" in page, "a Collaborator approves nothing"


def test_a_hostile_name_is_text(owner: Client, chat) -> None:
    App.update(name="<script>alert(1)</script>").execute()
    Account.update(name="<b>x").execute()
    chat.leave(1)
    page = owner.get("/").text
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_a_visitor_is_sent_to_sign_in(anybody: Client, olga) -> None:
    assert anybody.get("/").location == "/sign-in"
