"""Leavers who can't be removed from an app yet: someone else becomes its administrator, or an Owner accepts it."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, request, url_for

from sync.checks import comparison
from sync.db import utcnow
from sync.models import Account, App
from sync.names import account_name
from sync.reports import acceptances, stuck
from sync.reports.acceptances import AcceptanceProblem
from sync.states import AppManager, Tone
from sync.tasks import by_hand
from sync.workspace import today
from web.answers import INVALID, dialog, go_to, safe_address
from web.app_page import kind_of
from web.member_dialogs import role_options
from web.permissions import app_manager
from web.security import by
from web.words import calendar_day, this_workspace

pages = Blueprint("leavers", __name__, url_prefix="/apps/<int:app_id>")


@pages.get("/members/<int:account_id>/acceptance")
@app_manager(AppManager.OWNER)
def acceptance(app: App, account: Account) -> tuple[str, int]:
    known = acceptances.acceptance_of(account)
    reason, until = (known.reason, known.until) if known else ("", today() + acceptances.SUGGESTED)
    return _acceptance(app, account, reason, until.isoformat())


def _acceptance(app: App, account: Account, reason: str, until: str, problem: str = "") -> tuple[str, int]:
    why = acceptances.why_stuck(account)
    return dialog(
        "leavers/_acceptance.html", "Keep this account for now?", INVALID if problem else 200,
        app=app, account=account, why=why.words if why else "", reason=reason, until=until, problem=problem,
        back=_back(app), earliest=today().isoformat(), latest=(today() + acceptances.LONGEST).isoformat(),
        company=this_workspace().name,
    )  # fmt: skip


@pages.put("/members/<int:account_id>/acceptance")
@app_manager(AppManager.OWNER)
def accept(app: App, account: Account) -> Response | tuple[str, int]:
    reason, until = request.form.get("reason", ""), request.form.get("until", "")
    try:
        row = acceptances.accept(account, reason, _day(until), by())
    except AcceptanceProblem as problem:
        return _acceptance(app, account, reason, until, str(problem))
    return go_to(_back(app), f"Accepted. It needs a decision again on {calendar_day(row.until)}.")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


@pages.delete("/members/<int:account_id>/acceptance")
@app_manager(AppManager.OWNER)
def withdraw(app: App, account: Account) -> Response:
    known = acceptances.acceptance_of(account)
    if known is None or not acceptances.withdraw(known, by()):
        return go_to(_back(app), "This already needs a decision.", Tone.WAITING)
    comparison.compare(app.id, utcnow())  # the page that is shown next has it in its report
    return go_to(_back(app), f"{account_name(account)} needs a decision again.")


@pages.get("/administrators/new")
@app_manager(AppManager.OWNER)
def successor(app: App) -> tuple[str, int]:
    """Choose who becomes an administrator of the app; the preview of the change of role follows."""
    roles = sorted((role for role in by_hand.roles_of(app) if role.privileged), key=lambda role: role.position)
    options = [(account.id, _named(account)) for account in stuck.candidates(app)]
    return dialog(
        "leavers/_successor.html", f"Who else administers {app.name}?", app=app, kind=kind_of(app), back=_back(app),
        options=options, roles=role_options(roles), members=url_for("members.index", app_id=app.id),
    )  # fmt: skip


def _named(account: Account) -> str:
    name = account_name(account)
    return f"{name} · {account.email}" if account.email and account.email != name else name


def _back(app: App) -> str:
    return safe_address(request.values.get("back"), url_for("apps.show", app_id=app.id))
