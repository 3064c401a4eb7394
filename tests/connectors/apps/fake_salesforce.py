"""Salesforce's SCIM for one organisation, and the access tokens of an app that signs in for itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.connectors.fake import Fact, Reply, Request, Seat
from tests.connectors.fake_scim import LISTING, PATCHING, FakeScim

# help.salesforce.com, “SCIM and REST API Reference Sheet”; “OAuth 2.0 Client Credentials Flow for Server-to-Server
# Integration”. The end of startIndex: trailhead.salesforce.com, community, 0D54V00007T4J5ASAV.
SCIM = "/services/scim/v2"
SIGN_IN = ("grant_type", "client_id", "client_secret")
CALLS = (
    Fact("GET", "/ServiceProviderConfigs", "config"),
    Fact("GET", "/ResourceTypes", "resource_types"),
    Fact("GET", "/Users", "users", LISTING),
    Fact("GET", "/Users/{id}", "user"),
    Fact("PATCH", "/Users/{id}", "patch_user", (), PATCHING, PATCHING),
    Fact("GET", "/Groups", "groups", LISTING),
    Fact("GET", "/Groups/{id}", "group"),
    Fact("PATCH", "/Groups/{id}", "patch_group", (), PATCHING, PATCHING),
)
NAMES = {"00eStandard": "Standard User", "00eAdmin": "System Administrator", "0PSReports": "Reports"}


class FakeSalesforce(FakeScim):
    base_path = ""
    facts = (
        Fact("POST", "/services/oauth2/token", "tokens", (), SIGN_IN, SIGN_IN),
        Fact("GET", "/services/oauth2/userinfo", "user_info"),
        *(replace(fact, path=SCIM + fact.path) for fact in CALLS),
    )
    reads = ("tokens",)
    client_id = "3MVG9-consumer-key"

    def __init__(self):
        super().__init__()
        self.removes_by_value = True  # help.salesforce.com, “Examples: Manage Group Members with SCIM”
        self.given = 0  # how many tokens
        self.last_start = 1_000_000
        self.own_user, self.sends_own_user = "005Integration", True

    def is_authorised(self, request: Request) -> bool:
        if request.path == "/services/oauth2/token":
            return request.body["client_secret"] == self.token and request.body["client_id"] == self.client_id
        return bool(self.given) and request.headers.get("authorization") == f"Bearer access-{self.given}"

    def tokens(self, request: Request) -> Any:
        assert request.body["grant_type"] == "client_credentials"
        self.given += 1
        return {"access_token": f"access-{self.given}", "token_type": "Bearer"}

    def user_info(self, request: Request) -> Any:
        """“UserInfo Response”: of the user that the app runs as."""
        if not self.sends_own_user:
            return self.error(403, "Missing_OAuth_Token")
        return {"user_id": self.own_user, "name": "Integration", "preferred_username": "int@acme.example"}

    def config(self, request: Request) -> Any:
        return super().config(request) | {"filter": {"supported": True, "maxResults": 200}}

    def users(self, request: Request) -> Any:
        if request.number("startIndex", 1) > self.last_start:
            return self.error(400, "Start index too big. Consider filtering down your result set")
        return super().users(request)

    def _user(self, seat: Seat) -> dict:
        """Profiles and permission sets are entitlements; `roles` are places in the role hierarchy."""
        held = [(seat.role, "Profile", True), *((role, "PermissionSet", False) for role in seat.further_roles)]
        entitlements = [
            {"value": id, "display": NAMES.get(id, ""), "type": kind, "primary": primary}
            for id, kind, primary in held if id
        ]  # fmt: skip
        hierarchy = [{"value": "00ESales", "display": "Sales admin"}]
        return super()._user(seat) | {"entitlements": entitlements, "roles": hierarchy} | self.raw.get(seat.id, {})

    def patch_user(self, request: Request) -> Reply:
        """Salesforce refuses the last system administrator; its words aren't documented."""
        seat = self.seat(request.ids["id"])
        if seat and seat.role == "00eAdmin":
            return self.error(400, "This user is the owner of the organisation and can't be deactivated.")
        return super().patch_user(request)

    def _changes(self, operations: list[dict]) -> dict:
        """help.salesforce.com, “Examples: Deactivate and Reactivate Users with SCIM”: without a path."""
        [operation] = operations
        assert operation.keys() == {"op", "value"}
        return operation["value"]
