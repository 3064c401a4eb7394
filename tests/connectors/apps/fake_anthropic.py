"""Anthropic's Admin API for one organization: the calls and parameters of its reference, and no other."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat

# platform.claude.com, Admin API reference: Organizations, Users, Invites, Workspaces, Workspace members
PAGED = ("after_id", "before_id", "limit")
MEMBERS = "/v1/organizations/workspaces/{space}/members"
INVITE = ("email", "role")
JOIN = ("user_id", "workspace_role")
# “Claude API errors”
ERRORS = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    429: "rate_limit_error", 500: "api_error",
}  # fmt: skip
GIVEN = ("user", "developer", "billing", "claude_code_user")  # “Update User”: what a Console organization accepts


class FakeAnthropic(FakeApp):
    token = "sk-ant-admin01-7f1c0b52e9ab34"
    account_list = "users"
    reaches = {
        Reach.ASSET: ("add_to_workspace", "change_in_workspace", "remove_from_workspace"),
        Reach.ORGANISATION: ("update_user", "remove_user", "create_invite", "delete_invite"),
    }
    facts = (
        Fact("GET", "/v1/organizations/me", "organization"),
        Fact("GET", "/v1/organizations/users", "users", (*PAGED, "email")),
        Fact("GET", "/v1/organizations/users/{id}", "user"),
        Fact("POST", "/v1/organizations/users/{id}", "update_user", (), ("role",), ("role",)),
        Fact("DELETE", "/v1/organizations/users/{id}", "remove_user"),
        Fact("GET", "/v1/organizations/invites", "invites", PAGED),
        Fact("POST", "/v1/organizations/invites", "create_invite", (), INVITE, INVITE),
        Fact("GET", "/v1/organizations/invites/{id}", "one_invite"),
        Fact("DELETE", "/v1/organizations/invites/{id}", "delete_invite"),
        Fact("GET", "/v1/organizations/workspaces", "workspaces", (*PAGED, "include_archived")),
        Fact("GET", MEMBERS, "workspace_members", PAGED),
        Fact("POST", MEMBERS, "add_to_workspace", (), JOIN, JOIN),
        Fact("GET", MEMBERS + "/{id}", "workspace_member"),
        Fact("POST", MEMBERS + "/{id}", "change_in_workspace", (), ("workspace_role",), ("workspace_role",)),
        Fact("DELETE", MEMBERS + "/{id}", "remove_from_workspace"),
    )

    def __init__(self):
        super().__init__()
        self.ended: dict[str, str] = {}  # id of an invitation → accepted, expired, deleted

    def is_authorised(self, request: Request) -> bool:
        assert request.headers.get("anthropic-version") == "2023-06-01"
        return request.headers.get("x-api-key") == self.token

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"type": "error", "error": {"type": ERRORS[status], "message": words}, "request_id": "r"})

    def unauthorised(self) -> Reply:
        return self.error(401, "invalid x-api-key")

    def organization(self, request: Request) -> dict:
        return {"id": "12345678-1234", "type": "organization", "name": "Acme"}

    def users(self, request: Request) -> dict:
        return _page(request, self.most, [self._user(seat) for seat in self.listed if seat.status == "active"])

    def user(self, request: Request) -> Any:
        seat = self._find(request, "active")
        return self._user(seat) if seat else self.error(404, "User not found.")

    def update_user(self, request: Request) -> Any:
        """“`admin` cannot be assigned through the API”."""
        seat = self._find(request, "active")
        if seat is None:
            return self.error(404, "User not found.")
        if request.body["role"] not in GIVEN:
            return self.error(400, "role: invalid value")
        seat.role = request.body["role"]
        return self._user(seat)

    def remove_user(self, request: Request) -> Any:
        """“Organization members with the admin role cannot be removed via the API for security reasons.”"""
        seat = self._find(request, "active")
        if seat is None:
            return self.error(404, "User not found.")
        if seat.role == "admin":
            return self.error(400, "Members with the admin role cannot be removed.")
        self.seats.remove(seat)
        return {"id": seat.id, "type": "user_deleted"}

    def invites(self, request: Request) -> dict:
        return _page(request, self.most, [self._invite(seat) for seat in self.seats if seat.status == "invited"])

    def create_invite(self, request: Request) -> Any:
        """“Role for the invited User. Cannot be "admin".”"""
        if request.body["role"] not in GIVEN:
            return self.error(400, "role: invalid value")
        id = f"invite-{len(self.seats)}"
        self.seats.append(Seat(id, request.body["email"], role=request.body["role"], status="invited"))
        return self._invite(self.seats[-1])

    def one_invite(self, request: Request) -> Any:
        seat = self._find(request, "invited")
        return self._invite(seat) if seat else self.error(404, "Invite not found.")

    def delete_invite(self, request: Request) -> Any:
        seat = self._find(request, "invited")
        if seat is None:
            return self.error(404, "Invite not found.")
        self.seats.remove(seat)
        return {"id": seat.id, "type": "invite_deleted"}

    def workspaces(self, request: Request) -> dict:
        """Without `include_archived` only those in use; the default workspace “does not appear in” it."""
        assert "include_archived" not in request.params
        rows = [{"id": thing.id, "type": "workspace", "name": thing.name, "archived_at": None} for thing in self.things]
        return _page(request, self.most, rows)

    def workspace_members(self, request: Request) -> Any:
        space = self.thing(request.ids["space"])
        if space is None:
            return self.error(404, "Workspace not found.")
        return _page(request, self.most, [_member(space.id, id, role) for id, role in space.members.items()], "user_id")

    def workspace_member(self, request: Request) -> Any:
        space, id = self.thing(request.ids["space"]), request.ids["id"]
        if space is None or id not in space.members:
            return self.error(404, "Workspace member not found.")
        return _member(space.id, id, space.members[id])

    def add_to_workspace(self, request: Request) -> Any:
        """“Role of the new Workspace Member. Cannot be "workspace_billing".”"""
        space, id, role = self.thing(request.ids["space"]), request.body["user_id"], request.body["workspace_role"]
        assert id not in space.members, "the reference doesn't say what Anthropic answers for one who is in"
        if role == "workspace_billing":
            return self.error(400, "workspace_role: invalid value")
        space.members[id] = role
        return _member(space.id, id, role)

    def change_in_workspace(self, request: Request) -> Any:
        space, id = self.thing(request.ids["space"]), request.ids["id"]
        space.members[id] = request.body["workspace_role"]
        return _member(space.id, id, space.members[id])

    def remove_from_workspace(self, request: Request) -> Any:
        """“Organization admins and billing members cannot … be removed from workspaces while they hold those …
        roles”."""
        space, id = self.thing(request.ids["space"]), request.ids["id"]
        if id not in space.members:
            return self.error(404, "Workspace member not found.")
        if getattr(self.seat(id), "role", "") in ("admin", "billing"):
            return self.error(400, "The member has the workspace by their organization role.")
        del space.members[id]
        return {"type": "workspace_member_deleted", "user_id": id, "workspace_id": space.id}

    def _find(self, request: Request, status: str) -> Seat | None:
        seat = self.seat(request.ids["id"])
        return seat if seat and seat.status == status else None

    def _user(self, seat: Seat) -> dict:
        return {"id": seat.id, "type": "user", "email": seat.email, "name": seat.name, "role": seat.role,
                "added_at": "2024-10-30T23:58:27.427722Z"}  # fmt: skip

    def _invite(self, seat: Seat) -> dict:
        return {
            "id": seat.id, "type": "invite", "email": seat.email, "role": seat.role,
            "status": self.ended.get(seat.id, "pending"), "invited_at": "2024-10-30T23:58:27.427722Z",
            "expires_at": "2024-11-20T23:58:27.427722Z",
        }  # fmt: skip


def _member(space: str, id: str, role: str) -> dict:
    return {"type": "workspace_member", "user_id": id, "workspace_id": space, "workspace_role": role}


def _page(request: Request, most: int, rows: list[dict], key: str = "id") -> dict:
    """“Defaults to 20. Ranges from 1 to 1000”; last_id “can be used as the `after_id` for the next page”."""
    limit, after = request.number("limit", 20), request.params.get("after_id")
    assert 1 <= limit <= 1000
    limit = min(limit, most)
    start = next((n + 1 for n, row in enumerate(rows) if row[key] == after), 0) if after else 0
    part = rows[start : start + limit]
    ends = {"first_id": part[0][key], "last_id": part[-1][key]} if part else {"first_id": None, "last_id": None}
    return {"data": part, "has_more": start + limit < len(rows), **ends}
