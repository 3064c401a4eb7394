"""Slack: a workspace's members, guests, bots and invitations, and its channels and user groups as assets.
A removal deactivates the person over SCIM or the Admin API. On plans without these, people do it by hand.

Web API calls as in Slack's OpenAPI description (github.com/slackapi/slack-api-specs), with the errors of each method's
page at docs.slack.dev/reference/methods (users.list, users.info, conversations.kick, admin.users.remove, …); SCIM from
docs.slack.dev/reference/scim-api/scim-api-2 (“DELETE /Users/<id>: Sets a Slack user to deactivated”). For the reach of
SCIM: docs.slack.dev/admins/scim-api (“the users on a workspace (or in an organization, in the case of Enterprise
orgs)”).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from connectors.base import (
    CAPABILITIES,
    CHANGE_ROLE,
    INVITE,
    REMOVE,
    Access,
    Account,
    Asset,
    Connector,
    CredentialRejected,
    Field,
    Identity,
    Refused,
    Role,
)
from connectors.effects import GRANTED, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Sessions, Undo, declared
from connectors.quality import at_its_maker
from connectors.slack import usage
from connectors.slack.answers import AlreadyThere, error_inside
from connectors.slack.people import EXTERNAL, ROLES, Home, account_of, home_of
from connectors.slack.usage import Usage
from connectors.tools.answers import disappeared, list_in
from connectors.tools.http import Forbidden, Http, NotFound, segment
from connectors.tools.http_connector import ClosesClients, api_client, bearer, token_field
from connectors.tools.paging import Page, pages_by_cursor
from connectors.tools.refusals import owns_token
from connectors.versions import ApiVersion

PAGE = 200  # "We recommend no more than 200 results at a time"
PATIENCE = 65  # seconds: limits are per minute, and reading a workspace with many channels reaches them repeatedly
SET_ROLE = {"owner": "admin.users.setOwner", "admin": "admin.users.setAdmin", "member": "admin.users.setRegular"}
READ_SCOPES = {
    "users:read": "read members", "users:read.email": "read e-mails", "channels:read": "read channels",
    "usergroups:read": "read user groups",
}  # fmt: skip


class Slack(ClosesClients, Connector):
    slug = "slack"
    label = "Slack"
    logo = "own-slack.svg"
    quality = at_its_maker("Slack's API invites to a workspace only together with a channel.")
    docs = (
        "Open api.slack.com/apps, “Create New App”, “From scratch”, and choose your workspace.",
        "Under “OAuth & Permissions” add the bot token scopes users:read, users:read.email, channels:read and "
        "usergroups:read. To change who is in channels and user groups, also add channels:manage and "
        "usergroups:write. For private channels, add groups:read and groups:write, and invite the app into each.",
        "Choose “Install to Workspace” and copy the “Bot User OAuth Token”, which begins with xoxb-.",
        "Removing people on Business+: add the user token scope admin. An owner or admin installs the app and copies "
        "the “User OAuth Token” (xoxp-) as the admin token. Rollcall never removes the person that it belongs to. "
        "Choose SCIM: it deactivates the account in the workspace. An owner or admin can activate it again in Slack.",
        "Removing people on Enterprise: SCIM would deactivate them in every workspace of the organisation, so Rollcall "
        "refuses to use it there. Choose the Admin API, with the user token scope admin.users:write and the app "
        "installed on the whole organisation: it removes people from this workspace only, and they can be added again. "
        "They keep their account in the organisation. To end that as well, choose the Admin API for the whole "
        "organisation: it deactivates people in every workspace, even if they only leave this one. Rollcall doesn't "
        "reset sessions there, because Slack's call for it signs people out of every workspace.",
        "On other plans, Slack's API can't remove people. Rollcall then lists the people to deactivate by hand, "
        "and notices when that is done. People from other companies in shared channels are shown, but only their own "
        "company can deactivate them.",
        "With the user token scope admin, the admin token also reads who is billed and, on paid plans, when people "
        "were last active, as far back as Slack's access logs reach. Slack doesn't update at once who is billed.",
        "Slack's API can't invite anyone to a workspace without a channel, so Rollcall doesn't offer invitations. It "
        "doesn't read direct messages and archived channels.",
    )
    fields = (
        token_field("Bot token", "Begins with xoxb-."),
        Field(
            "removal", "People are removed", required=False,
            choices=(("by hand", "by hand in Slack"), ("scim", "over SCIM, by deactivating them (Business+)"),
                     ("admin", "over the Admin API, from this workspace alone (Enterprise)"),
                     ("organisation", "over the Admin API, from the whole organisation (Enterprise)")),
            asks_secrets_again=False,
        ),
        Field("admin_token", "Admin token", "Begins with xoxp-. Needed for removal, billing and last activity.",
              secret=True, required=False, pattern=r"\S+"),
        Field(
            "channels", "Channels", "Reading them takes one call for each channel.", required=False,
            choices=(("public", "public ones are read"), ("all", "public ones, and private ones that the app is in"),
                     ("leave out", "are left out")),
            asks_secrets_again=False,
        ),
        Field("team_id", "Workspace ID", "Needed only with a token of a whole Enterprise organisation. Begins with T.",
              required=False, pattern=r"T[A-Z0-9]+"),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES) - {INVITE}
    effects = declared(
        "Slack API, “Using the Slack SCIM API” and “admin.users.remove”",
        remove=(
            Effect(
                "Deactivates their account in the workspace. Messages and files stay.", Reach.WORKSPACE,
                Undo.POSSIBLE, "Reactivate the account in Slack.", lost=("their places in channels",),
                frees_seat=Seat.FREED, seat_note="Slack doesn't update at once who is billed.",
                ends_sessions=Sessions.END, when=("removal", "scim"),
                source="Slack Help, “Deactivate a member's account”, and “Using the Slack SCIM API”",
            ),
            Effect(
                "Removes them from this workspace only. They keep their account in the organisation.", Reach.WORKSPACE,
                Undo.POSSIBLE, "Add them to the workspace again.", lost=("their places in channels",),
                when=("removal", "admin"),
            ),
            Effect(
                "Deactivates them in the whole Enterprise organisation and all its workspaces.", Reach.ORGANISATION,
                Undo.NOT_KNOWN, lost=("their places in channels",), when=("removal", "organisation"),
                source="Slack API, “admin.users.deactivate”",
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
        raise CredentialRejected("Removing people needs the admin token. Nothing was changed. Enter the token in the "
                                 "app's settings, or choose removal by hand.")  # fmt: skip

    @cached_property
    def _home(self) -> Home:
        return home_of(self._web.get("/auth.test").json(dict))

    def _client(self, address: str, token: str) -> Http:
        secrets = [self.settings.get("token"), self.settings.get("admin_token")]
        return Http(address, headers=bearer(token), secrets=secrets, patience=PATIENCE,
                    on_error=error_inside)  # fmt: skip

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
            missing += self._obstacles_to_removal()
        if self.settings.get("admin_token"):
            unknown = usage.why_unknown(self._admin, self._team)
            missing += [f"see {what}: {why}" for what, why in unknown.items()]
        return Identity(f"{me.get('user')} in {me.get('team')}", me.get("user_id"), ("read members and channels",),
                        tuple(missing))  # fmt: skip

    def _obstacles_to_removal(self) -> list[str]:
        try:
            if self._removal == "scim":
                if why := self._why_not_over_scim():
                    return [f"remove: {why}"]
                self._scim.get("/Users", {"count": 1})
                return []
            scopes = self._admin.get("/auth.test").headers.get("X-OAuth-Scopes", "")
            lacks = "admin.users:write" not in scopes
            return ["remove: give the admin token the scope admin.users:write."] if lacks else []
        except (CredentialRejected, Refused) as no:
            return [f"remove: {no} The admin token must be an owner's or admin's, and the plan must include it."]

    def _why_not_over_scim(self) -> str:
        """Why SCIM must not remove people here; "" where it may. SCIM reaches as far as the admin token does: that may
        be a whole organisation, or a workspace other than the bot token's."""
        admin = home_of(self._admin.get("/auth.test").json(dict))
        if admin.enterprise or self._home.enterprise:
            return ("This workspace belongs to an Enterprise organisation, where SCIM deactivates people in every "
                    "workspace. Choose removal over the Admin API in the app's settings.")  # fmt: skip
        if not admin.team or admin.team != self._home.team:
            return "The admin token and the bot token are for different workspaces. Enter both for the same workspace."
        return ""

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        facts = usage.read(self._admin, self._team) if self.settings.get("admin_token") else Usage()
        for page in self._users():
            for user in page:
                yield facts.of(account_of(user, self._home))

    def _users(self, limit: int = PAGE) -> Iterator[list]:
        return self._pages("/users.list", "members", {"limit": limit, **self._team})

    @property
    def _team(self) -> dict[str, str]:
        """The parameter that names the workspace in each call with an organisation's token; empty with a workspace's
        own token, which needs none."""
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
                raise disappeared(f"The channel {channel['id']}", gone) from gone
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
        return list_in(answer, "usergroups", "Slack")

    def _pages(self, path: str, what: str, params: dict, key: str = "members", **options) -> Iterator[list]:
        def fetch(cursor: str | None) -> Page:
            answer = self._web.get(path, params | ({"cursor": cursor} if cursor else {})).json(dict)
            rows = list_in(answer, key, "Slack")
            return Page(rows, next=(answer.get("response_metadata") or {}).get("next_cursor"))

        return pages_by_cursor(fetch, what=what, **options)

    def account(self, id: str) -> Account | None:
        try:
            user = self._web.get("/users.info", {"user": id}).json(dict)["user"]
        except NotFound:
            return None
        return None if self._is_in_other_workspaces_only(user) else account_of(user, self._home)

    def _is_in_other_workspaces_only(self, user: dict) -> bool:
        """Whether the user is in the organisation but not in this workspace. users.info can't be limited to one
        workspace: with an organisation's token, it finds everyone in the organisation."""
        workspaces = (user.get("enterprise_user") or {}).get("teams")
        return bool(self._team) and isinstance(workspaces, list) and self._team["team_id"] not in workspaces

    def remove(self, account: Account) -> None:
        if account.role == EXTERNAL:
            raise Refused(f"{account.name or account.email} belongs to another company, and only that company can "
                          "deactivate the account. Nothing was changed. Remove the person from the shared channels "
                          "instead.")  # fmt: skip
        try:
            self._must_not_own_the_token(account)
            if self._removal == "scim":
                self._deactivate(account)
            elif self._removal == "admin":
                self._post_admin("/admin.users.remove", account)
            elif self._removal == "organisation":
                self._admin.post("/admin.users.deactivate", data={"user_id": account.id}, idempotent=True)
            else:
                raise Refused("This app is set to removal by hand, so nothing was changed. Deactivate the account in "
                              "Slack.")  # fmt: skip
        except NotFound:
            return
        except Forbidden as no:
            raise Refused(str(no)) from no

    def _must_not_own_the_token(self, account: Account) -> None:
        """Raises Refused for the person that the admin token belongs to: nobody else could be removed then."""
        if self._removal != "by hand" and self._admin.get("/auth.test").json(dict).get("user_id") == account.id:
            raise owns_token("Slack")

    def _deactivate(self, account: Account) -> None:
        if why := self._why_not_over_scim():
            raise Refused(why)
        self._scim.delete(f"/Users/{segment(account.id)}")

    def change_role(self, account: Account, role: str) -> None:
        if role not in SET_ROLE:
            raise Refused("Slack's API gives only the roles owner, admin and member, so nothing was changed. Choose "
                          "one of them, or change the role in Slack.")  # fmt: skip
        self._post_admin(f"/{SET_ROLE[role]}", account)

    def _post_admin(self, path: str, account: Account) -> None:
        team = self.settings.get("team_id") or self._home.team
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
                raise Refused("This is the user group's last member, and Slack allows no empty user group. Nothing was "
                              "changed. Disable the group in Slack instead.")  # fmt: skip
            if account.id in users:
                self._set_members(id, [user for user in users if user != account.id])
            return
        try:
            self._web.post("/conversations.kick", data={"channel": id, "user": account.id}, idempotent=True)
        except NotFound as absent:
            if account.id in self._in_channel(id):
                raise Refused(f"{absent} {account.name} is still in the channel. Add the Slack app to the channel, "
                              "then try again.") from None  # fmt: skip

    def _in_channel(self, id: str) -> Iterator[str]:
        for page in self._pages("/conversations.members", "members", {"channel": id, "limit": PAGE}, id_of=str):
            yield from page

    def _members(self, group: str) -> list[str]:
        answer = self._web.get("/usergroups.users.list", {"usergroup": group, **self._team}).json(dict)
        return list_in(answer, "users", "Slack")

    def _set_members(self, group: str, users: list[str]) -> None:
        form = {"usergroup": group, "users": ",".join(users), **self._team}
        self._web.post("/usergroups.users.update", data=form, idempotent=True)

