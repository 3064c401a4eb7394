"""An app whose accounts a test writes down: with user names and employee numbers, read by the real code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

import connectors
from connectors.base import LOOK_UP, Connector, Identity, Role
from connectors.base import Account as Seat
from sync import apps, checks
from sync.models import Account, App, Check, Person

LISTS: dict[str, Listed] = {}


class ListedApp(Connector):
    slug = "listed"
    label = "Listed"
    capabilities = frozenset((LOOK_UP,))

    def test(self) -> Identity:
        return Identity(name="the list")

    def roles(self) -> list[Role]:
        return list(LISTS["listed"].roles)

    def accounts(self) -> Iterator[Seat]:
        yield from list(LISTS["listed"].seats.values())

    def account(self, id: str) -> Seat | None:
        return LISTS["listed"].seats.get(id)


class Listed:
    """`seats` is who is in the app, `roles` what they may be there; `check()` reads it."""

    app: App

    def __init__(self, olga: Person, by: str):
        self.olga, self.by = olga, by
        self.seats: dict[str, Seat] = {}
        self.roles = [Role("member", "Member", default=True)]
        LISTS["listed"] = self

    def connect(self) -> None:
        self.app = apps.connect("listed", "The list", {}, [self.olga], self.by)

    def add(self, id: str, **said: object) -> None:
        self.seats[id] = Seat(**{"id": id, "role": "member", **said})

    def say(self, id: str, **said: object) -> None:
        self.seats[id] = replace(self.seats[id], **said)

    def check(self) -> Check:
        asked = checks.ask(self.app, self.by)
        checks.run(asked.id)
        check = Check.get_by_id(asked.id)
        assert check.state == "succeeded", check.error
        return check

    def account(self, id: str) -> Account:
        return Account.get(Account.app == self.app, Account.external_id == id)


def make_known(patch: pytest.MonkeyPatch) -> None:
    kinds = {**connectors.app_connectors(), "listed": ListedApp}
    patch.setattr(connectors, "app_connectors", lambda: kinds)


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch, olga: Person, by: str) -> Listed:
    """A connected app with nobody in it but its owner."""
    make_known(monkeypatch)
    listed = Listed(olga, by)
    listed.connect()
    listed.add("owner", email="olga@acme.example", name="Olga Brandt")
    return listed
