"""Signing in with e-mail and password or with a one-time link, and out. /session is the resource.
Signing in at the company's provider is in oidc.py."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, flash, make_response, redirect, render_template, request, url_for

from sync.people import people
from sync.people.people import PeopleProblem
from sync.sign_in import colleagues, oidc, sign_in
from sync.sign_in.attempts import TooManyAttempts
from sync.sign_in.sessions import Way
from sync.states import SignInMethod, Tone
from web import known_browser, second_step, security, sign_in_page, waiting_sign_ins
from web.answers import INVALID, safe_address
from web.permissions import open_to_all

pages = Blueprint("signin", __name__)

WRONG = "Wrong e-mail or password. Try again, or ask an Owner for a one-time link."
USED_UP = "This link was already used, or is older than an hour. Ask for a new one, or sign in here."


@pages.get("/sign-in")
@open_to_all
def show() -> Response | str:
    further = safe_address(request.args.get("next"))
    if security.signed_in_person():
        return redirect(further, 303)
    return sign_in_page.page(further)


@pages.get("/sign-in/<token>")
@open_to_all
def follow_link(token: str) -> Response | tuple[str, int]:
    """Sign in by a one-time link. A link that was made for another person shows a button first, so that opening it
    doesn't use it up."""
    if request.method == "HEAD":
        return "", 200
    if sign_in.link_asks(token):
        return render_template("signin/link.html", token=token), 200
    return use_link(token)


@pages.post("/sign-in/<token>")
@open_to_all
def use_link(token: str) -> Response | tuple[str, int]:
    invited = colleagues.is_invitation(token)
    person = sign_in.person_of_link(token)
    if person is None:
        return sign_in_page.page(url_for("home.show"), problem=USED_UP), 410
    waits = waiting_sign_ins.of_browser(person)
    further = url_for("waiting_sign_ins.show" if waits else "home.show")
    if invited and not person.password_hash:
        further = url_for("your_sign_in.show")
        flash("You are signed in. Add a password or a passkey, so that you can sign in again.", Tone.OK)
    return second_step.proceed(person, Way(SignInMethod.LINK, through="by a one-time link"), further)


@pages.post("/session")
@open_to_all
def create() -> Response | tuple[str, int]:
    email = request.form.get("email", "")
    further = safe_address(request.form.get("next"))
    try:
        person = sign_in.authenticate(email, request.form.get("password", ""), security.source(),
                                     known_browser.id_for(people.find_by_email(email)))
    except PeopleProblem as refusal:
        status = 429 if isinstance(refusal, TooManyAttempts) else INVALID
        return sign_in_page.page(further, email, str(refusal)), status
    if person is None:
        return sign_in_page.page(further, email, WRONG), INVALID
    return second_step.proceed(person, Way(SignInMethod.PASSWORD), further)


@pages.delete("/session")
@open_to_all
def delete() -> Response:
    address = oidc.end_address(security.sign_out(), current_app.config["ROLLCALL"].url)
    if address is None:
        return redirect(url_for("signin.show"), 303)
    # A page that redirects after it loads: a form's answer must not redirect to another host (form-action).
    page = make_response(render_template("signin/signed_out.html", address=address, provider=oidc.settings()))
    page.headers["Refresh"] = f"0; url={address}"
    return page
