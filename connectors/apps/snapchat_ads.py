"""Snapchat Ads: the members of an organization, their roles in it, and their roles on its ad accounts.
This connector only reads. No document of Snap's that we could read shows a call that removes a member, so people remove
members by hand.

From developers.snap.com, Ads API: “Members” (INVITED, MEMBER), “Roles” (of an organization and of an ad account),
“Organizations” (/me/organizations), “API Patterns” (a parent's entities, single ones, limit, paging.next_link,
request_status, sub_request_status), “Authentication” (scope, refresh token) and “Rate Limits” (429). The form of a role
is also in github.com/amp-labs/connectors, providers/snapchatads. These documents don't say what the roles of July 2026
(agency_admin, agency_member) may do, so they are shown by their own names.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from types import MappingProxyType
from typing import Any

from connectors.base import (
    ASSETS,
    LOOK_UP,
    PAID_SOCIAL,
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
from connectors.quality import at_its_maker
from connectors.tools.answers import known_status, list_in, missing_from
from connectors.tools.http import Answer, Forbidden, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector
from connectors.tools.oauth import refreshed
from connectors.tools.paging import Page, pages_by_link
from connectors.tools.renewal import Renewed
from connectors.versions import ApiVersion

PAGE = 1000  # the most items that Snap returns at once
ROLES = (  # the most powerful first: it is the main role of someone with several
    Role("admin", "Organization admin", privileged=True),
    Role("business_admin", "Business admin", privileged=True),
    Role("data_admin", "Data admin"),
    Role("member", "Member", default=True),
)
RANK = {role.id: place for place, role in enumerate(ROLES)}
SEES_EVERYONE = {role.id for role in ROLES if role.privileged}
EVERYWHERE = {"admin": "organization admin", "data_admin": "organization data admin"}  # roles on every ad account
STATUSES = MappingProxyType({"MEMBER": "active", "INVITED": "invited"})


class SnapchatAds(HttpConnector):
    slug = "snapchat_ads"
    label = "Snapchat Ads"
    category = PAID_SOCIAL
    logo = "snapchat.svg"
    quality = at_its_maker("No document of Snap's API that we could read shows a call that removes a member.",
                           managers=False)  # fmt: skip
    docs = (
        "At business.snapchat.com, as an organization admin, open Business Details. Copy the organization ID.",
        "Under OAuth Apps on the same page create an app with the redirect URI https://localhost. Copy the client ID "
        "and the secret: Snap never shows the secret again.",
        "Open https://accounts.snapchat.com/login/oauth2/authorize?response_type=code&client_id=CLIENT_ID&"
        "redirect_uri=https://localhost&scope=snapchat-marketing-api with your client ID, and sign in as an "
        "organization admin. Your browser then shows a page that can't be opened: copy the code from its address. Snap "
        "has no read-only scope.",
        "Exchange the code within minutes, and enter the refresh_token of the answer here. The command: curl "
        "https://accounts.snapchat.com/login/oauth2/access_token -d client_id=CLIENT_ID -d "
        "client_secret=CLIENT_SECRET -d code=CODE -d redirect_uri=https://localhost -d grant_type=authorization_code",
        "Rollcall reads members, invitations, roles and ad accounts, and changes nothing in Snapchat. Each removal is "
        "a task: remove the member at business.snapchat.com under Members, then mark the task as done.",
        "The person who signed in must stay an organization admin or business admin: nobody else sees every member. "
        "Rollcall doesn't read roles on catalogs. Snap doesn't report when someone was last active.",
    )
    fields = (
        Field("organization_id", "Organization ID", "It is shown under Business Details.", pattern=r"[0-9A-Za-z-]+",
              placeholder="40d6719b-da09-410b-9185-0cc9c0dfed1d"),
        Field("client_id", "Client ID", pattern=r"\S+", of_credential=True),
        Field("client_secret", "Client secret", secret=True, pattern=r"\S+"),
        Field("refresh_token", "Refresh token", secret=True, pattern=r"\S+"),
    )  # fmt: skip
    capabilities = frozenset({LOOK_UP, ASSETS})
    api_version = ApiVersion("Snapchat Ads API", "v1", source="developers.snap.com, Ads API reference")
    asset_word = "ad account"
    role_word = "role in the organization"
    api = "https://adsapi.snapchat.com/v1"
    login = "https://accounts.snapchat.com/login/oauth2"

    @property
    def _headers(self) -> dict[str, str]:
        return {}

    @cached_property
    def _auth(self) -> Renewed:
        values = [self.settings.get(name, "") for name in ("client_id", "client_secret", "refresh_token")]
        return refreshed(f"{self.login}/access_token", *values)

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _problem(answer)

    @property
    def _organization(self) -> str:
        return f"/organizations/{segment(self.settings.get('organization_id', '').strip(), 'the organization ID')}"

    def test(self) -> Identity:
        me = self._me()
        self._must_see_everyone(me, self._roles_by_member())
        next(self.assets(), None)
        mine = clean(me.get("my_member_id"))
        name = f"{clean(me.get('my_display_name')) or 'An admin'} of {clean(me.get('name')) or 'the organization'}"
        unknown = "know which member it acts as: Snapchat didn't report it. Protect that member in Rollcall."
        return Identity(name, mine or None, ("read members, roles and ad accounts",), () if mine else (unknown,))

    def _me(self) -> dict:
        """The organization, with the `my_member_id` of the person who signed in. Raises CredentialRejected for someone
        who isn't in it."""
        wanted = self.settings.get("organization_id", "").strip()
        found = next((row for row in self._rows("/me/organizations", "organization") if row.get("id") == wanted), None)
        if found is None:
            raise CredentialRejected(
                f"The person who signed in isn't in the Snapchat organization {wanted}. Check the organization ID, or "
                "sign in as one of the organization's admins."
            )
        return found

    @staticmethod
    def _must_see_everyone(me: dict, roles: dict[str, list[str]]) -> None:
        """Raises CredentialRejected unless the person who signed in may see every member: “the access token will
        reflect the user permissions”."""
        mine = clean(me.get("my_member_id"))
        if mine and not SEES_EVERYONE & set(roles.get(mine, ())):
            raise CredentialRejected(
                f"{clean(me.get('my_display_name')) or 'The person who signed in'} isn't an organization admin or "
                "business admin in Snapchat, so members may be missing from the list. Sign in as an admin."
            )

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        roles = self._roles_by_member()
        self._must_see_everyone(self._me(), roles)
        for row in self._rows(f"{self._organization}/members", "member"):
            yield _account(row, roles.get(row["id"], []))

    def account(self, id: str) -> Account | None:
        """Found in the list of members: Snap's answer about one entity is the same error (E3004) whether it is gone or
        forbidden."""
        return next((account for account in self.accounts() if account.id == id), None)

    def _roles_by_member(self) -> dict[str, list[str]]:
        """Member → their roles in the organization itself, the most powerful first."""
        found: dict[str, list[str]] = {}
        for row in self._rows(f"{self._organization}/roles", "role"):
            if self._is_of_organization(row) and (role := clean(row.get("type")).lower()):
                found.setdefault(clean(row.get("member_id")), []).append(role)
        return {member: sorted(set(roles), key=lambda role: (RANK.get(role, len(RANK)), role))
                for member, roles in found.items()}  # fmt: skip

    def _is_of_organization(self, row: dict) -> bool:
        if "container_id" in row:
            return row["container_id"] == self.settings.get("organization_id", "").strip()
        return not row.keys() & {"ad_account_id", "catalog_id"}

    def assets(self) -> Iterator[Asset]:
        for row in self._rows(f"{self._organization}/adaccounts", "adaccount"):
            yield Asset(row["id"], "ad account", clean(row.get("name")) or row["id"])

    def access(self) -> Iterator[Access]:
        """Roles on each ad account, and those in the organization that reach every ad account. Of several, the highest
        counts: organization admin is above each role on an ad account, and data admin, who only reports, below."""
        above, below = ({member: EVERYWHERE[role] for member, roles in self._roles_by_member().items() if role in roles}
                        for role in ("admin", "data_admin"))  # fmt: skip
        for asset in self.assets():
            named = {}
            for row in self._rows(f"/adaccounts/{segment(asset.id)}/roles", "role"):
                role = clean(row.get("type")).lower()
                if named.get(row["member_id"]) != "admin":
                    named[row["member_id"]] = role
            for member, role in (below | named | above).items():
                yield Access(member, asset.id, role, role in ("admin", EVERYWHERE["admin"]))

    def _rows(self, path: str, name: str) -> Iterator[dict]:
        """The entities of a list, out of their wrappers: {"members": [{"sub_request_status": …, "member": {…}}]}."""

        def fetch(link: str | None) -> Page:
            answer = self._http.get(link) if link else self._http.get(path, {"limit": PAGE})
            body = answer.json(dict)
            rows = list_in(body, f"{name}s", answer.asked)
            return Page([_unwrapped(row, name) for row in rows], next=(body.get("paging") or {}).get("next_link"))

        for page in pages_by_link(fetch, what=f"{name}s"):
            yield from page


def _account(row: dict, roles: list[str]) -> Account:
    silent = missing_from(row, email="email", name="display_name", status="member_status")
    return Account(
        id=row["id"],
        email=clean(row.get("email")),
        name=clean(row.get("display_name")),
        status=known_status(row.get("member_status"), STATUSES),
        role=next(iter(roles), ""),
        further_roles=tuple(roles[1:]),
        missing_fields=silent if roles else silent | {"role"},
    )


def _unwrapped(row: Any, name: str) -> dict:
    """The entity inside its wrapper. Raises TemporarilyUnavailable if Snap couldn't read it, because the list is then
    incomplete."""
    inner = row.get(name) if isinstance(row, dict) else None
    if not isinstance(inner, dict) or not _succeeded(row.get("sub_request_status")):
        why = clean(row.get("sub_request_error_reason")) if isinstance(row, dict) else ""
        raise TemporarilyUnavailable(f"Snapchat left out one of the {name}s{f': {why}' if why else ''}.")
    return inner


def _succeeded(status: Any) -> bool:
    return clean(status).upper() == "SUCCESS"


def _problem(answer: Answer) -> ConnectorError | None:
    """The error of an answer, None for a success. Snap's errors have request_status, error_code and display_message,
    and may have status 200."""
    if answer.is_page or answer.status == 429 or answer.status >= 500:
        return None
    body = answer.json_or_none()
    if not isinstance(body, dict) or "request_status" not in body or _succeeded(body["request_status"]):
        return None
    words = clean(body.get("display_message")) or clean(body.get("debug_message")) or clean(body["request_status"])
    code = clean(body.get("error_code"))
    says = f"{answer.asked} answered {answer.status}: “{words.rstrip('.')}”{f' ({code})' if code else ''}."
    if answer.status == 401:
        return CredentialRejected(f"{says} The refresh token is wrong or revoked. Enter a new one.")
    if answer.status == 403:
        return Forbidden(f"{says} The person who signed in must be an organization admin.")
    if answer.status == 404:
        return NotFound(says)
    if clean(body["request_status"]).upper() == "PARTIAL":
        return TemporarilyUnavailable(says)
    return Refused(says)
