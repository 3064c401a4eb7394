"""One's own password, set on the page "Your sign-in". It asks for the current one, or for other proof."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from sync import names
from sync.people.people import PeopleProblem
from sync.sign_in import sign_in
from web import known_browser, your_sign_in
from web.answers import INVALID, go_to
from web.confirming import asks_again
from web.permissions import signed_in
from web.security import by, sign_in_again, signed_in_person, source

pages = Blueprint("own_password", __name__, url_prefix="/settings/password")


def _has_no_password() -> bool:
    """True if there is no current password to ask for."""
    return not signed_in_person().password_hash


@pages.put("")
@signed_in
@asks_again(when=_has_no_password)
def update() -> Response | tuple[str, int]:
    me, given = signed_in_person(), request.form
    try:
        if me.password_hash and sign_in.authenticate(
                names.main_email(me), given.get("current", ""), source(), known_browser.id_for(me)) != me:
            raise PeopleProblem("The current password is wrong.")
        if given.get("password") != given.get("password_again"):
            raise PeopleProblem("The new passwords don't match.")
        sign_in.set_password(me, given.get("password", ""), by())
    except PeopleProblem as problem:
        return your_sign_in.page(password_problem=f"{problem} Nothing was changed."), INVALID
    sign_in_again()
    return go_to(url_for("your_sign_in.show"), "Your password was changed. You were signed out everywhere else.")
