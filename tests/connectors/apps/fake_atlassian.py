"""Atlassian's Organizations API for one organisation, as its public description declares it."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing

# developer.atlassian.com/cloud/admin/organization/rest: paths, parameters, bodies; field by field in the models that
# npm's jira.js has from the OpenAPI description (MultiDirectoryUser, …Group, …SearchRequest, WorkspaceModel).
# “Suspend a user's access in a directory … You're not billed … They regain their roles and group memberships when you
# restore their access”: jira.js, src/admin/api/users.ts, suspendDirectoryUser. It has no body.
V1, V2 = "/v1/orgs/{org}", "/v2/orgs/{org}"
DIRECTORY = f"{V2}/directories/{{directory}}"
SEARCH_USERS = (
    "cursor", "limit", "accountIds", "directoryIds", "resourceIds", "groupIds", "mfaEnabled", "claimStatus", "status",
    "accountStatus", "membershipStatus", "roleIds", "emailDomains", "searchTerm", "emails", "expand", "sortBy",
)  # fmt: skip
SEARCH_GROUPS = (
    "cursor", "limit", "sortBy", "accountIds", "directoryIds", "roleIds", "resourceOwners", "resourceIds",
    "searchTerm", "groupIds", "groupNames", "expand",
)  # fmt: skip
FACTS = (
    Fact("GET", V1, "org"),
    Fact("POST", f"{V1}/users/{{user}}/role-assignments/assign", "give_role", (), ("role",), ("role",)),
    Fact("POST", f"{V1}/users/{{user}}/role-assignments/revoke", "take_role", (), ("role",), ("role",)),
    Fact("GET", f"{V2}/directories", "directories", ("accountId", "directoryIds", "searchTerm", "cursor", "limit")),
    Fact("POST", f"{V2}/workspaces", "workspaces", (), ("query", "limit", "sort", "cursor")),
    Fact("POST", f"{DIRECTORY}/users/search", "users", (), SEARCH_USERS),
    Fact("DELETE", f"{DIRECTORY}/users/{{user}}", "remove"),
    Fact("POST", f"{DIRECTORY}/users/{{user}}/suspend", "suspend"),
    Fact("POST", f"{DIRECTORY}/groups/search", "groups", (), SEARCH_GROUPS),
    Fact("GET", f"{DIRECTORY}/groups/{{group}}", "group"),
    Fact("POST", f"{DIRECTORY}/groups/{{group}}/memberships", "join", (), ("accountId",), ("accountId",)),
    Fact("DELETE", f"{DIRECTORY}/groups/{{group}}/memberships/{{user}}", "leave"),
)
EXPANDS = {"platformRoles", "counts.resources", "productAccess", "groups"}
GIVEN = ("atlassian/org-admin",)  # the role that role-assignments knows


class FakeAtlassian(FakeApp):
    base_path = "/admin"
    account_list = "users"
    reads = ("workspaces", "users", "groups")
    reaches = {Reach.ASSET: ("join", "leave"), Reach.ORGANISATION: ("give_role", "take_role", "remove", "suspend")}
    facts = FACTS
    org_id = "6665kc2j-4644"

    def __init__(self):
        super().__init__()
        self.places = {"d-1": "Acme"}  # directories
        self.elsewhere: dict[str, set[str]] = {}  # directory → ids of those who are in it besides the first
        self.suspended_elsewhere: set[tuple[str, str]] = set()  # (directory, id), beside the first
        self.word_elsewhere = "suspended"  # the membership that these have
        self.more: dict[str, dict] = {}  # account id → further fields of the user

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"errors": [{"id": "1", "status": str(status), "code": f"ADMIN-{status}-1",
                                          "title": "Error", "detail": words}]})  # fmt: skip

    def org(self, request: Request) -> Any:
        return self._org(request) or {"data": {"id": self.org_id, "type": "orgs", "attributes": {"name": "Acme"}}}

    def _org(self, request: Request) -> Reply | None:
        return None if request.ids["org"] == self.org_id else self.error(404, "Organization not found")

    # Directories and users

    def directories(self, request: Request) -> Any:
        user = request.params.get("accountId")
        rows = [{"directoryId": id, "name": name} for id, name in self.places.items() if user in (None, *self._in(id))]
        return self._org(request) or self._page(rows, request.params, 20, "directoryId")

    def _in(self, directory: str) -> set[str]:
        first = next(iter(self.places))
        return {seat.id for seat in self.seats} if directory == first else self.elsewhere.get(directory, set())

    def users(self, request: Request) -> Any:
        body, directory = request.body, request.ids["directory"]
        assert directory == "-" or directory in self.places
        assert set(body["expand"]) <= EXPANDS
        assert "productAccess" not in body["expand"] or directory != "-", "is sent only for a named directory"
        wanted = [set(body[name]) for name in ("accountIds",) if name in body]
        wanted += [self._members("group", id) for id in body.get("groupIds", ())]
        wanted += [self._members("app", id) for id in body.get("resourceIds", ())]
        wanted += [self._in(directory)] if directory != "-" else []
        rows = [self._user(seat, body["expand"]) for seat in self.listed if all(seat.id in ids for ids in wanted)]
        if directory in self.elsewhere:
            for row in rows:
                is_suspended = (directory, row["accountId"]) in self.suspended_elsewhere
                row["membershipStatus"] = self.word_elsewhere if is_suspended else "active"
        return self._org(request) or self._page(rows, body, 50, "accountId")

    def _members(self, kind: str, id: str) -> set[str]:
        thing = self.thing(f"{kind}:{id}")
        return set(thing.members) if thing else set()

    def _user(self, seat: Seat, expand: list[str]) -> dict:
        row = {
            "accountId": seat.id, "accountType": "atlassian", "status": seat.status, "accountStatus": "active",
            "membershipStatus": seat.status, "name": seat.name, "nickname": "Nick", "email": seat.email,
            "platformRoles": [role for role in (seat.role, *seat.further_roles) if role != "user"],
            **self.more.get(seat.id, {}),
        }  # fmt: skip
        asked = {"platformRoles", "productAccess"} - set(expand)
        return {key: value for key, value in row.items() if key not in asked}

    def remove(self, request: Request) -> Any:
        directory, user = request.ids["directory"], request.ids["user"]
        if user not in self._in(directory):
            return self.error(404, "User not found")
        if directory in self.elsewhere:
            self.elsewhere[directory].discard(user)
        else:
            self.seats.remove(self.seat(user))
        return Reply(204)

    def suspend(self, request: Request) -> Reply:
        directory, user = request.ids["directory"], request.ids["user"]
        assert request.body is None
        if user not in self._in(directory):
            return self.error(404, "User not found")
        is_suspended = (directory, user) in self.suspended_elsewhere or (
            directory not in self.elsewhere and self.seat(user).status == "suspended"
        )
        assert not is_suspended, "what a second suspension answers is not documented"
        if directory in self.elsewhere:
            self.suspended_elsewhere.add((directory, user))
        else:
            self.seat(user).status = "suspended"
        return Reply(204)

    def give_role(self, request: Request) -> Reply:
        assert request.body["role"] in GIVEN
        seat = self.seat(request.ids["user"])
        seat.role, seat.further_roles = request.body["role"], (*seat.further_roles, seat.role)
        return Reply(204)

    def take_role(self, request: Request) -> Reply:
        seat = self.seat(request.ids["user"])
        left = [role for role in (seat.role, *seat.further_roles) if role != request.body["role"]]
        assert len(left) == len(seat.further_roles)
        seat.role, *seat.further_roles = left or ["user"]
        return Reply(204)

    # Groups and apps

    def groups(self, request: Request) -> Any:
        return self._page([self._group(thing) for thing in self._kind("group")], request.body, 20, "id")

    def group(self, request: Request) -> Any:
        thing = self.thing(f"group:{request.ids['group']}")
        return {"data": self._group(thing)} if thing else self.error(404, "Group not found")

    def _group(self, thing: Thing) -> dict:
        return {"id": thing.id.partition(":")[2], "name": thing.name, "directoryId": next(iter(self.places))}

    def _kind(self, kind: str) -> list[Thing]:
        return [thing for thing in self.things if thing.id.startswith(f"{kind}:")]

    def join(self, request: Request) -> Reply:
        assert request.ids["directory"] in self.places, "a group is changed in its own directory"
        thing = self.thing(f"group:{request.ids['group']}")
        if thing.kind == "synced":
            return self.error(403, "Not allowed to manage the group")
        if request.body["accountId"] in thing.members:
            return self.error(409, "Conflict")
        thing.members[request.body["accountId"]] = "member"
        return Reply(204)

    def leave(self, request: Request) -> Reply:
        assert request.ids["directory"] in self.places
        members = self.thing(f"group:{request.ids['group']}").members
        return Reply(204) if members.pop(request.ids["user"], None) else self.error(404, "User not found")

    def workspaces(self, request: Request) -> dict:
        body = request.body or {}
        assert "cursor" not in body or set(body) == {"cursor"}, "no other properties beside a cursor"
        rows = [
            {"id": thing.id.partition(":")[2], "type": "workspace",
             "attributes": {"type": "Jira", "name": thing.name, "hostUrl": "https://acme.atlassian.example"}}
            for thing in self._kind("app")
        ]  # fmt: skip
        return self._page(rows, body, 2, "id") | {"meta": {"total": len(rows) + self.lie}}

    @staticmethod
    def _page(rows: list[dict], asked: dict, size: int, id: str) -> dict:
        """The cursor names the last row that came."""
        assert int(asked.get("limit", size)) <= size
        size, after = int(asked.get("limit", size)), asked.get("cursor")
        start = next((n for n, row in enumerate(rows) if not after or f"c-{row[id]}" > after), len(rows))
        page = rows[start : start + size]
        more = start + size < len(rows)
        return {"data": page, "links": {"self": "c", "next": f"c-{page[-1][id]}" if more else None}}
