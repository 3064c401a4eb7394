"""Inviting a colleague: name, e-mail and role in one dialog. The link is mailed, or shown once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from flask import Blueprint, Response, abort, request, url_for

from sync import names
from sync.mail import outbox
from sync.people.people import PeopleProblem
from sync.sign_in import colleagues
from sync.states import WorkspaceRole
from web import role_table
from web.answers import INVALID, dialog, go_to, safe_address
from web.confirming import asks_again
from web.permissions import workspace_role
from web.security import by

pages = Blueprint("colleagues", __name__, url_prefix="/people/colleagues")

TITLE = "Invite a colleague"


@pages.get("/new")
@workspace_role(*colleagues.MAY_INVITE)
def new() -> tuple[str, int]:
    return _form({"role": WorkspaceRole.USER, "back": safe_address(request.args.get("back"), url_for("people.index"))})


@pages.post("")
@workspace_role(*colleagues.MAY_INVITE)
@asks_again
def create() -> Response | tuple[str, int]:
    given = request.form
    role, back = given.get("role", ""), safe_address(given.get("back"), url_for("people.index"))
    if role and role not in role_table.roles_to_give():
        abort(403)
    try:
        invited = colleagues.invite(given.get("name", ""), given.get("email", ""), role, by(), given.get("mark", ""))
    except PeopleProblem as problem:
        return _form({**given.to_dict(), "back": back}, str(problem), INVALID)
    name = names.person_name(invited.person)
    if not invited.link:
        to = names.main_email(invited.person)
        return go_to(back, f"{name} was invited. An e-mail with a link is on its way to {to}.")
    return dialog("people/_link.html", f"Invite {name}", 200, person=invited.person, name=name, link=invited.link,
                  lasts="three days", back=back)


def _form(given: Mapping[str, str], problem: str = "", status: int = 200) -> tuple[str, int]:
    return dialog("people/_colleague.html", TITLE, status, given=given, problem=problem, can_send=outbox.can_send(),
                  roles=role_table.role_field(given.get("role", "")),
                  mark=given.get("mark") or secrets.token_urlsafe(18))
