"""Google Ads' REST API for one manager account and those below it, as Google's own definitions declare it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing

# github.com/googleapis/googleapis, google/ads/googleads/v23 (Apache-2.0), the same in the reference for v26: calls,
# fields of bodies, resources and enums; the search's 10,000 rows, headers and errors: developers.google.com.
MANAGER = "1234567890"
PATH = "/v26/customers/{customer}"
FACTS = (
    Fact("POST", "/token", "token_call", (), ("grant_type", "refresh_token", "client_id", "client_secret"),
         ("grant_type", "refresh_token", "client_id", "client_secret")),
    Fact("POST", f"{PATH}/googleAds:search", "search", (), ("query", "pageToken", "validateOnly", "searchSettings"),
         ("query",)),
    Fact("POST", f"{PATH}/customerUserAccesses:mutate", "mutate_access", (), ("operation",), ("operation",)),
    Fact("POST", f"{PATH}/customerUserAccessInvitations:mutate", "mutate_invitation", (), ("operation",),
         ("operation",)),
)  # fmt: skip
RESOURCES = {
    "customer": ("me", ("id", "descriptive_name", "manager", "resource_name")),
    "customer_client": ("clients", ("id", "descriptive_name", "manager", "level", "status", "hidden", "client_customer",
                                    "resource_name")),
    "customer_user_access": ("users", ("user_id", "email_address", "access_role", "access_creation_date_time",
                                       "inviter_user_email_address", "passkey_enabled",
                                       "pending_multi_party_auth_review", "resource_name")),
    "multi_party_auth_review": ("reviews", ("multi_party_auth_review_id", "review_status", "creation_date_time",
                                            "operation_type", "target_resource", "resource_name")),
    "customer_user_access_invitation": ("invitations", ("invitation_id", "email_address", "access_role",
                                                        "creation_date_time", "invitation_status", "resource_name")),
}  # fmt: skip
ACCESS_ROLES = {"ADMIN", "STANDARD", "READ_ONLY", "EMAIL_ONLY"}
PAGE = 10_000
STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
          429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}  # fmt: skip


class FakeGoogleAds(FakeApp):
    """`seats` are the manager's users, and its invitations where their status is one; `things` the accounts below."""

    token = "ya29.5e1d"
    client_secret, refresh_token, developer_token = "GOCSPX-7f1c", "1//0b52e9", "dev-3c9f"
    account_list = "users"
    reads = ("token_call", "search", "me", "clients", "users", "invitations", "reviews")
    reaches = {Reach.ASSET: ("mutate_access", "mutate_invitation")}
    facts = FACTS

    def __init__(self):
        super().__init__()
        self.status: dict[str, str] = {}  # of an account below that is not enabled
        self.unusable: dict[str, str] = {}  # id of an account below → AuthorizationError of each search there
        self.holds_back = False  # a second admin must approve
        self.held: dict[str, dict] = {}  # by a review's resource name: its status, and the call that waits for it
        self._rest: dict[str, list[dict]] = {}  # by page token: what comes after it

    def is_authorised(self, request: Request) -> bool:
        if request.path == "/token":
            return True
        """“Developer token”: optional and ignored since 9 September 2026."""
        return super().is_authorised(request) and request.headers.get("login-customer-id") == MANAGER

    def unauthorised(self) -> Reply:
        return self.failure(401, "authenticationError", "OAUTH_TOKEN_INVALID", "The OAuth token is invalid.")

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"error": {"code": status, "message": words, "status": STATUS[status]}})

    def failure(self, status: int, kind: str, code: str, message: str, **details: Any) -> Reply:
        failed = {"errorCode": {kind: code}, "message": message, **({"details": details} if details else {})}
        reply = self.error(status, "Request contains an invalid argument.")
        reply.body["error"]["details"] = [
            {"@type": "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure", "errors": [failed]}
        ]
        return reply

    def token_call(self, request: Request) -> Any:
        sent = (request.body["grant_type"], request.body["refresh_token"], request.body["client_secret"])
        if sent != ("refresh_token", self.refresh_token, self.client_secret):
            return Reply(400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
        return {"access_token": self.token, "expires_in": 3599, "token_type": "Bearer"}

    # Search: each resource is a fact of its own, so that a fault can be limited to it

    def _fact(self, request: Request) -> tuple[Fact, dict[str, str]] | None:
        found = super()._fact(request)
        if not found or found[0].answer != "search" or not isinstance(request.body, dict):
            return found
        resource = re.search(r" FROM (\w+)", str(request.body.get("query")))
        return replace(found[0], answer=RESOURCES[resource[1]][0]), found[1]

    def me(self, request: Request) -> dict:
        return self._found(request, [{"id": MANAGER, "descriptiveName": "Acme", "manager": True,
                                      "resourceName": f"customers/{MANAGER}"}])  # fmt: skip

    def clients(self, request: Request) -> dict:
        assert request.ids["customer"] == MANAGER
        own = {"id": MANAGER, "descriptiveName": "Acme", "manager": True, "level": 0, "status": "ENABLED"}
        rows = [own, *({"id": thing.id, "descriptiveName": thing.name, "manager": thing.kind == "manager", "level": 1,
                        "status": self.status.get(thing.id, "ENABLED")} for thing in self.things)]  # fmt: skip
        for row in rows:
            row["resourceName"] = f"customers/{MANAGER}/customerClients/{row['id']}"
        return self._found(request, rows)

    def users(self, request: Request) -> Any:
        customer = request.ids["customer"]
        if customer in self.unusable:
            return self._unusable(customer)
        if customer == MANAGER:
            own = [(seat, seat.role) for seat in self.listed if seat.status == "active"]
        else:
            own = [(self.seat(id) or Seat(id, f"{id}@other.example"), role)
                   for id, role in self.thing(customer).members.items()]  # fmt: skip
        rows = [{"userId": seat.id, "accessRole": role, "resourceName": f"customers/{customer}/customerUserAccesses/"
                 f"{seat.id}", **({"emailAddress": seat.email} if seat.email else {})}
                for seat, role in own]  # fmt: skip
        for row in rows:
            if pending := self._pending(row["resourceName"]):
                row["pendingMultiPartyAuthReview"] = pending
        return self._found(request, rows, self.lie if customer == MANAGER else 0)

    def _unusable(self, customer: str) -> Reply:
        words = "The customer account can't be accessed because it is not yet enabled or has been deactivated."
        return self.failure(403, "authorizationError", self.unusable[customer], words)

    def invitations(self, request: Request) -> Any:
        customer = request.ids["customer"]
        if customer in self.unusable:
            return self._unusable(customer)
        rows = [{"invitationId": seat.id, "accessRole": seat.role, "emailAddress": seat.email,
                 "invitationStatus": seat.status.replace("invited", "pending").upper(),
                 "resourceName": f"customers/{customer}/customerUserAccessInvitations/{seat.id}"}
                for seat in self.seats if seat.status != "active" and customer == MANAGER]  # fmt: skip
        return self._found(request, rows)

    def reviews(self, request: Request) -> Any:
        """MultiPartyAuthReviewStatusEnum: PENDING, APPROVED, REJECTED, EXPIRED, REVOKED."""
        customer = request.ids["customer"]
        return self._found(request, [
            {"resourceName": name, "multiPartyAuthReviewId": name.rpartition("/")[2], "reviewStatus": review["status"]}
            for name, review in self.held.items() if name.startswith(f"customers/{customer}/")
        ])  # fmt: skip

    def _pending(self, access: str) -> str:
        return next((name for name, review in self.held.items()
                     if review["status"] == "PENDING" and review["of"] == access), "")  # fmt: skip

    def _hold(self, request: Request, of: str) -> dict:
        """“Multi-party approvals”: the answer names the review, and nothing has changed."""
        assert not of or not self._pending(of), "a second request for the same access"
        name = f"customers/{request.ids['customer']}/multiPartyAuthReviews/{len(self.held) + 1}"
        self.held[name] = {"status": "PENDING", "of": of, "request": request}
        return {"result": {"multiPartyAuthReview": name}}

    def decide(self, status: str) -> None:
        """A second admin decides about everything that waits, or nobody does for 20 days."""
        for review in self.held.values():
            if review["status"] == "PENDING":
                review["status"] = status
                if status == "APPROVED":
                    self.holds_back = False
                    request = review["request"]
                    call = self.mutate_access if "AccessInv" not in request.path else self.mutate_invitation
                    call(request)
                    self.holds_back = True

    def _found(self, request: Request, rows: list[dict], lie: int = 0) -> dict:
        query = re.fullmatch(r"SELECT (.+) FROM (\w+)(?: WHERE (.+))?", request.body["query"])
        _, declared = RESOURCES[query[2]]
        fields = [_field(query[2], name, declared) for name in query[1].split(", ")]
        for condition in query[3].split(" AND ") if query[3] else ():
            name, sign, value = re.fullmatch(r"([\w.]+) (=|>|IN) ('\w+'|\d+|\('\w+'(?:, '\w+')*\))", condition).groups()
            field, values = _field(query[2], name, declared), re.findall(r"\w+", value)
            rows = [row for row in rows if (row[field] > int(value) if sign == ">" else str(row[field]) in values)]
        settings = request.body.get("searchSettings", {})
        assert set(settings) <= {"omitResults", "returnSummaryRow", "returnTotalResultsCount"}
        answer: dict[str, Any] = {"fieldMask": ",".join(fields)}
        total = len(rows) + lie
        if settings.get("returnTotalResultsCount") and total:  # a 0 and an empty list are left out, as in all its JSON
            answer["totalResultsCount"] = str(total)
        if token := request.body.get("pageToken"):
            there = {row["resourceName"] for row in rows}
            rows = [row for row in self._rest[token] if row["resourceName"] in there]
        kind, page = _camel(query[2]), min(PAGE, self.most)
        if rows:
            answer["results"] = [{kind: {name: row[name] for name in ("resourceName", *fields) if name in row}}
                                 for row in rows[:page]]  # fmt: skip
        if rows[page:]:
            answer["nextPageToken"] = f"t{len(self._rest)}"
            self._rest[answer["nextPageToken"]] = rows[page:]
        return answer

    # Operations

    def mutate_access(self, request: Request) -> Any:
        customer, operation = request.ids["customer"], request.body["operation"]
        name = operation.get("remove") or operation["update"]["resourceName"]
        id = re.fullmatch(rf"customers/{customer}/customerUserAccesses/(\d+)", name)[1]
        there = self.seat(id) if customer == MANAGER else self.thing(customer).members.get(id)
        if not there:
            return self.failure(400, "customerUserAccessError", "INVALID_USER_ID", "There is no such user.")
        if self.holds_back:
            return self._hold(request, name)
        if "remove" in operation:
            admins = [seat for seat in self.seats if seat.role == "ADMIN"]
            if customer == MANAGER and admins == [there]:
                return self.failure(400, "customerUserAccessError", "LAST_ADMIN_USER_OF_MANAGER",
                                    "Last admin user cannot be removed from a manager.")  # fmt: skip
            self._remove(customer, id)
        else:
            assert operation["updateMask"] == "accessRole" and operation["update"]["accessRole"] in ACCESS_ROLES
            there.role = operation["update"]["accessRole"]
        return {"result": {"resourceName": name}}

    def _remove(self, customer: str, id: str) -> None:
        if customer == MANAGER:
            self.seats.remove(self.seat(id))
        else:
            del self.thing(customer).members[id]

    def mutate_invitation(self, request: Request) -> Any:
        operation = request.body["operation"]
        if self.holds_back:
            return self._hold(request, operation.get("remove", ""))
        if "create" in operation:
            email, role = operation["create"]["emailAddress"], operation["create"]["accessRole"]
            assert role in ACCESS_ROLES and email not in [seat.email for seat in self.seats]
            self.seats.append(Seat(f"7{len(self.seats)}", email, status="invited", role=role))
            return {"result": {"resourceName": f"customers/{MANAGER}/customerUserAccessInvitations/7"}}
        id = re.fullmatch(r"customers/\d+/customerUserAccessInvitations/(\d+)", operation["remove"])[1]
        if not self.seat(id):
            return self.failure(400, "accessInvitationError", "INVALID_INVITATION_ID", "Invalid invitation ID.")
        self.seats.remove(self.seat(id))
        return {"result": {"resourceName": operation["remove"]}}


def _field(resource: str, name: str, declared: tuple[str, ...]) -> str:
    """The field's name in JSON; it must be one of the resource."""
    owner, _, field = name.partition(".")
    assert owner == resource and field in declared, name
    return _camel(field)


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def below(id: str, name: str, kind: str = "", **members: str) -> Thing:
    """An account below the manager; members by "u" and their id."""
    return Thing(id, name, kind, {user[1:]: role for user, role in members.items()})
