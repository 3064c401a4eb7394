"""The settings of the workspace."""

from __future__ import annotations

from dataclasses import asdict
from zoneinfo import available_timezones

from flask import Blueprint, Response, current_app, render_template, request, url_for

from sync import names
from sync.apps import apps
from sync.db import utcnow
from sync.jobs import clock
from sync.mail import outbox
from sync.mail import reach as mail_reach
from sync.sign_in import oidc
from sync.states import WorkspaceRole
from sync.workspace import WorkspaceProblem, update_workspace, workspace
from web.answers import INVALID, go_to, whole_number
from web.confirming import asks_again
from web.mail_view import mail_settings
from web.permissions import signed_in, workspace_role
from web.security import by, signed_in_person

pages = Blueprint("settings", __name__, url_prefix="/settings")


@pages.get("")
@signed_in
def show() -> str:
    return page()


@pages.patch("/workspace")
@workspace_role(*apps.RUNS_ALL)
def update_names() -> Response | tuple[str, int]:
    given = {name: request.form.get(name, "").strip() for name in ("name", "zone", "currency")}
    return _update("workspace", given, given)


@pages.patch("/guard")
@workspace_role(*apps.RUNS_ALL)
def update_guard() -> Response | tuple[str, int]:
    given = {name: request.form.get(name, "") for name in ("guard_accounts", "guard_percent")}
    return _update("guard", given, {name: _number(text) for name, text in given.items()})


@pages.patch("/invitations")
@workspace_role(*apps.RUNS_ALL)
def update_invitations() -> Response | tuple[str, int]:
    given = {name: request.form.get(name, "") for name in ("invitation_reminder_days", "invitation_expiry_days")}
    return _update("invitations", given, {name: _number(text) for name, text in given.items()})


@pages.patch("/session-length")
@workspace_role(*apps.RUNS_ALL)
@asks_again
def update_session_length() -> Response | tuple[str, int]:
    given = {name: request.form.get(name, "") for name in ("session_hours", "session_idle_minutes")}
    return _update("session_length", given, {name: whole_number(text) for name, text in given.items()})


@pages.patch("/grace")
@workspace_role(*apps.RUNS_ALL)
def update_grace() -> Response | tuple[str, int]:
    given = {"grace_days": request.form.get("grace_days", "")}
    return _update("grace", given, {name: _number(text) for name, text in given.items()})


def _number(text: str) -> int | str:
    number = whole_number(text)
    return text if number is None else number


def _update(part: str, given: dict, values: dict) -> Response | tuple[str, int]:
    try:
        update_workspace(by(), **values)
    except WorkspaceProblem as problem:
        return page(given=given, problems={part: f"{problem} Nothing was changed."}), INVALID
    apps.plan_all()
    return go_to(url_for("settings.show"), "Saved.")


@pages.put("/clock")
@workspace_role(*apps.RUNS_ALL)
def set_clock() -> Response:
    """Confirm that the machine's clock is right now, and was wrong before."""
    clock.is_right(by())
    return go_to(url_for("settings.show"), "Rollcall now uses this time.")


def page(given: dict | None = None, problems: dict | None = None) -> str:
    return render_template(
        "settings/show.html", values=asdict(workspace()) | (given or {}), problems=problems or {},
        config=current_app.config["ROLLCALL"],
        runs_all=signed_in_person().workspace_role in apps.RUNS_ALL, can_send=outbox.can_send(),
        waiting=len(outbox.unsent()), mail=mail_settings(given if "mail" in (problems or {}) else None),
        zones=sorted(available_timezones()),
        my_email=(mine := names.main_email(signed_in_person())), reach=mail_reach.warning([mine]),
        invite_address=url_for("colleagues.new", back=url_for("settings.show")), provider=oidc.settings(),
        clock_time=f"{utcnow():%d %b %Y, %H:%M}" if clock.wrong() else "",
        owner=signed_in_person().workspace_role == WorkspaceRole.OWNER,
    )
