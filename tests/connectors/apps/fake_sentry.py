"""Sentry's API for one organization: the calls and parameters of docs.sentry.io/api, as getsentry/sentry answers."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Shown

# docs.sentry.io/api: Organizations, Teams; getsentry/sentry src/sentry/core/endpoints
ORG = "/organizations/acme"
MEMBER = ORG + "/members/{id}/"
CHANGES = ("orgRole", "teamRoles")
INVITE = ("email", "orgRole", "teamRoles", "sendInvite", "reinvite")
PAGE = 100
MANAGERS = ("owner", "manager")  # the roles with org:write
NOBODY = "The requested resource does not exist"
LAST = "You cannot remove the only remaining owner or manager of the organization."
NO_MORE_ACCESS = "You cannot remove a member who has more access than you."
MANAGED = "This user is managed through your organization's identity provider."


class FakeSentry(FakeApp):
    base_path = "/api/0"
    token = "sntryu_7f1c0b52e9ab34"
    account_list = "members"
    reaches = {
        Reach.ASSET: ("join_team", "leave_team"),
        Reach.ORGANISATION: ("update_member", "delete_member", "add_member"),
    }
    facts = (
        Fact("GET", ORG + "/", "organization", ("detailed", "include_feature_flags")),
        Fact("GET", ORG + "/members/", "members", ("cursor",)),
        Fact("POST", ORG + "/members/", "add_member", (), INVITE, ("email",)),
        Fact("GET", ORG + "/members/me/", "who_am_i"),
        Fact("GET", MEMBER, "member"),
        Fact("PUT", MEMBER, "update_member", (), CHANGES),
        Fact("DELETE", MEMBER, "delete_member"),
        Fact("POST", MEMBER + "teams/{team}/", "join_team"),
        Fact("DELETE", MEMBER + "teams/{team}/", "leave_team"),
        Fact("GET", ORG + "/teams/", "teams", ("cursor", "detailed", "per_page", "query")),
        Fact("GET", "/teams/acme/{team}/members/", "team_members", ("cursor",)),
    )

    def __init__(self):
        super().__init__()
        self.me: dict | None = {"id": "me", "name": "Olga", "orgRole": "owner"}
        self.scoped = True  # the token has member:admin
        self.more: dict[str, dict] = {}  # id of a member → further fields
        self.users: dict[str, dict | None] = {}  # id of a member → further fields of their user
        self.provisioned: set[str] = set()  # ids of members that the identity provider manages
        self.asks_first = False  # joining a team needs approval
        self.features = ["invite-members"]  # of the organization

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"detail": words})

    def who_am_i(self, request: Request) -> Any:
        if self.me is None:
            return self.error(404, NOBODY)
        roles = [{"id": id, "isAllowed": self.scoped} for id in ("billing", "member", "admin", "manager", "owner")]
        return {**self.me, "orgRoleList": roles}

    def organization(self, request: Request) -> dict:
        """Its get(): the features are left out unless they are asked for."""
        asked = request.params.get("include_feature_flags", "0") != "0"
        return {"id": "2", "slug": "acme", "name": "Acme", **({"features": self.features} if asked else {})}

    def members(self, request: Request) -> Reply:
        return self._page(request, Shown(self._member, self.listed))

    def member(self, request: Request) -> Any:
        """With `teamRoles`, which the list leaves out."""
        seat = self.seat(request.ids["id"])
        if seat is None:
            return self.error(404, NOBODY)
        teams = [{"teamSlug": thing.name, "role": None if thing.members[seat.id] == "contributor" else "admin"}
                 for thing in self.things if seat.id in thing.members]  # fmt: skip
        return {**self._member(seat), "teams": [team["teamSlug"] for team in teams], "teamRoles": teams}

    def update_member(self, request: Request) -> Any:
        """Its put(): save_team_assignments() deletes every membership of a team that the call doesn't name, also
        where it names none."""
        seat, role = self.seat(request.ids["id"]), request.body.get("orgRole")
        if seat is None:
            return self.error(404, NOBODY)
        named = {team["teamSlug"]: team["role"] or "contributor" for team in request.body.get("teamRoles", [])}
        if role == "billing" and named:
            return self.error(400, "The user with a 'billing' role cannot have team-level permissions.")
        if role == "owner" and self.me["orgRole"] != "owner":
            return Reply(403, {"role": "You do not have permission to assign the given role."})
        for thing in self.things:
            thing.members.pop(seat.id, None)
            if thing.name in named:
                thing.members[seat.id] = named[thing.name]
        seat.role = role or seat.role
        return self._member(seat)

    def delete_member(self, request: Request) -> Reply:
        """Its delete(), in the order of its checks."""
        seat = self.seat(request.ids["id"])
        if seat is None:
            return self.error(404, NOBODY)
        if not self.scoped:
            return self.error(400, "You are missing the member:admin scope.")
        if seat.role == "owner" and self.me["orgRole"] == "manager":
            return self.error(400, NO_MORE_ACCESS)
        others = [one for one in self.seats if one is not seat and one.role in MANAGERS and one.status == "active"]
        if seat.role in MANAGERS and not others:
            return self.error(403, LAST)
        if seat.id in self.provisioned:
            return self.error(403, MANAGED)
        self.seats.remove(seat)
        for thing in self.things:
            thing.members.pop(seat.id, None)
        return Reply(204)

    def add_member(self, request: Request) -> Reply:
        email, role = request.body["email"], request.body.get("orgRole", "member")
        if any(seat.email == email for seat in self.seats):
            return Reply(400, {"email": [f"The user {email} has already been invited"]})
        if role not in ("billing", "member", "admin", "manager", "owner"):
            return Reply(400, {"orgRole": [f'"{role}" is not a valid choice.']})
        self.seats.append(Seat(f"id-{len(self.seats)}", email, email, "invited", role))
        return Reply(201, self._member(self.seats[-1]))

    def join_team(self, request: Request) -> Reply:
        """201 added, 202 an access request was made, 204 is already on the team."""
        team, seat = self.thing(request.ids["team"]), self.seat(request.ids["id"])
        if team is None or seat is None:
            return self.error(404, NOBODY)
        if seat.id in team.members:
            return Reply(204)
        if self.asks_first:
            return Reply(202)
        team.members[seat.id] = "contributor"
        return Reply(201, {"id": team.id, "slug": team.name})

    def leave_team(self, request: Request) -> Reply:
        """200, also for one who isn't on the team."""
        team, seat = self.thing(request.ids["team"]), self.seat(request.ids["id"])
        if team is None or seat is None:
            return self.error(404, NOBODY)
        team.members.pop(seat.id, None)
        return Reply(200, {"id": team.id, "slug": team.name})

    def teams(self, request: Request) -> Reply:
        return self._page(request, [{"id": thing.id, "slug": thing.name, "name": thing.name} for thing in self.things])

    def team_members(self, request: Request) -> Reply:
        """A role on the team that follows from the role in the organization is null."""
        team = self.thing(request.ids["team"])
        if team is None:
            return self.error(404, NOBODY)
        rows = []
        for id, role in team.members.items():
            seat = self.seat(id) or Seat(id, role="member")
            shown = None if role == "contributor" else role
            rows.append({**self._member(seat), "teamRole": shown, "teamSlug": team.name})
        return self._page(request, rows)

    def _member(self, seat: Seat) -> dict:
        """OrganizationMemberSerializer: without a user while the invitation is open."""
        user = None
        if seat.status != "invited":
            user = {"id": f"u-{seat.id}", "name": seat.name, "email": seat.email, "isActive": True, "lastActive": None,
                    **(self.users.get(seat.id) or {})}  # fmt: skip
        return {
            "id": seat.id, "email": seat.email, "name": seat.name, "user": user, "orgRole": seat.role,
            "pending": seat.status == "invited", "expired": False, "inviteStatus": "approved", "inviterName": None,
            "flags": {"idp:provisioned": seat.id in self.provisioned}, **self.more.get(seat.id, {}),
        }  # fmt: skip

    def _page(self, request: Request, rows: list[dict]) -> Reply:
        """“Paginating Results”: by offset; each answer has both links, with results="false" where nothing is there."""
        offset = int(request.params.get("cursor", "0:0:0").split(":")[1])
        more, url = offset + PAGE < len(rows), f"{self.url}{request.path}"
        following = f"0:{offset + PAGE}:0"
        link = (f'<{url}?&cursor=0:0:1>; rel="previous"; results="{"true" if offset else "false"}"; cursor="0:0:1", '
                f'<{url}?&cursor={following}>; rel="next"; results="{"true" if more else "false"}"; '
                f'cursor="{following}"')  # fmt: skip
        return Reply(200, rows[offset : offset + PAGE], {"Link": link})
