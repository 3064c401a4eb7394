"""Calendly for one organisation: the calls and parameters of its API documents, and no other."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing

# developer.calendly.com/api-docs: organizations, groups, users
PAGED = ("count", "page_token")
MEMBERSHIPS = (*PAGED, "email", "organization", "role", "user")
INVITATIONS = (*PAGED, "email", "sort", "status")
RELATIONSHIPS = (*PAGED, "organization", "owner", "group")
BASE = "https://api.calendly.com"
ORGANIZATION = f"{BASE}/organizations/ORG1"
ME = f"{BASE}/users/ME"


class FakeCalendly(FakeApp):
    token = "eyJraWQiOiIxY2UxZTEzNjE3ZGNm"
    account_list = "memberships"
    reaches = {Reach.ORGANISATION: ("remove", "send_invitation", "revoke_invitation")}
    facts = (
        Fact("GET", "/users/me", "me"),
        Fact("GET", "/organization_memberships", "memberships", MEMBERSHIPS),
        Fact("GET", "/organization_memberships/{uuid}", "membership"),
        Fact("DELETE", "/organization_memberships/{uuid}", "remove"),
        Fact("GET", "/organizations/ORG1/invitations", "invitations", INVITATIONS),
        Fact("POST", "/organizations/ORG1/invitations", "send_invitation", (), ("email",), ("email",)),
        Fact("GET", "/organizations/ORG1/invitations/{uuid}", "invitation"),
        Fact("DELETE", "/organizations/ORG1/invitations/{uuid}", "revoke_invitation"),
        Fact("GET", "/groups", "groups", (*PAGED, "organization"), required=("organization",)),
        Fact("GET", "/group_relationships", "relationships", RELATIONSHIPS),
    )

    def __init__(self):
        super().__init__()
        self.my_role = "admin"
        self.organization: str | None = ORGANIZATION
        self.heeds_user = True  # the filter by user
        self.ended: dict[str, str] = {}  # invitation's id in `seats` → accepted, declined

    def error(self, status: int, words: str) -> Reply:
        titles = {401: "Unauthenticated", 403: "Permission Denied", 404: "Resource Not Found"}
        return Reply(status, {"title": titles.get(status, "Invalid Argument"), "message": words})

    def me(self, request: Request) -> dict:
        return {"resource": {"uri": ME, "name": "Olga", "slug": "olga", "email": "olga@acme.example",
                             "current_organization": self.organization}}  # fmt: skip

    @property
    def _mine(self) -> dict:
        """The membership of the token's owner, who isn't one of the accounts that a test counts."""
        return {"uri": f"{BASE}/organization_memberships/MINE", "role": self.my_role, "organization": ORGANIZATION,
                "user": {"uri": ME, "name": "Olga", "email": "olga@acme.example"}}  # fmt: skip

    def memberships(self, request: Request) -> Any:
        assert request.params["organization"] == ORGANIZATION
        members = [self._membership(seat) for seat in self.listed if seat.status == "active"]
        if request.params.get("user") == ME:
            return self._page(request, [self._mine] if self.heeds_user else [*members, self._mine])
        return self._page(request, members)

    def membership(self, request: Request) -> Any:
        seat = self._find(request, "active")
        return {"resource": self._membership(seat)} if seat else self.error(404, "The server could not find it.")

    def remove(self, request: Request) -> Reply:
        """“An organization owner can't be removed”."""
        seat = self._find(request, "active")
        if seat is None:
            return self.error(404, "The server could not find it.")
        if self.my_role not in ("owner", "admin") or seat.role == "owner":
            return self.error(403, "An organization owner can't be removed.")
        self.seats.remove(seat)
        return Reply(204)

    def invitations(self, request: Request) -> Any:
        wanted, email = request.params.get("status"), request.params.get("email")
        rows = [self._invitation(seat) for seat in self.listed if seat.status == "invited"]
        return self._page(request, [row for row in rows if row["status"] == (wanted or row["status"])
                                    and row["email"] == (email or row["email"])])  # fmt: skip

    def send_invitation(self, request: Request) -> Reply:
        email = request.body["email"]
        if any(seat.email == email for seat in self.seats):
            return self.error(400, "The user is in the organization or was invited already.")
        self.seats.append(Seat(f"inv-{len(self.seats)}", email, role="user", status="invited"))
        return Reply(201, {"resource": self._invitation(self.seats[-1])})

    def invitation(self, request: Request) -> Any:
        seat = self._find(request, "invited")
        return {"resource": self._invitation(seat)} if seat else self.error(404, "The server could not find it.")

    def revoke_invitation(self, request: Request) -> Reply:
        seat = self._find(request, "invited")
        if seat is None:
            return self.error(404, "The server could not find it.")
        self.seats.remove(seat)
        return Reply(204)

    def groups(self, request: Request) -> dict:
        rows = [{"uri": f"{BASE}/groups/{thing.id}", "name": thing.name, "organization": ORGANIZATION}
                for thing in self.things]  # fmt: skip
        return self._page(request, rows)

    def relationships(self, request: Request) -> Any:
        """“a given owner can have one membership record, but multiple admin records”: "member,admin" has both."""
        if owner := request.params.get("owner"):
            every = [row for group in self.things for row in self._in_group(group)]
            return self._page(request, [row for row in every if row["owner"]["uri"] == owner])
        group = self.thing(request.params["group"].removeprefix(f"{BASE}/groups/"))
        if group is None:
            return self.error(404, "The server could not find it.")
        return self._page(request, self._in_group(group))

    def _in_group(self, group: Thing) -> list[dict]:
        rows = []
        for id, roles in group.members.items():
            invited = getattr(self.seat(id), "status", "") == "invited"
            owner = (
                {"type": "OrganizationInvitation", "uri": f"{ORGANIZATION}/invitations/{id}"}
                if invited
                else {"type": "OrganizationMembership", "uri": f"{BASE}/organization_memberships/{id}"}
            )
            rows += [{"uri": f"{BASE}/group_relationships/{group.id}-{id}-{role}", "role": role, "owner": owner,
                      "group": f"{BASE}/groups/{group.id}"} for role in roles.split(",")]  # fmt: skip
        return rows

    def _find(self, request: Request, status: str) -> Seat | None:
        seat = self.seat(request.ids["uuid"])
        return seat if seat and seat.status == status else None

    def _membership(self, seat: Seat) -> dict:
        return {"uri": f"{BASE}/organization_memberships/{seat.id}", "role": seat.role, "organization": ORGANIZATION,
                "user": {"uri": f"{BASE}/users/{seat.id}", "name": seat.name, "email": seat.email}}  # fmt: skip

    def _invitation(self, seat: Seat) -> dict:
        return {"uri": f"{ORGANIZATION}/invitations/{seat.id}", "organization": ORGANIZATION, "email": seat.email,
                "status": self.ended.get(seat.id, "pending")}  # fmt: skip

    def _page(self, request: Request, rows: list[dict]) -> dict:
        count, token = request.number("count", 20), request.params.get("page_token")
        assert 1 <= count <= 100
        start = next((n + 1 for n, row in enumerate(rows) if row["uri"] == token), 0) if token else 0
        part = rows[start : start + count]
        more = start + count < len(rows)
        return {"collection": part, "pagination": {"count": len(part), "next_page": f"{BASE}/…" if more else None,
                                                   "next_page_token": part[-1]["uri"] if more else None}}  # fmt: skip
