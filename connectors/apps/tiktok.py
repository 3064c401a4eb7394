"""TikTok for Business: a Business Center's members and invitations, its ad accounts and other assets.
A removal takes a person out of the Business Center. They keep their own TikTok account.

Calls and parameters are those of TikTok's public SDK (github.com/tiktok/tiktok-business-api-sdk,
python_sdk/docs/BCApi.md and js_sdk BCApi). Answers, page sizes and allowed values are from the portal's pages "Get BC
members", "Get assets of a Business Center as admins", "Get members by assets", "Assign assets to a user", which public
clients restate (github.com/bububa/tiktok-business, model/bc). The codes 40001, 40002, 40007, 40100 and 40105 are from
the portal's "Return Codes", which help.sleekflow.io restates ("Troubleshooting your TikTok Business Messaging
channels"), and the other codes from their names in the public SDK (NumericErrorCodes in
python_sdk/business_api_client). For shops and lead form libraries: asset_admin_get.go, asset_member_get.go and
asset_assign.go of that model/bc. Whose token it is can't be known for sure: by model/user/info.go there, “user/info/”
masks the e-mail address, and its core_user_id isn't described as the id of a member.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
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
    RateLimited,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, INVITATION_SENT, LEFT_BUSINESS, REVOKED, ROLE_CHANGED, declared
from connectors.quality import at_its_maker
from connectors.tools.answers import disappeared, known_status, missing_from, no_list
from connectors.tools.http import Answer, Forbidden, NotFound, clean
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.paging import Page, number, pages_by_number
from connectors.tools.refusals import INVITATION, must_have_joined
from connectors.versions import ApiVersion

MEMBERS_PAGE, ASSETS_PAGE = 20, 50  # the most that each list allows
ASSET_MEMBERS_PAGE = 10  # the default: no other size is documented for this list
ROLES = (Role("ADMIN", "Admin", privileged=True), Role("STANDARD", "Standard member", default=True))
STATUS = {"BOUND": "active", "PENDING": "invited"}
NOT_IN = {"REJECTED", "UNBOUND"}  # declined the invitation, or has left
KINDS = {
    "ADVERTISER": "ad account", "CATALOG": "catalogue", "TIKTOK_SHOP": "shop", "LEAD": "lead form library",
    "PIXEL": "pixel", "TT_ACCOUNT": "TikTok account",
}  # fmt: skip
BY_MEMBER = ("PIXEL", "TT_ACCOUNT")  # access to these is read for each member, and to the others for each asset
SHOPS = ("TIKTOK_SHOP", "LEAD")
ROLE_FIELD = {
    "ADVERTISER": "advertiser_role", "CATALOG": "catalog_role", "TIKTOK_SHOP": "store_role",
    "LEAD": "form_library_role", "TT_ACCOUNT": "tt_account_roles",
}  # fmt: skip
NO_SUCH_THING = 40007
TOO_MANY = {40016, 40100, 40132, 61000}  # 40016 is named FC_ERROR: presumably frequency control
LATER = {40050, 40201, 40202}  # a duplicated request, a task that isn't ready, a write conflict
FORBIDDEN = {40001, 40003, 40113, 40117, 40118, 40124, 40125, 40130, 40131}  # the app, developer or scope may not
TOKEN = {40101, 40102, 40103, 40104, 40105, 40106, 40107, 40109, 40110, 40112, 40114, 40115, 40116}
VERSION_ENDED = {40006, 40051, 41001}  # of the API, or of one call


class TikTok(HttpConnector):
    slug = "tiktok"
    label = "TikTok for Business"
    category = PAID_SOCIAL
    logo = "tiktok.svg"
    quality = at_its_maker("TikTok's API changes neither finance roles nor who has access to a pixel.", managers=False)
    docs = (
        "Open business-api.tiktok.com/portal, register as a developer and create an app. Under its scopes choose "
        "Ad Account Management, Business Center: Business Center Member Management and Business Center Asset. TikTok "
        "reviews a new app before it may be used.",
        "Let an admin of the Business Center open the app's authorisation address and agree, and exchange the code "
        "from the address for a long-term access token (portal: “Authentication”).",
        "Copy the Business Center's ID from its settings at business.tiktok.com.",
        "TikTok doesn't report when someone was last active. Rollcall doesn't show or change finance roles. Access to "
        "a pixel follows from the ad accounts that it is linked to, so Rollcall shows it but can't change it. TikTok "
        "doesn't report which rights someone has on a TikTok account. Rollcall doesn't read partners, or TikTok "
        "accounts of the type “managed business account”.",
    )
    fields = (
        Field("bc_id", "Business Center ID", "A long number.", pattern=r"[0-9]+"),
        token_field("Access token", "The long-term access token of an admin."),
        Field(
            "by_member", "Pixels and TikTok accounts", "Reading them takes two calls for each member.", required=False,
            choices=(("read", "and who has them are read"), ("leave out", "are left out")),
            asks_secrets_again=False,
        ),
        Field("shops", "TikTok Shops and lead forms", required=False,
              choices=(("leave out", "are left out"), ("read", "and who has them are read")), asks_secrets_again=False),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    own_account_unknown = (
        "TikTok doesn't say which member authorised the app. That member isn't protected until you protect them in "
        "Rollcall."
    )
    effects = declared(
        "tiktok/tiktok-business-api-sdk, BCApi: bc/member/delete",
        remove=replace(
            LEFT_BUSINESS,
            does="Removes them from the Business Center and all its assets. They keep their own TikTok account.",
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("TikTok Business API", "v1.3", source="tiktok/tiktok-business-api-sdk")
    asset_word = "asset"
    asset_roles_by_hand = asset_roles_kept = frozenset({(KINDS["PIXEL"], "*")})
    api = "https://business-api.tiktok.com/open_api/v1.3"

    @property
    def _headers(self) -> dict[str, str]:
        return {"Access-Token": self._token}

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _inside(answer)

    @property
    def _center(self) -> str:
        return self.settings.get("bc_id", "")

    def test(self) -> Identity:
        centers = _list(self._http.get("/bc/get/", {"bc_id": self._center}), "Business Centers")[0]
        mine = next((row for row in centers if str((row.get("bc_info") or {}).get("bc_id")) == self._center), None)
        if mine is None:
            raise CredentialRejected(f"The token may not use the Business Center {self._center}. Check the ID, and let "
                                     "one of the Business Center's admins authorise the app.")  # fmt: skip
        next(self._members(), None)
        missing = []
        if mine.get("user_role") != "ADMIN":
            missing.append("see every asset, invite and remove: let an admin of the Business Center authorise the app.")
        for kind in self._kinds:
            try:
                next(self._assets(kind), None)
            except CredentialRejected as no:
                missing.append(f"read each {KINDS[kind]}: {no} Give the app the scope Business Center Asset.")
        name = clean(mine["bc_info"].get("name")) or self._center
        return Identity(f"the Business Center {name}", None, ("read members and assets",), tuple(missing))

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        for page in self._members(self.on_total):
            yield from (_account(row) for row in page if row.get("relation_status") not in NOT_IN)

    def _members(self, on_total=None) -> Iterator[list]:
        return self._pages("/bc/member/get/", "members", MEMBERS_PAGE, _key, on_total=on_total)

    def assets(self) -> Iterator[Asset]:
        for kind in self._kinds:
            for row in self._assets(kind):
                yield Asset(f"{kind}:{row['asset_id']}", KINDS[kind], clean(row.get("asset_name")))

    @property
    def _kinds(self) -> tuple[str, ...]:
        left_out = BY_MEMBER if self.settings.get("by_member") == "leave out" else ()
        left_out += () if self.settings.get("shops") == "read" else SHOPS
        return tuple(kind for kind in KINDS if kind not in left_out)

    def _assets(self, kind: str) -> Iterator[dict]:
        """The assets that the Business Center may manage. Those that it only requested, was refused or gave back are
        left out."""
        for page in self._pages("/bc/asset/admin/get/", KINDS[kind] + "s", ASSETS_PAGE, _asset_id, asset_type=kind):
            yield from (row for row in page if row.get("relation_status") in (None, "", "BOUND"))

    def access(self) -> Iterator[Access]:
        try:
            for kind in (kind for kind in self._kinds if kind not in BY_MEMBER):
                for asset in self._assets(kind):
                    for row in self._members_of(kind, asset["asset_id"]):
                        role = clean(row.get(ROLE_FIELD[kind]))
                        yield Access(_key(row), f"{kind}:{asset['asset_id']}", role, role == "ADMIN")
            for kind in (kind for kind in self._kinds if kind in BY_MEMBER):
                for page in self._members():
                    for user in (row["user_id"] for row in page if row.get("relation_status") == "BOUND"):
                        yield from (Access(str(user), f"{kind}:{id}") for id in self._of_member(kind, user))
        except NotFound as gone:
            raise disappeared("An asset or a member", gone) from gone

    def _members_of(self, kind: str, id: str) -> Iterator[dict]:
        params = {"asset_type": kind, "asset_id": id}
        for page in self._pages("/bc/asset/member/get/", "members of the asset", ASSET_MEMBERS_PAGE, _key, **params):
            yield from page

    def _of_member(self, kind: str, user: str) -> Iterator[str]:
        params = {"asset_type": kind, "filtering": json.dumps({"user_id": str(user)})}
        for page in self._pages("/bc/asset/get/", "assets of the member", ASSETS_PAGE, _asset_id, **params):
            yield from map(_asset_id, page)

    def _pages(self, path: str, what: str, size: int, id_of, on_total=None, **params: str) -> Iterator[list]:
        def fetch(page: int) -> Page:
            asked = {"bc_id": self._center, **params, "page": page, "page_size": size}
            return Page(*_list(self._http.get(path, asked), what))

        return pages_by_number(fetch, size=size, what=what, id_of=id_of, on_total=on_total)

    def account(self, id: str) -> Account | None:
        """Found in the list of members, because TikTok has no call for a single one."""
        return next((account for account in self.accounts() if account.id == id), None)

    def remove(self, account: Account) -> None:
        invited = account.id.startswith(INVITATION)
        who = {"user_email": account.email} if invited else {"user_id": account.id}
        self._operate("/bc/member/delete/", who, done=lambda: self.account(account.id) is None)

    def change_role(self, account: Account, role: str) -> None:
        must_have_joined(account, "TikTok")
        self._operate("/bc/member/update/", {"user_id": account.id, "user_role": role})

    def invite(self, email: str, role: str) -> None:
        """A second call is harmless: TikTok leaves an earlier invitation as it is."""
        self._operate("/bc/member/invite/", {"emails": [email], "asset_ids": [], "user_role": role or "STANDARD"})

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        must_have_joined(account, "TikTok")
        kind, id = _assignable(asset)
        given = [one.strip() for one in role.split(",")] if kind == "TT_ACCOUNT" else role
        body = {"user_id": account.id, "asset_type": kind, "asset_id": id, ROLE_FIELD[kind]: given}
        self._operate("/bc/asset/assign/", body)

    def revoke(self, account: Account, asset: Asset) -> None:
        kind, id = _assignable(asset)
        body = {"user_id": account.id, "asset_type": kind, "asset_id": id}
        self._operate("/bc/asset/unassign/", body, done=lambda: not self._has(account.id, kind, id))

    def _has(self, user: str, kind: str, id: str) -> bool:
        if kind in BY_MEMBER:
            return id in self._of_member(kind, user)
        return any(_key(row) == user for row in self._members_of(kind, id))

    def _operate(self, path: str, body: dict[str, Any], done=lambda: False) -> None:
        """One operation. TikTok doesn't document its answer when an operation is already done, so after a refusal
        `done` looks whether it is."""
        try:
            self._http.post(path, json={"bc_id": self._center, **body}, idempotent=True)
        except (Refused, Forbidden) as no:
            if not done():
                raise Refused(str(no)) from no


def _account(row: dict) -> Account:
    return Account(
        id=_key(row),
        email=clean(row.get("user_email")),
        name=clean(row.get("user_name")),
        status=known_status(row.get("relation_status"), STATUS),
        role=clean(row.get("user_role")),
        missing_fields=missing_from(row, email="user_email", name="user_name", role="user_role",
                                    status="relation_status"),
    )


def _key(row: dict) -> str:
    """Account.id of a row. An invitation's is its e-mail address, by which it is also cancelled."""
    if row.get("relation_status", "BOUND") == "BOUND" and row.get("user_id"):
        return str(row["user_id"])
    return INVITATION + (clean(row.get("user_email")).lower() or str(row["user_id"]))


def _asset_id(row: dict) -> str:
    return str(row["asset_id"])


def _assignable(asset: Asset) -> tuple[str, str]:
    kind, _, id = asset.id.partition(":")
    if kind not in ROLE_FIELD:
        raise Refused("Access to a pixel follows from the ad accounts that it is linked to, so nothing was changed. "
                      "Change the person's access to these ad accounts instead.")  # fmt: skip
    return kind, id


def _list(answer: Answer, what: str) -> tuple[list, int | None]:
    data = answer.json(dict).get("data")
    if not isinstance(data, dict) or not isinstance(data.get("list"), list):
        raise no_list(answer.asked, what)
    return data["list"], number((data.get("page_info") or {}).get("total_number"))


def _inside(answer: Answer) -> ConnectorError | None:
    """The error inside an answer with status 200, where TikTok puts its errors; None for a success.
    {"code": 40105, "message": "…", "request_id": "…", "data": {}}"""
    if answer.status != 200:
        return None
    content = answer.json(dict)
    code = content.get("code")
    if code == 0:
        return None
    says = f"{answer.asked}: TikTok says “{clean(content.get('message')).rstrip('.')}” ({code})."
    if code in TOO_MANY:
        return RateLimited(says)
    if not isinstance(code, int) or code in LATER or code >= 50000:
        return TemporarilyUnavailable(says)
    if code in FORBIDDEN:
        return Forbidden(f"{says} The app or its token lacks a permission. Check the app's scopes, and that TikTok has "
                         "approved the app.")  # fmt: skip
    if code in TOKEN:
        return CredentialRejected(f"{says} The token is wrong, expired or revoked. Enter a new one.")
    if code in VERSION_ENDED:
        return Refused(f"{says} TikTok has ended a call that Rollcall uses. Update Rollcall.")
    return NotFound(says) if code == NO_SUCH_THING else Refused(says)
