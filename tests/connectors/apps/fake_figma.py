"""Figma's SCIM for one organisation: the calls, parameters and fields of its documents, and no other."""

from __future__ import annotations

from typing import Any

from tests.connectors.fake import Fact, Reply, Request, Seat
from tests.connectors.fake_scim import FakeScim

TENANT = "964615200748176016"
PLAN_TOKEN = "figp_5e7d1c0b52e9"
EXTENSION = "urn:ietf:params:scim:schemas:extension:figma:enterprise:2.0:User"
# developers.figma.com/docs/rest-api/scim-endpoints and …/scim-supported-schemas
LISTING = ("filter", "count", "startIndex")
USER = (
    "schemas", "userName", "active", "roles", "externalId", "displayName", "title", "givenName", "familyName",
    "employeeNumber", "costCenter", "organization", "division", "department", "managerValue", "managerDisplayName",
    EXTENSION,
)  # fmt: skip
PATCHING = ("schemas", "Operations")


class FakeFigma(FakeScim):
    content_type = "application/json"
    facts = (
        Fact("GET", f"/{TENANT}", "tenant"),
        Fact("GET", "/{tenant}", "no_tenant"),
        Fact("GET", f"/{TENANT}/ServiceProviderConfig", "config"),
        Fact("GET", f"/{TENANT}/Users", "users", LISTING),
        Fact("POST", f"/{TENANT}/Users", "create_user", (), USER, ("schemas", "userName", "active")),
        Fact("PATCH", f"/{TENANT}/Users/{{id}}", "patch_user", (), PATCHING, PATCHING),
        Fact("GET", f"/{TENANT}/Groups", "groups", LISTING),
        Fact("PATCH", f"/{TENANT}/Groups/{{id}}", "patch_group", (), PATCHING, PATCHING),
        # github.com/figma/rest-api-spec, openapi.yaml
        Fact("GET", "/v1/activity_logs", "log", ("events", "start_time", "end_time", "limit", "order")),
    )

    def __init__(self):
        super().__init__()
        self.supports = {"patch": True, "bulk": False, "changePassword": False, "sort": False, "etag": False}
        self.cap = 3000  # “The max number of users this endpoint can return in a single extension”
        self.enterprise = True
        self.events: list[dict] = []  # of the activity log, the oldest first

    def is_authorised(self, request: Request) -> bool:
        if request.path == "/v1/activity_logs":
            return request.headers.get("x-figma-token") == PLAN_TOKEN
        return super().is_authorised(request)

    def log(self, request: Request) -> dict:
        """Newest first; `cursor` is for no parameter of this call."""
        since, until = request.number("start_time", 0), request.number("end_time", 2**40)
        most, newest_first = request.number("limit", 1000), request.params.get("order") == "desc"
        assert 1 <= most <= 1000 and (newest_first or most == 1)
        asked = [event for event in reversed(self.events) if since <= event["timestamp"] <= until]
        return {"status": 200, "error": False, "meta": {
            "activity_logs": asked[:most], "cursor": "x", "next_page": len(asked) > most}}  # fmt: skip

    def handle(self, request: Request) -> Reply:
        if request.body is not None and request.headers["content-type"] != "application/json":
            return self._violation(f"{request.method} {request.path}: the content type must be application/json")
        return super().handle(request)

    def config(self, request: Request) -> Any:
        return super().config(request) | {"filter": {"supported": True, "maxResults": 200}}

    def tenant(self, request: Request) -> Reply:
        return Reply(200)

    def no_tenant(self, request: Request) -> Reply:
        return self.error(400, "Invalid tenant.")

    def create_user(self, request: Request) -> Reply:
        """“For existing users, this will bind”: no conflict; the parameters are applied to them."""
        name, extension = request.body["userName"], request.body.get(EXTENSION, {})
        assert EXTENSION in request.body["schemas"] or not extension
        seat = next((seat for seat in self.seats if seat.email.lower() == name.lower()), None)
        if seat is None:
            seat = Seat(f"9{len(self.seats)}", name)
            self.seats.append(seat)
        seat.status = "active" if request.body["active"] else "suspended"
        seat.role = "admin" if extension.get("figmaAdmin") else "member"
        return Reply(201, self._user(seat))

    def patch_user(self, request: Request) -> Reply:
        [operation] = request.body["Operations"]
        if "path" in operation:
            return super().patch_user(request)
        seat = self.seat(request.ids["id"])
        if self.enterprise:
            seat.role = "admin" if operation["value"][EXTENSION]["figmaAdmin"] else "member"
        return self._one(self._user(seat))

    def _user(self, seat: Seat) -> dict:
        return super()._user(seat) | {
            "emails": {"type": "work", "value": seat.email, "primary": "true"},
            "roles": [{"type": "seatType", "value": "Full"}] if self.enterprise else [],
            EXTENSION: {"figmaAdmin": seat.role == "admin"},
        } | self.raw.get(seat.id, {})  # fmt: skip
