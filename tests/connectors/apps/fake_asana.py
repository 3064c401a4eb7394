"""Asana's API for one organisation, as its OpenAPI description declares it."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing

# github.com/Asana/openapi (paths, parameters, bodies); developers.asana.com: Pagination, Errors
ONE = ("opt_fields", "opt_pretty")
LIST = (*ONE, "limit", "offset")
HOME = "/workspaces/{workspace}"
FACTS = (
    Fact("GET", "/users/me", "me", ("workspace", *ONE)),
    Fact("GET", "/users", "users", ("workspace", "team", *LIST)),
    Fact("GET", HOME, "workspace", ONE),
    Fact("GET", f"{HOME}/users/{{user}}", "user", ONE),
    Fact("GET", f"{HOME}/workspace_memberships", "memberships", ("user", *LIST)),
    Fact("POST", f"{HOME}/addUser", "add", ONE, ("data",), ("data",)),
    Fact("POST", f"{HOME}/removeUser", "remove", ONE, ("data",), ("data",)),
    Fact("GET", f"{HOME}/teams", "teams", LIST),
    Fact("GET", f"{HOME}/projects", "projects", ("archived", *LIST)),
    Fact("GET", "/teams/{team}/team_memberships", "in_team", LIST),
    Fact("POST", "/teams/{team}/addUser", "add_to_team", ONE, ("data",), ("data",)),
    Fact("POST", "/teams/{team}/removeUser", "remove_from_team", ONE, ("data",), ("data",)),
    Fact("GET", "/memberships", "in_project", ("parent", "member", "resource_subtype", *LIST)),
    Fact("POST", "/memberships", "add_to_project", ONE, ("data",), ("data",)),
    Fact("PUT", "/memberships/{membership}", "change_membership", ONE, ("data",), ("data",)),
    Fact("DELETE", "/memberships/{membership}", "end_membership", ONE),
)
# what a body's "data" contains, and what opt_fields may name
DATA = {
    "/addUser": {"user"}, "/removeUser": {"user"}, "/memberships": {"member", "parent", "access_level"},
    "/memberships/": {"access_level"},
}  # fmt: skip
MEMBERSHIP = {"created_at", "is_active", "is_admin", "is_guest", "is_view_only", "user", "user.name", "workspace"}
USER = {"email", "name", "photo", "workspaces", "workspaces.name"}
TEAM_MEMBERSHIP = {"is_admin", "is_guest", "is_limited_access", "team", "team.name", "user", "user.name"}
LEVELS = {"admin", "editor", "commenter"}


class FakeAsana(FakeApp):
    base_path = "/api/1.0"
    account_list = "memberships"
    reaches = {
        Reach.ASSET: ("add_to_team", "remove_from_team", "add_to_project", "change_membership", "end_membership"),
        Reach.WORKSPACE: ("add", "remove"),
    }
    facts = FACTS
    gid = "12"

    def __init__(self):
        super().__init__()
        self.is_organization = True
        self.mine: dict | None = {"is_admin": True}
        self.more: dict[str, dict] = {}  # user gid → further fields of the membership
        self.team_of: dict[str, str] = {}  # project's thing id → gid of a team that is a member

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"errors": [{"message": words, "help": "For more information see the documentation."}]})

    def none(self, what: str) -> Reply:
        return self.error(404, f"{what}: Unknown object")

    # People

    def me(self, request: Request) -> dict:
        return {"data": {"gid": "7", "name": "Olga"}}

    def workspace(self, request: Request) -> Any:
        if request.ids["workspace"] != self.gid:
            return self.none("workspace")
        return {"data": {"gid": self.gid, "name": "Acme", "is_organization": self.is_organization}}

    def users(self, request: Request) -> dict:
        self._fields(request, USER)
        assert request.params["workspace"] == self.gid
        return self._page(request, [self._user(seat) for seat in self.seats])

    def user(self, request: Request) -> Any:
        self._fields(request, USER)
        seat = self.seat(request.ids["user"]) if request.ids["workspace"] == self.gid else None
        return {"data": self._user(seat)} if seat else self.none("user")

    def memberships(self, request: Request) -> Any:
        self._fields(request, MEMBERSHIP)
        if request.ids["workspace"] != self.gid:
            return self.none("workspace")
        asked = request.params.get("user")
        if asked == "me":
            return self._page(request, [{"gid": "1", "user": {"gid": "7"}} | self.mine] if self.mine else [])
        return self._page(request, [self._membership(s) for s in self.listed if asked in (None, s.id, s.email)])

    def add(self, request: Request) -> Any:
        email = self._data(request)["user"]
        if not any(seat.email == email for seat in self.seats):
            self.seats.append(Seat(str(9000 + len(self.seats)), email, role="member"))
        return {"data": {"gid": "1", "email": email}}

    def remove(self, request: Request) -> Any:
        seat = self.seat(self._data(request)["user"]) if request.ids["workspace"] == self.gid else None
        if seat is None:
            return self.none("user")
        self.seats.remove(seat)
        return {"data": {}}

    def _user(self, seat: Seat) -> dict:
        return {"gid": seat.id, "resource_type": "user", "name": seat.name, "email": seat.email or None}

    def _membership(self, seat: Seat) -> dict:
        return {
            "gid": f"5{seat.id}",
            "resource_type": "workspace_membership",
            "user": {"gid": seat.id, "resource_type": "user", "name": seat.name},
            "is_active": True,
            "is_admin": seat.role == "admin",
            "is_guest": seat.role == "guest",
            "is_view_only": False,
            **self.more.get(seat.id, {}),
        }

    # Teams and projects

    def teams(self, request: Request) -> Any:
        assert self.is_organization, "a workspace that is no organisation has no teams"
        return self._things(request, "team")

    def projects(self, request: Request) -> dict:
        return self._things(request, "project")

    def _things(self, request: Request, kind: str) -> dict:
        rows = [thing for thing in self.things if thing.id.startswith(f"{kind}:")]
        return self._page(request, [{"gid": thing.id.partition(":")[2], "name": thing.name} for thing in rows])

    def in_team(self, request: Request) -> Any:
        self._fields(request, TEAM_MEMBERSHIP)
        team = self.thing(f"team:{request.ids['team']}")
        if team is None:
            return self.none("team")
        return self._page(request, [
            {"gid": f"6{id}", "user": {"gid": id}, "is_admin": role == "admin", "is_guest": role == "guest"}
            for id, role in team.members.items()])  # fmt: skip

    def add_to_team(self, request: Request) -> dict:
        self.thing(f"team:{request.ids['team']}").members.setdefault(self._data(request)["user"], "member")
        return {"data": {"gid": "1"}}

    def remove_from_team(self, request: Request) -> Any:
        members = self.thing(f"team:{request.ids['team']}").members
        return {"data": {}} if members.pop(self._data(request)["user"], None) else self.error(400, "user: Not a member")

    def in_project(self, request: Request) -> Any:
        project = self.thing(f"project:{request.params['parent']}")
        if project is None:
            return self.none("parent")
        rows = [self._on(project, "user", id, role) for id, role in project.members.items()]
        if team := self.team_of.get(project.id):
            rows.append(self._on(project, "team", team, "editor"))
        asked = request.params.get("member")
        return self._page(request, [row for row in rows if asked in (None, row["member"]["gid"])])

    def _on(self, project: Thing, kind: str, id: str, role: str) -> dict:
        gid = f"{project.id.partition(':')[2]}0000{id}"
        return {"gid": gid, "member": {"gid": id, "resource_type": kind}, "access_level": role}

    def add_to_project(self, request: Request) -> Any:
        data = self._data(request)
        level = data.get("access_level", "editor")
        assert level in LEVELS
        members = self.thing(f"project:{data['parent']}").members
        if data["member"] in members:
            return self.error(400, "member: Already a member")
        members[data["member"]] = level
        return Reply(201, {"data": {"gid": "1"}})

    def change_membership(self, request: Request) -> dict:
        level = self._data(request)["access_level"]
        assert level in LEVELS
        project, id = self._membership_of(request)
        project.members[id] = level
        return {"data": {"gid": "1"}}

    def end_membership(self, request: Request) -> Any:
        project, id = self._membership_of(request)
        return {"data": {}} if project.members.pop(id, None) else self.none("membership")

    def _membership_of(self, request: Request) -> tuple[Thing, str]:
        project, _, id = request.ids["membership"].partition("0000")
        return self.thing(f"project:{project}"), id

    # What every call has

    def _data(self, request: Request) -> dict:
        end = "/memberships/" if request.path.startswith("/memberships/") else "/" + request.path.rpartition("/")[2]
        data = request.body["data"]
        assert set(data) <= DATA[end], f"“data” of {request.path} has no {set(data) - DATA[end]}"
        return data

    @staticmethod
    def _fields(request: Request, declared: set[str]) -> None:
        asked = set(filter(None, request.params.get("opt_fields", "").split(",")))
        assert asked <= declared, f"opt_fields of {request.path} has no {asked - declared}"

    def _page(self, request: Request, rows: list[dict]) -> dict:
        """Lists are sorted by id and the offset is opaque: here it names the last one that came."""
        size, after = request.number("limit", 0), int(request.params.get("offset", "eyJ-1")[3:])
        assert 1 <= size <= 100
        ids = [int((row.get("user") or row)["gid"]) for row in rows]
        start = next((n for n, id in enumerate(ids) if id > after), len(rows))
        page = rows[start : start + size]
        more = start + size < len(rows)
        return {"data": page, "next_page": {"offset": f"eyJ{ids[start + size - 1]}", "path": ""} if more else None}
