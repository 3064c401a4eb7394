"""Acme Chat, the sample app that is paid for by the seat: its API pages by cursor and has one resource for each member.
Copy it for an app with members, roles and channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType

from connectors.base import (
    CAPABILITIES,
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
from connectors.memory import KnownItems, Marked, Unchanged
from connectors.quality import TESTED_OVER_HTTP, Exempt, Missing, Rule, not_kept
from connectors.tools.answers import disappeared, known_status, list_in, missing_from
from connectors.tools.http import Answer, NotFound, segment
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.items import accounts_of, opening
from connectors.tools.paging import Page, by_id, number, pages_by_cursor
from connectors.tools.times import from_iso
from connectors.versions import ApiVersion

STATUSES = {"active": "active", "invited": "invited", "deactivated": "suspended"}
PRIVILEGED = {"owner", "admin"}
PAGE = 200  # the most items that the API returns at once


class AlreadyMember(Refused):
    """409: the invited address already has an account."""


class SampleChat(HttpConnector):
    slug = "sample-chat"
    label = "Acme Chat (sample)"
    logo = "own-sample-chat.svg"
    quality = MappingProxyType({
        Rule.DOCUMENTED: Exempt("Acme Chat is a part of Rollcall's demo."),
        Rule.READING_TESTED: Exempt("It is tested against Acme Chat itself."),
        **not_kept(Missing("The app is a sample for trying Rollcall out."),
                   (*TESTED_OVER_HTTP[1:], Rule.MANAGERS, Rule.REAL_SERVER)),
    })  # fmt: skip
    docs = (
        "Open the page of Acme Chat: “make demo” prints its address.",
        "Copy the access token from “API access”, near the bottom. With the read-only token, Rollcall can check the "
        "app but can't remove anyone.",
        "Paste both here: the address as your browser shows it, and the token.",
    )
    fields = (
        Field("base_url", "Address", "The address of Acme Chat's page.", pattern="https?://.+",
              placeholder="http://127.0.0.1:8101"),
        token_field("Access token", "Begins with acme_."),
    )
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "demo/chat_app",
        remove=Effect(
            "Removes them from the workspace and all its channels.", Reach.WORKSPACE, Undo.IMPOSSIBLE,
            "Invite them again, and give them their role and access again.", lost=("their place in each channel",),
            frees_seat=Seat.FREED,
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("Acme Chat", "v1", source="demo/chat_app")
    reads_item_by_item = True
    asset_word = "channel"

    @property
    def _address(self) -> str:
        return self.settings["base_url"].rstrip("/") + "/api/v1"

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _own_error(answer)

    def test(self) -> Identity:
        me = self._http.get("/me").json(dict)
        may, missing = ["read members and channels"], []
        if "members:write" in me.get("scopes", ()):
            may.append("invite, remove and change members")
        else:
            missing.append("remove members or change roles: this is the read-only token. Enter the access token.")
        who = me.get("member") or {}
        name = f"{who.get('name')} in {me.get('workspace')}"
        return Identity(name, who.get("id"), tuple(may), tuple(missing))

    def roles(self) -> list[Role]:
        rows = self._http.get("/roles").json(dict).get("roles", [])
        return [Role(row["id"], row["name"], row["id"] in PRIVILEGED, row["id"] == "member") for row in rows]

    def accounts(self) -> Iterator[Account | Marked | Unchanged]:
        for page in self._pages("/members", "members", "members", on_total=self.on_total, known=self.known_items):
            yield from accounts_of(page, _account)

    def assets(self) -> Iterator[Asset]:
        for page in self._pages("/channels", "channels", "channels"):
            yield from (Asset(row["id"], "channel", row.get("name") or "") for row in page)

    def access(self) -> Iterator[Access]:
        for channel in self.assets():
            yield from self.access_to(channel)

    def access_to(self, channel: Asset) -> Iterator[Access]:
        path = f"/channels/{segment(channel.id)}/members"
        try:
            for page in self._pages(path, "members", "channel members", id_of=lambda row: row["member"]):
                yield from (_access(channel, row) for row in page)
        except NotFound as gone:
            raise disappeared(f"The channel {channel.name}", gone) from gone

    def _pages(
        self, path: str, key: str, what: str, known: KnownItems | None = None, id_of: Callable = by_id, **options
    ) -> Iterator[list]:
        def fetch(cursor: str | None) -> Page:
            sent = self._http.get(path, {"limit": PAGE, **({"cursor": cursor} if cursor else {})})
            answer = sent.json(dict) if known is None else sent.json_but_items(key)
            rows = list_in(answer, key, "Acme Chat", what)
            return Page(rows, number(answer.get("total")), answer.get("next_cursor"))

        return pages_by_cursor(fetch, what=what, **opening(known, what, id_of), **options)

    def account(self, id: str) -> Account | None:
        try:
            return _account(self._http.get(f"/members/{segment(id)}").json(dict))
        except NotFound:
            return None

    def remove(self, account: Account) -> None:
        try:
            self._http.delete(f"/members/{segment(account.id)}")
        except NotFound:
            return

    def change_role(self, account: Account, role: str) -> None:
        self._http.patch(f"/members/{segment(account.id)}", json={"role": role}, idempotent=True)

    def invite(self, email: str, role: str) -> None:
        try:
            self._http.post("/invitations", json={"email": email, "role": role})
        except AlreadyMember:
            return

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        self._http.put(self._place(account, asset), json={"role": role})

    def revoke(self, account: Account, asset: Asset) -> None:
        try:
            self._http.delete(self._place(account, asset))
        except NotFound:
            return

    def _place(self, account: Account, asset: Asset) -> str:
        return f"/channels/{segment(asset.id)}/members/{segment(account.id)}"


def _account(row: dict) -> Account:
    return Account(
        id=row["id"],
        email=row.get("email") or "",
        name=row.get("name") or "",
        status=known_status(row.get("status"), STATUSES),
        role=row.get("role") or "",
        kind="system" if row.get("is_bot") else "user",
        last_activity=from_iso(row.get("last_active")),
        missing_fields=missing_from(row, email="email", name="name", status="status", role="role", kind="is_bot",
                      last_activity="last_active"),
    )


def _access(channel: Asset, row: dict) -> Access:
    role = row.get("role") or ""
    return Access(row["member"], channel.id, role, privileged=role == "manager")


def _own_error(answer: Answer) -> ConnectorError | None:
    if answer.status == 409 and "already_member" in answer.text:
        return AlreadyMember("This e-mail address already has an account.")
    return None
