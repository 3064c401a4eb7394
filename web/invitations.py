"""Invitations to an app: whom to invite, previewed and asked for once; invited again, cancelled; how far all coming and
going is, which the Members tab asks for while something moves."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for

from connectors.base import INVITE
from sync import apps, mail_reach, member_acts, onboarding, provisioning, roles, tasks
from sync.member_acts import ActProblem
from sync.models import Account, App, Invitation, Person
from web.answers import INVALID, dialog, go_to
from web.app_page import can, kind_of, owns
from web.member_acts import Act, back_of, preview, refused, ticked
from web.permissions import app_part
from web.security import by

pages = Blueprint("invitations", __name__, url_prefix="/apps/<int:app_id>")

WORDS = Act("Add users", "{app} is asked to invite them; each gets a mail from Rollcall too.",
            ("Invite {} person", "Invite {} people"), ("", ""), "invitations.create")  # fmt: skip
CANT = "{} gives Rollcall no way to invite, or is not connected: invite them in the app itself. Nobody was invited."


@pages.get("/invitations/new")
@app_part("owner")
def new(app: App) -> tuple[str, int]:
    return _new(app)


def _new(app: App, problem: str = "") -> tuple[str, int]:
    if not _may(app):
        return refused(app, WORDS.title, CANT.format(app.name))
    choices = member_acts.roles_of(app)
    return dialog(
        "acts/_invite.html", WORDS.title, INVALID if problem else 200, app=app, kind=kind_of(app), problem=problem,
        roles=choices, given=request.values, back=back_of(app),
        standard=next((role.external_id for role in choices if role.standard), ""),
    )  # fmt: skip


def _may(app: App) -> bool:
    return app.state in apps.CONNECTED and INVITE in can(app)


@pages.post("/invitations")
@app_part("owner")
def create(app: App) -> Response | tuple[str, int]:
    """Without `seen` the preview; with it the yes to what was seen."""
    if not _may(app):
        return refused(app, WORDS.title, CANT.format(app.name))
    emails, role, seen = _emails(), request.form.get("role", ""), request.form.get("seen", "")
    if "change" in request.form:
        return _new(app)
    try:
        shown = onboarding.plan(app, emails, role)
        if not seen:
            return _preview(app, shown, emails, role)
        done = onboarding.invite_all(app, emails, role, by(), seen)
    except member_acts.PlanChanged as problem:
        return _preview(app, onboarding.plan(app, emails, role), emails, role, str(problem))
    except ActProblem as problem:
        return _new(app, str(problem))
    if done.already:
        return go_to(back_of(app), "They were invited already: nobody is invited twice.")
    count = len(done.tasks)
    return go_to(back_of(app), f"{count:,} {'person is' if count == 1 else 'people are'} being invited to {app.name}.")


def _emails() -> list[str]:
    return onboarding.addresses(request.form.get("people", "") + "\n" + request.form.get("addresses", ""))


def _preview(app: App, shown: member_acts.Plan, emails: list[str], role: str, problem: str = "") -> tuple[str, int]:
    return preview(app, shown, url_for("invitations.create", app_id=app.id), WORDS, problem,
                   INVALID if problem else 200, mail_reach.warning(line.email for line in shown.ready),
                   addresses=", ".join(emails), role=role)  # fmt: skip


@pages.post("/invitations/<int:invitation_id>/sendings")
@app_part("owner")
def send(app: App, invitation: Invitation) -> Response:
    """Invite again."""
    if not _may(app):
        return go_to(back_of(app), CANT.format(app.name), "attention")
    try:
        onboarding.again(invitation, by())
    except ActProblem as problem:
        return go_to(back_of(app), str(problem), "attention")
    return go_to(back_of(app), f"{invitation.email} is being invited again.")


@pages.get("/invitations/<int:invitation_id>/cancellation")
@app_part("owner")
def cancellation(app: App, invitation: Invitation) -> tuple[str, int]:
    """What the app holds of it is an account, whose removal is previewed like any other."""
    account = invitation.account
    pending = account is not None and account.state == "present" and account.status == "invited"
    removable = pending and member_acts.may(app, "remove")
    return dialog("acts/_cancellation.html", "Cancel the invitation", app=app, invitation=invitation, back=back_of(app),
                  account=account if removable else None)  # fmt: skip


@pages.delete("/invitations/<int:invitation_id>")
@app_part("owner")
def cancel(app: App, invitation: Invitation) -> Response:
    try:
        onboarding.cancel(invitation, by())
    except ActProblem as problem:
        return go_to(back_of(app), str(problem), "attention")
    return go_to(back_of(app), f"The invitation of {invitation.email} is cancelled.")


@pages.get("/members/provisioning")
@app_part("collaborator")
def progress(app: App) -> str:
    """Who comes and goes, and the named accounts' state and role: what the page asks for while one moves."""
    named = Account.select(Account, Person).left_outer_join(Person)
    accounts = list(named.where(Account.app == app, Account.id.in_(ticked()[:200])))
    for account in accounts:
        account.app = app
    return render_template("acts/_progress.html", app=app, kind=kind_of(app), owns=owns(), accounts=accounts,
                           can=can(app), back=url_for("members.index", app_id=app.id),
                           **coming_and_going(app, accounts))  # fmt: skip


def coming_and_going(app: App, accounts: list[Account]) -> dict:
    """What the Members tab shows beside its rows: each row's state, and those who have no row there."""
    states = provisioning.states_of(accounts)
    invitations, leaving = onboarding.of_app(app), provisioning.leaving(app)
    leaving_states = provisioning.states_of(leaving)
    told = {invitation.id: provisioning.of_invitation(invitation) for invitation in invitations}
    moving = [id for id, state in states.items() if state.live]
    return {
        "removing": sum(tasks.tally(app).values()),
        "states": states, "moving": moving, "invitations": invitations, "invitation_states": told,
        "uninvited": onboarding.uninvited(app), "awaiting": provisioning.awaiting_invitation(app),
        "leaving": leaving, "leaving_states": leaving_states, "may_invite": _may(app),
        "moves": bool(moving) or any(state.live for state in [*told.values(), *leaving_states.values()]),
        "roles": roles.of(app),
    }  # fmt: skip
