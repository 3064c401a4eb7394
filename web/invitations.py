"""Invitations to an app: previewed and asked for once, sent again, cancelled; and the progress of everyone joining
or leaving, which the Members tab asks for while something changes."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for

from connectors.base import INVITE
from sync import roles
from sync.mail import reach as mail_reach
from sync.matching import members
from sync.models import Account, App, Invitation
from sync.states import CONNECTED, AccountState, AccountStatus, AppManager, InvitationState, TaskKind, Tone
from sync.tasks import by_hand, invitations, tasks
from sync.tasks import progress as task_progress
from sync.tasks.by_hand import OperationProblem
from web import joining, outcomes
from web.answers import INVALID, dialog, go_to
from web.app_page import can, kind_of, owns
from web.member_dialogs import back_of, preview, refused, role_options
from web.member_operations import Words, ticked
from web.permissions import app_manager
from web.security import by
from web.words import plural

pages = Blueprint("invitations", __name__, url_prefix="/apps/<int:app_id>")

TITLE = "Add users"
CANT = "Rollcall can't invite to {}, or the app isn't connected. Nobody was invited. Invite them in the app itself."


@pages.get("/invitations/new")
@app_manager(AppManager.OWNER)
def new(app: App) -> tuple[str, int]:
    return _new(app)


def _new(app: App, problem: str = "", typed: str = "") -> tuple[str, int]:
    """`typed` is what couldn't be added; all others are picked, unless one was taken out."""
    if not _may(app):
        return refused(app, TITLE, CANT.format(app.name))
    choices = by_hand.roles_of(app)
    return dialog(
        "operations/_invite.html", TITLE, INVALID if problem else 200, app=app, kind=kind_of(app), problem=problem,
        options=role_options(choices), back=back_of(app), typed=typed,
        picked=[email for email in _emails() if email not in (typed, request.form.get("drop"))],
        role=request.values.get("role") or next((role.external_id for role in choices if role.is_default), ""),
    )  # fmt: skip


def _may(app: App) -> bool:
    return app.state in CONNECTED and INVITE in can(app)


@pages.post("/invitations")
@app_manager(AppManager.OWNER)
def create(app: App) -> Response | tuple[str, int]:
    """Without `seen` the preview; with it the approval of what was seen."""
    if not _may(app):
        return refused(app, TITLE, CANT.format(app.name))
    emails, role, seen = _emails(), request.form.get("role", ""), request.form.get("seen", "")
    if {"add", "drop", "change"} & set(request.form):
        return _picking(app)
    try:
        shown = invitations.plan(app, emails, role)
        if not seen:
            return _preview(app, shown, emails, role)
        done = invitations.invite_all(app, emails, role, by(), seen)
    except by_hand.PlanChanged as problem:
        return _preview(app, invitations.plan(app, emails, role), emails, role, str(problem))
    except OperationProblem as problem:
        return _new(app, str(problem))
    if done.already:
        return go_to(back_of(app), "They were already invited. Nobody is invited twice.")
    people = plural(len(done.tasks), "person is", "people are")
    return go_to(back_of(app), f"{people} being invited to {app.name}.", follow=outcomes.address(app, done.tasks))


def _picking(app: App) -> tuple[str, int]:
    """The form again, with someone more or less. Text that isn't an address stays in the field."""
    wrong = [email for email in _emails() if "@" not in email and email != request.form.get("drop")]
    if not wrong or "add" not in request.form:
        return _new(app)
    return _new(app, f"“{wrong[0]}” isn't an e-mail address. Choose someone from the suggestions, or type the address.",
                wrong[0])  # fmt: skip


def _emails() -> list[str]:
    """The addresses that were picked before, and those typed last."""
    first, *picked = request.values.getlist("people") or [""]
    return invitations.addresses("\n".join((*picked, first)))


def _preview(app: App, shown: by_hand.Plan, emails: list[str], role: str, problem: str = "") -> tuple[str, int]:
    lead = f"{app.name} invites them, and Rollcall sends each an e-mail too."
    words = Words(TITLE, lead, "Invite", "person", "people", len(shown.ready))
    return preview(app, shown, url_for("invitations.create", app_id=app.id), words, problem,
                   mail_reach.warning(line.email for line in shown.ready),
                   people=", ".join(emails), role=role)  # fmt: skip


@pages.post("/invitations/<int:invitation_id>/sendings")
@app_manager(AppManager.OWNER)
def send(app: App, invitation: Invitation) -> Response:
    """Invite again."""
    if not _may(app):
        return go_to(back_of(app), CANT.format(app.name), Tone.ATTENTION)
    try:
        invitations.again(invitation, by())
    except OperationProblem as problem:
        return go_to(back_of(app), str(problem), Tone.ATTENTION)
    return go_to(back_of(app), f"{invitation.email} is being invited again.")


@pages.get("/invitations/<int:invitation_id>/cancellation")
@app_manager(AppManager.OWNER)
def cancellation(app: App, invitation: Invitation) -> tuple[str, int]:
    """In the app, an open invitation is an account, whose removal is previewed like any other."""
    account = invitation.account
    was_sent = invitation.state == InvitationState.INVITED
    pending = account is not None and account.state == AccountState.PRESENT and account.status == AccountStatus.INVITED
    removable = pending and by_hand.may(app, TaskKind.REMOVE)
    return dialog("operations/_cancellation.html", "Cancel the invitation", app=app, invitation=invitation,
                  back=back_of(app), account=account if removable else None, was_sent=was_sent)  # fmt: skip


@pages.delete("/invitations/<int:invitation_id>")
@app_manager(AppManager.OWNER)
def cancel(app: App, invitation: Invitation) -> Response:
    try:
        invitations.cancel(invitation, by())
    except OperationProblem as problem:
        return go_to(back_of(app), str(problem), Tone.ATTENTION)
    return go_to(back_of(app), f"The invitation of {invitation.email} is cancelled.")


@pages.get("/members/provisioning")
@app_manager(AppManager.COLLABORATOR)
def progress(app: App) -> str:
    """The state and role of the named accounts, and everyone who is joining or leaving."""
    accounts = members.with_people(app, ticked()[:200])
    found = coming_and_going(app, accounts)
    rows = [(account, found["states"][account.id], found["roles"].labels_of(account.roles)) for account in accounts]
    return render_template("operations/_progress.html", app=app, kind=kind_of(app), owns=owns(), rows=rows,
                           can=can(app), **found)  # fmt: skip


def coming_and_going(app: App, accounts: list[Account]) -> dict:
    """What the Members tab shows beside its rows: the state of each, and people who have no row there."""
    states, may_invite = task_progress.states_of(accounts), _may(app)
    moving = [id for id, state in states.items() if state.live]
    return {
        "removing": sum(tasks.tally(app).values()), "states": states, "moving": moving, "may_invite": may_invite,
        "joining": joining.Lines(app, owns(), can(app), may_invite).all(), "roles": roles.of(app),
    }  # fmt: skip
