"""A fake Microsoft Graph v1.0 with its token endpoint: calls, options and properties as learn.microsoft.com/graph has
them on the pages that connectors/apps/microsoft_365.py and connectors/directories/entra.py name."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing

V = "/v1.0"
LIST = ("$select", "$top", "$count", "$skiptoken")
FORM = ("grant_type", "client_id", "client_secret", "scope")
ROLES = "/v1.0/roleManagement/directory"
# “user resource type”, “group resource type”
USER = {
    "id", "displayName", "mail", "userPrincipalName", "otherMails", "proxyAddresses", "accountEnabled", "userType",
    "externalUserState", "assignedLicenses", "signInActivity", "employeeId", "employeeHireDate",
}  # fmt: skip
GROUP = {"id", "displayName", "groupTypes", "resourceProvisioningOptions", "mailEnabled", "securityEnabled"}
# “Microsoft Entra built-in roles”
GLOBAL, USERS, READERS, SYNC = (
    "62e90394-69f5-4237-9190-012177145e10", "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "d29b2b05-8046-44ba-8758-1e26182fcf32",
)  # fmt: skip
LABELS = {
    GLOBAL: "Global Administrator", USERS: "User Administrator", READERS: "Directory Readers",
    SYNC: "Directory Synchronization Accounts",
}  # fmt: skip
ENABLED = {"suspended": False, "disabled": False, "hidden": None}


class FakeGraph(FakeApp):
    facts = (
        Fact("POST", "/{tenant}/oauth2/v2.0/token", "give_token", fields=FORM, required=FORM),
        Fact("GET", f"{V}/organization", "organization", ("$select",)),
        Fact("GET", f"{V}/users", "users", LIST),
        Fact("GET", f"{V}/users/{{id}}", "user", ("$select",)),
        Fact("PATCH", f"{V}/users/{{id}}", "update_user", fields=("accountEnabled",), required=("accountEnabled",)),
        Fact("DELETE", f"{V}/users/{{id}}", "delete_user"),
        Fact("POST", f"{V}/users/{{id}}/revokeSignInSessions", "revoke_sessions"),
        Fact("GET", f"{V}/subscribedSkus", "licences", ("$select",)),
        Fact("GET", f"{ROLES}/roleDefinitions", "role_definitions", ("$expand", "$filter", "$skiptoken")),
        Fact("GET", f"{ROLES}/roleAssignments", "role_assignments", ("$expand", "$filter", "$select", "$skiptoken")),
        # “List roleEligibilityScheduleInstances” (RoleManagement.Read.Directory is enough); 400 without a P2 licence
        Fact("GET", f"{ROLES}/roleEligibilityScheduleInstances", "eligible",
             ("$expand", "$filter", "$select", "$skiptoken")),
        Fact("GET", f"{V}/groups", "groups", LIST),
        Fact("GET", f"{V}/groups/{{id}}/members", "members", LIST),
        Fact("GET", f"{V}/groups/{{id}}/owners", "owners", LIST),
        Fact("GET", f"{V}/groups/{{id}}/transitiveMembers/microsoft.graph.user", "everyone", LIST),
        Fact("POST", f"{V}/groups/{{id}}/members/$ref", "add_member", fields=("@odata.id",), required=("@odata.id",)),
        Fact("POST", f"{V}/groups/{{id}}/owners/$ref", "add_owner", fields=("@odata.id",), required=("@odata.id",)),
        Fact("DELETE", f"{V}/groups/{{id}}/members/{{user}}/$ref", "remove_member"),
        Fact("DELETE", f"{V}/groups/{{id}}/owners/{{user}}/$ref", "remove_owner"),
    )
    account_list = "users"
    reads = ("give_token",)
    reaches = {
        Reach.ASSET: ("add_member", "add_owner", "remove_member", "remove_owner"),
        Reach.TENANT: ("revoke_sessions", "update_user", "delete_user"),
    }
    tenant, client = "acme.onmicrosoft.com", "11111111-2222-3333-4444-555555555555"

    def __init__(self):
        super().__init__()
        self.permissions = {"User.Read.All", "User.ReadWrite.All", "User.RevokeSessions.All"}
        self.signed_out: list[str] = []
        self.more: dict[str, dict] = {}  # id of a user or group → further properties
        self.within: dict[str, list[str]] = {}  # id of a group → ids of the groups in it
        self.eligible_for: list[tuple[str, str]] = []  # (id of a user or group, id of the role)
        self.group_roles: dict[str, str] = {}  # id of a group → id of its role
        self.skus = {"c7df2760-2c81-4ef7-b578-5b5392b571df": "ENTERPRISEPREMIUM"}
        self.tokens_given = 0

    @property
    def access_token(self) -> str:
        """A JWT whose roles are the application's permissions (“Access token claims reference”)."""
        claims = json.dumps({"aud": "https://graph.microsoft.com", "roles": sorted(self.permissions)})
        return f"eyJ0eXAiOiJKV1Qi.{urlsafe_b64encode(claims.encode()).decode().rstrip('=')}.s1gnature"

    def is_authorised(self, request: Request) -> bool:
        return request.path.endswith("/token") or request.headers.get("authorization") == f"Bearer {self.access_token}"

    def unauthorised(self) -> Reply:
        return self.refuse(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")

    def error(self, status: int, words: str) -> Reply:
        return self.refuse(status, "Request_BadRequest", words)

    def refuse(self, status: int, code: str, words: str) -> Reply:
        return Reply(status, {"error": {"code": code, "message": words, "innerError": {"request-id": "1"}}})

    def none(self, what: str) -> Reply:
        return self.refuse(404, "Request_ResourceNotFound", f"Resource '{what}' does not exist.")

    def give_token(self, request: Request) -> Any:
        assert (request.ids["tenant"], request.body["client_id"]) == (self.tenant, self.client)
        assert request.body["grant_type"] == "client_credentials"
        assert request.body["scope"] == "https://graph.microsoft.com/.default"
        if request.body["client_secret"] != self.token:
            words = "AADSTS7000215: Invalid client secret provided."
            return Reply(401, {"error": "invalid_client", "error_description": words, "error_codes": [7000215]})
        self.tokens_given += 1
        return {"token_type": "Bearer", "expires_in": 3599, "access_token": self.access_token}

    def organization(self, request: Request) -> dict:
        return {"value": [{"id": "84841066-274d-4ec0-a5c1-276be684bdd3", "displayName": "Acme"}]}

    # Users

    def users(self, request: Request) -> dict:
        return self._page(request, [self._user(seat) for seat in self.listed], USER, 999, self.lie)

    def sign_ins(self, request: Request) -> dict:
        return self._page(request, [self._user(seat) for seat in self.listed], USER, 500)

    def user(self, request: Request) -> Any:
        seat = self.seat(request.ids["id"])
        return self._selected(request, self._user(seat), USER) if seat else self.none(request.ids["id"])

    def update_user(self, request: Request) -> Reply:
        seat = self.seat(request.ids["id"])
        if seat is None:
            return self.none(request.ids["id"])
        if seat.role == GLOBAL:
            return self.refuse(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        seat.status = "active" if request.body["accountEnabled"] else "suspended"
        return Reply(204)

    def delete_user(self, request: Request) -> Reply:
        seat = self.seat(request.ids["id"])
        if seat is None:
            return self.none(request.ids["id"])
        self.seats.remove(seat)
        return Reply(204)

    def revoke_sessions(self, request: Request) -> Reply:
        """“user: revokeSignInSessions”: an application needs User.RevokeSessions.All, and User.ReadWrite.All isn't
        enough; the sessions of external users aren't revoked."""
        assert request.body is None
        seat = self.seat(request.ids["id"])
        if seat is None:
            return self.none(request.ids["id"])
        assert "#EXT#" not in self._user(seat)["userPrincipalName"]
        if "User.RevokeSessions.All" not in self.permissions:
            return self.refuse(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        self.signed_out.append(seat.id)
        return Reply(200, {"value": True})

    def _user(self, seat: Seat) -> dict:
        further = getattr(seat, "further_emails", ())
        name = getattr(seat, "user_name", "") or seat.email
        external = f"{seat.email.replace('@', '_') or seat.id + '_gmail.com'}#EXT#@{self.tenant}"
        is_guest = seat.role == "guest" or seat.status == "invited"
        return {
            "id": seat.id,
            "displayName": seat.name,
            "mail": seat.email or None,
            "userPrincipalName": name if seat.email and not is_guest else external,
            "otherMails": [],
            "proxyAddresses": [f"SMTP:{seat.email}", *(f"smtp:{text}" for text in further)] if seat.email else [],
            "accountEnabled": ENABLED.get(seat.status, True),
            "userType": "Guest" if is_guest else "Member",
            "externalUserState": "PendingAcceptance" if seat.status == "invited" else None,
            "employeeId": getattr(seat, "employee_number", "") or None,
            "employeeHireDate": None,
            "assignedLicenses": [],
            **self.more.get(seat.id, {}),
        }

    def licences(self, request: Request) -> dict:
        return {"value": [{"id": f"1_{id}", "skuId": id, "skuPartNumber": name} for id, name in self.skus.items()]}

    # Roles

    def role_definitions(self, request: Request) -> dict:
        return {"value": [{"id": id, "displayName": label, "isBuiltIn": True} for id, label in LABELS.items()]}

    def role_assignments(self, request: Request) -> dict:
        assert request.params["$expand"] == "principal"
        roles = [(seat, role) for seat in self.seats for role in (*seat.role.split(), *seat.further_roles)]
        held = [(seat.id, role, "user") for seat, role in roles if role not in ("member", "guest")]
        held += [(group, role, "group") for group, role in self.group_roles.items()]
        return {"value": [
            {"id": f"{id}-{role}", "principalId": id, "roleDefinitionId": role, "directoryScopeId": "/",
             "principal": {"@odata.type": f"#microsoft.graph.{kind}", "id": id}}
            for id, role, kind in held]}  # fmt: skip

    def eligible(self, request: Request) -> dict:
        assert request.params["$expand"] == "principal"
        return {"value": [
            {"id": f"e-{id}-{role}", "principalId": id, "roleDefinitionId": role, "directoryScopeId": "/",
             "memberType": "Direct", "endDateTime": None,
             "principal": {"@odata.type": f"#microsoft.graph.{'group' if self.thing(id) else 'user'}", "id": id}}
            for id, role in self.eligible_for]}  # fmt: skip

    # Groups

    def groups(self, request: Request) -> dict:
        return self._page(request, [self._group(thing) for thing in self.things], GROUP, 999)

    def members(self, request: Request) -> Any:
        """A nested group comes first, a device last."""
        group = self.thing(request.ids["id"])
        if group is None:
            return self.none(request.ids["id"])
        groups = [{"@odata.type": "#microsoft.graph.group", "id": id} for id in self.within.get(group.id, ())]
        users = [{"@odata.type": "#microsoft.graph.user", "id": id} for id in group.members]
        device = {"@odata.type": "#microsoft.graph.device", "id": "d"}
        return self._page(request, [*groups, *users, device], {"id"}, 999)

    def owners(self, request: Request) -> Any:
        group = self.thing(request.ids["id"])
        if group is None:
            return self.none(request.ids["id"])
        owners = [id for id, role in group.members.items() if role == "owner"]
        return self._page(request, [{"@odata.type": "#microsoft.graph.user", "id": id} for id in owners], {"id"}, 999)

    def everyone(self, request: Request) -> Any:
        if self.thing(request.ids["id"]) is None:
            return self.none(request.ids["id"])
        return self._page(request, [{"id": id} for id in self._everyone_in(request.ids["id"])], {"id"}, 999)

    def _everyone_in(self, id: str) -> dict[str, None]:
        found = dict.fromkeys(self.thing(id).members)
        for child in self.within.get(id, ()):
            found |= self._everyone_in(child)
        return found

    def add_member(self, request: Request) -> Reply:
        return self._add(request, "member", "directoryObjects")

    def add_owner(self, request: Request) -> Reply:
        return self._add(request, "owner", "users")

    def _add(self, request: Request, role: str, kind: str) -> Reply:
        start, _, id = request.body["@odata.id"].rpartition("/")
        assert start == f"https://graph.microsoft.com/v1.0/{kind}"
        members = self.thing(request.ids["id"]).members
        if members.get(id) == "owner" or members.get(id) == role:
            return self.refuse(400, "Request_BadRequest", "One or more added object references already exist.")
        members[id] = role
        return Reply(204)

    def remove_member(self, request: Request) -> Reply:
        members = self.thing(request.ids["id"]).members
        return Reply(204) if members.pop(request.ids["user"], None) else self.none(request.ids["user"])

    def remove_owner(self, request: Request) -> Reply:
        members = self.thing(request.ids["id"]).members
        owners = [id for id, role in members.items() if role == "owner"]
        if request.ids["user"] not in owners:
            return self.none(request.ids["user"])
        if len(owners) == 1:
            return self.refuse(400, "Request_BadRequest", "The group must have at least one owner.")
        members[request.ids["user"]] = "member"
        return Reply(204)

    def _group(self, thing: Thing) -> dict:
        return {"id": thing.id, "displayName": thing.name, "groupTypes": [], "resourceProvisioningOptions": [],
                "mailEnabled": False, "securityEnabled": True, **self.more.get(thing.id, {})}  # fmt: skip

    # What every list has

    def _fact(self, request: Request) -> tuple[Fact, dict[str, str]] | None:
        """Sign-ins are a list of users too, but have an `answer` of their own, so that each can be made to fail."""
        found = super()._fact(request)
        if found and found[0].answer == "users" and "signInActivity" in request.params.get("$select", ""):
            return replace(found[0], answer="sign_ins"), found[1]
        return found

    def _page(self, request: Request, rows: list[dict], known: set[str], most: int, lie: int = 0) -> dict:
        size, after = min(request.number("$top", 100), most, self.most), request.params.get("$skiptoken")
        start = next(n for n, row in enumerate(rows) if row["id"] == after) + 1 if after else 0
        page = rows[start : start + size]
        body = {"value": [self._selected(request, row, known) for row in page]}
        if request.params.get("$count"):
            assert request.headers.get("consistencylevel") == "eventual", "$count takes ConsistencyLevel: eventual"
            if not after:
                body["@odata.count"] = len(rows) + lie
        if start + size < len(rows):
            options = {**request.params, "$skiptoken": page[-1]["id"]}
            body["@odata.nextLink"] = f"{self.url}{request.path}?{urlencode(options)}"
        return body

    @staticmethod
    def _selected(request: Request, row: dict, known: set[str]) -> dict:
        asked = set(request.params["$select"].split(","))
        assert asked <= known, f"$select of {request.path} has no {asked - known}"
        return {name: value for name, value in row.items() if name in asked or name == "@odata.type"}
