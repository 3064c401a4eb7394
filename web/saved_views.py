"""Views of lists that someone has named: kept, renamed, shared and deleted in dialogs. Opening one is a plain link."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, abort, request, url_for

from sync import log_lines, saved_views
from sync.apps import app_list, apps, assets, member_list
from sync.apps.app_list import Apps
from sync.apps.assets import Assets
from sync.apps.member_list import Members
from sync.listing import Filter, Order
from sync.log_lines import Log
from sync.models import App, SavedView
from sync.people import person_list
from sync.people.person_list import People
from sync.rank import NotAllowed
from sync.reports import overview
from sync.reports.overview import Reports
from sync.saved_views import ViewProblem
from sync.states import AppManager, ListName, Tone
from web.answers import INVALID, dialog, go_to, safe_address, whole_number
from web.frame import manages
from web.list_view import Listed, SavedViews, ViewLink
from web.permissions import signed_in
from web.rows import row_or_404
from web.security import by, signed_in_person

pages = Blueprint("saved_views", __name__, url_prefix="/views")


@dataclass(frozen=True)
class Kind:
    """What a list's address may ask for, and where the list is: at `endpoint` in the workspace, at `of_app` inside an
    app, or at both. `least`: what someone must be at least to open it inside an app."""

    filter: type[Filter]
    order: Order
    endpoint: str = ""
    of_app: str = ""
    least: AppManager = AppManager.COLLABORATOR

    def address(self, app_id: int | None) -> str:
        return url_for(self.of_app, app_id=app_id) if app_id else url_for(self.endpoint)


KINDS = {
    ListName.MEMBERS: Kind(Members, member_list.ORDER, of_app="members.index"),
    ListName.APPS: Kind(Apps, app_list.ORDER, "apps.index"),
    ListName.ASSETS: Kind(Assets, assets.ORDER, of_app="assets.index"),
    ListName.REPORTS: Kind(Reports, overview.ORDER, "reports.index", "reports.of_app", AppManager.OWNER),
    ListName.PEOPLE: Kind(People, person_list.ORDER, "people.index"),
    ListName.ACTIVITY: Kind(Log, log_lines.ORDER, "activity.index", "tasks.index", AppManager.OWNER),
}
OF_MANAGERS = (ListName.PEOPLE, ListName.ACTIVITY)
GONE = "This view no longer exists."


def of_list(name: ListName, listed: Listed, app: App | None = None) -> SavedViews:
    """What the menu above the list offers."""
    found = saved_views.of_list(signed_in_person().id, name, app)
    links = [ViewLink(view.name, f"{listed.here}?{view.query}", view.query == listed.query, view.shared)
             for view in found]  # fmt: skip
    shown = [view for view in found if view.query == listed.query]
    now = next((view for view in shown if saved_views.may_change(view, by())), None)
    new = url_for("saved_views.new", list=name, app=app and app.id, query=listed.query)
    return SavedViews(
        links, next((link.name for link in links if link.here), ""),
        new if listed.query and not any(link.here for link in links) else "",
        url_for("saved_views.show", view_id=now.id, back=listed.address) if now else "",
    )  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """The list that a form is about, and what a view of it would keep."""

    name: ListName
    app: App | None
    query: str
    back: str


def _wanted() -> Wanted:
    """Only what the list itself understands is kept. 400 for no such list, 404 for one that isn't open to them."""
    given = request.values
    if given.get("list") not in KINDS:
        abort(400)
    name = ListName(given["list"])
    kind, me = KINDS[name], signed_in_person()
    inside = kind.of_app and (given.get("app") or not kind.endpoint)
    app = row_or_404(App, whole_number(given.get("app", "")) or 0) if inside else None
    theirs = apps.manages_as(me, app) if app else None
    if app and theirs not in (AppManager.OWNER, kind.least) or not app and name in OF_MANAGERS and not manages(me):
        abort(404)
    values = dict(parse_qsl(given.get("query", "")))
    sort = kind.order.asked(values.get("sort", ""))
    query = urlencode(kind.filter.of(values).asked | ({"sort": sort} if sort else {}))
    here = kind.address(app and app.id)
    return Wanted(name, app, query, f"{here}?{query}" if query else here)


@pages.get("/new")
@signed_in
def new() -> tuple[str, int]:
    return _new(_wanted())


def _new(wanted: Wanted, problem: str = "") -> tuple[str, int]:
    return dialog(
        "lists/_view.html", "Save this view", INVALID if problem else 200, wanted=wanted, problem=problem,
        address=url_for("saved_views.create"), method="POST",
        name=request.form.get("name", ""), shared="shared" in request.form, back=wanted.back,
        may_share=saved_views.may_share(wanted.name, wanted.app, by()),
    )  # fmt: skip


@pages.post("")
@signed_in
def create() -> Response | tuple[str, int]:
    wanted, given = _wanted(), request.form
    try:
        view = saved_views.save(given.get("name", ""), wanted.name, wanted.app, wanted.query, by(), "shared" in given)
    except (ViewProblem, NotAllowed) as problem:
        return _new(wanted, str(problem))
    return go_to(wanted.back, f"The view “{view.name}” is saved.")


@pages.get("/<int:view_id>")
@signed_in
def show(view_id: int) -> Response | tuple[str, int]:
    view = saved_views.with_id(view_id, by())
    return _show(view, view.name, view.shared) if view else _gone()


def _show(view: SavedView, name: str, shared: bool, problem: str = "") -> tuple[str, int]:
    return dialog(
        "lists/_view.html", f"View “{view.name}”", INVALID if problem else 200, view=view, problem=problem, name=name,
        address=url_for("saved_views.update", view_id=view.id), method="PATCH",
        shared=shared, back=_address(view), may_share=view.shared or saved_views.may_share(view.list, view.app, by()),
    )  # fmt: skip


@pages.patch("/<int:view_id>")
@signed_in
def update(view_id: int) -> Response | tuple[str, int]:
    view, given = saved_views.with_id(view_id, by()), request.form
    if view is None:
        return _gone()
    name, shared = given.get("name", ""), "shared" in given
    try:
        saved_views.change(view, name, shared, by())
    except (ViewProblem, NotAllowed) as problem:
        return _show(view, name, shared, str(problem))
    return go_to(_address(view), "The view is saved.")


@pages.delete("/<int:view_id>")
@signed_in
def delete(view_id: int) -> Response:
    view = saved_views.with_id(view_id, by())
    if view is None:
        return _gone()
    saved_views.delete(view, by())
    return go_to(_address(view), f"The view “{view.name}” is deleted. Nothing else was changed.")


def _address(view: SavedView) -> str:
    kind = KINDS.get(view.list)
    if kind is None:
        return url_for("home.show")
    return f"{kind.address(view.app_id)}?{view.query}"


def _gone() -> Response:
    return go_to(safe_address(request.values.get("back")), GONE, Tone.ATTENTION)
