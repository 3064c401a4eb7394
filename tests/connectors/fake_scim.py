"""A SCIM 2.0 service as RFC 7644 describes it, with the deviations of real ones as switches."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

# RFC 7644, 3.4.2
LISTING = ("filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes")
USER = (  # RFC 7643, 3.1 and 4.1
    "schemas", "id", "externalId", "userName", "name", "displayName", "nickName", "profileUrl", "title", "userType",
    "preferredLanguage", "locale", "timezone", "active", "emails", "phoneNumbers", "roles", "entitlements",
)  # fmt: skip
GROUP = ("schemas", "id", "externalId", "displayName", "members")  # RFC 7643, 4.2
PATCHING = ("schemas", "Operations")  # RFC 7644, 3.5.2


class FakeScim(FakeApp):
    base_path = "/scim/v2"
    content_type = "application/scim+json"
    account_list = "users"
    reaches = {
        Reach.ASSET: ("patch_group", "put_group"),
        Reach.ORGANISATION: ("create_user", "patch_user", "put_user", "delete_user"),
    }
    facts = (  # RFC 7644, 3.2, table 2
        Fact("GET", "/ServiceProviderConfig", "config"),
        Fact("GET", "/ResourceTypes", "resource_types"),
        Fact("GET", "/Me", "me"),
        Fact("GET", "/Users", "users", LISTING),
        Fact("POST", "/Users", "create_user", (), USER, ("schemas", "userName")),
        Fact("GET", "/Users/{id}", "user"),
        Fact("PATCH", "/Users/{id}", "patch_user", (), PATCHING, PATCHING),
        Fact("PUT", "/Users/{id}", "put_user", (), USER, ("schemas", "userName")),
        Fact("DELETE", "/Users/{id}", "delete_user"),
        Fact("GET", "/Groups", "groups", LISTING),
        Fact("GET", "/Groups/{id}", "group"),
        Fact("PATCH", "/Groups/{id}", "patch_group", (), PATCHING, PATCHING),
        Fact("PUT", "/Groups/{id}", "put_group", (), GROUP, ("schemas", "displayName")),
    )

    def __init__(self):
        super().__init__()
        self.most = 1000
        self.discovery: int = 200  # the status of /ServiceProviderConfig and /ResourceTypes
        self.supports = {"patch": True, "sort": False, "etag": True}
        self.has_groups = True
        self.sends_total = True
        self.heeds_start = True
        self.counts_what_is_left = False
        self.lists_members = True
        self.stable = True  # order without sortBy
        self.refuses_filtered_path = False
        self.ignores_filtered_path = False
        self.removes_by_value = False  # else “remove” of `members` takes every member out, as RFC 7644, 3.5.2.2, says
        self.raw: dict[str, dict] = {}  # user id → attributes instead of ours; None takes one away
        self.version: dict[str, int] = {}

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"schemas": [ERROR], "status": str(status), "detail": words})

    # Discovery

    def config(self, request: Request) -> Any:
        if self.discovery != 200:
            return self.error(self.discovery, "Not here.")
        return {name: {"supported": on} for name, on in self.supports.items()} | {
            "filter": {"supported": True, "maxResults": 1000}
        }

    def resource_types(self, request: Request) -> Any:
        if self.discovery != 200:
            return self.error(self.discovery, "Not here.")
        types = [{"id": "User", "endpoint": "/Users"}, {"id": "Group", "endpoint": "/Groups"}]
        return self._list(types if self.has_groups else types[:1])

    def me(self, request: Request) -> Reply:
        return self.error(501, "No /Me.")

    # Users

    fold = staticmethod(str.lower)  # how it compares userNames

    def users(self, request: Request) -> Any:
        if wanted := request.params.get("filter"):
            name = re.fullmatch(r'userName eq "(.*)"', wanted)[1]
            return self._list([self._user(seat) for seat in self.seats if self.fold(seat.email) == self.fold(name)])
        return self._page(request, self.listed, self._user, self.total)

    def user(self, request: Request) -> Any:
        seat = self.seat(request.ids["id"])
        return self._one(self._user(seat)) if seat else self._no_such(request)

    def create_user(self, request: Request) -> Reply:
        name = request.body["userName"]
        if any(self.fold(seat.email) == self.fold(name) for seat in self.seats):
            return self.error(409, "That userName is taken.")
        roles = request.body.get("roles") or [{"value": ""}]
        self.seats.append(Seat(f"new-{len(self.seats)}", name, role=roles[0]["value"]))
        return Reply(201, self._user(self.seats[-1]))

    def patch_user(self, request: Request) -> Reply:
        if not self.supports["patch"]:
            return self.error(501, "No PATCH.")
        changes = self._changes(request.body["Operations"])
        assert request.body["schemas"] == [PATCH] and set(changes) <= {"active", "roles"}
        return self._change_user(request, changes)

    def _changes(self, operations: list[dict]) -> dict:
        return {operation["path"]: operation["value"] for operation in operations}

    def put_user(self, request: Request) -> Reply:
        return self._change_user(request, {"roles": [], **request.body})

    def _change_user(self, request: Request, changes: dict) -> Reply:
        seat = self.seat(request.ids["id"])
        if not seat or self._is_stale(request):
            return self._no_such(request) if not seat else self.error(412, "Changed since.")
        if changes.get("active") is False and seat.role == "owner":
            return self.error(403, "The owner cannot be removed.")
        if "active" in changes:
            seat.status = "active" if changes["active"] else "suspended"
        if "roles" in changes:
            seat.role = next((role["value"] for role in changes["roles"] if role.get("primary")), "")
            seat.further_roles = tuple(role["value"] for role in changes["roles"] if not role.get("primary"))
        self._bump(seat.id)
        return self._one(self._user(seat))

    def delete_user(self, request: Request) -> Reply:
        seat = self.seat(request.ids["id"])
        if not seat:
            return self._no_such(request)
        if self._is_stale(request):
            return self.error(412, "Changed since.")
        if seat.role == "owner":
            return self.error(403, "The owner cannot be removed.")
        self.seats.remove(seat)
        return Reply(204)

    def _user(self, seat: Seat) -> dict:
        made = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": seat.id,
            "userName": seat.email or f"name-{seat.id}",
            "displayName": seat.name,
            "active": seat.status == "active",
            "emails": [{"value": seat.email, "primary": True}] if seat.email else [],
            "roles": [{"value": role, "primary": role == seat.role}
                      for role in (seat.role, *seat.further_roles) if role],
            "meta": {"version": self._etag(seat.id)},
        }
        made |= self.raw.get(seat.id, {})
        return {name: value for name, value in made.items() if value is not None}

    # Groups

    def groups(self, request: Request) -> Any:
        if not self.has_groups:
            return self.error(404, "No groups here.")
        return self._page(request, self.things, self._listed_group, len(self.things))

    def _listed_group(self, thing: Thing) -> dict:
        group = self._group(thing)
        return group if self.lists_members else {name: value for name, value in group.items() if name != "members"}

    def group(self, request: Request) -> Any:
        thing = self.thing(request.ids["id"])
        return self._one(self._group(thing)) if thing else self._no_such(request)

    def patch_group(self, request: Request) -> Reply:
        if not self.supports["patch"]:
            return self.error(501, "No PATCH.")
        thing = self.thing(request.ids["id"])
        if not thing or self._is_stale(request):
            return self._no_such(request) if not thing else self.error(412, "Changed since.")
        for operation in request.body["Operations"]:
            by_path = re.fullmatch(r'members\[value eq "(.*)"\]', operation["path"])
            if by_path and self.refuses_filtered_path:
                return self.error(400, "That path is not understood.")
            if by_path and self.ignores_filtered_path:
                continue
            if operation["op"] == "remove" and not by_path and not self.removes_by_value:
                thing.members.clear()
                continue
            members = [by_path[1]] if by_path else [member["value"] for member in operation["value"]]
            for member in members:
                if operation["op"] == "add":
                    thing.members[member] = "member"
                else:
                    thing.members.pop(member, None)
        self._bump(thing.id)
        return Reply(204)

    def put_group(self, request: Request) -> Reply:
        thing = self.thing(request.ids["id"])
        if not thing or self._is_stale(request):
            return self._no_such(request) if not thing else self.error(412, "Changed since.")
        thing.members = {member["value"]: "member" for member in request.body["members"]}
        self._bump(thing.id)
        return self._one(self._group(thing))

    def _group(self, thing: Thing) -> dict:
        return {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "id": thing.id,
            "displayName": thing.name,
            "members": [{"value": member} for member in thing.members],
            "meta": {"version": self._etag(thing.id)},
        }

    # What both share

    def _page(self, request: Request, rows: list, show: Callable[[Any], dict], total: int) -> dict:
        start, count = request.number("startIndex", 1), min(request.number("count", self.most), self.most)
        if request.params.get("sortBy") == "id":
            rows = sorted(rows, key=lambda row: row.id)
        elif not self.stable:
            rows = random.sample(rows, len(rows))
        start = start if self.heeds_start else 1
        total = total - start + 1 if self.counts_what_is_left else total
        return self._list([show(row) for row in rows[start - 1 : start - 1 + count]], total, start)

    def _list(self, rows: list[dict], total: int | None = None, start: int = 1) -> dict:
        answer = {"schemas": [LIST], "startIndex": start, "itemsPerPage": len(rows), "Resources": rows}
        return answer | ({"totalResults": len(rows) if total is None else total} if self.sends_total else {})

    def _one(self, resource: dict) -> Reply:
        return Reply(200, resource, {"ETag": self._etag(resource["id"])} if self.supports["etag"] else {})

    def _no_such(self, request: Request) -> Reply:
        return self.error(404, f"Resource {request.ids['id']} not found.")

    def _etag(self, id: str) -> str:
        return f'W/"{self.version.get(id, 1)}"'

    def _bump(self, id: str) -> None:
        self.version[id] = self.version.get(id, 1) + 1

    def _is_stale(self, request: Request) -> bool:
        return request.headers.get("if-match", self._etag(request.ids["id"])) != self._etag(request.ids["id"])
