"""Atlassian: an organisation's users with their administrator role and last activity; groups and apps as assets.
Removal suspends a person in each of its directories, or removes them from the organisation with their groups, apps and
roles.

From developer.atlassian.com, Organizations REST API v2 (directories, users/search, groups/search, memberships,
workspaces; role-assignments of v1), whose older lists end in 2026 and 2027; “Rate limits” (X-RateLimit-Reset, ISO
8601), and the models that npm's jira.js has from its OpenAPI description. “-” for all directories, and that centralized
user management has one: community.atlassian.com, “New organization APIs available today”. Suspending and what it keeps:
“Suspend user in directory”, “Restore …”, “Remove user from directory” (jira.js, src/admin/api/users.ts). That an
organization's API keys have to be revoked when the admin who created them leaves: support.atlassian.com, “Manage an
organization with the admin APIs”.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import Any

from connectors.base import (
    CAPABILITIES,
    INVITE,
    UNKNOWN,
    Access,
    Account,
    Asset,
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
from connectors.quality import at_its_maker
from connectors.tools.answers import RATE_LIMITED, known_status, missing_from, unreadable
from connectors.tools.http import Answer, NotFound, clean, seconds_to_wait, segment
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.paging import Page, number, pages_by_cursor
from connectors.tools.times import from_iso
from connectors.versions import ApiVersion

USERS, GROUPS = 50, 20  # per page: each list's default; its maximum isn't documented
ALL = "-"  # in place of a directory: "all directories the requestor has permission to manage"
USER, ORG_ADMIN = "user", "atlassian/org-admin"
ROLES = (
    Role(ORG_ADMIN, "Organization admin", privileged=True),
    Role("atlassian/site-admin", "Site admin"),  # “only organization admins can add … other organization admins”
    Role("atlassian/user-access-admin", "User access admin"),
    Role(USER, "User", default=True),
    Role("atlassian/ai-access", "AI access"),
)  # the highest first
ADMINISTRATORS = tuple(role.id for role in ROLES[:3])  # someone with none of these is a plain user
MEMBER = "member"
SUSPEND, REMOVE_FOR_GOOD = "suspend", "remove"  # values of the field “removal”
STATUSES = {
    "accountStatus": {"active": "active", "inactive": "suspended"},
    "membershipStatus": {"active": "active", "suspended": "suspended"},
}


class Atlassian(HttpConnector):
    slug = "atlassian"
    label = "Atlassian"
    logo = "atlassian.svg"
    quality = at_its_maker("Atlassian's API invites people to certain apps only.")
    docs = (
        "As an organization admin, open admin.atlassian.com, choose the organization, then Settings, API keys, and "
        "create an API key without scopes: Atlassian documents none for searching and removing users.",
        "Atlassian shows the key and the organization ID once. A key is valid for a year at most: note when it "
        "expires.",
        "Rollcall reads the organization's users, apps and groups. Managed accounts that are in none of its "
        "directories have no paid seat and are left out. Deactivated accounts show as suspended.",
        "Atlassian's API doesn't report whether an invitation is still pending (such people look like users). It can "
        "invite people only to certain apps, so invite them in Atlassian. It reports the last activity only if the "
        "organization has a single directory, as every organization with centralized user management does.",
        "People who leave are suspended in each directory of the organization: they lose access to every app, you are "
        "not billed for them, and restoring them in Atlassian gives their groups and roles back. If you choose to "
        "have them removed instead, that can't be undone: you would have to invite them again, and give them their "
        "groups and roles again. Neither closes the person's own Atlassian account, which may belong to other "
        "organizations, too. Organization API keys that an admin created aren't revoked: revoke them in Settings, API "
        "keys.",
        "Access to an app is given and taken away through its groups. A group that an identity provider manages can't "
        "be changed here. Organization admin is the only role that Rollcall can give and take away.",
    )
    fields = (
        Field("org_id", "Organization ID", "Shown with the API key.", pattern=r"[A-Za-z0-9-]+"),
        token_field("API key", "An organization's, not a person's API token."),
        Field("removal", "People who leave are", required=False,
              choices=((SUSPEND, "suspended, and can be restored"),
                       (REMOVE_FOR_GOOD, "removed from the organization for good")),
              asks_secrets_again=False),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES) - {INVITE}
    own_account_unknown = (
        "An organization's API key belongs to no account. Rollcall can't protect the admin who created the key."
    )
    effects = declared(
        "Organizations REST API v2, “Suspend user in directory” and “Remove user from directory”",
        remove=(
            Effect(
                "Suspends them in every directory of the organization: they lose access to its apps, and keep their "
                "groups and roles.",
                Reach.ORGANISATION, Undo.POSSIBLE, "Restore them in Atlassian Administration.",
                frees_seat=Seat.FREED, when=("removal", SUSPEND),
            ),
            Effect(
                "Removes them from every directory of the organization, and so from its apps and groups.",
                Reach.ORGANISATION, Undo.IMPOSSIBLE, "Invite them again, and give them their groups and roles again.",
                lost=("their groups and roles",), frees_seat=Seat.FREED, when=("removal", REMOVE_FOR_GOOD),
            ),
        ),
        change_role=replace(ROLE_CHANGED, reach=Reach.ORGANISATION),
        grant=replace(GRANTED, does="Adds them to a group, and so gives them everything that it grants.",
                      reach=Reach.ORGANISATION),
        revoke=replace(REVOKED, does="Removes them from a group, and so takes away everything that it grants.",
                       reach=Reach.ORGANISATION),
    )  # fmt: skip
    api_version = ApiVersion("Organizations REST API", "v2", source="Organizations REST API (role assignments: v1)")
    asset_word = "group or app"
    asset_roles_by_hand = asset_roles_kept = frozenset({("app", "*")})
    patience = 65  # seconds
    change_role_keeps = True
    api = "https://api.atlassian.com/admin"

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _too_many(answer)

    @property
    def removal_suspends(self) -> bool:
        return self.settings.get("removal") != REMOVE_FOR_GOOD

    def _org(self, version: str) -> str:
        return f"/{version}/orgs/{segment(self.settings.get('org_id', ''))}"

    def _in(self, directory: str) -> str:
        return f"{self._org('v2')}/directories/{segment(directory)}"

    def test(self) -> Identity:
        try:
            org = self._http.get(self._org("v1")).json(dict).get("data") or {}
        except NotFound as no:
            raise CredentialRejected(f"{no} Check the organization ID, and that the key is this one's.") from None
        next(self._users(), None)
        missing = unreadable(
            ("read groups", lambda: next(self._groups(), None), ""),
            ("read apps", lambda: next(self._apps(), None), ""),
        )
        name = clean((org.get("attributes") or {}).get("name")) or clean(org.get("id"))
        return Identity(name, may=("read users",), missing=missing)

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        for page in self._user_pages(self._scope):
            yield from map(_account, self._with_status(list(filter(_has_seat, page))))

    @cached_property
    def _all_directories(self) -> list[str]:
        return self._directories()

    @property
    def _scope(self) -> str:
        """The only directory, else all of them. Atlassian returns the last activity only for a single directory."""
        return self._all_directories[0] if len(self._all_directories) == 1 else ALL

    def _with_status(self, rows: list[dict]) -> list[dict]:
        """The rows. Someone who is suspended in one directory, but not in another, has the membership of the other:
        “active” if there is one. No document says which of them the list of all directories shows."""
        asked = [row["accountId"] for row in rows
                 if row.get("membershipStatus") == "suspended" and row.get("accountStatus") != "inactive"]  # fmt: skip
        if self._scope != ALL or not asked:
            return rows
        found = chain.from_iterable(self._users_of(place, accountIds=asked) for place in self._all_directories)
        shown = [(row["accountId"], row.get("membershipStatus")) for row in found]
        others = {id: status for id, status in shown if status not in ("suspended", "no_membership")}
        others |= {id: status for id, status in shown if status == "active"}
        return [{**row, "membershipStatus": others[row["accountId"]]} if row["accountId"] in others else row
                for row in rows]  # fmt: skip

    def _directories(self, **params: str) -> list[str]:
        def fetch(cursor: str | None) -> Page:
            given = {"cursor": cursor} if cursor else params
            return _page(self._http.get(f"{self._org('v2')}/directories", given))

        pages = pages_by_cursor(fetch, what="directories", id_of=lambda row: row["directoryId"])
        return [row["directoryId"] for page in pages for row in page]

    def _users(self, **only: list[str]) -> Iterator[dict]:
        return self._users_of(self._scope, **only)

    def _users_of(self, directory: str, **only: list[str]) -> Iterator[dict]:
        return chain.from_iterable(self._user_pages(directory, **only))

    def _user_pages(self, directory: str, **only: list[str]) -> Iterator[list[dict]]:
        expand = ["platformRoles"] + (["productAccess"] if directory != ALL else [])
        path = f"{self._in(directory)}/users/search"
        return self._found(path, "users", "accountId", limit=USERS, expand=expand, **only)

    def _groups(self) -> Iterator[dict]:
        return chain.from_iterable(self._found(f"{self._in(ALL)}/groups/search", "groups", "id", limit=GROUPS))

    def _found(self, path: str, what: str, id: str, **body: Any) -> Iterator[list[dict]]:
        def fetch(cursor: str | None) -> Page:
            sent = {**body, **({"cursor": cursor} if cursor else {})}
            return _page(self._http.post(path, json=sent, idempotent=True))

        return pages_by_cursor(fetch, what=what, id_of=lambda row: row[id])

    def _apps(self) -> Iterator[dict]:
        """Jira, Confluence …, once for each site. Only the cursor is sent."""

        def fetch(cursor: str | None) -> Page:
            sent = {"cursor": cursor} if cursor else {}
            return _page(self._http.post(f"{self._org('v2')}/workspaces", json=sent, idempotent=True))

        for page in pages_by_cursor(fetch, what="apps"):
            yield from page

    def assets(self) -> Iterator[Asset]:
        for group in self._groups():
            yield Asset(f"group:{group['id']}", "group", clean(group.get("name")))
        for app in self._apps():
            about = app.get("attributes") or {}
            kind, name, site = (clean(about.get(key)) for key in ("type", "name", "hostUrl"))
            yield Asset(f"app:{app['id']}", "app", " · ".join(dict.fromkeys(filter(None, (kind, name, site)))))

    def access(self) -> Iterator[Access]:
        for group in self._groups():
            for row in self._users(groupIds=[group["id"]]):
                yield Access(row["accountId"], f"group:{group['id']}", MEMBER)
        for app in self._apps():
            for row in self._users(resourceIds=[app["id"]]):
                yield Access(row["accountId"], f"app:{app['id']}")

    def account(self, id: str) -> Account | None:
        row = self._found_by_id(id)
        return _account(self._with_status([row])[0]) if row and _has_seat(row) else None

    def _found_by_id(self, id: str, **only: list[str]) -> dict | None:
        """The person with this id, even if the search finds others too."""
        return next((row for row in self._users(accountIds=[id], **only) if row["accountId"] == id), None)

    def remove(self, account: Account) -> None:
        for directory in self._directories(accountId=account.id):
            path = f"{self._in(directory)}/users/{segment(account.id)}"
            if not self.removal_suspends:
                self._operate("DELETE", path)
            elif not self._is_suspended_in(directory, account.id):
                self._operate("POST", f"{path}/suspend")

    def _is_suspended_in(self, directory: str, id: str) -> bool:
        """Looked up first, because the answer to a second suspension isn't documented."""
        rows = self._users_of(directory, accountIds=[id])
        return any(row["accountId"] == id and row.get("membershipStatus") == "suspended" for row in rows)

    @classmethod
    def roles_after(cls, account: Account, role: str) -> tuple[str, ...]:
        if role != ORG_ADMIN and (role != USER or account.role not in (ORG_ADMIN, USER)):
            raise Refused("Atlassian's API can give and take away only the role of organization admin: change other "
                          "roles in Atlassian.")
        return tuple(_with_user({role, *account.roles} - ({ORG_ADMIN, USER} - {role})))

    def change_role(self, account: Account, role: str) -> None:
        now = self.account(account.id)
        if now is None:
            raise Refused(f"{account.name or account.email} is no longer in the organization.")
        if now.role == role or set(now.roles) == set(self.roles_after(now, role)):
            return
        action = "assign" if role == ORG_ADMIN else "revoke"
        path = f"{self._org('v1')}/users/{segment(account.id)}/role-assignments/{action}"
        self._operate("POST", path, {"role": ORG_ADMIN})

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        group = self._group_of(asset)
        if not self._is_in(account, asset):
            self._operate("POST", f"{group}/memberships", {"accountId": account.id})

    def revoke(self, account: Account, asset: Asset) -> None:
        try:
            group = self._group_of(asset)
        except NotFound:
            return
        self._operate("DELETE", f"{group}/memberships/{segment(account.id)}")

    def _group_of(self, asset: Asset) -> str:
        """The group's address, in the directory that it belongs to."""
        kind, _, id = asset.id.partition(":")
        if kind != "group":
            raise Refused("Access to an Atlassian app comes through its groups: change who is in those.")
        group = self._http.get(f"{self._in(ALL)}/groups/{segment(id)}").json(dict).get("data") or {}
        if not group.get("directoryId"):
            raise TemporarilyUnavailable(f"Atlassian did not report the directory of {asset.name}.")
        return f"{self._in(group['directoryId'])}/groups/{segment(id)}"

    def _is_in(self, account: Account, asset: Asset) -> bool:
        _, _, id = asset.id.partition(":")
        return self._found_by_id(account.id, groupIds=[id]) is not None

    def _operate(self, method: str, path: str, body: dict | None = None) -> None:
        """An account that is already gone counts as done."""
        try:
            self._http.operate(method, path, json=body, idempotent=True)
        except NotFound:
            if method != "DELETE":
                raise


def _has_seat(row: dict) -> bool:
    """Managed accounts that are in no directory, and closed ones, have none."""
    return row.get("membershipStatus") != "no_membership" and row.get("accountStatus") != "closed"


def _account(row: dict) -> Account:
    main, *further = _with_user(set(map(clean, row.get("platformRoles") or ())) - {""})
    activity = [from_iso(product.get("lastActiveTimestamp")) for product in row.get("productAccess") or ()]
    return Account(
        id=row["accountId"],
        email=clean(row.get("email")),
        name=clean(row.get("name")) or clean(row.get("nickname")),
        status=_status(row),
        role=main,
        further_roles=tuple(further),
        kind="system" if row.get("accountType") == "app" else "user",
        last_activity=max(filter(None, activity), default=None),
        missing_fields=missing_from(row, email="email", role="platformRoles", kind="accountType",
                                    last_activity="productAccess",
                      status={"accountStatus", "membershipStatus"}),
        defaulted_fields=missing_from(row, name="name"),
    )


def _with_user(roles: Collection[str]) -> list[str]:
    """The highest first, then those that ROLES doesn't name. Beside an administrator's role, “User” says nothing."""
    places = {role.id: place for place, role in enumerate(ROLES)}
    roles = {*roles, USER} if not set(ADMINISTRATORS) & set(roles) else set(roles) - {USER}
    return sorted(roles, key=lambda id: (places.get(id, len(places)), id))


def _status(row: dict) -> str:
    """Of the account and of its membership: active where both are, suspended where either is."""
    found = [known_status(row[name], known) for name, known in STATUSES.items() if name in row]
    if row.get("status") == "for_deletion" or "suspended" in found:
        return "suspended"
    return next((status for status in found if status != "active"), "active" if found else UNKNOWN)


def _page(answer: Answer) -> Page:
    found = answer.json(dict)
    if not isinstance(found.get("data"), list):
        raise TemporarilyUnavailable(f"{answer.asked} answered without its data.")
    links, meta = found.get("links") or {}, found.get("meta") or {}
    return Page(found["data"], number(meta.get("total")), links.get("next"))


def _too_many(answer: Answer) -> ConnectorError | None:
    """429: X-RateLimit-Reset is a date and time in UTC."""
    reset = from_iso(answer.headers.get("X-RateLimit-Reset"))
    if answer.status != 429 or reset is None or seconds_to_wait(answer) is not None:
        return None
    wait = (reset - datetime.now(UTC).replace(tzinfo=None)).total_seconds()
    return RateLimited(f"{answer.asked} answered 429. {RATE_LIMITED}", max(wait, 1))
