"""The second step of signing in: a person with a second factor is asked for it, whatever the first step was.
Nobody is signed in before that. Afterwards they get to the page they asked for."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, session, url_for

from sync.db import writing
from sync.models import Person
from sync.people.people import PeopleProblem
from sync.sign_in import passkeys, second_factor
from sync.sign_in import pending as pending_sign_in
from sync.sign_in.attempts import TooManyAttempts
from sync.sign_in.sessions import Way
from sync.states import SecondFactor, SignInMethod
from web import known_browser, passkey_form, security, sign_in_page
from web.answers import INVALID, safe_address
from web.permissions import open_to_all

pages = Blueprint("second_step", __name__, url_prefix="/sign-in")

PENDING = "pending sign-in"  # in the session
CHANGED = "How you sign in was changed just now, so you were not signed in. Start again."
ENDED = "This sign-in took longer than ten minutes. Start again."


def proceed(person: Person, way: Way, further: str) -> Response | tuple[str, int]:
    """Sign in, or ask for the second factor if the person already has one and the first step hasn't proved it."""
    with writing():  # no factor is added and no password changed between this check and the session: both end it
        if not pending_sign_in.still_holds(person):
            return sign_in_page.page(further, problem=CHANGED), 410
        if way.second_factor or not second_factor.has(person):
            security.sign_in(person, way)
            return redirect(further, 303)
    session[PENDING] = pending_sign_in.begin(person, way)
    return redirect(url_for("second_step.show", next=further), 303)


@pages.get("/second-factor")
@open_to_all
def show() -> Response | str | tuple[str, int]:
    person, further = _half_signed_in(), safe_address(request.args.get("next"))
    return _page(person, further) if person else redirect(url_for("signin.show", next=further), 303)


@pages.post("/second-factor")
@open_to_all
def create() -> Response | tuple[str, int]:
    person, further = _half_signed_in(), safe_address(request.form.get("next"))
    if person is None:
        return sign_in_page.page(further, problem=ENDED), 410
    try:
        if "credential" in request.form:
            passkey_form.prove(passkeys.Purpose.SECOND_STEP, person, security.source())
            used = SecondFactor.PASSKEY
        else:
            used = second_factor.prove(
                person, request.form.get("code", ""), security.source(), known_browser.id_for(person))
    except PeopleProblem as problem:
        return _page(person, further, str(problem)), 429 if isinstance(problem, TooManyAttempts) else INVALID
    with writing():
        way = pending_sign_in.finish(session.get(PENDING, ""), used)
        if way is None:
            return sign_in_page.page(further, problem=ENDED), 410
        security.sign_in(person, way)
    return redirect(further, 303)


@pages.post("/second-factor/challenges")
@open_to_all
def create_challenge() -> Response | tuple[dict, int]:
    person = _half_signed_in()
    try:
        if person is None:
            raise PeopleProblem(ENDED)
        here = passkey_form.site_or_refusal()
        return passkey_form.options(passkeys.to_prove(here, passkeys.Purpose.SECOND_STEP, person))
    except PeopleProblem as problem:
        return passkey_form.refusal(problem)


@pages.post("/passkey/challenges")
@open_to_all
def create_lone_challenge() -> Response | tuple[dict, int]:
    """For a passkey that signs in alone."""
    try:
        here = passkey_form.site_or_refusal()
        return passkey_form.options(passkeys.to_prove(here, passkeys.Purpose.SIGN_IN))
    except PeopleProblem as problem:
        return passkey_form.refusal(problem)


@pages.post("/passkey")
@open_to_all
def create_by_passkey() -> Response | tuple[str, int]:
    """A passkey whose device asked for a PIN, a face or a finger counts as two factors."""
    further = safe_address(request.form.get("next"))
    try:
        person = passkey_form.prove(passkeys.Purpose.SIGN_IN, None, security.source())
    except PeopleProblem as problem:
        status = 429 if isinstance(problem, TooManyAttempts) else INVALID
        return sign_in_page.page(further, problem=str(problem)), status
    security.sign_in(person, Way(SignInMethod.PASSKEY, SecondFactor.PASSKEY, through="with a passkey"))
    return redirect(further, 303)


def _half_signed_in() -> Person | None:
    token = session.get(PENDING)
    return pending_sign_in.person_of(token) if token else None


def _page(person: Person, further: str, problem: str = "") -> str:
    factors = second_factor.of(person)
    return render_template(
        "signin/second_factor.html", factors=factors, further=further, problem=problem,
        offers_passkey=bool(factors.passkeys) and passkey_form.site() is not None,
    )  # fmt: skip
