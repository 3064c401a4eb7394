"""Google's Directory API and its token endpoint for one company, as Google's own description declares them."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing
from tests.connectors.keys import key

# PyPI google-api-python-client 2.202.0, discovery document admin.directory_v1 (Apache-2.0): paths, query parameters
# (“fields” is one of every call), fields of bodies and answers. The token endpoint: RFC 7523 and
# developers.google.com, “Using OAuth 2.0 for server to server applications”.
V1 = "/admin/directory/v1"
PAGED = ("maxResults", "pageToken", "fields")
SORTED = ("customer", "domain", "orderBy", "query", "sortOrder", *PAGED)
MEMBER_FIELDS = ("delivery_settings", "email", "etag", "id", "kind", "role", "status", "type")
ASSIGNMENT_FIELDS = ("assignedTo", "assigneeType", "condition", "orgUnitId", "roleAssignmentId", "roleId", "scopeType")
USER_FIELDS = (
    "agreedToTerms", "aliases", "archived", "changePasswordAtNextLogin", "creationTime", "customerId", "emails",
    "externalIds", "guestAccountInfo", "id", "includeInGlobalAddressList", "isAdmin", "isDelegatedAdmin",
    "isGuestUser", "kind", "lastLoginTime", "name", "nonEditableAliases", "orgUnitPath", "password", "primaryEmail",
    "recoveryEmail", "suspended", "suspensionReason",
)  # fmt: skip
GROUP, USER = f"{V1}/groups/{{group}}", f"{V1}/users/{{user}}"
ASSIGNMENTS = f"{V1}/customer/{{customer}}/roleassignments"
LOOK = ("customFieldMask", "projection", "viewType", "fields")
FACTS = (
    Fact("POST", "/token", "token_call", (), ("grant_type", "assertion"), ("grant_type", "assertion")),
    Fact("GET", f"{V1}/users", "users", ("event", "showDeleted", *LOOK[:3], *SORTED)),
    Fact("GET", USER, "user", LOOK),
    Fact("PUT", USER, "update", ("fields",), USER_FIELDS),
    Fact("POST", f"{USER}/signOut", "sign_out", ("fields",)),
    Fact("POST", f"{USER}/makeAdmin", "make_admin", ("fields",), ("status",)),
    Fact("GET", f"{V1}/groups", "groups", ("userKey", *SORTED)),
    Fact("GET", f"{GROUP}/members", "members", ("includeDerivedMembership", "roles", *PAGED)),
    Fact("POST", f"{GROUP}/members", "join", ("fields",), MEMBER_FIELDS, ("email",)),
    Fact("PATCH", f"{GROUP}/members/{{member}}", "change_member", ("fields",), MEMBER_FIELDS),
    Fact("DELETE", f"{GROUP}/members/{{member}}", "leave"),
    Fact("GET", f"{V1}/customer/{{customer}}/roles", "roles", PAGED),
    Fact("GET", ASSIGNMENTS, "assignments", ("includeIndirectRoleAssignments", "roleId", "userKey", *PAGED)),
    Fact("POST", ASSIGNMENTS, "assign", ("fields",), ASSIGNMENT_FIELDS),
    Fact("DELETE", f"{ASSIGNMENTS}/{{assignment}}", "unassign"),
)
ISSUER, ADMIN, CUSTOMER = "rollcall@acme-1.iam.gserviceaccount.com", "rollcall@acme.example", "C01acme"
SCOPE = "https://www.googleapis.com/auth/admin.directory."
LONGEST = {"users": 500, "groups": 200, "members": 200, "items": 200}
NEVER = "1970-01-01T00:00:00.000Z"
REASON = {400: "invalid", 401: "authError", 403: "forbidden", 404: "notFound", 409: "duplicate", 412: "conditionNotMet"}


def pem() -> str:
    return key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class FakeGoogleAdmin(FakeApp):
    token = "ya29.7f1c0b52e9d4"
    account_list = "users"
    reads = ("token_call",)
    reaches = {
        Reach.ASSET: ("join", "change_member", "leave"),
        Reach.TENANT: ("update", "sign_out", "make_admin", "assign", "unassign"),
    }
    facts = FACTS

    def __init__(self):
        super().__init__()
        ends = ("user", "group", "rolemanagement", "user.readonly", "group.readonly", "user.security")
        self.delegated = {SCOPE + end for end in ends}
        self.assignee_types = ("user", "group")
        self.scope_types: dict[str, str] = {}  # by admin role; of others it is CUSTOMER
        self.me = {"id": "100", "primaryEmail": ADMIN, "name": {"fullName": "Rollcall"}, "isAdmin": True,
                   "customerId": CUSTOMER}  # fmt: skip
        self._rest: dict[str, list[dict]] = {}  # by page token: what comes after it
        self.more: dict[str, dict] = {}  # account id → further fields of the user
        self.deleted: set[str] = set()  # ids of users who were deleted in the last 20 days: not in any list
        self.signed_out: list[str] = []

    @property
    def key_file(self) -> str:
        return json.dumps({"type": "service_account", "client_id": "117", "client_email": ISSUER,
                           "private_key": pem(), "token_uri": "https://oauth2.googleapis.com/token"})  # fmt: skip

    def is_authorised(self, request: Request) -> bool:
        return request.path == "/token" or super().is_authorised(request)

    def error(self, status: int, words: str, reason: str = "") -> Reply:
        reason = reason or REASON.get(status, "backendError")
        error = {"code": status, "message": words, "errors": [{"message": words, "domain": "global", "reason": reason}]}
        return Reply(status, {"error": error})

    def none(self, key: str) -> Reply:
        return self.error(404, f"Resource Not Found: {key}")

    # The token

    def token_call(self, request: Request) -> Any:
        assert request.body["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        claims = jwt.decode(request.body["assertion"], RSAKey.import_key(key().public_key())).claims
        assert claims["aud"] == f"{self.url}/token" and claims["iat"] < time.time() < claims["exp"]
        assert claims["exp"] - claims["iat"] <= 3600
        if claims["iss"] != ISSUER or claims["sub"] != ADMIN:
            return Reply(400, {"error": "invalid_grant", "error_description": "Invalid email or User ID"})
        security = f"{SCOPE}user.security"
        assert claims["scope"] == security or security not in claims["scope"], "it is optional: a token of its own"
        if not set(claims["scope"].split()) <= self.delegated:
            return Reply(401, {"error": "unauthorized_client", "error_description":
                               "Client is unauthorized to retrieve access tokens using this method, or client not "
                               "authorized for any of the scopes requested."})  # fmt: skip
        return {"access_token": self.token, "expires_in": 3599, "token_type": "Bearer"}

    # Users

    def users(self, request: Request) -> Any:
        assert request.params["customer"] == "my_customer"
        return self._page(request, "users", [self._user(seat) for seat in self.listed])

    def user(self, request: Request) -> Any:
        key = request.ids["user"]
        user = self.me if key in (ADMIN, self.me["id"]) else self.seat(key) and self._user(self.seat(key))
        return self._only(request.params.get("fields", "*"), user) if user else self.no_user(key)

    def no_user(self, key: str) -> Reply:
        """For 20 days after its deletion a user can be restored, and users.get answers 412 in place of 404: seen by the
        developers of github.com/firezone/firezone, pull request 15169 (merged in September 2026). Google's documents
        don't name it."""
        return self.error(412, "User is deleted.") if key in self.deleted else self.none("userKey")

    def delete(self, id: str) -> None:
        """As an administrator does in the Admin console."""
        self.seats.remove(self.seat(id))
        self.deleted.add(id)

    def update(self, request: Request) -> Any:
        seat = self.seat(request.ids["user"])
        if seat is None:
            return self.no_user(request.ids["user"])
        assert request.body == {"suspended": True}
        seat.status = "suspended"
        return self._user(seat)

    def sign_out(self, request: Request) -> Reply:
        """users.signOut: the request's body is empty."""
        assert request.body is None
        if self.seat(request.ids["user"]) is None:
            return self.no_user(request.ids["user"])
        self.signed_out.append(request.ids["user"])
        return Reply(204)

    def make_admin(self, request: Request) -> Reply:
        assert isinstance(request.body["status"], bool)
        seat = self.seat(request.ids["user"])
        seat.role = "super-admin" if request.body["status"] else "user"
        return Reply(200)

    def _user(self, seat: Seat) -> dict:
        emails = [{"address": seat.email, "primary": True}] if seat.email else []
        further = [{"address": email, "type": "home"} for email in getattr(seat, "further_emails", ())]
        number = getattr(seat, "employee_number", "")
        numbers = [{"value": "net-7", "type": "network"}, {"value": number, "type": "organization"}] if number else []
        return {
            "kind": "admin#directory#user", "id": seat.id, "name": {"fullName": seat.name}, "primaryEmail": seat.email,
            "isAdmin": seat.role == "super-admin", "suspended": seat.status == "suspended",
            "isDelegatedAdmin": self._is_delegated(seat), "archived": seat.status == "archived",
            "lastLoginTime": NEVER, "customerId": CUSTOMER, "emails": emails + further, "externalIds": numbers,
            **self.more.get(seat.id, {}),
        }  # fmt: skip

    def _is_delegated(self, seat: Seat) -> bool:
        own = any(seat.id in thing.members for thing in self.things if thing.id.startswith("role:"))
        return seat.role == "delegated-admin" or own and seat.role != "super-admin"

    # Groups

    def groups(self, request: Request) -> Any:
        assert request.params["customer"] == "my_customer"
        rows = [{"id": _id(thing), "name": thing.name, "email": f"{_id(thing)}@acme.example"}
                for thing in self.things if not thing.id.startswith("role:")]  # fmt: skip
        return self._page(request, "groups", rows)

    def members(self, request: Request) -> Any:
        group = self._group(request.ids["group"])
        if group is None:
            return self.none("groupKey")
        rows = [self._member(id, role) for id, role in group.members.items()]
        if request.params.get("includeDerivedMembership") == "true":
            inner = [self._group(row["id"]) for row in rows if row["type"] == "GROUP"]
            rows += [self._member(id, role) for group in inner for id, role in group.members.items()]
        return self._page(request, "members", rows)

    def _group(self, id: str) -> Thing | None:
        return next((thing for thing in self.things if _id(thing) == id and not thing.id.startswith("role:")), None)

    def _member(self, id: str, role: str) -> dict:
        kind = "CUSTOMER" if id == CUSTOMER else "GROUP" if self._group(id) else "USER"
        return {"kind": "admin#directory#member", "id": id, "role": role or "MEMBER", "type": kind, "status": "ACTIVE"}

    def join(self, request: Request) -> Any:
        group = self._group(request.ids["group"])
        seat = next(seat for seat in self.seats if seat.email == request.body["email"])
        assert request.body["role"] in ("OWNER", "MANAGER", "MEMBER")
        if seat.id in group.members:
            return self.error(409, "Member already exists.")
        group.members[seat.id] = request.body["role"]
        return self._member(seat.id, request.body["role"])

    def change_member(self, request: Request) -> Any:
        self._group(request.ids["group"]).members[request.ids["member"]] = request.body["role"]
        return self._member(request.ids["member"], request.body["role"])

    def leave(self, request: Request) -> Any:
        gone = self._group(request.ids["group"]).members.pop(request.ids["member"], None)
        return self.none("memberKey") if gone is None else Reply(204)

    # Admin roles

    def roles(self, request: Request) -> Any:
        rows = [{"roleId": _id(thing), "roleName": thing.name, "isSuperAdminRole": thing.kind == "super"}
                for thing in self.things if thing.id.startswith("role:")]  # fmt: skip
        return self._page(request, "items", rows, 100)

    def assignments(self, request: Request) -> Any:
        user, role = request.params.get("userKey"), request.params.get("roleId")
        indirect = request.params.get("includeIndirectRoleAssignments") == "true"
        assert user or not indirect, "indirect ones come only with a userKey"
        rows = []
        for thing in self.things:
            for id in thing.members if thing.id.startswith("role:") and role in (None, _id(thing)) else ():
                group = self._group(id)
                if user in (None, id) or (indirect and group and user in group.members):
                    rows.append({"roleAssignmentId": f"{_id(thing)}-{id}", "roleId": _id(thing), "assignedTo": id,
                                 "assigneeType": self.assignee_types[bool(group)],
                                 "scopeType": self.scope_types.get(_id(thing), "CUSTOMER")})  # fmt: skip
        return self._page(request, "items", rows)

    def assign(self, request: Request) -> Any:
        assert request.ids["customer"] == CUSTOMER and request.body["scopeType"] == "CUSTOMER"
        self.thing(f"role:{request.body['roleId']}").members[request.body["assignedTo"]] = ""
        return request.body

    def unassign(self, request: Request) -> Any:
        role, _, id = request.ids["assignment"].partition("-")
        gone = self.thing(f"role:{role}").members.pop(id, None)
        return self.none("roleAssignmentId") if gone is None else Reply(204)

    def _page(self, request: Request, key: str, rows: list[dict], longest: int = 0) -> dict:
        """A token continues after the last item returned, even if someone was removed in between."""
        size, token = request.number("maxResults", 100), request.params.get("pageToken")
        assert size <= (longest or LONGEST[key])
        size = min(size, self.most)
        if token:
            there = set(map(_key, rows))
            rows = [row for row in self._rest[token] if _key(row) in there]
        answer: dict[str, Any] = {"kind": f"admin#directory#{key}"}
        if rows:  # an empty list is left out, as in every JSON that Google makes of its messages
            answer[key] = rows[:size]
        if rows[size:]:
            answer["nextPageToken"] = f"t{len(self._rest)}"
            self._rest[answer["nextPageToken"]] = rows[size:]
        fields = request.params.get("fields")
        if not fields:
            return answer
        inner = re.fullmatch(rf"kind,nextPageToken,{key}\((.+)\)", fields)[1]
        return {**answer, **({key: [self._only(inner, row) for row in answer[key]]} if rows else {})}

    @staticmethod
    def _only(fields: str, user: dict) -> dict:
        """A partial answer: the fields that were asked for, each of which must be declared."""
        if fields == "*":
            return user
        wanted = {field.partition("/")[0] for field in fields.split(",")}
        assert wanted <= set(USER_FIELDS), wanted - set(USER_FIELDS)
        return {name: value for name, value in user.items() if name in wanted}


def _id(thing: Thing) -> str:
    return thing.id.partition(":")[2] or thing.id


def _key(row: dict) -> str:
    return row.get("roleAssignmentId") or row.get("roleId") or row["id"]
