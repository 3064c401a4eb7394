"""Signing in with e-mail and password or with a one-time link, and out. /session is the resource."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for

from sync import signin
from sync.people import PeopleProblem
from sync.signin import TooManyAttempts
from sync.workspace import is_set_up
from web import security
from web.answers import INVALID, safe_address
from web.permissions import open_to_all

pages = Blueprint("signin", __name__)


@pages.get("/")
@open_to_all
def front_door() -> Response:
    return redirect("/apps" if security.signed_in_person() else url_for("signin.show"), 303)


@pages.get("/sign-in")
@open_to_all
def show() -> Response | str:
    further = safe_address(request.args.get("next"))
    if security.signed_in_person():
        return redirect(further, 303)
    return render_template("signin/show.html", set_up=is_set_up(), further=further, email="")


@pages.post("/session")
@open_to_all
def create() -> Response | tuple[str, int]:
    email = request.form.get("email", "")
    further = safe_address(request.form.get("next"))
    status = INVALID
    try:
        person = signin.authenticate(email, request.form.get("password", ""))
        problem = "E-mail and password don't fit together. Nothing was changed: try again, or ask an Owner for a one-time link."
    except PeopleProblem as refusal:
        person, problem = None, str(refusal)
        status = 429 if isinstance(refusal, TooManyAttempts) else INVALID
    if person is None:
        return render_template("signin/show.html", set_up=True, further=further, email=email, problem=problem), status
    security.sign_in(person)
    return redirect(further, 303)


@pages.delete("/session")
@open_to_all
def delete() -> Response:
    security.sign_out()
    return redirect(url_for("signin.show"), 303)
