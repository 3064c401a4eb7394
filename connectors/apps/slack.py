"""Slack: a workspace's members, guests, bots and invitations; its channels and user groups as assets.
Who is removed is deactivated: over SCIM or the Admin API where the plan has one, else by hand from a to-do list.

Web API calls as in Slack's OpenAPI description (github.com/slackapi/slack-api-specs), with the errors of each method's
page at docs.slack.dev/reference/methods (users.list, users.info, conversations.kick, admin.users.remove, …); SCIM from
docs.slack.dev/reference/scim-api/scim-api-2 (“DELETE /Users/<id>: Sets a Slack user to deactivated”).
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from connectors.base import (
    CAPABILITIES,
    CHANGE_ROLE,
    INVITE,
    REMOVE,
    Access,
    Account,
    Asset,
    Connector,
    ConnectorError,
    CredentialRejected,
    Field,
    Identity,
    RateLimited,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Undo, declared
from connectors.quality import NO_TEST_SERVER, Missing, Rule
from connectors.tools.answers import unsaid
from connectors.tools.http import Answer, Forbidden, Http, NotFound, seconds_to_wait, segment
from connectors.tools.http_connector import ClosesClients, api_client, bearer, token_field
from connectors.tools.paging import Page, pages_by_cursor
from connectors.versions import ApiVersion

PAGE = 200  # "We recommend no more than 200 results at a time"
PATIENCE = 65  # seconds: limits are per minute, and a workspace with many channels meets them again and again
ROLES = (
    Role("primary_owner", "Primary owner", privileged=True),
    Role("owner", "Workspace owner", privileged=True),
    Role("admin", "Workspace admin", privileged=True),
    Role("member", "Member", default=True),
    Role("guest", "Multi-channel guest"),
    Role("single_channel_guest", "Single-channel guest"),
    Role("external", "From another company (Slack Connect)"),
)
SET_ROLE = {"owner": "admin.users.setOwner", "admin": "admin.users.setAdmin", "member": "admin.users.setRegular"}
SLACKBOT = "USLACKBOT"
FLAGS = {
    "is_stranger": "external", "is_external": "external", "is_primary_owner": "primary_owner", "is_owner": "owner",
    "is_admin": "admin", "is_ultra_restricted": "single_channel_guest", "is_restricted": "guest",
}  # fmt: skip
ALWAYS_TOLD = {"is_primary_owner", "is_owner", "is_admin", "is_ultra_restricted", "is_restricted"}  # unless deactivated
NOT_THERE = {"user_not_found", "user_not_visible", "user_already_deleted", "channel_not_found", "not_in_channel"}
REJECTED = {
    "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "no_permission",
    "missing_scope", "not_allowed_token_type", "org_login_required", "access_denied", "ekm_access_denied",
    "invalid_permissions", "feature_not_enabled", "enterprise_is_restricted", "accesslimited",
}  # fmt: skip
PASSING = {"fatal_error", "internal_error", "service_unavailable", "request_timeout", "invalid_cursor"}
READ_SCOPES = {
    "users:read": "read members", "users:read.email": "read e-mails", "channels:read": "read channels",
    "usergroups:read": "read user groups",
}  # fmt: skip


class AlreadyThere(Refused):
    """The user is in the channel."""


class Slack(ClosesClients, Connector):
    slug = "slack"
    label = "Slack"
    quality = MappingProxyType({
        Rule.OPERATIONS: Missing("Slack's API invites to a workspace only together with a channel."),
        Rule.REAL_SERVER: NO_TEST_SERVER,
    })  # fmt: skip
    docs = (
        "Open api.slack.com/apps, “Create New App”, “From scratch”, and choose your workspace.",
        "Under “OAuth & Permissions” add the bot token scopes users:read, users:read.email, channels:read and "
        "usergroups:read. To change who is in channels and user groups add channels:manage and usergroups:write; for "
        "private channels groups:read and groups:write, and invite the app into each.",
        "“Install to Workspace” and copy the “Bot User OAuth Token”: it begins with xoxb-.",
        "Removing people: on the plans Business+ and Enterprise add the user token scope admin; an owner or admin "
        "installs the app and copies the “User OAuth Token” (xoxp-) as the admin token. On Enterprise Grid the scope "
        "admin.users:write may be used instead, with the app installed on the whole organisation.",
        "On other plans Slack lets no program remove people: Rollcall then lists the people to deactivate by hand, and "
        "notices when it is done.",
        "Slack does not tell when someone was last active or which guests are billed, and its API can't invite to a "
        "workspace without a channel: none of these are offered. Direct messages and archived channels are not read.",
    )
    fields = (
        token_field("Bot token", "Begins with xoxb-."),
        Field(
            "removal", "People are removed", required=False,
            choices=(("by hand", "by hand in Slack"), ("scim", "over SCIM (Business+, Enterprise)"),
                     ("admin", "over the Admin API, from this workspace (Enterprise Grid)")),
            where=False,
        ),
        Field("admin_token", "Admin token", "Begins with xoxp-; not needed for removal by hand.", secret=True,
              required=False, pattern=r"\S+"),
        Field(
            "channels", "Channels", "One call for each channel.", required=False,
            choices=(("public", "public ones are read"), ("all", "public ones, and private ones that the app is in"),
                     ("leave out", "are left out")),
            where=False,
        ),
        Field("team_id", "Workspace ID", "Only for a token of a whole Enterprise organisation; begins with T.",
              required=False, pattern=r"T[A-Z0-9]+"),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES) - {INVITE}
    effects = declared(
        "Slack, “Using the Slack SCIM API” and “admin.users.remove”",
        remove=(
            Effect(
                "Deactivates them in this workspace. In an Enterprise organisation, it deactivates them in all its "
                "workspaces.",
                Reach.ORGANISATION, Undo.POSSIBLE, "Activate the account again in Slack.", frees_seat=Seat.FREED,
                when=("removal", "scim"),
            ),
            Effect(
                "Removes them from this workspace only. Their account in the organisation stays.", Reach.WORKSPACE,
                Undo.POSSIBLE, "Add them to the workspace again.", when=("removal", "admin"),
            ),
        ),
        change_role=ROLE_CHANGED, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("Slack Web API", "", source="docs.slack.dev, API methods (no versions; SCIM: v2)")
    asset_word = "channel or user group"
    api = "https://slack.com/api"
    scim = "https://api.slack.com/scim/v2"

    def __init__(self, settings: dict[str, str], on_total=None):
        super().__init__(settings, on_total)
        self._removal = settings.get("removal") or "by hand"
        lacking = {"by hand": {REMOVE, CHANGE_ROLE}, "scim": {CHANGE_ROLE}}.get(self._removal, set())
        self.capabilities = type(self).capabilities - lacking

    @api_client
    def _web(self) -> Http:
        return self._client(self.api, self.settings.get("token", ""))

    @api_client
    def _admin(self) -> Http:
        return self._client(self.api, self._admin_token)

    @api_client
    def _scim(self) -> Http:
        return self._client(self.scim, self._admin_token)

    @property
    def _admin_token(self) -> str:
        if token := self.settings.get("admin_token"):
            return token
        raise CredentialRejected("Removing people needs the admin token: enter it, or choose removal by hand.")

    def _client(self, address: str, token: str) -> Http:
        secrets = [self.settings.get("token"), self.settings.get("admin_token")]
        return Http(address, headers=bearer(token), secrets=secrets, patience=PATIENCE,
                    on_error=_inside)  # fmt: skip

    @property
    def removal_suspends(self) -> bool:
        return True

    def test(self) -> Identity:
        answer = self._web.get("/auth.test")
        me = answer.json(dict)
        scopes = answer.headers.get("X-OAuth-Scopes")
        missing = []
        if scopes is not None:
            given = {scope.strip() for scope in scopes.split(",")}
            lacking = {need: may for need, may in READ_SCOPES.items() if need not in given}
            missing = [f"{may}: give the app the scope {need}." for need, may in lacking.items()]
        for _ in self._users(limit=1):
            break
        if self._removal != "by hand":
            missing += self._what_hinders_removal()
        return Identity(f"{me.get('user')} in {me.get('team')}", me.get("user_id"), ("read members and channels",),
                        tuple(missing))  # fmt: skip

    def _what_hinders_removal(self) -> list[str]:
        try:
            if self._removal == "scim":
                self._scim.get("/Users", {"count": 1})
                return []
            scopes = self._admin.get("/auth.test").headers.get("X-OAuth-Scopes", "")
            lacks = "admin.users:write" not in scopes
            return ["remove: give the admin token the scope admin.users:write."] if lacks else []
        except (CredentialRejected, Refused) as no:
            return [f"remove: {no} The admin token must be an owner's or admin's, and the plan must include it."]

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        for page in self._users():
            yield from map(_account, page)

    def _users(self, limit: int = PAGE) -> Iterator[list]:
        return self._pages("/users.list", "members", {"limit": limit, **self._team})

    @property
    def _team(self) -> dict[str, str]:
        """What an organisation's token must say with each list; a workspace's own token needs nothing."""
        return {"team_id": self.settings["team_id"]} if self.settings.get("team_id") else {}

    def assets(self) -> Iterator[Asset]:
        for channel in self._channels():
            yield Asset(f"channel:{channel['id']}", "channel", channel.get("name") or channel["id"])
        for group in self._groups():
            yield Asset(f"usergroup:{group['id']}", "user group", group["name"])

    def access(self) -> Iterator[Access]:
        for channel in self._channels():
            try:
                for user in self._in_channel(channel["id"]):
                    yield Access(user, f"channel:{channel['id']}", "member")
            except NotFound as gone:
                raise TemporarilyUnavailable(f"The channel {channel['id']} went away meanwhile. {gone}") from gone
        for group in self._groups():
            yield from (Access(user, f"usergroup:{group['id']}", "member") for user in group.get("users") or ())

    def _channels(self) -> Iterator[dict]:
        wanted = self.settings.get("channels") or "public"
        if wanted == "leave out":
            return
        types = "public_channel,private_channel" if wanted == "all" else "public_channel"
        params = {"types": types, "exclude_archived": "true", "limit": PAGE, **self._team}
        for page in self._pages("/conversations.list", "channels", params, key="channels"):
            yield from page

    def _groups(self) -> list[dict]:
        answer = self._web.get("/usergroups.list", {"include_users": "true", **self._team}).json(dict)
        return _list(answer, "usergroups")

    def _pages(self, path: str, what: str, params: dict, key: str = "members", **options) -> Iterator[list]:
        def fetch(cursor: str | None) -> Page:
            answer = self._web.get(path, params | ({"cursor": cursor} if cursor else {})).json(dict)
            return Page(_list(answer, key), next=(answer.get("response_metadata") or {}).get("next_cursor"))

        return pages_by_cursor(fetch, what=what, **options)

    def account(self, id: str) -> Account | None:
        try:
            return _account(self._web.get("/users.info", {"user": id}).json(dict)["user"])
        except NotFound:
            return None

    def remove(self, account: Account) -> None:
        try:
            if self._removal == "scim":
                self._scim.delete(f"/Users/{segment(account.id)}")
            elif self._removal == "admin":
                self._post_admin("/admin.users.remove", account)
            else:
                raise Refused("This Slack is connected for removal by hand: deactivate the account in Slack.")
        except NotFound:
            return
        except Forbidden as no:
            raise Refused(str(no)) from no

    def change_role(self, account: Account, role: str) -> None:
        if role not in SET_ROLE:
            raise Refused("Slack lets its API make owners, admins and members only.")
        self._post_admin(f"/{SET_ROLE[role]}", account)

    def _post_admin(self, path: str, account: Account) -> None:
        team = self.settings.get("team_id") or self._web.get("/auth.test").json(dict)["team_id"]
        self._admin.post(path, data={"team_id": team, "user_id": account.id}, idempotent=True)

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        kind, _, id = asset.id.partition(":")
        if kind == "usergroup":
            users = self._members(id)
            if account.id not in users:
                self._set_members(id, [*users, account.id])
            return
        try:
            self._web.post("/conversations.invite", data={"channel": id, "users": account.id}, idempotent=True)
        except AlreadyThere:
            return

    def revoke(self, account: Account, asset: Asset) -> None:
        kind, _, id = asset.id.partition(":")
        if kind == "usergroup":
            users = self._members(id)
            if users == [account.id]:
                raise Refused("Slack keeps no empty user group: disable the group in Slack instead.")
            if account.id in users:
                self._set_members(id, [user for user in users if user != account.id])
            return
        try:
            self._web.post("/conversations.kick", data={"channel": id, "user": account.id}, idempotent=True)
        except NotFound as absent:
            if account.id in self._in_channel(id):
                raise Refused(f"{absent} {account.name} is still in the channel: let the app join it.") from None

    def _in_channel(self, id: str) -> Iterator[str]:
        for page in self._pages("/conversations.members", "members", {"channel": id, "limit": PAGE}, id_of=str):
            yield from page

    def _members(self, group: str) -> list[str]:
        answer = self._web.get("/usergroups.users.list", {"usergroup": group, **self._team}).json(dict)
        return _list(answer, "users")

    def _set_members(self, group: str, users: list[str]) -> None:
        form = {"usergroup": group, "users": ",".join(users), **self._team}
        self._web.post("/usergroups.users.update", data=form, idempotent=True)


def _account(user: dict) -> Account:
    profile = user.get("profile") or {}
    is_bot = user.get("is_bot") or user["id"] == SLACKBOT
    status = "suspended" if user.get("deleted") else "invited" if user.get("is_invited_user") else "active"
    return Account(
        id=user["id"],
        email=profile.get("email") or "",
        name=profile.get("real_name") or user.get("real_name") or user.get("name") or "",
        status=status,
        role=_role(user),
        kind="system" if is_bot else "user",
        unsaid=unsaid(user, email=("profile", "email"), kind="is_bot"),
        assumed=unsaid(user, name=[("profile", "real_name"), "real_name"], status="deleted", role=ALWAYS_TOLD),
    )


def _role(user: dict) -> str:
    """What Slack says in flags: a primary owner is an owner and an admin too, a single-channel guest a guest too."""
    return next((role for flag, role in FLAGS.items() if user.get(flag)), "member")


def _list(answer: dict, key: str) -> list:
    if not isinstance(answer.get(key), list):
        raise TemporarilyUnavailable(f"Slack answered without its list of {key}.")
    return answer[key]


def _inside(answer: Answer) -> ConnectorError | None:
    """Slack's errors come with status 200: {"ok": false, "error": "missing_scope", "needed": "users:read"}."""
    if answer.status != 200 or "/scim/" in answer.url:
        return None
    said = answer.json(dict)
    if said.get("ok") is True:
        return None
    error = str(said.get("error") or "no reason")
    says = f"{answer.asked}: Slack says “{error.replace('_', ' ')}”."
    if error in ("ratelimited", "rate_limited"):
        wait = seconds_to_wait(answer)
        return RateLimited(says, 60 if wait is None else wait)
    if error in NOT_THERE:
        return NotFound(says)
    if error in REJECTED:
        needed = f" Give the app the scope {said['needed']} and install it again." if said.get("needed") else ""
        return CredentialRejected(f"{says}{needed}")
    if error in PASSING:
        return TemporarilyUnavailable(says)
    return AlreadyThere(says) if error == "already_in_channel" else Refused(says)
