"""Okta's Management API, as its public description declares it: users, groups, and one application."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from connectors.effects import Reach
from tests.connectors.directory_contract import Staff
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat

# github.com/okta/okta-management-openapi-spec, v1: paths, parameters, fields. “users/me”: developer.okta.com,
# “Get Current User”. Error bodies, Link header and page sizes: “Core Okta API”, “List Users”, “List Groups”.
# Statuses: “AppUserStatus”, dist/current/management-minimal.yaml of that repository. Events: “System Log”.
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
    Fact("DELETE", "/api/v1/users/{userId}/sessions", "clear_sessions", ("oauthTokens",)),
    Fact("GET", "/api/v1/logs", "logs", ("since", "until", "filter", "q", "limit", "sortOrder", "after")),
)  # fmt: skip
MOST, MOST_ASSIGNED, MOST_EVENTS = 200, 500, 1000


class FakeOkta(FakeApp):
    token = "00QCjAl4MlV-WPXM-0HmjFx-vbGua"
    account_list = "users"
    reaches = {Reach.ASSET: ("join", "leave"), Reach.WORKSPACE: ("assign", "unassign"),
               Reach.TENANT: ("clear_sessions",)}  # fmt: skip
    facts = FACTS

    def __init__(self):
        super().__init__()
        self.signed_out: list[str] = []
        self.admin = ""  # the id of the token's own; else it is the first one's
        self.admin_roles: list[str] | None = ["READ_ONLY_ADMIN"]  # None: the token may not ask

    def clear_sessions(self, request: Request) -> Reply:
        self.signed_out.append(request.ids["userId"])
        return Reply(204)

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
        id = self.admin or next((person.id for person in self.listed), "")
        return {"id": id, "status": "ACTIVE", "profile": {"firstName": "Olga", "lastName": "Brandt"}}

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
        everyone = {person.id: person for person in self.seats}
        rows = [{"id": id} if id not in everyone else self._user(everyone[id]) for id in group.members]
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
        most = MOST_ASSIGNED if request.path.startswith("/api/v1/apps/") else MOST
        size, after = request.number("limit", most), request.params.get("after")
        assert 1 <= size <= most
        size = min(size, self.most)
        ids = [row["id"] for row in rows]
        start = 0 if after is None else next((n for n, id in enumerate(ids) if id > after), len(ids))
        page = rows[start : start + size]
        here = f"{self.url}{request.path}?limit={size}"
        kept = "".join(f"&{name}={value}" for name, value in request.params.items() if name == "filter")
        links = [f'<{here}>; rel="self"']
        if start + size < len(rows):
            links.append(f'<{here}{kept.replace(" ", "+")}&after={page[-1]["id"]}>; rel="next"')
        return Reply(200, page, {"Link": ", ".join(links)})


class FakeOktaApp(FakeOkta):
    """One application: `seats` are assigned to it, `things` are groups that it is assigned to."""

    account_list = "app_users"
    app_id = "0oa1gjh63g214q0Hq0g4"

    def __init__(self):
        super().__init__()
        self.scopes: dict[str, str] = {}  # GROUP for those assigned by a group
        self.statuses: dict[str, str] = {}
        self.not_assigned = {"new@acme.example": ["00unew"]}  # address → ids of those who are in Okta
        self.app_status = "ACTIVE"
        self.app_name = "figma"  # of its kind
        self.is_open_to_all = False  # Federation Broker Mode: nobody needs an assignment
        self.is_acknowledged_by_hand = True  # a deprovisioning: the row stays, as REVOKED, until someone does
        self.events: list[tuple[str, str]] = []  # (user, when) of each sign-in to the application, newest first

    def users(self, request: Request) -> Reply:
        email, login = self._address_in(request.params["filter"])
        assert email == login
        assigned = [seat.id for seat in self.seats if seat.email == email]
        return self._page(request, [{"id": id} for id in assigned or self.not_assigned.get(email, [])])

    @staticmethod
    def _address_in(expression: str) -> list[str]:
        """Of profile.email eq "…" or profile.login eq "…"; a quote in an address must not end it."""
        email, _, login = expression.partition(" or ")
        names = [part.partition(" eq ")[0] for part in (email, login)]
        assert names == ["profile.email", "profile.login"], expression
        return [json.loads(part.partition(" eq ")[2]) for part in (email, login)]

    def apps(self, request: Request) -> Reply:
        return self._page(request, [self._described()])

    def app(self, request: Request) -> Any:
        return self._in_app(request) or self._described()

    def _described(self) -> dict:
        kind = {"name": self.app_name} if self.app_name else {}
        return {"id": self.app_id, "label": "Figma", "status": self.app_status, **kind,
                "settings": {"implicitAssignment": self.is_open_to_all}}  # fmt: skip

    def app_groups(self, request: Request) -> Reply:
        return self._in_app(request) or self._page(request, [{"id": thing.id, "priority": 0} for thing in self.things])

    def group(self, request: Request) -> Any:
        thing = self.thing(request.ids["groupId"])
        return self._group(thing) if thing else self.no_such("UserGroup", request.ids["groupId"])

    def app_users(self, request: Request) -> Reply:
        return self._in_app(request) or self._page(request, [self._assigned(seat) for seat in self.listed])

    def app_user(self, request: Request) -> Any:
        seat = self.seat(request.ids["userId"])
        found = self._assigned(seat) if seat else self.no_such("AppUser", request.ids["userId"])
        return self._in_app(request) or found

    def assign(self, request: Request) -> dict:
        assert request.body["scope"] == "USER"
        [email] = [email for email, ids in self.not_assigned.items() if request.body["id"] in ids]
        self.seats.append(Seat(request.body["id"], email, role="assigned"))
        return self._assigned(self.seats[-1])

    def unassign(self, request: Request) -> Reply:
        seat = self.seat(request.ids["userId"])
        if seat is None:
            return self.no_such("AppUser", request.ids["userId"])
        if any(seat.id in thing.members for thing in self.things):
            cause = "The application cannot be unassigned from the user while their group memberships grant them access"
            return self.error(403, "Deactivate application for user forbidden.", cause, code="E0000046")
        if self.is_acknowledged_by_hand:
            seat.status = "suspended"
        else:
            self.seats.remove(seat)
        return Reply(204)

    def logs(self, request: Request) -> Reply:
        """A request with `until` ends; one without is polled, and always has a next page."""
        assert request.params["until"] and request.params["sortOrder"] == "DESCENDING"
        assert request.params["filter"] == (
            'eventType eq "user.authentication.sso" and outcome.result eq "SUCCESS" '
            f'and target.id eq "{self.app_id}"'
        )
        size, start = request.number("limit", 100), int(request.params.get("after", 0))
        assert size <= MOST_EVENTS
        rows = [{"uuid": f"e{start + n}", "eventType": "user.authentication.sso", "published": when,
                 "actor": {"id": user, "type": "User"}, "outcome": {"result": "SUCCESS"},
                 "target": [{"id": self.app_id, "type": "AppInstance"}]}
                for n, (user, when) in enumerate(self.events[start : start + size])]  # fmt: skip
        if start + size >= len(self.events):
            return Reply(200, rows)
        asked = urlencode({**request.params, "after": start + size})
        return Reply(200, rows, {"Link": f'<{self.url}{request.path}?{asked}>; rel="next"'})

    def join(self, request: Request) -> Reply:
        return self._change(request, lambda members, user: members.update({user: "member"}))

    def leave(self, request: Request) -> Reply:
        return self._change(request, lambda members, user: members.pop(user, None))

    def _change(self, request: Request, change: Callable[[dict, str], Any]) -> Reply:
        thing = self.thing(request.ids["groupId"])
        if thing.kind == "APP_GROUP":
            words = "You do not have permission to perform the requested action"
            return self.error(403, words, code="E0000006")
        change(thing.members, request.ids["userId"])
        return Reply(204)

    def _in_app(self, request: Request) -> Reply | None:
        id = request.ids["appId"]
        return None if id == self.app_id else self.no_such("AppInstance", id)

    def _assigned(self, seat: Seat) -> dict:
        first, _, last = seat.name.rpartition(" ")
        profile = {"firstName": first, "lastName": last, "email": seat.email or None}
        if seat.role != "assigned":  # as in the examples of “Application User”, developer.okta.com
            profile |= {"role": seat.role, "salesforceGroups": list(seat.further_roles)}
        scope = self.scopes.get(seat.id, "USER")
        status = "REVOKED" if seat.status == "suspended" else self.statuses.get(seat.id, "ACTIVE")
        return {"id": seat.id, "scope": scope, "status": status, "profile": profile,
                "credentials": {"userName": seat.email or "nobody"}}  # fmt: skip
