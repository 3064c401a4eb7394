"""A Dropbox team: its members and groups, and the tokens of an app that an admin authorised."""

from __future__ import annotations

import base64
from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing

# dropbox/dropbox-api-spec: team.stone, team_members.stone, team_groups.stone, async.stone, auth.stone. Every call is a
# POST. An error that a call documents comes with 409, error_summary and error, a bad token with 401, a bad request with
# 400 and plain text (dropbox.tech, “A preview of the new Dropbox API v2”).
TEAM = "/2/team"
FACTS = (
    Fact("POST", "/oauth2/token", "tokens", (), ("grant_type", "refresh_token"), ("grant_type", "refresh_token")),
    Fact("POST", f"{TEAM}/get_info", "team_info"),
    Fact("POST", f"{TEAM}/token/get_authenticated_admin", "admin"),
    Fact("POST", f"{TEAM}/members/list", "members", (), ("limit", "include_removed")),
    Fact("POST", f"{TEAM}/members/list/continue", "members", (), ("cursor",), ("cursor",)),
    Fact("POST", f"{TEAM}/members/get_info", "member_info", (), ("members",), ("members",)),
    Fact("POST", f"{TEAM}/members/add", "add", (), ("new_members", "force_async"), ("new_members",)),
    Fact("POST", f"{TEAM}/members/add/job_status/get", "add_status", (), ("async_job_id",), ("async_job_id",)),
    Fact("POST", f"{TEAM}/members/remove", "remove", (),
         ("user", "wipe_data", "transfer_dest_id", "transfer_admin_id", "keep_account", "retain_team_shares"),
         ("user",)),
    Fact("POST", f"{TEAM}/members/remove/job_status/get", "remove_status", (), ("async_job_id",), ("async_job_id",)),
    Fact("POST", f"{TEAM}/members/suspend", "suspend", (), ("user", "wipe_data"), ("user",)),
    Fact("POST", f"{TEAM}/members/set_admin_permissions", "set_permissions", (), ("user", "new_role"),
         ("user", "new_role")),
    Fact("POST", f"{TEAM}/groups/list", "groups", (), ("limit",)),
    Fact("POST", f"{TEAM}/groups/list/continue", "groups", (), ("cursor",), ("cursor",)),
    Fact("POST", f"{TEAM}/groups/members/list", "in_group", (), ("group", "limit"), ("group",)),
    Fact("POST", f"{TEAM}/groups/members/list/continue", "in_group", (), ("cursor",), ("cursor",)),
    Fact("POST", f"{TEAM}/groups/members/add", "add_to_group", (), ("group", "members", "return_members"),
         ("group", "members")),
    Fact("POST", f"{TEAM}/groups/members/remove", "take_from_group", (), ("group", "users", "return_members"),
         ("group", "users")),
    Fact("POST", f"{TEAM}/groups/members/set_access_type", "set_access", (),
         ("group", "user", "access_type", "return_members"), ("group", "user", "access_type")),
)  # fmt: skip
TIERS = ("team_admin", "user_management_admin", "support_admin", "member_only")


class FakeDropbox(FakeApp):
    facts = FACTS
    account_list = "members"
    reads = ("tokens", "team_info", "admin", "members", "member_info", "add_status", "remove_status", "groups",
             "in_group")  # fmt: skip
    reaches = {
        Reach.ASSET: ("add_to_group", "take_from_group", "set_access"),
        Reach.WORKSPACE: ("add", "remove", "suspend", "set_permissions"),
    }
    token = "refresh-s3cret-9d2b"
    app_key, app_secret = "k3yk3y", "app-s3cret-77aa"

    def __init__(self):
        super().__init__()
        self.given = 0  # how many access tokens
        self.recoverable: dict[str, Seat] = {}  # removed, for 7 days
        self.jobs: dict[str, str] = {}  # the status of each job that continues in the background
        self.in_background = False
        self.last_admin_is_safe = False

    # Tokens and errors

    def is_authorised(self, request: Request) -> bool:
        if request.path == "/oauth2/token":
            basic = base64.b64encode(f"{self.app_key}:{self.app_secret}".encode()).decode()
            return request.headers.get("authorization") == f"Basic {basic}"
        return bool(self.given) and request.headers.get("authorization") == f"Bearer sl.access-{self.given}"

    def unauthorised(self) -> Reply:
        return Reply(401, {"error_summary": "invalid_access_token/.", "error": {".tag": "invalid_access_token"}})

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"error_summary": words, "error": {".tag": "other"}})

    def refused(self, tag: str) -> Reply:
        return Reply(409, {"error_summary": f"{tag}/..", "error": {".tag": tag}})

    def tokens(self, request: Request) -> Any:
        if request.body != {"grant_type": "refresh_token", "refresh_token": self.token}:
            return Reply(400, {"error": "invalid_grant", "error_description": "refresh token is invalid or revoked"})
        self.given += 1
        return {"access_token": f"sl.access-{self.given}", "token_type": "bearer", "expires_in": 14400}

    def team_info(self, request: Request) -> dict:
        return {"name": "Acme", "team_id": "dbtid:acme", "num_licensed_users": 50, "num_provisioned_users": 3}

    def admin(self, request: Request) -> dict:
        return {"admin_profile": self._profile(Seat("dbmid:admin", "olga@acme.example", "Olga"))}

    # Members

    def members(self, request: Request) -> Any:
        assert request.body.get("include_removed", False) is False
        return self._page(request, "members", [self._member(seat) for seat in self.listed])

    def _member(self, seat: Seat, status: str = "") -> dict:
        return {"profile": self._profile(seat, status), "role": {".tag": seat.role or "member_only"}}

    def _profile(self, seat: Seat, status: str = "") -> dict:
        return {
            "team_member_id": seat.id, "email": seat.email, "email_verified": True,
            "status": {".tag": status or seat.status}, "membership_type": {".tag": "full"},
            "name": {"given_name": seat.name, "surname": "", "familiar_name": "", "display_name": seat.name,
                     "abbreviated_name": ""},
            "groups": [thing.id for thing in self.things if seat.id in thing.members],
        }  # fmt: skip

    def _found(self, user: dict) -> Seat | None:
        """UserSelectorArg: exactly one of team_member_id, external_id and email."""
        key = user[".tag"]
        assert set(user) == {".tag", key} and key in ("team_member_id", "email")
        field = "id" if key == "team_member_id" else "email"
        return next((seat for seat in self.seats if getattr(seat, field).casefold() == user[key].casefold()), None)

    def member_info(self, request: Request) -> Any:
        items = []
        for user in request.body["members"]:
            value, seat = user[user[".tag"]], self._found(user)
            gone = next((s for s in self.recoverable.values() if value in (s.id, s.email)), None)
            if seat:
                items.append({".tag": "member_info", **self._member(seat)})
            elif gone:
                items.append({".tag": "member_info", **self._member(gone, "removed")})
            else:
                items.append({".tag": "id_not_found", "id_not_found": value})
        return items

    def _is_last_admin(self, seat: Seat) -> bool:
        admins = [one for one in self.seats if one.role == "team_admin" and one.status == "active"]
        return self.last_admin_is_safe and admins == [seat]

    def remove(self, request: Request) -> Any:
        seat, asked = self._found(request.body["user"]), request.body
        if seat is None:
            return self.refused("user_not_found")
        assert asked.get("wipe_data", True) is False, "the files on their devices would be deleted"
        if self._is_last_admin(seat):
            return self.refused("remove_last_admin")
        self.seats.remove(seat)
        self.recoverable[seat.id] = seat
        return self._launched({".tag": "complete"})

    def _launched(self, result: dict) -> dict:
        if not self.in_background:
            return result
        id = f"job-{len(self.jobs)}"
        self.jobs[id] = "in_progress"
        return {".tag": "async_job_id", "async_job_id": id}

    def remove_status(self, request: Request) -> Any:
        status = self.jobs.get(request.body["async_job_id"])
        return {".tag": status} if status else self.refused("invalid_async_job_id")

    def suspend(self, request: Request) -> Any:
        seat = self._found(request.body["user"])
        if seat is None:
            return self.refused("user_not_found")
        assert request.body.get("wipe_data", True) is False
        if seat.status != "active":
            return self.refused("suspend_inactive_user")
        if self._is_last_admin(seat):
            return self.refused("suspend_last_admin")
        seat.status = "suspended"
        return Reply(200, "null")

    def set_permissions(self, request: Request) -> Any:
        seat, tier = self._found(request.body["user"]), request.body["new_role"][".tag"]
        if tier not in TIERS:
            return Reply(400, f"new_role: unknown tag '{tier}'", {"Content-Type": "text/plain"})
        if seat is None:
            return self.refused("user_not_found")
        if seat.status == "suspended":
            return self.refused("cannot_set_permissions")
        if self._is_last_admin(seat) and tier != "team_admin":
            return self.refused("last_admin")
        seat.role = tier
        return {"team_member_id": seat.id, "role": {".tag": tier}}

    def add(self, request: Request) -> Any:
        [new] = request.body["new_members"]
        email = new["member_email"]
        if any(seat.email.casefold() == email.casefold() for seat in (*self.seats, *self.recoverable.values())):
            return self._launched({".tag": "complete", "complete": [{".tag": "user_already_on_team",
                                                                     "user_already_on_team": email}]})  # fmt: skip
        seat = Seat(f"dbmid:new-{len(self.seats)}", email, role=new["role"][".tag"], status="invited")
        self.seats.append(seat)
        return self._launched({".tag": "complete", "complete": [{".tag": "success", **self._member(seat)}]})

    def add_status(self, request: Request) -> dict:
        return {".tag": "in_progress"}

    # Groups

    def groups(self, request: Request) -> Any:
        rows = [{"group_id": thing.id, "group_name": thing.name, "member_count": len(thing.members),
                 "group_management_type": {".tag": "company_managed"}} for thing in self.things]  # fmt: skip
        return self._page(request, "groups", rows)

    def in_group(self, request: Request) -> Any:
        """A cursor of this fake begins with the group's id."""
        cursor = request.body.get("cursor")
        id = cursor.rpartition("|")[0] if cursor else request.body["group"]["group_id"]
        thing = self.thing(id)
        if thing is None:
            return self.refused("group_not_found")
        rows = [{"profile": self._profile(self.seat(member) or Seat(member)), "access_type": {".tag": role}}
                for member, role in thing.members.items()]  # fmt: skip
        return self._page(request, "members", rows, f"{id}|")

    def _named(self, request: Request) -> Thing | None:
        group = request.body["group"]
        assert set(group) == {".tag", "group_id"} and group[".tag"] == "group_id"
        return self.thing(group["group_id"])

    def add_to_group(self, request: Request) -> Any:
        thing, [new] = self._named(request), request.body["members"]
        seat = self._found(new["user"])
        if thing is None:
            return self.refused("group_not_found")
        if seat is None:
            return self.refused("users_not_found")
        if seat.id in thing.members:
            return self.refused("duplicate_user")
        thing.members[seat.id] = new["access_type"][".tag"]
        return {"group_info": {"group_id": thing.id, "group_name": thing.name}, "async_job_id": "99988877733388"}

    def take_from_group(self, request: Request) -> Any:
        thing, [user] = self._named(request), request.body["users"]
        if thing is None:
            return self.refused("group_not_found")
        if thing.members.pop(user["team_member_id"], None) is None:
            return self.refused("member_not_in_group")
        return {"group_info": {"group_id": thing.id, "group_name": thing.name}, "async_job_id": "99988877733388"}

    def set_access(self, request: Request) -> Any:
        thing, user = self._named(request), request.body["user"]["team_member_id"]
        if thing is None or user not in thing.members:
            return self.refused("member_not_in_group")
        thing.members[user] = request.body["access_type"][".tag"]
        return []

    def _page(self, request: Request, name: str, rows: list[dict], prefix: str = "") -> Any:
        """A cursor of this fake holds the page's size and the last one that was shown."""
        ids = [row["group_id"] if name == "groups" else row["profile"]["team_member_id"] for row in rows]
        size, start = request.body.get("limit", 1000), 0
        if "cursor" in request.body:
            shown, _, last = request.body["cursor"].removeprefix(prefix).partition(":")
            if not shown.isdigit():
                return self.refused("invalid_cursor")
            size, start = int(shown), next((n + 1 for n, id in enumerate(ids) if id == last), 0)
        assert 1 <= size <= 1000
        size = min(size, self.most)
        part = rows[start : start + size]
        last = ids[start : start + size][-1:] or [""]
        return {name: part, "cursor": f"{prefix}{size}:{last[0]}", "has_more": start + size < len(rows)}
