"""GitLab's REST API for one group, "acme/team", as docs.gitlab.com/api describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Shown, Thing

# docs.gitlab.com/api (github.com/gitlabhq/gitlabhq, doc/api, CC BY-SA 4.0): group_members.md, project_members.md,
# invitations.md, groups.md, projects.md, users.md, personal_access_tokens.md; paging: rest/_index.md
PAGING = ("page", "per_page")
MEMBERS = ("query", "user_ids", "skip_users", "show_seat_info", *PAGING)
ORDER = ("order_by", "sort", "search", "owned", "min_access_level")
NEW = ("user_id", "username", "access_level", "expires_at", "invite_source", "member_role_id")
CHANGED = ("access_level", "expires_at", "member_role_id")
FACTS = (
    Fact("GET", "/user", "me"),
    Fact("GET", "/personal_access_tokens/self", "own_token"),
    Fact("GET", "/users/{user}", "profile"),
    Fact("GET", "/groups/{id}", "group", ("with_custom_attributes", "with_projects")),
    Fact("GET", "/groups/{id}/descendant_groups", "groups", ("skip_groups", "all_available", *ORDER, *PAGING)),
    Fact("GET", "/groups/{id}/projects", "projects",
         ("archived", "visibility", "include_subgroups", "with_shared", "simple", *ORDER, *PAGING)),
    Fact("GET", "/projects/{id}", "project", ("statistics", "license", "with_custom_attributes")),
    Fact("GET", "/groups/{id}/billable_members", "billable", ("search", "sort", *PAGING)),
    Fact("POST", "/groups/{id}/invitations", "invite", (), ("email", "user_id", *CHANGED, "invite_source"),
         ("access_level",)),
    Fact("PUT", "/groups/{id}/invitations/{email}", "change_invitation", (), CHANGED),
    *(fact for kind in ("groups", "projects") for fact in (
        Fact("GET", f"/{kind}/{{id}}/members/all", "everyone", (*MEMBERS, "state")),
        Fact("GET", f"/{kind}/{{id}}/members/all/{{user}}", "one_of_everyone"),
        Fact("GET", f"/{kind}/{{id}}/invitations", "invitations", ("query", *PAGING)),
        Fact("DELETE", f"/{kind}/{{id}}/invitations/{{email}}", "cancel"),
        Fact("GET", f"/{kind}/{{id}}/members", "members", MEMBERS),
        Fact("GET", f"/{kind}/{{id}}/members/{{user}}", "member", ("show_seat_info",)),
        Fact("POST", f"/{kind}/{{id}}/members", "add", (), NEW, ("access_level",)),
        Fact("PUT", f"/{kind}/{{id}}/members/{{user}}", "change", (), CHANGED, ("access_level",)),
        Fact("DELETE", f"/{kind}/{{id}}/members/{{user}}", "remove", ("skip_subresources", "unassign_issuables")),
    )),
)  # fmt: skip
TOP = "acme%2Fteam"
# ee/spec/models/member_spec.rb; what ends a custom role is null: gitlab.com/gitlab-org/gitlab/-/issues/419650
UNDER_CUSTOM = "cannot be changed since member is associated with a custom role"

# group_members.md, project_members.md and invitations.md, where “administrator approval for role promotions” is on
QUEUED = {"username_1": "Request queued for administrator approval."}


class FakeGitLab(FakeApp):
    base_path = "/api/v4"
    token = "glpat-7f1c0b52e9"
    account_list = "members"
    reaches = {Reach.WORKSPACE: ("invite", "change_invitation", "cancel", "add", "change", "remove")}
    facts = FACTS

    def reach_of(self, request: Request) -> Reach | None:
        """The same call reaches one project or subgroup where it names that instead of the group."""
        reach = super().reach_of(request)
        return reach and (reach if request.path.startswith(f"/groups/{TOP}/") else Reach.ASSET)

    def __init__(self):
        super().__init__()
        self.scopes = ["api"]
        self.my_level = 50
        self.visibility = "private"
        self.more: dict[str, dict] = {}  # user id → further fields of the member
        self.profiles: dict[str, dict] = {}
        self.invited: list[Seat] = []
        self.below: list[Seat] = []  # people who are only in subgroups or projects
        self.invited_below: dict[str, list[Seat]] = {}  # id of a thing → invitations to it
        self.let_in: dict[str, dict[str, str]] = {}  # TOP or id of a thing → user id → level, by an invited group
        self.activity: dict[str, str] = {}  # user id → day, in the list of billable members
        self.sends_billable = True
        self.sends_total = True
        self.queues = False  # whether an administrator must approve each promotion

    def is_authorised(self, request: Request) -> bool:
        return request.headers.get("private-token") == self.token

    def unauthorised(self) -> Reply:
        return self.error(401, "401 Unauthorized")

    def me(self, request: Request) -> dict:
        return {"id": 7, "username": "olga", "name": "Olga"}

    def own_token(self, request: Request) -> dict:
        return {"id": 4, "scopes": self.scopes, "user_id": 7, "active": True, "expires_at": "2030-01-01"}

    def group(self, request: Request) -> Any:
        if self._is_top(request):
            return {"id": 1, "full_path": "acme/team", "visibility": self.visibility, **self._shared_with(TOP)}
        return self.project(request)

    def project(self, request: Request) -> Any:
        thing = self._place(request)
        return {"id": self._id(thing), **self._shared_with(thing.id)} if thing else self._none()

    def _shared_with(self, place: str) -> dict:
        group = {"group_id": 44, "group_name": "Agency", "group_full_path": "agency", "group_access_level": 30}
        return {"shared_with_groups": [group] if place in self.let_in else []}

    def profile(self, request: Request) -> Any:
        seat = self._person(request.ids["user"])
        return {"id": int(seat.id), "state": "active", **self.profiles.get(seat.id, {})} if seat else self._none()

    # Members of the group, and of what lies below

    def members(self, request: Request) -> Any:
        if self._is_top(request):
            return self._page(request, Shown(lambda seat: self._member(seat, int(seat.role)), self.listed), self.lie)
        thing = self._place(request)
        if thing is None:
            return self._none()
        return self._page(request, self._members(thing.members))

    def member(self, request: Request) -> Any:
        id = request.ids["user"]
        if self._is_top(request):
            seat = self.seat(id)
            return self._member(seat, int(seat.role)) if seat else self._none()
        thing = self._place(request)
        if thing is None or id not in thing.members:
            return self._none()
        return self._member(self._person(id) or Seat(id), int(thing.members[id]))

    def everyone(self, request: Request) -> Any:
        """“including inherited and invited members”; not those with minimal access (GroupMembersFinder,
        all_group_members)."""
        found = self._effective(request)
        if found is None:
            return self._none()
        return self._page(request, self._members(found))

    def _members(self, levels: Mapping[str, int | str]) -> list[dict]:
        people = self._people()
        return [self._member(people.get(id) or Seat(id), int(level)) for id, level in levels.items()]

    def one_of_everyone(self, request: Request) -> Any:
        id = request.ids["user"]
        if id == "7":
            return {"id": 7, "access_level": self.my_level} if self.my_level else self._none()
        level = (self._effective(request) or {}).get(id)
        return self._member(self._person(id) or Seat(id), level) if level else self._none()

    def _effective(self, request: Request) -> dict[str, int] | None:
        thing = None if self._is_top(request) else self._place(request)
        if thing is None and not self._is_top(request):
            return None
        seats = self.listed if request.path.endswith("/all") else self.seats
        own = {seat.id: int(seat.role) for seat in seats if seat.role != "5"}
        for levels in (self.let_in.get(TOP, {}), self.let_in.get(thing.id, {}) if thing else {},
                       thing.members if thing else {}):  # fmt: skip
            for id, level in levels.items():
                own[id] = max(own.get(id, 0), int(level))
        return own

    def billable(self, request: Request) -> Any:
        """group_members.md: “You must have the Owner role … works on top-level groups only”."""
        if not self.sends_billable:
            return self.error(403, "403 Forbidden")
        rows = [{"id": int(s.id), "username": f"user-{s.id}", "name": s.name, "state": "active",
                 "last_activity_on": self.activity.get(s.id), "membership_type": "group_member", "removable": True}
                for s in (*self.seats, *self.below)]  # fmt: skip
        return self._page(request, rows)

    def add(self, request: Request) -> Reply:
        members, id = self._place(request).members, str(request.body["user_id"])
        if id in members:
            return self.error(409, "Member already exists")
        if self.queues:
            return Reply(201, {"message": QUEUED})
        members[id] = str(request.body["access_level"])
        return Reply(201, {})

    def change(self, request: Request) -> Any:
        id, level = request.ids["user"], str(request.body["access_level"])
        if self.queues:
            return {"message": QUEUED}
        if self._is_top(request):
            seat = self.seat(id)
            if not seat:
                return self._none()
            if request.body.get("member_role_id", "") is None:
                seat.further_roles = ()
            if seat.further_roles and seat.role != level:
                return Reply(400, {"message": {"access_level": [UNDER_CUSTOM]}})
            seat.role = level
        else:
            self._place(request).members[id] = level
        return {}

    def remove(self, request: Request) -> Reply:
        id = request.ids["user"]
        if not self._is_top(request):
            thing = self._place(request)
            return Reply(204) if thing and thing.members.pop(id, None) else self._none()
        seat = self.seat(id)
        if seat is None:
            return self._none()
        if seat.role == "50":
            return self.error(403, "403 Forbidden")
        self.seats.remove(seat)
        for thing in self.things:
            thing.members.pop(id, None)
        return Reply(204)

    def _member(self, seat: Seat, level: int) -> dict:
        return {
            "id": int(seat.id),
            "username": f"user-{seat.id}",
            "name": seat.name,
            "state": "blocked" if seat.status == "suspended" else "active",
            "access_level": level,
            **({"email": seat.email} if seat.email else {}),
            **self._custom(seat, level),
            **self.more.get(seat.id, {}),
        }

    @staticmethod
    def _custom(seat: Seat, level: int) -> dict:
        """As in the client gitlab.com/gitlab-org/api/client-go, group_members.go and member_roles.go."""
        ids = [int(role.removeprefix("custom:")) for role in seat.further_roles]
        return {"member_role": next(({"id": id, "group_id": 1, "name": f"Custom {id}", "base_access_level": level}
                                     for id in ids), None)}  # fmt: skip

    def _person(self, id: str) -> Seat | None:
        return self._people().get(id)

    def _people(self) -> dict[str, Seat]:
        return {seat.id: seat for seat in (*self.below, *self.seats, *self.listed)}

    # Invitations

    def invitations(self, request: Request) -> Reply:
        invited = self._invited_to(request)
        if invited is None:
            return self._none()
        rows = [{"invite_email": s.email, "access_level": int(s.role), "user_name": s.name} for s in invited]
        return self._page(request, rows)

    def _invited_to(self, request: Request) -> list[Seat] | None:
        """“Returns invitations to direct members only, and not through inherited ancestors' groups.”"""
        if self._is_top(request):
            return self.invited
        thing = self._place(request)
        return self.invited_below.setdefault(thing.id, []) if thing else None

    def invite(self, request: Request) -> Reply:
        email = request.body["email"]
        if self.queues:
            return Reply(201, {"status": "success", "queued_users": QUEUED})
        if any(seat.email == email for seat in self.invited):
            return Reply(201, {"status": "error", "message": {email: "Invite email has already been taken"}})
        if email.endswith("@blocked.example"):
            return Reply(201, {"status": "error", "message": {email: "The domain is not allowed"}})
        self.invited.append(Seat("", email, role=str(request.body["access_level"]), status="invited"))
        return Reply(201, {"status": "success"})

    def change_invitation(self, request: Request) -> dict:
        next(s for s in self.invited if s.email == request.ids["email"]).role = str(request.body["access_level"])
        return {}

    def cancel(self, request: Request) -> Reply:
        invited = self._invited_to(request) or []
        gone = next((seat for seat in invited if seat.email == request.ids["email"]), None)
        if gone is None:
            return self._none()
        invited.remove(gone)
        return Reply(204)

    # Subgroups and projects

    def groups(self, request: Request) -> Reply:
        return self._page(request, [{"id": self._id(t), "full_path": t.name} for t in self._of("group")])

    def projects(self, request: Request) -> Reply:
        assert request.params["include_subgroups"] == "true" and request.params["with_shared"] == "false"
        return self._page(request, [
            {"id": self._id(t), "path_with_namespace": t.name, **self._shared_with(t.id)} for t in self._of("project")
        ])  # fmt: skip

    def _of(self, kind: str) -> list[Thing]:
        return [thing for thing in self.things if thing.id.startswith(f"{kind}:")]

    def _id(self, thing: Thing) -> int:
        return int(thing.id.partition(":")[2])

    def _place(self, request: Request) -> Thing | None:
        kind = "group" if request.path.startswith("/groups/") else "project"
        return self.thing(f"{kind}:{request.ids['id']}")

    def _is_top(self, request: Request) -> bool:
        return request.path.startswith(f"/groups/{TOP}")

    def _none(self) -> Reply:
        return self.error(404, "404 Not found")

    def _page(self, request: Request, rows: list[dict], lie: int = 0) -> Reply:
        size, page = min(request.number("per_page", 20), 100), request.number("page", 1)
        headers = {"X-Total": str(len(rows) + lie)} if self.sends_total else {}
        if page * size < len(rows):
            kept = "&".join(f"{name}={value}" for name, value in request.params.items() if name != "page")
            headers["Link"] = f'<{self.url}{request.path}?{kept}&page={page + 1}>; rel="next"'
        return Reply(200, rows[(page - 1) * size : page * size], headers)
