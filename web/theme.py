"""Light or dark: as the device says, or as the person has chosen in this browser. The choice is a cookie of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, Flask, Response, abort, current_app, redirect, request

from web.answers import safe_address
from web.permissions import signed_in

pages = Blueprint("theme", __name__)

FOR = timedelta(days=400)  # the longest that browsers keep a cookie
CHOICES = {
    "": ("As on this device", "device-desktop"),
    "light": ("Light", "sun"),
    "dark": ("Dark", "moon"),
}


@dataclass(frozen=True)
class Choice:
    """A button; `pressed` as the attribute has it."""

    value: str
    label: str
    icon: str
    pressed: str


def install(app: Flask) -> None:
    app.jinja_env.globals.update(theme=theme, themes=themes)


def theme() -> str:
    """light or dark, as chosen; "" without a choice, or for a word that isn't one."""
    chosen = request.cookies.get(_name(), "")
    return chosen if chosen in CHOICES else ""


def themes() -> list[Choice]:
    now = theme()
    return [Choice(value, label, icon, str(value == now).lower()) for value, (label, icon) in CHOICES.items()]


@pages.put("/theme")
@signed_in
def update() -> Response:
    chosen = request.form.get("theme", "")
    if chosen not in CHOICES:
        abort(400)
    answer = redirect(safe_address(request.form.get("back")), 303)
    answer.set_cookie(
        _name(), chosen, max_age=FOR if chosen else 0, httponly=True, samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        path=current_app.session_interface.get_cookie_path(current_app),
    )  # fmt: skip
    return answer


def _name() -> str:
    return current_app.config["SESSION_COOKIE_NAME"] + "-theme"
