"""Okta's Management API, as its public description declares it: users, groups, and one application."""

from __future__ import annotations

from typing import Any

from tests.connectors.directory_contract import Staff
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat

# github.com/okta/okta-management-openapi-spec, v1: paths, parameters, fields. “users/me”: developer.okta.com,
# “Get Current User”. Error bodies, Link header and page sizes: “Core Okta API”, “List Users”, “List Groups”.
PAGE = ("after", "limit")
FACTS = (
    Fact("GET", "/api/v1/users/me", "me"),
    Fact("GET", "/api/v1/users", "users", ("q", "filter", "search", "sortBy", "sortOrder", *PAGE)),
    Fact("GET", "/api/v1/users/{userId}/roles", "roles", ("expand",)),
    Fact("GET", "/api/v1/groups", "groups", ("q", "filter", "search", "expand", *PAGE)),
    Fact("GET", "/api/v1/groups/{groupId}", "group"),
    Fact("GET", "/api/v1/groups/{groupId}/users", "members", PAGE),
    Fact("PUT", "/api/v1/groups/{groupId}/users/{userId}", "join"),
    Fact("DELETE", "/api/v1/groups/{groupId}/users/{userId}", "leave"),
    Fact("GET", "/api/v1/apps", "apps", ("q", "filter", "expand", "includeNonDeleted", *PAGE)),
    Fact("GET", "/api/v1/apps/{appId}", "app", ("expand",)),
    Fact("GET", "/api/v1/apps/{appId}/groups", "app_groups", ("q", "expand", *PAGE)),
    Fact("GET", "/api/v1/apps/{appId}/users", "app_users", ("q", "query_scope", "filter", "expand", *PAGE)),
    Fact("POST", "/api/v1/apps/{appId}/users", "assign", (),
         ("id", "scope", "status", "credentials", "profile", "externalId"), ("id",)),
    Fact("GET", "/api/v1/apps/{appId}/users/{userId}", "app_user", ("expand",)),
    Fact("DELETE", "/api/v1/apps/{appId}/users/{userId}", "unassign", ("sendEmail",)),
)  # fmt: skip
MOST = 200


class FakeOkta(FakeApp):
    token = "00QCjAl4MlV-WPXM-0HmjFx-vbGua"
    account_list = "users"
    facts = FACTS

    def __init__(self):
        super().__init__()
        self.admin_roles: list[str] | None = ["READ_ONLY_ADMIN"]  # None: the token may not ask

    def is_authorised(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"SSWS {self.token}"

    def unauthorised(self) -> Reply:
        return self.error(401, "Invalid token provided", code="E0000011")

    def error(self, status: int, words: str, *causes: str, code: str = "E0000001") -> Reply:
        return Reply(status, {"errorCode": code, "errorSummary": words, "errorLink": code, "errorId": "oae",
                              "errorCauses": [{"errorSummary": cause} for cause in causes]})  # fmt: skip

    def no_such(self, what: str, id: str) -> Reply:
        return self.error(404, f"Not found: Resource not found: {id} ({what})", code="E0000007")

    # People and groups

    def me(self, request: Request) -> dict:
        return {"id": "00ume", "status": "ACTIVE", "profile": {"firstName": "Olga", "lastName": "Brandt"}}

    def roles(self, request: Request) -> Any:
        if self.admin_roles is None:
            return self.error(403, "You do not have permission to perform the requested action", code="E0000006")
        return [{"id": f"ra{role}", "type": role, "status": "ACTIVE"} for role in self.admin_roles]

    def users(self, request: Request) -> Reply:
        asked = request.params.get("filter")
        assert asked in (None, 'status eq "DEPROVISIONED"'), asked
        rows = [person for person in self.listed if (person.status == "DEPROVISIONED") == bool(asked)]
        return self._page(request, [self._user(person) for person in rows])

    def groups(self, request: Request) -> Reply:
        return self._page(request, [self._group(thing) for thing in self.things])

    def members(self, request: Request) -> Reply:
        group = self.thing(request.ids["groupId"])
        if group is None:
            return self.no_such("UserGroup", request.ids["groupId"])
        everybody = {person.id: person for person in self.seats}
        rows = [{"id": id} if id not in everybody else self._user(everybody[id]) for id in group.members]
        return self._page(request, rows)

    def _group(self, thing) -> dict:
        return {"id": thing.id, "type": thing.kind or "OKTA_GROUP", "profile": {"name": thing.name}}

    def _user(self, person: Seat) -> dict:
        """firstName and lastName are asked for, displayName is not."""
        first, _, last = person.name.rpartition(" ")
        profile = {"firstName": first, "lastName": last, "email": person.email or None}
        if isinstance(person, Staff):
            second = next(iter(person.further_emails), None)
            profile |= {"login": person.user_name, "secondEmail": second}
            profile |= {"employeeNumber": person.employee_number} if person.employee_number else {}
        return {"id": person.id, "status": person.status, "profile": profile}

    def _page(self, request: Request, rows: list[dict]) -> Reply:
        """The cursor names the last row that came."""
        size, after = request.number("limit", MOST), request.params.get("after")
        assert 1 <= size <= MOST
        ids = [row["id"] for row in rows]
        start = 0 if after is None else next((n for n, id in enumerate(ids) if id > after), len(ids))
        page = rows[start : start + size]
        here = f"{self.url}{request.path}?limit={size}"
        kept = "".join(f"&{name}={value}" for name, value in request.params.items() if name == "filter")
        links = [f'<{here}>; rel="self"']
        if start + size < len(rows):
            links.append(f'<{here}{kept.replace(" ", "+")}&after={page[-1]["id"]}>; rel="next"')
        return Reply(200, page, {"Link": ", ".join(links)})
