"""Linear's GraphQL API for one workspace; a field, argument or input that its schema does not have is a violation."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Reply, Request, Seat, Thing
from tests.connectors.fake_graphql import FakeGraphQL, calls_at

# Types and fields: npm @linear/sdk 98.0.0 (MIT), Linear's own GraphQL schema, cut to what is asked for.
# Type → field → (type of the field, "" for a plain value; its arguments)
PAGED = ("first", "after", "before", "last", "includeArchived", "orderBy")
SCHEMA: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "Query": {
        "viewer": ("User", ()),
        "users": ("UserConnection", (*PAGED, "filter", "includeDisabled", "sort")),
        "organizationInvites": ("OrganizationInviteConnection", PAGED),
        "teams": ("TeamConnection", (*PAGED, "filter")),
        "team": ("Team", ("id",)),
        "user": ("User", ("id",)),
    },
    "Mutation": {
        "userSuspend": ("UserAdminPayload", ("id", "forceBypassScimRestrictions")),
        "userChangeRole": ("UserAdminPayload", ("id", "role")),
        "organizationInviteCreate": ("OrganizationInvitePayload", ("input",)),
        "organizationInviteDelete": ("DeletePayload", ("id",)),
        "teamMembershipCreate": ("TeamMembershipPayload", ("input",)),
        "teamMembershipDelete": ("DeletePayload", ("id", "alsoLeaveParentTeams")),
    },
    "User": {"organization": ("Organization", ()), "teamMemberships": ("TeamMembershipConnection", PAGED),
             **dict.fromkeys(
        ("id", "name", "displayName", "email", "active", "admin", "owner", "guest", "app", "archivedAt", "lastSeen",
         "disableReason", "createdAt"), ("", ()))},
    "Organization": dict.fromkeys(("id", "name", "urlKey", "userCount"), ("", ())),
    "OrganizationInvite": dict.fromkeys(("id", "email", "role", "acceptedAt", "archivedAt", "expiresAt"), ("", ())),
    "Team": {"memberships": ("TeamMembershipConnection", PAGED),
             **dict.fromkeys(("id", "name", "key", "private", "archivedAt"), ("", ()))},
    "TeamMembership": {"user": ("User", ()), "team": ("Team", ()), "id": ("", ()), "owner": ("", ())},
    "PageInfo": dict.fromkeys(("hasNextPage", "hasPreviousPage", "startCursor", "endCursor"), ("", ())),
    **{f"{kind}Connection": {"nodes": (kind, ()), "pageInfo": ("PageInfo", ())}
       for kind in ("User", "Team", "OrganizationInvite", "TeamMembership")},
    **{payload: {"success": ("", ())} for payload in (
        "UserAdminPayload", "OrganizationInvitePayload", "TeamMembershipPayload", "DeletePayload")},
}  # fmt: skip
INPUTS = {
    "organizationInviteCreate": ("email", "id", "metadata", "role", "teamIds"),
    "teamMembershipCreate": ("id", "owner", "sortOrder", "teamId", "userId"),
}
ROLES = ("owner", "admin", "user", "guest", "app")  # enum UserRoleType


class FakeLinear(FakeGraphQL):
    token = "lin_api_7f1c0b52e9"
    schema, inputs = SCHEMA, INPUTS
    reaches = {
        Reach.ASSET: ("teamMembershipCreate", "teamMembershipDelete"),
        Reach.WORKSPACE: ("userSuspend", "userChangeRole", "organizationInviteCreate", "organizationInviteDelete"),
    }
    facts = calls_at("/graphql")

    def __init__(self):
        super().__init__()
        self.me = {"admin": True, "owner": False, "guest": False}
        self.invites: list[dict] = []
        self.more: dict[str, dict] = {}

    def is_authorised(self, request: Request) -> bool:
        return request.headers.get("authorization") == self.token

    def unauthorised(self) -> Reply:
        return self.error(401, "Authentication required, not authenticated", "authentication error")

    def error(self, status: int, words: str, kind: str = "invalid input") -> Reply:
        return Reply(status, {"errors": [{"message": words, "extensions": {"type": kind}}]})

    def _viewer(self, variables: dict) -> dict:
        return {"id": "u-me", "name": "Olga", "email": "olga@acme.example", **self.me, "organization": {"name": "Acme"}}

    def _users(self, variables: dict) -> dict:
        if "id" in variables:
            return {"nodes": [self._person(seat) for seat in self.seats if seat.id == variables["id"]]}
        return _page(variables, [self._person(seat) for seat in self.listed])

    def _person(self, seat: Seat) -> dict:
        flags = {flag: seat.role == flag for flag in ("owner", "admin", "guest", "app")}
        return {
            "id": seat.id, "name": seat.name, "displayName": "", "email": seat.email, "archivedAt": None,
            "lastSeen": None, "active": seat.status == "active", **flags, **self.more.get(seat.id, {}),
        }  # fmt: skip

    def _userSuspend(self, variables: dict) -> Any:
        seat = self.seat(variables["id"])
        if seat is None or seat.status == "suspended":
            return self.error(400, "Entity not found: User")
        if seat.role == "owner":
            return self.error(200, "You can't suspend the last owner of the workspace", "user error")
        seat.status = "suspended"
        return {"success": True}

    def _userChangeRole(self, variables: dict) -> dict:
        assert variables["role"] in ROLES
        self.seat(variables["id"]).role = variables["role"]
        return {"success": True}

    def _organizationInvites(self, variables: dict) -> dict:
        return _page(variables, self.invites)

    def _organizationInviteCreate(self, variables: dict) -> dict:
        given = variables["input"]
        assert given["role"] in ROLES
        self.invites.append({"id": f"i-{len(self.invites)}", "acceptedAt": None, "archivedAt": None, "expiresAt": None,
                             **given})  # fmt: skip
        return {"success": True}

    def _organizationInviteDelete(self, variables: dict) -> dict:
        next(row for row in self.invites if row["id"] == variables["id"])["archivedAt"] = "2026-11-20T10:00:00Z"
        return {"success": True}

    def _teams(self, variables: dict) -> dict:
        return _page(variables, [{"id": thing.id, "name": thing.name} for thing in self.things])

    def _team(self, variables: dict) -> Any:
        team = self.thing(variables["team"])
        if team is None:
            return self.error(400, "Entity not found: Team")
        return {"memberships": _page(variables, [_membership(team, id) for id in team.members])}

    def _user(self, variables: dict) -> Any:
        seat = self.seat(variables["user"])
        if seat is None:
            return self.error(400, "Entity not found: User")
        mine = [_membership(team, seat.id) for team in self.things if seat.id in team.members]
        return {"teamMemberships": _page(variables, mine)}

    def _teamMembershipCreate(self, variables: dict) -> Any:
        team: Thing = self.thing(variables["input"]["teamId"])
        if variables["input"]["userId"] in team.members:
            return self.error(400, "User is already a member of the team")
        team.members[variables["input"]["userId"]] = "member"
        return {"success": True}

    def _teamMembershipDelete(self, variables: dict) -> dict:
        team, _, user = variables["id"].partition("/")
        del self.thing(team).members[user]
        return {"success": True}


def _membership(team: Thing, user: str) -> dict:
    return {"id": f"{team.id}/{user}", "owner": team.members[user] == "owner", "user": {"id": user},
            "team": {"id": team.id, "name": team.name}}  # fmt: skip


def _page(variables: dict, rows: list[dict]) -> dict:
    """linear.app/developers/pagination: 50 by default, 250 at most; the cursor stands for the last one shown."""
    first, after = min(variables.get("first") or 50, 250), variables.get("after")
    start = next((n + 1 for n, row in enumerate(rows) if row["id"] == after), 0) if after else 0
    part = rows[start : start + first]
    info = {"hasNextPage": start + first < len(rows), "endCursor": part[-1]["id"] if part else None}
    return {"nodes": part, "pageInfo": info}
