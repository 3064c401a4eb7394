"""The Groups tab of an app: its rules, a preview before one is saved, and what happens automatically.
A rule that isn't saved yet is kept in the address alone, so that Back and reload work as expected."""

from __future__ import annotations

from itertools import zip_longest

from flask import Blueprint, Response, abort, request, url_for

from connectors.base import ASSETS
from sync.groups import assignments
from sync.groups import rules as group_rules
from sync.groups.rules import Draft, RuleProblem
from sync.models import App, GroupRule, LeftOut
from sync.reports import group_changes
from sync.states import AppManager, Approval, AppState
from web import group_rule_view, stale
from web.answers import INVALID, asked, dialog, go_to, whole_number
from web.app_page import kind_of, page
from web.permissions import app_manager, not_for_guests
from web.rows import row_or_404
from web.security import by, may_look_for_people

pages = Blueprint("group_rules", __name__, url_prefix="/apps/<int:app_id>/rules")

AUTOMATIC = ("joiners", "unassigned")
RENAMED = "Something that was chosen here has another name now. Nothing was saved: look at it again."
MOST_ASSETS = 500  # of a rule; more than fit into an address


@pages.get("")
@app_manager(AppManager.OWNER)
def index(app: App) -> str:
    return page(
        app, "rules/index.html", rules=group_rule_view.rows(app), blind=assignments.is_blind(app),
        left_out=group_rule_view.left_out_rows(group_changes.left_out_of(app)),
        may_add=app.state != AppState.DISCONNECTED and may_look_for_people(), policy=group_rule_view.policy(app),
    )  # fmt: skip


@pages.get("/new")
@app_manager(AppManager.OWNER)
@not_for_guests
def new(app: App) -> tuple[str, int]:
    return _picking(app, None, _given())


@pages.get("/<int:rule_id>")
@app_manager(AppManager.OWNER)
@not_for_guests
def edit(app: App, rule: GroupRule) -> tuple[str, int]:
    if "source" in request.args:
        return _picking(app, rule, _given())
    return _form(app, rule, _stored(rule) | {"seen": stale.mark(_stored(rule))})


def _stored(rule: GroupRule) -> dict:
    draft = group_rules.draft_of(rule)
    return {
        "source": group_rules.source_text(rule), "role": draft.role,
        "assets": [(str(asset.id), role) for asset, role in draft.assets],
    }  # fmt: skip


def _stale(app: App, rule: GroupRule | None) -> tuple[str, int] | None:
    """The form with what a colleague has stored since it was opened: each of its steps passes `seen` on."""
    if rule is None or not stale.is_stale(_stored(rule)):
        return None
    return _form(app, rule, _stored(rule) | {"seen": stale.mark(_stored(rule))}, stale.CHANGED)


def _names(app: App, given: dict, of_whom: str = "") -> list[str]:
    """The names of the assets that were chosen, and of the group or team: an id may get another name at any time."""
    return [of_whom, *(row.name for row in group_rule_view.asset_fields(app, given["assets"]))]


def _given() -> dict:
    """The values of the form, from the address or the body. 400 for more assets than a form can have."""
    rows = list(zip_longest(request.values.getlist("asset"), request.values.getlist("asset_role"), fillvalue=""))
    if len(rows) > MOST_ASSETS:
        abort(400)
    return {
        "source": request.values.get("source", ""), "role": request.values.get("role", ""),
        "assets": [(asset.strip(), role.strip()) for asset, role in rows if asset.strip()],
        "seen": request.values.get("seen", ""),
    }  # fmt: skip


def _picking(app: App, rule: GroupRule | None, given: dict) -> tuple[str, int]:
    """The form again, with one asset added or removed. Enter in the search adds the first match."""
    picked, words = dict(given["assets"]), request.args.get("look", "").strip()
    if stale.is_stale(_names(app, given), field="shown"):
        return _form(app, rule, given, RENAMED, words)
    picked.pop(request.args.get("drop", ""), None)
    new = request.args.get("add", "")
    if "pick" in request.args and words:
        found, _ = group_rules.offered_assets(app, words, group_rule_view.ids_in(picked))
        new = str(found[0].id) if found else ""
        if not found:
            nothing = f"No {kind_of(app).asset_word} in {app.name} matches “{words}”. Nothing was added."
            return _form(app, rule, given | {"assets": list(picked.items())}, nothing, words)
    if new and new not in picked:
        try:
            picked[str(group_rules.asset_of(app, whole_number(new)).id)] = ""
        except RuleProblem as problem:
            return _form(app, rule, given | {"assets": list(picked.items())}, str(problem), words)
        words = ""
    return _form(app, rule, given | {"assets": list(picked.items())}, words=words)


def _form(app: App, rule: GroupRule | None, given: dict, problem: str = "", words: str = "") -> tuple[str, int]:
    """`words`: what is looked for among the assets."""
    kind = kind_of(app)
    roles = [(role.external_id, role.label or role.external_id) for role in group_rules.roles(app)]
    again = {"add", "drop", "pick"} & set(request.args)
    return dialog(
        "rules/_form.html", "Change the rule" if rule else "New rule", INVALID if problem else 200, app=app, rule=rule,
        given=given, problem=problem, kind=kind, sources_by_label=group_rule_view.sources(),
        no_groups=not group_rules.groups(), roles=[("", group_rule_view.SAME_ROLE), *roles],
        has_assets=ASSETS in kind.capabilities, asset_rows=group_rule_view.asset_fields(app, given["assets"]),
        words=words, shown=stale.mark(_names(app, given)),
        offered=group_rule_view.offered(app, words, group_rule_view.ids_in(id for id, _ in given["assets"])),
        focus="autofocus" if again else None,
        form_address=url_for("group_rules.edit", app_id=app.id, rule_id=rule.id) if rule else
        url_for("group_rules.new", app_id=app.id),
    )  # fmt: skip


@pages.get("/preview")
@app_manager(AppManager.OWNER)
@not_for_guests
def preview(app: App) -> tuple[str, int]:
    """What the next check would find; nothing is saved yet."""
    rule = _rule_of(app)
    if changed := _stale(app, rule):
        return changed
    given = _given()
    try:
        draft = _draft(app)
        if stale.is_stale(_names(app, given), field="shown"):
            return _form(app, rule, given, RENAMED)
        seen = group_rules.preview(app, draft, rule)
    except RuleProblem as problem:
        return _form(app, rule, given, str(problem))
    return dialog(
        "rules/_preview.html", f"Preview: {draft.name}", app=app, seen=seen, given=given,
        shown=stale.mark(_names(app, given, draft.name)),
        lead=group_rule_view.lead(seen), sections=group_rule_view.preview_sections(app, seen),
        unchanged=seen.right[:group_rule_view.UNCHANGED_SHOWN], effect=group_rule_view.effect(app),
        back=_form_address(app, rule, given), save_method="PUT" if rule else "POST",
        save=url_for("group_rules.update", app_id=app.id, rule_id=rule.id) if rule else
        url_for("group_rules.create", app_id=app.id),
    )  # fmt: skip


def _form_address(app: App, rule: GroupRule | None, given: dict) -> str:
    """The address of the form, filled in as it was."""
    values = {"source": given["source"], "role": given["role"], "asset": [asset for asset, _ in given["assets"]],
              "asset_role": [role for _, role in given["assets"]], "seen": given["seen"] or None}  # fmt: skip
    if rule:
        return url_for("group_rules.edit", app_id=app.id, rule_id=rule.id, **values)
    return url_for("group_rules.new", app_id=app.id, **values)


def _rule_of(app: App) -> GroupRule | None:
    number = asked("rule")
    if number is None:
        return None
    return row_or_404(GroupRule, number, app=app)


def _draft(app: App) -> Draft:
    given = _given()
    assets = {group_rules.asset_of(app, whole_number(id)): role for id, role in given["assets"]}
    return Draft(**group_rules.source(given["source"]), role=given["role"], assets=tuple(assets.items()))


@pages.post("")
@app_manager(AppManager.OWNER)
@not_for_guests
def create(app: App) -> Response | tuple[str, int]:
    return _save(app, None)


@pages.put("/<int:rule_id>")
@app_manager(AppManager.OWNER)
@not_for_guests
def update(app: App, rule: GroupRule) -> Response | tuple[str, int]:
    return _save(app, rule)


def _save(app: App, rule: GroupRule | None) -> Response | tuple[str, int]:
    if changed := _stale(app, rule):
        return changed
    given = _given()
    try:
        draft = _draft(app)
        if stale.is_stale(_names(app, given, draft.name), field="shown"):
            return _form(app, rule, given, RENAMED)
        group_rules.save(app, draft, by(), rule)
    except RuleProblem as problem:
        return _form(app, rule, given, str(problem))
    return go_to(_address(app), _saved(app, draft))


def _saved(app: App, draft: Draft) -> str:
    if app.state != AppState.ACTIVE:
        return f"Saved. {app.name} is {app.state}, so the rule takes effect when it is checked again."
    return f"Saved. {app.name} is checked within a minute. Its report will list what this rule changes."


@pages.get("/<int:rule_id>/removal")
@app_manager(AppManager.OWNER)
def removal(app: App, rule: GroupRule) -> tuple[str, int]:
    return dialog("rules/_removal.html", "Remove this rule?", app=app, rule=rule, name=_name(rule))


@pages.delete("/<int:rule_id>")
@app_manager(AppManager.OWNER)
def delete(app: App, rule: GroupRule) -> Response:
    group_rules.remove(rule, by())
    return go_to(_address(app), f"The rule for {_name(rule)} was removed. No account is removed by this.")


@pages.get("/policy")
@app_manager(AppManager.OWNER)
def policy(app: App) -> tuple[str, int]:
    return _policy(app)


def _policy(app: App, problem: str = "") -> tuple[str, int]:
    now = group_rule_view.policy(app)
    return dialog("rules/_policy.html", "What happens automatically", INVALID if problem else 200, app=app, policy=now,
                  seen=stale.mark(now), problem=problem)


@pages.put("/policy")
@app_manager(AppManager.OWNER)
def set_policy(app: App) -> Response | tuple[str, int]:
    chosen = [request.form.get(name) for name in AUTOMATIC]
    if not set(chosen) <= set(Approval):
        abort(400)
    if stale.is_stale(group_rule_view.policy(app)):
        return _policy(app, stale.CHANGED)
    group_rules.set_policy(app, *(None if choice == Approval.ASK else choice for choice in chosen), by())
    return go_to(_address(app), "Saved.")


@pages.delete("/left-out/<int:left_out_id>")
@app_manager(AppManager.OWNER)
def ask_again(app: App, left_out: LeftOut) -> Response:
    group_changes.ask_again(left_out, by())
    return go_to(_address(app), "The next check reports it again.")


def _name(rule: GroupRule) -> str:
    return rule.team.name if rule.team_id else rule.group_name


def _address(app: App) -> str:
    return url_for("group_rules.index", app_id=app.id)
