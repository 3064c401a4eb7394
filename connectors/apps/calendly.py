"""Calendly: an organisation's members, admins and invitations; its groups as assets, which are only read.
A removal takes the person out of the organisation.

From developer.calendly.com/api-docs: “Get Current User”, “List Organization Memberships” (roles owner, admin, user),
“Get Organization Membership”, “Remove User from Organization” (an owner can't be), “List Organization Invitations”,
“Get Organization Invitation”, “Invite User to Organization”, “Revoke User's Organization Invitation”, “List Groups”,
“List Group Relationships” and “Rate Limits” (per minute; X-RateLimit-Reset in seconds).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from connectors.base import (
    ASSETS,
    INVITE,
    LOOK_UP,
    REMOVE,
    Access,
    Account,
    Asset,
    CredentialRejected,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import INVITATION_SENT, Effect, Reach, Undo, declared
from connectors.quality import at_its_maker
from connectors.tools.answers import disappeared, missing_from, no_list
from connectors.tools.http import Answer, Forbidden, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.paging import Page, pages_by_cursor
from connectors.tools.refusals import INVITATION, owns_token
from connectors.versions import ApiVersion

PAGE = 100  # the most that Calendly returns
ROLES = (
    Role("owner", "Owner", privileged=True),
    Role("admin", "Admin", privileged=True),
    Role("user", "User", default=True),
)


class Calendly(HttpConnector):
    slug = "calendly"
    label = "Calendly"
    logo = "calendly.svg"
    quality = at_its_maker("Calendly's API changes neither roles nor who is in a group.")
    docs = (
        "As the owner or an admin of the organisation, open calendly.com/integrations/api_webhooks and choose "
        "“Generate new token” (or “Get a token now”) under “Personal access tokens”.",
        "Give it a name and the scopes users:read, organizations:read, organizations:write and groups:read, create it "
        "and copy it: Calendly never shows it again.",
        "The token acts as you: Rollcall never removes the person that it belongs to. Calendly doesn't let anyone "
        "remove an owner.",
        "Calendly's API can't change roles or who is in a group, and invites people only as users. It reports neither "
        "seat types nor when someone was last active.",
    )
    fields = (
        token_field("Personal access token", "Of an owner or admin."),
        Field("groups", "Groups", "Groups are shown as assets, with their members and admins. This takes one call for "
                                  "each.",
              required=False, choices=(("read", "are read"), ("leave out", "are left out")), asks_secrets_again=False),
    )  # fmt: skip
    capabilities = frozenset({LOOK_UP, ASSETS, REMOVE, INVITE})
    effects = declared(
        "Calendly API, “Remove User from Organization”",
        remove=(
            Effect(
                "Removes them from the Calendly organisation.", Reach.ORGANISATION, Undo.IMPOSSIBLE,
                "Invite them again.",
            ),
            Effect(
                "Cancels the invitation: its link no longer works.", Reach.ORGANISATION, Undo.POSSIBLE,
                "Invite them again.", invited=True,
                source="Calendly API, “Revoke User's Organization Invitation”",
            ),
        ),
        invite=replace(INVITATION_SENT, reach=Reach.ORGANISATION),
    )  # fmt: skip
    api_version = ApiVersion("Calendly API", "v2", source="developer.calendly.com, API reference")
    asset_word = "group"
    api = "https://api.calendly.com"
    patience = 65  # seconds: “typically 60 seconds” until a used-up limit begins again

    @cached_property
    def _me(self) -> dict:
        return _resource(self._http.get("/users/me"))

    @property
    def _organization(self) -> str:
        """Its URI, by which Calendly filters."""
        if organization := clean(self._me.get("current_organization")):
            return organization
        raise CredentialRejected(f"{clean(self._me.get('name'))} is in no Calendly organisation: use an admin's token.")

    @property
    def _invitations_path(self) -> str:
        return f"/organizations/{segment(_last(self._organization))}/invitations"

    @cached_property
    def _my_membership(self) -> dict:
        """What the token may do in the organisation depends on its owner's role there."""
        params = {"organization": self._organization, "user": self._me["uri"]}
        for page in self._pages("/organization_memberships", "memberships", **params):
            for membership in page:
                if _user(membership).get("uri") == self._me["uri"]:
                    return membership
        raise CredentialRejected("Calendly doesn't say what role the token's owner has: use an owner's or admin's.")

    def test(self) -> Identity:
        self._must_see_everyone()
        missing = []
        next(self._invitations(), None)
        if self._reads_groups:
            try:
                next(self.assets(), None)
            except (Forbidden, NotFound) as no:
                missing.append(f"read groups: {no} Give the token the scope groups:read, or leave groups out.")
        return Identity(_name(self._me), _last(self._my_membership["uri"]), ("read members", "remove", "invite"),
                        tuple(missing))  # fmt: skip

    def _must_see_everyone(self) -> None:
        if self._my_membership.get("role") not in ("owner", "admin"):
            raise CredentialRejected(
                f"{_name(self._me)} isn't an admin in Calendly: use the token of an owner or admin.")  # fmt: skip

    @property
    def _reads_groups(self) -> bool:
        return self.settings.get("groups") != "leave out"

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        """Invitations come first: someone who accepts in between is then in two lists, rather than in none."""
        self._must_see_everyone()
        yield from self._invitations()
        for page in self._pages("/organization_memberships", "memberships", organization=self._organization):
            yield from map(_account, page)

    def _invitations(self, **params: str) -> Iterator[Account]:
        for page in self._pages(self._invitations_path, "invitations", status="pending", **params):
            yield from map(_invitation, page)

    def assets(self) -> Iterator[Asset]:
        return (Asset(_last(group["uri"]), "group", clean(group.get("name"))) for group in self._groups())

    def access(self) -> Iterator[Access]:
        """Someone who is both a member and an admin of a group has two records: the admin's counts."""
        for group in self._groups():
            try:
                roles = self._roles_in(group)
            except NotFound as gone:
                raise disappeared(f"The group {group.get('name')}", gone) from gone
            id = _last(group["uri"])
            yield from (Access(owner, id, role, role == "admin") for owner, role in roles.items())

    def managed(self, account: Account) -> list[Asset]:
        """By ids alone: a relationship has no name of its group."""
        owner = f"{Calendly.api}{self._path(account.id)}"
        pages = self._pages("/group_relationships", "group relationships", owner=owner) if self._reads_groups else ()
        return [Asset(_last(row.get("group")), "group") for page in pages for row in page if row.get("role") == "admin"]

    def _groups(self) -> Iterator[dict]:
        if self._reads_groups:
            for page in self._pages("/groups", "groups", organization=self._organization):
                yield from page

    def _roles_in(self, group: dict) -> dict[str, str]:
        roles: dict[str, str] = {}
        for page in self._pages("/group_relationships", "group relationships", group=group["uri"]):
            for row in page:
                owner, role = _owner(row), clean(row.get("role"))
                roles[owner] = "admin" if "admin" in (role, roles.get(owner)) else role
        return roles

    def _pages(self, path: str, what: str, **params: str) -> Iterator[list]:
        def fetch(token: str | None) -> Page:
            asked = {**params, "count": PAGE} | ({"page_token": token} if token else {})
            answer = self._http.get(path, asked).json(dict)
            pagination = answer.get("pagination")
            if not isinstance(answer.get("collection"), list) or not isinstance(pagination, dict):
                raise no_list("Calendly", what)
            return Page(answer["collection"], next=pagination.get("next_page_token"))

        return pages_by_cursor(fetch, what=what, id_of=lambda row: row["uri"])

    def account(self, id: str) -> Account | None:
        try:
            if id.startswith(INVITATION):
                invitation = _resource(self._http.get(self._path(id)))
                return _invitation(invitation) if invitation.get("status") == "pending" else None
            return _account(_resource(self._http.get(self._path(id))))
        except NotFound:
            self._must_see_everyone()
            return None

    def _path(self, id: str) -> str:
        if id.startswith(INVITATION):
            return f"{self._invitations_path}/{segment(id.removeprefix(INVITATION))}"
        return f"/organization_memberships/{segment(id)}"

    def remove(self, account: Account) -> None:
        if account.id == _last(self._my_membership["uri"]):
            raise owns_token("Calendly")
        try:
            self._http.operate("DELETE", self._path(account.id))
        except NotFound:
            return

    def invite(self, email: str, role: str) -> None:
        if role not in ("", "user"):
            raise Refused("Calendly's API invites users only: change their role in Calendly when they have accepted.")
        if next(self._invitations(email=email), None):
            return
        self._http.operate("POST", self._invitations_path, json={"email": email})


def _resource(answer: Answer) -> dict:
    resource = answer.json(dict).get("resource")
    if not isinstance(resource, dict) or not clean(resource.get("uri")):
        raise TemporarilyUnavailable(f"{answer.asked} answered without what was asked for.")
    return resource


def _last(uri: str) -> str:
    """The UUID that a URI ends with, which names the thing in paths."""
    if uuid := clean(uri).rsplit("/", 1)[-1]:
        return uuid
    raise TemporarilyUnavailable("Calendly returned something without its URI.")


def _name(user: dict) -> str:
    return clean(user.get("name")) or clean(user.get("email")) or "The token's owner"


def _user(membership: dict) -> dict:
    return membership["user"] if isinstance(membership.get("user"), dict) else {}


def _account(membership: dict) -> Account:
    user = _user(membership)
    return Account(
        _last(membership["uri"]), clean(user.get("email")), clean(user.get("name")), role=clean(membership.get("role")),
        missing_fields=missing_from(membership, email=("user", "email"), name=("user", "name"), role="role"),
    )  # fmt: skip


def _invitation(invitation: dict) -> Account:
    return Account(INVITATION + _last(invitation["uri"]), clean(invitation.get("email")), "", "invited", "user",
                   missing_fields=missing_from(invitation, email="email"))  # fmt: skip


def _owner(relationship: dict) -> str:
    """The account that is in the group: a membership or an invitation."""
    owner = relationship.get("owner") if isinstance(relationship.get("owner"), dict) else {}
    if not clean(owner.get("uri")):
        raise TemporarilyUnavailable("Calendly did not say who is in a group.")
    return (INVITATION if owner.get("type") == "OrganizationInvitation" else "") + _last(owner["uri"])
