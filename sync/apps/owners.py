"""Who is an Owner or Collaborator of which app, by the app's own list or by their workspace role."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import NamedTuple

from peewee import ModelSelect

from sync.listing import Among, one_of
from sync.models import App, AppPerson, Person
from sync.prepared import prepared, prepared_plain
from sync.search.texts import contains, text_of, words_of
from sync.states import AppManager, AppState, WorkspaceRole

RUNS_ALL = (WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)  # workspace roles that count as Owner of every app


def manages_as(person: Person, app: App) -> str | None:
    """owner, collaborator or None; a workspace owner or super admin counts as Owner of every app."""
    if person.workspace_role in RUNS_ALL:
        return AppManager.OWNER
    row = AppPerson.get_or_none(AppPerson.app == app, AppPerson.person == person)
    return row and row.manages_as


def apps_of(person: Person):
    """The apps that this person may see, by name, as a query: also drafts that something was entered into."""
    return seen_by(person, person.workspace_role in RUNS_ALL).order_by(App.name)


def seen_by(person: Person, all_apps: bool) -> ModelSelect:
    """The same in no order. `all_apps`: this person's workspace role is one of RUNS_ALL."""
    empty = (App.state == AppState.CONNECTING) & App.credential.is_null()
    query = App.select().where(App.state != AppState.DISCONNECTED, ~empty)
    if not all_apps:
        query = query.where(App.id.in_(AppPerson.select(AppPerson.app).where(AppPerson.person == person)))
    return query


def owned_by(person: Person):
    """The apps that this person may check and decide about, by name, as a query."""
    return _theirs(person, person.workspace_role in RUNS_ALL, owned=True).order_by(App.name)


def shown(person: Person, words: str = "", category: str = "") -> ModelSelect:
    """Those of apps_of() whose name contains each of the words, in this category if one is given; as a query."""
    query = apps_of(person)
    if wanted := words_of(words):
        named = [id for id, name in seen_names(person) if contains(text_of([name]), wanted)]
        query = query.where(one_of(App.id, json.dumps(named)))
    return query.where(App.category == category) if category else query


def connected_of(person: Person, all_apps: bool, owned: bool = False) -> ModelSelect:
    """Those of seen_by() that are connected, in no order, by the condition of an index; only `owned` ones if that is
    asked."""
    connected = App.select().where(App.is_connected)
    if all_apps:
        return connected
    theirs = own_ids(person) if owned else AppPerson.select(AppPerson.app).where(AppPerson.person == person)
    return connected.where(App.id.in_(theirs))


def connected_ids(person: Person, *, owned: bool = False) -> Among:
    """The connected apps that this person may see, or decide about if they are asked for as `owned`."""
    if person.workspace_role in RUNS_ALL:
        return None
    return [id for (id,) in _connected_ids(person, owned=owned)]


@prepared_plain
def _connected_ids(person: Person, *, owned: bool) -> ModelSelect:
    return connected_of(person, all_apps=False, owned=owned).select(App.id)


class Seen(NamedTuple):
    """A connected app, with what the charts of all apps need. `created_at` is as the database has it."""

    id: int
    created_at: object
    users: int


def connected_rows(person: Person) -> list[Seen]:
    """The connected apps that this person may see."""
    return [Seen._make(row) for row in _connected_rows(person, all_apps=person.workspace_role in RUNS_ALL)]


@prepared_plain
def _connected_rows(person: Person, *, all_apps: bool) -> ModelSelect:
    return connected_of(person, all_apps).select(App.id, App.created_at, App.users).order_by(App.id)


def owned_among(person: Person, ids: Collection[int]) -> set[int]:
    """Those of these apps that this person may decide about."""
    if person.workspace_role in RUNS_ALL:
        return set(ids)
    return owned_ids(person).intersection(ids)


def categories(person: Person) -> list[str]:
    """The categories of the apps that this person may see, in order."""
    return [category for (category,) in _categories(person, all_apps=person.workspace_role in RUNS_ALL)]


@prepared_plain
def _categories(person: Person, *, all_apps: bool) -> ModelSelect:
    return seen_by(person, all_apps).select(App.category).distinct().order_by(App.category)


def seen_ids(person: Person) -> set[int]:
    """The ids of apps_of()."""
    return {id for (id,) in _ids(person, all_apps=person.workspace_role in RUNS_ALL, owned=False)}


def seen_names(person: Person) -> list[tuple[int, str]]:
    """The ids and names of apps_of(), by name."""
    return _names(person, all_apps=person.workspace_role in RUNS_ALL, owned=False)


def seen(person: Person, id: int | None) -> App | None:
    """The one of apps_of() that has this id."""
    return _with_id(id, person, owned=False)


def owned_ids(person: Person) -> set[int]:
    """The ids of owned_by()."""
    return {id for (id,) in _ids(person, all_apps=person.workspace_role in RUNS_ALL, owned=True)}


def owned_names(person: Person) -> list[tuple[int, str]]:
    """The ids and names of owned_by(), by name."""
    return _names(person, all_apps=person.workspace_role in RUNS_ALL, owned=True)


def owned(person: Person, id: int | None) -> App | None:
    """The one of owned_by() that has this id."""
    return _with_id(id, person, owned=True)


@prepared_plain
def _ids(person: Person, *, all_apps: bool, owned: bool) -> ModelSelect:
    return _theirs(person, all_apps, owned).select(App.id)


@prepared_plain
def _names(person: Person, *, all_apps: bool, owned: bool) -> ModelSelect:
    return _theirs(person, all_apps, owned).select(App.id, App.name).order_by(App.name, App.id)


def _with_id(id: int | None, person: Person, owned: bool) -> App | None:
    found = _those_with_id(id or 0, person, all_apps=person.workspace_role in RUNS_ALL, owned=owned)
    return next(iter(found), None)


@prepared
def _those_with_id(id: int, person: Person, *, all_apps: bool, owned: bool) -> ModelSelect:
    return _theirs(person, all_apps, owned).where(App.id == id)


def _theirs(person: Person, all_apps: bool, owned: bool) -> ModelSelect:
    """Those of seen_by(), or of these only those that the person may decide about."""
    seen = seen_by(person, all_apps)
    return seen.where(App.id.in_(own_ids(person))) if owned and not all_apps else seen


def own_ids(person: Person) -> ModelSelect:
    """The ids of the apps of which they are an Owner by the app's own list, as a query."""
    return AppPerson.select(AppPerson.app).where(AppPerson.person == person, AppPerson.manages_as == AppManager.OWNER)


def is_no_owner(person: str) -> str:
    """SQL: `person`, the expression of an id, isn't named as an Owner of the row's `app`."""
    return f"""NOT EXISTS (SELECT 1 FROM app_person m WHERE m.app_id = app.id AND m.person_id = {person}
        AND m.manages_as = '{AppManager.OWNER}')"""


@prepared
def people_of(app: App) -> ModelSelect:
    """Its Owners and Collaborators with the people, Owners first."""
    rows = AppPerson.select(AppPerson, Person).join(Person).where(AppPerson.app == app)
    return rows.order_by(AppPerson.manages_as.desc(), Person.name)


def owners_of(app: App) -> list[Person]:
    owns = (AppPerson.app == app) & (AppPerson.manages_as == AppManager.OWNER)
    return list(Person.select().join(AppPerson).where(owns).order_by(Person.name))
