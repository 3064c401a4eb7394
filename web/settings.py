"""The settings of the workspace."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, current_app, render_template, request, url_for

from sync import names
from sync.apps import apps
from sync.db import utcnow
from sync.jobs import clock
from sync.mail import outbox
from sync.mail import reach as mail_reach
from sync.models import Person
from sync.sign_in import oidc
from sync.states import Tone, WorkspaceRole
from sync.workspace import WorkspaceProblem, time_zones, update_workspace, workspace
from web import stale
from web.answers import INVALID, go_to, whole_number
from web.confirming import asks_again
from web.mail_view import mail_settings
from web.permissions import signed_in, workspace_role
from web.security import by, signed_in_person

pages = Blueprint("settings", __name__, url_prefix="/settings")

TEXTS = ("name", "zone", "currency")
SESSIONS = ("session_hours", "session_idle_minutes")
NUMBERS = (
    "guard_accounts", "guard_percent", "invitation_reminder_days", "invitation_expiry_days", "grace_days", *SESSIONS,
)  # fmt: skip
SECTIONS = (
    ("h-workspace", "Workspace"), ("h-guard", "Guard"), ("h-invitations", "Invitations"), ("h-grace", "Grace period"),
    ("h-session-length", "Sessions"), ("h-colleagues", "Colleagues"), ("h-sign-in", "Sign-in"), ("h-mail", "Mail"),
    ("h-files", "Files and backup"), ("h-you", "You"),
)  # fmt: skip


@pages.get("")
@signed_in
def show() -> str:
    return page()


def _changes_sessions() -> bool:
    known = asdict(workspace())
    return any(request.form.get(name, str(known[name])) != str(known[name]) for name in SESSIONS)


@pages.patch("")
@workspace_role(*apps.RUNS_ALL)
@asks_again(when=_changes_sessions)
def update() -> Response | tuple[str, int]:
    """Change the settings that the form names: all of them, or none."""
    if stale.is_stale(asdict(workspace())):
        return page(problems={"settings": stale.CHANGED}), INVALID
    given = {name: request.form[name].strip() for name in (*TEXTS, *NUMBERS) if name in request.form}
    try:
        update_workspace(by(), **{name: _number(text) if name in NUMBERS else text for name, text in given.items()})
    except WorkspaceProblem as problem:
        return page(given=given, problems={"settings": f"{problem} Nothing was changed."}), INVALID
    apps.plan_all()
    return go_to(url_for("settings.show"), "Saved.")


def _number(text: str) -> int | str:
    number = whole_number(text)
    return text if number is None else number


@pages.put("/clock")
@workspace_role(*apps.RUNS_ALL)
def set_clock() -> Response:
    """Confirm that the machine's clock is right now, and was wrong before."""
    chosen = clock.is_right(by())
    said = " ".join(filter(None, ("Rollcall now uses this time.", chosen)))
    return go_to(url_for("settings.show"), said, Tone.ATTENTION if chosen else Tone.OK)


def _sections(me: Person) -> list[tuple[str, str]]:
    """The links to the sections that this person sees."""
    if me.workspace_role not in apps.RUNS_ALL:
        return []
    return [row for row in SECTIONS if row[0] != "h-sign-in" or me.workspace_role == WorkspaceRole.OWNER]


def page(given: dict | None = None, problems: dict | None = None) -> str:
    return render_template(
        "settings/show.html", values=asdict(workspace()) | (given or {}), problems=problems or {},
        seen=stale.mark(asdict(workspace())),
        config=current_app.config["ROLLCALL"],
        runs_all=signed_in_person().workspace_role in apps.RUNS_ALL, can_send=outbox.can_send(),
        waiting=len(outbox.unsent()), mail=mail_settings(given if "mail" in (problems or {}) else None),
        zones=time_zones(), sections=_sections(signed_in_person()),
        my_email=(mine := names.main_email(signed_in_person())), reach=mail_reach.warning([mine]),
        invite_address=url_for("colleagues.new", back=url_for("settings.show")), provider=oidc.settings(),
        clock_time=f"{utcnow():%d %b %Y, %H:%M}" if clock.wrong() else "",
        owner=signed_in_person().workspace_role == WorkspaceRole.OWNER,
    )
