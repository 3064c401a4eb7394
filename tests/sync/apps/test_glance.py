"""An app that is plainly up to date at a glance is so when it is looked at in full, whatever its row and others say."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import fields
from datetime import timedelta

import pytest

from sync.apps import app_list, glance, owners, status
from sync.apps.conditions import UP_TO_DATE, Due, Facts
from sync.apps.status import Standing
from sync.db import db, utcnow, writing
from sync.models import Account, App, AppPerson, Check, Directory, DirectoryEntry, Person, Report, Task
from sync.safety import leavers
from sync.states import (
    AccountMatch,
    AppManager,
    AppState,
    CheckState,
    Failure,
    PersonStatus,
    ReportState,
    TaskKind,
    TaskState,
    Tone,
    WorkspaceRole,
)

NOW, HOUR = utcnow(), timedelta(hours=1)
PLAIN = {"state": AppState.ACTIVE, "users": 20, "service_accounts": 2, "matched": 15, "unmatched": 3,
         "last_check_at": NOW,
         "next_check_at": NOW + 20 * HOUR, "last_due_at": NOW - HOUR, "missing_permissions": [],
         "automation_external_id": "us"}  # fmt: skip
FEW_MATCHED = {"users": 102, "unmatched": 20}
NOBODY_MATCHED = {"users": 4, "service_accounts": 0, "unmatched": 4}
VERSIONED = "hubspot"  # its settings can name a version that has ended
OF_THE_ROW = (
    {"state": AppState.PAUSED}, {"state": AppState.DISCONNECTED}, {"last_check_at": None}, {"error": "It broke"},
    {"failures": 1}, {"failure": Failure.CREDENTIAL, "error": "Rejected"},
    {"failure": Failure.UNREACHABLE, "error": "No answer"},
    {"failure": Failure.UNREACHABLE, "error": "No answer", "failures": 3}, {"next_check_at": NOW - HOUR},
    {"next_check_at": NOW - timedelta(minutes=1)}, {"next_check_at": None}, {"last_due_at": None},
    {"last_check_at": NOW - 2 * HOUR}, {"checked_daily": False},
    {"checked_daily": False, "last_check_at": NOW - 30 * HOUR},
    {"missing_permissions": None}, {"missing_permissions": ["users:read"]}, {"unmatched": 0}, {"unmatched": 4},
    {"unmatched": 5}, {"service_accounts": 20}, {"users": 0, "service_accounts": 0, "unmatched": 0},
    {"file_from": NOW - timedelta(days=9)}, {"file_from": NOW - timedelta(days=7)},
    {"file_from": NOW + HOUR}, {"file_from": NOW + timedelta(days=2)},
    {"file_from": NOW - HOUR, "file_seen_at": NOW - timedelta(days=2)}, {"file_from": NOW - HOUR, "file_seen_at": NOW},
    {"removal_approval": "automatic", "removal_approver_id": 10**6},
    {"joiner_approval": "automatic", "groups_approver_id": 10**6}, {"removal_approver_id": 10**6},
    {"connector": VERSIONED},
    {"connector": VERSIONED, "settings": {"version": "2020-03"}},
    {"connector": "unknown to this version"},
)  # fmt: skip


def made(values: dict, number: int) -> App:
    return App.create(**{"connector": "slack", "name": f"App {number}", "category": "x"} | PLAIN | values)


def live_check(app: App, **values: object) -> None:
    Check.create(app=app, **values)


def with_task(app: App, state: TaskState) -> None:
    Task.create(app=app, kind=TaskKind.REMOVE, state=state)


def with_former(app: App, status: PersonStatus) -> None:
    """An account that was this person's, until their address became someone else's."""
    Account.create(app=app, external_id="1", former_person=Person.create(name="Ana", status=status))


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
    lambda app: with_account(app, PersonStatus.DEPROVISIONED, left_out_reason="Stays", left_out_at=NOW),
    lambda app: with_former(app, PersonStatus.DEPROVISIONED),
    lambda app: with_former(app, PersonStatus.ACTIVE),
    lambda app: with_account(app),
    lambda app: with_account(app, external_id="us"),
    lambda app: with_account(app, external_id="us", match_kind=AccountMatch.UNMATCHED, person=None),
    lambda app: with_account(app, external_id="us", match_kind=AccountMatch.SERVICE_ACCOUNT, person=None),
)


# By column or table that glance.py asks, the facts that it decides. The last ones can't make an app anything but plain.
DECIDED = {
    "state": {"state"}, "error, failures": {"failures", "failure", "failed_at", "error"},
    "last_check_at, next_check_at, last_due_at, daily": {"read_at", "due"}, "missing_permissions": {"lacks"},
    "file_from, file_seen_at": {"old_file_from", "file_is_undated"},
    "users, service_accounts, unmatched": {"to_match", "matched"}, "connector": {"version_warning"},
    "live checks": {"check", "check_since", "retry_error", "retry_at"},
    "live tasks": {"under_way", "stuck", "stuck_error"},
    "doubtful accounts": {"doubtful", "doubtful_name", "held_leavers", "held_leaver"},
    "standing approvals": {"removals_by", "groups_by"},
    "unread directories": {"unread_directory", "unread_directory_id", "unread_since", "unread_why"},
    "open reports": {"report", "waiting", "held"}, "leavers": {"left", "left_accounts", "leaving"},
    "": {"name", "has_address"},
}  # fmt: skip


def test_each_fact_about_an_app_is_one_that_a_glance_decides():
    assert {one.name for one in fields(Facts)} == set().union(*DECIDED.values())


@pytest.fixture
def apps(home) -> list[App]:
    """One that is plainly up to date, and many that are or aren't for one or two reasons."""
    numbers = itertools.count()
    with writing():
        plain = made({}, next(numbers))
        rows = [made(values, next(numbers)) for values in OF_THE_ROW]
        rows += [made(one | other, next(numbers)) for one, other in itertools.combinations(OF_THE_ROW, 2)]
        for add, values in itertools.product(BESIDE, ({}, {"unmatched": 4}, FEW_MATCHED, NOBODY_MATCHED)):
            rows.append(made(values, next(numbers)))
            add(rows[-1])
    return [plain, *rows]


def test_a_glance_says_what_a_full_look_says(apps: list[App]):
    plain = apps[0]
    found = glance.of(App.select().order_by(App.id))
    in_full = status.standings(App.select())
    assert [one.id for one in found] == sorted(in_full) and found[0].id == plain.id
    for one in found:
        full = in_full[one.id]
        assert (one.status, one.tone, one.loudest) == (full.status, full.tone, full.loudest), one
        if one.standing is None:
            assert (full.row, full.others) == (UP_TO_DATE, ()), full.facts
    assert sum(one.standing is None for one in found) > 20 and found[0].standing is None
    assert [(app.id, standing.row) for app, standing in glance.in_full(found)] == [
        (one.id, in_full[one.id].row) for one in found]  # fmt: skip


def test_while_a_directory_is_not_read_no_app_is_plain(apps: list[App]):
    directory = Directory.create(kind="ldap", name="LDAP", last_read_at=NOW - 25 * HOUR, next_read_at=NOW)
    DirectoryEntry.create(directory=directory, external_id="1", person=Person.create(name="Ana"))
    found = {one.id: (one.status, one.loudest) for one in glance.of(App.select().where(App.is_connected))}
    in_full = status.standings(App.select().where(App.is_connected))
    assert found == {id: (full.status, full.loudest) for id, full in in_full.items()}
    assert glance.counted().by_status == Counter(full.status for full in in_full.values())
    assert found[apps[0].id] == ("Directory unclear", Tone.WAITING)


def test_the_numbers_of_all_apps_are_those_of_a_full_look(apps: list[App]):
    in_full = status.standings(App.select().where(App.is_connected)).values()
    found = glance.counted()
    assert found.by_status == Counter(one.status for one in in_full)
    assert found.by_tone == Counter(one.tone for one in in_full)


@pytest.fixture(params=[WorkspaceRole.OWNER, None])
def reader(request, apps: list[App]) -> Person:
    """Someone who sees all apps, and someone who sees every third and decides about half of these."""
    person = Person.create(name="Rea", workspace_role=request.param)
    if request.param is None:
        parts = itertools.cycle([AppManager.OWNER, AppManager.COLLABORATOR])
        AppPerson.insert_many([{"app": app, "person": person,
                                "manages_as": next(parts)} for app in apps[::3]]).execute()
    return person


@pytest.fixture
def in_full(apps: list[App], reader: Person) -> dict[App, Standing]:
    """The connected apps that they see, looked at in full, by name."""
    seen = sorted(owners.apps_of(reader).where(App.is_connected), key=lambda app: (app.name, app.id))
    standings = status.standings(seen)
    return {app: standings[app.id] for app in seen}


@pytest.mark.parametrize("further", [(), (Tone.WORKING, Tone.NEUTRAL, Tone.OK)])
def test_the_first_apps_are_those_that_a_full_look_at_all_finds(reader: Person, in_full, further):
    order = (*glance.NEEDS_A_PERSON, *further)

    def place(app: App) -> int:
        return (*order, in_full[app].loudest).index(in_full[app].loudest)

    ordered = sorted(in_full, key=place)
    needs_one = sum(in_full[app].loudest in glance.NEEDS_A_PERSON for app in ordered)
    assert glance.count(reader) == len(ordered) > needs_one
    for most in (1, 7, needs_one - 1, needs_one, needs_one + 1, len(ordered) - 1, len(ordered), len(ordered) + 1):
        assert [(app.id, standing.row, standing.others) for app, standing in glance.first(reader, most, order)] == [
            (app.id, in_full[app].row, in_full[app].others) for app in ordered[:most]]  # fmt: skip


def test_counts_over_all_apps_are_those_of_a_full_look(apps: list[App], reader: Person, in_full):
    facts = {app: standing.facts for app, standing in in_full.items()}
    red = {app.id for app, standing in in_full.items() if standing.loudest == Tone.ATTENTION}
    assert status.needing_attention(reader) == red
    late = [app for app, of in facts.items() if of.read_at is None or of.failed or of.due in (Due.LATE, Due.OFF)]
    old = [app for app, of in facts.items() if (of.old_file_from or of.file_is_undated) and app not in late]
    assert old and glance.unread(reader) == ([app.name for app in late], [app.name for app in old])
    unknown = {app: of.to_match - of.matched for app, of in facts.items()}
    for app, number in unknown.items():
        assert status.unknown_in([app.id]) == number, facts[app]
    ids = owners.connected_ids(reader)
    assert status.unknown_in(ids) == sum(unknown.values()) > 0
    seen = {app.id for app in apps if app.is_connected and (ids is None or app.id in ids)}
    assert {app.id for app in in_full} == seen
    assert [(row.id, row.users) for row in owners.connected_rows(reader)] == sorted(
        (app.id, app.users) for app in in_full)  # fmt: skip
    assert app_list.marked(reader) == {"left": len(leavers.open_in(app.id for app in in_full)),
                                       "unmatched": sum(app.unmatched > 0 for app in in_full)}  # fmt: skip


def test_no_more_apps_are_looked_at_than_are_shown(reader: Person, in_full):
    looked = []
    db.query_hooks.append(lambda event: looked.append(event.sql))
    glance.first(reader, 5, glance.NEEDS_A_PERSON)
    db.query_hooks.pop()
    assert len(looked) < 28, "the apps that need a person are more than five, so the first look is enough"
