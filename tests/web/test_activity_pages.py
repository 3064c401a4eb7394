"""The activity page: the log, found, filtered, paged and verified; the outbox."""

from __future__ import annotations

import html
import re
from urllib.parse import quote_plus

import pytest

from sync import activity, seals
from sync.apps import apps
from sync.db import db, writing
from sync.mail import outbox
from sync.mail.letters import Sentence
from sync.models import Activity, Setting
from sync.names import main_email, signature
from sync.people import people
from sync.rank import Asker
from tests import database
from tests.asking import MACHINE
from tests.web.client import Client


def fill(count: int) -> None:
    for number in range(count):
        with writing():
            activity.record("schedule", "noted", about=f"thing {number:03}", why="because", before="a<b", after="c&d")


def test_shows_who_what_why_before_after(owner: Client) -> None:
    fill(1)
    page = owner.get("/activity").text
    assert "Noted" in page and "thing 000" in page and "because" in page and "schedule" in page
    assert "a&lt;b → c&amp;d" in page


def test_a_person_is_not_shown_as_a_program_whatever_their_name_is(owner: Client) -> None:
    impostor = people.add("Okta (directory)", "okta@acme.example", MACHINE)
    theirs = [signature(impostor), main_email(impostor)]
    programs = ["Okta (directory)", "Ana <ana@acme.example> (directory)", Asker.provider("<ana@acme.example>").name]
    for who in theirs + programs:
        with writing():
            activity.record(who, "edited person", person=impostor)
    for page in (owner.get("/activity?search=edited").text, owner.get(f"/people/{impostor.id}").text):
        marked = re.findall(r'title="([^"]+)">(<svg.*?Program: )?', page)
        found = [(html.unescape(who), bool(mark)) for who, mark in marked if html.unescape(who) in theirs + programs]
        assert found == [(who, who in programs) for who in reversed(theirs + programs)]


def test_pages_by_id_without_gap_or_repeat(owner: Client) -> None:
    fill(120)
    seen: list[str] = []
    address = "/activity?search=noted"
    while address:
        page = owner.get(address).text
        seen += re.findall(r"thing \d{3}</strong>", page)
        older = re.search(r'href="(/activity\?[^"]*before=\d+[^"]*)"', page)
        address = older.group(1).replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 120


def test_htmx_appends_rows_alone(owner: Client) -> None:
    fill(60)
    part = owner.get(f"/activity?before={Activity.select().count()}", htmx=True).text
    assert part.lstrip().startswith("<tr") and "<table" not in part


def test_search_and_app(owner: Client, chat) -> None:
    assert "connected app" in owner.get(f"/activity?app={chat.app.id}").text.lower()
    assert "Set up workspace" not in owner.get(f"/activity?app={chat.app.id}").text
    assert "No matches" in owner.get("/activity?search=zzzz").text


@pytest.mark.parametrize(
    "query",
    ["before=x", "before=99999999999999999999", "app=-1", "app=99999999999999999999", "search=%25%25", "search=%00"],
)
def test_hostile_queries(owner: Client, query: str) -> None:
    assert owner.get(f"/activity?{query}").status_code == 200


def test_verification(owner: Client) -> None:
    fill(3)
    assert "The log is intact" in owner.get("/activity/verification").text
    part = owner.get("/activity/verification", htmx=True).text
    assert "The log is intact" in part and "<html" not in part
    entry = Activity.get(Activity.about == "thing 001")
    database.tampering(db)  # someone who has the database
    db.execute_sql("UPDATE activity SET why = 'another reason' WHERE id = ?", (entry.id,))
    page = owner.get("/activity/verification").text
    assert "tampered with" in page and f"Entry {entry.id} does not follow" in page


def test_verification_says_why_it_fails_where_no_entry_is_to_blame(owner: Client) -> None:
    fill(3)
    database.tampering(db)
    with writing():
        Setting.delete().where(Setting.name == seals.ANCHOR).execute()
    assert "Its anchor is missing." in owner.get("/activity/verification").text


def test_entries_written_together_are_one_line_that_opens(owner: Client, chat) -> None:
    with writing():
        for number in range(3):
            activity.record("Rollcall", "new user", about=f"user <{number}>", app=chat.app)
        activity.record("schedule", "check succeeded", about=chat.app.name, app=chat.app)
    for address in ("/activity", f"/apps/{chat.app.id}/activity"):
        page = owner.get(address).text
        assert "3 users found" in page and "user &lt;1&gt;" not in page
        inside = re.search(r'<a href="([^"]*/lines/\d+)">Show these', page).group(1)
        for htmx in (False, True):
            opened = owner.get(inside, htmx=htmx).text
            assert opened.count("New user") == 3 and opened.count("Check succeeded") == 1
    assert owner.get("/activity/lines/999999").status_code == 404
    with writing():
        activity.record("schedule", "read directory", about="Staff")
        activity.record_all([{"who": "schedule", "what": "person joined", "about": name} for name in ("Ana", "Ben")])
        activity.record("schedule", "changed employee number", about="Ana")
    assert "2 people joined, 1 employee number changed" in owner.get("/activity").text


def test_chips_name_the_filters_and_remove_them(owner: Client, chat, someone) -> None:
    jana = someone("Jana Kowalski")
    page = owner.get(f"/activity?person={jana.id}&app={chat.app.id}&kind=checks&since=2020-01-01").text
    for words in ("About: Jana Kowalski", f"App: {chat.app.name}", "Kind: Checks", "From: 2020-01-01"):
        assert words in page
    assert f'href="/activity?app={chat.app.id}&amp;kind=checks&amp;since=2020-01-01"' in page
    assert "No entry matches" in page
    assert "Added person" in owner.get("/activity?person=kowal").text


def test_entries_inside_a_line_match_the_filters_as_well(owner: Client, chat) -> None:
    with writing():
        for number in range(3):
            activity.record("Rollcall", "new user", about=f"user {number}", app=chat.app)
        activity.record("Rollcall", "noted", about="user 4", app=chat.app)
    page = owner.get("/activity?search=user&kind=checks").text
    inside = html.unescape(re.search(r'<a href="([^"]*/lines/[^"]+)">Show these', page).group(1))
    opened = owner.get(inside).text
    assert opened.count("New user") == 3 and "user 4" not in opened
    assert 'href="/activity?search=user&amp;kind=checks"' in opened, "the way back keeps the filters"


@pytest.mark.parametrize("of_app", [False, True])
def test_the_oldest_first(owner: Client, chat, of_app: bool) -> None:
    with writing():
        activity.record("x", "noted", about="long ago", app=chat.app)
    for number in range(60):
        with writing():
            activity.record("x", "noted", about=f"thing {number:03}", app=chat.app)
    here = f"/apps/{chat.app.id}/activity" if of_app else "/activity"
    newest = owner.get(f"{here}?search=noted").text
    assert "thing 059" in newest and "long ago" not in newest and 'aria-sort="descending"' in newest
    assert f'href="{here}?search=noted&amp;sort=when"' in newest
    page = owner.get(f"{here}?search=noted&sort=when").text
    assert "long ago" in page and "thing 059" not in page and 'aria-sort="ascending"' in page
    assert '<option value="when" selected>Oldest first' in page and 'name="sort" value="when"' in page
    newer = html.unescape(re.search(r'href="([^"]+after=\d+)"', page).group(1))
    further = owner.get(newer).text
    assert "thing 059" in further and "long ago" not in further and "Back to the oldest" in further
    assert owner.get(newer, htmx=True).text.lstrip().startswith("<tr")


def test_a_view_of_activity_is_saved_and_opened(owner: Client, site, chat, someone) -> None:
    query = f"app={chat.app.id}&kind=checks&sort=when"
    page = owner.get(f"/activity?{query}").text
    assert f"/views/new?list=activity&amp;query={quote_plus(query)}" in page
    owner.post("/views", name="Checks of Chat", list="activity", query=f"{query}&evil=1")
    assert f'href="/activity?{html.escape(query)}"' in owner.get("/activity").text
    for role, status in (("admin", 200), ("user", 404)):
        asks = Client(site, someone(f"A {role}", role=role))
        assert asks.get(f"/views/new?list=activity&query={query}").status_code == status


def test_a_line_shows_only_what_is_open_to_the_person(site, chat, second, someone) -> None:
    admin = someone("Some Admin", role="admin")
    with writing():
        activity.record("Rollcall", "new user", about="concealed user", app=chat.app)
        activity.record("Rollcall", "new user", about="another concealed user", app=second.app)
    line = Activity.select().order_by(Activity.id.desc()).get().first_entry
    client = Client(site, admin)
    assert "concealed" not in client.get("/activity").text
    assert client.get(f"/activity/lines/{line}").status_code == 404
    assert client.get(f"/apps/{chat.app.id}/activity/lines/{line}").status_code == 404


@pytest.mark.parametrize(("manages_as", "opens"), [("owner", "/activity"), ("collaborator", "")])
def test_a_line_leads_to_a_page_of_its_app_that_the_reader_may_open(site, chat, someone, by, manages_as, opens) -> None:
    admin = someone("Some Admin", role="admin")
    apps.set_manager(chat.app, admin, manages_as, by)
    client, here = Client(site, admin), f"/apps/{chat.app.id}{opens}"
    assert f'href="{here}"' in client.get("/activity").text and client.get(here).status_code == 200


def test_e_mails_that_wait_are_shown_only_with_apps_that_are_open_to_the_person(site, owner, chat, second, someone):
    admin = someone("Some Admin", role="admin")
    apps.set_manager(chat.app, admin, "owner", MACHINE)
    for one in (chat, second):
        outbox.put([f"owner-of-{one.app.id}@x.example"], "test", f"test-{one.app.id}", template="test", link="/",
                   app=one.app, subject=Sentence("Test"))  # fmt: skip
    page = Client(site, admin).get("/activity").text
    assert f"owner-of-{chat.app.id}@x.example" in page and f"owner-of-{second.app.id}@x.example" not in page
    assert f"owner-of-{second.app.id}@x.example" in owner.get("/activity").text
