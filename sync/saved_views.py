"""Saved views: a list's filters and order under a name, of one person or shared with everyone who may open the list.
A view opens an address and gives nobody a right: the list asks who may see it, as ever."""

from __future__ import annotations

from peewee import IntegrityError, ModelSelect

from connectors.names import clean_name
from sync import activity, rank
from sync.db import writing
from sync.models import App, SavedView
from sync.prepared import prepared
from sync.problems import Problem
from sync.rank import Asker
from sync.states import AppManager, ListName

MOST = 30  # of one person, of one list
LONGEST_NAME = 60  # characters
LONGEST_QUERY = 2000


class ViewProblem(Problem):
    """The view can't be kept like this. Nothing was changed. The text is for the page."""


def of_list(person_id: int, name: ListName, app: App | None = None) -> list[SavedView]:
    """The person's own views of the list and those that are shared, by name."""
    return _of_list(person_id, name, app or 0, of_app=app is not None)


@prepared
def _of_list(person_id: int, name: ListName, app: App | int, *, of_app: bool) -> ModelSelect:
    theirs = (SavedView.person == person_id) | SavedView.shared
    is_of = _is_of(name, app if of_app else None)
    return SavedView.select().where(is_of, theirs).order_by(SavedView.name, SavedView.id)


def with_id(view_id: int, by: Asker) -> SavedView | None:
    """The view, if it is there and this person may change it."""
    view = SavedView.get_or_none(SavedView.id == view_id)
    return view if view is not None and may_change(view, by) else None


def may_change(view: SavedView, by: Asker) -> bool:
    """Everyone their own; a shared one also who runs the workspace, as the person who made it may be gone."""
    return view.person_id == by.person_id or view.shared and by.role in rank.RANKS[:2]


def may_share(name: ListName, app: App | None, by: Asker) -> bool:
    """The Owners of the app; a list of the whole workspace, those who manage it."""
    if app is None:
        return by.role in rank.MANAGERS
    try:
        rank.require_manager(by, app, AppManager.OWNER)
    except rank.NotAllowed:
        return False
    return True


def save(name: str, of: ListName, app: App | None, query: str, by: Asker, shared: bool = False) -> SavedView:
    """Keep `query`, an address's filters and order, under a name. Raises ViewProblem, NotAllowed."""
    _refuse_sharing(shared, of, app, by)
    if not query or len(query) > LONGEST_QUERY:
        raise ViewProblem("Filter or sort the list first: a view keeps that.")
    with writing():
        mine = SavedView.select().where(SavedView.person == by.person_id, _is_of(of, app))
        if mine.count() >= MOST:
            raise ViewProblem(f"You have {MOST} views of this list, which is the limit. Delete one first.")
        kept = {"person": by.person_id, "list": of, "app": app, "name": _clean(name), "query": query, "shared": shared}
        try:
            view = SavedView.create(**kept)
        except IntegrityError:
            raise _taken(name) from None
        if shared:
            activity.record(by, "shared view", about=view.name, why=f"of {of}", app=app)
        return view


def change(view: SavedView, name: str, shared: bool, by: Asker) -> None:
    """Another name, shared or not. Raises ViewProblem, NotAllowed."""
    _refuse_foreign(view, by)
    if shared and not view.shared:
        _refuse_sharing(shared, view.list, view.app, by)
    with writing():
        try:
            SavedView.update(name=_clean(name), shared=shared).where(SavedView.id == view.id).execute()
        except IntegrityError:
            raise _taken(name) from None
        if shared != view.shared:
            what = "shared view" if shared else "stopped sharing view"
            activity.record(by, what, about=_clean(name), why=f"of {view.list}", app=view.app_id)


def delete(view: SavedView, by: Asker) -> None:
    """Raises NotAllowed."""
    _refuse_foreign(view, by)
    with writing():
        SavedView.delete().where(SavedView.id == view.id).execute()
        if view.shared:
            activity.record(by, "deleted shared view", about=view.name, why=f"of {view.list}", app=view.app_id)


def _is_of(name: ListName, app: App | None):
    return (SavedView.list == name) & (SavedView.app.is_null() if app is None else SavedView.app == app)


def _clean(name: str) -> str:
    cleaned = clean_name(name)
    if not cleaned:
        raise ViewProblem("Give the view a name.")
    if len(cleaned) > LONGEST_NAME:
        raise ViewProblem(f"A name has at most {LONGEST_NAME} characters.")
    return cleaned


def _taken(name: str) -> ViewProblem:
    return ViewProblem(f"You already have a view called {clean_name(name)}. Choose another name.")


def _refuse_foreign(view: SavedView, by: Asker) -> None:
    if not may_change(view, by):
        raise rank.NotAllowed("This view is someone else's. Nothing was changed.")


def _refuse_sharing(shared: bool, name: ListName, app: App | None, by: Asker) -> None:
    if shared and not may_share(name, app, by):
        raise rank.NotAllowed("You can't share views of this list. Nothing was changed.")
