"""Teams of the workspace: named sets of directory groups that rules of apps can name at once."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request, url_for

from sync.groups import rules as group_rules
from sync.groups import teams
from sync.groups.teams import TeamProblem
from sync.models import Team
from web.answers import INVALID, dialog, go_to, whole_numbers
from web.frame import MANAGERS
from web.permissions import workspace_role
from web.security import by

pages = Blueprint("teams", __name__, url_prefix="/directories/teams")


@pages.get("")
@workspace_role(*MANAGERS)
def index() -> str:
    found = teams.all_teams()
    return render_template(
        "teams/index.html", teams=found, groups_of=teams.groups_of(found), why_rests=group_rules.why_group_rests,
        apps_of={team.id: teams.apps_of(team) for team in found}, any_group=bool(group_rules.groups()),
    )  # fmt: skip


@pages.get("/new")
@workspace_role(*MANAGERS)
def new() -> tuple[str, int]:
    return _form(None, "", set())


@pages.get("/<int:team_id>")
@workspace_role(*MANAGERS)
def edit(team_id: int) -> tuple[str, int]:
    team = _team(team_id)
    return _form(team, team.name, {row.group_id for row in teams.groups_of([team])[team.id]})


def _team(team_id: int) -> Team:
    return Team.get_or_none(Team.id == team_id) or abort(404)


def _form(team: Team | None, name: str, ticked: set[int | None], problem: str = "") -> tuple[str, int]:
    by_directory: dict[str, list] = {}
    for group, people in group_rules.groups():
        by_directory.setdefault(group.directory.name, []).append((group, people))
    if team is not None:
        for row in teams.groups_of([team])[team.id]:
            if row.group is not None and row.group.gone_at is not None:
                by_directory.setdefault(row.group.directory.name, []).append((row.group, 0))
    return dialog("teams/_form.html", "Change the team" if team else "New team", INVALID if problem else 200, team=team,
                  name=name, ticked=ticked, by_directory=by_directory, problem=problem)  # fmt: skip


@pages.post("")
@workspace_role(*MANAGERS)
def create() -> Response | tuple[str, int]:
    return _save(None)


@pages.put("/<int:team_id>")
@workspace_role(*MANAGERS)
def update(team_id: int) -> Response | tuple[str, int]:
    return _save(_team(team_id))


def _save(team: Team | None) -> Response | tuple[str, int]:
    name = request.form.get("name", "")
    ids = set(whole_numbers(request.form.getlist("group")))
    try:
        saved = teams.change(team, name, ids, by()) if team else teams.create(name, ids, by())
    except TeamProblem as problem:
        return _form(team, name, ids, str(problem))
    return go_to(url_for("teams.index"), f"{saved.name} is saved.")


@pages.get("/<int:team_id>/removal")
@workspace_role(*MANAGERS)
def removal(team_id: int) -> tuple[str, int]:
    team = _team(team_id)
    return dialog("teams/_removal.html", f"Remove {team.name}?", team=team, apps=teams.apps_of(team))


@pages.delete("/<int:team_id>")
@workspace_role(*MANAGERS)
def delete(team_id: int) -> Response:
    team = _team(team_id)
    teams.remove(team, by())
    return go_to(url_for("teams.index"), f"{team.name} is removed. Nobody loses a seat by it.")
