"""The browsers that somebody is signed in with: each can be signed out, and all of them at once.
Everybody sees their own."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, url_for

from sync import sessions
from web.answers import go_to
from web.permissions import signed_in
from web.security import by, current_session, signed_in_person
from web.words import plural

pages = Blueprint("sessions", __name__, url_prefix="/settings/sessions")


WAYS = {"password": "Password", "link": "One-time link", "provider": "Identity provider", "passkey": "Passkey",
        "set-up link": "Set-up link"}  # Session.method in words


@pages.get("")
@signed_in
def index() -> str:
    mine = sessions.sessions_of(signed_in_person())
    return render_template("settings/sessions.html", sessions=mine, mine=_mine(), ways=WAYS)


@pages.delete("/<int:session_id>")
@signed_in
def delete(session_id: int) -> Response:
    ended = sessions.end_sessions(signed_in_person(), by(), only=session_id)
    said = "That browser is signed out." if ended else "That session had ended already. Nothing was changed."
    return go_to(url_for("sessions.index"), said)


@pages.delete("")
@signed_in
def delete_others() -> Response:
    ended = sessions.end_sessions(signed_in_person(), by(), but=_mine())
    return go_to(url_for("sessions.index"), f"{plural(ended, 'other browser')} signed out. This one stays signed in.")


def _mine() -> int | None:
    """The session that this browser uses."""
    current = current_session()
    return current.id if current else None
