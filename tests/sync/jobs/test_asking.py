"""Which apps are checked because someone has left, or because a group has changed, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.jobs import asking
from sync.models import Account, App, Check, Directory, DirectoryGroup, GroupRule, Person, Team, TeamGroup
from sync.problems import AppProblem

HOUR = timedelta(hours=1)


def app(name: str, **values: object) -> App:
    return App.create(connector="none", name=name, category="Seat-based", **{"state": "active"} | values)


def asked() -> list[str]:
    return sorted(check.app.name for check in Check.select())


def minutes(check: Check) -> float:
    """Until the check is due."""
    return (Check.get_by_id(check.id).next_at - utcnow()).total_seconds() / 60


def test_of_a_persons_apps_those_are_checked_that_are_active_and_where_they_are(home):
    ana, ben = (Person.create(name=name, status="deprovisioned") for name in ("Ana", "Ben"))
    for name, person, app_state, state in (
        ("Here", ana, "active", "present"), ("Under way", ana, "active", "removing"), ("Gone", ana, "active", "gone"),
        ("Paused", ana, "paused", "present"), ("Past", ana, "disconnected", "present"),
        ("Ben's", ben, "active", "present"),
    ):  # fmt: skip
        Account.create(app=app(name, state=app_state), person=person, external_id=name, state=state)
    asking.check_apps_of([ana.id, ana.id], "Olga")
    assert asked() == ["Here", "Under way"]


def test_of_a_changed_group_those_apps_are_checked_whose_rules_name_it_or_its_team(home):
    directory = Directory.create(kind="csv", name="File")
    sales, staff = (DirectoryGroup.create(directory=directory, external_id=name, name=name) for name in "ab")
    teams = {group: Team.create(name=group.name) for group in (sales, staff)}
    for group, team in teams.items():
        TeamGroup.create(team=team, group=group)
        GroupRule.create(app=app(f"by group {group.name}"), group=group)
        GroupRule.create(app=app(f"by team {group.name}"), team=team)
    GroupRule.create(app=app("paused", state="paused"), group=sales)
    asking.check_apps_of_groups([sales.id], "Olga")
    assert asked() == ["by group a", "by team a"]


@pytest.mark.parametrize("state", ["paused", "disconnected"])
def test_only_an_active_app_can_be_checked(home, state):
    here = app("App", state=state)
    with pytest.raises(AppProblem, match=state):
        asking.ask(here, "Olga")
    assert not Check.select().exists()


def test_the_daily_time_brings_no_attempt_forward_and_a_click_does(home):
    here = app("App")
    check = Check.create(app=here, trigger="daily", next_at=utcnow() + HOUR, error="It is away.")
    assert asking.ask(here, "schedule", "daily") == check and minutes(check) > 59
    asking.ask(here, "Olga")
    assert minutes(check) <= 0


def test_a_check_because_someone_left_waits_for_others_who_leave(home):
    here = app("App")
    check = Check.create(app=here, trigger="daily", next_at=utcnow() + HOUR, error="It is away.")
    before = utcnow()
    asking.ask_soon(here, "File", "directory")
    assert before + asking.PAUSE <= Check.get_by_id(check.id).next_at <= utcnow() + asking.PAUSE


def test_the_latest_check_is_the_apps_newest(home):
    here, other = app("App"), app("Other")
    checks = [Check.create(app=one, state="failed") for one in (here, here, other)]
    assert asking.latest(here) == checks[1] and asking.latest(other) == checks[2]
