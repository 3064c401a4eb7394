"""The 1Password connector: the contract, then what a SCIM bridge does in its own way."""

from __future__ import annotations

import re
from typing import Any

import pytest

from connectors.apps.one_password import OnePassword
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import Fact, Seat
from tests.connectors.fake_scim import LISTING, PATCHING, FakeScim


class FakeBridge(FakeScim):
    """1Password's SCIM bridge (support.1password.com, “1Password SCIM Bridge endpoints”, which names RFC 7644)."""

    base_path = "/scim"
    facts = (
        Fact("GET", "/ServiceProviderConfig", "config"),
        Fact("GET", "/ResourceTypes", "resource_types"),
        Fact("GET", "/Users", "users", LISTING),
        Fact("GET", "/Users/{id}", "user"),
        Fact("PATCH", "/Users/{id}", "patch_user", (), PATCHING, PATCHING),
        Fact("GET", "/Groups", "groups", LISTING),
        Fact("GET", "/Groups/{id}", "group"),
        Fact("PATCH", "/Groups/{id}", "patch_group", (), PATCHING, PATCHING),
    )

    def _user(self, seat: Seat) -> Any:
        return {name: value for name, value in super()._user(seat).items() if name != "roles"}


class TestOnePassword(ConnectorContract):
    kind = OnePassword
    fake = FakeBridge
    page = 500
    sends_fewer = True
    by_position = True
    has_roles = False
    refuses_owner = False
    statuses = ("active", "suspended")

    def test_a_removal_suspends(self, app, connector):
        self.fill(app, 1)
        connector.remove(next(connector.accounts()))
        assert next(connector.accounts()).status == "suspended"

    def test_owners_must_be_protected_by_hand(self, app, connector):
        assert connector.roles() == []
        assert any("Protect those people by hand" in one for one in connector.test().missing)

    @pytest.mark.parametrize(
        ("address", "right"),
        [
            ("https://provisioning.1password.com/scim/v2", True),  # support.1password.com/provisioning, hosted
            ("https://scim.example.com/scim", True),
            ("https://example.com/1password/scim/", True),
            ("https://scim.example.com", False),
            ("http://scim.example.com/scim", False),
        ],
    )
    def test_the_address_is_checked(self, address, right):
        assert bool(re.fullmatch(OnePassword.fields[0].pattern, address)) is right
