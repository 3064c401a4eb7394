"""An app that is plainly up to date at a glance is so when it is looked at in full, whatever its row and others say."""

from __future__ import annotations

import itertools
from dataclasses import fields
from datetime import timedelta

import pytest

from sync.apps import glance, status
from sync.apps.conditions import UP_TO_DATE, Facts
from sync.db import utcnow, writing
from sync.models import Account, App, Check, Person, Report, Task
from sync.states import (
    AccountMatch,
    AppState,
    CheckState,
    Failure,
    PersonStatus,
    ReportState,
    TaskKind,
    TaskState,
)

NOW, HOUR = utcnow(), timedelta(hours=1)
PLAIN = {"state": AppState.ACTIVE, "users": 20, "services": 2, "matched": 15, "unmatched": 3, "last_check_at": NOW,
         "next_check_at": NOW + 20 * HOUR, "last_due_at": NOW - HOUR, "missing_permissions": [],
         "identity_id": "us"}  # fmt: skip
VERSIONED = "hubspot"  # its settings can name a version that has ended
OF_THE_ROW = (
    {"state": AppState.PAUSED}, {"state": AppState.DISCONNECTED}, {"last_check_at": None}, {"error": "It broke"},
    {"failures": 1}, {"failure": Failure.CREDENTIAL, "error": "Rejected"}, {"next_check_at": NOW - HOUR},
    {"next_check_at": NOW - timedelta(minutes=1)}, {"next_check_at": None}, {"last_due_at": None},
    {"last_check_at": NOW - 2 * HOUR}, {"daily": False}, {"daily": False, "last_check_at": NOW - 30 * HOUR},
    {"missing_permissions": None}, {"missing_permissions": ["users:read"]}, {"unmatched": 0}, {"unmatched": 4},
    {"unmatched": 5}, {"services": 20}, {"users": 0, "services": 0, "unmatched": 0}, {"connector": VERSIONED},
    {"connector": VERSIONED, "settings": {"version": "2020-03"}},
    {"connector": "unknown to this version"},
)  # fmt: skip


def made(values: dict, number: int) -> App:
    return App.create(**{"connector": "slack", "name": f"App {number}", "category": "x"} | PLAIN | values)


def live_check(app: App, **values: object) -> None:
    Check.create(app=app, **values)


def with_task(app: App, state: TaskState) -> None:
    Task.create(app=app, act=TaskKind.REMOVE, state=state)


def with_account(app: App, status: PersonStatus = PersonStatus.ACTIVE, **values: object) -> None:
    person = Person.create(name="Ana", status=status, status_since=NOW - HOUR)
    Account.create(app=app, **{"external_id": "1", "match_kind": AccountMatch.MATCHED, "person": person} | values)


BESIDE = (
    lambda app: live_check(app, state=CheckState.QUEUED),
    lambda app: live_check(app, state=CheckState.QUEUED, error="Not reached", next_at=NOW + HOUR),
    lambda app: live_check(app, state=CheckState.RUNNING),
    lambda app: live_check(app, state=CheckState.FAILED, finished_at=NOW),
    lambda app: Report.create(app=app),
    lambda app: Report.create(app=app, waiting=2),
    lambda app: Report.create(app=app, held=2, waiting=2),
    lambda app: Report.create(app=app, state=ReportState.APPLIED),
    lambda app: with_task(app, TaskState.QUEUED),
    lambda app: with_task(app, TaskState.NEEDS_ATTENTION),
    lambda app: with_task(app, TaskState.DONE),
    lambda app: with_account(app, PersonStatus.DEPROVISIONED),
    lambda app: with_account(app, PersonStatus.DEPROVISIONED, state="removing"),
    lambda app: with_account(app, PersonStatus.DEPROVISIONED, left_out="Stays", left_out_at=NOW),
    lambda app: with_account(app),
    lambda app: with_account(app, external_id="us"),
    lambda app: with_account(app, external_id="us", match_kind=AccountMatch.UNMATCHED, person=None),
    lambda app: with_account(app, external_id="us", match_kind=AccountMatch.SERVICE_ACCOUNT, person=None),
)


# By column or table that glance.py asks, the facts that it decides. The last ones can't make an app anything but plain.
DECIDED = {
    "state": {"state"}, "error, failures": {"failures", "failure", "failed_at", "error"},
    "last_check_at, next_check_at, last_due_at, daily": {"read_at", "due"}, "missing_permissions": {"lacks"},
    "users, services, unmatched": {"to_match", "matched"}, "connector": {"version_warning"},
    "live checks": {"check", "check_since", "retry_error", "retry_at"},
    "live tasks": {"under_way", "stuck", "stuck_error"},
    "open reports": {"report", "waiting", "held"}, "leavers": {"left", "left_accounts", "leaving"},
    "": {"name", "has_address"},
}  # fmt: skip


def test_each_fact_about_an_app_is_one_that_a_glance_decides():
    assert {one.name for one in fields(Facts)} == set().union(*DECIDED.values())


@pytest.mark.usefixtures("home")
def test_a_glance_says_what_a_full_look_says():
    numbers = itertools.count()
    with writing():
        plain = made({}, next(numbers))
        rows = [made(values, next(numbers)) for values in OF_THE_ROW]
        rows += [made(one | other, next(numbers)) for one, other in itertools.combinations(OF_THE_ROW, 2)]
        for add, values in itertools.product(BESIDE, ({}, {"unmatched": 4}, {"users": 102, "unmatched": 20})):
            rows.append(made(values, next(numbers)))
            add(rows[-1])
    found = glance.of(App.select().order_by(App.id))
    in_full = status.standings(App.select())
    assert [one.id for one in found] == sorted(in_full) and found[0].id == plain.id
    for one in found:
        full = in_full[one.id]
        assert (one.status, one.tone, one.loudest) == (full.status, full.tone, full.loudest), one
        assert glance.unknown([one]) == full.facts.to_match - full.facts.matched
        if one.standing is None:
            assert (full.row, full.others) == (UP_TO_DATE, ()), full.facts
    assert sum(one.standing is None for one in found) > 20 and found[0].standing is None
    assert [(app.id, standing.row) for app, standing in glance.in_full(found)] == [
        (one.id, in_full[one.id].row) for one in found]  # fmt: skip
