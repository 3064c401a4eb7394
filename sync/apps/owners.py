"""Who is an Owner or Collaborator of which app, by their own part or by their workspace role."""

from __future__ import annotations

from sync.models import App, AppPerson, Person
from sync.states import AppState, Part, WorkspaceRole

RUNS_ALL = (WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)  # workspace roles that count as Owner of every app


def part_of(person: Person, app: App) -> str | None:
    """owner, collaborator or None; a workspace owner or super admin counts as Owner of every app."""
    if person.workspace_role in RUNS_ALL:
        return Part.OWNER
    row = AppPerson.get_or_none(AppPerson.app == app, AppPerson.person == person)
    return row and row.part


def apps_of(person: Person):
    """The apps that this person may see, by name, as a query."""
    query = App.select().where(App.state != AppState.DISCONNECTED).order_by(App.name)
    if person.workspace_role not in RUNS_ALL:
        query = query.where(App.id.in_(AppPerson.select(AppPerson.app).where(AppPerson.person == person)))
    return query


def owned_by(person: Person):
    """The apps that this person may check and decide about, by name, as a query."""
    if person.workspace_role in RUNS_ALL:
        return apps_of(person)
    owns = (AppPerson.person == person) & (AppPerson.part == Part.OWNER)
    return apps_of(person).where(App.id.in_(AppPerson.select(AppPerson.app).where(owns)))


def owners_of(app: App) -> list[Person]:
    owns = (AppPerson.app == app) & (AppPerson.part == Part.OWNER)
    return list(Person.select().join(AppPerson).where(owns).order_by(Person.name))
