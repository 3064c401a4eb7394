"""How strong a password is, shown as it is typed. It is never stored, logged or compared with others.
The form refuses a weak one, even without JavaScript."""

from __future__ import annotations

from flask import Blueprint, Response, abort, make_response, render_template, request

from sync import names
from sync.models import Person
from sync.people import people
from sync.sign_in import passwords, sign_in
from sync.states import WorkspaceRole
from sync.workspace import workspace
from web.answers import asked
from web.permissions import open_to_all, outranks
from web.security import signed_in_person

SETS_PASSWORDS = (WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)  # of others

pages = Blueprint("password_strength", __name__, url_prefix="/password-strengths")


@pages.post("")
@open_to_all
def create() -> Response:
    """For people who are signed in, and for the set-up page with its token. Empty while another password is rated."""
    me = signed_in_person()
    if me is None and not sign_in.check_setup_token(request.form.get("token", "")):
        abort(404)
    found = passwords.strength_if_free(request.form.get("password", ""), *_known(me))
    if found is None:
        return make_response("", 204)
    return make_response(render_template("_strength.html", found=found, strong=found.score >= passwords.STRONG_ENOUGH))


def _known(me: Person | None) -> list[str]:
    """The words that a stranger would try first: the person's names and addresses. Those of another person are used
    only for someone who may set their password. Otherwise, anyone could find out which addresses are known here."""
    if me is None:
        return [request.form.get(name, "")[:200] for name in ("workspace", "name", "email")]
    other = people.with_id(asked("person"))
    sets_theirs = other is not None and me.workspace_role in SETS_PASSWORDS and outranks(me, other)
    whose = other if sets_theirs else me
    return [whose.name, names.main_email(whose), workspace().name]
