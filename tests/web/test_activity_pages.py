"""The activity page: the log, found, filtered, paged and verified; the outbox."""

from __future__ import annotations

import re

import pytest

from sync import activity
from sync.db import db, writing
from sync.models import Activity
from tests.web.client import Client


def fill(count: int) -> None:
    with writing():
        for number in range(count):
            activity.record("schedule", "noted", about=f"thing {number:03}", why="because", before="a<b", after="c&d")


def test_tells_who_what_why_before_after(owner: Client) -> None:
    fill(1)
    page = owner.get("/activity").text
    assert "Noted" in page and "thing 000" in page and "because" in page and "schedule" in page
    assert "a&lt;b → c&amp;d" in page


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
    db.execute_sql("DROP TRIGGER activity_no_update")  # someone who has the file
    db.execute_sql("UPDATE activity SET why = 'another reason' WHERE id = ?", (entry.id,))
    page = owner.get("/activity/verification").text
    assert "tampered with" in page and f"Entry {entry.id} does not follow" in page
