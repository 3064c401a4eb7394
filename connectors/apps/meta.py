"""Meta Business: a business portfolio's people, pending people and system users; which tasks each has on which asset.
Removal takes a person out of the business and all its assets; they keep their own Facebook account.

Edges, methods, parameters and tasks as in the description that Meta generates its Business SDKs from
(github.com/facebook/facebook-business-sdk-codegen, api_specs/specs); from developers.facebook.com: “Business Business
Users”, “… System Users” and “… Pending Users” (summary=total_count, base roles), “User Business Users”, “Ad Account,
Assigned Users” (tasks), “Paginated Results” (cursors.after, next), “Secure Requests” (appsecret_proof: HMAC-SHA256 of
the token), “Page Assigned Users” (needs a page's token), “Business User Assigned Pages”, “Business User”
(finance_permission), “Business Role Request” (status, expiration_time, finance_role), “Business Owned Instagram
Assets”, “Instagram Business Asset Assigned Users” and “Whats App Business Account Assigned Users”. Assigned users are
“business and system users”: an “Ad Account User” may be neither. Partners: facebook-business 26.0.3 on PyPI,
Business.get_agencies and delete_agencies.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
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
    TemporarilyUnavailable,
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
from connectors.meta import accounts
from connectors.meta.answers import problem
from connectors.names import email_key
from connectors.quality import at_its_maker
from connectors.tools.answers import list_in, missing_from
from connectors.tools.holes import needed
from connectors.tools.http import Answer, clean, segment
from connectors.tools.http_connector import HttpConnector, token_field, version_field
from connectors.tools.paging import Page, Seen, number, pages_by_cursor
from connectors.tools.refusals import INVITATION
from connectors.tools.times import from_iso
from connectors.versions import ApiVersion

PAGE = 100
ROLES = (
    Role("ADMIN", "Admin", privileged=True),
    Role("EMPLOYEE", "Employee", default=True),
    Role("PARTNER", "Partner"),  # another business
)
PARTNER = "partner:"
TOTAL = "total_count"  # the summary of a list of people, to which its pages must add up
PERSON = "id,name,email,role,finance_permission"
INVITED = "id,email,role,status,expiration_time,finance_role"
CLOSED = {"ACCEPTED", "DECLINED", "EXPIRED", "CANCELED", "CANCELLED", "REVOKED"}  # of an invitation
EDGES = {  # kind of asset → where it is listed
    "ad_account": ("owned_ad_accounts", "client_ad_accounts"),
    "page": ("owned_pages", "client_pages"),
    "pixel": ("owned_pixels", "client_pixels"),
    "catalog": ("owned_product_catalogs", "client_product_catalogs"),
    "instagram": ("owned_instagram_assets", "client_instagram_assets"),
    "whatsapp": ("owned_whatsapp_business_accounts", "client_whatsapp_business_accounts"),
}
WORD = {
    "ad_account": "ad account", "page": "page", "pixel": "pixel", "catalog": "catalogue",
    "instagram": "Instagram account", "whatsapp": "WhatsApp account",
}  # fmt: skip
CHOSEN = ("instagram", "whatsapp")  # kinds that are read where the field of the same name says “read”
NAME = {"instagram": "ig_username"}  # where the name of an asset is, if not in "name"
READ_OR_NOT = (("leave out", "are left out"), ("read", "and who has them are read"))
VERSION = "v27.0"
ENDS = {"v24.0": date(2026, 11, 10), "v25.0": date(2027, 2, 23)}  # those that Meta has announced
MAY_HAND_ON = {"MANAGE", "PROFILE_PLUS_FULL_CONTROL"}


class Meta(HttpConnector):
    slug = "meta"
    label = "Meta Business"
    category = PAID_SOCIAL
    logo = "meta.svg"
    quality = at_its_maker("Meta's API can't remove a system user, or take a person off a pixel.", managers=False)
    docs = (
        "At developers.facebook.com create an app of the type Business, and add it to your business portfolio: "
        "business.facebook.com/settings, Accounts, Apps. Meta lets an app see only the people of a portfolio that "
        "owns it.",
        "In the same settings open Users, System users, and add one with the role Admin. Assign it every ad account, "
        "page, pixel and catalogue that Rollcall should read, with full control.",
        "Choose “Generate token” for your app, with the permissions business_management, ads_management, "
        "catalog_management and pages_show_list, and let it never expire. To read WhatsApp accounts, it also needs "
        "whatsapp_business_management.",
        "The business ID is shown under Business info. The app secret is in the app's settings, Basic: Rollcall signs "
        "each call with it. Some apps require this, and a token that is stolen is then useless without the secret.",
        "Meta doesn't report when someone was last active, and Rollcall doesn't show a system user's role. Meta's API "
        "can't remove a system user, take someone off a pixel, or change who has an Instagram account. An invitation "
        "that has expired or was declined is not shown. Rollcall shows finance roles, and can't change them.",
        "Rollcall shows people who were added to the portfolio. People who were added to an ad account or a page "
        "directly aren't shown, and a removal leaves them that access: look at the settings of each ad account and "
        "page.",
        "A partner (agency) is a business. Where you choose it, Rollcall shows partners, but not their people or what "
        "is shared with them. Rollcall never matches a partner to a person automatically. To remove one, select it on "
        "the Members tab: that ends the whole partnership.",
    )
    fields = (
        Field("business_id", "Business ID", "A long number.", pattern=r"[0-9]+"),
        token_field("Access token", "A system user's."),
        Field("app_secret", "App secret", "Of the app that the token was made for.", secret=True, required=False,
              pattern=r"\S+"),
        Field("instagram", "Instagram accounts", required=False, choices=READ_OR_NOT, asks_secrets_again=False),
        Field("whatsapp", "WhatsApp accounts", required=False, choices=READ_OR_NOT, asks_secrets_again=False),
        Field("partners", "Partners", "Businesses that your assets are shared with.", required=False,
              choices=(("leave out", "are left out"), ("read", "are shown")), asks_secrets_again=False),
        version_field(VERSION, r"v[0-9]{1,3}\.0",
                      f"Only if Meta says that {VERSION} has ended: the version to use instead."),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "facebook-business-sdk-codegen, api_specs/specs/BusinessUser.json",
        remove=(
            replace(
                LEFT_BUSINESS, does="Removes them from the business portfolio and all its assets. They keep "
                                    "their own Facebook account.",
            ),
            ENDED_PARTNERSHIP,
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion(
        "Marketing API", VERSION, source="Meta for Developers, “Marketing API version history”", setting="version",
        end_of=ENDS.get,
    )  # fmt: skip
    asset_word = "asset"
    asset_roles_by_hand = frozenset({(WORD["instagram"], "*")})
    asset_roles_kept = asset_roles_by_hand | {(WORD["pixel"], "*")}
    role_word = "tasks"
    api = "https://graph.facebook.com"

    @property
    def _address(self) -> str:
        return f"{self.api}/{self.settings.get('version') or VERSION}"

    @property
    def _secrets(self) -> list[str | None]:
        return [*super()._secrets, self._signature.get("appsecret_proof")]

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return problem(answer)

    @cached_property
    def _signature(self) -> dict[str, str]:
        secret = self.settings.get("app_secret")
        if not secret:
            return {}
        return {"appsecret_proof": hmac.new(secret.encode(), self._token.encode(), hashlib.sha256).hexdigest()}

    @property
    def _business(self) -> str:
        return segment(self.settings.get("business_id", ""))

    def test(self) -> Identity:
        me = self._get("/me", fields="id,name")
        try:
            business = self._get(f"/{self._business}", fields="id,name")
            for edge, fields in (("business_users", PERSON), ("pending_users", INVITED), ("system_users", "id,name")):
                next(self._edge(edge, "people", fields), None)
        except Refused as no:
            raise CredentialRejected(f"{no} Check the business ID, that the business owns the app, and that the token "
                                     "has the permission business_management.") from None  # fmt: skip
        missing = []
        for kind, edges in self._edges.items():
            try:
                for edge in edges:
                    next(self._edge(edge, WORD[kind], f"id,{NAME.get(kind, 'name')}"), None)
            except (CredentialRejected, Refused) as no:
                missing.append(f"read each {WORD[kind]}: {no}")
        own, role = self._own(me)
        if own is None:
            missing.append("read everyone: Meta lists the token's user neither among the portfolio's system users nor "
                           "among its people, so others may be left out too. Use the token of a system user with the "
                           "role Admin.")  # fmt: skip
        elif role not in ("", "ADMIN"):
            missing.append(f"remove, invite and change roles: the token's user has the role {role.capitalize()} in the "
                           "portfolio, and needs the role Admin.")  # fmt: skip
        name = f"{clean(me.get('name'))} in {clean(business.get('name'))}"
        return Identity(name, own, ("read people and assets",), tuple(missing))

    def _own(self, me: dict) -> tuple[str | None, str]:
        """(Account.id, role) of the user whose token it is: a system user, or a person of the business. (None, "") if
        Meta shows them as neither. A system user may have no edge of businesses."""
        for row in self._edge("system_users", "system users", "id,role", summary=TOTAL):
            if row["id"] == me.get("id"):
                return row["id"], clean(row.get("role")).upper()
        try:
            for row in self._rows("/me/business_users", "businesses", fields="id,role,business"):
                if (row.get("business") or {}).get("id") == self.settings.get("business_id"):
                    return row["id"], clean(row.get("role")).upper()
        except (CredentialRejected, Refused):
            pass
        return None, ""

    @property
    def _edges(self) -> dict[str, tuple[str, ...]]:
        return {kind: edges for kind, edges in EDGES.items()
                if kind not in CHOSEN or self.settings.get(kind) == "read"}  # fmt: skip

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        """Invitations come first: someone who accepts in between is then in two lists, rather than in none."""
        yield from self._invitations()
        yield from self._people(self.on_total)
        yield from self._system_users()
        yield from self._partners()

    def _invitations(self) -> Iterator[Account]:
        """Those that can still be accepted. An invitation with an unknown status counts as open."""
        for row in self._edge("pending_users", "invitations", INVITED, summary=TOTAL):
            ends = from_iso(row.get("expiration_time"))
            over = ends is not None and ends < datetime.now(UTC).replace(tzinfo=None)
            if not over and clean(row.get("status")).upper() not in CLOSED:
                yield accounts.of_invitation(row)

    def _people(self, on_total=None) -> Iterator[Account]:
        return map(accounts.of_person, self._edge("business_users", "people", PERSON, on_total, summary=TOTAL))

    def _system_users(self) -> Iterator[Account]:
        for row in self._edge("system_users", "system users", summary=TOTAL):
            yield Account(id=row["id"], name=clean(row.get("name")), kind="system",
                          missing_fields=missing_from(row, name="name"))  # fmt: skip

    def _partners(self) -> Iterator[Account]:
        """Businesses: they have no address, so they are never matched to a person automatically."""
        for row in self._edge("agencies", "partners") if self.settings.get("partners") == "read" else ():
            yield Account(f"{PARTNER}{row['id']}", name=clean(row.get("name")), role="PARTNER",
                          missing_fields=missing_from(row, name="name"))  # fmt: skip

    def assets(self) -> Iterator[Asset]:
        for kind, edges in self._edges.items():
            came, name = Seen(), NAME.get(kind, "name")
            for edge in edges:
                for row in self._edge(edge, WORD[kind], f"id,{name}"):
                    if came.add(row["id"]):
                        yield Asset(f"{kind}:{row['id']}", WORD[kind], clean(row.get(name)))

    def access(self) -> Iterator[Access]:
        """Pages are read for each person, because a page shows its people only to its own token."""
        pages = set()
        for asset in self.assets():
            if asset.kind == "page":
                pages.add(asset.id)
            else:
                yield from (_access(row["id"], asset.id, row) for row in self._assigned(asset.id))
        for people in (self._people, self._system_users) if pages else ():
            for person in people():
                for row in self._pages_of(person.id):
                    if f"page:{row['id']}" in pages:
                        yield _access(person.id, f"page:{row['id']}", row)

    def _assigned(self, asset: str) -> Iterator[dict]:
        path = f"/{segment(asset.partition(':')[2])}/assigned_users"
        return self._rows(path, "people of the asset", fields="id,tasks", business=self._business)

    def _pages_of(self, person: str) -> Iterator[dict]:
        return self._rows(f"/{segment(person)}/assigned_pages", "pages of the person", fields="id,tasks")

    def _has(self, account: Account, asset: Asset) -> bool:
        kind, _, id = asset.id.partition(":")
        if kind == "page":
            return any(row["id"] == id for row in self._pages_of(account.id))
        return any(row["id"] == account.id for row in self._assigned(asset.id))

    def _edge(self, edge: str, what: str, fields: str = "id,name", on_total=None, **params: str) -> Iterator[dict]:
        return self._rows(f"/{self._business}/{edge}", what, on_total, fields=fields, **params)

    def _rows(self, path: str, what: str, on_total=None, **params: str) -> Iterator[dict]:
        def fetch(after: str | None) -> Page:
            answer = self._get(path, **params, limit=PAGE, **({"after": after} if after else {}))
            rows = list_in(answer, "data", "Meta", what)
            paging = answer.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after") if paging.get("next") else None
            if paging.get("next") and not after:
                raise TemporarilyUnavailable(f"Meta says that there are more {what}, but not where.")
            return Page(rows, number((answer.get("summary") or {}).get("total_count")), after)

        for page in pages_by_cursor(fetch, what=what, on_total=on_total):
            yield from page

    def _get(self, path: str, **params: Any) -> dict:
        return self._http.get(path, {**params, **self._signature}).json(dict)

    def account(self, id: str) -> Account | None:
        """Read from the lists: Meta answers alike for a node that was deleted and for one that Rollcall may not see."""
        if id.startswith(INVITATION):
            found = self._invitations()
        elif id.startswith(PARTNER):
            found = self._partners()
        else:
            found = (account for each in (self._people, self._system_users) for account in each())
        return next((account for account in found if account.id == id), None)

    def remove(self, account: Account) -> None:
        if account.kind == "system":
            raise Refused("Meta's API can't remove a system user: do it in the business settings.")
        try:
            if account.id.startswith(PARTNER):
                partner = account.id.removeprefix(PARTNER)
                self._operate("DELETE", f"/{self._business}/agencies", params={"business": needed(partner, "partner")})
            else:
                self._operate("DELETE", f"/{_node(account)}")
        except Refused:
            if self.account(account.id) is not None:
                raise

    def change_role(self, account: Account, role: str) -> None:
        if account.kind == "system":
            raise Refused("Meta's API can't change a system user's role: do it in the business settings.")
        _must_be_a_person(account)
        self._operate("POST", f"/{_node(account)}", data={"role": role})

    def invite(self, email: str, role: str) -> None:
        if not any(email_key(one.email) == email_key(email) for one in self._invitations()):
            form = {"email": email, "role": role or "EMPLOYEE"}
            self._operate("POST", f"/{self._business}/business_users", data=form, idempotent=False)

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        """`role`: the tasks, with commas between them; they take the place of those that were there."""
        _must_not_be_instagram(asset)
        _must_be_a_person(account)
        tasks = [task.strip() for task in needed(role, "task").split(",") if task.strip()]
        path = f"/{segment(asset.id.partition(':')[2])}/assigned_users"
        self._operate("POST", path, data={"user": account.id, "tasks": json.dumps(tasks)})

    def revoke(self, account: Account, asset: Asset) -> None:
        kind, _, id = asset.id.partition(":")
        _must_not_be_instagram(asset)
        _must_be_a_person(account)
        if kind == "pixel":
            raise Refused("Meta doesn't let programs remove someone from a pixel: do it in the business settings.")
        try:
            self._operate("DELETE", f"/{segment(id)}/assigned_users", params={"user": account.id})
        except Refused:
            if self._has(account, asset):
                raise

    def _operate(self, method: str, path: str, *, params: dict | None = None, data: dict | None = None,
             idempotent: bool = True) -> None:  # fmt: skip
        if data is None:
            params = {**(params or {}), **self._signature}
        else:
            data = {**data, **self._signature}
        answer = self._http.call(method, path, params=params, data=data, idempotent=idempotent)
        if answer.json(dict).get("success") is False:
            raise Refused(f"{answer.asked}: Meta says that it was not done.")


def _must_be_a_person(account: Account) -> None:
    if account.id.startswith(PARTNER):
        raise Refused("A partner is another business: change what is shared with it in the business settings.")


def _must_not_be_instagram(asset: Asset) -> None:
    if asset.id.startswith("instagram:"):
        raise Refused("Meta doesn't document a call that changes who has an Instagram account: do it in the business "
                      "settings.")  # fmt: skip


def _access(person: str, asset: str, row: dict) -> Access:
    tasks = sorted(map(str, row.get("tasks") or ()))
    return Access(person, asset, ",".join(tasks), not MAY_HAND_ON.isdisjoint(tasks))


def _node(account: Account) -> str:
    return segment(account.id.removeprefix(INVITATION))
