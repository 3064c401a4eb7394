"""Desk, a help desk that nobody sells, with an API of the usual kind; desk.yaml describes it."""

from __future__ import annotations

from typing import Any

from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat

ROLES = ("owner", "admin", "member")


class FakeDesk(FakeApp):
    account_list = "members"
    facts = (
        Fact("GET", "/me", "me"),
        Fact("GET", "/roles", "roles"),
        Fact("GET", "/members", "members", ("offset", "limit")),
        Fact("GET", "/members/{id}", "member"),
        Fact("PATCH", "/members/{id}", "change", (), ("role",), ("role",)),
        Fact("DELETE", "/members/{id}", "dismiss"),
        Fact("GET", "/invitations", "invitations"),
        Fact("POST", "/invitations", "invite", (), ("email", "role"), ("email", "role")),
        Fact("DELETE", "/invitations/{id}", "withdraw"),
        Fact("GET", "/projects", "projects"),
        Fact("GET", "/projects/{id}/members", "project_members"),
        Fact("PUT", "/projects/{id}/members/{member}", "join", (), ("role",), ("role",)),
        Fact("DELETE", "/projects/{id}/members/{member}", "leave"),
    )

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"error": {"code": "no", "text": words}})

    def me(self, request: Request) -> Any:
        return {"id": "me", "name": "The token of Olga"}

    def roles(self, request: Request) -> Any:
        return [{"id": role, "name": role.title()} for role in ROLES]

    def members(self, request: Request) -> Any:
        start, count = request.number("offset", 0), min(request.number("limit", 50), self.most)
        there = [seat for seat in self.listed if seat.status != "invited"]
        rows = [self._row(seat) for seat in there[start : start + count]]
        return {"members": rows, "total": len(there) + self.lie}

    def member(self, request: Request) -> Any:
        seat = self.seat(request.ids["id"])
        return self._row(seat) if seat else self.error(404, "No such member.")

    def _row(self, seat: Seat) -> dict:
        return {"id": seat.id, "email": seat.email or None, "name": seat.name, "role": seat.role,
                "blocked": seat.status == "suspended"}  # fmt: skip

    def change(self, request: Request) -> Any:
        seat = self.seat(request.ids["id"])
        seat.role = request.body["role"]
        return self._row(seat)

    def dismiss(self, request: Request) -> Reply:
        seat = self.seat(request.ids["id"])
        if not seat:
            return self.error(404, "No such member.")
        if seat.role == "owner":
            return self.error(409, "An owner cannot be dismissed.")
        self.seats.remove(seat)
        return Reply(204)

    def invitations(self, request: Request) -> Any:
        rows = [{"id": seat.id.partition(":")[2], "email": seat.email, "role": seat.role}
                for seat in self.seats if seat.status == "invited"]  # fmt: skip
        return {"invitations": rows}

    def invite(self, request: Request) -> Reply:
        email = request.body["email"]
        if any(seat.email == email for seat in self.seats):
            return Reply(409, {"error": {"code": "already_there", "text": "Is there already."}})
        self.seats.append(Seat(f"invitation:{len(self.seats)}", email, role=request.body["role"], status="invited"))
        return Reply(201, {})

    def withdraw(self, request: Request) -> Reply:
        seat = self.seat(f"invitation:{request.ids['id']}")
        if not seat:
            return self.error(404, "No such invitation.")
        self.seats.remove(seat)
        return Reply(204)

    def projects(self, request: Request) -> Any:
        return {"projects": [{"id": thing.id, "name": thing.name} for thing in self.things]}

    def project_members(self, request: Request) -> Any:
        thing = self.thing(request.ids["id"])
        if not thing:
            return self.error(404, "No such project.")
        return {"members": [{"member": member, "role": role} for member, role in thing.members.items()]}

    def join(self, request: Request) -> Reply:
        self.thing(request.ids["id"]).members[request.ids["member"]] = request.body["role"]
        return Reply(204)

    def leave(self, request: Request) -> Reply:
        left = self.thing(request.ids["id"]).members.pop(request.ids["member"], None)
        return Reply(204) if left else self.error(404, "Not a member.")
