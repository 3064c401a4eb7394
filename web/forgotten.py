"""A forgotten password: asking for a link by e-mail, and the page that the link opens."""

from __future__ import annotations

from flask import Blueprint, Response, flash, render_template, request, url_for

from sync.people.people import PeopleProblem
from sync.sign_in import forgotten
from sync.sign_in.attempts import TooManyAttempts
from sync.sign_in.sessions import Way
from sync.states import SignInMethod, Tone
from web import second_step, security
from web.answers import INVALID
from web.permissions import open_to_all

pages = Blueprint("forgotten", __name__, url_prefix="/sign-in/password")

DIFFER = "The passwords don't match. Nothing was changed. Enter them again."


@pages.get("")
@open_to_all
def show() -> str:
    return _page()


@pages.post("")
@open_to_all
def create() -> str | tuple[str, int]:
    """The same answer for every address."""
    email = request.form.get("email", "")
    if not forgotten.is_offered():
        return _page(email), INVALID
    if not email.strip():
        return _page(problem="Enter your e-mail address. Nothing was sent."), INVALID
    try:
        forgotten.ask(email, security.source())
    except TooManyAttempts as problem:
        return _page(email, str(problem)), 429
    return _page(email, asked=True)


def _page(email: str = "", problem: str = "", asked: bool = False) -> str:
    return render_template("signin/forgotten.html", email=email, problem=problem, asked=asked,
                           offered=forgotten.is_offered())


@pages.get("/<token>")
@open_to_all
def edit(token: str) -> str | tuple[str, int]:
    """Opening the link doesn't use it up, as programs that check mail open links too."""
    person = forgotten.person_of(token)
    return _form(token) if person else (_page(problem=forgotten.USED_UP), 410)


@pages.post("/<token>")
@open_to_all
def update(token: str) -> Response | tuple[str, int]:
    given = request.form
    if forgotten.person_of(token) is None:
        return _page(problem=forgotten.USED_UP), 410
    try:
        if given.get("password") != given.get("password_again"):
            raise PeopleProblem(DIFFER)
        person = forgotten.set_new(token, given.get("password", ""))
    except PeopleProblem as problem:
        return _form(token, str(problem)), INVALID
    flash("Your password was changed. You were signed out everywhere else.", Tone.OK)
    return second_step.proceed(person, Way(SignInMethod.PASSWORD, through="by a new password"), url_for("home.show"))


def _form(token: str, problem: str = "") -> str:
    return render_template("signin/new_password.html", token=token, problem=problem)
