"""Canva's SCIM for one team: the calls that Rollcall makes of its documents, and no other."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, Reply, Request, Seat
from tests.connectors.fake_scim import LIST, PATCHING, FakeScim

# www.canva.dev/docs/scim: List users, Get a user, Update individual attributes for a user. There is no DELETE.
LISTING = ("startIndex", "count", "filter")


class FakeCanva(FakeScim):
    base_path = "/_scim/v2"
    reaches = {Reach.WORKSPACE: ("patch_user",)}  # “Canva Enterprise for single teams”
    facts = (
        Fact("GET", "/Users", "users", LISTING),
        Fact("GET", "/Users/{id}", "user"),
        Fact("PATCH", "/Users/{id}", "patch_user", (), PATCHING, PATCHING),
    )

    def __init__(self):
        super().__init__()
        self.supports = {"patch": True, "sort": False, "etag": False}
        self.wants_domain = ""

    def users(self, request: Request) -> Any:
        """“Must be between 1 and 10.”"""
        if not 1 <= request.number("count", 10) <= 10:
            return self.error(400, "count must be between 1 and 10")
        return super().users(request)

    def patch_user(self, request: Request) -> Reply:
        assert request.headers["content-type"] == "application/scim+json"
        seat = self.seat(request.ids["id"])
        if seat and not seat.email.endswith(self.wants_domain):
            return self.error(403, "Email domain not authorized for SCIM.")
        return super().patch_user(request)

    def _list(self, rows: list[dict], total: int | None = None, start: int = 1) -> dict:
        """The documents write `resources` in lower case, and that names are case-sensitive."""
        answer = super()._list(rows, total, start)
        return {"schemas": [LIST], "resources": answer.pop("Resources")} | answer

    def _user(self, seat: Seat) -> dict:
        user = super()._user(seat) | {"role": seat.role} | self.raw.get(seat.id, {})
        return {name: value for name, value in user.items() if name not in ("roles", "meta")}
