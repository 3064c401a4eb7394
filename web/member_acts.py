"""Acts on members: another role, removal, access granted or revoked. Each is previewed in a dialog, then asked once.
The accounts come as `account`, once for each ticked one; `seen` says which preview the yes was given to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for

from sync import assets, member_acts, roles
from sync.member_acts import ActProblem, Plan
from sync.models import App, Asset
from sync.names import account_name, asset_name
from web.answers import INVALID, dialog, go_to, safe_address, whole_number, whole_numbers
from web.app_page import kind_of
from web.confirming import MANY, asks_again
from web.permissions import app_part
from web.security import by

pages = Blueprint("member_acts", __name__, url_prefix="/apps/<int:app_id>")

CHOICES = 50  # accounts that are offered at once
CANT = "{} gives Rollcall no way to do that, or is not connected: do it in the app itself. Nothing was changed."


@dataclass(frozen=True)
class Act:
    """How one kind of act is put into words; {} is a number of things, {app} the app."""

    title: str
    ask: str  # one line above the list
    button: tuple[str, str]  # for one, for many
    said: tuple[str, str]
    address: str  # the endpoint that the yes goes to


ACTS = {
    "change role": Act("Change roles", "Their role in {app} becomes another one.",
                       ("Change {} role", "Change {} roles"),
                       ("{} role is being changed in {app}.", "{} roles are being changed in {app}."),
                       "member_acts.change_roles"),
    "remove": Act("Remove from {app}", "They lose their place in {app} and all that is theirs alone in it.",
                  ("Remove {} account", "Remove {} accounts"),
                  ("{} account is being removed from {app}.", "{} accounts are being removed from {app}."),
                  "member_acts.remove"),
    "grant": Act("Grant access", "They may use more of {app}, or in another role.",
                 ("Grant {} access", "Grant {} accesses"),
                 ("{} access is being granted in {app}.", "{} accesses are being granted in {app}."),
                 "member_acts.grant"),
    "revoke": Act("Revoke access", "They keep their place in {app}, but not these.",
                  ("Revoke {} access", "Revoke {} accesses"),
                  ("{} access is being revoked in {app}.", "{} accesses are being revoked in {app}."),
                  "member_acts.revoke"),
}  # fmt: skip


def ticked(name: str = "account") -> list[int]:
    """The ids that the address or the form names."""
    return whole_numbers(request.values.getlist(name))


@pages.get("/role-changes/new")
@app_part("owner")
def choose_role(app: App) -> tuple[str, int]:
    role = request.args.get("role", "")
    if role:
        return _preview(app, "change role", lambda: member_acts.plan_roles(app, ticked(), role), role=role)
    return _choose(app, "change role", "acts/_role.html", lambda: {
        "accounts": member_acts.chosen(app, ticked()), "roles": member_acts.roles_of(app),
        "held": roles.of(app),
    })  # fmt: skip


@pages.post("/role-changes")
@app_part("owner")
def change_roles(app: App) -> Response | tuple[str, int]:
    role = request.form.get("role", "")
    return _do(app, "change role", lambda: member_acts.plan_roles(app, ticked(), role), role=role)


@pages.get("/removals/new")
@app_part("owner")
def choose_removal(app: App) -> tuple[str, int]:
    """`released`: for how many a guard's hold was lifted on the page before."""
    return _preview(app, "remove", lambda: member_acts.plan_removals(app, ticked()),
                    released=request.args.get("released", ""))  # fmt: skip


@pages.post("/removals")
@app_part("owner")
@asks_again(when=lambda app: len(ticked()) > MANY)
def remove(app: App) -> Response | tuple[str, int]:
    return _do(app, "remove", lambda: member_acts.plan_removals(app, ticked()),
               reason=request.form.get("reason", ""), released=request.form.get("released", ""))  # fmt: skip


@pages.get("/grants/new")
@app_part("owner")
def choose_grant(app: App) -> tuple[str, int]:
    """What is not named yet, accounts, assets or the role, is asked for first."""
    role = request.args.get("role", "").strip()
    if role and ticked() and ticked("asset") and "look" not in request.args:
        return _preview(app, "grant", lambda: member_acts.plan_grants(app, ticked(), ticked("asset"), role), role=role)
    problem = "Tick at least one, and choose a role." if "role" in request.args and "look" not in request.args else ""
    return _choose(app, "grant", "acts/_grant.html", lambda: _grant_choice(app), problem)


def _grant_choice(app: App) -> dict:
    """The asset that was named, or a list to tick from; the same of the accounts."""
    search, given_assets, given_accounts = request.args.get("search", "").strip(), ticked("asset"), ticked()
    about = "account" if request.args.get("about") == "account" or given_assets and not given_accounts else "asset"
    values = {"search": search, "about": about, "offered": [], "accounts": [], "assets": []}
    if about == "asset":
        values["accounts"] = member_acts.chosen(app, given_accounts)
        found = assets.search(app, "", search).rows
        values["offered"] = [(row.asset.id, asset_name(row.asset), row.asset.kind) for row in found]
        kinds, marked = {row.asset.kind for row in found}, given_assets
    else:
        values["assets"] = list(Asset.select().where(Asset.app == app, Asset.id.in_(given_assets)))
        members = member_acts.may_be_given(app, search, CHOICES)
        values["offered"] = [(row.id, account_name(row), row.email) for row in members]
        kinds, marked = {asset.kind for asset in values["assets"]}, given_accounts
    kept = set(marked) - {id for id, *_ in values["offered"]}
    return values | {"roles": member_acts.asset_roles(app, kinds), "marked": marked, "kept": sorted(kept)}


@pages.post("/grants")
@app_part("owner")
def grant(app: App) -> Response | tuple[str, int]:
    role = request.form.get("role", "").strip()
    return _do(app, "grant", lambda: member_acts.plan_grants(app, ticked(), ticked("asset"), role), role=role)


@pages.get("/revocations/new")
@app_part("owner")
def choose_revocation(app: App) -> tuple[str, int]:
    return _preview(app, "revoke", lambda: member_acts.plan_revocations(app, _pairs()))


@pages.post("/revocations")
@app_part("owner")
def revoke(app: App) -> Response | tuple[str, int]:
    return _do(app, "revoke", lambda: member_acts.plan_revocations(app, _pairs()))


def _pairs() -> list[tuple[int, int]]:
    """Each named account with each named asset: one of them is named once."""
    accounts, wanted = ticked(), ticked("asset")
    if accounts and not wanted:
        raise ActProblem("Nothing is ticked. Tick what is to be revoked first.")
    if len(accounts) * len(wanted) > member_acts.MOST:
        raise ActProblem(f"These are more than {member_acts.MOST} acts at once. Take them in smaller parts.")
    return [(account_id, asset_id) for account_id in accounts for asset_id in wanted]


def _choose(app: App, act: str, part: str, values: Callable[[], dict], problem: str = "") -> tuple[str, int]:
    if refusal := _refusal(app, act):
        return refused(app, ACTS[act].title, refusal)
    try:
        found = values()
    except ActProblem as told:
        return refused(app, ACTS[act].title, str(told))
    title = ACTS[act].title.format(app=app.name)
    return dialog(part, title, INVALID if problem else 200, app=app, kind=kind_of(app), heading=title, problem=problem,
                  back=back_of(app), **found)  # fmt: skip


def _preview(app: App, act: str, plan: Callable[[], Plan], problem: str = "", status: int = 200,
             **given: str) -> tuple[str, int]:  # fmt: skip
    if refusal := _refusal(app, act):
        return refused(app, ACTS[act].title, refusal)
    try:
        shown = plan()
    except ActProblem as told:
        return refused(app, ACTS[act].title, str(told))
    return preview(app, shown, url_for(ACTS[act].address, app_id=app.id), ACTS[act], problem, status, **given)


def preview(app: App, shown: Plan, address: str, words: Act, problem: str = "", status: int = 200,
            warning: str = "", **given: str) -> tuple[str, int]:  # fmt: skip
    """The dialog that says what would happen; its form sends the yes to `address`."""
    count = len(shown.ready)
    released = shown.held and given.get("released") == str(count)
    title = words.title.format(app=app.name)
    return dialog(
        "acts/_preview.html", title, status, app=app, kind=kind_of(app), plan=shown, address=address, heading=title,
        ask=words.ask.format(app=app.name), problem=problem, warning=warning, given=given, back=back_of(app),
        released=released,
        button_words=words.button[count != 1].format(f"{count:,}"), ids=ticked(), asset_ids=ticked("asset"),
        release=url_for("member_acts.choose_removal", app_id=app.id),
    )  # fmt: skip


def _do(app: App, act: str, plan: Callable[[], Plan], **given: str) -> Response | tuple[str, int]:
    if refusal := _refusal(app, act):
        return refused(app, ACTS[act].title, refusal)
    released = whole_number(given.get("released", "")) or 0
    try:
        done = member_acts.carry_out(plan, by(), request.form.get("seen", ""), reason=given.get("reason", ""),
                                     released=released)  # fmt: skip
    except ActProblem as problem:
        return _preview(app, act, plan, str(problem), INVALID, **given)
    if done.already:
        return go_to(back_of(app), "This was asked for already: nothing is done twice.")
    count = len(done.tasks)
    return go_to(back_of(app), ACTS[act].said[count != 1].format(f"{count:,}", app=app.name))


def _refusal(app: App, act: str) -> str:
    return "" if member_acts.may(app, act) else CANT.format(app.name)


def refused(app: App, title: str, problem: str) -> tuple[str, int]:
    """A dialog that says why there is nothing to decide."""
    title = title.format(app=app.name)
    return dialog("acts/_refused.html", title, INVALID, app=app, heading=title, problem=problem, back=back_of(app))


def back_of(app: App) -> str:
    return safe_address(request.values.get("back"), url_for("members.index", app_id=app.id))
