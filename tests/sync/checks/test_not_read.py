"""A check whose reading left an asset out keeps what is known of it: access, accounts, and a warning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import connectors
from connectors.base import ASSETS, LOOK_UP, Access, Asset, NotRead, PartsUnread
from sync.models import Access as Known
from tests.sync.listed import LISTS, ListedApp


class Clients(ListedApp):
    """Two assets; `unread` names the one whose people can't be read."""

    capabilities = frozenset((LOOK_UP, ASSETS))
    unread = ""
    people = {"shoes": ("ana",), "hats": ("ana", "bo")}

    def accounts(self) -> Iterator:
        self.not_read = (NotRead(self.unread, "It has been deactivated."),) if self.unread else ()
        seen = {who for asset, people in self.people.items() if asset != self.unread for who in people}
        yield from (seat for id, seat in LISTS["listed"].seats.items() if id in seen)

    def assets(self) -> Iterator[Asset]:
        yield from (Asset(id, "ad account", id) for id in self.people)

    def access(self) -> Iterator[Access]:
        yield from (Access(who, asset, "admin", True) for asset, people in self.people.items()
                    if asset != self.unread for who in people)  # fmt: skip

    def account(self, id: str):
        raise AssertionError("nobody is looked for while a part isn't read")


@pytest.fixture
def clients(listed, monkeypatch):
    kinds = {**connectors.app_connectors(), "listed": Clients}
    monkeypatch.setattr(connectors, "app_connectors", lambda: kinds)
    for id in ("ana", "bo"):
        listed.add(id, email=f"{id}@acme.example", name=id)
    listed.check()
    return listed


def known() -> set[tuple[str, str]]:
    return {(access.account.external_id, access.asset.external_id) for access in Known.select()}


def test_an_asset_that_could_not_be_read_keeps_its_people(clients, monkeypatch):
    everything = {("ana", "shoes"), ("ana", "hats"), ("bo", "hats")}
    assert known() == everything
    monkeypatch.setattr(Clients, "unread", "hats")
    check = clients.check()
    assert known() == everything and clients.account("bo").state == "present"
    assert "access to the asset hats" in check.warning and "It has been deactivated." in check.warning
    assert "missing from the app's list: 1. They are kept" in check.warning
    assert check.counts["removed_users"] == check.counts["access"] == 0


def test_parts_that_were_read_still_change(clients, monkeypatch):
    monkeypatch.setattr(Clients, "unread", "hats")
    monkeypatch.setattr(Clients, "people", {"shoes": ("bo",), "hats": ("ana", "bo")})
    clients.check()
    assert known() == {("bo", "shoes"), ("ana", "hats"), ("bo", "hats")}
    assert clients.account("ana").state == "present"


class Unmanaged(Clients):
    """Leaves the asset that it can't read out of all lists, as it does with those that were never read."""

    elsewhere = "scarves"  # nobody is known there

    def accounts(self) -> Iterator:
        parts = (self.elsewhere, *filter(None, [self.unread]))
        yield from super().accounts()
        self.not_read = tuple(NotRead(part, "Only its managers see who uses it.", if_known=True) for part in parts)

    def assets(self) -> Iterator[Asset]:
        yield from (asset for asset in super().assets() if asset.id != self.unread)

    def account(self, id: str):
        raise PartsUnread("They may be in another one.", self.not_read)


@pytest.fixture
def unmanaged(clients, monkeypatch):
    kinds = {**connectors.app_connectors(), "listed": Unmanaged}
    monkeypatch.setattr(connectors, "app_connectors", lambda: kinds)
    return clients


def test_a_part_in_which_nobody_is_known_keeps_nobody(unmanaged, monkeypatch):
    monkeypatch.setattr(Clients, "people", {"shoes": ("ana",), "hats": ("ana",)})
    check = unmanaged.check()
    assert unmanaged.account("bo").state == "gone" and not check.warning


def test_a_part_that_is_no_longer_listed_keeps_its_known_people(unmanaged, monkeypatch):
    everything = known()
    monkeypatch.setattr(Clients, "unread", "hats")
    check = unmanaged.check()
    assert known() == everything and unmanaged.account("bo").state == "present"
    assert "access to the asset hats" in check.warning and "scarves" not in check.warning
    assert check.counts["removed_users"] == check.counts["access"] == 0
