"""The apps: all of them as cards, and one with its settings (app_settings.py changes them)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from flask import Blueprint, render_template, request, url_for
from markupsafe import Markup

from sync.apps import app_list, owners
from sync.apps import status as app_status
from sync.apps.app_list import Apps
from sync.apps.status import Standing
from sync.directory import figures
from sync.models import App, Directory, Person
from sync.states import AppManager
from web import app_alerts, app_card, app_facts, app_filters, leaver_view, sample
from web.answers import asked, dialog, page_or_part, safe_address, without_dialog
from web.app_page import above_tabs, can, kind_of, owns, page
from web.frame import MANAGERS, manages
from web.leaver_view import StuckRow
from web.list_view import Listed, nothing_matches
from web.permissions import app_manager, signed_in
from web.security import signed_in_person
from web.words import plural, when

pages = Blueprint("apps", __name__, url_prefix="/apps")


@pages.get("")
@signed_in
def index() -> str:
    me, wanted = signed_in_person(), Apps.of(request.args)
    listed = Listed(url_for("apps.index"), wanted, app_list.ORDER)
    shown = app_list.search(me, wanted, listed.sort, asked("page") or 1)
    owned = owners.owned_among(me, [app.id for app, _ in shown.rows])
    head, drafts = app_filters.head(me, listed), app_list.drafts(me, wanted) if shown.number == 1 else []
    standings = {app.id: standing for app, standing in shown.rows}
    stuck = _stuck([app for app, _ in shown.rows if app.id in owned], standings)
    cards = [app_card.card(app, kind_of(app), standing, app.id in owned, stuck.get(app.id, ()))
             for app, standing in shown.rows]  # fmt: skip
    return page_or_part(
        "apps/index.html", "apps/_grid.html", cards=cards, page=shown, size=app_list.PAGE, address=listed.address,
        drafts=[_draft(app) for app in drafts], list_head=head,
        nothing=nothing_matches("No app matches", wanted, head), filtered=bool(wanted.asked),
        may_connect=me.workspace_role in MANAGERS, offers_sample=sample.is_offered(me),
        holding=_holding(me), download=listed.download(url_for("downloads.of_apps")), search=wanted.search,
    )  # fmt: skip


@pages.get("/filters")
@signed_in
def filters() -> tuple[str, int]:
    """The dialog with all filters of the list: its form goes back to the list."""
    wanted = Apps.of(request.args)
    listed = Listed(url_for("apps.index"), wanted, app_list.ORDER)
    return dialog("lists/_filters.html", "Filter apps", here=listed.here, back=listed.address,
                  fields=app_filters.fields(signed_in_person(), wanted),
                  kept=listed.kept_beside(*app_filters.ASKED))  # fmt: skip


def _stuck(owned: list[App], standings: Mapping[int, Standing]) -> dict[int, list[StuckRow]]:
    """Leavers who can't be removed yet, of the apps that this person may decide about."""
    return leaver_view.of_cards([app for app in owned if standings[app.id].facts.left], can, url_for("apps.index"))


@dataclass(frozen=True)
class Draft:
    """An app whose setup isn't finished; it doesn't count as an app yet."""

    app: App
    logo: str
    kind: str
    started: Markup | str


def _draft(app: App) -> Draft:
    return Draft(app, kind_of(app).logo, kind_of(app).label, when(app.created_at))


@dataclass(frozen=True)
class Holding:
    """A directory with changes that a guard holds: they decide who has left, so each app depends on them."""

    directory: Directory
    people: str


def _holding(me: Person) -> list[Holding]:
    """The directories with held changes, for people who may release them."""
    held = figures.holding() if manages(me) else []
    return [Holding(directory, plural(count, "person", "people")) for directory, count in held]


@pages.get("/<int:app_id>/card")
@app_manager(AppManager.COLLABORATOR)
def card(app: App) -> str:
    """The card of one app: the page asks for it again while the app is being checked."""
    standing = app_status.standing(app)
    stuck = _stuck([app], {app.id: standing}) if owns() else {}
    found = app_card.card(app, kind_of(app), standing, owns(), stuck.get(app.id, ()))
    return render_template("apps/_card.html", card=found)


@pages.get("/<int:app_id>/head")
@app_manager(AppManager.COLLABORATOR)
def head(app: App) -> str:
    """The title of the app's pages and what needs a person: loaded again when a check or a task changes them."""
    shown = urlsplit(request.headers.get("HX-Current-URL", ""))
    page_shown = without_dialog(urlunsplit(("", "", shown.path, shown.query, "")))
    back = safe_address(page_shown, url_for("apps.show", app_id=app.id))
    return render_template("apps/_head_again.html", app=app, **above_tabs(app, can(app), back))


@pages.get("/<int:app_id>")
@app_manager(AppManager.COLLABORATOR)
def show(app: App) -> str:
    return page(app, "apps/show.html", settings=app_facts.settings(app, owns()),
                unanswered=app_alerts.unanswered(app))
