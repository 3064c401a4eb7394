"""Slack's Web API and SCIM API for one workspace, as their public descriptions declare them."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing

# Methods and arguments: github.com/slackapi/slack-api-specs, Slack Web API (OpenAPI 2); team_id and limit from the
# methods' pages at docs.slack.dev/reference/methods. The token travels in the Authorization header, as those advise.
CURSOR = ("limit", "cursor")
FACTS = (
    Fact("GET", "/api/auth.test", "auth"),
    Fact("GET", "/api/users.list", "users", ("include_locale", "team_id", *CURSOR)),
    Fact("GET", "/api/users.info", "user", ("include_locale", "user"), (), ("user",)),
    Fact("GET", "/api/conversations.list", "channels", ("exclude_archived", "types", "team_id", *CURSOR)),
    Fact("GET", "/api/conversations.members", "channel_members", ("channel", *CURSOR), (), ("channel",)),
    Fact("POST", "/api/conversations.invite", "invite_to", (), ("channel", "users"), ("channel", "users")),
    Fact("POST", "/api/conversations.kick", "kick", (), ("channel", "user"), ("channel",)),
    Fact("GET", "/api/usergroups.list", "groups",
         ("include_users", "include_count", "include_disabled", "team_id")),
    Fact("GET", "/api/usergroups.users.list", "group_members", ("include_disabled", "usergroup", "team_id"), (),
         ("usergroup",)),
    Fact("POST", "/api/usergroups.users.update", "set_group", (), ("include_count", "usergroup", "users", "team_id"),
         ("usergroup", "users")),
    Fact("POST", "/api/admin.users.remove", "admin_remove", (), ("team_id", "user_id"), ("team_id", "user_id")),
    # docs.slack.dev/reference/methods/admin.users.deactivate: no team_id, as it reaches every workspace
    Fact("POST", "/api/admin.users.deactivate", "deactivate", (), ("user_id",), ("user_id",)),
    Fact("POST", "/api/admin.users.setAdmin", "set_admin", (), ("team_id", "user_id"), ("team_id", "user_id")),
    Fact("POST", "/api/admin.users.setOwner", "set_owner", (), ("team_id", "user_id"), ("team_id", "user_id")),
    Fact("POST", "/api/admin.users.setRegular", "set_regular", (), ("team_id", "user_id"), ("team_id", "user_id")),
    Fact("GET", "/api/team.billableInfo", "billable", ("user", "team_id", *CURSOR)),
    Fact("GET", "/api/team.accessLogs", "logins", ("before", "count", "page", "team_id", *CURSOR)),
    # docs.slack.dev/reference/scim-api/scim-api-2; its reach: docs.slack.dev/admins/scim-api
    Fact("GET", "/scim/v2/Users", "scim_users", ("startIndex", "count", "filter")),
    Fact("DELETE", "/scim/v2/Users/{id}", "scim_remove"),
)  # fmt: skip
SENT = ("is_primary_owner", "is_owner", "is_admin", "is_restricted", "is_ultra_restricted")  # unless deleted
FLAGS = {
    "primary_owner": ("is_primary_owner", "is_owner", "is_admin"), "owner": ("is_owner", "is_admin"),
    "admin": ("is_admin",), "guest": ("is_restricted",),
    "single_channel_guest": ("is_restricted", "is_ultra_restricted"),
}  # fmt: skip


class FakeSlack(FakeApp):
    token = "xoxb-7f1c0b52e9"
    admin_token = "xoxp-5a11c0de42"
    account_list = "users"
    reaches = {
        Reach.ASSET: ("invite_to", "kick", "set_group"),
        Reach.WORKSPACE: ("admin_remove", "set_admin", "set_owner", "set_regular", "scim_remove"),
        Reach.ORGANISATION: ("deactivate",),
    }
    facts = FACTS

    def __init__(self):
        super().__init__()
        self.scopes = "users:read,users:read.email,channels:read,usergroups:read"
        self.admin_scopes = "admin.users:write"
        self.enterprise = ""  # the id of the Enterprise organisation that the workspace belongs to
        self.admin = "UADMIN"  # the person that the admin token belongs to
        self.admin_team = "T1"  # the admin token's workspace
        self.billing: dict[str, bool] = {}  # user id → billing_active
        self.accesses: list[tuple[str, int]] = []  # (user id, Unix time), the newest first
        self.more: dict[str, dict] = {}  # user id → further fields of the user
        self.kick_error = "not_in_channel"
        self.asks_scim = False  # which has statuses where the Web API has error codes

    def reach_of_answer(self, answer: str) -> Reach:
        """“Using the Slack SCIM API”: it manages a workspace, or in Enterprise the whole organisation."""
        return Reach.ORGANISATION if answer == "scim_remove" and self.enterprise else super().reach_of_answer(answer)

    def is_authorised(self, request: Request) -> bool:
        self.asks_scim = request.path.startswith("/scim/")
        wants_admin = request.path.startswith(("/scim/", "/api/admin.", "/api/team."))
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return token == self.admin_token if wants_admin else token in (self.token, self.admin_token)

    def unauthorised(self) -> Reply:
        return self.error(401, "invalid_authentication") if self.asks_scim else self.no("invalid_auth")

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"ok": False, "error": words})

    def no(self, error: str, **more: str) -> Reply:
        return Reply(200, {"ok": False, "error": error, **more})

    # Who asks, and the people

    def auth(self, request: Request) -> Reply:
        is_admin = request.headers["authorization"].endswith(self.admin_token)
        scopes = self.admin_scopes if is_admin else self.scopes
        who = {"team": "Acme", "team_id": self.admin_team if is_admin else "T1", "user": "rollcall",
               "user_id": self.admin if is_admin else "UBOT", "url": "https://acme.slack.com/",
               **({"enterprise_id": self.enterprise} if self.enterprise else {})}
        return Reply(200, {"ok": True, **who}, {"X-OAuth-Scopes": scopes})

    def users(self, request: Request) -> dict:
        return {"cache_ts": 1, **self._page(request, "members", self.listed, lambda seat: seat.id, self._user)}

    def user(self, request: Request) -> Any:
        seat = self.seat(request.params["user"])
        return {"ok": True, "user": self._user(seat)} if seat else self.no("user_not_found")

    def admin_remove(self, request: Request) -> Any:
        assert request.body["team_id"] == "T1"
        seat = self.seat(request.body["user_id"])
        if seat is None or seat.status == "suspended":
            return self.no("user_already_deleted" if seat else "user_not_found")
        if seat.role == "primary_owner":
            return self.no("cannot_modify_primary_owner")
        seat.status = "suspended"
        return {"ok": True}

    def deactivate(self, request: Request) -> Any:
        seat = self.seat(request.body["user_id"])
        if seat is None:
            return self.no("user_not_found")
        if seat.role == "primary_owner":
            return self.no("deactivation_failed")
        seat.status = "suspended"
        return {"ok": True}

    def set_admin(self, request: Request) -> Any:
        return self._set(request, "admin")

    def set_owner(self, request: Request) -> Any:
        return self._set(request, "owner")

    def set_regular(self, request: Request) -> Any:
        return self._set(request, "member")

    def _set(self, request: Request, role: str) -> dict:
        self.seat(request.body["user_id"]).role = role
        return {"ok": True}

    def scim_users(self, request: Request) -> dict:
        return {"totalResults": len(self.seats), "Resources": []}

    def scim_remove(self, request: Request) -> Reply:
        """In an Enterprise organisation, this call reaches all its workspaces."""
        assert not self.enterprise, "SCIM deactivates in every workspace of the organisation"
        seat = self.seat(request.ids["id"])
        if seat is None:
            return self.error(404, "user_not_found")
        if seat.role == "primary_owner":
            return self.error(403, "cannot_deactivate_primary_owner")
        seat.status = "suspended"
        return Reply(200)

    def _user(self, seat: Seat) -> dict:
        return {
            "id": seat.id,
            "team_id": "T-OTHER" if seat.role == "external" else "T1",
            "name": f"name-{seat.id}",
            "deleted": seat.status == "suspended",
            "is_bot": False,
            "is_app_user": False,
            "updated": 1,
            "profile": {"real_name": seat.name, **({"email": seat.email} if seat.email else {})},
            **({"is_invited_user": True} if seat.status == "invited" else {}),
            **({} if seat.status == "suspended" else dict.fromkeys(SENT, False)),
            **{flag: True for flag in FLAGS.get(seat.role, ())},
            **self.more.get(seat.id, {}),
        }

    # Who is billed, and who was there

    def billable(self, request: Request) -> dict:
        rows = [(id, {"billing_active": is_active}) for id, is_active in self.billing.items()]
        page = self._page(request, "billable_info", rows, lambda row: row[0], tuple)
        return {**page, "billable_info": dict(page["billable_info"])}

    def logins(self, request: Request) -> dict:
        """An entry for each user, address and program."""
        rows = [{"user_id": id, "date_first": 1, "date_last": when, "count": 1, "ip": f"n-{n}"}
                for n, (id, when) in enumerate(self.accesses)]  # fmt: skip
        return self._page(request, "logins", rows, lambda row: row["ip"], dict)

    # Channels and user groups

    def channels(self, request: Request) -> dict:
        assert request.params["exclude_archived"] == "true"
        channels = [t for t in self.things if t.id.startswith("channel:") and (t.kind or "public_channel") in
                    request.params["types"].split(",")]  # fmt: skip
        return self._page(request, "channels", channels, lambda t: t.id, lambda t: {"id": t.id[8:], "name": t.name})

    def channel_members(self, request: Request) -> Any:
        thing = self.thing(f"channel:{request.params['channel']}")
        if thing is None:
            return self.no("channel_not_found")
        return self._page(request, "members", list(thing.members), str, str)

    def invite_to(self, request: Request) -> Any:
        members = self.thing(f"channel:{request.body['channel']}").members
        if request.body["users"] in members:
            return self.no("already_in_channel")
        members[request.body["users"]] = "member"
        return {"ok": True}

    def kick(self, request: Request) -> Any:
        members = self.thing(f"channel:{request.body['channel']}").members
        if self.kick_error != "not_in_channel" or request.body["user"] not in members:
            return self.no(self.kick_error)
        del members[request.body["user"]]
        return {"ok": True}

    def groups(self, request: Request) -> dict:
        assert request.params["include_users"] == "true"
        found = [thing for thing in self.things if thing.id.startswith("usergroup:")]
        return {"ok": True, "usergroups": [self._group(thing) for thing in found]}

    def _group(self, thing: Thing) -> dict:
        return {"id": thing.id[10:], "name": thing.name, **({"users": list(thing.members)} if thing.members else {})}

    def group_members(self, request: Request) -> dict:
        return {"ok": True, "users": list(self.thing(f"usergroup:{request.params['usergroup']}").members)}

    def set_group(self, request: Request) -> Any:
        if not request.body["users"]:
            return self.no("invalid_users")
        members = dict.fromkeys(request.body["users"].split(","), "member")
        self.thing(f"usergroup:{request.body['usergroup']}").members = members
        return {"ok": True}

    def _page(self, request: Request, key: str, rows: list, id_of: Any, shape: Any) -> dict:
        """The cursor names the last one shown, as Slack's stands for a place in the list and not for a number."""
        limit, cursor = min(request.number("limit", 0) or len(rows), self.most), request.params.get("cursor", "after:")
        shown_before = cursor.removeprefix("after:")
        start = next((n + 1 for n, row in enumerate(rows) if str(id_of(row)) == shown_before), 0)
        part = rows[start : start + limit]
        following = f"after:{id_of(part[-1])}" if start + limit < len(rows) else ""
        return {"ok": True, key: [shape(row) for row in part], "response_metadata": {"next_cursor": following}}
