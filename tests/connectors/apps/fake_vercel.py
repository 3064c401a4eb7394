"""Vercel's REST API for one team: the calls and parameters of its reference, and no other."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat

# vercel.com/docs/rest-api, teams; vercel/sdk src/models/getteammembersop.ts
TEAM = "team_1a2b3c4d5e6f7g8h9i0j1k2l"
MEMBERS = f"/v1/teams/{TEAM}/members/{{uid}}"
LISTED = ("limit", "since", "until", "search", "role", "excludeProject", "eligibleMembersForProjectId")
CHANGES = ("confirmed", "role", "teamPermissions", "projects", "joinedFrom")
ROLES = ("OWNER", "MEMBER", "DEVELOPER", "SECURITY", "BILLING", "VIEWER", "VIEWER_FOR_PLUS", "CONTRIBUTOR")
NEWEST = 1_700_000_000_000


class FakeVercel(FakeApp):
    token = "7f1c0b52e9ab34d0c2e8a1b7"
    account_list = "members"
    reaches = {Reach.WORKSPACE: ("invite_user", "update_member", "remove_member", "delete_invite")}
    facts = (
        Fact("GET", "/v2/user", "user"),
        Fact("GET", f"/v2/teams/{TEAM}", "team", ("slug",)),
        Fact("GET", f"/v3/teams/{TEAM}/members", "members", LISTED),
        Fact("POST", f"/v2/teams/{TEAM}/members", "invite_user", ("slug",), ("email", "role", "projects"), ("email",)),
        Fact("PATCH", MEMBERS, "update_member", (), CHANGES),
        Fact("DELETE", MEMBERS, "remove_member", ("newDefaultTeamId",)),
        Fact("DELETE", f"/v1/teams/{TEAM}/invites/{{uid}}", "delete_invite"),
    )

    def __init__(self):
        super().__init__()
        self.my_role = "OWNER"
        self.my_id = "me"
        self.more: dict[str, dict] = {}  # id of a member or an invitation → further fields
        self.synced: set[str] = set()  # ids that directory sync manages
        self.every = 1000  # milliseconds between two members

    def error(self, status: int, words: str) -> Reply:
        """“Errors”: an object `error` with code and message."""
        codes = {401: "unauthorized", 403: "forbidden", 404: "not_found", 429: "rate_limited"}
        return Reply(status, {"error": {"code": codes.get(status, "bad_request"), "message": words}})

    def unauthorised(self) -> Reply:
        return self.error(403, "Not authorized: Trying to access resource under scope.")

    def user(self, request: Request) -> dict:
        return {"user": {"id": self.my_id, "email": "olga@acme.example", "name": "Olga", "username": "olga"}}

    def team(self, request: Request) -> dict:
        return {"id": TEAM, "slug": "acme", "name": "Acme", "membership": {"role": self.my_role, "confirmed": True}}

    def members(self, request: Request) -> dict:
        """The latest come first; `until` is a time that is still included."""
        limit, until = request.number("limit", 20), request.number("until", NEWEST + 1)
        assert 1 <= limit <= 100
        places = {seat.id: n for n, seat in reversed(list(enumerate(self.listed)))}
        rows = [self._member(seat, places[seat.id]) for seat in self.listed if seat.status == "active"]
        rows = sorted((row for row in rows if row["createdAt"] <= until), key=lambda row: -row["createdAt"])
        part, more = rows[:limit], len(rows) > limit
        invites = [self._invite(seat) for seat in self.listed if seat.status == "invited"]
        pagination = {"hasNext": more, "count": len(part), "next": part[-1]["createdAt"] - 1 if more else None,
                      "prev": None}  # fmt: skip
        return {"members": part, "emailInviteCodes": invites, "pagination": pagination}

    def invite_user(self, request: Request) -> Any:
        """“The authenticated user needs to be an `OWNER`”."""
        [invited] = request.body
        if self.my_role != "OWNER":
            return self.error(403, "You do not have permission to access this resource.")
        if any(seat.email == invited["email"] for seat in self.seats):
            return self.error(400, "The user is a member of the team already.")
        assert invited["role"] in ROLES
        self.seats.append(Seat(f"invite-{len(self.seats)}", invited["email"], role=invited["role"], status="invited"))
        return {"uid": None, "email": invited["email"], "role": invited["role"]}

    def update_member(self, request: Request) -> Any:
        """“The authenticated user must be an `OWNER` of the Team.”"""
        seat = self._find(request, "active")
        if seat is None:
            return self.error(404, "User not found.")
        assert request.body["role"] in ROLES
        seat.role = request.body["role"]
        return {"id": TEAM}

    def remove_member(self, request: Request) -> Any:
        """“Remove a Team Member from the Team, or dismiss a user that requested access, or leave a team.”"""
        assert request.ids["uid"] != self.my_id, "this would leave the team"
        return self._delete(self._find(request, "active"), "User not found.")

    def delete_invite(self, request: Request) -> Any:
        """“Invite managed by directory sync”, “Team invite code not found.”"""
        return self._delete(self._find(request, "invited"), "Team invite code not found.")

    def _delete(self, seat: Seat | None, otherwise: str) -> Any:
        if seat is None:
            return self.error(404, otherwise)
        if seat.id in self.synced:
            return self.error(403, "Invite managed by directory sync")
        self.seats.remove(seat)
        return {"id": TEAM}

    def _find(self, request: Request, status: str) -> Seat | None:
        seat = self.seat(request.ids["uid"])
        return seat if seat and seat.status == status else None

    def _member(self, seat: Seat, place: int) -> dict:
        return {"uid": seat.id, "email": seat.email, "name": seat.name, "username": f"user-{seat.id}",
                "role": seat.role, "confirmed": True, "createdAt": self._added(seat, place),
                **self.more.get(seat.id, {})}  # fmt: skip

    def _added(self, seat: Seat, place: int) -> int:
        """It is the same after others are removed: the number in the id says when."""
        number = seat.id.rpartition("-")[2]
        return NEWEST - self.every * (int(number) if number.isdecimal() else place)

    def _invite(self, seat: Seat) -> dict:
        return {"id": seat.id, "email": seat.email, "role": seat.role, "isDSyncUser": seat.id in self.synced,
                "expired": False, **self.more.get(seat.id, {})}  # fmt: skip
