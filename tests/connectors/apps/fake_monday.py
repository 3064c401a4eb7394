"""monday.com's GraphQL API for one account, version 2026-10. A call beyond its reference is a violation."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Reply, Request, Seat, Thing
from tests.connectors.fake_graphql import FakeGraphQL, calls_at, plain

# developer.monday.com/api-reference/reference: “Users” (updated 6 September 2026), “Users, other types”, “Teams”, “Me”.
LISTING = ("emails", "ids", "limit", "name", "page", "sort", "status", "user_kind", "visibility")
IDS = ("user_ids",)
SCHEMA = {
    "Query": {"me": ("User", ()), "users": ("User", LISTING), "teams": ("Team", ("ids",))},
    "Mutation": {
        "deactivate_users": ("DeactivateUsersResult", IDS),
        "update_users_role": ("UpdateUsersRoleResult", (*IDS, "new_role", "role_id")),
        "invite_users": ("InviteUsersResult", ("emails", "product", "user_role")),
        "add_users_to_team": ("ChangeTeamMembershipResult", (*IDS, "team_id")),
        "remove_users_from_team": ("ChangeTeamMembershipResult", (*IDS, "team_id")),
    },
    "User": {
        **plain("id", "email", "name", "status", "is_deleted", "last_activity", "created_at", "became_active_at"),
        "user_config": ("UserConfig", ()), "account": ("Account", ()), "teams": ("Team", ()),
    },
    "UserConfig": plain("kind", "role_id", "visibility"),
    "Account": plain("id", "name"),
    "Team": {**plain("id", "name", "picture_url"), "owners": ("User", ()), "users": ("User", ())},
    "DeactivateUsersResult": {"deactivated_users": ("User", ()), "errors": ("Error", ())},
    "UpdateUsersRoleResult": {"updated_users": ("User", ()), "errors": ("Error", ())},
    "InviteUsersResult": {"invited_users": ("User", ()), "errors": ("InviteError", ())},
    "ChangeTeamMembershipResult": {"successful_users": ("User", ()), "failed_users": ("User", ())},
    "Error": plain("code", "message", "user_id"),
    "InviteError": plain("code", "message", "email"),
}
ROLE_NAMES = ("ADMIN", "GUEST", "MEMBER", "VIEW_ONLY")  # BaseRoleName
INVITED_AS = ("GUEST", "MEMBER", "VIEW_ONLY")  # UserRole
STATUSES = {"active": "ACTIVE", "suspended": "INACTIVE", "invited": "PENDING"}
ME = "900"


class FakeMonday(FakeGraphQL):
    token = "eyJhbGciOiJIUzI1NiJ9.7f1c0b52e9"
    schema = SCHEMA
    facts = calls_at("/v2")
    looked_up_by = ("ids", "emails")
    reaches = {
        Reach.ASSET: ("add_users_to_team", "remove_users_from_team"),
        Reach.ORGANISATION: ("deactivate_users", "update_users_role", "invite_users"),
    }

    def __init__(self):
        super().__init__()
        self.my_kind = "admin"
        self.more: dict[str, dict] = {}  # user id → fields instead of ours
        self.refuses: dict[str, str] = {}  # user id → the code of the error that each mutation answers
        self.cannot_join = False

    def is_authorised(self, request: Request) -> bool:
        return request.headers.get("authorization") == self.token

    def unauthorised(self) -> Reply:
        return Reply(401, {"errors": ["Not Authenticated"]})

    def error(self, status: int, words: str, code: str = "InvalidArgumentException", **more: Any) -> Reply:
        """“Sample format”: an application's error has the status 200."""
        extensions = {"code": code, "error_data": {}, "status_code": status, **more}
        return Reply(status, {"data": [], "errors": [{"message": words, "extensions": extensions}], "account_id": 1})

    def _me(self, variables: dict) -> dict:
        return {"id": ME, "name": "Olga", "user_config": {"kind": self.my_kind}, "account": {"name": "Acme"}}

    def _users(self, variables: dict) -> list[dict]:
        if "ids" in variables:
            return [self._user(seat) for seat in self.seats if seat.id in variables["ids"]]
        if "emails" in variables:
            return [self._user(seat) for seat in self.seats if seat.email in variables["emails"]]
        size, page = min(variables["limit"], self.most), variables["page"]
        assert 1 <= variables["limit"] <= 1000 and page >= 1
        return [self._user(seat) for seat in self.listed[(page - 1) * size : page * size]]

    def _user(self, seat: Seat) -> dict:
        teams = [{"id": thing.id} for thing in self.things if seat.id in thing.members]
        return {
            "id": seat.id, "email": seat.email, "name": seat.name, "status": STATUSES[seat.status],
            "is_deleted": False, "last_activity": None, "user_config": {"kind": seat.role}, "teams": teams,
            **self.more.get(seat.id, {}),
        }  # fmt: skip

    def _each(self, variables: dict) -> tuple[list[Seat], list[dict]]:
        """Those that a mutation is about, and its errors: the codes are DeactivateUsersErrorCode's."""
        errors = [{"user_id": id, "code": code, "message": f"So says monday: {code}"} for id in variables["ids"]
                  if (code := self.refuses.get(id) or ("" if self.seat(id) else "USER_NOT_FOUND"))]  # fmt: skip
        refused = {error["user_id"] for error in errors}
        return [self.seat(id) for id in variables["ids"] if id not in refused], errors

    def _deactivate_users(self, variables: dict) -> dict:
        seats, errors = self._each(variables)
        for seat in seats:
            seat.status = "suspended"
        return {"deactivated_users": [{"id": seat.id} for seat in seats], "errors": errors}

    def _update_users_role(self, variables: dict) -> dict:
        assert variables["role"] in ROLE_NAMES
        seats, errors = self._each(variables)
        for seat in seats:
            seat.role = variables["role"].lower()
        return {"updated_users": [{"id": seat.id} for seat in seats], "errors": errors}

    def _invite_users(self, variables: dict) -> dict:
        assert variables["role"] in INVITED_AS
        for email in variables["emails"]:
            self.seats.append(Seat(f"2{len(self.seats)}", email, status="invited", role=variables["role"].lower()))
        return {"invited_users": [{"id": self.seats[-1].id}], "errors": None}

    def _teams(self, variables: dict) -> list[dict]:
        return [{"id": thing.id, "name": thing.name, "owners": _owners(thing)} for thing in self.things]

    def _add_users_to_team(self, variables: dict) -> dict:
        if self.cannot_join:
            return {"successful_users": [], "failed_users": [{"id": id} for id in variables["ids"]]}
        self.thing(variables["team"]).members.update(dict.fromkeys(variables["ids"], "member"))
        return {"successful_users": [{"id": id} for id in variables["ids"]], "failed_users": []}

    def _remove_users_from_team(self, variables: dict) -> dict:
        for id in variables["ids"]:
            del self.thing(variables["team"]).members[id]
        return {"successful_users": [{"id": id} for id in variables["ids"]], "failed_users": []}


def _owners(thing: Thing) -> list[dict]:
    return [{"id": id} for id, role in thing.members.items() if role == "owner"]
