"""A first sign-in with the provider that somebody must confirm: the person, signed in another way, or an Owner."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, render_template, request, session, url_for

from sync import waiting_sign_ins
from sync.models import Person, WaitingSignIn
from sync.people import PeopleProblem
from web.answers import go_to
from web.confirming import asks_again
from web.permissions import signed_in, workspace_role
from web.security import WAITS, by, signed_in_person

pages = Blueprint("waiting_sign_ins", __name__)


def of_browser(person: Person) -> WaitingSignIn | None:
    """What began in this browser, and this person may confirm."""
    return waiting_sign_ins.confirmable(session.get(WAITS), person)


@pages.get("/sign-in/oidc/confirmation")
@signed_in
def show() -> Response | str:
    """After the password or the one-time link: is that account yours, too?"""
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
        return go_to(url_for("apps.index"), "That took longer than half an hour. Nothing was connected: sign in with "
                                            "the provider again.", "attention")
    session.pop(WAITS)
    waiting_sign_ins.confirm(row, by())
    return go_to(url_for("apps.index"), f"{row.email} signs you in with {row.label} from now on.")


@pages.delete("/sign-in/oidc/confirmation")
@signed_in
def delete() -> Response:
    row = of_browser(signed_in_person())
    session.pop(WAITS, None)
    if row is not None:
        waiting_sign_ins.dismiss(row, by())
    return go_to(url_for("apps.index"), "Nothing was connected.")


@pages.post("/people/waiting-sign-ins/<int:waiting_id>/approval")
@workspace_role("owner")
@asks_again
def approve(waiting_id: int) -> Response:
    row = _row(waiting_id)
    try:
        if request.form.get("seen") != waiting_sign_ins.seen(row):
            raise PeopleProblem(waiting_sign_ins.SWAPPED)
        waiting_sign_ins.approve(row, by())
    except PeopleProblem as problem:
        return go_to(_person(row), str(problem), "attention")
    return go_to(_person(row), f"Approved. {row.email} signs in with {row.label} as this person from now on.")


@pages.delete("/people/waiting-sign-ins/<int:waiting_id>")
@workspace_role("owner")
def dismiss(waiting_id: int) -> Response:
    row = _row(waiting_id)
    waiting_sign_ins.dismiss(row, by())
    return go_to(_person(row), "Dismissed. That account signs in as nobody.")


def _row(waiting_id: int) -> WaitingSignIn:
    return WaitingSignIn.get_or_none(WaitingSignIn.id == waiting_id) or abort(404)


def _person(row: WaitingSignIn) -> str:
    return url_for("people.show", person_id=row.person_id)
