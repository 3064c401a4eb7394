"""Teams: a named set of directory groups, so that rules of many apps need not name each.
A change of a team by hand removes no accounts: people no longer covered by a rule keep theirs."""

from __future__ import annotations

from collections.abc import Iterable

from peewee import JOIN

from connectors.names import clean_name
from sync import activity
from sync.db import writing
from sync.groups import assignments
from sync.jobs import asking
from sync.models import App, Directory, DirectoryGroup, GroupRule, Team, TeamGroup
from sync.problems import Problem
from sync.states import AppState, CheckTrigger

LONGEST_NAME = 60  # characters


class TeamProblem(Problem):
    """It isn't possible. Nothing was changed. The text is for the page."""


def all_teams() -> list[Team]:
    return list(Team.select().order_by(Team.name))


def groups_of(teams: Iterable[Team]) -> dict[int, list[TeamGroup]]:
    """By team id, with group and directory; a group that went with its directory has but its name."""
    found: dict[int, list[TeamGroup]] = {team.id: [] for team in teams}
    rows = (
        TeamGroup.select(TeamGroup, DirectoryGroup, Directory).join(DirectoryGroup, JOIN.LEFT_OUTER)
        .join(Directory, JOIN.LEFT_OUTER).where(TeamGroup.team.in_(list(found))).order_by(TeamGroup.name)
    )  # fmt: skip
    for row in rows:
        found[row.team_id].append(row)
    return found


def apps_of(team: Team) -> list[App]:
    """The apps with a rule of this team."""
    rules = GroupRule.select(GroupRule.app).where(GroupRule.team == team)
    return list(App.select().where(App.id.in_(rules), App.state != AppState.DISCONNECTED).order_by(App.name))


def create(name: str, group_ids: Iterable[int], by: str) -> Team:
    """Create a team. Raises TeamProblem for a name that is taken or empty, and if there is no group."""
    with writing():
        name, groups = _name(name), _groups(group_ids)
        if Team.select().where(Team.name == name).exists():
            raise TeamProblem(f"A team named {name} already exists. Choose another name.")
        team = Team.create(name=name)
        _put_in(team, groups)
        activity.record(by, "made team", about=name, after=_in_words(team))
        return team


def change(team: Team, name: str, group_ids: Iterable[int], by: str) -> Team:
    """Change the team's name and groups. Raises TeamProblem."""
    with writing():
        name, groups = _name(name), _groups(group_ids)
        if Team.select().where(Team.name == name, Team.id != team.id).exists():
            raise TeamProblem(f"A team named {name} already exists. Choose another name.")
        before, named = _in_words(team), team.name
        Team.update(name=name).where(Team.id == team.id).execute()
        TeamGroup.delete().where(TeamGroup.team == team).execute()
        team = Team.get_by_id(team.id)
        _put_in(team, groups)
        if (before, named) != (_in_words(team), name):
            activity.record(by, "changed team", about=named, before=before, after=f"{name}: {_in_words(team)}")
        _ask(apps_of(team), by)
        return team


def remove(team: Team, by: str) -> None:
    """Delete the team with its rules. Nobody loses an account by it."""
    with writing():
        apps = apps_of(team)
        activity.record(by, "removed team", about=team.name, before=_in_words(team))
        Team.delete().where(Team.id == team.id).execute()
        _ask(apps, by)


def _name(name: str) -> str:
    name = clean_name(name)[:LONGEST_NAME].strip()
    if not name:
        raise TeamProblem("Give the team a name.")
    return name


def _groups(group_ids: Iterable[int]) -> list[DirectoryGroup]:
    found = DirectoryGroup.select(DirectoryGroup, Directory).join(Directory)
    found = found.where(DirectoryGroup.id.in_(set(group_ids)))
    groups = list(found.order_by(DirectoryGroup.name, DirectoryGroup.id))
    if not groups:
        raise TeamProblem("Select at least one group.")
    return groups


def _put_in(team: Team, groups: list[DirectoryGroup]) -> None:
    for group in groups:
        TeamGroup.create(team=team, group=group, name=f"{group.name} of {group.directory.name}")


def _in_words(team: Team) -> str:
    return ", ".join(row.name for row in groups_of([team])[team.id])


def _ask(apps: list[App], by: str) -> None:
    assignments.delete_uncovered(apps)
    for app in apps:
        asking.ask_soon(app, by, CheckTrigger.DIRECTORY)
