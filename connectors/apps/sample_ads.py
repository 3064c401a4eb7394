"""Acme Ads, the sample of a paid-social app: it lists people, invitations and system users separately.
Copy it for an app that gives people tasks on each asset."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from connectors.base import (
    CAPABILITIES,
    PAID_SOCIAL,
    Access,
    Account,
    Asset,
    ConnectorError,
    Field,
    Identity,
    Refused,
    Role,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Undo, declared
from connectors.quality import TESTED_OVER_HTTP, Exempt, Missing, Rule, not_kept
from connectors.tools.answers import disappeared, known_status, missing_from, no_list
from connectors.tools.http import Answer, NotFound, segment
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.paging import Page, Seen, number, pages_by_offset
from connectors.tools.refusals import must_be_offered
from connectors.tools.times import from_iso
from connectors.versions import ApiVersion

LISTS = ("/invitations", "/people", "/system-users")
ASSETS = {"/ad-accounts": "ad account", "/pages": "page", "/pixels": "pixel"}
STATUSES = {"invitation": "invited", "person": "active", "system_user": "active"}  # by type
TASKS = ("MANAGE", "ADVERTISE", "ANALYZE")  # each one includes those after it
PAGE = 100  # the most items that the API returns at once


class AlreadyThere(Refused):
    """409: the invited address is already in the business."""


class SampleAds(HttpConnector):
    slug = "sample-ads"
    label = "Acme Ads (sample)"
    logo = "own-sample-ads.svg"
    category = PAID_SOCIAL
    quality = MappingProxyType({
        Rule.DOCUMENTED: Exempt("Acme Ads is a part of Rollcall's demo."),
        Rule.READING_TESTED: Exempt("It is tested against Acme Ads itself."),
        **not_kept(Missing("The app is a sample for trying Rollcall out."),
                   (*TESTED_OVER_HTTP[1:], Rule.MANAGERS, Rule.REAL_SERVER)),
    })  # fmt: skip
    docs = (
        "Open the page of Acme Ads: “make demo” prints its address.",
        "Copy the access token from “API access”, near the bottom. With the read-only token, Rollcall can check the "
        "app but can't remove anyone.",
        "Paste both here: the address as your browser shows it, and the token.",
    )
    fields = (
        Field("base_url", "Address", "The address of Acme Ads' page.", pattern="https?://.+",
              placeholder="http://127.0.0.1:8102"),
        token_field("Access token", "Begins with acme_."),
    )
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "demo/ads_app",
        remove=Effect(
            "Removes them from the business and all its assets.", Reach.WORKSPACE, Undo.IMPOSSIBLE,
            "Invite them again, and give them their role and access again.", lost=("their access to each asset",),
            frees_seat=Seat.NOT_PAID,
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("Acme Ads", "v1.0", source="demo/ads_app")
    asset_word = "asset"

    @property
    def _address(self) -> str:
        return self.settings["base_url"].rstrip("/") + "/v1.0"

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _own_error(answer)

    def test(self) -> Identity:
        me = self._http.get("/me").json(dict)
        may, missing = ["read people and assets"], []
        if "business_management" in me.get("permissions", ()):
            may.append("invite and remove people, change roles and access")
        else:
            missing.append("remove people or change roles: this is the read-only token. Enter the access token.")
        user, business = me.get("user") or {}, me.get("business") or {}
        return Identity(f"{user.get('name')} in {business.get('name')}", user.get("id"), tuple(may), tuple(missing))

    def roles(self) -> list[Role]:
        return [
            Role("admin", "Admin", privileged=True),
            Role("employee", "Employee", default=True),
            Role("finance", "Finance analyst"),
        ]

    def accounts(self) -> Iterator[Account]:
        """Invitations come first: someone who accepts one during the reading is then in both lists, not in neither."""
        came, known = Seen(), 0

        def add_up(total: int) -> None:
            nonlocal known
            known += total
            self.on_total(known)

        for path in LISTS:
            for page in self._pages(path, path.strip("/"), on_total=add_up):
                yield from (_account(row) for row in page if came.add(row["id"]))

    def assets(self) -> Iterator[Asset]:
        for path, kind in ASSETS.items():
            for page in self._pages(path, f"{kind}s"):
                yield from (Asset(row["id"], kind, row.get("name") or "") for row in page)

    def access(self) -> Iterator[Access]:
        for asset in self.assets():
            path = f"/assets/{segment(asset.id)}/assigned-users"
            try:
                for page in self._pages(path, "assigned users", id_of=lambda row: row["user_id"]):
                    yield from (_access(asset, row) for row in page)
            except NotFound as gone:
                raise disappeared(f"The {asset.kind} {asset.name}", gone) from gone

    def _pages(self, path: str, what: str, **options) -> Iterator[list]:
        def fetch(offset: int) -> Page:
            answer = self._http.get(path, {"offset": offset, "limit": PAGE}).json(dict)
            rows, paging = answer.get("data"), answer.get("paging")
            if not isinstance(rows, list) or not isinstance(paging, dict):
                raise no_list("Acme Ads", what)
            return Page(rows, number(paging.get("total")))

        return pages_by_offset(fetch, size=PAGE, what=what, **options)

    def account(self, id: str) -> Account | None:
        try:
            return _account(self._http.get(f"/users/{segment(id)}").json(dict))
        except NotFound:
            return None

    def remove(self, account: Account) -> None:
        try:
            self._http.delete(f"/users/{segment(account.id)}")
        except NotFound:
            return

    def change_role(self, account: Account, role: str) -> None:
        self._http.patch(f"/users/{segment(account.id)}", json={"role": role}, idempotent=True)

    def invite(self, email: str, role: str) -> None:
        try:
            self._http.post("/invitations", json={"email": email, "role": role})
        except AlreadyThere:
            return

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        """`role` is one of TASKS; the tasks that it includes are granted with it."""
        must_be_offered(role, TASKS, "Acme Ads")
        self._http.put(self._place(account, asset), json={"tasks": list(TASKS[TASKS.index(role) :])})

    def revoke(self, account: Account, asset: Asset) -> None:
        try:
            self._http.delete(self._place(account, asset))
        except NotFound:
            return

    def _place(self, account: Account, asset: Asset) -> str:
        return f"/assets/{segment(asset.id)}/assigned-users/{segment(account.id)}"


def _account(row: dict) -> Account:
    return Account(
        id=row["id"],
        email=row.get("email") or "",
        name=row.get("name") or "",
        status=known_status(row.get("type"), STATUSES),
        role=row.get("role") or "",
        kind="system" if row.get("type") == "system_user" else "user",
        last_activity=from_iso(row.get("last_login")),
        missing_fields=missing_from(row, email="email", name="name", status="type", kind="type", role="role",
                      last_activity="last_login"),
    )


def _access(asset: Asset, row: dict) -> Access:
    highest = next((task for task in TASKS if task in row.get("tasks", ())), "")
    return Access(row["user_id"], asset.id, highest, privileged=highest == "MANAGE")


def _own_error(answer: Answer) -> ConnectorError | None:
    if answer.status == 409 and "already_there" in answer.text:
        return AlreadyThere("This e-mail address is already in the business.")
    return None
