"""PagerDuty's REST API v2, as github.com/PagerDuty/api-schema, reference/REST/openapiv3.json declares it."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Shown

# listUsers, getCurrentUser, getUser, updateUser, deleteUser, listTeams, listTeamUsers, updateTeamUser, deleteTeamUser;
# “Pagination”, “Endpoints” and “Errors” in github.com/PagerDuty/developer-docs; support.pagerduty.com: “User Roles”,
# “Offboarding”
PAGING = ("limit", "offset", "total")
FACTS = (
    Fact("GET", "/users", "users", ("query", "team_ids[]", "include[]", *PAGING)),
    Fact("GET", "/users/me", "current_user", ("include[]",)),
    Fact("GET", "/users/{id}", "user", ("include[]",)),
    Fact("PUT", "/users/{id}", "update_user", (), ("user",), ("user",)),
    Fact("DELETE", "/users/{id}", "delete_user"),
    Fact("GET", "/teams", "teams", ("query", *PAGING)),
    Fact("GET", "/teams/{id}/members", "team_members", ("include[]", *PAGING)),
    Fact("PUT", "/teams/{id}/users/{user}", "update_team_user", (), ("role",)),
    Fact("DELETE", "/teams/{id}/users/{user}", "delete_team_user"),
)
ROLES = {"admin", "limited_user", "observer", "owner", "read_only_user", "restricted_access",
         "read_only_limited_user", "user"}  # fmt: skip
TEAM_ROLES = {"observer", "responder", "manager"}
MOST = 10_000  # “the sum of the offset and limit parameters cannot exceed 10000, or … status 400”


class FakePagerDuty(FakeApp):
    token = "y_NbAkKc66ryYTWUXYEu"
    account_list = "users"
    reaches = {Reach.WORKSPACE: ("update_user", "delete_user"), Reach.ASSET: ("update_team_user", "delete_team_user")}
    facts = FACTS

    def __init__(self):
        super().__init__()
        self.has_teams = True  # an ability of the plan
        self.key_of: Seat | None = None  # the person whose own key it is; None for a general access key
        self.busy: set[str] = set()  # ids of users with assigned incidents, where offboarding isn't set to restart them

    def is_authorised(self, request: Request) -> bool:
        assert request.headers["accept"] == "application/vnd.pagerduty+json;version=2"
        return request.headers.get("authorization") == f"Token token={self.token}"

    def unauthorised(self) -> Reply:
        return self.error(401, "Unauthorized")

    def error(self, status: int, words: str, *errors: str, code: int | None = None) -> Reply:
        number = code or (2100 if status == 404 else 2001)  # “Errors”: 2100 Not Found, 2001 Invalid Input Provided
        return Reply(status, {"error": {"code": number, "message": words, "errors": list(errors)}})

    def _page(self, request: Request, name: str, rows: list[dict], lie: int = 0) -> Any:
        limit, offset = request.number("limit", 25), request.number("offset", 0)
        if not 1 <= limit <= 100 or offset + limit > MOST:
            return self.error(400, "Arguments Caused Error", "Offset must be less than 10000.")
        end = offset + min(limit, self.most)
        total = len(rows) + lie if request.params.get("total") == "true" else None
        return {name: rows[offset:end], "limit": limit, "offset": offset, "more": end < len(rows), "total": total}

    # Users

    def users(self, request: Request) -> Any:
        return self._page(request, "users", Shown(self._user, self.listed), self.lie)

    def _user(self, seat: Seat) -> dict:
        teams = [{"id": thing.id, "type": "team_reference", "summary": thing.name}
                 for thing in self.things if seat.id in thing.members]  # fmt: skip
        return {
            "id": seat.id, "type": "user", "summary": seat.name, "self": f"https://api.pagerduty.com/users/{seat.id}",
            "html_url": f"https://acme.pagerduty.com/users/{seat.id}", "name": seat.name, "email": seat.email,
            "time_zone": "America/Lima", "color": "green", "role": seat.role, "description": "I'm the boss",
            "invitation_sent": seat.status == "invited", "job_title": "Engineer", "teams": teams, "contact_methods": [],
            "notification_rules": [],
        }  # fmt: skip

    def current_user(self, request: Request) -> Any:
        """“This will not work if the request is made with an account-level access token.”"""
        return {"user": self._user(self.key_of)} if self.key_of else self.error(404, "Not Found")

    def user(self, request: Request) -> Any:
        seat = self.seat(request.ids["id"])
        return {"user": self._user(seat)} if seat else self.error(404, "Not Found")

    def update_user(self, request: Request) -> Any:
        """“Account must have the read_only_users ability to set a user as a read_only_user”: 402."""
        seat, user = self.seat(request.ids["id"]), request.body["user"]
        if seat is None:
            return self.error(404, "Not Found")
        assert user["type"] == "user" and user["name"] == seat.name and user["email"] == seat.email
        assert user["role"] in ROLES - {"owner"}
        seat.role = user["role"]
        return {"user": self._user(seat)}

    def delete_user(self, request: Request) -> Any:
        """“Returns 400 if the user has assigned incidents”; the account owner “cannot be deleted”."""
        seat = self.seat(request.ids["id"])
        if seat is None:
            return self.error(404, "Not Found")
        assert seat.role != "owner", "the account owner cannot be deleted"
        if seat.id in self.busy:
            return self.error(400, "User Cannot Be Deleted", "The user has assigned incidents.")
        self.seats.remove(seat)
        for thing in self.things:
            thing.members.pop(seat.id, None)
        return Reply(204)

    # Teams

    def teams(self, request: Request) -> Any:
        if not self.has_teams:
            return self.error(402, "Account does not have the abilities to perform the action.", "teams")
        return self._page(request, "teams", [
            {"id": thing.id, "type": "team", "summary": thing.name, "name": thing.name, "default_role": "manager"}
            for thing in self.things
        ])  # fmt: skip

    def team_members(self, request: Request) -> Any:
        thing = self.thing(request.ids["id"])
        if thing is None:
            return self.error(404, "Not Found")
        return self._page(request, "members", [
            {"user": {"id": id, "type": "user_reference", "summary": "Jane Doe"}, "role": role}
            for id, role in thing.members.items()
        ])  # fmt: skip

    def update_team_user(self, request: Request) -> Any:
        """“Attempting to add a user with the read_only_user role will return a 400 error.”"""
        thing, seat = self.thing(request.ids["id"]), self.seat(request.ids["user"])
        if thing is None or seat is None:
            return self.error(404, "Not Found")
        role = (request.body or {}).get("role", "manager")
        assert role in TEAM_ROLES
        if seat.role == "read_only_user":
            return self.error(400, "Invalid Input Provided", "User is a stakeholder.")
        thing.members[seat.id] = role
        return Reply(204)

    def delete_team_user(self, request: Request) -> Any:
        thing = self.thing(request.ids["id"])
        if thing is None or thing.members.pop(request.ids["user"], None) is None:
            return self.error(404, "Not Found")
        return Reply(204)
