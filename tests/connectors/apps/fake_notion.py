"""Notion for one workspace: its SCIM as its help page lists it, and the public API's list of users."""

from __future__ import annotations

import re
from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat
from tests.connectors.fake_scim import GROUP, PATCHING, FakeScim

EXTENSION = "urn:ietf:params:scim:schemas:extension:notion:2.0:User"
ROLES = ("owner", "membership_admin", "member", "restricted_member")
# notion.com/help/provision-users-and-groups-with-scim
LISTING = ("startIndex", "count", "filter")
USER = (
    "schemas", "userName", "name", "photos", "title", "phoneNumbers", "addresses", "roles", "locale",
    "preferredLanguage", "userType", "emails", "active", EXTENSION,
)  # fmt: skip


class FakeNotion(FakeScim):
    base_path = ""
    reaches = {
        Reach.ASSET: ("patch_group", "put_group"),
        Reach.WORKSPACE: ("create_user", "patch_user", "put_user", "delete_user"),
    }
    facts = (
        Fact("GET", "/scim/v2/ServiceProviderConfig", "config"),
        Fact("GET", "/scim/v2/ResourceTypes", "resource_types"),
        Fact("GET", "/scim/v2/Users", "users", LISTING),
        Fact("GET", "/scim/v2/Users/{id}", "user"),
        Fact("POST", "/scim/v2/Users", "create_user", (), USER, ("schemas", "userName")),
        Fact("PATCH", "/scim/v2/Users/{id}", "patch_user", (), PATCHING, PATCHING),
        Fact("DELETE", "/scim/v2/Users/{id}", "delete_user"),
        Fact("GET", "/scim/v2/Groups", "groups", LISTING),
        Fact("GET", "/scim/v2/Groups/{id}", "group"),
        Fact("PATCH", "/scim/v2/Groups/{id}", "patch_group", (), PATCHING, PATCHING),
        Fact("PUT", "/scim/v2/Groups/{id}", "put_group", (), GROUP, ("schemas", "displayName")),
    )

    def __init__(self):
        super().__init__()
        self.supports = {"patch": True, "sort": False, "etag": False}
        self.cap = 100  # “count has a maximum of 100”

    def users(self, request: Request) -> Any:
        """“Valid attributes to filter by are email, given_name, and family_name”."""
        assert request.number("count", 100) <= 100
        if wanted := request.params.get("filter"):
            address = re.fullmatch(r'email eq "(.*)"', wanted)[1]
            return self._list([self._user(seat) for seat in self.seats if seat.email == address.lower()])
        return super().users(request)

    def create_user(self, request: Request) -> Reply:
        assert EXTENSION in request.body["schemas"]
        if any(seat.email == request.body["userName"].lower() for seat in self.seats):
            return self.error(409, "User is already a member.")
        self.seats.append(Seat(f"new-{len(self.seats)}", request.body["userName"], role=_role(request.body[EXTENSION])))
        return Reply(201, self._user(self.seats[-1]))

    def patch_user(self, request: Request) -> Reply:
        [operation] = request.body["Operations"]
        seat = self.seat(request.ids["id"])
        assert operation["op"] == "replace" and set(operation["value"]) == {EXTENSION}
        seat.role = _role(operation["value"][EXTENSION])
        return self._one(self._user(seat))

    def delete_user(self, request: Request) -> Reply:
        """“The workspace owner that created the SCIM bot token cannot be removed via the API”: the first one here."""
        seat = self.seat(request.ids["id"])
        if seat and seat.role == "owner" and seat is next(one for one in self.seats if one.role == "owner"):
            return self.error(403, "The workspace owner that created the SCIM token cannot be removed.")
        if seat is None:
            return self._no_such(request)
        self.seats.remove(seat)
        return Reply(204)

    def _user(self, seat: Seat) -> dict:
        user = super()._user(seat) | {"name": {"formatted": seat.name}, EXTENSION: {"role": seat.role}}
        user |= self.raw.get(seat.id, {})
        return {name: value for name, value in user.items() if name not in ("displayName", "roles")}


def _role(extension: dict) -> str:
    assert extension["role"] in ROLES
    return extension["role"]


class FakeNotionPublic(FakeApp):
    """developers.notion.com/reference: get-users, get-self, user, status-codes."""

    token = "ntn_7f1c0b52e9"
    account_list = "users"
    facts = (
        Fact("GET", "/v1/users", "users", ("start_cursor", "page_size")),
        Fact("GET", "/v1/users/me", "me"),
    )

    def __init__(self):
        super().__init__()
        self.shows_emails = True
        self.me_type = "bot"

    def handle(self, request: Request) -> Reply:
        if "notion-version" not in request.headers:
            return self.error(400, "Notion-Version header should be defined", "missing_version")
        return super().handle(request)

    def error(self, status: int, words: str, code: str = "error") -> Reply:
        return Reply(status, {"object": "error", "status": status, "code": code, "message": words})

    def me(self, request: Request) -> dict:
        bot = {"owner": {"type": "workspace", "workspace": True}, "workspace_name": "Acme"}
        return {"object": "user", "id": "bot-1", "name": "Rollcall", "type": self.me_type, "bot": bot}

    def users(self, request: Request) -> Any:
        """“The response may contain fewer than page_size of results.”"""
        size, rows = min(request.number("page_size", 100), 100), self.listed
        cursor = request.params.get("start_cursor")
        start = next((n for n, seat in enumerate(rows) if seat.id == cursor), None) if cursor else 0
        if start is None:
            return self.error(400, "The start_cursor provided is invalid", "validation_error")
        more = start + size < len(rows)
        return {"object": "list", "results": [self._user(seat) for seat in rows[start : start + size]],
                "has_more": more, "next_cursor": rows[start + size].id if more else None}  # fmt: skip

    def _user(self, seat: Seat) -> dict:
        if seat.role == "bot":
            return {"object": "user", "id": seat.id, "name": seat.name, "type": "bot", "bot": {}}
        person = {"email": seat.email} if self.shows_emails and seat.email else {}
        return {"object": "user", "id": seat.id, "name": seat.name, "type": "person", "person": person}
