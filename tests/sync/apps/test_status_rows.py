"""What decides an app's status, one fact at a time and at its last moment."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sync.apps import status
from sync.apps.conditions import Due
from sync.models import Account, App, Check

NOW = datetime(2026, 11, 27, 12)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def app(**values: object) -> App:
    return App.create(connector="none", name="Chat", category="Seat-based", **{"state": "active"} | values)


@pytest.mark.parametrize(("values", "due"), [
    ({"next_check_at": NOW + SECOND}, Due.NO),
    ({"next_check_at": NOW}, Due.SOON),
    ({"next_check_at": NOW - status.PATIENCE + SECOND}, Due.SOON),
    ({"next_check_at": NOW - status.PATIENCE}, Due.LATE),
    ({"next_check_at": NOW - status.PATIENCE, "state": "paused"}, Due.NO),
    ({"next_check_at": NOW + HOUR, "last_due_at": NOW - HOUR, "last_check_at": NOW - HOUR}, Due.NO),
    ({"next_check_at": NOW + HOUR, "last_due_at": NOW - HOUR, "last_check_at": NOW - HOUR - SECOND}, Due.LATE),
    ({"checked_daily": False, "last_check_at": NOW - status.DAY}, Due.NO),
    ({"checked_daily": False, "last_check_at": NOW - status.DAY - SECOND}, Due.OFF),
])  # fmt: skip
def test_an_app_is_late_from_a_moment_on(home, values, due):
    assert status._due(app(**values), NOW) == due


@pytest.mark.parametrize(("values", "works"), [
    ({}, True),
    ({"tested_at": None}, False),
    ({"tested_at": NOW - 3 * HOUR}, False),
    ({"error": "It is away.", "failed_at": NOW}, False),
    ({"next_check_at": NOW - HOUR}, False),
], ids=["used", "never used", "used by another connection", "failed", "overdue"])  # fmt: skip
def test_a_credential_works_if_it_was_used_lately_and_well(home, values, works):
    read = {"created_at": NOW - 2 * HOUR, "tested_at": NOW, "last_check_at": NOW, "next_check_at": datetime(2999, 1, 1)}
    here = app(**read | values)
    assert status.credential_works(here, status.standing(here)) is works


def test_the_own_account_that_is_gone_is_not_subtracted(home):
    here = app(users=3, unmatched=2, automation_external_id="own")
    account = Account.create(app=here, external_id="own", state="gone")
    assert status.standing(here).facts.to_match == 3 and status.unknown_in(None) == 2
    Account.update(state="present").where(Account.id == account.id).execute()
    assert status.standings([here])[here.id].facts.to_match == 2 and status.unknown_in(None) == 1


@pytest.mark.parametrize(("state", "error"), [("queued", "No answer."), ("running", "")])
def test_only_a_check_that_waits_shows_why_it_is_tried_again(home, state, error):
    here = app()
    Check.create(app=here, state=state, error="No answer.")
    assert status.standing(here).facts.retry_error == error


@pytest.mark.parametrize(("items_read", "word"), [(0, "Checking"), (50, "Checking 25 %"), (300, "Checking 99 %")])
def test_a_check_that_runs_is_never_complete(home, items_read, word):
    here = app()
    Check.create(app=here, state="running", total=200, items_read=items_read)
    assert status.standing(here).word == word


@pytest.mark.parametrize(("connector", "has_address"), [("gitlab", True), ("none", False)])
def test_an_app_of_an_unknown_kind_has_no_address(home, connector, has_address):
    assert status._has_address(App(connector=connector)) is has_address
