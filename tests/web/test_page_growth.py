"""What pages ask of the database doesn't grow with checks that are over, and hardly with apps: SQLite counts the steps
of its machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.daily import add_checks
from sync.db import db, utcnow, writing
from sync.models import Account, App, Report
from sync.states import AccountMatch, AppState, ReportState
from tests.database import ON_FILE
from tests.web.client import Client

pytestmark = ON_FILE

FEW, MANY = 61, 122  # apps: more than a page shows
SHORT, LONG = 31, 62  # days of checks: more than a page draws
AT_MOST = 4  # steps for one more app: each page looks for apps with an error
# Of pages that read ids, names or numbers of each app.
OF_EACH_APP = {"/": 90, "/apps": 75, "/reports/filters": 20, "/activity/filters": 20, "/people/1": 30,
               "/search?q=app+61": 30}  # fmt: skip
LAST = "/apps/1/members?page=99999"
PAGES = ("/people", "/reports", "/reports?app=1", "/activity", "/activity?app=1", "/apps/1", "/apps/1/members",
         "/reports/1", *OF_EACH_APP)  # fmt: skip


def add_apps(count: int, days: int) -> None:
    """Apps that are up to date, with a check on each of the last days, today included; each tenth found something."""
    now = utcnow()
    with writing():
        first = App.select().count() + 1
        App.insert_many([
            {"id": id, "connector": "sample-chat", "name": f"App {id}", "category": "Seat-based", "users": 9,
             "matched": 9, "state": AppState.ACTIVE, "last_check_at": now} for id in range(first, first + count)
        ]).execute()  # fmt: skip
        add_checks(range(first, first + count), 0, days, accounts=9)


def add_reports(count: int) -> None:
    with writing():
        Report.insert_many([
            {"app": id % FEW + 1, "state": ReportState.APPLIED, "counts": {"new user": 1}, "decided_at": utcnow()}
            for id in range(count)
        ]).execute()  # fmt: skip


@contextmanager
def counting() -> Iterator[dict[str, int]]:
    """The statements, and the steps of SQLite's machine, of this thread's pages."""
    found, watched = {"statements": 0, "steps": 0}, []

    def step() -> None:
        found["steps"] += 1

    def asked(_event: object) -> None:
        found["statements"] += 1
        if db.connection() not in watched:
            watched.append(db.connection())
            watched[-1].set_progress_handler(step, 1)

    db.query_hooks.append(asked)
    try:
        yield found
    finally:
        db.query_hooks.remove(asked)
        for connection in watched:
            connection.set_progress_handler(None, 0)


def taken(owner: Client) -> dict[str, tuple[int, int]]:
    """By page, its statements and steps once it has been opened."""
    measured = {}
    for page in PAGES:
        owner.get(page)
        with counting() as found:
            assert owner.get(page).status_code == 200, page
        measured[page] = found["statements"], found["steps"]
    return measured


@pytest.fixture
def few(owner: Client) -> dict[str, tuple[int, int]]:
    add_apps(FEW, SHORT)
    Report.create(id=1, app=1, waiting=1, counts={"removed user": 1})
    add_reports(60)
    return taken(owner)


def test_more_apps(owner: Client, few: dict[str, tuple[int, int]]):
    add_apps(MANY - FEW, SHORT)
    many = taken(owner)
    assert {page: many[page][0] for page in PAGES} == {page: few[page][0] for page in PAGES}
    more = {page: (many[page][1] - few[page][1]) / (MANY - FEW) for page in PAGES}
    assert {page: steps for page, steps in more.items() if steps > OF_EACH_APP.get(page, AT_MOST)} == {}


def test_more_apps_that_wait_for_someone(owner: Client, few: dict[str, tuple[int, int]]):
    """Home and Apps look in full at those that they show. They count all, and Home looks for people in each report."""
    add_apps(MANY - FEW, SHORT)
    with writing():
        Report.insert_many([{"app": id, "waiting": 1, "counts": {}} for id in range(2, MANY)]).execute()
    many = taken(owner)
    add_apps(MANY, SHORT)
    with writing():
        Report.insert_many([{"app": id, "waiting": 1, "counts": {}} for id in range(MANY, 2 * MANY)]).execute()
    more = {page: (taken(owner)[page][1] - many[page][1]) / MANY for page in ("/", "/apps")}
    assert more["/"] < 150 and more["/apps"] < 110, more


def test_the_last_page_of_members_is_found_from_the_end(owner: Client, few: dict[str, tuple[int, int]]):
    def steps(first: int, last: int) -> int:
        with writing():
            Account.insert_many([
                {"app": 1, "external_id": str(id), "name": f"Person {id:05}", "match_kind": AccountMatch.MATCHED}
                for id in range(first, last)
            ]).execute()  # fmt: skip
            App.update(matched=last, users=last).where(App.id == 1).execute()
        owner.get(LAST)
        with counting() as found:
            assert f"Person {last - 1:05}" in owner.get(LAST).text
        return found["steps"]

    few_accounts = steps(0, 200)
    assert abs(steps(200, 400) - few_accounts) < 100


def test_more_checks(owner: Client, few: dict[str, tuple[int, int]]):
    with writing():
        add_checks(range(1, FEW + 1), SHORT, LONG, accounts=9)
    assert taken(owner) == few
