"""Remembers in a signed cookie who has signed in with this browser before.
Only for the count of wrong passwords: it opens nothing."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import Flask, Response, current_app, g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from sync import vault
from sync.models import Person

FOR = timedelta(days=400)  # the longest that browsers keep a cookie
PEOPLE = 20  # of one browser


def install(app: Flask) -> None:
    app.after_request(_set_cookie)


def id_for(person: Person | None) -> str:
    """The browser's id where this person has signed in with it before, else ""."""
    known = _known()
    return known["id"] if person is not None and person.id in known["people"] else ""


def remember(person: Person) -> None:
    """This person has signed in with the browser that asks."""
    known = _known()
    others = [other for other in known["people"] if other != person.id][-PEOPLE + 1:]
    g.known_browser = {"id": known["id"] or secrets.token_urlsafe(12), "people": [*others, person.id]}


def _known() -> dict:
    try:
        return _signer().loads(request.cookies.get(_name(), ""), max_age=FOR.total_seconds())
    except BadSignature:
        return {"id": "", "people": []}


def _set_cookie(answer: Response) -> Response:
    if known := g.pop("known_browser", None):
        answer.set_cookie(
            _name(), _signer().dumps(known), max_age=FOR, httponly=True, samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            path=current_app.session_interface.get_cookie_path(current_app),
        )  # fmt: skip
    return answer


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(vault.derive("known browser"), salt="known browser")


def _name() -> str:
    return current_app.config["SESSION_COOKIE_NAME"] + "-known"
