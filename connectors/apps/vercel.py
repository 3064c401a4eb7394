"""Vercel: a team's members, requests to join and invitations. A removal takes the member out of the team.

From vercel.com/docs/rest-api (teams: “List team members”, “Update”, “Remove a Team Member”, “Invite a user”, “Delete a
Team invite code”, “Get a Team”; “Get the User”; “Pagination”, “Errors”), and src/models/getteammembersop.ts of
vercel/sdk. No call looks up one member, so a second look reads the whole list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import compress
from types import MappingProxyType

from connectors.base import (
    CHANGE_ROLE,
    INVITE,
    LOOK_UP,
    REMOVE,
    UNKNOWN,
    Account,
    ConnectorError,
    CredentialRejected,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import INVITATION_SENT, ROLE_CHANGED, Effect, Reach, Undo, declared
from connectors.names import email_key
from connectors.quality import NO_TEST_SERVER, Missing, Rule
from connectors.tools.answers import missing_from, words
from connectors.tools.holes import needed
from connectors.tools.http import Answer, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.paging import ListChanged, Seen
from connectors.tools.refusals import INVITATION, must_be_offered, must_not_be_invitation, owns_token
from connectors.versions import ApiVersion

PAGE = 100  # the most members that Vercel returns at once
ROLES = (
    Role("OWNER", "Owner", privileged=True),
    Role("MEMBER", "Member", default=True),
    Role("DEVELOPER", "Developer"),
    Role("SECURITY", "Security"),
    Role("BILLING", "Billing"),
    Role("VIEWER", "Viewer"),
    Role("VIEWER_FOR_PLUS", "Viewer (Plus)"),
    Role("CONTRIBUTOR", "Contributor"),
)
NOT_READ = Missing("Access to the team's projects isn't read.")


class Vercel(HttpConnector):
    slug = "vercel"
    label = "Vercel"
    logo = "vercel.svg"
    quality = MappingProxyType({
        Rule.ASSETS: NOT_READ, Rule.OPERATIONS: NOT_READ, Rule.REAL_SERVER: NO_TEST_SERVER,
    })  # fmt: skip
    docs = (
        "As an owner of the team, open vercel.com/account/tokens and create a token: name it Rollcall, and choose the "
        "team as its scope and an expiration date. Copy it: Vercel never shows it again. Before it expires, enter a "
        "new one.",
        "Copy the Team ID from the team's Settings, General. It begins with team_.",
        "The token acts as you, so Rollcall never removes the person that it belongs to. "
        "Vercel's pages don't say whether Vercel refuses to remove the last owner.",
        "People who have asked to join are shown as invited, and a removal dismisses their request. Rollcall doesn't "
        "read access to single projects. Change members and invitations that come from a directory (SCIM) in that "
        "directory: Vercel refuses to change them here.",
    )
    fields = (
        Field("team", "Team ID", "It begins with team_.", pattern=r"team_\w+", placeholder="team_1a2b3c4d"),
        token_field("Access token", "A token of an owner, with the team as its scope."),
    )
    capabilities = frozenset({LOOK_UP, REMOVE, CHANGE_ROLE, INVITE})
    effects = declared(
        "Vercel REST API, “Remove a Team Member”",
        remove=(
            Effect(
                "Removes them from the Vercel team and all its projects.", Reach.WORKSPACE, Undo.IMPOSSIBLE,
                "Invite them again.", lost=("their roles in projects",),
            ),
            Effect(
                "Cancels the invitation, or dismisses the request to join.", Reach.WORKSPACE, Undo.POSSIBLE,
                "Invite them again.", invited=True, people="Someone who is invited or has asked to join",
                source="Vercel REST API, “Delete a Team invite code”, “Remove a Team Member”",
            ),
        ),
        change_role=replace(ROLE_CHANGED, source="Vercel REST API, “Update a Team Member”"),
        invite=replace(INVITATION_SENT, source="Vercel REST API, “Invite a user”"),
    )  # fmt: skip
    api_version = ApiVersion("Vercel REST API", "v3", source="Vercel REST API, “List team members”")
    api = "https://api.vercel.com"

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        """The error of a token that has ended. Vercel's status for it is 403, as for a missing permission."""
        if answer.status == 403 and b'"invalidToken":true' in answer.body.replace(b" ", b""):
            message = words(answer)
            return CredentialRejected(f"{answer.asked}: Vercel says “{message}”. The token is wrong or has expired. "
                                      "Enter a new one.")  # fmt: skip
        return None

    @property
    def _team(self) -> str:
        return segment(self.settings.get("team", "").strip(), "the team's id")

    @property
    def _members(self) -> str:
        return f"/v1/teams/{self._team}/members"

    @cached_property
    def _me(self) -> dict:
        user = self._http.get("/v2/user").json(dict).get("user")
        if not isinstance(user, dict) or not clean(user.get("id")):
            raise TemporarilyUnavailable("Vercel answered without saying whose token this is.")
        return user

    def test(self) -> Identity:
        me = self._me
        try:
            team = self._http.get(f"/v2/teams/{self._team}").json(dict)
        except NotFound as no:
            raise CredentialRejected("Vercel has no team with this ID, or the token may not see it. Check the Team ID "
                                     f"and the token's scope. {no}") from no  # fmt: skip
        next(self._pages(), None)
        membership = team.get("membership") if isinstance(team.get("membership"), dict) else {}
        role = clean(membership.get("role"))
        has = f"has the role {role}" if role else "has no role that Vercel reports"
        missing = () if role == "OWNER" else (
            f"remove, change roles and invite: the person that the token belongs to {has}. It takes an owner's token.",
        )  # fmt: skip
        name = clean(me.get("name")) or clean(me.get("username")) or "The token's owner"
        return Identity(f"{name} in {clean(team.get('name')) or 'the team'}", me["id"],
                        ("read members", "remove", "change roles", "invite"), missing)  # fmt: skip

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        invitations = Seen()
        for members, invites in self._pages():
            yield from (_invitation(row) for row in invites if invitations.add(row["id"]) and not row.get("expired"))
            yield from map(_account, members)

    def account(self, id: str) -> Account | None:
        """Found in the list of members; None only once the whole list was read."""
        return next((account for account in self.accounts() if account.id == id), None)

    def remove(self, account: Account) -> None:
        if account.id == self._me["id"]:
            raise owns_token("Vercel")
        try:
            self._http.operate("DELETE", self._path(account.id))
        except NotFound as no:
            if self.account(account.id):
                raise Refused(f"This person is still in Vercel's list of members. {no}") from no

    def change_role(self, account: Account, role: str) -> None:
        must_be_offered(role, [one.id for one in ROLES], "Vercel")
        must_not_be_invitation(account, "Vercel")
        self._http.operate("PATCH", self._path(account.id), json={"role": role})

    def invite(self, email: str, role: str) -> None:
        must_be_offered(role, [one.id for one in ROLES], "Vercel")
        if any(email_key(account.email) == email_key(email) for account in self.accounts()
               if account.id.startswith(INVITATION)):  # fmt: skip
            return
        body = [{"email": needed(email, "e-mail"), "role": role}]
        self._http.operate("POST", f"/v2/teams/{self._team}/members", json=body)

    def _path(self, id: str) -> str:
        if id.startswith(INVITATION):
            return f"/v1/teams/{self._team}/invites/{segment(id.removeprefix(INVITATION))}"
        return f"{self._members}/{segment(id)}"

    def _pages(self) -> Iterator[tuple[list, list]]:
        """Members and invitations, page by page, the newest first. `until` is a time in milliseconds. The next page is
        requested up to a millisecond after the oldest member of this one, so that it has everyone added at that time.
        Raises ListChanged where members may be missing."""
        seen, until = Seen(), None
        while True:
            members, invites, more = self._page(until)
            ids = [row["uid"] for row in members]
            new = seen.add_each(ids)
            fresh = list(compress(members, new))
            again = [row for row, is_new in zip(members, new) if not is_new]
            if len(set(ids)) < len(ids) or any(until is None or row["createdAt"] < until - 1 for row in again):
                raise ListChanged("Vercel returned some members twice, so others may be missing. Nothing was changed. "
                                  "Reading the list again may help.")  # fmt: skip
            yield fresh, invites
            if not more:
                return
            if not fresh:
                raise ListChanged("Vercel returned a page of members again instead of the next one, so members may be "
                                  "missing. Nothing was changed.")  # fmt: skip
            until = min(row["createdAt"] for row in members) + 1

    def _page(self, until: int | None) -> tuple[list, list, bool]:
        params = {"limit": PAGE, **({"until": until} if until else {})}
        answer = self._http.get(f"/v3/teams/{self._team}/members", params).json(dict)
        members, invites, pagination = (answer.get(key) for key in ("members", "emailInviteCodes", "pagination"))
        more = pagination.get("hasNext") if isinstance(pagination, dict) else None
        whole = isinstance(members, list) and isinstance(more, bool) and isinstance(invites, list | None)
        if not whole or not all(isinstance(row.get("createdAt"), int) for row in members):
            raise TemporarilyUnavailable("Vercel answered without its list of members, or without saying whether there "
                                         "are more.")  # fmt: skip
        return members, invites or [], more


def _account(member: dict) -> Account:
    """A member who isn't confirmed has asked to join, and waits for an owner's approval: invited."""
    confirmed = member.get("confirmed")
    status = UNKNOWN if not isinstance(confirmed, bool) else "active" if confirmed else "invited"
    return Account(
        member["uid"], clean(member.get("email")), clean(member.get("name")) or clean(member.get("username")), status,
        clean(member.get("role")), user_name=clean(member.get("username")),
        missing_fields=missing_from(member, email="email", role="role", user_name="username"),
        defaulted_fields=missing_from(member, name="name"),
    )  # fmt: skip


def _invitation(invite: dict) -> Account:
    return Account(INVITATION + invite["id"], clean(invite.get("email")), "", "invited", clean(invite.get("role")),
                   missing_fields=missing_from(invite, email="email", role="role"))  # fmt: skip
