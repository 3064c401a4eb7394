"""Zoom's account, its users, roles and groups, and the tokens of a server-to-server OAuth app."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat

# Users and groups: Zoom's own description (github.com/folio-sec/terraform-provider-zoom, spec/ZoomUserAPISpec.json);
# roles: github.com/oxidecomputer/third-party-api-clients, zoom/src/roles.rs; the list of groups by pages:
# github.com/ConductorOne/baton-zoom, pkg/zoom/client.go; tokens: developers.zoom.us, "Server-to-Server OAuth".
# Errors of “Update user status” (s.apifox.cn/apidoc/docs-site/406120): 400 with code 200 where the role is in the way,
# 404 with code 1001. A token for the next page is good for 15 minutes (“List users”, next_page_token).
PAGING = ("page_size", "next_page_token", "page_number")
FACTS = (
    Fact("POST", "/oauth/token", "tokens", (), ("grant_type", "account_id"), ("grant_type", "account_id")),
    Fact("GET", "/v2/users", "users", ("status", "role_id", "include_fields", "license", *PAGING)),
    Fact("POST", "/v2/users", "create", (), ("action", "user_info"), ("action",)),
    Fact("GET", "/v2/users/{id}", "user", ("login_type", "encrypted_email")),
    Fact("DELETE", "/v2/users/{id}", "delete",
         ("encrypted_email", "action", "transfer_email", "transfer_meeting", "transfer_webinar", "transfer_recording",
          "transfer_whiteboard", "transfer_clipfiles", "transfer_notes", "transfer_visitors", "transfer_docs")),
    Fact("PUT", "/v2/users/{id}/status", "set_status", (), ("action",), ("action",)),
    Fact("DELETE", "/v2/users/{id}/token", "revoke_token"),
    Fact("GET", "/v2/roles", "roles", ("type",)),
    Fact("POST", "/v2/roles/{id}/members", "add_to_role", (), ("members",)),
    Fact("DELETE", "/v2/roles/{id}/members/{user}", "take_from_role"),
    Fact("GET", "/v2/groups", "groups", ("page_size", "next_page_token")),
    Fact("GET", "/v2/groups/{id}/members", "in_group", PAGING),
    Fact("POST", "/v2/groups/{id}/members", "add_to_group", (), ("members",)),
    Fact("DELETE", "/v2/groups/{id}/members/{user}", "take_from_group"),
)  # fmt: skip
LARGEST = 300
ROLES = {"0": "Owner", "1": "Admin", "2": "Member", "R3helpdesk": "Help desk"}
STATUS = {"active": "active", "suspended": "inactive", "invited": "pending"}
CODE = {400: 300, 401: 124, 403: 200, 404: 1001, 409: 1005, 429: 429, 500: 500}


class FakeZoom(FakeApp):
    facts = FACTS
    account_list = "users"
    reads = ("tokens",)
    reaches = {
        Reach.ASSET: ("add_to_group", "take_from_group"),
        Reach.ORGANISATION: ("create", "delete", "set_status", "revoke_token", "add_to_role", "take_from_role"),
    }
    token = "zoom-s3cret-5b1e88"
    account_id, client_id = "abcAccount", "abcClient"

    def __init__(self):
        super().__init__()
        self.given = 0  # how many tokens
        self.types: dict[str, int] = {}  # account id → its plan
        self.adds_nobody = False
        self.signed_out: list[str] = []
        self.in_other_groups = 0  # users that the app doesn't see, although it sees the owner
        self.shows_everyone = True  # the app's maker has a role for the whole account, not for some groups

    def is_authorised(self, request: Request) -> bool:
        if request.path == "/oauth/token":
            basic = base64.b64encode(f"{self.client_id}:{self.token}".encode()).decode()
            return request.headers.get("authorization") == f"Basic {basic}"
        return bool(self.given) and request.headers.get("authorization") == f"Bearer access-{self.given}"

    def unauthorised(self) -> Reply:
        return self.error(401, "Invalid access token.")

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"code": CODE[status], "message": words})

    def tokens(self, request: Request) -> Any:
        asked = request.body
        if asked != {"grant_type": "account_credentials", "account_id": self.account_id}:
            return Reply(400, {"reason": "Bad request", "error": "invalid_request"})
        self.given += 1
        return {"access_token": f"access-{self.given}", "token_type": "bearer", "expires_in": 3600}

    # Users

    def users(self, request: Request) -> dict:
        """“role_id” filters (“List users”). The owner has the role 0, and is in every account besides the `seats`."""
        asked = request.params.get("status", "active")
        if request.params.get("role_id") == "0":
            owner = Seat("owner", "owner@acme.example", "Owner", role="0")
            return self._page(request, "users", [self._user(owner)] if self.shows_everyone else [])
        rows = [self._user(seat) for seat in self.listed if STATUS[seat.status] == asked]
        return self._page(request, "users", rows, self.lie)

    def _user(self, seat: Seat) -> dict:
        document = {
            "id": seat.id, "email": seat.email, "display_name": seat.name, "first_name": "", "last_name": "",
            "type": self.types.get(seat.id, 1), "role_id": seat.role, "status": STATUS[seat.status],
            "last_login_time": "2026-11-20T08:00:00Z",
            "group_ids": [thing.id for thing in self.things if seat.id in thing.members],
        }  # fmt: skip
        if seat.status == "invited":
            del document["id"], document["last_login_time"]
        return document

    def user(self, request: Request) -> Any:
        seat = self._find(request.ids["id"])
        return self._user(seat) if seat else self._no_user(request)

    def create(self, request: Request) -> Any:
        asked = request.body["user_info"]
        assert request.body["action"] in ("create", "autoCreate", "custCreate", "ssoCreate")
        assert asked["type"] in (1, 2, 4, 99)
        if any(seat.email.casefold() == asked["email"].casefold() for seat in self.seats):
            return self.error(409, f"User already in the account: {asked['email']}")
        self.seats.append(Seat("", asked["email"], role="2", status="invited"))
        return Reply(201, {"id": "new", "email": asked["email"], "type": asked["type"]})

    def delete(self, request: Request) -> Reply:
        seat = self._find(request.ids["id"])
        if seat is None:
            return self._no_user(request)
        assert request.params.get("action", "disassociate") == "disassociate", "delete destroys their data"
        self.seats.remove(seat)
        return Reply(204)

    def revoke_token(self, request: Request) -> Reply:
        """“Revoke a user's SSO token”: 204; 404 with code 1001 for nobody."""
        if self.seat(request.ids["id"]) is None:
            return self.error(404, "User does not exist.")
        self.signed_out.append(request.ids["id"])
        return Reply(204)

    def set_status(self, request: Request) -> Reply:
        seat = self._find(request.ids["id"])
        assert request.body["action"] == "deactivate"
        if seat is None:
            return self._no_user(request)
        if seat.role in ("0", "1"):
            words = "Zoom Room and Admin users' status can not be activated or deactivated."
            return Reply(400, {"code": 200, "message": words})
        seat.status = "suspended"
        return Reply(204)

    def _find(self, id: str) -> Seat | None:
        return next((seat for seat in self.seats if id in (seat.id, seat.email)), None)

    def _no_user(self, request: Request) -> Reply:
        return self.error(404, f"User does not exist: {request.ids['id']}.")

    # Roles

    def roles(self, request: Request) -> dict:
        """total_members: of the whole account, as the app may see fewer (not documented)."""
        has = Counter([*(seat.role for seat in self.seats), "0", *["2"] * self.in_other_groups])
        rows = [{"id": id, "name": name, "description": "", "total_members": has[id]} for id, name in ROLES.items()]
        return {"roles": rows, "total_records": len(rows)}

    def add_to_role(self, request: Request) -> Reply:
        return self._set_role(request.ids["id"], request.body["members"][0]["id"], request.ids["id"])

    def take_from_role(self, request: Request) -> Reply:
        return self._set_role(request.ids["id"], request.ids["user"], "2")

    def _set_role(self, named: str, user: str, role: str) -> Reply:
        if ROLES.get(named) in ("Owner", "Member"):
            return self.error(400, "Can't delete or add members for Normal/Owner roles.")
        if named not in ROLES:
            return Reply(400, {"code": 1034, "message": "Role does not exist."})
        self._find(user).role = role
        return Reply(201, {"ids": user, "add_at": "2026-11-24T08:00:00Z"})

    # Groups

    def groups(self, request: Request) -> dict:
        rows = [{"id": thing.id, "name": thing.name, "total_members": len(thing.members)} for thing in self.things]
        return {"groups": rows, "total_records": len(rows)}

    def in_group(self, request: Request) -> Any:
        thing = self.thing(request.ids["id"])
        if thing is None:
            return self._no_group(request)
        seats = filter(None, map(self._find, thing.members))
        rows = [{key: value for key, value in self._user(seat).items() if key in ("id", "email", "type")}
                for seat in seats]  # fmt: skip
        return self._page(request, "members", rows)

    def add_to_group(self, request: Request) -> Any:
        thing, user = self.thing(request.ids["id"]), request.body["members"][0]["id"]
        if thing is None:
            return self._no_group(request)
        is_new = user not in thing.members and not self.adds_nobody
        if is_new:
            thing.members[user] = "member"
        return Reply(201, {"ids": user if is_new else "", "added_at": "2026-11-24T08:00:00Z"})

    def take_from_group(self, request: Request) -> Reply:
        thing = self.thing(request.ids["id"])
        if thing is None:
            return self._no_group(request)
        if thing.members.pop(request.ids["user"], None) is None:
            return Reply(404, {"code": 4131, "message": "The user is no member of the group."})
        return Reply(204)

    def _no_group(self, request: Request) -> Reply:
        return Reply(404, {"code": 4130, "message": f"A group with this {request.ids['id']} does not exist."})

    def _page(self, request: Request, name: str, rows: list[dict], lie: int | None = 0) -> dict:
        """`lie`: what the total is too high by; None for no total."""
        size, start = request.number("page_size", 30), int(request.params.get("next_page_token", 0))
        assert size <= LARGEST
        size = min(size, self.most)
        more = str(start + size) if start + size < len(rows) else ""
        return {name: rows[start : start + size], "next_page_token": more, "page_size": size,
                "page_count": -(-len(rows) // size), **({} if lie is None else {"total_records": len(rows) + lie})}
