"""Meta Business: a business portfolio's people, pending people and system users; who has which asset with which tasks.
Removal takes a person out of the business with all its assets; their Facebook account stays theirs.

Edges, methods, parameters and tasks as in the description that Meta generates its Business SDKs from
(github.com/facebook/facebook-business-sdk-codegen, api_specs/specs); from developers.facebook.com: “Business Business
Users” (summary=total_count, base roles), “Ad Account, Assigned Users” (tasks), “Paginated Results” (cursors.after,
next), “Handling Errors” and “Rate Limits” (codes), “Secure Requests” (appsecret_proof: HMAC-SHA256 of the token),
“Page Assigned Users” (needs a page's token) and “Business User Assigned Pages”.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from types import MappingProxyType
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
    RateLimited,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Undo, declared
from connectors.names import email_key
from connectors.quality import NO_TEST_SERVER, Missing, Rule
from connectors.tools.answers import unsaid
from connectors.tools.holes import needed
from connectors.tools.http import Answer, Forbidden, clean, segment
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.paging import Page, Seen, number, pages_by_cursor
from connectors.versions import ApiVersion

PAGE = 100
ROLES = (Role("ADMIN", "Admin", privileged=True), Role("EMPLOYEE", "Employee", default=True))
INVITATION = "invitation:"
PERSON, INVITED = "id,name,email,role", "id,email,role"
EDGES = {  # kind of asset → where it is listed
    "ad_account": ("owned_ad_accounts", "client_ad_accounts"),
    "page": ("owned_pages", "client_pages"),
    "pixel": ("owned_pixels",),
    "catalog": ("owned_product_catalogs",),
}
WORD = {"ad_account": "ad account", "page": "page", "pixel": "pixel", "catalog": "catalogue"}
MAY_HAND_ON = {"MANAGE", "PROFILE_PLUS_FULL_CONTROL"}
TOO_MANY = {4, 17, 32, 341, 613, *range(80000, 80015)}
TOKEN, PASSING, NOT_ALLOWED = {102, 104, 190}, {1, 2, 368}, {3, 10, *range(200, 300)}


class Meta(HttpConnector):
    slug = "meta"
    label = "Meta Business"
    category = PAID_SOCIAL
    logo = "meta.svg"
    quality = MappingProxyType({
        Rule.OPERATIONS: Missing("Meta's API can't remove a system user, or take a person off a pixel."),
        Rule.REAL_SERVER: NO_TEST_SERVER,
    })  # fmt: skip
    docs = (
        "At developers.facebook.com create an app of the type Business, and add it to your business portfolio: "
        "business.facebook.com/settings, Accounts, Apps. Meta lets an app see only the people of a portfolio that "
        "owns it.",
        "In the same settings open Users, System users, and add one with the role Admin. Assign it every ad account, "
        "page, pixel and catalogue that Rollcall is to read, with full control.",
        "“Generate token” for your app with the permissions business_management, ads_management, catalog_management "
        "and pages_show_list, and choose that it never expires.",
        "The business ID is shown under Business info. The app secret is in the app's settings, Basic: Rollcall signs "
        "each call with it, which is needed where the app requires it and makes a stolen token useless.",
        "Meta tells neither when someone was last active nor a system user's role, and lets no program remove a "
        "system user or take someone off a pixel. Partners, pixels and catalogues that others share with you, "
        "Instagram and WhatsApp accounts are not read.",
    )
    fields = (
        Field("business_id", "Business ID", "A long number.", pattern=r"[0-9]+"),
        token_field("Access token", "A system user's."),
        Field("app_secret", "App secret", "Of the app that the token was made for.", secret=True, required=False,
              pattern=r"\S+"),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "facebook-business-sdk-codegen, api_specs/specs/BusinessUser.json",
        remove=Effect(
            "Removes them from the business portfolio, with all its assets. Their Facebook account stays theirs.",
            Reach.WORKSPACE, Undo.IMPOSSIBLE, "Invite them again, and assign their assets again.",
            lost=("their access to each asset",), frees_seat=Seat.NOT_PAID,
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion(
        "Marketing API", "v25.0", date(2027, 2, 23), source="Meta for Developers, “Marketing API version history”",
    )  # fmt: skip
    asset_word = "asset"
    role_word = "tasks"
    api = "https://graph.facebook.com/v25.0"

    @property
    def _secrets(self) -> list[str | None]:
        return [*super()._secrets, self._signature.get("appsecret_proof")]

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _meant(answer)

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
        for kind, edges in EDGES.items():
            try:
                for edge in edges:
                    next(self._edge(edge, WORD[kind]), None)
            except (CredentialRejected, Refused) as no:
                missing.append(f"read each {WORD[kind]}: {no}")
        name = f"{clean(me.get('name'))} in {clean(business.get('name'))}"
        return Identity(name, None, ("read people and assets",), tuple(missing))

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        """Invitations come first: someone who accepts meanwhile is then in two lists, rather than in none."""
        yield from map(_invitation, self._edge("pending_users", "invitations", INVITED))
        yield from self._people(self.on_total)
        yield from self._system_users()

    def _people(self, on_total=None) -> Iterator[Account]:
        return map(_person, self._edge("business_users", "people", PERSON, on_total, summary="total_count"))

    def _system_users(self) -> Iterator[Account]:
        for row in self._edge("system_users", "system users"):
            yield Account(id=row["id"], name=clean(row.get("name")), kind="system", unsaid=unsaid(row, name="name"))

    def assets(self) -> Iterator[Asset]:
        for kind, edges in EDGES.items():
            came = Seen()
            for edge in edges:
                for row in self._edge(edge, WORD[kind]):
                    if came.add(row["id"]):
                        yield Asset(f"{kind}:{row['id']}", WORD[kind], clean(row.get("name")))

    def access(self) -> Iterator[Access]:
        """A page tells its people to its own token alone, so each person's pages are asked for."""
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
            if not isinstance(answer.get("data"), list):
                raise TemporarilyUnavailable(f"Meta answered without its list of {what}.")
            paging = answer.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after") if paging.get("next") else None
            if paging.get("next") and not after:
                raise TemporarilyUnavailable(f"Meta says that there are more {what}, but not where.")
            return Page(answer["data"], number((answer.get("summary") or {}).get("total_count")), after)

        for page in pages_by_cursor(fetch, what=what, on_total=on_total):
            yield from page

    def _get(self, path: str, **params: Any) -> dict:
        return self._http.get(path, {**params, **self._signature}).json(dict)

    def account(self, id: str) -> Account | None:
        """Meta's answer for a node that is gone is the same as for one that may not be seen, so lists are walked."""
        if id.startswith(INVITATION):
            found = map(_invitation, self._edge("pending_users", "invitations", INVITED))
        else:
            found = (account for each in (self._people, self._system_users) for account in each())
        return next((account for account in found if account.id == id), None)

    def remove(self, account: Account) -> None:
        if account.kind == "system":
            raise Refused("Meta lets no program remove a system user: do it in the business settings.")
        try:
            self._act("DELETE", f"/{_node(account)}")
        except Refused:
            if self.account(account.id) is not None:
                raise

    def change_role(self, account: Account, role: str) -> None:
        if account.kind == "system":
            raise Refused("Meta lets no program change a system user's role: do it in the business settings.")
        self._act("POST", f"/{_node(account)}", data={"role": role})

    def invite(self, email: str, role: str) -> None:
        pending = self._edge("pending_users", "invitations", INVITED)
        if not any(email_key(clean(row.get("email"))) == email_key(email) for row in pending):
            form = {"email": email, "role": role or "EMPLOYEE"}
            self._act("POST", f"/{self._business}/business_users", data=form, idempotent=False)

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        """`role`: the tasks, with commas between them; they take the place of those that were there."""
        tasks = [task.strip() for task in needed(role, "task").split(",") if task.strip()]
        path = f"/{segment(asset.id.partition(':')[2])}/assigned_users"
        self._act("POST", path, data={"user": account.id, "tasks": json.dumps(tasks)})

    def revoke(self, account: Account, asset: Asset) -> None:
        kind, _, id = asset.id.partition(":")
        if kind == "pixel":
            raise Refused("Meta doesn't let programs remove someone from a pixel: do it in the business settings.")
        try:
            self._act("DELETE", f"/{segment(id)}/assigned_users", params={"user": account.id})
        except Refused:
            if self._has(account, asset):
                raise

    def _act(self, method: str, path: str, *, params: dict | None = None, data: dict | None = None,
             idempotent: bool = True) -> None:  # fmt: skip
        if data is None:
            params = {**(params or {}), **self._signature}
        else:
            data = {**data, **self._signature}
        answer = self._http.call(method, path, params=params, data=data, idempotent=idempotent)
        if answer.json(dict).get("success") is False:
            raise Refused(f"{answer.asked}: Meta says that it was not done.")


def _person(row: dict) -> Account:
    email, name, role = clean(row.get("email")), clean(row.get("name")), clean(row.get("role")).upper()
    return Account(id=row["id"], email=email, name=name, role=role,
                   unsaid=unsaid(row, email="email", name="name", role="role"))  # fmt: skip


def _invitation(row: dict) -> Account:
    role = clean(row.get("role")).upper()
    return Account(id=f"{INVITATION}{row['id']}", email=clean(row.get("email")), status="invited", role=role,
                   unsaid=unsaid(row, email="email", role="role"))  # fmt: skip


def _access(person: str, asset: str, row: dict) -> Access:
    tasks = sorted(map(str, row.get("tasks") or ()))
    return Access(person, asset, ",".join(tasks), not MAY_HAND_ON.isdisjoint(tasks))


def _node(account: Account) -> str:
    return segment(account.id.removeprefix(INVITATION))


def _meant(answer: Answer) -> ConnectorError | None:
    """What {"error": {"code": 190, "message": "…"}} means, mostly with status 400; None leaves it to the status."""
    if answer.status < 400 or answer.is_page:
        return None
    try:
        error = answer.json(dict).get("error")
    except TemporarilyUnavailable:
        return None
    code = error.get("code") if isinstance(error, dict) else None
    said = clean(error.get("error_user_msg") or error.get("message")).rstrip(".") if isinstance(error, dict) else ""
    says = f"{answer.asked}: Meta says “{said}” ({code})."
    if code in TOO_MANY:
        return RateLimited(says, _seconds_until_access(answer))
    if code in TOKEN:
        return CredentialRejected(f"{says} The token is wrong, expired or revoked, or the app secret is not its app's.")
    if code in NOT_ALLOWED:
        return Forbidden(f"{says} The token lacks a permission.")
    if code in PASSING:
        return TemporarilyUnavailable(says)
    return Refused(says) if answer.status == 400 and code else None


def _seconds_until_access(answer: Answer) -> float:
    """X-Business-Use-Case-Usage: {"id": [{"estimated_time_to_regain_access": minutes, …}]}; 60 if it is missing."""
    try:
        usage = json.loads(answer.headers.get("X-Business-Use-Case-Usage", "{}"))
        minutes = max(each.get("estimated_time_to_regain_access", 0) for uses in usage.values() for each in uses)
        return float(minutes) * 60 or 60
    except (ValueError, TypeError, AttributeError, RecursionError):
        return 60
