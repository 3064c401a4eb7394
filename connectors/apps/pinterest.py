"""Pinterest: a business's members, system users, partners and invitations; who has which ad account and profile.
Removal takes a member or partner out of the business; they keep their own Pinterest account.

Calls, parameters and permissions as in Pinterest's own description (github.com/pinterest/api-description,
v5/openapi.yaml: BusinessAccessUserSummary, GetBusinessAssetsResponse, Permissions, and BusinessRoleResponse: employees
“cannot see details about other employees, partners, or other assets”) and clients made from its version 5.23
(github.com/oapicf/pinterest-sdk); from developers.pinterest.com: “Share business access” (roles, permissions),
“Pagination” (bookmark, page_size up to 250), “Rate limits” (429), “Set up authentication and authorization” (Basic,
refresh_token), “Token Debugger”, “Get user account” (id, username).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from connectors.base import (
    CAPABILITIES,
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
)
from connectors.effects import (
    ENDED_PARTNERSHIP,
    GRANTED,
    INVITATION_SENT,
    LEFT_BUSINESS,
    REVOKED,
    ROLE_CHANGED,
    declared,
)
from connectors.names import email_key
from connectors.pinterest.answers import items, problem, refusal_in
from connectors.quality import Missing, Rule, at_its_maker
from connectors.tools.answers import disappeared, missing_from, unreadable
from connectors.tools.http import Answer, Forbidden, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector, bearer, token_field
from connectors.tools.oauth import refreshed
from connectors.tools.paging import Page, pages_by_cursor
from connectors.tools.refusals import INVITATION, must_have_joined
from connectors.tools.renewal import Renewed
from connectors.versions import ApiVersion

PAGE = 250
MANAGER = "BIZ_ADMIN"
ROLES = (
    Role(MANAGER, "Manager", privileged=True),
    Role("EMPLOYEE", "Employee", default=True),
    Role("PARTNER", "Partner"),  # another business
)
OF_MEMBERS = (MANAGER, "EMPLOYEE")
PARTNER = "partner:"
KINDS = {  # Pinterest lists one kind at a time
    "AD_ACCOUNT": "ad account", "PROFILE": "profile", "CATALOG": "catalogue", "ASSET_GROUP": "asset group",
}  # fmt: skip
PERMISSIONS = (
    "ADMIN", "ANALYST", "FINANCE_MANAGER", "FINANCE_EDIT", "FINANCE_VIEW", "AUDIENCE_MANAGER", "CAMPAIGN_MANAGER",
    "CATALOGS_MANAGER", "CATALOGS_VIEWER", "PROFILE_PUBLISHER", "CONSUMER_USER",
)  # fmt: skip
OURS = "INTERNAL"  # partners that may use our assets, not those whose assets we may use


class Pinterest(HttpConnector):
    slug = "pinterest"
    label = "Pinterest"
    category = PAID_SOCIAL
    logo = "pinterest.svg"
    quality = at_its_maker("Pinterest's API can't remove a system user.", managers=False, more={
        Rule.CREDENTIAL_END: Missing("Pinterest replaces the refresh token at each renewal, and Rollcall keeps one."),
    })  # fmt: skip
    docs = (
        "With a Pinterest business account, open developers.pinterest.com, “My apps”, and connect an app. Pinterest "
        "reviews it; business access can't be tried in its sandbox.",
        "Let a manager of the business authorise the app with the scopes biz_access:read and biz_access:write, "
        "user_accounts:read to know whose token it is, and ads:read for the ad accounts' names (see “Set up "
        "authentication and authorization” at developers.pinterest.com). "
        "The code from the address is exchanged for an access token, which begins with pina, and a refresh token, "
        "which begins with pinr.",
        "Pinterest's tokens expire: the access token after about 30 days, the refresh token after about 60. Each "
        "renewal makes a new refresh token, which Rollcall doesn't keep. Pinterest doesn't document whether the "
        "earlier one stays valid. If Rollcall says that it was rejected, use an access token.",
        "The business ID is the long number in the address of Business Manager, after “business-access”.",
        "Pinterest's API doesn't return when someone was last active, or the names of people and profiles. Members are "
        "shown with their username and e-mail address. A partner is another business, and its own people are not "
        "shown. Rollcall never matches a partner to a person automatically. To remove one, select it on the Members "
        "tab: that ends the whole partnership. Assets of the type “consumer” are not read. Rollcall can't remove a "
        "system user.",
    )
    fields = (
        Field("business_id", "Business ID", "A long number.", pattern=r"[0-9]{1,20}"),
        Field("way", "Credential", choices=(("token", "Access token for 30 days"), ("refresh", "Refresh token"))),
        token_field("Access token", "Begins with pina.", when=("way", "token")),
        Field("app_id", "App ID", "Of the app, under “My apps”.", pattern=r"\S+", when=("way", "refresh"),
              of_credential=True),
        Field("app_secret", "App secret key", secret=True, pattern=r"\S+", when=("way", "refresh")),
        Field("refresh_token", "Refresh token", "Begins with pinr.", secret=True, pattern=r"\S+",
              when=("way", "refresh")),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "pinterest/api-description, v5/openapi.yaml: business_members, business_partners",
        remove=(
            replace(
                LEFT_BUSINESS,
                does="Removes them from the business and all its assets. They keep their own Pinterest account.",
            ),
            ENDED_PARTNERSHIP,
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("Pinterest API", "v5", source="pinterest/api-description, v5/openapi.yaml")
    asset_word = "asset"
    api = "https://api.pinterest.com/v5"

    @property
    def _headers(self) -> dict[str, str]:
        return {} if self._refreshes else bearer(self._token)

    @property
    def _auth(self) -> Renewed | None:
        if not self._refreshes:
            return None
        values = [self.settings.get(name, "") for name in ("app_id", "app_secret", "refresh_token")]
        return refreshed(f"{self.api}/oauth/token", *values, by_basic=True)

    @property
    def _refreshes(self) -> bool:
        return self.settings.get("way") == "refresh"

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return problem(answer)

    @property
    def _business(self) -> str:
        return f"/businesses/{segment(self.settings.get('business_id', ''))}"

    def test(self) -> Identity:
        try:
            next(self._members(), None)
            next(self._invitations(), None)
        except (Forbidden, NotFound) as no:
            raise CredentialRejected(f"{no} Check the business ID, that the token is a manager's, and that it has the "
                                     "scope biz_access:read.") from None  # fmt: skip
        missing, mine = [], None
        try:
            own = self._own_names()
            mine = next((one.id for one in self._seen_by_a_manager(own) if _is_named(one, own)), None)
        except Forbidden as no:
            missing.append(f"know who authorised the app: {no} It takes the scope user_accounts:read. Until then, "
                           "protect that member by hand.")  # fmt: skip
        missing += unreadable(
            ("read assets", lambda: next(self.assets(), None), ""),
            ("read the ad accounts' names", self._names, ""),
        )
        name = f"the business {self.settings.get('business_id', '')}"
        return Identity(name, mine, ("read members, partners and assets",), tuple(missing))

    def _own_names(self) -> set[str]:
        """The id and the username of the token's account: of a member, or of the business, which isn't a member."""
        me = self._http.get("/user_account").json(dict)
        return {clean(me.get("id")), clean(me.get("username")).casefold()} - {""}

    def _seen_by_a_manager(self, own: set[str]) -> Iterator[Account]:
        """The members. Raises CredentialRejected where the token's member isn't a manager, and so may not see all."""
        for member in self._members():
            if _is_named(member, own) and member.role and MANAGER not in member.roles:
                raise CredentialRejected(f"{member.name} isn't a manager of the business in Pinterest, so members may "
                                         "be missing from the list. Nothing was changed. Let a manager authorise the "
                                         "app, and enter the new token.")  # fmt: skip
            yield member

    def _everyone(self) -> Iterator[Account]:
        """The members, as _seen_by_a_manager(). Without the scope for it, it is unknown whose token this is."""
        try:
            return self._seen_by_a_manager(self._own_names())
        except Forbidden:
            return self._members()

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        """Invitations come first: someone who accepts in between is then in two lists, rather than in none."""
        yield from self._invitations()
        yield from self._everyone()
        yield from self._partners()

    def _invitations(self) -> Iterator[Account]:
        """Those that the business sent, not those that it got."""
        asked = {"is_member": "true", "invite_type": "MEMBER_INVITE", "invite_status": "PENDING"}
        for row in self._rows(f"{self._business}/invites", "invitations", **asked):
            if not row.get("is_received_invite"):
                yield _account(row, f"{INVITATION}{row['id']}", status="invited")

    def _members(self) -> Iterator[Account]:
        for system, kind in (("false", "user"), ("true", "system")):
            rows = self._rows(f"{self._business}/members", "members", fetch_system_users=system)
            yield from (_account(row, row["id"], kind=kind) for row in rows)

    def _partners(self) -> Iterator[Account]:
        rows = self._rows(f"{self._business}/partners", "partners", partner_type=OURS)
        return map(_partner, rows)

    def assets(self) -> Iterator[Asset]:
        try:
            names = self._names()
        except Forbidden:
            names = {}  # they need a further scope, and nothing depends on them
        for kind, row in self._assets():
            id = _asset_id(row)
            yield Asset(f"{kind}:{id}", KINDS[kind], names.get(id, "") if kind == "AD_ACCOUNT" else _own_name(row))

    def _names(self) -> dict[str, str]:
        rows = self._rows("/ad_accounts", "ad accounts", include_shared_accounts="true")
        return {row["id"]: clean(row.get("name")) for row in rows}

    def _assets(self) -> Iterator[tuple[str, dict]]:
        for kind in KINDS:
            for row in self._rows(f"{self._business}/assets", KINDS[kind] + "s", _asset_id, asset_type=kind):
                yield kind, row

    def access(self) -> Iterator[Access]:
        for kind, row in self._assets():
            id = _asset_id(row)
            try:
                for account, permissions in self._members_of(id):
                    yield Access(account, f"{kind}:{id}", ", ".join(permissions), "ADMIN" in permissions)
            except NotFound as gone:
                raise disappeared("An asset", gone) from gone

    def _members_of(self, asset: str) -> Iterator[tuple[str, list[str]]]:
        """Account ids with their permissions."""
        path = f"{self._business}/assets/{segment(asset)}"
        for system in ("false", "true"):
            for row in self._rows(f"{path}/members", "members of the asset", _user_id, fetch_system_users=system):
                yield _user_id(row), _texts(row.get("permissions"))
        for row in self._rows(f"{path}/partners", "partners of the asset", _user_id):
            yield f"{PARTNER}{_user_id(row)}", _texts(row.get("permissions"))

    def _rows(self, path: str, what: str, id_of: Callable[[dict], str] | None = None, **params: str) -> Iterator[dict]:
        def fetch(bookmark: str | None) -> Page:
            answer = self._http.get(path, {**params, "page_size": PAGE, **({"bookmark": bookmark} if bookmark else {})})
            return Page(items(answer), next=answer.json(dict).get("bookmark"))

        for page in pages_by_cursor(fetch, what=what, id_of=id_of or _id):
            yield from page

    def account(self, id: str) -> Account | None:
        """Found in the list of accounts: Pinterest has no call for a single one."""
        listed = self._invitations if id.startswith(INVITATION) else self._members
        listed = self._partners if id.startswith(PARTNER) else listed
        found = next((account for account in listed() if account.id == id), None)
        if found is None:
            for _ in self._everyone():  # raises CredentialRejected if the token may not see them
                pass
        return found

    def remove(self, account: Account) -> None:
        now = self.account(account.id)
        if now is None:
            return
        if now.kind == "system":
            raise Refused("Pinterest's API can't remove system users: do it in Business Manager.")
        id = _bare(now.id)
        if now.id.startswith(INVITATION):
            path, body = "invites", {"invite_ids": [id]}
        elif now.id.startswith(PARTNER):
            path, body = "partners", {"partner_ids": [id], "partner_type": OURS}
        else:
            path, body = "members", {"members": [{"member_id": id, "business_role": now.role}]}
        result = self._operate("DELETE", path, body, done=lambda: self.account(account.id) is None)
        named = result.get("deleted_members", result.get("deleted_partners"))
        if isinstance(named, list) and id not in named and self.account(account.id) is not None:
            raise Refused("Pinterest accepted the request, but did not remove them.")

    @classmethod
    def roles_after(cls, account: Account, role: str) -> tuple[str, ...]:
        if account.id.startswith((INVITATION, PARTNER)) or role not in OF_MEMBERS:
            raise Refused("Only members have the roles Manager and Employee: invitations and partners don't.")
        return super().roles_after(account, role)

    def change_role(self, account: Account, role: str) -> None:
        self.roles_after(account, role)
        self._operate("PATCH", "members", [{"member_id": account.id, "business_role": role}])

    def invite(self, email: str, role: str) -> None:
        if role not in ("", *OF_MEMBERS):
            raise Refused("Pinterest invites managers and employees this way; invite a partner in Business Manager.")
        known = (email_key(account.email) for listed in (self._invitations, self._members) for account in listed())
        if email_key(email) not in known:
            body = {"business_role": role or "EMPLOYEE", "invite_type": "MEMBER_INVITE", "members": [email]}
            self._operate("POST", "invites", body, may_repeat=False)

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        """The permissions given take the place of those that were there."""
        permissions = [one.strip() for one in role.split(",") if one.strip()]
        if not permissions or not set(permissions) <= set(PERMISSIONS):
            given = f"“{role}”" if permissions else "An empty text"
            raise Refused(f"Pinterest has no permission {given}. Give one or more of: "
                          f"{', '.join(PERMISSIONS)}.")  # fmt: skip
        path, who = _where(account)
        self._operate("PATCH", path, {"accesses": [{**who, "asset_id": _bare(asset.id), "permissions": permissions}]})

    def revoke(self, account: Account, asset: Asset) -> None:
        path, who = _where(account)
        id = _bare(asset.id)
        self._operate("DELETE", path, {"accesses": [{**who, "asset_id": id}]}, done=lambda: not self._has(account, id))

    def _has(self, account: Account, asset: str) -> bool:
        try:
            return any(id == account.id for id, _ in self._members_of(asset))
        except NotFound:
            return False

    def _operate(
        self, method: str, path: str, body: Any, may_repeat: bool = True, done: Callable[[], bool] = lambda: False
    ) -> dict:
        """A successful answer can contain a failure. A refusal doesn't count if it is `done` already."""
        try:
            answer = self._http.call(method, f"{self._business}/{path}", json=body, idempotent=may_repeat)
            if refusal := refusal_in(answer):
                raise Refused(refusal)
            return answer.json(dict)
        except (Refused, Forbidden) as no:
            if done():
                return {}
            raise Refused(str(no)) from no


def _account(row: dict, id: str, status: str = "active", kind: str = "user") -> Account:
    user = row.get("user") or {}
    main, *further = _highest_first(_texts(row.get("business_roles"))) or [""]
    return Account(
        id=id,
        email=clean(user.get("email")),
        name=clean(user.get("username")),
        status=status,
        role=main,
        further_roles=tuple(further),
        kind=kind,
        missing_fields=missing_from(row, email=("user", "email"), name=("user", "username"), role="business_roles"),
    )


def _partner(row: dict) -> Account:
    """A partner is a business. Its e-mail address is left out, because it may be an employee's: Rollcall would match
    the partner to them, and end the partnership when they leave (v5/openapi.yaml, delete_business_partners)."""
    partner = _account(row, f"{PARTNER}{row['id']}")
    return replace(partner, email="", missing_fields=partner.missing_fields - {"email"})


def _is_named(member: Account, own: set[str]) -> bool:
    return not own.isdisjoint((member.id, member.name.casefold()))


def _highest_first(roles: list[str]) -> list[str]:
    places = {role.id: place for place, role in enumerate(ROLES)}
    return sorted(filter(None, roles), key=lambda id: places.get(id, len(places)))


def _id(row: dict) -> str:
    return row["id"]


def _asset_id(row: dict) -> str:
    return row["asset_id"]


def _own_name(row: dict) -> str:
    """Of an asset group or a catalogue; profiles have none (GetBusinessAssetsResponse)."""
    group, catalogue = row.get("asset_group_info") or {}, row.get("catalog_info") or {}
    return clean(group.get("asset_group_name")) or clean(catalogue.get("name"))


def _user_id(row: dict) -> str:
    return row["user"]["id"]


def _bare(id: str) -> str:
    return id.rpartition(":")[2]


def _texts(value: Any) -> list[str]:
    return [clean(one) for one in value] if isinstance(value, list) else []


def _where(account: Account) -> tuple[str, dict[str, str]]:
    """Where an account's access is changed, and how it is named there."""
    must_have_joined(account, "Pinterest")
    if account.id.startswith(PARTNER):
        return "partners/assets", {"partner_id": _bare(account.id)}
    return "members/assets/access", {"member_id": account.id}
