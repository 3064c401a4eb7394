"""The lists of reports: waiting ones come first, and only one's own are there."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from sync.apps import apps
from sync.db import utcnow, writing
from sync.models import Report
from sync.people import people
from tests.web.client import Client


def test_without_reports_the_page_says_when_one_comes(owner: Client) -> None:
    assert "No reports yet" in owner.get("/reports").text


def test_open_reports_come_first_with_what_waits(owner: Client, chat, second) -> None:
    chat.leave(1, 2)
    chat.check()
    with writing():
        Report.create(app=second.app, state="applied", counts={"new user": 1}, decided_at=utcnow())
    page = owner.get("/reports").text
    assert page.index("Waiting for approval</span>") < page.index("1 new user")
    assert "2 removed users" in page and "2 people have left Acme and still have accounts in" in page
    assert 'class="count count-waiting">1<' in page, "the badge in the navigation"


def test_filters_by_app_and_state(owner: Client, chat, second) -> None:
    people.mark_left(chat.people[1], chat.by)
    chat.check()
    part = owner.get("/reports?state=open", htmx=True).text
    assert "<html" not in part and "Waiting for approval</span>" in part and "Second chat" not in part
    assert "Second chat" in owner.get(f"/reports?app={second.app.id}", htmx=True).text
    assert "No matching reports" in owner.get("/reports?state=dismissed").text
    nothing = owner.get("/reports?state=nonsense&app=x").text
    assert "Waiting for approval</span>" not in nothing, "an unknown filter is never dropped"
    assert "No report matches “App: x” and “State: nonsense?”. Remove one of them above." in nothing
    assert "Waiting for approval</span>" in owner.get(f"/apps/{chat.app.id}/reports").text
    assert "Waiting for approval</span>" not in owner.get(f"/apps/{second.app.id}/reports").text


def test_checks_that_found_nothing_are_not_in_the_way(owner: Client, chat) -> None:
    chat.check()
    assert "Nothing new" not in owner.get("/reports").text
    assert "Nothing new" in owner.get("/reports?state=applied").text


def test_pages(owner: Client, chat) -> None:
    with writing():
        for number in range(60):
            Report.create(app=chat.app, state="applied", counts={"new user": number + 1}, decided_at=utcnow())
    first, second = owner.get("/reports").text, owner.get("/reports?page=2", htmx=True).text
    assert "60 new users" in first and "1–50 of 61" in first
    assert ">1 new user<" in second and "60 new users" not in second


def test_only_reports_that_one_may_decide(site: Flask, chat, second, someone) -> None:
    chat.leave(1)
    chat.check()
    ann = someone("Ann Owner", "user")
    apps.set_manager(second.app, ann, "owner", chat.by)
    apps.set_manager(chat.app, ann, "collaborator", chat.by)
    page = Client(site, ann).get("/reports").text
    assert "Second chat" in page and "Waiting for approval</span>" not in page and 'count-waiting' not in page


def test_the_filter_has_the_words_of_the_rows(owner: Client, chat) -> None:
    chat.leave(1)
    chat.check()
    page = owner.get("/reports").text
    assert "Waiting for approval <strong>1</strong>" in page
    options = re.search(r'<select[^>]*name="state".*?</select>', owner.get("/reports/filters").text, re.S).group()
    table = re.search(r"<tbody>.*</tbody>", page, re.S).group()
    for words in ("Waiting for approval", "pplied automatically"):
        assert words in options and words in table


def test_the_filter_names_no_app_whose_reports_one_does_not_decide(site: Flask, chat, second, someone) -> None:
    ann = someone("Ann Owner", "user")
    apps.set_manager(chat.app, ann, "owner", chat.by)
    for list_of_reports in ("/reports", "/reports/filters"):
        assert "Second chat" not in Client(site, ann).get(f"{list_of_reports}?app={second.app.id}").text


@pytest.mark.parametrize(("state", "word"), [
    ("dismissed", "Dismissed"), ("superseded", "No longer needed"), ("applied", "Applied automatically"),
])  # fmt: skip
def test_a_report_that_was_closed_has_its_own_word_and_waits_for_nobody(owner: Client, chat, state, word) -> None:
    with writing():
        Report.create(app=chat.app, state=state, waiting=7, counts={"new user": 1}, decided_at=utcnow())
    page = owner.get(f"/apps/{chat.app.id}/reports?state={state}", htmx=True).text
    rows = re.search(r"<tbody>.*</tbody>", page, re.S).group()
    words = ("Dismissed", "No longer needed", "Applied automatically")
    assert [each for each in words if each in rows] == [word] and "to approve" not in rows
