"""Roles from groups, a tab of an app: its rules, a preview before one is kept, what happens by itself.
A rule that is not kept yet lives in the address alone, so that Back and reload do what they should."""

from __future__ import annotations

from itertools import zip_longest

from flask import Blueprint, Response, abort, request, url_for

from sync.groups import assignments, teams
from sync.groups import rules as group_rules
from sync.groups.rules import Draft, RuleProblem
from sync.models import App, GroupRule, LeftOut
from sync.reports import group_changes
from web.answers import INVALID, asked, dialog, go_to
from web.app_page import kind_of, page
from web.permissions import app_part
from web.security import by

pages = Blueprint("group_rules", __name__, url_prefix="/apps/<int:app_id>/rules")

BLANK = 2  # rows for assets beside those that are given
AUTOMATIC = ("joiners", "unassigned")


@pages.get("")
@app_part("owner")
def index(app: App) -> str:
    return page(
        app, "rules/index.html", rules=group_rules.of_app(app), left_out=group_changes.left_out_of(app),
        asset_label=group_rules.asset_label, blind=assignments.is_blind(app),
        kinds={assignments.INVITE: "Invitation", assignments.ROLE: "Role", assignments.ACCESS: "Access",
               assignments.LOSS: "Loss of access"},
    )  # fmt: skip


@pages.get("/new")
@app_part("owner")
def new(app: App) -> tuple[str, int]:
    return _form(app, None, _given())


@pages.get("/<int:rule_id>")
@app_part("owner")
def edit(app: App, rule: GroupRule) -> tuple[str, int]:
    if "source" in request.args:
        return _form(app, rule, _given())
    draft = group_rules.draft_of(rule)
    return _form(app, rule, {
        "source": group_rules.source_text(rule), "role": draft.role,
        "assets": [(group_rules.asset_label(asset), role) for asset, role in draft.assets],
    })  # fmt: skip


def _given() -> dict:
    """What the form said, in the address or in what was sent."""
    rows = zip_longest(request.values.getlist("asset"), request.values.getlist("asset_role"), fillvalue="")
    return {
        "source": request.values.get("source", ""), "role": request.values.get("role", ""),
        "assets": [(asset.strip(), role.strip()) for asset, role in rows if asset.strip()],
    }  # fmt: skip


def _form(app: App, rule: GroupRule | None, given: dict, problem: str = "") -> tuple[str, int]:
    by_directory: dict[str, list] = {}
    for group, people in group_rules.groups():
        by_directory.setdefault(group.directory.name, []).append((f"group:{group.id}", group.name, people))
    roles = [(role.external_id, role.label or role.external_id) for role in group_rules.roles(app)]
    return dialog(
        "rules/_form.html", "Change the rule" if rule else "New rule", INVALID if problem else 200, app=app, rule=rule,
        given=given, problem=problem, by_directory=by_directory, teams=teams.all_teams(), kind=kind_of(app),
        roles=roles, suggested=group_rules.suggested_assets(app), asset_roles=group_rules.asset_roles(app),
        rows=[*given["assets"], *[("", "")] * BLANK],
    )  # fmt: skip


@pages.get("/preview")
@app_part("owner")
def preview(app: App) -> tuple[str, int]:
    """What the next check would find; nothing is kept yet."""
    rule = _rule_of(app)
    try:
        draft = _draft(app)
        seen = group_rules.preview(app, draft, rule)
    except RuleProblem as problem:
        return _form(app, rule, _given(), str(problem))
    return dialog("rules/_preview.html", f"Preview: {draft.name}", app=app, rule=rule, draft=draft, seen=seen,
                  given=_given(), kind=kind_of(app))  # fmt: skip


def _rule_of(app: App) -> GroupRule | None:
    number = asked("rule")
    if number is None:
        return None
    return GroupRule.get_or_none(GroupRule.id == number, GroupRule.app == app) or abort(404)


def _draft(app: App) -> Draft:
    given = _given()
    assets = {group_rules.asset_named(app, text): role for text, role in given["assets"]}
    return Draft(**group_rules.source(given["source"]), role=given["role"], assets=tuple(assets.items()))


@pages.post("")
@app_part("owner")
def create(app: App) -> Response | tuple[str, int]:
    return _save(app, None)


@pages.put("/<int:rule_id>")
@app_part("owner")
def update(app: App, rule: GroupRule) -> Response | tuple[str, int]:
    return _save(app, rule)


def _save(app: App, rule: GroupRule | None) -> Response | tuple[str, int]:
    try:
        draft = _draft(app)
        group_rules.save(app, draft, by(), rule)
    except RuleProblem as problem:
        return _form(app, rule, _given(), str(problem))
    return go_to(_address(app), _saved(app, draft))


def _saved(app: App, draft: Draft) -> str:
    if app.state != "active":
        return f"Saved. {app.name} is {app.state}: nothing comes of it before it is checked again."
    return f"Saved. {app.name} is checked within a minute; what {draft.name} lacks there comes into its report."


@pages.get("/<int:rule_id>/removal")
@app_part("owner")
def removal(app: App, rule: GroupRule) -> tuple[str, int]:
    return dialog("rules/_removal.html", "Remove this rule?", app=app, rule=rule, name=_name(rule))


@pages.delete("/<int:rule_id>")
@app_part("owner")
def delete(app: App, rule: GroupRule) -> Response:
    group_rules.remove(rule, by())
    return go_to(_address(app), f"The rule for {_name(rule)} is removed. Nobody loses a seat by it.")


@pages.get("/policy")
@app_part("owner")
def policy(app: App) -> tuple[str, int]:
    return dialog("rules/_policy.html", "What happens by itself", app=app)


@pages.put("/policy")
@app_part("owner")
def set_policy(app: App) -> Response:
    chosen = [request.form.get(name) for name in AUTOMATIC]
    if not set(chosen) <= {"ask", "automatic"}:
        abort(400)
    group_rules.set_policy(app, *(None if choice == "ask" else choice for choice in chosen), by())
    return go_to(_address(app), "Saved.")


@pages.delete("/left-out/<int:left_out_id>")
@app_part("owner")
def ask_again(app: App, left_out: LeftOut) -> Response:
    group_changes.ask_again(left_out, by())
    return go_to(_address(app), "The next check asks about it again.")


def _name(rule: GroupRule) -> str:
    return rule.team.name if rule.team_id else rule.group_name


def _address(app: App) -> str:
    return url_for("group_rules.index", app_id=app.id)
