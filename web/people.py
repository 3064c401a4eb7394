"""The people of the workspace: found, added, edited, said to have left or come back, let in or kept out."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for

from sync import (
    activity,
    addresses,
    apps,
    keeping,
    mail_reach,
    names,
    ownership,
    people,
    people_import,
    person_page,
    precedence,
    second_factor,
    signin,
    waiting_files,
)
from sync.models import Person
from sync.people import PeopleProblem
from web import columns, held
from web.answers import INVALID, asked, dialog, go_to, page_or_part, wants_part
from web.app_page import kind_of
from web.confirming import asks_again
from web.frame import MANAGERS
from web.permissions import WORKSPACE_ROLES, outranks, require_rank_over, workspace_role
from web.security import by, sign_in_again, signed_in_person
from web.uploads import content_of, name_of

pages = Blueprint("people", __name__, url_prefix="/people")

TOLD = 20  # entries of the timeline at a time
ROLE_WORDS = {
    "owner": "Everything, and who else is an owner.",
    "super admin": "Everything, but for owners.",
    "admin": "People and directories, and the apps they have a part in.",
    "user": "The apps they have a part in.",
    "guest": "The apps they have a part in; from outside the company.",
}


@pages.get("")
@workspace_role(*MANAGERS)
def index() -> str:
    wanted = {"search": request.args.get("search", ""), "status": request.args.get("status", "")}
    if wanted["status"] not in people.STATUSES:
        wanted["status"] = ""
    page = people.search(**wanted, page=asked("page") or 1)
    address = url_for("people.index") + "?" + urlencode({name: value for name, value in wanted.items() if value})
    return page_or_part(
        "people/index.html", "people/_list.html",
        waits=held.told(),
        page=page, address=address, statuses=people.STATUSES, seats=people.seats(page.rows), **wanted,
    )


@pages.get("/new")
@workspace_role(*MANAGERS)
def new() -> tuple[str, int]:
    return dialog("people/_new.html", "Add a person", given={})


@pages.post("")
@workspace_role(*MANAGERS)
def create() -> Response | tuple[str, int]:
    given = request.form
    try:
        person = people.add(given.get("name", ""), given.get("email", ""), by(), _further(given))
    except PeopleProblem as problem:
        return dialog("people/_new.html", "Add a person", INVALID, given=given, problem=str(problem))
    return go_to(person_address(person), f"{names.person_name(person)} was added.")


@pages.get("/imports/new")
@workspace_role(*MANAGERS)
def new_import() -> tuple[str, int]:
    return dialog("people/_import.html", "Import people")


@pages.post("/imports")
@workspace_role(*MANAGERS)
def create_import() -> Response | tuple[str, int]:
    try:
        content, name = _uploaded()
        if people_import.asks_first(content):
            return go_to(columns.address_of(waiting_files.for_import(signed_in_person(), content, name)))
        outcome = people_import.import_csv(content, by(), name=name)
    except PeopleProblem as problem:
        return dialog("people/_import.html", "Import people", INVALID, problem=str(problem))
    return columns.imported(outcome)


def _uploaded() -> tuple[bytes, str]:
    """The list and what it is called."""
    name, content = name_of("file"), content_of("file")
    if not content.strip():
        raise PeopleProblem("Choose a file that has a row for each person. Nothing was changed.")
    return content, name or "The list"


@pages.get("/<int:person_id>")
@workspace_role(*MANAGERS)
def show(person_id: int) -> str:
    person = _person(person_id)
    open_to_me = {app.id for app in apps.apps_of(signed_in_person())}
    timeline = _timeline(person, open_to_me)
    if wants_part():
        return render_template("people/_timeline.html", person=person, **timeline)
    seats = people.seats_of(person)
    entries = people.entries_of(person)
    visible = [seat for seat in seats if seat.app_id in open_to_me]
    return render_template(
        "people/show.html", person=person, email=names.main_email(person), elsewhere=len(seats) - len(visible),
        reach=mail_reach.warning([names.main_email(person)]), address_of=addresses.sources(person),
        seats=person_page.in_full(visible), cost=person_page.cost(visible), groups=person_page.groups(person),
        removed=person_page.removed(person, open_to_me), invitations=person_page.invitations(person, open_to_me),
        offboardings=person_page.offboardings(person), role_words=ROLE_WORDS,
        factors=second_factor.kinds(person), may_reset=may_reset_factor(person),
        entries=entries, decides=precedence.decides(entries),
        waits=held.told(person),
        kind_of=kind_of, owned={app.id for app in apps.owned_by(signed_in_person())}, **timeline,
    )


def _timeline(person: Person, app_ids: set[int]) -> dict:
    search = request.args.get("search", "").strip()
    told = activity.entries(person=person, search=search, before_id=asked("before"), limit=TOLD + 1, of_apps=app_ids)
    older = told[TOLD - 1].id if len(told) > TOLD else None
    return {"told": told[:TOLD], "older": older, "search": search, "before": asked("before")}


@pages.get("/<int:person_id>/edit")
@workspace_role(*MANAGERS)
def edit(person_id: int) -> tuple[str, int]:
    person = person_below(person_id)
    ordered = sorted(person.emails, key=lambda email: (not email.main, email.id))
    given = {"name": person.name, "emails": "\n".join(email.email for email in ordered)}
    return dialog("people/_edit.html", f"Edit {names.person_name(person)}", person=person, given=given)


def _signs_in(person_id: int) -> bool:
    """Whoever has an address of somebody can become them at a provider."""
    return _person(person_id).workspace_role is not None


@pages.patch("/<int:person_id>")
@workspace_role(*MANAGERS)
@asks_again(when=_signs_in)
def update(person_id: int) -> Response | tuple[str, int]:
    person, given = person_below(person_id), request.form
    try:
        people.edit(person, by(), name=given.get("name", ""), emails=_lines(given.get("emails", "")))
    except PeopleProblem as problem:
        return dialog("people/_edit.html", f"Edit {names.person_name(person)}", INVALID,
                      person=person, given=given, problem=str(problem))
    return go_to(person_address(person), "Saved.")


@pages.get("/<int:person_id>/departure")
@workspace_role(*MANAGERS)
def departure(person_id: int) -> tuple[str, int]:
    return _departure(person_below(person_id))


@pages.post("/<int:person_id>/departure")
@workspace_role(*MANAGERS)
def depart(person_id: int) -> Response | tuple[str, int]:
    person = person_below(person_id)
    try:
        people.mark_left(person, by(), request.form.get("reason", ""))
    except PeopleProblem as problem:
        return _departure(person, INVALID, str(problem))
    kept = keeping.how_long(person)
    seats = f"Seats of theirs stay {kept}." if kept else "The next check of each app puts their seat in a report."
    return go_to(person_address(person), f"{names.person_name(person)} has left. {seats}")


def _departure(person: Person, status: int = 200, problem: str = "") -> tuple[str, int]:
    return dialog("people/_departure.html", f"{names.person_name(person)} has left the company?", status,
                  person=person, seats=len(people.seats_of(person)), kept=keeping.how_long(person), problem=problem)


@pages.delete("/<int:person_id>/departure")
@workspace_role(*MANAGERS)
def come_back(person_id: int) -> Response:
    person = person_below(person_id)
    people.mark_returned(person, by())
    return go_to(person_address(person), f"{names.person_name(person)} is active again.")


@pages.get("/<int:person_id>/workspace-role")
@workspace_role("owner", "super admin")
def role(person_id: int) -> tuple[str, int]:
    return _role(person_below(person_id))


@pages.put("/<int:person_id>/workspace-role")
@workspace_role("owner", "super admin")
@asks_again
def set_role(person_id: int) -> Response | tuple[str, int]:
    person, wanted = person_below(person_id), request.form.get("role") or None
    if wanted not in (None, *_roles_to_give()):
        abort(403)
    try:
        people.set_workspace_role(person, wanted, by())
    except PeopleProblem as problem:
        return _role(person, INVALID, str(problem))
    said = f"{names.person_name(person)} {'may sign in as ' + wanted if wanted else 'may not sign in'}."
    return go_to(person_address(person), said)


def _role(person: Person, status: int = 200, problem: str = "") -> tuple[str, int]:
    return dialog("people/_role.html", f"What may {names.person_name(person)} do in Rollcall?", status,
                  person=person, roles=[(name, ROLE_WORDS[name]) for name in _roles_to_give()], problem=problem)


def _roles_to_give() -> list[str]:
    me = signed_in_person()
    return [name for name in WORKSPACE_ROLES if outranks(me, Person(workspace_role=name))]


@pages.get("/<int:person_id>/password")
@workspace_role("owner", "super admin")
def password(person_id: int) -> tuple[str, int]:
    person = person_below(person_id)
    return dialog("people/_password.html", f"Set a password for {names.person_name(person)}", person=person)


@pages.put("/<int:person_id>/password")
@workspace_role("owner", "super admin")
@asks_again
def set_password(person_id: int) -> Response | tuple[str, int]:
    person = person_below(person_id)
    try:
        signin.set_password(person, request.form.get("password", ""), by())
    except PeopleProblem as problem:
        return dialog("people/_password.html", f"Set a password for {names.person_name(person)}", INVALID,
                      person=person, problem=str(problem))
    if person == signed_in_person():
        sign_in_again()
    return go_to(person_address(person), f"{names.person_name(person)} can sign in with the new password.")


@pages.post("/<int:person_id>/sign-in-links")
@workspace_role("owner", "super admin")
@asks_again
def create_link(person_id: int) -> tuple[str, int]:
    person = person_below(person_id)
    if not ownership.may_sign_in(person):
        abort(403)
    link = current_app.config["ROLLCALL"].url + url_for("signin.follow_link", token=signin.signed_link(person, by()))
    return dialog("people/_link.html", f"A one-time link for {names.person_name(person)}", person=person, link=link)


def _person(person_id: int) -> Person:
    return Person.get_or_none(Person.id == person_id) or abort(404)


def person_below(person_id: int) -> Person:
    """Somebody whom the one who is signed in may change."""
    person = _person(person_id)
    require_rank_over(person)
    return person


def may_reset_factor(person: Person) -> bool:
    """Somebody below; an Owner may reset another Owner's second factor too. One's own is on "Your sign-in"."""
    me = signed_in_person()
    same_rank = person.workspace_role == me.workspace_role
    return person != me and outranks(me, person) and (me.workspace_role == "owner" or not same_rank)


def person_address(person: Person) -> str:
    return url_for("people.show", person_id=person.id)


def _further(given) -> list[str]:
    return _lines(given.get("further_emails", ""))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace(",", "\n").splitlines() if line.strip()]
