"""First sign-ins through a provider that need confirmation: by the person, signed in another way, or by an Owner."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, session, url_for

from sync.models import Person, WaitingSignIn
from sync.people.people import PeopleProblem
from sync.sign_in import waiting as waiting_sign_ins
from sync.states import Tone, WorkspaceRole
from web.answers import go_to
from web.confirming import asks_again
from web.permissions import signed_in, workspace_role
from web.rows import row_or_404
from web.security import WAITS, by, signed_in_person

pages = Blueprint("waiting_sign_ins", __name__)


def of_browser(person: Person) -> WaitingSignIn | None:
    """The sign-in that began in this browser, if this person may confirm it."""
    return waiting_sign_ins.confirmable(session.get(WAITS), person)


@pages.get("/sign-in/oidc/confirmation")
@signed_in
def show() -> Response | str:
    """After the password or the one-time link: does that account belong to you, too?"""
    row = of_browser(signed_in_person())
    if row is None:
        return redirect(url_for("apps.index"), 303)
    return render_template("signin/confirmation.html", row=row)


@pages.post("/sign-in/oidc/confirmation")
@signed_in
@asks_again
def create() -> Response:
    row = of_browser(signed_in_person())
    if row is None:
        return go_to(url_for("apps.index"), "That took longer than half an hour, so nothing was connected. Sign in "
                                            "through the provider again.", Tone.ATTENTION)
    session.pop(WAITS)
    waiting_sign_ins.confirm(row, by())
    return go_to(url_for("apps.index"), f"You can now sign in with {row.label} as {row.email}.")


@pages.delete("/sign-in/oidc/confirmation")
@signed_in
def delete() -> Response:
    row = of_browser(signed_in_person())
    session.pop(WAITS, None)
    if row is not None:
        waiting_sign_ins.dismiss(row, by())
    return go_to(url_for("apps.index"), "Nothing was connected.")


@pages.post("/people/waiting-sign-ins/<int:waiting_id>/approval")
@workspace_role(WorkspaceRole.OWNER)
@asks_again
def approve(waiting_id: int) -> Response:
    row = _row(waiting_id)
    try:
        if request.form.get("seen") != waiting_sign_ins.seen(row):
            raise PeopleProblem(waiting_sign_ins.SWAPPED)
        waiting_sign_ins.approve(row, by())
    except PeopleProblem as problem:
        return go_to(_person(row), str(problem), Tone.ATTENTION)
    return go_to(_person(row), f"Approved. {row.email} can now sign in with {row.label} as this person.")


@pages.delete("/people/waiting-sign-ins/<int:waiting_id>")
@workspace_role(WorkspaceRole.OWNER)
def dismiss(waiting_id: int) -> Response:
    row = _row(waiting_id)
    waiting_sign_ins.dismiss(row, by())
    return go_to(_person(row), "Dismissed. That account can't sign in.")


def _row(waiting_id: int) -> WaitingSignIn:
    return row_or_404(WaitingSignIn, waiting_id)


def _person(row: WaitingSignIn) -> str:
    return url_for("people.show", person_id=row.person_id)
