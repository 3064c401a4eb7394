"""An app whose accounts a test writes down: with user names and employee numbers, read by the real code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

import connectors
from connectors.base import CHANGE_ROLE, LOOK_UP, REMOVE, Connector, Field, Identity, Refused, Role
from connectors.base import Account as Seat
from sync.apps import apps
from sync.checks import checks
from sync.jobs import asking
from sync.models import Account, App, Check, Person

LISTS: dict[str, Listed] = {}


class ListedApp(Connector):
    slug = "listed"
    label = "Listed"
    capabilities = frozenset((LOOK_UP,))

    def test(self) -> Identity:
        return LISTS["listed"].identity

    def roles(self) -> list[Role]:
        return list(LISTS["listed"].roles)

    def accounts(self) -> Iterator[Seat]:
        yield from list(LISTS["listed"].seats.values())

    def account(self, id: str) -> Seat | None:
        return LISTS["listed"].seats.get(id)


class ListedOperations(ListedApp):
    """The same where accounts can be removed and given another role: beside it they keep theirs, or lose all."""

    slug = "listed-operations"
    capabilities = frozenset((LOOK_UP, REMOVE, CHANGE_ROLE))

    @classmethod
    def roles_after(cls, account: Seat, role: str) -> tuple[str, ...]:
        if role == "owner":
            raise Refused("The owner hands the app over there.")
        return super().roles_after(account, role)

    def remove(self, account: Seat) -> None:
        LISTS["listed"].seats.pop(account.id, None)

    def change_role(self, account: Seat, role: str) -> None:
        listed = LISTS["listed"]
        listed.changed.append((account.id, role))
        kept = listed.seats[account.id].further_roles if listed.keeps else ()
        listed.say(account.id, role=role, further_roles=tuple(each for each in kept if each != role))


class ListedPlaces(ListedOperations):
    """The same in several places, whose ids have nothing to do with each other."""

    slug = "listed-places"
    fields = (Field("place", "Place"), Field("key", "Key", of_credential=True),
              Field("version", "Version", required=False, asks_secrets_again=False))  # fmt: skip


class Listed:
    """`seats` is the accounts in the app, `roles` the possible roles; `check()` reads it."""

    app: App
    keeps = False  # what a change of role really does

    def __init__(self, olga: Person, by: str):
        self.olga, self.by = olga, by
        self.seats: dict[str, Seat] = {}
        self.identity = Identity(name="the list")
        self.roles = [Role("member", "Member", default=True)]
        self.changed: list[tuple[str, str]] = []
        LISTS["listed"] = self

    @staticmethod
    def now() -> Listed:
        """The one that the connector reads."""
        return LISTS["listed"]

    def connect(self, kind: str = "listed", **values: str) -> None:
        self.app = apps.connect(kind, "The list", values, [self.olga], self.by)

    def add(self, id: str, **fields: object) -> None:
        self.seats[id] = Seat(**{"id": id, "role": "member", **fields})

    def say(self, id: str, **fields: object) -> None:
        self.seats[id] = replace(self.seats[id], **fields)

    def check(self) -> Check:
        asked = asking.ask(self.app, self.by)
        checks.run(asked.id)
        check = Check.get_by_id(asked.id)
        assert check.state == "succeeded", check.error
        return check

    def account(self, id: str) -> Account:
        return Account.get(Account.app == self.app, Account.external_id == id)


def make_known(patch: pytest.MonkeyPatch) -> None:
    kinds = connectors.app_connectors() | {kind.slug: kind for kind in (ListedApp, ListedOperations, ListedPlaces)}
    patch.setattr(connectors, "app_connectors", lambda: kinds)


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch, olga: Person, by: str) -> Listed:
    """A connected app with nobody in it but its owner."""
    make_known(monkeypatch)
    listed = Listed(olga, by)
    listed.connect()
    listed.add("owner", email="olga@acme.example", name="Olga Brandt")
    return listed


@pytest.fixture(params=[False, True], ids=["replaces all", "keeps others"])
def acting(request, monkeypatch: pytest.MonkeyPatch, olga: Person, by: str) -> Listed:
    """The same with operations, for an app that removes all other roles, and for one that keeps them."""
    make_known(monkeypatch)
    monkeypatch.setattr(ListedOperations, "change_role_keeps", request.param)
    listed = Listed(olga, by)
    listed.keeps = request.param
    listed.roles = [
        Role("owner", "Owner", privileged=True), Role("admin", "Admin", privileged=True), Role("billing", "Billing"),
        Role("editor", "Editor"), Role("member", "Member", default=True),
    ]  # fmt: skip
    listed.connect("listed-operations")
    listed.add("owner", email="olga@acme.example", name="Olga Brandt", role="owner")
    return listed
