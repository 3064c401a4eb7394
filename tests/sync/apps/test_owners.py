"""Which apps someone sees and may decide about: each way of asking gives the same apps."""

from __future__ import annotations

import pytest

from sync.apps import owners
from sync.models import App, AppPerson, Person
from sync.states import AppManager, WorkspaceRole


@pytest.fixture
def ida(chat, second) -> Person:
    """Someone without a workspace role."""
    AppPerson.delete().where(AppPerson.person == chat.people[3]).execute()
    return chat.people[3]


def seen_by(person: Person) -> set[int]:
    seen = owners.seen_ids(person)
    assert {id for id, _ in owners.seen_names(person)} == seen == {app.id for app in owners.apps_of(person)}
    assert {app.id for app in App.select() if owners.seen(person, app.id)} == connected(person) == seen
    return seen


def owned_by(person: Person) -> set[int]:
    owned = owners.owned_ids(person)
    assert {id for id, _ in owners.owned_names(person)} == owned == {app.id for app in owners.owned_by(person)}
    assert {app.id for app in App.select() if owners.owned(person, app.id)} == connected(person, owned=True) == owned
    return owned


def connected(person: Person, owned: bool = False) -> set[int]:
    """Of the apps here, each is connected."""
    ids = owners.connected_ids(person, owned=owned)
    return {app.id for app in App.select()} if ids is None else set(ids)


def test_a_collaborator_sees_an_app_and_its_owner_decides_about_it(chat, second, ida: Person) -> None:
    assert (seen_by(ida), owned_by(ida)) == (set(), set())
    AppPerson.create(app=chat.app, person=ida, manages_as=AppManager.COLLABORATOR)
    assert (seen_by(ida), owned_by(ida)) == ({chat.app.id}, set())
    AppPerson.create(app=second.app, person=ida, manages_as=AppManager.OWNER)
    assert (seen_by(ida), owned_by(ida)) == ({chat.app.id, second.app.id}, {second.app.id})


@pytest.mark.parametrize("role", owners.RUNS_ALL)
def test_workspace_owners_decide_about_each_app(chat, second, ida: Person, role: WorkspaceRole) -> None:
    ida.workspace_role = role
    assert seen_by(ida) == owned_by(ida) == {chat.app.id, second.app.id}


def test_nobody_has_an_app_that_is_not_there(chat, second, olga: Person) -> None:
    assert owners.owned(olga, None) is None and owners.seen(olga, 999) is None
