"""What pages ask of the database doesn't grow with checks that are over, and hardly with apps: SQLite counts the steps
of its machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.daily import add_checks
from sync.apps import member_list
from sync.db import connected, db, keeping_connections, utcnow, writing
from sync.models import Account, App, Change, Person, Report
from sync.people import people
from sync.safety import leavers
from sync.search import index
from sync.states import AccountMatch, AppState, ChangeDecision, ChangeKind, ReportState
from tests.database import ON_FILE
from tests.web.client import Client

pytestmark = ON_FILE

FEW, MANY = 61, 122  # apps: more than a page shows
SHORT, LONG = 31, 62  # days of checks: more than a page draws
AT_MOST = 4  # steps for one more app: each page looks for apps with an error
# Of pages that read ids, names or numbers of each app.
OF_EACH_APP = {"/": 90, "/apps": 75, "/apps?sort=-users": 70, "/metrics": 100, "/reports/filters": 20,
               "/activity/filters": 20, "/people/1": 30, "/search?q=app+61": 30}  # fmt: skip
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


def taken(owner: Client, *pages: str) -> dict[str, tuple[int, int]]:
    """By page, of these or of all, its statements and steps once it has been opened."""
    measured = {}
    for page in pages or PAGES:
        owner.get(page)
        with counting() as found:
            assert owner.get(page).status_code == 200, page
        measured[page] = found["statements"], found["steps"]
    return measured


@pytest.fixture(autouse=True)
def few_apps(owner: Client) -> None:
    add_apps(FEW, SHORT)
    Report.create(id=1, app=1, waiting=1, counts={"removed user": 1})
    add_reports(60)


def test_more_apps(owner: Client):
    few = taken(owner)
    add_apps(MANY - FEW, SHORT)
    many = taken(owner)
    assert {page: many[page][0] for page in PAGES} == {page: few[page][0] for page in PAGES}
    more = {page: (many[page][1] - few[page][1]) / (MANY - FEW) for page in PAGES}
    assert {page: steps for page, steps in more.items() if steps > OF_EACH_APP.get(page, AT_MOST)} == {}


def test_more_apps_that_wait_for_someone(owner: Client):
    """Home and Apps look in full at those that they show. They count all, and Home looks for people in each report."""
    add_apps(MANY - FEW, SHORT)
    with writing():
        Report.insert_many([{"app": id, "waiting": 1, "counts": {}} for id in range(2, MANY)]).execute()
    many = taken(owner, "/", "/apps")
    add_apps(MANY, SHORT)
    with writing():
        Report.insert_many([{"app": id, "waiting": 1, "counts": {}} for id in range(MANY, 2 * MANY)]).execute()
    more = {page: (steps - many[page][1]) / MANY for page, (_, steps) in taken(owner, "/", "/apps").items()}
    assert more["/"] < 150 and more["/apps"] < 110, more


def test_the_last_page_of_members_is_found_from_the_end(owner: Client):
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


def test_more_checks(owner: Client):
    few = taken(owner)
    with writing():
        add_checks(range(1, FEW + 1), SHORT, LONG, accounts=9)
    assert taken(owner) == few


@contextmanager
def kept() -> Iterator[None]:
    """A connection that outlives its page, as the server's do."""
    db.close()
    with keeping_connections(), connected():
        yield


LEAVERS = 120  # more than a page shows
# The search reads what was added last; the last page of members comes after all of them.
OF_EACH_LEAVER = {"/search?q=app+61": 3, "/reports/1": 2, "/people": 2, "/apps/1/members": 2, LAST: 30}


def add_leavers(first: int, last: int) -> None:
    """People who have left, each with an account in the first app and a removal in its open report."""
    ids = range(first, last)
    with writing():
        Person.insert_many([{"id": id, "name": f"Person {id:05}", "status": "deprovisioned"} for id in ids]).execute()
        Account.insert_many([
            {"id": id, "app": 1, "external_id": str(id), "name": f"Person {id:05}", "person": id,
             "match_kind": AccountMatch.MATCHED} for id in ids
        ]).execute()  # fmt: skip
        Change.insert_many([
            {"app": 1, "report": 1, "kind": ChangeKind.REMOVED_USER, "account": id, "person": id,
             "decision": ChangeDecision.NEEDS_CONFIRMATION} for id in ids
        ]).execute()  # fmt: skip
        App.update(matched=App.matched + len(ids), users=App.users + len(ids)).where(App.id == 1).execute()
        Report.update(waiting=last, counts={ChangeKind.REMOVED_USER: last}).where(Report.id == 1).execute()
    while index.bring_up_some():
        pass


def test_more_people_who_have_left(owner: Client):
    """Once they were read, nobody reads them again until something is written."""
    with kept():
        add_leavers(1000, 1000 + LEAVERS)
        before = taken(owner)
        assert "Person 01000" in owner.get("/").text
        add_leavers(1000 + LEAVERS, 1000 + 2 * LEAVERS)
        after = taken(owner)
    assert {page: after[page][0] for page in PAGES} == {page: before[page][0] for page in PAGES}
    more = {page: (after[page][1] - before[page][1]) / LEAVERS for page in PAGES}
    assert {page: steps for page, steps in more.items() if steps > OF_EACH_LEAVER.get(page, 1)} == {}


def test_people_are_counted_without_a_step_for_each(owner: Client):
    def steps(expected: int) -> int:
        with counting() as found:
            assert [people.count(), people.count()] == [expected, expected]  # watched from the first on
        return found["steps"]

    here = len(Person.select())
    before = steps(here)
    add_leavers(1000, 1000 + LEAVERS)
    assert steps(here + LEAVERS) == before


def test_those_who_left_first_are_found_without_all_others(owner: Client):
    def steps() -> int:
        with counting() as found:
            assert len(leavers.of_those_who_left_first(None, 5)) == 5
        return found["steps"]

    add_leavers(1000, 1000 + LEAVERS)
    before = steps()
    add_leavers(1000 + LEAVERS, 1000 + 2 * LEAVERS)
    assert abs(steps() - before) < LEAVERS / 2


def test_people_who_have_left_are_found_in_a_large_app(owner: Client):
    """SQLite begins with the people, not with all accounts of the app."""
    def steps() -> int:
        with counting() as found:
            assert leavers.accounts_still_in(1) == leavers.people_still_in() == [1000, 1001]
            assert len(leavers.of_apps([1])) == 2
            assert leavers.open_in_all([1]).people == 2
        return found["steps"]

    add_leavers(1000, 1002)
    before = steps()
    with writing():
        Account.insert_many([
            {"app": 1, "external_id": f"more {number}", "match_kind": AccountMatch.UNMATCHED} for number in range(300)
        ]).execute()  # fmt: skip
    assert steps() - before < 100


def test_the_dialog_with_filters_counts_no_members_of_a_large_app(owner: Client):
    def steps(first: int, last: int) -> int:
        add_leavers(first, last)
        App.update(users=member_list.MANY + 1).where(App.id == 1).execute()
        owner.get("/apps/1/members/filters")
        with counting() as found:
            assert "Inactive for 30 days" in owner.get("/apps/1/members/filters").text
        return found["steps"]

    with kept():
        assert abs(steps(1000, 1200) - steps(1200, 1400)) < 100


def test_an_address_gets_a_part_of_a_large_report(owner: Client):
    add_leavers(1000, 1510)
    page = owner.get("/reports/1?limit=10000").text
    assert page.count('name="yes"') == 500 and "more are not shown and count as selected" in page
    assert "/apps/1/members?tab=left" in page
    assert "limit=200" in owner.get("/reports/1").text
