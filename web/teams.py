"""The teams of the workspace: named sets of directory groups that a rule of an app can name at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request, url_for

from sync.groups import rules as group_rules
from sync.groups import teams
from sync.groups.teams import TeamProblem
from sync.models import App, Team, TeamGroup
from web import stale
from web.answers import INVALID, dialog, go_to, whole_numbers
from web.frame import MANAGERS
from web.permissions import workspace_role
from web.rows import row_or_404
from web.security import by
from web.words import plural

pages = Blueprint("teams", __name__, url_prefix="/directories/teams")


@pages.get("")
@workspace_role(*MANAGERS)
def index() -> str:
    found = teams.all_teams()
    groups = teams.groups_of(found)
    rows = [TeamRow(team.id, team.name, [_group_line(row) for row in groups[team.id]], teams.apps_of(team))
            for team in found]
    return render_template("teams/index.html", teams=rows, any_group=bool(group_rules.groups()))


@dataclass(frozen=True)
class GroupLine:
    """A group of a team; `inactive` says why it gives nothing at the moment, "" when it does."""

    name: str
    inactive: str


@dataclass(frozen=True)
class TeamRow:
    id: int
    name: str
    groups: list[GroupLine]
    apps: list[App]


def _group_line(row: TeamGroup) -> GroupLine:
    return GroupLine(row.name, group_rules.why_group_rests(row.group, row.name) or "")


@pages.get("/new")
@workspace_role(*MANAGERS)
def new() -> tuple[str, int]:
    return _form(None, "", set())


@pages.get("/<int:team_id>")
@workspace_role(*MANAGERS)
def edit(team_id: int) -> tuple[str, int]:
    team = _team(team_id)
    return _form(team, *_stored(team))


def _stored(team: Team) -> tuple[str, list[int]]:
    """Its name and the ids of its groups."""
    return team.name, sorted(row.group_id for row in teams.groups_of([team])[team.id] if row.group_id is not None)


def _team(team_id: int) -> Team:
    return row_or_404(Team, team_id)


def _form(team: Team | None, name: str, ticked: Collection[int | None], problem: str = "") -> tuple[str, int]:
    save = url_for("teams.update", team_id=team.id) if team else url_for("teams.create")
    return dialog("teams/_form.html", "Change the team" if team else "New team", INVALID if problem else 200, name=name,
                  save=save, save_method="PUT" if team else "POST", problem=problem,
                  seen=stale.mark(team and _stored(team)), groups_by_directory=_groups_by_directory(team, ticked))


@dataclass(frozen=True)
class GroupChoice:
    id: int
    name: str
    help: str
    ticked: bool


@dataclass(frozen=True)
class DirectoryGroups:
    directory: str
    rows: list[GroupChoice]


def _groups_by_directory(team: Team | None, ticked: Collection[int | None]) -> list[DirectoryGroups]:
    """The groups to choose from, by directory, and the team's groups that are no longer in their directory."""
    found: dict[str, list[GroupChoice]] = {}
    for group, people in group_rules.groups():
        choice = GroupChoice(group.id, group.name, plural(people, "person", "people"), group.id in ticked)
        found.setdefault(group.directory.name, []).append(choice)
    known = [row.group for row in teams.groups_of([team])[team.id] if row.group is not None] if team else []
    for group in known:
        if group.gone_at is not None:
            choice = GroupChoice(group.id, group.name, "No longer in the directory", group.id in ticked)
            found.setdefault(group.directory.name, []).append(choice)
    return [DirectoryGroups(directory, rows) for directory, rows in found.items()]


@pages.post("")
@workspace_role(*MANAGERS)
def create() -> Response | tuple[str, int]:
    return _save(None)


@pages.put("/<int:team_id>")
@workspace_role(*MANAGERS)
def update(team_id: int) -> Response | tuple[str, int]:
    return _save(_team(team_id))


def _save(team: Team | None) -> Response | tuple[str, int]:
    if stale.is_stale(team and _stored(team)):
        return _form(team, *_stored(team), stale.CHANGED)
    name = request.form.get("name", "")
    ids = set(whole_numbers(request.form.getlist("group")))
    try:
        saved = teams.change(team, name, ids, by()) if team else teams.create(name, ids, by())
    except TeamProblem as problem:
        return _form(team, name, ids, str(problem))
    return go_to(url_for("teams.index"), f"{saved.name} was saved.")


@pages.get("/<int:team_id>/removal")
@workspace_role(*MANAGERS)
def removal(team_id: int) -> tuple[str, int]:
    team = _team(team_id)
    return dialog("teams/_removal.html", f"Remove {team.name}?", team=team,
                  apps=", ".join(app.name for app in teams.apps_of(team)))


@pages.delete("/<int:team_id>")
@workspace_role(*MANAGERS)
def delete(team_id: int) -> Response:
    team = _team(team_id)
    teams.remove(team, by())
    return go_to(url_for("teams.index"), f"{team.name} was removed. No account is removed by this.")
