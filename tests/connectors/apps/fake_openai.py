"""OpenAI's API for one organization: the calls and parameters of its reference, and no other."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat

# OpenAI API reference, Administration; openai/openai-python src/openai/resources/admin/organization
PAGED = ("after", "limit")
PROJECT_USERS = "/organization/projects/{project}/users"


class FakeOpenAI(FakeApp):
    base_path = "/v1"
    token = "sk-admin-7f1c0b52e9ab34"
    account_list = "users"
    reaches = {
        Reach.ASSET: ("add_to_project", "change_in_project", "remove_from_project"),
        Reach.ORGANISATION: ("modify_user", "delete_user", "create_invite", "delete_invite"),
    }
    facts = (
        Fact("GET", "/organization/users", "users", (*PAGED, "emails")),
        Fact("GET", "/organization/users/{id}", "user"),
        Fact("POST", "/organization/users/{id}", "modify_user", (), ("role",), ("role",)),
        Fact("DELETE", "/organization/users/{id}", "delete_user"),
        Fact("GET", "/organization/invites", "invites", PAGED),
        Fact("POST", "/organization/invites", "create_invite", (), ("email", "role", "projects"), ("email", "role")),
        Fact("GET", "/organization/invites/{id}", "one_invite"),
        Fact("DELETE", "/organization/invites/{id}", "delete_invite"),
        Fact("GET", "/organization/admin_api_keys", "admin_keys", (*PAGED, "order")),
        Fact("GET", "/organization/projects", "projects", (*PAGED, "include_archived")),
        Fact("GET", PROJECT_USERS, "project_users", PAGED),
        Fact("POST", PROJECT_USERS, "add_to_project", (), ("user_id", "role"), ("user_id", "role")),
        Fact("GET", PROJECT_USERS + "/{id}", "project_user"),
        Fact("POST", PROJECT_USERS + "/{id}", "change_in_project", (), ("role",), ("role",)),
        Fact("DELETE", PROJECT_USERS + "/{id}", "remove_from_project"),
    )

    def __init__(self):
        super().__init__()
        self.more: dict[str, dict] = {}  # id of a user → further fields
        self.ended: dict[str, str] = {}  # id of an invitation → accepted, expired
        self.archived: set[str] = set()  # ids of projects
        self.keys = [("key_1", "sk-admin...b34", "user-7"), ("key_2", "sk-admin...xyz", "user-8")]  # (id, shown, owner)

    def error(self, status: int, words: str) -> Reply:
        """“Error codes”: an object `error` with message, type, param and code."""
        kind = "server_error" if status >= 500 else "invalid_request_error"
        return Reply(status, {"error": {"message": words, "type": kind, "param": None, "code": None}})

    def unauthorised(self) -> Reply:
        return self.error(401, "Incorrect API key provided.")

    def users(self, request: Request) -> dict:
        return _page(request, [self._user(seat) for seat in self.listed if seat.status == "active"])

    def user(self, request: Request) -> Any:
        seat = self._find(request, "active")
        return self._user(seat) if seat else self.error(404, "No such user in the organization.")

    def modify_user(self, request: Request) -> Any:
        seat = self._find(request, "active")
        if seat is None:
            return self.error(404, "No such user in the organization.")
        if request.body["role"] not in ("owner", "reader"):
            return self.error(400, "Invalid value for role.")
        seat.role = request.body["role"]
        return self._user(seat)

    def delete_user(self, request: Request) -> Any:
        seat = self._find(request, "active")
        if seat is None:
            return self.error(404, "No such user in the organization.")
        self.seats.remove(seat)
        return {"object": "organization.user.deleted", "id": seat.id, "deleted": True}

    def invites(self, request: Request) -> dict:
        return _page(request, [self._invite(seat) for seat in self.seats if seat.status == "invited"])

    def create_invite(self, request: Request) -> Any:
        """“If empty list is passed, the user will not be invited to any projects, including the default one.”"""
        assert request.body["projects"] == []
        email = request.body["email"]
        self.seats.append(Seat(f"invite-{len(self.seats)}", email, role=request.body["role"], status="invited"))
        return self._invite(self.seats[-1])

    def one_invite(self, request: Request) -> Any:
        seat = self._find(request, "invited")
        return self._invite(seat) if seat else self.error(404, "No such invite.")

    def delete_invite(self, request: Request) -> Any:
        """“If the invite has already been accepted, it cannot be deleted.”"""
        seat = self._find(request, "invited")
        if seat is None:
            return self.error(404, "No such invite.")
        if self.ended.get(seat.id) == "accepted":
            return self.error(400, "The invite has already been accepted.")
        self.seats.remove(seat)
        return {"object": "organization.invite.deleted", "id": seat.id, "deleted": True}

    def admin_keys(self, request: Request) -> dict:
        rows = [{"object": "organization.admin_api_key", "id": id, "name": "Main Admin Key", "redacted_value": shown,
                 "created_at": 1711471533, "owner": {"type": "user", "object": "organization.user", "id": owner}}
                for id, shown, owner in self.keys]  # fmt: skip
        return _page(request, rows)

    def projects(self, request: Request) -> dict:
        """“Archived projects are not included by default.”"""
        assert "include_archived" not in request.params
        rows = [{"object": "organization.project", "id": thing.id, "name": thing.name, "created_at": 1711471533,
                 "archived_at": None, "status": "active"} for thing in self.things
                if thing.id not in self.archived]  # fmt: skip
        return _page(request, rows)

    def project_users(self, request: Request) -> Any:
        project = self.thing(request.ids["project"])
        if project is None:
            return self.error(404, "No such project.")
        return _page(request, [_project_user(id, role) for id, role in project.members.items()])

    def project_user(self, request: Request) -> Any:
        project, id = self.thing(request.ids["project"]), request.ids["id"]
        if project is None or id not in project.members:
            return self.error(404, "No such user in the project.")
        return _project_user(id, project.members[id])

    def add_to_project(self, request: Request) -> Any:
        """“Users must already be members of the organization to be added to a project.”"""
        project, id = self.thing(request.ids["project"]), request.body["user_id"]
        assert id not in project.members, "the reference doesn't say what OpenAI answers for one who is in"
        if not any(seat.id == id and seat.status == "active" for seat in self.seats):
            return self.error(400, "The user is not a member of the organization.")
        project.members[id] = request.body["role"]
        return _project_user(id, project.members[id])

    def change_in_project(self, request: Request) -> Any:
        project, id = self.thing(request.ids["project"]), request.ids["id"]
        project.members[id] = request.body["role"]
        return _project_user(id, project.members[id])

    def remove_from_project(self, request: Request) -> Any:
        """“an error if the project is archived (archived projects have no users)”."""
        project, id = self.thing(request.ids["project"]), request.ids["id"]
        if project.id in self.archived:
            return self.error(400, "Project is archived.")
        if id not in project.members:
            return self.error(404, "No such user in the project.")
        del project.members[id]
        return {"object": "organization.project.user.deleted", "id": id, "deleted": True}

    def _find(self, request: Request, status: str) -> Seat | None:
        seat = self.seat(request.ids["id"])
        return seat if seat and seat.status == status else None

    def _user(self, seat: Seat) -> dict:
        return {
            "object": "organization.user", "id": seat.id, "name": seat.name, "email": seat.email, "role": seat.role,
            "added_at": 1711471533, "is_service_account": False,
            "user": {"object": "user", "id": seat.id, "banned": False, "enabled": True}, **self.more.get(seat.id, {}),
        }  # fmt: skip

    def _invite(self, seat: Seat) -> dict:
        return {
            "object": "organization.invite", "id": seat.id, "email": seat.email, "role": seat.role, "projects": [],
            "status": self.ended.get(seat.id, "pending"), "created_at": 1711471533, "expires_at": 1712471533,
            "accepted_at": None,
        }  # fmt: skip


def _project_user(id: str, role: str) -> dict:
    return {"object": "organization.project.user", "id": id, "role": role, "added_at": 1711471533, "name": None,
            "email": None}  # fmt: skip


def _page(request: Request, rows: list[dict]) -> dict:
    """“Limit can range between 1 and 100, and the default is 20”; `after` is the id that the page before ended with."""
    limit, after = request.number("limit", 20), request.params.get("after")
    assert 1 <= limit <= 100
    start = next((n + 1 for n, row in enumerate(rows) if row["id"] == after), 0) if after else 0
    part = rows[start : start + limit]
    ends = {"first_id": part[0]["id"], "last_id": part[-1]["id"]} if part else {"first_id": None, "last_id": None}
    return {"object": "list", "data": part, "has_more": start + limit < len(rows), **ends}
