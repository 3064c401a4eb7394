"""Snapchat's Ads API for one organization, as developers.snap.com describes it."""

from __future__ import annotations

from typing import Any

from tests.connectors.fake import Fact, FakeApp, Reply, Request

# developers.snap.com, Ads API: “Members”, “Roles”, “Organizations”, “API Patterns”, “Authentication”, “Rate Limits”;
# roles in the form of github.com/amp-labs/connectors, providers/snapchatads/test/roles.json
ORGANIZATION, ME = "8fdeefec-f502-4ca8-9a84-6411e0a51053", "a71cfcae-895d-4314-9460-e2ffd2515dd0"
LIMITS = range(50, 1001)  # “limit={value between 50 - 1000}”
PAGING = ("limit", "cursor")
CLIENT = ("client_id", "client_secret", "grant_type", "refresh_token")
FACTS = (
    Fact("POST", "/access_token", "token_call", (), CLIENT, CLIENT),
    Fact("GET", "/me/organizations", "organizations", PAGING),
    Fact("GET", "/organizations/{organization}/members", "members", PAGING),
    Fact("GET", "/organizations/{organization}/roles", "roles", PAGING),
    Fact("GET", "/organizations/{organization}/adaccounts", "ad_accounts", PAGING),
    Fact("GET", "/adaccounts/{id}/roles", "ad_account_roles", PAGING),
)
STATUSES = {"active": "MEMBER", "invited": "INVITED"}


class FakeSnapchat(FakeApp):
    """`seats` are the members. The credential's own member isn't among them, because the contract counts `seats`."""

    token = "hCgwKCjE1MDg3NzQ5"
    client_secret, refresh_token = "7f1c0b52e9d4", "eyJhbGciOi-3c9f"
    account_list = "members"
    reads = ("token_call",)
    facts = FACTS

    def __init__(self):
        super().__init__()
        self.my_role = "admin"
        self._rest: dict[str, list[dict]] = {}  # by cursor: what comes after it
        self.failed: set[str] = set()  # ids of members that a list gives as a failed part

    def is_authorised(self, request: Request) -> bool:
        return request.path == "/access_token" or super().is_authorised(request)

    def unauthorised(self) -> Reply:
        return self.error(401, "Access token is expired or revoked.")

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"request_status": "ERROR", "request_id": "232f5ee3", "debug_message": words,
                              "display_message": words, "error_code": "E1001"})  # fmt: skip

    def token_call(self, request: Request) -> Any:
        form = request.body
        assert form["grant_type"] == "refresh_token" and form["client_id"] == "c-77"
        if (form["client_secret"], form["refresh_token"]) != (self.client_secret, self.refresh_token):
            return Reply(400, {"error": "invalid_grant", "error_description": "The refresh token is invalid."})
        return {"access_token": self.token, "token_type": "Bearer", "expires_in": 3600,
                "refresh_token": self.refresh_token, "scope": "snapchat-marketing-api"}  # fmt: skip

    def _page(self, request: Request, name: str, rows: list[dict]) -> dict:
        """A cursor names a place in the list (it holds “createdAt”), also after something before it was removed."""
        limit, rows = request.number("limit", 50), self._rest.get(request.params.get("cursor", ""), rows)
        assert limit in LIMITS
        end, cursor = min(limit, self.most), f"CnEKFgoJY3JlYXRlZEF0{len(self._rest)}"
        self._rest[cursor] = rows[end:]
        link = f"{self.url}{request.path}?cursor={cursor}&limit={limit}"
        wrapped = [{"sub_request_status": "SUCCESS", name: row} if row["id"] not in self.failed else
                   {"sub_request_status": "ERROR", "sub_request_error_reason": "Error code: E3004"}
                   for row in rows[:end]]  # fmt: skip
        return {"request_status": "SUCCESS", "request_id": "5ea05c48", f"{name}s": wrapped,
                "paging": {"next_link": link} if end < len(rows) else {}}  # fmt: skip

    def organizations(self, request: Request) -> dict:
        """The fields beside a name: “my_member_id”, “my_display_name”, “my_invited_email”, of the token's person."""
        other = {"id": "507d7a57-94de-4239-8a74-e93c00ca53e6", "name": "Hooli", "my_member_id": "other"}
        mine = {"id": ORGANIZATION, "name": "Acme", "type": "ENTERPRISE", "my_member_id": ME,
                "my_display_name": "Honey Bear", "my_invited_email": "honeybear@acme.example"}  # fmt: skip
        return self._page(request, "organization", [other, mine])

    def members(self, request: Request) -> Any:
        if request.ids["organization"] != ORGANIZATION:
            return self.error(404, "Entity does not exist or you do not have permission to access it")
        rows = [
            {"id": seat.id, "email": seat.email, "organization_id": ORGANIZATION, "display_name": seat.name,
             "member_status": STATUSES.get(seat.status, seat.status), "created_at": "2017-10-17T12:25:50.815Z",
             "updated_at": "2017-10-17T12:25:50.815Z"}
            for seat in self.listed
        ]  # fmt: skip
        return self._page(request, "member", rows)

    @staticmethod
    def _role(kind: str, container: str, member: str, role: str) -> dict:
        return {"id": f"{container}:{member}:{role}", "container_kind": kind, "container_id": container,
                "member_id": member, "organization_id": ORGANIZATION, "type": role}  # fmt: skip

    def roles(self, request: Request) -> dict:
        rows = [self._role("Organizations", ORGANIZATION, seat.id, role)
                for seat in self.seats for role in (*seat.further_roles, seat.role) if role]  # fmt: skip
        return self._page(request, "role", [self._role("Organizations", ORGANIZATION, ME, self.my_role), *rows])

    def ad_accounts(self, request: Request) -> dict:
        rows = [{"id": thing.id, "name": thing.name, "organization_id": ORGANIZATION, "status": "ACTIVE"}
                for thing in self.things]  # fmt: skip
        return self._page(request, "adaccount", rows)

    def ad_account_roles(self, request: Request) -> Any:
        thing = self.thing(request.ids["id"])
        if thing is None:
            return self.error(404, "Entity does not exist or you do not have permission to access it")
        rows = [self._role("AdAccounts", thing.id, member, role) for member, role in thing.members.items()]
        return self._page(request, "role", rows)
