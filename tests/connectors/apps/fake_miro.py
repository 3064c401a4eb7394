"""Miro's SCIM for one Enterprise organisation: the calls and fields of its description, and no other."""

from __future__ import annotations

from tests.connectors.fake import Fact, Reply, Request, Seat
from tests.connectors.fake_scim import LISTING, PATCHING, FakeScim

# developers.miro.com, “SCIM API”, as github.com/api-evangelist/miro keeps it (openapi/miro-user-api-openapi.yml)
NEW = ("schemas", "userName", "name", "displayName", "userType", "active", "photos", "roles", "preferredLanguage")
ADMINISTRATOR, MEMBER = "ORGANIZATION_INTERNAL_ADMIN", "ORGANIZATION_INTERNAL_USER"


class FakeMiro(FakeScim):
    base_path = "/api/v1/scim"
    facts = (
        Fact("GET", "/ServiceProviderConfig", "config"),
        Fact("GET", "/ResourceTypes", "resource_types"),
        Fact("GET", "/Users", "users", LISTING),
        Fact("POST", "/Users", "create_user", (), NEW, ("userName",)),
        Fact("GET", "/Users/{id}", "user"),
        Fact("PATCH", "/Users/{id}", "patch_user", (), PATCHING, PATCHING),
        Fact("GET", "/Groups", "groups", LISTING),
        Fact("GET", "/Groups/{id}", "group"),
        Fact("PATCH", "/Groups/{id}", "patch_group", (), PATCHING, PATCHING),
    )

    def __init__(self):
        super().__init__()
        self.guests: list[Seat] = []  # “does not return users that are added in the organization as guests”

    def create_user(self, request: Request) -> Reply:
        for role in request.body.get("roles", ()):
            assert role["type"] == "organization_user_role" and role["value"] in (ADMINISTRATOR, MEMBER)
        return super().create_user(request)

    def patch_user(self, request: Request) -> Reply:
        """“To deactivate a Company Admin you need to revoke Company Admin permissions first.”"""
        seat = self.seat(request.ids["id"])
        if seat and seat.role == ADMINISTRATOR:
            return self.error(409, "A company admin can't be deactivated.")
        return super().patch_user(request)

    def _user(self, seat: Seat) -> dict:
        roles = [{"type": "organization_user_role", "value": seat.role, "primary": True}] if seat.role else []
        roles += [
            {"type": "organization_admin_role", "value": role, "primary": False} for role in seat.further_roles
        ]
        return super()._user(seat) | {"userType": "Full", "roles": roles}
