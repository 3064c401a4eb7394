"""Signing in through the company's OpenID Connect provider: the way there and the answer.
The request is kept in the session's cookie. sync/ decides who the person is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, redirect, request, session, url_for

from connectors.base import ConnectorError, TemporarilyUnavailable
from sync.sign_in import oidc, oidc_people, provider_factors, sessions
from sync.sign_in.oidc import OidcProblem
from sync.sign_in.sessions import Way
from sync.states import SecondFactor, SignInMethod
from sync.vault import VaultProblem
from web import second_step, security, sign_in_page
from web.answers import safe_address
from web.permissions import open_to_all
from web.security import current_session

if TYPE_CHECKING:
    from connectors import SignedIn

pages = Blueprint("oidc", __name__, url_prefix="/sign-in/oidc")

REFUSALS = (OidcProblem, ConnectorError, VaultProblem)  # shown on the page
ASKED = "asked of the provider"  # in the session
AT_ONCE = 3  # tabs in which a person signs in at the same time
BORNE = 120  # seconds that the provider's clock may be behind
LONGEST_NEXT = 500  # characters: it is kept in a cookie
DOWN = "{} can't be reached at the moment. Sign in with your password, or try again in a minute."
NOT_ASKED = (
    "This browser didn't begin this sign-in, has already used it, or took longer than ten minutes. "
    "Nothing was changed: start again at {}."
)


@pages.get("")
@open_to_all
def begin() -> Response | tuple[str, int]:
    """A link rather than a form: a form of ours may not lead to another host (form-action of the security policy)."""
    return to_provider(safe_address(request.args.get("next")))


def to_provider(further: str, again: bool = False) -> Response | tuple[str, int]:
    """Redirect to the provider, and to `further` afterwards. `again`: the person must sign in there again."""
    try:
        kept, address = oidc.begin(base_url(), again)
    except REFUSALS as problem:
        return _refused(problem, further)
    kept |= {"next": further if len(further) <= LONGEST_NEXT else safe_address(None), "at": int(time.time())}
    kept |= {"again": True} if again else {}
    session[ASKED] = [*session.get(ASKED, []), kept][-AT_ONCE:]
    return redirect(address, 303)


@pages.get("/answer")
@open_to_all
def answer() -> Response | tuple[str, int]:
    kept = _taken(request.args.get("state", ""))
    if kept is None:
        return _refused(OidcProblem(NOT_ASKED.format(base_url())))
    further, asked_at, again = kept.pop("next"), kept.pop("at"), kept.pop("again", False)
    try:
        came = oidc.finish(request.args, kept)
        if again:
            return _confirmed(came, asked_at, further)
        known = oidc.settings()
        person = oidc_people.admit(came.claims, known)
    except oidc_people.Unconfirmed as problem:
        if problem.waiting.person_may_confirm:
            session[security.WAITS] = problem.waiting.id
            further = url_for("waiting_sign_ins.show")
        return _refused(problem, further)
    except REFUSALS as problem:
        return _refused(problem, further)
    claims = came.token_claims
    second = SecondFactor.PROVIDER if provider_factors.are_two(claims, known.factor_acr) else ""
    way = Way(
        SignInMethod.PROVIDER, second, oidc.sealed(came), f"with {known.label}", provider_factors.proved_at(claims)
    )
    return second_step.proceed(person, way, further)


def _confirmed(came: SignedIn, asked_at: int, further: str) -> Response:
    """The person at this browser has signed in again. Raises OidcProblem for another person or an old sign-in."""
    session, at = current_session(), came.token_claims.get("auth_time")  # required where max_age was asked (Core 2)
    if session is None or oidc_people.known_as(came.claims) != session.person:
        raise OidcProblem("The provider signed in someone else. Nothing was confirmed.")
    if not isinstance(at, int) or at < asked_at - BORNE:
        raise OidcProblem("The provider doesn't confirm that you signed in again. Nothing was confirmed.")
    sessions.confirm(session)
    return redirect(further, 303)


def base_url() -> str:
    return current_app.config["ROLLCALL"].url


def _taken(state: str) -> dict | None:
    """The request that this browser made with this state, while it is fresh. It can be used once."""
    asked = session.get(ASKED, [])
    found = next((kept for kept in asked if kept["state"] == state), None)
    if found is None:
        return None
    session[ASKED] = [kept for kept in asked if kept is not found]
    return found if time.time() - found["at"] <= oidc.PATIENCE else None


def _refused(problem: Exception, further: str | None = None) -> tuple[str, int]:
    further = further or safe_address(None)
    if isinstance(problem, TemporarilyUnavailable):
        current_app.logger.warning("The sign-in provider can't be reached: %s", problem)
        return sign_in_page.page(further, problem=DOWN.format(oidc.settings().label)), 503
    return sign_in_page.page(further, problem=str(problem)), 403 if isinstance(problem, oidc_people.Refused) else 400
