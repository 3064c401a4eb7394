"""Operations on members: another role, removal, access granted or revoked. Each is previewed, then asked for once.
`seen` says which preview was approved."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request, url_for

from sync import roles
from sync.apps import assets
from sync.apps.assets import Assets
from sync.models import Account, App, Role
from sync.names import account_name, asset_name
from sync.safety.sole_managers import NeedsSuccessor
from sync.safety.successors import SuccessorProblem
from sync.states import AppManager
from sync.tasks import by_hand
from sync.tasks.by_hand import OperationProblem, Plan
from web import outcomes, successors
from web import preview as previews
from web.answers import INVALID, dialog, go_to, safe_address, whole_number
from web.app_page import kind_of
from web.confirming import MANY, asks_again
from web.member_operations import Grant, Operation, Removal, Revocation, RoleChange, Words, selection, ticked
from web.permissions import app_manager
from web.security import by
from web.words import plural

pages = Blueprint("member_dialogs", __name__, url_prefix="/apps/<int:app_id>")

CHOICES = 50  # accounts that are offered at once
NAMED = 5  # accounts that a dialog names before it counts the others
CANT = "Rollcall can't do that in {}, or the app isn't connected. Nothing was changed. Do it in the app itself."


@pages.get("/role-changes/new")
@app_manager(AppManager.OWNER)
def choose_role(app: App) -> tuple[str, int]:
    operation = RoleChange()
    if operation.role:
        return _preview(app, operation)
    return _choose(app, operation, "operations/_role.html", _role_choice)


def _role_choice(app: App) -> dict:
    accounts = by_hand.chosen(app, ticked())
    one = accounts[0] if len(accounts) == 1 else None
    names = ", ".join(account_name(account) for account in accounts[:NAMED])
    others = f" and {plural(len(accounts) - NAMED, 'other')}" if len(accounts) > NAMED else ""
    return {
        "selection": selection(), "names": names + others, "lead": _counted(app, accounts),
        "current": one.role if one else "", "options": role_options(by_hand.roles_of(app)),
        "several": _several(app, accounts),
    }  # fmt: skip


def _counted(app: App, accounts: list[Account]) -> str:
    return f"{plural(len(accounts), 'account')} in {app.name}"


def _several(app: App, accounts: list[Account]) -> str:
    """A sentence for accounts with further roles: some of these may be removed."""
    if not any(account.further_roles for account in accounts):
        return ""
    now = (f"Now has {roles.of(app).words(accounts[0].roles)}." if len(accounts) == 1
           else f"Some of them have several {kind_of(app).role_word}s.")
    return f"{now} The preview shows which of these roles are kept and which are removed."


def role_options(found: list[Role]) -> list[tuple[str, str]]:
    """(role, label) of each; those that administer the app say so."""
    return [
        (role.external_id, role.label + (" · can administer the app" if role.privileged else "")) for role in found
    ]  # fmt: skip


@pages.post("/role-changes")
@app_manager(AppManager.OWNER)
def change_roles(app: App) -> Response | tuple[str, int]:
    return _carry_out(app, RoleChange())


@pages.get("/removals/new")
@app_manager(AppManager.OWNER)
def choose_removal(app: App) -> tuple[str, int]:
    return _preview(app, Removal())


@pages.post("/removals")
@app_manager(AppManager.OWNER)
@asks_again(when=lambda app: len(ticked()) > MANY)
def remove(app: App) -> Response | tuple[str, int]:
    return _carry_out(app, Removal())


@pages.get("/grants/new")
@app_manager(AppManager.OWNER)
def choose_grant(app: App) -> tuple[str, int]:
    """Asks first for what isn't named yet: accounts, assets or the role."""
    operation, looks = Grant(), "look" in request.args
    if operation.role and ticked() and ticked("asset") and not looks:
        return _preview(app, operation)
    problem = "Select at least one, and choose a role." if "role" in request.args and not looks else ""
    return _choose(app, operation, "operations/_grant.html", _grant_choice, problem)


def _grant_choice(app: App) -> dict:
    """Accounts for the assets that were named, or assets for the accounts."""
    given_assets, given_accounts = ticked("asset"), ticked()
    about_accounts = request.args.get("about") == "account" or given_assets and not given_accounts
    values = _grant_to(app, given_assets) if about_accounts else _grant_of(app, given_accounts)
    marked = given_accounts if about_accounts else given_assets
    kept = sorted(set(marked) - {id for id, *_ in values["offered"]})
    return values | {"search": request.args.get("search", "").strip(), "marked": marked, "kept": kept,
                     "role": request.args.get("role", "")}  # fmt: skip


def _grant_of(app: App, account_ids: list[int]) -> dict:
    accounts = by_hand.chosen(app, account_ids)
    found = assets.search(app, Assets(request.args.get("search", "").strip())).rows
    return {
        "about": "asset", "legend": "What", "searched": f"Search {kind_of(app).asset_word}s",
        "lead": _counted(app, accounts), "selection": selection(), "assets": [],
        "offered": [(row.asset.id, asset_name(row.asset), row.asset.kind) for row in found],
        "options": _asset_roles(app, {row.asset.kind for row in found}),
    }


def _grant_to(app: App, asset_ids: list[int]) -> dict:
    given = assets.chosen(app, asset_ids)
    members = assets.may_be_given(app, request.args.get("search", "").strip(), CHOICES)
    names = [(account.id, account_name(account), account.email) for account in members]
    return {
        "about": "account", "legend": "Who", "searched": "Search accounts",
        "lead": f"to {asset_name(given[0])}" if len(given) == 1 else app.name, "selection": [], "assets": given,
        "offered": [(id, name, email if email != name else "") for id, name, email in names],
        "options": _asset_roles(app, {asset.kind for asset in given}),
    }


def _asset_roles(app: App, kinds: set[str]) -> list[tuple[str, str]]:
    return [(role, role.capitalize()) for role in assets.asset_roles(app, kinds)]


@pages.post("/grants")
@app_manager(AppManager.OWNER)
def grant(app: App) -> Response | tuple[str, int]:
    return _carry_out(app, Grant())


@pages.get("/revocations/new")
@app_manager(AppManager.OWNER)
def choose_revocation(app: App) -> tuple[str, int]:
    return _preview(app, Revocation())


@pages.post("/revocations")
@app_manager(AppManager.OWNER)
def revoke(app: App) -> Response | tuple[str, int]:
    return _carry_out(app, Revocation())


def _choose(app: App, operation: Operation, part: str, choices: Callable[[App], dict],
            problem: str = "") -> tuple[str, int]:  # fmt: skip
    """The dialog that asks for what the operation lacks."""
    title = operation.title(app)
    if not by_hand.may(app, operation.kind):
        return refused(app, title, CANT.format(app.name))
    try:
        found = choices(app)
    except OperationProblem as refusal:
        return refused(app, title, str(refusal))
    return dialog(part, title, INVALID if problem else 200, app=app, kind=kind_of(app), heading=title, problem=problem,
                  back=back_of(app), **found)  # fmt: skip


def _preview(app: App, operation: Operation, problem: str = "") -> tuple[str, int]:
    if not by_hand.may(app, operation.kind):
        return refused(app, operation.title(app), CANT.format(app.name))
    try:
        plan = operation.plan(app)
    except OperationProblem as refusal:
        return refused(app, operation.title(app), str(refusal))
    words = operation.words(app, len(previews.going(plan)))
    return preview(app, plan, operation.address(app), words, problem, **operation.answers())


def preview(app: App, plan: Plan, address: str, words: Words, problem: str = "", warning: str = "",
            **answers: str) -> tuple[str, int]:  # fmt: skip
    """The dialog that shows what would happen; its form sends the approval to `address`, the `answers` with it."""
    shown = previews.preview(app, plan, answers.get("released", ""))
    taken_along = {name: value for name, value in answers.items() if name not in ("reason", "released")}
    return dialog(
        "operations/_preview.html", words.title, INVALID if problem else 200, app=app, preview=shown, words=words,
        address=url_for("member_dialogs.choose_removal", app_id=app.id) if shown.waits else address, problem=problem,
        warning=warning, reason=answers.get("reason", ""), answers=taken_along, back=back_of(app),
        selection=selection() if shown.waits else [("account", id) for id in ticked()],
        asset_ids=ticked("asset"),
    )  # fmt: skip


def _carry_out(app: App, operation: Operation) -> Response | tuple[str, int]:
    if not by_hand.may(app, operation.kind):
        return refused(app, operation.title(app), CANT.format(app.name))
    answers = operation.answers()
    try:
        done = by_hand.carry_out(
            lambda: operation.plan(app), by(), request.form.get("seen", ""), reason=answers.get("reason", ""),
            released=whole_number(answers.get("released", "")) or 0, hand_overs=successors.chosen(app),
            kept=set(request.form.getlist("undecided")) - set(request.form.getlist("yes")),
        )  # fmt: skip
    except (OperationProblem, NeedsSuccessor, SuccessorProblem) as problem:
        return _preview(app, operation, str(problem))
    if done.already:
        return go_to(back_of(app), "This was already requested. Nothing is done twice.")
    asked = sum(task.kind == operation.kind for task in done.tasks)
    return go_to(back_of(app), operation.started(app, asked), follow=outcomes.address(app, done.tasks))


def refused(app: App, title: str, problem: str) -> tuple[str, int]:
    """A dialog that says why there is nothing to decide."""
    return dialog("operations/_refused.html", title, INVALID, app=app, heading=title, problem=problem,
                  back=back_of(app))  # fmt: skip


def back_of(app: App) -> str:
    return safe_address(request.values.get("back"), url_for("members.index", app_id=app.id))
