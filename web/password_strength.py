"""How strong a password is, said as it is typed. It is compared with nothing, kept nowhere and logged nowhere.
The form itself refuses a weak one, also without JavaScript."""

from __future__ import annotations

from flask import Blueprint, Response, abort, make_response, render_template, request

from sync import names
from sync.models import Person
from sync.sign_in import passwords, sign_in
from sync.workspace import workspace
from web.answers import asked
from web.permissions import open_to_all, outranks
from web.security import signed_in_person

SETS_PASSWORDS = ("owner", "super admin")  # of others

pages = Blueprint("password_strength", __name__, url_prefix="/password-strengths")


@pages.post("")
@open_to_all
def create() -> Response:
    """For who is signed in, and for the set-up page with its token. Nothing is said while another is looked at."""
    me = signed_in_person()
    if me is None and not sign_in.check_setup_token(request.form.get("token", "")):
        abort(404)
    found = passwords.strength_if_free(request.form.get("password", ""), *_known(me))
    if found is None:
        return make_response("", 204)
    return make_response(render_template("_strength.html", found=found, strong=found.score >= passwords.STRONG_ENOUGH))


def _known(me: Person | None) -> list[str]:
    """What a stranger would try first: names and addresses of whom the password is for. Those of others are looked up
    for who may set their password alone: anybody else could find out by guessing which addresses are known here."""
    if me is None:
        return [request.form.get(name, "")[:200] for name in ("workspace", "name", "email")]
    other = Person.get_or_none(Person.id == asked("person")) if asked("person") else None
    sets_theirs = other is not None and me.workspace_role in SETS_PASSWORDS and outranks(me, other)
    whose = other if sets_theirs else me
    return [whose.name, names.main_email(whose), workspace().name]
