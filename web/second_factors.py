"""The second factors of others: an Owner requires them of everyone who manages; someone of a higher rank resets one."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request, url_for

from sync.models import Person
from sync.names import person_name
from sync.people.people import PeopleProblem
from sync.sign_in import second_factor
from sync.states import WorkspaceRole
from web import settings
from web.answers import INVALID, dialog, go_to
from web.confirming import asks_again
from web.people import may_reset_factor, person_address, person_below
from web.permissions import workspace_role
from web.security import by, signed_in_person

pages = Blueprint("second_factors", __name__)


@pages.get("/people/<int:person_id>/second-factor")
@workspace_role(WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
def show(person_id: int) -> tuple[str, int]:
    person = _resettable(person_id)
    name = person_name(person)
    return dialog("people/_second_factor.html", f"Reset the second factor of {name}?", person=person, name=name,
                  factors=second_factor.of(person))


@pages.delete("/people/<int:person_id>/second-factor")
@workspace_role(WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
@asks_again
def delete(person_id: int) -> Response:
    person = _resettable(person_id)
    name = person_name(person)
    if not second_factor.reset(person, by()):
        return go_to(person_address(person), f"{name} has no second factor. Nothing was changed.")
    return go_to(person_address(person), f"The second factor of {name} was reset. They are notified by e-mail.")


@pages.put("/settings/second-factor")
@workspace_role(WorkspaceRole.OWNER)
@asks_again
def update_requirement() -> Response | tuple[str, int]:
    required = bool(request.form.get("required"))
    try:
        second_factor.require(signed_in_person(), required, by())
    except PeopleProblem as problem:
        return settings.page(problems={"second_factor": str(problem)}), INVALID
    now = "Admins and Owners now need a second factor." if required else "A second factor is now optional."
    return go_to(url_for("settings.show"), now)


def _resettable(person_id: int) -> Person:
    person = person_below(person_id)
    if not may_reset_factor(person):
        abort(403)
    return person
