"""Cloudflare's API for one account: the calls and parameters of its reference, and no other."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Shown

# developers.cloudflare.com/api: Accounts, Members, Roles
ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
PATH = f"/accounts/{ACCOUNT}"
PAGED = ("page", "per_page")
LISTED = (*PAGED, "direction", "order", "status")
SUPER, ADMIN, READER = (
    "33666b9c79b9a5273fc7344ff42f953d", "05784afa30c1afe1440e79d9351c7430", "f2b20eaa1a5d4af42b53ac16238c99c7",
)  # fmt: skip
NAMES = {SUPER: "Super Administrator - All Privileges", ADMIN: "Administrator", READER: "Administrator Read Only"}
STATUS = {"active": "accepted", "invited": "pending"}


class FakeCloudflare(FakeApp):
    base_path = "/client/v4"
    token = "7f1c0b52e9ab34d0c2e8a1b7f1c0b52e9ab34d0c"
    account_list = "members"
    reaches = {Reach.WORKSPACE: ("add_member", "remove_member")}
    facts = (
        Fact("GET", PATH, "details"),
        Fact("GET", PATH + "/members", "members", LISTED),
        Fact("POST", PATH + "/members", "add_member", (), ("email", "roles", "status", "policies"), ("email",)),
        Fact("GET", PATH + "/members/{id}", "member"),
        Fact("DELETE", PATH + "/members/{id}", "remove_member"),
        Fact("GET", PATH + "/roles", "roles", PAGED),
    )

    def __init__(self):
        super().__init__()
        self.more: dict[str, dict] = {}  # id of a member → further fields

    def error(self, status: int, words: str, code: int = 1003) -> Reply:
        errors = [{"code": code, "message": words}]
        return Reply(status, {"success": False, "errors": errors, "messages": [], "result": None})

    def unauthorised(self) -> Reply:
        return self.error(401, "Invalid API Token", 1000)

    def details(self, request: Request) -> dict:
        return _found({"id": ACCOUNT, "name": "Acme", "type": "standard"})

    def members(self, request: Request) -> dict:
        return self._page(request, Shown(self._member, self.listed), self.total)

    def member(self, request: Request) -> Any:
        seat = self.seat(request.ids["id"])
        return _found(self._member(seat)) if seat else self.error(404, "Member not found for account")

    def remove_member(self, request: Request) -> Any:
        seat = self.seat(request.ids["id"])
        if seat is None:
            return self.error(404, "Member not found for account")
        self.seats.remove(seat)
        return _found({"id": seat.id})

    def add_member(self, request: Request) -> Any:
        """“If not provided during creation, [the status] defaults to 'pending'.”"""
        email = request.body["email"]
        if any(seat.email == email for seat in self.seats):
            return self.error(400, "The user is already a member of this account", 1005)
        [role] = request.body["roles"]
        assert role in NAMES
        self.seats.append(Seat(f"id-{len(self.seats)}", email, role=role, status="invited"))
        return _found(self._member(self.seats[-1]))

    def roles(self, request: Request) -> dict:
        return self._page(request, [_role(id) for id in NAMES], len(NAMES))

    def _member(self, seat: Seat) -> dict:
        first, _, last = seat.name.partition(" ")
        return {
            "id": seat.id, "email": seat.email, "status": STATUS[seat.status], "policies": [],
            "user": {"id": f"u-{seat.id}", "email": seat.email, "first_name": first, "last_name": last},
            "roles": [_role(id) for id in reversed((seat.role, *seat.further_roles)) if id],
            **self.more.get(seat.id, {}),
        }  # fmt: skip

    def _page(self, request: Request, rows: list[dict], total: int) -> dict:
        page, asked = request.number("page", 1), request.number("per_page", 20)
        assert page >= 1 and 5 <= asked <= 50
        size = min(asked, self.most)
        part = rows[(page - 1) * size : page * size]
        return _found(part, result_info={"page": page, "per_page": size, "count": len(part), "total_count": total})


def _found(result: Any, **more: Any) -> dict:
    return {"success": True, "errors": [], "messages": [], "result": result, **more}


def _role(id: str) -> dict:
    return {"id": id, "name": NAMES.get(id, id), "description": "", "permissions": {}}
