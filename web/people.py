"""The people of the workspace: search, add, edit and import them, mark them as left, and manage how they sign in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for

from sync import names
from sync.apps import owners
from sync.directory import waiting_files
from sync.log_lines import Log
from sync.mail import reach as mail_reach
from sync.matching import addresses
from sync.models import Person
from sync.people import holds, importing, last_owner, people, person_list
from sync.people.people import PeopleProblem
from sync.people.person_list import People
from sync.sign_in import colleagues, second_factor
from sync.sign_in import sign_in as signing_in
from sync.states import PersonStatus, WorkspaceRole
from sync.words import are
from web import columns, held, log_view, person_filters, person_view, stale
from web.answers import INVALID, asked, dialog, go_to, page_or_part, wants_part
from web.confirming import asks_again
from web.frame import MANAGERS
from web.list_view import Listed, nothing_matches
from web.log_view import Place
from web.permissions import outranks, require_rank_over, workspace_role
from web.role_table import ROLE_HELP, RoleChoice, role_field, roles_to_give
from web.rows import row_or_404
from web.security import by, sign_in_again, signed_in_person
from web.uploads import content_of, name_of
from web.words import plural

pages = Blueprint("people", __name__, url_prefix="/people")

LINES = 20  # of the timeline at a time


@pages.get("")
@workspace_role(*MANAGERS)
def index() -> str:
    wanted = People.of(request.args)
    listed = Listed(url_for("people.index"), wanted, person_list.ORDER)
    page, head = person_list.search(wanted, listed.sort, asked("page") or 1), person_filters.head(listed)
    return page_or_part(
        "people/index.html", "people/_list.html", waits=held.waiting(), rows=person_view.rows(page.rows),
        list_head=head, heads=listed.heads(person_filters.COLUMNS), page=page, address=listed.address,
        nobody_found=nothing_matches("No one matches", wanted, head) if wanted.asked else "",
        search=wanted.search,
        download=listed.download(url_for("downloads.of_people")),
        may_invite=signed_in_person().workspace_role in colleagues.MAY_INVITE,
        invite_address=url_for("colleagues.new", back=url_for("people.index")),
    )  # fmt: skip


@pages.get("/filters")
@workspace_role(*MANAGERS)
def filters() -> tuple[str, int]:
    """The dialog with all filters of the list: its form goes back to the list."""
    wanted = People.of(request.args)
    listed = Listed(url_for("people.index"), wanted, person_list.ORDER)
    return dialog("lists/_filters.html", "Filter people", here=listed.here, back=listed.address,
                  fields=person_filters.fields(wanted), kept=listed.kept_beside(*person_filters.ASKED))  # fmt: skip


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
        if importing.asks_first(content):
            return go_to(columns.address_of(waiting_files.for_import(signed_in_person(), content, name)))
        outcome = importing.import_csv(content, by(), name=name)
    except PeopleProblem as problem:
        return dialog("people/_import.html", "Import people", INVALID, problem=str(problem))
    return columns.imported(outcome)


def _uploaded() -> tuple[bytes, str]:
    """The uploaded list and the name of its file."""
    name, content = name_of("file"), content_of("file")
    if not content.strip():
        raise PeopleProblem("Choose a file that has a row for each person. Nothing was changed.")
    return content, name or "The list"


@pages.get("/<int:person_id>")
@workspace_role(*MANAGERS)
def show(person_id: int) -> str:
    person = _person(person_id)
    open_to_me = owners.seen_ids(signed_in_person())
    timeline = _timeline(person, open_to_me)
    if wants_part():
        return render_template("people/_timeline.html", person=person, **timeline)
    accounts = person_view.accounts(person, open_to_me)
    factors = second_factor.kinds(person)
    owned = owners.owned_ids(signed_in_person())
    email = names.main_email(person)
    return render_template(
        "people/show.html", person=person, name=person.name or email, email=email, reach=mail_reach.warning([email]),
        emails=person_view.emails(person, addresses.sources(person)), keeping=person_view.keeping_badges(person),
        accounts=accounts, removed=person_view.removed(person, open_to_me, owned),
        directories=person_view.directories(person), leaving=person_view.leaving(person),
        role_help=ROLE_HELP.get(person.workspace_role, ""), factors=person_view.factors(factors),
        offers=_offers(person, bool(accounts.rows), bool(factors)), waits=held.waiting(person), **timeline,
    )


@dataclass(frozen=True)
class Offers:
    """What the page offers to do with the person; `change` comes before all the others."""

    change: bool
    departure: bool
    offboarding: bool
    reactivation: bool
    role: bool
    sign_in: bool
    factor_reset: bool


def _offers(person: Person, has_accounts: bool, has_factors: bool) -> Offers:
    me = signed_in_person()
    change, here = outranks(me, person), person.status != PersonStatus.DEPROVISIONED
    role = change and me.workspace_role in (WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
    sign_in = bool(role and person.workspace_role and here)
    return Offers(
        change,
        departure=here,
        offboarding=here or has_accounts,
        reactivation=person.status != PersonStatus.ACTIVE,
        role=role,
        sign_in=sign_in,
        factor_reset=sign_in and has_factors and may_reset_factor(person),
    )


def _timeline(person: Person, app_ids: set[int]) -> dict:
    place = Place(url_for("people.show", person_id=person.id),
                  lambda line: url_for("activity.line", line=line, person=person.id), app_ids, person=person,
                  lines=LINES)  # fmt: skip
    return {"log": log_view.shown(Log(search=Log.of(request.args).search), place)}


@pages.get("/<int:person_id>/edit")
@workspace_role(*MANAGERS)
def edit(person_id: int) -> tuple[str, int]:
    person = person_below(person_id)
    return _edit(person, _as_stored(person))


def _edit(person: Person, given: Mapping[str, str], problem: str = "") -> tuple[str, int]:
    return dialog("people/_edit.html", f"Edit {names.person_name(person)}", INVALID if problem else 200, person=person,
                  given=given, seen=stale.mark(_as_stored(person)), problem=problem)


def _as_stored(person: Person) -> dict[str, str]:
    return {"name": person.name, "emails": "\n".join(email.email for email in person.addresses())}


def _signs_in(person_id: int) -> bool:
    """An address lets its holder sign in as this person through a provider."""
    return _person(person_id).workspace_role is not None


@pages.patch("/<int:person_id>")
@workspace_role(*MANAGERS)
@asks_again(when=_signs_in)
def update(person_id: int) -> Response | tuple[str, int]:
    person, given = person_below(person_id), request.form
    if stale.is_stale(_as_stored(person)):
        return _edit(person, _as_stored(person), stale.CHANGED)
    try:
        people.edit(person, by(), name=given.get("name", ""), emails=_lines(given.get("emails", "")))
    except PeopleProblem as problem:
        return _edit(person, given, str(problem))
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
    kept = holds.how_long(person)
    then = f"Their accounts are kept {kept}." if kept else "The next check of each app adds their account to a report."
    return go_to(person_address(person), f"{names.person_name(person)} is marked as having left. {then}")


def _departure(person: Person, status: int = 200, problem: str = "") -> tuple[str, int]:
    name = names.person_name(person)
    return dialog("people/_departure.html", f"Mark {name} as having left?", status, person=person, problem=problem,
                  consequences=[_deprovisioned(person), _accounts_then(person)])


def _deprovisioned(person: Person) -> str:
    signed_out = " They are signed out of Rollcall immediately." if person.workspace_role else ""
    return (f"{names.person_name(person)} will be treated as deprovisioned, even if a directory lists them as active."
            f"{signed_out}")


def _accounts_then(person: Person) -> str:
    """What happens to this person's accounts after they have left, in a sentence."""
    count, kept = len(people.accounts_of(person)), holds.how_long(person)
    if not count:
        return "They have no account in any connected app."
    accounts = f"Their {plural(count, 'account') if count > 1 else 'account'}"
    if kept:
        return f"{accounts} {are(count)} kept {kept}."
    of_which = "each" if count > 1 else "the"
    return (f"{accounts} will be added to a report at {of_which} app's next check. Nothing is removed until an Owner "
            "of the app approves, unless automatic removal is on.")


@pages.delete("/<int:person_id>/departure")
@workspace_role(*MANAGERS)
def come_back(person_id: int) -> Response:
    person = person_below(person_id)
    people.mark_returned(person, by())
    return go_to(person_address(person), f"{names.person_name(person)} is active again.")


@pages.get("/<int:person_id>/workspace-role")
@workspace_role(WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
def role(person_id: int) -> tuple[str, int]:
    return _role(person_below(person_id))


@pages.put("/<int:person_id>/workspace-role")
@workspace_role(WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
@asks_again
def set_role(person_id: int) -> Response | tuple[str, int]:
    person, wanted = person_below(person_id), request.form.get("role") or None
    if wanted not in (None, *roles_to_give()):
        abort(403)
    try:
        people.set_workspace_role(person, wanted, by())
    except PeopleProblem as problem:
        return _role(person, INVALID, str(problem))
    name = names.person_name(person)
    done = f"{name} can now sign in as {wanted}." if wanted else f"{name} can no longer sign in."
    return go_to(person_address(person), done)


def _role(person: Person, status: int = 200, problem: str = "") -> tuple[str, int]:
    none = RoleChoice("", "No access to Rollcall", "Known to Rollcall, but can't sign in.", not person.workspace_role)
    return dialog("people/_role.html", f"What can {names.person_name(person)} do in Rollcall?", status,
                  person=person, roles=role_field(person.workspace_role or "", none), problem=problem)


@pages.get("/<int:person_id>/password")
@workspace_role(WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
def password(person_id: int) -> tuple[str, int]:
    return _password(person_below(person_id))


def _password(person: Person, status: int = 200, problem: str = "") -> tuple[str, int]:
    name = names.person_name(person)
    return dialog("people/_password.html", f"Set a password for {name}", status, person=person, name=name,
                  problem=problem)


@pages.put("/<int:person_id>/password")
@workspace_role(WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
@asks_again
def set_password(person_id: int) -> Response | tuple[str, int]:
    person = person_below(person_id)
    try:
        signing_in.set_password(person, request.form.get("password", ""), by())
    except PeopleProblem as problem:
        return _password(person, INVALID, str(problem))
    if person == signed_in_person():
        sign_in_again()
    return go_to(person_address(person), f"{names.person_name(person)} can sign in with the new password.")


@pages.post("/<int:person_id>/sign-in-links")
@workspace_role(WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
@asks_again
def create_link(person_id: int) -> tuple[str, int]:
    person = person_below(person_id)
    if not last_owner.may_sign_in(person):
        abort(403)
    token = signing_in.signed_link(person, by())
    link = current_app.config["ROLLCALL"].url + url_for("signin.follow_link", token=token)
    name = names.person_name(person)
    return dialog("people/_link.html", f"One-time link for {name}", person=person, name=name, link=link,
                  lasts="one hour", back=person_address(person))


def _person(person_id: int) -> Person:
    return row_or_404(Person, person_id)


def person_below(person_id: int) -> Person:
    """The person, or 403 where the one who is signed in may not change them."""
    person = _person(person_id)
    require_rank_over(person)
    return person


def may_reset_factor(person: Person) -> bool:
    """True for a person of lower rank, and for one Owner to another. One's own is on "Your sign-in"."""
    me = signed_in_person()
    same_rank = person.workspace_role == me.workspace_role
    return person != me and outranks(me, person) and (me.workspace_role == WorkspaceRole.OWNER or not same_rank)


def person_address(person: Person) -> str:
    return url_for("people.show", person_id=person.id)


def _further(given) -> list[str]:
    return _lines(given.get("further_emails", ""))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace(",", "\n").splitlines() if line.strip()]
