"""The first start: the one-time link names the workspace and makes its first Owner.
Once there is an Owner, the page no longer exists."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for

from sync.mail import reach as mail_reach
from sync.names import main_email
from sync.people.last_owner import has_lost_its_owners, has_owner
from sync.people.people import PeopleProblem
from sync.rank import Asker
from sync.sign_in import sign_in
from sync.sign_in.sessions import Way
from sync.states import SignInMethod, Tone
from sync.workspace import WorkspaceProblem, time_zones, workspace
from web import security
from web.answers import INVALID
from web.permissions import open_to_all

pages = Blueprint("setup", __name__)


@pages.get("/setup")
@open_to_all
def show() -> Response | str:
    if has_owner():
        return redirect(url_for("signin.show"), 303)
    return _page(_token(request.args), _as_it_is() if has_lost_its_owners() else {})


@pages.post("/setup")
@open_to_all
def create() -> Response | tuple[str, int]:
    if has_owner():  # as after the first of two clicks
        return redirect(url_for("signin.show"), 303)
    token, given = _token(request.form), request.form
    try:
        if given.get("password") != given.get("password_again"):
            raise PeopleProblem("The passwords don't match. Nothing was changed. Enter them again.")
        person = sign_in.set_up(
            given.get("workspace", ""), given.get("email", ""), given.get("name", ""), given.get("password", ""),
            by=Asker.command_line("set-up page"),  # the link was printed where the server runs
            zone=given.get("zone", ""),
        )
    except (PeopleProblem, WorkspaceProblem) as problem:
        return _page(token, given, str(problem)), INVALID
    security.sign_in(person, Way(SignInMethod.SET_UP_LINK))
    flash("Rollcall is set up. Next: connect your directory.", Tone.OK)
    if warning := mail_reach.warning([main_email(person)]):
        flash(warning, Tone.ATTENTION)
    return redirect(url_for("directories.index"), 303)


def _as_it_is() -> dict[str, str]:
    return {"workspace": workspace().name, "zone": workspace().zone}


def _page(token: str, given: Mapping[str, str], problem: str = "") -> str:
    """The first set-up, or the way back into a workspace whose Owners have all left or are locked out."""
    return render_template("setup/show.html", token=token, given=given, problem=problem, again=has_lost_its_owners(),
                           zones=time_zones())


def _token(values) -> str:
    token = values.get("token", "")
    if not sign_in.check_setup_token(token):
        abort(404)
    return token
