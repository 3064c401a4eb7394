"""The browsers where a person is signed in: each can be signed out, or all of them at once.
Everyone sees only their own."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, render_template, url_for

from sync.models import Session
from sync.sign_in import sessions
from sync.states import SignInMethod
from web.answers import go_to
from web.permissions import signed_in
from web.security import by, current_session, signed_in_person
from web.words import plural

pages = Blueprint("sessions", __name__, url_prefix="/settings/sessions")


WAYS = {
    SignInMethod.PASSWORD: "Password",
    SignInMethod.LINK: "One-time link",
    SignInMethod.PROVIDER: "Identity provider",
    SignInMethod.PASSKEY: "Passkey",
    SignInMethod.SET_UP_LINK: "Set-up link",
}


@pages.get("")
@signed_in
def index() -> str:
    rows = [_row(session) for session in sessions.sessions_of(signed_in_person())]
    return render_template("settings/sessions.html", rows=rows, has_others=len(rows) > 1)


@dataclass(frozen=True)
class Row:
    """A browser; `way` says how the person signed in there, "" where it isn't known."""

    session: Session
    browser: str
    mine: bool
    way: str


def _row(session: Session) -> Row:
    second = session.second_factor if session.second_factor != session.method else ""
    way = ", ".join(filter(None, (WAYS[session.method], second))) if session.method in WAYS else ""
    return Row(session, session.browser or "Unknown browser", session.id == _mine(), way)


@pages.delete("/<int:session_id>")
@signed_in
def delete(session_id: int) -> Response:
    ended = sessions.end_sessions(signed_in_person(), by(), only=session_id)
    outcome = "That browser was signed out." if ended else "That session had already ended. Nothing was changed."
    return go_to(url_for("sessions.index"), outcome)


@pages.delete("")
@signed_in
def delete_others() -> Response:
    ended = sessions.end_sessions(signed_in_person(), by(), but=_mine())
    return go_to(url_for("sessions.index"), f"{plural(ended, 'other browser')} signed out. This one stays signed in.")


def _mine() -> int | None:
    """The id of the session that this browser uses."""
    current = current_session()
    return current.id if current else None
