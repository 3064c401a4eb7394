"""Part of the battery for apps: no operation goes out with a hole in it, whatever the account or the asset lacks."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.base import ASSETS, CHANGE_ROLE, GRANT, INVITE, REMOVE, REVOKE, Account, Asset, Connector, Refused
from tests.connectors.fake import FakeApp, Request

NOTHING = (None, "", "None", "null", [], {})
EMPTY_FILTER = re.compile(r"""(\beq|\bco|=|:)\s*(""|''|$)|\(\s*\)""")


def holes(request: Request, declared: str, may_be_empty: tuple[str, ...] = ()) -> Iterator[str]:
    """What a request lacks: a segment of its path, the value of a parameter or of a filter, a value in its body."""
    segments = request.path.strip("/").split("/") if not declared.endswith("/") else request.path[1:-1].split("/")
    if any(segment in NOTHING for segment in segments) or request.path.endswith("/") != declared.endswith("/"):
        yield f"{request.method} {request.path}: an empty segment"
    for name, value in request.params.items():
        if name not in may_be_empty and (value in NOTHING or EMPTY_FILTER.search(value)):
            yield f"{request.method} {request.path}: the parameter {name} is {value!r}"
    for name, value in _values(request.body):
        if name not in may_be_empty and (value in NOTHING or isinstance(value, str) and EMPTY_FILTER.search(value)):
            yield f"{request.method} {request.path}: {name} in the body is {value!r}"


def _values(node: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from _values(value, key)
    elif isinstance(node, list) and node:
        for value in node:
            yield from _values(value, name)
    elif name:
        yield name, node


class HolesContract:
    """Mixed into ConnectorContract, whose attributes it uses."""

    may_be_empty: tuple[str, ...] = ()  # parameters and body fields that the app's description wants empty, and why

    def of_each_kind(self, app: FakeApp, connector: Connector) -> tuple[list[Account], list[Asset]]:
        """Three accounts, of which the first has access to an asset, and an invited one where there is such a thing."""
        self.fill(app, 3)
        if "invited" in self.statuses:
            seat = self.make_seat(3)
            seat.status = "invited"
            app.seats.append(seat)
        if ASSETS in self.kind.capabilities:
            app.things = [self.make_thing(0)]
            app.things[0].members = {app.seats[0].id: self.asset_role}
        accounts = list(connector.accounts())
        assets = list(connector.assets()) if ASSETS in self.kind.capabilities else []
        return sorted(accounts, key=lambda account: account.id != app.seats[0].id), assets

    def try_with_holes(
        self, app: FakeApp, connector: Connector, account: Account | None, name: str, *what: Any
    ) -> None:
        """Run the operation, with the account's id alone: it does what is right, or is Refused with the reason.
        Nothing with a hole goes out, and nobody else is touched."""
        app.requests.clear()
        before = copy.deepcopy((app.seats, app.things))
        try:
            getattr(connector, name)(*((Account(account.id),) if account else ()), *what)
        except Refused as refusal:
            assert not re.search(r"“”|“None”| \.| None\b", str(refusal)), f"does not say what is missing: {refusal}"
            assert (app.seats, app.things) == before
        for request in app.requests:
            found = app._fact(request)
            assert found, f"{request.method} {request.path} is not declared"
            assert not list(holes(request, found[0].path, self.may_be_empty))
        whose = {account.id, account.email} if account else set()
        others = {seat.id: seat for seat in before[0] if not {seat.id, seat.email} & whose}
        assert others == {seat.id: seat for seat in app.seats if seat.id in others}
        for thing, was in zip(app.things, before[1]):
            assert {key: role for key, role in thing.members.items() if key not in whose} == {
                key: role for key, role in was.members.items() if key not in whose
            }
        app.seats, app.things = before

    @pytest.mark.only_where(REMOVE)
    def test_a_removal_has_no_hole(self, app, connector):
        for account in self.of_each_kind(app, connector)[0]:
            self.try_with_holes(app, connector, account, "remove")

    @pytest.mark.only_where(CHANGE_ROLE)
    @pytest.mark.parametrize("role", ["", "other"])
    def test_a_change_of_role_has_no_hole(self, app, connector, role):
        for account in self.of_each_kind(app, connector)[0]:
            self.try_with_holes(app, connector, account, "change_role", role and self.other_role)

    @pytest.mark.only_where(INVITE)
    @pytest.mark.parametrize("email,role", [("", "usual"), ("new@acme.example", ""), ("new@acme.example", "usual")])
    def test_an_invitation_has_no_hole(self, app, connector, email, role):
        self.of_each_kind(app, connector)
        self.try_with_holes(app, connector, None, "invite", email, role and self.role)

    @pytest.mark.only_where(GRANT)
    @pytest.mark.parametrize("role", ["", "usual"])
    def test_a_grant_has_no_hole(self, app, connector, role):
        accounts, assets = self.of_each_kind(app, connector)
        for account in accounts:
            for asset in assets:
                bare = Asset(asset.id, asset.kind)
                self.try_with_holes(app, connector, account, "grant", bare, role and self.asset_role)

    @pytest.mark.only_where(REVOKE)
    def test_a_revocation_has_no_hole(self, app, connector):
        accounts, assets = self.of_each_kind(app, connector)
        for account in accounts:
            for asset in assets:
                self.try_with_holes(app, connector, account, "revoke", Asset(asset.id, asset.kind))
