"""The apps: all of them as cards, and one with what is set for it (changed by app_settings.py)."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from peewee import fn

from sync import apps, match_decisions, policy, standing
from sync.models import App, AppPerson, Person, PersonEmail
from web.answers import page_or_part
from web.app_page import kind_of, owns, page
from web.frame import MANAGERS
from web.permissions import app_part, signed_in
from web.security import signed_in_person
from web.words import this_workspace

GUARDS = {
    "removed user": "would go", "updated role": "would have another role",
    "updated profile": "would have another e-mail address, name or status",
}  # fmt: skip
pages = Blueprint("apps", __name__, url_prefix="/apps")

STATES = {
    "waiting": "Waits for you",
    "attention": "Needs attention",
    "working": "Being checked",
    "ok": "Up to date",
    "neutral": "Paused or new",
}


@pages.get("")
@signed_in
def index() -> str:
    me = signed_in_person()
    mine = apps.apps_of(me)
    wanted = {name: request.args.get(name, "").strip() for name in ("search", "category", "state")}
    shown = mine
    for word in wanted["search"].casefold().split():
        shown = shown.where(fn.casefold(App.name).contains(word))
    if wanted["category"]:
        shown = shown.where(App.category == wanted["category"])
    shown = list(shown)
    standings = standing.standings(shown)
    if wanted["state"]:
        shown = [app for app in shown if standings[app.id].tone == wanted["state"]]
    return page_or_part(
        "apps/index.html", "apps/_grid.html", shown=shown, standings=standings, kind_of=kind_of,
        owned={app.id for app in apps.owned_by(me).select(App.id)},
        filtered=any(wanted.values()), states=STATES, may_connect=me.workspace_role in MANAGERS,
        categories=[app.category for app in mine.clone().select(App.category).distinct().order_by(App.category)],
        **wanted,
    )


@pages.get("/<int:app_id>/card")
@app_part("collaborator")
def card(app: App) -> str:
    """The app's card alone: what a card of an app that is being checked asks for."""
    return render_template("apps/_card.html", app=app, kind=kind_of(app), standing=standing.standing(app), owns=owns())


@pages.get("/<int:app_id>/head")
@app_part("collaborator")
def head(app: App) -> str:
    """The title of the app's pages alone."""
    return render_template("apps/_head.html", app=app, kind=kind_of(app), standing=standing.standing(app), owns=owns())


@pages.get("/<int:app_id>")
@app_part("collaborator")
def show(app: App) -> str:
    guards: dict[tuple, list[str]] = {}  # those with the same numbers are told in one sentence
    for kind, what in GUARDS.items():
        guards.setdefault((policy.guard_of(app, kind), policy.has_own_guard(app, kind)), []).append(what)
    return page(app, "apps/show.html", people=people_of(app), guards=guards, zone=this_workspace().zone,
                unanswered=match_decisions.unanswered(app) if app.services else [])


def people_of(app: App) -> list[AppPerson]:
    """Its Owners and Collaborators with their main addresses, Owners first."""
    rows = (
        AppPerson.select(AppPerson, Person).join(Person).where(AppPerson.app == app)
        .order_by(AppPerson.part.desc(), Person.name)
    )  # fmt: skip
    rows = list(rows)
    main = PersonEmail.select().where(PersonEmail.person.in_([row.person_id for row in rows]), PersonEmail.main)
    addresses = {email.person_id: email.email for email in main}
    for row in rows:
        row.email = addresses.get(row.person_id, "")
    return rows
