"""Datadog for one organisation: users, roles, permissions, teams and invitations of its API, version 2."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Shown, Thing

# DataDog/datadog-api-client-python, .generator/schemas/v2/openapi.yaml. Errors are {"errors": [text]}: 400, 403 for
# keys and permissions alike (“Authentication error”), 404, 409 for a member of the team, 429.
V2 = "/api/v2"
PAGED = ("page[size]", "page[number]")
FACTS = (
    Fact("GET", f"{V2}/current_user", "me"),
    Fact("GET", f"{V2}/users", "users", (*PAGED, "sort", "sort_dir", "filter", "filter[status]")),
    Fact("POST", f"{V2}/users", "create", (), ("data",), ("data",)),
    Fact("GET", f"{V2}/users/{{id}}", "user"),
    Fact("GET", f"{V2}/users/{{id}}/memberships", "teams_of_user"),
    Fact("DELETE", f"{V2}/users/{{id}}", "disable"),
    Fact("POST", f"{V2}/user_invitations", "send_invitations", (), ("data",), ("data",)),
    Fact("GET", f"{V2}/roles", "roles", (*PAGED, "sort", "filter", "filter[id]")),
    Fact("GET", f"{V2}/permissions", "permissions"),
    Fact("POST", f"{V2}/roles/{{id}}/users", "add_to_role", (), ("data",), ("data",)),
    Fact("DELETE", f"{V2}/roles/{{id}}/users", "take_from_role", (), ("data",), ("data",)),
    Fact("GET", f"{V2}/team", "teams", (*PAGED, "sort", "include", "filter[keyword]", "filter[me]", "fields[team]")),
    Fact("GET", f"{V2}/team/{{id}}/memberships", "in_team", (*PAGED, "sort", "filter[keyword]")),
    Fact("POST", f"{V2}/team/{{id}}/memberships", "add_to_team", (), ("data",), ("data",)),
    Fact("PATCH", f"{V2}/team/{{id}}/memberships/{{user}}", "change_in_team", (), ("data",), ("data",)),
    Fact("DELETE", f"{V2}/team/{{id}}/memberships/{{user}}", "take_from_team"),
)  # fmt: skip
ROLES = {"r-admin": "Datadog Admin Role", "r-standard": "Datadog Standard Role", "r-read": "Datadog Read Only Role",
         "r-people": "People team"}  # fmt: skip
PERMISSIONS = {"p-1": "user_access_read", "p-2": "user_access_manage"}
OF_ROLE = {"r-people": ["p-1", "p-2"], "r-read": ["p-1"]}
STATUS = {"active": "Active", "invited": "Pending", "suspended": "Disabled"}


class FakeDatadog(FakeApp):
    facts = FACTS
    account_list = "users"
    reaches = {
        Reach.ASSET: ("add_to_team", "change_in_team", "take_from_team"),
        Reach.WORKSPACE: ("create", "disable", "send_invitations", "add_to_role", "take_from_role"),
    }
    token, api_key = "ddapp-s3cret-91c4", "ddapi-s3cret-4d70"

    def __init__(self):
        super().__init__()
        self.more: dict[str, dict] = {}  # account id → further attributes
        self.invitations: list[str] = []  # ids of the users to whom one was sent

    def is_authorised(self, request: Request) -> bool:
        headers = request.headers
        return (headers.get("dd-api-key"), headers.get("dd-application-key")) == (self.api_key, self.token)

    def unauthorised(self) -> Reply:
        return self.error(403, "Forbidden")

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"errors": [words]})

    # Users

    def me(self, request: Request) -> dict:
        return {"data": {"type": "users", "id": "u-rollcall", "attributes": {"name": "Rollcall", "handle": "r-1"}}}

    def users(self, request: Request) -> dict:
        """The filter finds a part of the name or of the address."""
        part = request.params.get("filter", "").casefold()
        found = [seat for seat in self.listed if part in seat.email.casefold() or part in seat.name.casefold()]
        rows, total = self._page(request, Shown(self._user, found))
        return {"data": rows, "meta": {"page": {"total_count": total, "total_filtered_count": total}}}

    def _user(self, seat: Seat) -> dict:
        roles = [role for role in (*reversed(seat.further_roles), seat.role) if role]
        return {
            "type": "users", "id": seat.id,
            "attributes": {
                "name": seat.name, "handle": seat.email, "email": seat.email, "status": STATUS.get(seat.status, "Odd"),
                "disabled": seat.status == "suspended", "service_account": False, "verified": True, "title": None,
                "created_at": "2026-01-05T08:00:00Z", "modified_at": "2026-01-05T08:00:00Z",
                "last_login_time": "2026-11-20T08:00:00Z", **self.more.get(seat.id, {}),
            },
            "relationships": {"roles": {"data": [{"type": "roles", "id": role} for role in roles]}},
        }  # fmt: skip

    def user(self, request: Request) -> Any:
        seat = self.seat(request.ids["id"])
        return {"data": self._user(seat)} if seat else self.error(404, "User not found")

    def create(self, request: Request) -> Reply:
        data = request.body["data"]
        assert data["type"] == "users" and set(data) <= {"type", "attributes", "relationships"}
        email = data["attributes"]["email"]
        if any(seat.email.lower() == email.lower() for seat in self.seats):
            return self.error(409, "User already exists")
        roles = [role["id"] for role in data.get("relationships", {}).get("roles", {}).get("data", [])]
        seat = Seat(f"u-new-{len(self.seats)}", email, role=roles[0] if roles else "", status="invited")
        self.seats.append(seat)
        return Reply(201, {"data": self._user(seat)})

    def send_invitations(self, request: Request) -> Reply:
        for one in request.body["data"]:
            assert one["type"] == "user_invitations"
            user = one["relationships"]["user"]["data"]
            assert user["type"] == "users" and self.seat(user["id"])
            self.invitations.append(user["id"])
        return Reply(201, {"data": []})

    def disable(self, request: Request) -> Reply:
        seat = self.seat(request.ids["id"])
        if seat is None:
            return self.error(404, "User not found")
        seat.status = "suspended"
        return Reply(204)

    # Roles

    def roles(self, request: Request) -> dict:
        rows, total = self._page(request, [
            {"type": "roles", "id": id, "attributes": {"name": name, "user_count": 1},
             "relationships": {"permissions": {"data": [{"type": "permissions", "id": one}
                                                        for one in OF_ROLE.get(id, [])]}}}
            for id, name in ROLES.items()
        ])  # fmt: skip
        return {"data": rows, "meta": {"page": {"total_count": total, "total_filtered_count": total}}}

    def permissions(self, request: Request) -> dict:
        return {"data": [{"type": "permissions", "id": id, "attributes": {"name": name}}
                         for id, name in PERMISSIONS.items()]}  # fmt: skip

    def _of_role(self, request: Request) -> tuple[Seat | None, str]:
        user = request.body["data"]
        assert user["type"] == "users"
        return self.seat(user["id"]), request.ids["id"]

    def add_to_role(self, request: Request) -> Any:
        seat, role = self._of_role(request)
        if seat is None or role not in ROLES:
            return self.error(404, "Not found")
        self._set_roles(seat, [*self._roles_of(seat), role])
        return {"data": [self._user(seat)]}

    def take_from_role(self, request: Request) -> Any:
        seat, role = self._of_role(request)
        if seat is None or role not in self._roles_of(seat):
            return self.error(404, "Not found")
        self._set_roles(seat, [one for one in self._roles_of(seat) if one != role])
        return {"data": [self._user(seat)]}

    def _roles_of(self, seat: Seat) -> list[str]:
        return [role for role in (seat.role, *seat.further_roles) if role]

    def _set_roles(self, seat: Seat, roles: list[str]) -> None:
        seat.role, seat.further_roles = (roles or [""])[0], tuple(dict.fromkeys(roles[1:]))

    # Teams

    def teams(self, request: Request) -> dict:
        rows, total = self._page(request, [
            {"type": "team", "id": thing.id, "attributes": {"name": thing.name, "handle": thing.id, "user_count": 1}}
            for thing in self.things
        ])  # fmt: skip
        return {"data": rows, "meta": {"pagination": {"total": total, "type": "number_size"}}}

    def in_team(self, request: Request) -> Any:
        thing = self.thing(request.ids["id"])
        if thing is None:
            return self.error(404, "Team not found")
        rows, total = self._page(request, [self._membership(thing, user) for user in thing.members])
        return {"data": rows, "meta": {"pagination": {"total": total, "type": "number_size"}}}

    def _membership(self, thing: Thing, user: str) -> dict:
        return {"type": "team_memberships", "id": f"TeamMembership-{thing.id}-{user}",
                "attributes": {"role": "admin" if thing.members[user] == "admin" else None, "provisioned_by": None},
                "relationships": {"user": {"data": {"type": "users", "id": user}},
                                  "team": {"data": {"type": "team", "id": thing.id}}}}  # fmt: skip

    def teams_of_user(self, request: Request) -> Any:
        """“Get user memberships”: it takes no page."""
        seat = self.seat(request.ids["id"])
        if seat is None:
            return self.error(404, "User not found")
        return {"data": [self._membership(thing, seat.id) for thing in self.things if seat.id in thing.members]}

    def add_to_team(self, request: Request) -> Any:
        thing, data = self.thing(request.ids["id"]), request.body["data"]
        assert data["type"] == "team_memberships"
        user = data["relationships"]["user"]["data"]["id"]
        if thing is None or self.seat(user) is None:
            return self.error(404, "Not found")
        if user in thing.members:
            return self.error(409, "User is already a member of the team")
        thing.members[user] = data.get("attributes", {}).get("role") or "member"
        return {"data": {"type": "team_memberships", "id": f"TeamMembership-{thing.id}-{user}"}}

    def change_in_team(self, request: Request) -> Any:
        thing, user = self.thing(request.ids["id"]), request.ids["user"]
        if thing is None or user not in thing.members:
            return self.error(404, "Not found")
        thing.members[user] = request.body["data"]["attributes"]["role"] or "member"
        return {"data": {"type": "team_memberships", "id": f"TeamMembership-{thing.id}-{user}"}}

    def take_from_team(self, request: Request) -> Reply:
        thing = self.thing(request.ids["id"])
        if thing is None or thing.members.pop(request.ids["user"], None) is None:
            return self.error(404, "Not found")
        return Reply(204)

    def _page(self, request: Request, rows: list[dict]) -> tuple[list[dict], int]:
        """Pages are numbered from 0; a page holds at most 100."""
        size, page = min(request.number("page[size]", 10), self.most), request.number("page[number]", 0)
        assert 1 <= request.number("page[size]", 10) <= 100
        lie = self.lie if request.path == f"{V2}/users" else 0
        return rows[page * size : (page + 1) * size], len(rows) + lie
