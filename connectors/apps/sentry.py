"""Sentry (sentry.io or self-hosted): an organization's members and invitations, and its teams as assets.
A removal takes the member out of the organization.

From docs.sentry.io/api: “List an Organization's Members”, “Retrieve”, “Update” and “Delete an Organization Member”,
“Add a Member to an Organization”, “List an Organization's Teams”, “List a Team's Members”, “Add” and “Delete an
Organization Member from a Team”, “Paginating Results”, “Permissions & Scopes”. These pages are generated from the API
description getsentry/sentry-api-schema. The server's source answers what they leave open: getsentry/sentry,
src/sentry/core/endpoints, organization_member_index, _details, _utils and _team_details, organization_member_invite
(invitations of a new kind, which the list of members leaves out), organization_details (features) and team_members.
static/app/router/routes.tsx there has the address of the page of personal tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import compress

from connectors.base import (
    CAPABILITIES,
    UNKNOWN,
    Access,
    Account,
    Asset,
    ConnectorError,
    CredentialRejected,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Undo, declared
from connectors.names import email_key
from connectors.quality import at_its_maker
from connectors.tools.answers import disappeared, known_status, missing_from, words
from connectors.tools.holes import needed
from connectors.tools.http import Answer, Forbidden, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.paging import Page, Seen, by_id, linked, pages_by_cursor
from connectors.tools.refusals import keeps_asset_role, must_be_offered, owns_token
from connectors.tools.times import from_iso
from connectors.versions import ApiVersion

ROLES = (
    Role("owner", "Owner", privileged=True),
    Role("manager", "Manager", privileged=True),
    Role("admin", "Admin"),
    Role("member", "Member", default=True),
    Role("billing", "Billing"),
)
NEW_INVITATIONS = "new-organization-member-invite"  # a feature that Sentry switches on for an organization
TEAM_ADMINS = ("owner", "manager", "admin")  # roles that are at least admin in each of the member's teams
IN_THE_LIST = {"approved": "active"}  # the only invite status that the list has


class Sentry(HttpConnector):
    slug = "sentry"
    label = "Sentry"
    logo = "sentry.svg"
    quality = at_its_maker()
    docs = (
        "As an owner or manager of the organization, open sentry.io/settings/account/api/auth-tokens (User settings, "
        "“Personal Tokens”; your own Sentry has the same path), and choose “Create New Token”.",
        "Give it the permissions Organization: Read, Member: Admin and Team: Admin, create it and copy it: Sentry "
        "never shows it again. Tokens of an organization or an integration can't remove members.",
        "Enter the organization's slug, which is in its address (acme for acme.sentry.io). If the slug changes in "
        "Sentry, enter the new one here.",
        "The token acts as you: Rollcall never removes the person that it belongs to, and a manager can't remove an "
        "owner. Sentry keeps the last owner or manager.",
        "An expired invitation is shown as suspended: nobody can use it to join, and Sentry keeps it until it is "
        "removed.",
        "Change members and teams that your identity provider provisions at the provider: Sentry refuses to change "
        "them here. Requests to join, and users who are deactivated in all of Sentry, aren't in its list.",
    )
    fields = (
        Field("base_url", "Address", "https://sentry.io, or the address of your own Sentry.", pattern=r"https?://\S+",
              placeholder="https://sentry.io"),
        Field("organization", "Organization", "The organization's slug.", pattern=r"[\w-]+", placeholder="acme"),
        token_field("Personal token", "A token of an owner or manager."),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "Sentry API, “Delete an Organization Member”",
        remove=(
            Effect(
                "Removes them from the Sentry organization and all its teams.", Reach.ORGANISATION,
                Undo.IMPOSSIBLE, "Invite them again, and add them to their teams.",
                lost=("invitations that they sent and nobody has accepted", "their e-mail settings for projects"),
                source="getsentry/sentry, src/sentry/core/endpoints, organization_member_details",
            ),
            Effect(
                "Cancels the invitation.", Reach.ORGANISATION, Undo.POSSIBLE, "Invite them again.",
                invited=True,
            ),
        ),
        change_role=replace(
            ROLE_CHANGED, reach=Reach.ORGANISATION,
            does="Changes what they may do in the organization. They keep their teams.",
            source="Sentry API, “Update an Organization Member's Roles”",
        ),
        invite=replace(
            INVITATION_SENT, reach=Reach.ORGANISATION, source="Sentry API, “Add a Member to an Organization”"),
        grant=replace(GRANTED, source="Sentry API, “Add an Organization Member to a Team”"),
        revoke=replace(
            REVOKED, lost=("their subscriptions to the team's issues",),
            source="Sentry API, “Delete an Organization Member from a Team”",
        ),
    )  # fmt: skip
    api_version = ApiVersion("Sentry API", "0", source="docs.sentry.io, “API Reference”")
    asset_word = "team"
    asset_roles_by_hand = frozenset({("team", "admin")})

    @property
    def _address(self) -> str:
        return self.settings.get("base_url", "").strip().rstrip("/") + "/api/0"

    @property
    def _organization(self) -> str:
        return segment(self.settings.get("organization", "").strip(), "the organization's slug")

    @property
    def _members(self) -> str:
        return f"/organizations/{self._organization}/members/"

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        """The error of an answer that only names the wrong field: {"email": ["…"]}, {"role": "…"}."""
        if answer.status not in (400, 403) or answer.is_page or words(answer):
            return None
        kind = Forbidden if answer.status == 403 else Refused
        return kind(f"{answer.asked}: Sentry says “{found}”.") if (found := _of_fields(answer)) else None

    def _look_me_up(self) -> dict:
        try:
            return self._http.get(f"{self._members}me/").json(dict)
        except NotFound as no:
            raise CredentialRejected(
                "Sentry has no such organization, or the token doesn't belong to one of its members. "
                "Enter the organization's current slug, and a member's personal token."
            ) from no

    @cached_property
    def _me(self) -> dict:
        return self._look_me_up()

    def test(self) -> Identity:
        me, missing = self._look_me_up(), []
        roles = me.get("orgRoleList")
        if not any(isinstance(role, dict) and role.get("isAllowed") for role in roles or ()):
            missing.append("remove and change roles: the token lacks the permission Member: Admin, or it isn't an "
                           "owner's or manager's.")  # fmt: skip
        next(self._read(self._members, "members"), None)
        try:
            if NEW_INVITATIONS in self._features():
                missing.append("see every invitation: Sentry keeps new ones of this organization in another list, "
                               "which it doesn't document yet. Look at them under Members in Sentry.")  # fmt: skip
            if team := next(self.assets(), None):
                next(self._team_members(team), None)
        except (Forbidden, NotFound) as no:
            missing.append(f"read teams: {no} Give the token Team: Admin and Organization: Read.")
        return Identity(clean(me.get("name")) or "A member", clean(me.get("id")) or None,
                        ("read members", "remove", "change roles", "invite", "teams"), tuple(missing))  # fmt: skip

    def _features(self) -> list:
        asked = {"detailed": 0, "include_feature_flags": 1}
        found = self._http.get(f"/organizations/{self._organization}/", asked).json(dict).get("features")
        return found if isinstance(found, list) else []

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        for page in self._read(self._members, "members"):
            yield from map(_account, page)

    def account(self, id: str) -> Account | None:
        try:
            return _account(self._member(id))
        except NotFound:
            self._look_me_up()
            return None

    def _member(self, id: str) -> dict:
        member = self._http.get(self._path(id)).json(dict)
        if member.get("id") != id:
            raise TemporarilyUnavailable("Sentry answered with something other than the member that was asked for.")
        return member

    def _path(self, id: str) -> str:
        return f"{self._members}{segment(id)}/"

    def assets(self) -> Iterator[Asset]:
        for page in self._read(f"/organizations/{self._organization}/teams/", "teams", detailed=0):
            yield from (Asset(team["id"], "team", clean(team.get("slug"))) for team in page)

    def access(self) -> Iterator[Access]:
        for team in self.assets():
            try:
                yield from (_access(member, team) for page in self._team_members(team) for member in page)
            except NotFound as gone:
                raise disappeared(f"The team {team.name}", gone) from gone

    def managed(self, account: Account) -> list[Asset]:
        """The member's answer names teams by their slugs."""
        member = self._member(account.id)
        teams = member.get("teamRoles")
        if not isinstance(teams, list):
            raise TemporarilyUnavailable("Sentry answered without the member's teams.")
        roles = {clean(team.get("teamSlug")): team.get("role") for team in teams}
        return [team for team in self.assets() if team.name in roles
                and _access(member | {"teamRole": roles[team.name]}, team).privileged]  # fmt: skip

    def _team_members(self, team: Asset) -> Iterator[list]:
        return self._read(f"/teams/{self._organization}/{segment(team.id)}/members/", "members of a team")

    def remove(self, account: Account) -> None:
        if account.id == self._me.get("id"):
            raise owns_token("Sentry")
        try:
            self._http.operate("DELETE", self._path(account.id))
        except NotFound:
            self._look_me_up()

    def change_role(self, account: Account, role: str) -> None:
        """The call names the member's teams, because Sentry takes a member out of every team that it doesn't name."""
        must_be_offered(role, [one.id for one in ROLES], "Sentry")
        teams = self._member(account.id).get("teamRoles")
        if not isinstance(teams, list):
            raise Refused("Sentry doesn't report this person's teams, and a change of role might remove them from "
                          "these. Nothing was changed. Change the role in Sentry.")  # fmt: skip
        kept = [{"teamSlug": team["teamSlug"], "role": team.get("role")} for team in teams]
        self._http.operate("PUT", self._path(account.id), json={"orgRole": role, "teamRoles": kept},
                           may_be_empty=("role",))

    def invite(self, email: str, role: str) -> None:
        for page in self._read(self._members, "members"):
            for row in page:
                if row.get("pending") and email_key(clean(row.get("email"))) == email_key(email):
                    if row.get("expired"):
                        raise Refused("An earlier invitation to this address has expired, so nothing was sent. Remove "
                                      "that invitation, then invite the person again.")  # fmt: skip
                    return
        body = {"email": needed(email, "e-mail"), "orgRole": needed(role, "role")}
        self._http.operate("POST", self._members, json=body)

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        if role != "contributor":
            raise Refused("Rollcall adds people to a team only as contributors, so nothing was changed. Make "
                          "team admins in Sentry.")  # fmt: skip
        answer = self._http.operate("POST", self._in_team(account, asset))
        if answer.status == 204 and self._administers(account, asset):
            raise keeps_asset_role("a team admin", "Sentry")
        if answer.status == 202:
            raise Refused("Sentry didn't add this person: it asked the team's admins for approval. Enter an owner's "
                          "token to add people without it.")  # fmt: skip

    def _administers(self, account: Account, team: Asset) -> bool:
        members = (member for page in self._team_members(team) for member in page)
        return any(_access(member, team).privileged for member in members if member["id"] == account.id)

    def revoke(self, account: Account, asset: Asset) -> None:
        try:
            self._http.operate("DELETE", self._in_team(account, asset))
        except NotFound:
            self._look_me_up()

    def _in_team(self, account: Account, asset: Asset) -> str:
        return f"{self._path(account.id)}teams/{segment(asset.id)}/"

    def _read(self, path: str, what: str, **params: int) -> Iterator[list]:
        """A list of several pages is read twice. Sentry counts positions: when someone is removed during the reading,
        the next page begins one item too late. The second reading finds the item that the first one missed."""
        seen = Seen()
        for _ in range(2):
            pages = 0
            for page in pages_by_cursor(lambda cursor: self._page(path, cursor, params), what=what, id_of=by_id):
                pages += 1
                if fresh := list(compress(page, seen.add_each([str(row["id"]) for row in page]))):
                    yield fresh
            if pages < 2:
                return

    def _page(self, path: str, cursor: str | None, params: dict[str, int]) -> Page:
        answer = self._http.get(path, {**params, **({"cursor": cursor} if cursor else {})})
        return Page(answer.json(list), next=_next_cursor(answer))


def _next_cursor(answer: Answer) -> str | None:
    """The next page's cursor, None on the last page. Each answer has a “next” link, and its `results` says whether that
    page has anything (“Paginating Results”). Raises TemporarilyUnavailable for an answer without one."""
    _, found = linked(answer, "next") or ("", {})
    if found.get("results") == "false":
        return None
    if found.get("results") == "true" and found.get("cursor"):
        return found["cursor"]
    raise TemporarilyUnavailable(f"{answer.asked} answered without saying whether there is a further page.")


def _of_fields(answer: Answer) -> str:
    body = answer.json_or_none()
    values = body.values() if isinstance(body, dict) else ()
    texts = [text for value in values for text in (value if isinstance(value, list) else [value])]
    return "; ".join(clean(text).rstrip(".") for text in texts if isinstance(text, str))


def _account(member: dict) -> Account:
    user = member.get("user") if isinstance(member.get("user"), dict) else {}
    return Account(
        member["id"], clean(member.get("email")), clean(member.get("name")),
        _status(member, user), clean(member.get("orgRole")),
        kind="system" if user.get("actorType") == "service_account" else "user",
        last_activity=from_iso(user.get("lastActive")),
        missing_fields=missing_from(member, email="email", name="name", role="orgRole",
                                    last_activity=("user", "lastActive")),
    )  # fmt: skip


def _status(member: dict, user: dict) -> str:
    if not isinstance(member.get("pending"), bool):
        return UNKNOWN
    known = known_status(member.get("inviteStatus", "approved"), IN_THE_LIST)
    if known != "active":
        return known
    if member["pending"]:  # an expired invitation stays in the list: nobody can use it, but it can be sent again
        return "suspended" if member.get("expired") is True else "invited"
    return "suspended" if user.get("isActive") is False else "active"


def _access(member: dict, team: Asset) -> Access:
    """“Organization admins, managers, and owners are automatically granted a minimum team role of admin”."""
    least = "admin" if member.get("orgRole") in TEAM_ADMINS else "contributor"
    role = clean(member.get("teamRole")) or least
    return Access(member["id"], team.id, role, role == "admin")
