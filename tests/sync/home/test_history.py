"""Accounts by day, from the checks. Nobody joined in an app's first reading; a day without one keeps its number."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import restored, workspace
from sync.apps.owners import Seen
from sync.db import db, utcnow
from sync.home import history
from sync.home.history import Day, Week
from sync.models import Account, App, Change, Check
from sync.rank import Asker
from sync.settings import set_setting
from sync.states import ChangeKind, CheckState
from sync.workspace import today
from tests.sync.ordered import compared


@pytest.fixture
def app(home) -> App:
    return App.create(connector="sample-chat", name="Acme Chat", category="Seat-based", state="active", users=9)


def check(app: App, days_ago: int, accounts: int, new: int = 0, state: str = CheckState.SUCCEEDED, **values) -> Check:
    then = datetime.combine(today() - timedelta(days=days_ago), datetime.min.time()) + timedelta(hours=12)
    return Check.create(app=app, state=state, accounts=accounts, counts={"new_users": new}, created_at=then,
                        finished_at=then, **values)  # fmt: skip


def numbers(days: list[Day]) -> list[tuple]:
    return [(day.accounts, day.joined, day.removed) for day in days]


def test_by_day(app):
    check(app, 4, 10, new=10)  # the first reading
    check(app, 3, 12, new=3)
    check(app, 3, 99, state=CheckState.FAILED)
    check(app, 1, 9, new=1)
    assert numbers(history.by_day([app], 6)) == [
        (None, 0, 0), (10, 0, 0), (12, 3, 1), (12, 0, 0), (9, 1, 4), (9, 0, 0)]  # fmt: skip
    assert [day.day for day in history.by_day([app], 2)] == [today() - timedelta(days=1), today()]


def test_removals_since_the_last_reading_count_today(app):
    check(app, 2, 10)
    check(app, 1, 10)
    App.update(users=7).execute()
    assert numbers(history.by_day([App.get()], 2)) == [(10, 0, 0), (7, 0, 3)]


def test_several_checks_of_a_day_and_several_apps(app):
    other = App.create(connector="sample-chat", name="Other", category="Seat-based", state="active", users=5)
    check(app, 5, 8)
    check(app, 0, 8, new=0)
    check(app, 0, 9, new=1)
    check(other, 0, 5, new=5)  # read for the first time: none of its accounts joined today
    assert numbers(history.by_day([app, other], 2)) == [(8, 0, 0), (14, 1, 0)]
    assert numbers(history.by_day([other], 1)) == [(5, 0, 0)]
    assert numbers(history.by_day([], 1)) == [(None, 0, 0)]


def test_a_day_is_one_of_the_workspaces_zone(app, by):
    workspace.update_workspace(by, zone="Pacific/Kiritimati")  # 14 hours ahead of UTC
    check(app, 3, 4)
    last = check(app, 0, 9, new=5)
    Check.update(finished_at=datetime.combine(today(), datetime.min.time()) - timedelta(hours=13, minutes=30)).where(
        Check.id == last.id).execute()  # fmt: skip
    assert numbers(history.by_day([app], 1)) == [(9, 5, 0)]


def test_last_checks_are_the_oldest_first(app):
    for days_ago in (3, 2, 1):
        check(app, days_ago, 9, state=CheckState.FAILED if days_ago == 2 else CheckState.SUCCEEDED, applied=days_ago)
    check(app, 0, 9, state=CheckState.RUNNING)
    bars = history.last_checks([app.id], 9)[app.id]
    assert [(bar.state, bar.changed) for bar in bars] == [("succeeded", 3), ("failed", 2), ("succeeded", 1)]
    assert history.last_checks([app.id], 2)[app.id] == bars[1:]


def test_a_week(app):
    check(app, 9, 9, new=9)
    check(app, 7, 12, new=3)
    check(app, 6, 14, new=2)
    check(app, 2, 0, state=CheckState.FAILED)
    check(app, 1, 99, state=CheckState.CANCELLED)
    other = App.create(connector="sample-chat", name="Other", category="Seat-based", state="active")
    check(other, 1, 5, new=5)
    found = week([app, other])
    assert (found.checks, found.failed, found.counts["new_users"], found.removed) == (3, 1, 2, 10)
    assert week([]).checks == 0


def week(apps: list[App]) -> Week:
    return history.week([app.id for app in apps], history.by_day(apps, 30))


def test_a_check_that_has_ended_is_read_once(app):
    check(app, 3, 9)
    check(app, 2, 10, new=1)
    last = check(app, 0, 10, new=1)
    history.by_day([app], 4)
    asked: list[tuple] = []
    db.query_hooks.append(lambda event: asked.append((event.sql, event.params)))
    history.by_day([app], 4)
    db.query_hooks.pop()
    assert [values for sql, values in asked if values and "app_check" in sql] == [{"last": last.id}]


ENDED = {"succeed": CheckState.SUCCEEDED, "fail": CheckState.FAILED, "cancel": CheckState.CANCELLED}
EVENTS = st.lists(st.tuples(st.sampled_from(["begin", "look", *ENDED]), st.booleans(), st.integers(0, 9)),
                  min_size=15, max_size=40)  # fmt: skip


@given(EVENTS)
@compared(30)
def test_reading_each_check_once_gives_what_reading_all_of_them_gives(app, events):
    """`other` is read for the first time today, and `app` has a check that began yesterday."""
    other = App.get_or_create(id=app.id + 1, defaults={"connector": "sample-chat", "name": "Other", "users": 4,
                                                       "category": "Seat-based", "state": "active"})[0]  # fmt: skip
    Check.delete().execute()
    check(app, 5, 8)
    live = {app: check(app, 1, 0, state=CheckState.RUNNING)}
    noon = datetime.combine(today(), datetime.min.time())
    history._past.cache_clear()
    numbers = itertools.count()
    for what, is_first, count in [*events, ("look", True, 0)]:
        one = app if is_first else other
        if what == "look":
            never_seen = [Seen(one.id, next(numbers), one.users) for one in (app, other)]
            assert history.by_day([app, other], 3) == history.by_day(never_seen, 3)
        elif what == "begin" and one not in live:
            live[one] = check(one, 0, 0, state=CheckState.QUEUED)
        elif what in ENDED and one in live:
            Check.update(state=ENDED[what], accounts=count, counts={"new_users": count // 2}, finished_at=noon).where(
                Check.id == live.pop(one).id).execute()  # fmt: skip


def test_a_check_that_ends_on_another_day_than_it_began(app):
    check(app, 5, 8)
    late = check(app, 1, 0, state=CheckState.RUNNING)
    assert numbers(history.by_day([app], 3)) == [(8, 0, 0), (8, 0, 0), (9, 0, 0)]
    ended = datetime.combine(today(), datetime.min.time())
    Check.update(state=CheckState.SUCCEEDED, accounts=9, counts={"new_users": 1}, finished_at=ended).where(
        Check.id == late.id).execute()  # fmt: skip
    assert numbers(history.by_day([app], 3)) == [(8, 0, 0), (8, 0, 0), (9, 1, 0)]
    assert numbers(history.by_day([app], 2)) == [(8, 0, 0), (9, 1, 0)]  # read for the first time


def test_an_app_with_the_id_of_one_that_was_deleted_has_its_own_past(app):
    check(app, 2, 8)
    assert numbers(history.by_day([app], 3)) == [(8, 0, 0), (8, 0, 0), (9, 0, 0)]
    app.delete_instance()
    new = App.create(id=app.id, connector="sample-chat", name="New", category="Seat-based", state="active")
    assert numbers(history.by_day([new], 3)) == [(None, 0, 0)] * 3


def test_checks_of_apps_that_someone_does_not_see_are_not_counted_for_them(app):
    other = App.create(connector="sample-chat", name="Other", category="Seat-based", state="active", users=5)
    check(app, 1, 8)
    before = history.by_day([app], 2)
    live = check(other, 0, 0, state=CheckState.RUNNING)
    check(other, 0, 5, new=4)
    assert history.by_day([app], 2) == before
    Check.update(state=CheckState.FAILED).where(Check.id == live.id).execute()
    assert history.by_day([app], 2) == before


@pytest.mark.parametrize("become", [
    lambda: restored.withdraw(Asker.command_line()), lambda: set_setting(workspace.NOTED, "2026-11-01T09:00:00"),
], ids=["one of an earlier time", "another workspace's"])  # fmt: skip
def test_days_are_read_again_once_the_database_is_another(app, become):
    check(app, 3, 8)
    check(app, 2, 9, new=1)
    check(app, 0, 9)
    assert numbers(history.by_day([app], 4)) == [(8, 0, 0), (9, 1, 0), (9, 0, 0), (9, 0, 0)]
    Check.delete().where(Check.accounts == 9).execute()  # the other one doesn't have it
    become()
    days = history.by_day([app], 4)
    assert numbers(days) == [(8, 0, 0), (8, 0, 0), (8, 0, 0), (9, 0, 0)] and days[-1].checks == 0


def test_a_week_counts_each_leaver_of_these_apps_once(app):
    other = App.create(connector="sample-chat", name="Other", category="Seat-based", state="active")
    since = datetime.combine(today() - timedelta(days=6), datetime.min.time())

    def left(where: App, id: str, **values) -> None:
        account = Account.get_or_none(app=where, external_id=id) or Account.create(app=where, external_id=id, name=id)
        values = {"kind": ChangeKind.REMOVED_USER, "created_at": utcnow()} | values
        Change.create(app=where, account=account, decision="applied", **values)

    left(app, "ana")
    left(app, "ana")  # found again by the next check
    left(app, "earlier", created_at=since - timedelta(minutes=1))
    left(app, "gone there already", in_app=False)
    left(app, "renamed", kind=ChangeKind.UPDATED_ROLE)
    left(other, "bo")
    assert (week([app]).left, week([app, other]).left) == (1, 2)
