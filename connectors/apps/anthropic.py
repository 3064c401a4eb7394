"""Anthropic (Claude Console): an organization's members and invitations; its workspaces as assets.
A removal takes the member out of the organization and all its workspaces.

From Anthropic's Admin API reference (platform.claude.com: “Get Current Organization”, “Users”, “Invites”, “Workspaces”,
“Workspace members”), “Admin API” and “Workspaces” (their questions on admins, roles and API keys), “Claude API errors”,
“Get your Claude API key” (platform.claude.com/docs/en/get-api-key: which keys outlive their creator's membership).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from operator import itemgetter

from connectors.base import (
    CAPABILITIES,
    Access,
    Account,
    Asset,
    ConnectorError,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Undo, declared
from connectors.quality import at_its_maker
from connectors.tools.answers import disappeared, missing_from, words
from connectors.tools.holes import needed
from connectors.tools.http import Answer, NotFound, clean, segment
from connectors.tools.http_connector import token_field
from connectors.tools.refusals import INVITATION, must_be_offered, must_have_joined
from connectors.tools.users_and_invites import UsersAndInvites
from connectors.versions import ApiVersion

VERSION = "2023-06-01"
WORKSPACES = "/v1/organizations/workspaces"
ROLES = (
    Role("primary_owner", "Primary owner", privileged=True),
    Role("owner", "Owner", privileged=True),
    Role("admin", "Admin", privileged=True),
    Role("membership_admin", "Membership admin", privileged=True),
    Role("billing", "Billing"),
    Role("developer", "Developer"),
    Role("claude_code_user", "Claude Code user"),
    Role("user", "User", default=True),
    Role("managed", "Managed by custom roles"),
)
GIVEN = ("user", "claude_code_user", "developer", "billing")  # by the API, in a Console organization
NOT_REMOVED = ("admin", "owner", "primary_owner")
WORKSPACE_ROLES = ("workspace_user", "workspace_developer", "workspace_restricted_developer", "workspace_admin")


class Anthropic(UsersAndInvites):
    slug = "anthropic"
    label = "Anthropic"
    logo = "own-anthropic.svg"
    quality = at_its_maker(managers=False)
    docs = (
        "As an admin of the organization, open platform.claude.com/settings/admin-keys (Settings, “Admin keys”). "
        "Anthropic offers it to organizations only, not to individual accounts.",
        "Choose “Create key”, name it Rollcall and copy it: it begins with sk-ant-admin, and Anthropic never shows it "
        "again. A normal API key can't read who is in the organization.",
        "The key reads and changes members, invitations and workspaces. Your own account isn't protected: Anthropic's "
        "API doesn't say whose key it is.",
        "Anthropic's API can't remove an admin, or make someone an admin: change their role in the Console first. "
        "Admins and billing members are in all workspaces for as long as they have that role.",
        "Personal keys are archived when their user is removed. Workspace keys that they created, and keys of service "
        "accounts that they know, continue to work: disable those in the Console. Service accounts aren't read.",
        "The default workspace isn't in Anthropic's list, so it doesn't show. Claude Enterprise (claude.ai) has keys "
        "and roles of its own: it isn't read.",
    )
    fields = (
        token_field("Admin API key", "It begins with sk-ant-admin."),
        Field("workspaces", "Workspaces", "Workspaces are shown as assets, with their members. This takes one call "
                                          "for each.",
              required=False, choices=(("read", "are read"), ("leave out", "are left out")), asks_secrets_again=False),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    own_account_unknown = (
        "Anthropic's API doesn't say whose admin key this is. Rollcall can't protect the account that created the key."
    )
    effects = declared(
        "Anthropic, “Workspaces”, FAQ on API keys",
        remove=(
            Effect(
                "Removes them from the Anthropic organization and all its workspaces. "
                "Workspace API keys that they created continue to work.",
                Reach.ORGANISATION, Undo.IMPOSSIBLE, "Invite them again, and add them to their workspaces.",
                lost=("their personal API keys", "their roles in workspaces"), frees_seat=Seat.NOT_PAID,
            ),
            Effect(
                "Cancels the invitation.", Reach.ORGANISATION, Undo.POSSIBLE, "Invite them again.",
                frees_seat=Seat.NOT_PAID, invited=True,
                source="Anthropic Admin API reference, “Delete Invite”",
            ),
        ),
        change_role=replace(
            ROLE_CHANGED, reach=Reach.ORGANISATION,
            does="Changes what they may do in the organization. Billing members are in all workspaces.",
            source="Anthropic Admin API reference, “Update User”",
        ),
        invite=replace(
            INVITATION_SENT, reach=Reach.ORGANISATION, frees_seat=Seat.NOT_PAID,
            source="Anthropic Admin API reference, “Create Invite”",
        ),
        grant=replace(GRANTED, source="Anthropic Admin API reference, “Create Workspace Member”"),
        revoke=replace(REVOKED, source="Anthropic Admin API reference, “Delete Workspace Member”"),
    )  # fmt: skip
    api_version = ApiVersion("Claude API", VERSION, source="Anthropic, “Versions”")
    asset_word = "workspace"
    maker = "Anthropic"
    users, invites = "/v1/organizations/users", "/v1/organizations/invites"
    page_size = 1000  # the most that Anthropic returns
    cursor = "after_id"
    over = ("accepted", "expired", "deleted")
    api = "https://api.anthropic.com"

    @property
    def _headers(self) -> dict[str, str]:
        return {"x-api-key": self._token, "anthropic-version": VERSION}

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        """A 404 without Anthropic's own type of error says nothing about an account."""
        if answer.status == 404 and not answer.is_page and _error_type(answer) != "not_found_error":
            return Refused(f"{answer.asked} answered 404, but not as Anthropic does: “{words(answer)[:200]}”.")
        return None

    def test(self) -> Identity:
        name = clean(self._http.get("/v1/organizations/me").json(dict).get("name")) or "An Anthropic organization"
        self._page(self.users, "members", limit=1)
        self._page(self.invites, "invitations", limit=1)
        if self._reads_workspaces:
            self._page(WORKSPACES, "workspaces", limit=1)
        return Identity(name, None, ("read members", "remove", "change roles", "invite", "workspaces"))

    @property
    def _reads_workspaces(self) -> bool:
        return self.settings.get("workspaces") != "leave out"

    def roles(self) -> list[Role]:
        return list(ROLES)

    def _account(self, user: dict) -> Account:
        return Account(user["id"], clean(user.get("email")), clean(user.get("name")), role=clean(user.get("role")),
                       missing_fields=missing_from(user, email="email", name="name", role="role"))  # fmt: skip

    def assets(self) -> Iterator[Asset]:
        """The workspaces in use; archived ones aren't listed."""
        if self._reads_workspaces:
            for page in self._pages(WORKSPACES, "workspaces"):
                yield from (Asset(space["id"], "workspace", clean(space.get("name"))) for space in page)

    def access(self) -> Iterator[Access]:
        for space in self.assets():
            try:
                path = f"{WORKSPACES}/{segment(space.id)}/members"
                for page in self._pages(path, "members of a workspace", id_of=itemgetter("user_id")):
                    yield from (_access(member, space) for member in page)
            except NotFound as gone:
                raise disappeared(f"The workspace {space.name}", gone) from gone

    def remove(self, account: Account) -> None:
        """“Organization members with the admin role cannot be removed via the API”."""
        if account.role in NOT_REMOVED and not account.id.startswith(INVITATION):
            raise Refused("Anthropic's API can't remove an owner or admin: change their role in the Console first.")
        self._delete(self._path(account.id))

    def change_role(self, account: Account, role: str) -> None:
        must_be_offered(role, GIVEN, "Anthropic")
        self._set_role(account, role)

    def invite(self, email: str, role: str) -> None:
        must_be_offered(role, GIVEN, "Anthropic")
        if not self._is_invited(email):
            self._http.operate("POST", self.invites, json={"email": needed(email, "e-mail"), "role": role})

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        must_be_offered(role, WORKSPACE_ROLES, "Anthropic")
        self._put_in(_in_workspace(account, asset), account, role, "workspace_role")

    def revoke(self, account: Account, asset: Asset) -> None:
        self._delete(_in_workspace(account, asset))

def _error_type(answer: Answer) -> str:
    try:
        error = answer.json(dict).get("error")
    except TemporarilyUnavailable:
        return ""
    return clean(error.get("type")) if isinstance(error, dict) else ""


def _in_workspace(account: Account, asset: Asset) -> str:
    must_have_joined(account, "Anthropic")
    return f"{WORKSPACES}/{segment(asset.id)}/members/{segment(account.id)}"


def _access(member: dict, space: Asset) -> Access:
    role = clean(member.get("workspace_role"))
    return Access(member["user_id"], space.id, role, role == "workspace_admin")
