"""HubSpot for one account: the User Provisioning API, and no other call."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing

# HubSpot/HubSpot-public-api-spec-collection, PublicApiSpecs/Settings/User Provisioning/Rollouts/325901/2026-09/
# userProvisioning.json. Errors have its schema Error: category, correlationId and message are required.
USERS = "/settings/users/2026-09"
FIELDS = ("firstName", "lastName", "primaryTeamId", "roleId", "seatNames", "secondaryTeamIds")
FACTS = (
    Fact("GET", USERS, "users", ("after", "limit")),
    Fact("POST", USERS, "create", (), ("email", "sendWelcomeEmail", *FIELDS), ("email", "sendWelcomeEmail")),
    Fact("GET", f"{USERS}/roles", "roles"),
    Fact("GET", f"{USERS}/teams", "teams"),
    Fact("GET", f"{USERS}/{{userId}}", "user", ("idProperty",)),
    Fact("PUT", f"{USERS}/{{userId}}", "update", ("idProperty",), FIELDS),
    Fact("DELETE", f"{USERS}/{{userId}}", "delete", ("idProperty",)),
)  # fmt: skip
SETS = {"100": "Sales", "200": "Marketing", "300": "Service"}
SUPER_ADMIN = "super-admin"
PRIMARY, ADDITIONAL = "primary team", "additional team"
# “Error handling” and the messages that HubSpot's API gives for a key without a scope and for no such user.
CATEGORIES = {401: "INVALID_AUTHENTICATION", 403: "MISSING_SCOPES", 404: "OBJECT_NOT_FOUND", 429: "RATE_LIMITS"}


class FakeHubSpot(FakeApp):
    facts = FACTS
    account_list = "users"
    reaches = {Reach.WORKSPACE: ("create", "delete"), Reach.ASSET: ("update",)}
    token = "pat-eu1-5f0d3a1c-s3cret"

    def __init__(self):
        super().__init__()
        self.leaves_out_teams = False
        self.seat_names: dict[str, list[str]] = {}  # account id → its paid seats
        self.keeps_sets = False  # an update adds the permission set to those before

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"status": "error", "message": words, "correlationId": "aeb5f871-7f07-4993",
                              "category": CATEGORIES.get(status, "VALIDATION_ERROR")})  # fmt: skip

    def reach_of(self, request: Request) -> Reach | None:
        """An update changes teams, or the permission set in the whole account."""
        found = super().reach_of(request)
        return Reach.WORKSPACE if found is Reach.ASSET and "roleId" in request.body else found

    def users(self, request: Request) -> dict:
        """Forward paging: `after` stands for “the last successfully read resource”; the last page has none."""
        size, after = request.number("limit", 100), request.params.get("after")
        assert 1 <= size <= 100
        start = next((n + 1 for n, seat in enumerate(self.listed) if seat.id == after), 0) if after else 0
        part = [self._user(seat) for seat in self.listed[start : start + size]]
        answer: dict[str, Any] = {"results": part}
        if start + size < len(self.listed):
            answer["paging"] = {"next": {"after": part[-1]["id"], "link": "https://api.hubapi.com/…"}}
        return answer

    def _user(self, seat: Seat) -> dict:
        sets = [role for role in (seat.role, *seat.further_roles) if role not in (SUPER_ADMIN, "no-permission-set")]
        teams = {role: [thing.id for thing in self.things if thing.members.get(seat.id) == role]
                 for role in (PRIMARY, ADDITIONAL)}  # fmt: skip
        user = {
            "id": seat.id, "email": seat.email, "firstName": seat.name, "lastName": "", "roleIds": sets,
            "superAdmin": SUPER_ADMIN in (seat.role, *seat.further_roles), "sendWelcomeEmail": False,
            "secondaryTeamIds": teams[ADDITIONAL], "seatNames": self.seat_names.get(seat.id, []),
        }  # fmt: skip
        if self.leaves_out_teams:
            del user["secondaryTeamIds"]
            return user
        return user | ({"primaryTeamId": teams[PRIMARY][0]} if teams[PRIMARY] else {})

    def _find(self, request: Request) -> Seat | None:
        id = request.ids["userId"]
        if request.params.get("idProperty", "USER_ID") == "EMAIL":
            return next((seat for seat in self.seats if seat.email.casefold() == id.casefold()), None)
        return self.seat(id)

    def user(self, request: Request) -> Any:
        seat = self._find(request)
        return self._user(seat) if seat else self._nobody(request)

    def _nobody(self, request: Request) -> Reply:
        return self.error(404, f"User {request.ids['userId']} does not exist.")

    def create(self, request: Request) -> Reply:
        asked = request.body
        assert asked["sendWelcomeEmail"] is True
        if asked.get("roleId", "100") not in SETS:
            return self.error(400, "There is no such role.")
        if any(seat.email.casefold() == asked["email"].casefold() for seat in self.seats):
            return self.error(409, "The user is in the account already.")
        seat = Seat(str(9000 + len(self.seats)), asked["email"], role=asked.get("roleId", "no-permission-set"))
        self.seats.append(seat)
        return Reply(201, self._user(seat))

    def update(self, request: Request) -> Any:
        seat, asked = self._find(request), request.body
        if seat is None:
            return self._nobody(request)
        assert asked, "an update of nothing"
        if "roleId" in asked:
            if asked["roleId"] not in SETS:
                return self.error(400, "There is no such role.")
            kept = (seat.role, *seat.further_roles) if self.keeps_sets else ()
            seat.role, seat.further_roles = asked["roleId"], tuple(role for role in kept if role != asked["roleId"])
        if "secondaryTeamIds" in asked:
            for thing in self.things:
                self._put_in(thing, seat, thing.id in asked["secondaryTeamIds"])
        return self._user(seat)

    def _put_in(self, thing: Thing, seat: Seat, member: bool) -> None:
        if member:
            thing.members[seat.id] = ADDITIONAL
        elif thing.members.get(seat.id) == ADDITIONAL:
            del thing.members[seat.id]

    def delete(self, request: Request) -> Reply:
        seat = self._find(request)
        if seat is None:
            return self._nobody(request)
        self.seats.remove(seat)
        return Reply(204)

    def roles(self, request: Request) -> dict:
        return {"results": [{"id": id, "name": name, "requiresBillingWrite": False} for id, name in SETS.items()]}

    def teams(self, request: Request) -> dict:
        return {"results": [
            {"id": thing.id, "name": thing.name,
             "userIds": [id for id, role in thing.members.items() if role == PRIMARY],
             "secondaryUserIds": [id for id, role in thing.members.items() if role == ADDITIONAL]}
            for thing in self.things
        ]}  # fmt: skip
