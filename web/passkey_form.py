"""What pages with a passkey share: the options that static/passkeys.js fetches, and the answer that its form sends.
The challenge waits in the session's cookie: no other browser can answer it."""

from __future__ import annotations

from flask import Response, current_app, request, session

from sync.models import Person
from sync.sign_in import passkeys
from sync.sign_in.passkeys import PasskeyProblem, Site
from web import known_browser

ASKED = "asked of a passkey"  # in the session
NOT_HERE = "Passkeys need an address with https:// and a host name. An Owner can set it with ROLLCALL_URL."


def site() -> Site | None:
    """By ROLLCALL_URL, never by what a request says of its host; None where passkeys can't be used."""
    return passkeys.site(current_app.config["ROLLCALL"].url)


def site_or_refusal() -> Site:
    here = site()
    if here is None:
        raise PasskeyProblem(NOT_HERE)
    return here


def options(asked: tuple[str, dict]) -> Response:
    """The options for the browser, which keeps the challenge."""
    body, session[ASKED] = asked
    return current_app.response_class(body, mimetype="application/json")


def refusal(problem: Exception) -> tuple[dict, int]:
    return {"problem": str(problem)}, 400


def kept() -> dict | None:
    """The challenge that this browser was given; it is handed out once."""
    return session.pop(ASKED, None)


def prove(purpose: passkeys.Purpose, person: Person | None, source: str) -> Person:
    """Whose passkey the form's answer is. Raises PasskeyProblem, TooManyAttempts."""
    answer, browser = request.form.get("credential", ""), known_browser.id_for(person)
    return passkeys.prove(site_or_refusal(), purpose, kept(), answer, person, source, browser)
