"""Pinterest's business access, API v5, for one business, and the token endpoint."""

from __future__ import annotations

import base64
from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing

# github.com/pinterest/api-description, v5/openapi.yaml (MIT), and github.com/oapicf/pinterest-sdk, made from 5.23:
# clients/ruby/generated/docs/BusinessAccessRelationshipsApi.md, …InviteApi.md, …AssetsApi.md, AdAccountsApi.md
PAGING = ("bookmark", "page_size")
HOME, ASSET = "/businesses/{business}", "/businesses/{business}/assets/{id}"
FACTS = (
    Fact("POST", "/oauth/token", "tokens", (), ("grant_type", "refresh_token", "scope", "refresh_on"),
         ("grant_type", "refresh_token")),
    Fact("GET", "/user_account", "user_account", ("ad_account_id",)),
    Fact("GET", "/ad_accounts", "ad_accounts", ("include_shared_accounts", *PAGING)),
    Fact("GET", f"{HOME}/members", "members",
         ("fetch_system_users", "assets_summary", "business_roles", "member_ids", "start_index", *PAGING)),
    Fact("PATCH", f"{HOME}/members", "change", (), ("business_role", "member_id"), ("business_role", "member_id")),
    Fact("DELETE", f"{HOME}/members", "delete", (), ("members",), ("members",)),
    Fact("GET", f"{HOME}/partners", "partners",
         ("assets_summary", "partner_type", "partner_ids", "start_index", *PAGING)),
    Fact("DELETE", f"{HOME}/partners", "delete_partners", (), ("partner_ids", "partner_type"), ("partner_ids",)),
    Fact("GET", f"{HOME}/invites", "invites", ("is_member", "invite_status", "invite_type", *PAGING)),
    Fact("POST", f"{HOME}/invites", "invite", (), ("business_role", "invite_type", "members", "partners"),
         ("business_role", "invite_type")),
    Fact("DELETE", f"{HOME}/invites", "cancel", (), ("invite_ids",), ("invite_ids",)),
    Fact("GET", f"{HOME}/assets", "assets",
         ("permissions", "child_asset_id", "asset_group_id", "asset_type", "start_index", *PAGING)),
    Fact("GET", f"{ASSET}/members", "asset_members", ("fetch_system_users", "start_index", *PAGING)),
    Fact("GET", f"{ASSET}/partners", "partners_have", ("start_index", *PAGING)),
    Fact("PATCH", f"{HOME}/members/assets/access", "assign", (), ("accesses",), ("accesses",)),
    Fact("DELETE", f"{HOME}/members/assets/access", "unassign", (), ("accesses",), ("accesses",)),
    Fact("PATCH", f"{HOME}/partners/assets", "assign", (), ("accesses",), ("accesses",)),
    Fact("DELETE", f"{HOME}/partners/assets", "unassign", (), ("accesses",), ("accesses",)),
)  # fmt: skip
LARGEST = 250
MAY_GIVE = {
    "ADMIN", "ANALYST", "FINANCE_MANAGER", "FINANCE_EDIT", "FINANCE_VIEW", "AUDIENCE_MANAGER", "CAMPAIGN_MANAGER",
    "CATALOGS_MANAGER", "CATALOGS_VIEWER", "PROFILE_PUBLISHER", "CONSUMER_USER",
}  # fmt: skip
KINDS = {"AD_ACCOUNT", "PROFILE", "ASSET_GROUP", "CATALOG", "CONSUMER"}
CODE = {400: 1, 401: 2, 403: 29, 404: 1201, 429: 8, 500: 11}


class FakePinterest(FakeApp):
    base_path = "/v5"
    account_list = "members"
    reads = ("tokens",)
    reaches = {
        Reach.ASSET: ("assign", "unassign"),
        Reach.WORKSPACE: ("change", "delete", "invite", "cancel"),
        Reach.ORGANISATION: ("delete_partners",),
    }
    facts = FACTS
    token = "pinr-s3cret-0b77"
    access = "pina-s3cret-4d1f"
    app_id, app_secret, business = "1450000", "app-s3cret-99", "729090764583391194"

    def __init__(self):
        super().__init__()
        self.given = 0  # how many access tokens
        self.system: list[Seat] = []
        self.partner_seats: list[Seat] = []
        self.got_invites: list[Seat] = []  # that other businesses sent
        self.keeps_everyone = False
        self.me = {"account_type": "BUSINESS", "id": "729090764583391194", "username": "acme"}

    def is_authorised(self, request: Request) -> bool:
        sent = request.headers.get("authorization")
        if request.path == "/oauth/token":
            return sent == "Basic " + base64.b64encode(f"{self.app_id}:{self.app_secret}".encode()).decode()
        return sent in (f"Bearer {self.access}", f"Bearer {self.access}-{self.given}")

    def unauthorised(self) -> Reply:
        return self.error(401, "Authentication failed.")

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"code": CODE[status], "message": words})

    def tokens(self, request: Request) -> Any:
        if request.body["grant_type"] != "refresh_token" or request.body["refresh_token"] != self.token:
            return self.error(401, "Authentication failed.")
        self.given += 1
        return {"access_token": f"{self.access}-{self.given}", "token_type": "bearer", "expires_in": 2592000,
                "scope": "biz_access:read", "refresh_token": "pinr-another", "refresh_token_expires_in": 5184000}

    def user_account(self, request: Request) -> dict:
        return self.me

    # Members, partners, invitations

    def members(self, request: Request) -> Any:
        if request.ids["business"] != self.business:
            return self.error(404, "Business not found.")
        active = [seat for seat in self.listed if seat.status == "active"]
        seats = self.system if request.params.get("fetch_system_users") == "true" else active
        return self._page(request, [self._row(seat) for seat in seats])

    def _row(self, seat: Seat) -> dict:
        return {"id": seat.id, "business_roles": [seat.role, *seat.further_roles], "created_time": 1646767577816,
                "user": self._user(seat)}  # fmt: skip

    def _user(self, seat: Seat) -> dict:
        return {"id": seat.id, "email": seat.email, "username": seat.name}

    def change(self, request: Request) -> dict:
        for one in request.body:
            assert one["business_role"] in ("EMPLOYEE", "BIZ_ADMIN")
            self.seat(one["member_id"]).role, self.seat(one["member_id"]).further_roles = one["business_role"], ()
        return {"items": request.body}

    def delete(self, request: Request) -> Any:
        [one] = request.body["members"]
        seat = self.seat(one["member_id"])
        if seat is None or seat.role != one["business_role"]:
            return self.error(400, "This is no member with that role.")
        if self.keeps_everyone:
            return {"deleted_members": []}
        self.seats.remove(seat)
        return {"deleted_members": [seat.id]}

    def partners(self, request: Request) -> dict:
        assert request.params["partner_type"] == "INTERNAL"
        """A partner's user.email is the address that the other business registered with (BusinessAccessUserSummary)."""
        return self._page(request, [{**self._row(seat), "is_shared_partner": False} for seat in self.partner_seats])

    def delete_partners(self, request: Request) -> Any:
        assert request.body["partner_type"] == "INTERNAL"
        gone = [seat for seat in self.partner_seats if seat.id in request.body["partner_ids"]]
        if not gone:
            return self.error(404, "A supplied partner id doesn't exist.")
        self.partner_seats = [seat for seat in self.partner_seats if seat not in gone]
        return {"deleted_partners": [seat.id for seat in gone]}

    def invites(self, request: Request) -> dict:
        assert request.params.get("is_member", "true") == "true" and request.params["invite_status"] == "PENDING"
        sent = [seat for seat in self.seats if seat.status == "invited"]
        rows = [{**self._row(seat), "is_received_invite": seat in self.got_invites,
                 "invite_data": {"invite_status": "PENDING", "invite_type": "MEMBER_INVITE"}}
                for seat in [*self.got_invites, *sent]]  # fmt: skip
        return self._page(request, rows)

    def invite(self, request: Request) -> dict:
        assert request.body["invite_type"] == "MEMBER_INVITE"
        assert request.body["business_role"] in ("EMPLOYEE", "BIZ_ADMIN", "PARTNER")
        [email] = request.body["members"]
        seat = Seat(f"88{len(self.seats)}", email, role=request.body["business_role"], status="invited")
        self.seats.append(seat)
        return {"items": [{"exception": None, "invite": {"id": seat.id, "user": self._user(seat)}}]}

    def cancel(self, request: Request) -> dict:
        [id] = request.body["invite_ids"]
        seat = self.seat(id)
        if seat is None:
            words = "Business Invite request cannot be performed on current invitation status."
            return {"items": [{"exception": {"invite_id": id, "message": words}, "invite": None}]}
        self.seats.remove(seat)
        return {"items": [{"exception": None, "invite": {"id": id}}]}

    # Assets

    def ad_accounts(self, request: Request) -> dict:
        return self._page(request, [{"id": self._id(thing), "name": thing.name} for thing in self._of("AD_ACCOUNT")])

    def assets(self, request: Request) -> dict:
        kind = request.params.get("asset_type", "AD_ACCOUNT")
        assert kind in KINDS
        return self._page(request, [self._asset_row(kind, thing) for thing in self._of(kind)])

    def _asset_row(self, kind: str, thing: Thing) -> dict:
        """clients/markdown/generated/Models/GetBusinessAssetsResponse.md: which kinds have their name in the row."""
        own = {"ASSET_GROUP": {"asset_group_info": {"id": self._id(thing), "asset_group_name": thing.name}},
               "CATALOG": {"catalog_info": {"id": self._id(thing), "name": thing.name}}}  # fmt: skip
        return {"asset_id": self._id(thing), "asset_type": kind, **own.get(kind, {})}

    def asset_members(self, request: Request) -> Any:
        system = {seat.id for seat in self.system}
        wanted = request.params.get("fetch_system_users") == "true"
        return self._those_with(request, lambda id: not self._is_partner(id) and (id in system) == wanted)

    def partners_have(self, request: Request) -> Any:
        return self._those_with(request, self._is_partner)

    def _those_with(self, request: Request, choose) -> Any:
        thing = self._asset(request.ids["id"])
        if thing is None:
            return self.error(404, "Asset not found.")
        rows = [{"user": {"id": id}, "permissions": permissions.split(", ")}
                for id, permissions in thing.members.items() if choose(id)]  # fmt: skip
        return self._page(request, rows)

    def assign(self, request: Request) -> Any:
        [one] = request.body["accesses"]
        assert one["permissions"] and set(one["permissions"]) <= MAY_GIVE
        thing = self._asset(one["asset_id"])
        if "PROFILE_PUBLISHER" in one["permissions"] and not thing.id.startswith("PROFILE:"):
            words = "PROFILE_PUBLISHER is only available to a profile."
            return {"items": [{"exception": {"code": 2932, "message": words}, "response": None}]}
        thing.members[self._holder(one)] = ", ".join(one["permissions"])
        return {"items": [{"response": {"asset_id": one["asset_id"]}}]}

    def unassign(self, request: Request) -> Any:
        [one] = request.body["accesses"]
        if self._asset(one["asset_id"]).members.pop(self._holder(one), None) is None:
            return self.error(400, "There is no such access.")
        return {"items": [one]}

    def _holder(self, one: dict) -> str:
        return one.get("member_id") or one["partner_id"]

    def _is_partner(self, id: str) -> bool:
        return any(seat.id == id for seat in self.partner_seats)

    def _asset(self, id: str) -> Thing | None:
        return next((thing for thing in self.things if self._id(thing) == id), None)

    def _of(self, kind: str) -> list[Thing]:
        return [thing for thing in self.things if thing.id.startswith(f"{kind}:")]

    def _id(self, thing: Thing) -> str:
        return thing.id.partition(":")[2]

    def _page(self, request: Request, rows: list[dict]) -> dict:
        """A bookmark names the last row that was given."""
        size, after = request.number("page_size", 25), request.params.get("bookmark")
        assert size <= LARGEST
        size = min(size, self.most)
        keys = [row.get("id") or row.get("asset_id") or row["user"]["id"] for row in rows]
        start = keys.index(after) + 1 if after in keys else 0
        page = rows[start : start + size]
        more = start + size < len(rows)
        return {"items": page, "bookmark": keys[start + size - 1] if more else None}
