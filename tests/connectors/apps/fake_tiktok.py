"""TikTok's Business Center API, v1.3, for one Business Center: every answer has status 200 and a code."""

from __future__ import annotations

import json
from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Shown

# github.com/tiktok/tiktok-business-api-sdk, python_sdk/docs/BCApi.md and the models beside it (MIT)
PAGING = ("page", "page_size")
ASSET = ("bc_id", "asset_type", "asset_id")
FACTS = (
    Fact("GET", "/bc/get/", "centers", ("bc_id", "scene", "filtering", *PAGING)),
    Fact("GET", "/bc/member/get/", "members", ("bc_id", "filtering", *PAGING), (), ("bc_id",)),
    Fact("POST", "/bc/member/invite/", "invite", (),
         ("bc_id", "emails", "asset_ids", "asset_type", "user_role", "advertiser_role", "ext_user_role"),
         ("bc_id", "emails", "asset_ids")),
    Fact("POST", "/bc/member/update/", "update", (), ("bc_id", "user_id", "user_name", "user_role", "ext_user_role"),
         ("bc_id", "user_id")),
    Fact("POST", "/bc/member/delete/", "delete", (), ("bc_id", "user_id", "user_email"), ("bc_id",)),
    Fact("GET", "/bc/asset/get/", "assets_of", ("bc_id", "asset_type", "filtering", *PAGING), (),
         ("bc_id", "asset_type")),
    Fact("GET", "/bc/asset/admin/get/", "assets", ("bc_id", "child_bc_id", "asset_type", "filtering", *PAGING), (),
         ("bc_id", "asset_type")),
    Fact("GET", "/bc/asset/member/get/", "asset_members", (*ASSET, "filtering", *PAGING), (), ASSET),
    Fact("POST", "/bc/asset/assign/", "assign", (),
         (*ASSET, "user_id", "advertiser_role", "catalog_role", "store_role", "form_library_role", "tt_account_roles"),
         (*ASSET, "user_id")),
    Fact("POST", "/bc/asset/unassign/", "unassign", (), (*ASSET, "user_id"), (*ASSET, "user_id")),
)  # fmt: skip
# the largest page_size, the asset types and the roles, as the portal's pages allow them
LARGEST = {"members": 20, "assets": 50, "asset_members": 10}
# TIKTOK_SHOP and LEAD: github.com/bububa/tiktok-business, model/bc: asset_admin_get, asset_member_get, asset_assign
TYPES = {"asset_members": ("ADVERTISER", "CATALOG", "LEAD", "TIKTOK_SHOP"),
         "assign": ("ADVERTISER", "CATALOG", "LEAD", "TIKTOK_SHOP", "TT_ACCOUNT")}  # fmt: skip
RIGHTS = {
    "ADVERTISER": ("advertiser_role", {"ADMIN", "OPERATOR", "ANALYST"}),
    "CATALOG": ("catalog_role", {"ADMIN", "AD_PROMOTE"}),
    "TIKTOK_SHOP": ("store_role", {"AD_PROMOTION"}),
    "LEAD": ("form_library_role", {"ADMIN"}),
    "TT_ACCOUNT": ("tt_account_roles", {"POST", "LIVE", "DIRECT_MESSAGE"}),
}
CODE = {400: 40002, 401: 40105, 403: 40001, 404: 40007, 429: 40100, 500: 50000}
RELATION = {"active": "BOUND", "invited": "PENDING", "rejected": "REJECTED"}


class FakeTikTok(FakeApp):
    base_path = "/open_api/v1.3"
    account_list = "members"
    reaches = {Reach.ASSET: ("assign", "unassign"), Reach.WORKSPACE: ("invite", "update", "delete")}
    facts = FACTS
    center = "7000000000000000001"

    def __init__(self):
        super().__init__()
        self.my_role = "ADMIN"
        self.relation: dict[str, str] = {}  # thing id → relation_status

    def is_authorised(self, request: Request) -> bool:
        return request.headers.get("access-token") == self.token

    def unauthorised(self) -> Reply:
        return self.error(401, "Access token is incorrect or has been revoked.")

    def error(self, status: int, words: str) -> Reply:
        return Reply(200, {"code": CODE[status], "message": words, "request_id": "1", "data": {}})

    # Members

    def centers(self, request: Request) -> dict:
        rows = [{"bc_info": {"bc_id": self.center, "name": "Acme"}, "user_role": self.my_role}]
        asked = request.params.get("bc_id", self.center)
        return self._page(request, [row for row in rows if row["bc_info"]["bc_id"] == asked])

    def members(self, request: Request) -> dict:
        assert request.number("page_size", 10) <= LARGEST["members"]
        return self._page(request, Shown(self._member, self.listed), self.lie)

    def _member(self, seat: Seat) -> dict:
        return {
            "user_id": seat.id if seat.status == "active" else "",
            "user_name": seat.name,
            "user_email": seat.email,
            "user_role": seat.role,
            "relation_status": RELATION[seat.status],
        }

    def invite(self, request: Request) -> dict:
        assert request.body["user_role"] in ("ADMIN", "STANDARD")
        known = {seat.email for seat in self.seats}
        for email in set(request.body["emails"]) - known:
            self.seats.append(Seat(f"9{len(self.seats)}", email, role=request.body["user_role"], status="invited"))
        return self._ok({})

    def update(self, request: Request) -> Any:
        assert request.body["user_role"] in ("ADMIN", "STANDARD")
        self.seat(request.body["user_id"]).role = request.body["user_role"]
        return self._ok({})

    def delete(self, request: Request) -> Any:
        body = request.body
        found = [seat for seat in self.seats if (
            seat.id == body["user_id"] and seat.status == "active" if "user_id" in body
            else seat.email == body["user_email"] and seat.status == "invited")]  # fmt: skip
        if not found:
            return self.error(400, "The user does not exist in the Business Center.")
        self.seats.remove(found[0])
        for thing in self.things:
            thing.members.pop(found[0].id, None)
        return self._ok({})

    # Assets

    def assets(self, request: Request) -> dict:
        return self._page(request, [self._asset(thing) for thing in self._of(request.params["asset_type"])])

    def assets_of(self, request: Request) -> dict:
        user = json.loads(request.params["filtering"])["user_id"]
        mine = [thing for thing in self._of(request.params["asset_type"]) if user in thing.members]
        return self._page(request, [self._asset(thing) for thing in mine])

    def _asset(self, thing) -> dict:
        kind, _, id = thing.id.partition(":")
        relation = {"relation_status": self.relation.get(thing.id, "BOUND")} if kind in ("ADVERTISER", "PIXEL") else {}
        return {"asset_id": id, "asset_name": thing.name, "asset_type": kind, **relation}

    def asset_members(self, request: Request) -> Any:
        assert request.number("page_size", 10) <= LARGEST["asset_members"]
        assert request.params["asset_type"] in TYPES["asset_members"]
        thing = self.thing(f"{request.params['asset_type']}:{request.params['asset_id']}")
        if thing is None:
            return self.error(404, "The asset does not exist.")
        field = RIGHTS[request.params["asset_type"]][0]
        return self._page(request, [{"user_id": id, field: role} for id, role in thing.members.items()])

    def assign(self, request: Request) -> dict:
        kind = request.body["asset_type"]
        field, allowed = RIGHTS[kind]
        given = request.body[field]
        assert kind in TYPES["assign"] and set(given if isinstance(given, list) else [given]) <= allowed
        members = self.thing(f"{kind}:{request.body['asset_id']}").members
        members[request.body["user_id"]] = ",".join(given) if isinstance(given, list) else given
        return self._ok({})

    def unassign(self, request: Request) -> Any:
        assert request.body["asset_type"] in TYPES["assign"]
        members = self.thing(f"{request.body['asset_type']}:{request.body['asset_id']}").members
        if members.pop(request.body["user_id"], None) is None:
            return self.error(400, "The user has no access to the asset.")
        return self._ok({})

    def _of(self, kind: str) -> list:
        return [thing for thing in self.things if thing.id.startswith(f"{kind}:")]

    def _page(self, request: Request, rows: list[dict], lie: int = 0) -> dict:
        size, page = request.number("page_size", 10), request.number("page", 1)
        assert size <= LARGEST["assets"]
        size = min(size, self.most)
        info = {"page": page, "page_size": size, "total_number": len(rows) + lie, "total_page": -(-len(rows) // size)}
        return self._ok({"list": rows[(page - 1) * size : page * size], "page_info": info})

    def _ok(self, data: dict) -> dict:
        return {"code": 0, "message": "OK", "request_id": "1", "data": data}
