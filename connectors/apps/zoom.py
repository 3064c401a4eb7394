"""Zoom: an account's users, deactivated and pending ones too, with their roles and licences, and its groups as assets.
A removal deactivates the user: the licence becomes free, and no data is transferred or destroyed.

Calls and fields are from Zoom's own description of its Users API (kept at
github.com/folio-sec/terraform-provider-zoom, spec/ZoomUserAPISpec.json). Those of roles are from clients generated from
its Account API (github.com/oxidecomputer/third-party-api-clients, zoom/src/roles.rs; total_members: types.rs). From
developers.zoom.us: "Server-to-Server OAuth"; "Error codes", which github.com/ConductorOne/baton-zoom,
pkg/zoom/helpers.go, and s.apifox.cn/apidoc/docs-site/406120 restate; "Rate limits" (Retry-After as a moment,
"2020-05-31T00:00:00Z"); “Pagination” (how long a token lasts); “Revoke a user's SSO token” (“the SSO user will be
logged out of their current Zoom session”). Zoom's help, "Deactivating, unlinking, or deleting users", says that
administrators must become members first; the refusal that says so is among the errors of “Update user status” (400,
code 200). What its owner's role means for the app: developers.zoom.us/docs/internal-apps/create, and for a role that is
limited to some groups docs.parable.work/connectors/zoom/workplace/server-to-server/scoped-access. The account's owner
has a role of their own (support.zoom.com, “Using role management”), by whose id users are found: role_id=0
(github.com/demisto/content, Packs, Zoom).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

from connectors.base import (
    CAPABILITIES,
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
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Undo, declared
from connectors.quality import at_its_maker
from connectors.tools.answers import disappeared, list_in, missing_from, unreadable
from connectors.tools.http import Answer, Conflict, Forbidden, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector
from connectors.tools.oauth import client_credentials
from connectors.tools.paging import Page, number, pages_by_cursor
from connectors.tools.refusals import INVITATION, must_have_joined
from connectors.tools.renewal import Renewed
from connectors.tools.sign_out import block_and_sign_out
from connectors.tools.times import from_iso
from connectors.versions import ApiVersion
from connectors.zoom.answers import RoleInTheWay, problem

PAGE = 300  # the most items that any list returns at once
STATUSES = {"active": "active", "inactive": "suspended", "pending": "invited"}  # Zoom lists one at a time
SEATS = {1: "Basic", 2: "Licensed", 4: "Unassigned", 99: "None"}
BASIC = 1
OWNER = "0"  # the id of the role that the account's owner has, and nobody else
MEMBER, ADMINISTER = "member", ("owner", "admin", "administrator")  # names of roles that every Zoom account has


class Zoom(HttpConnector):
    slug = "zoom"
    label = "Zoom"
    logo = "zoom.svg"
    quality = at_its_maker()
    docs = (
        "The account must be a paid one. As its owner, or an admin who may develop apps, open marketplace.zoom.us, "
        "Develop, “Build App”, and make a Server-to-Server OAuth app. The app sees the users that your role may see, "
        "so the role must not be limited to some groups. The app's page “App Credentials” shows the account ID, client "
        "ID and client secret.",
        "Under Scopes, add these to read: user:read:list_users:admin, user:read:user:admin, "
        "role:read:list_roles:admin, group:read:list_groups:admin, group:read:list_members:admin.",
        "To remove people, add user:update:status:admin and user:delete:user:admin. To sign out people who use SSO "
        "when they are removed, add user:delete:token:admin. To invite, add user:write:user:admin. To change roles, "
        "add role:write:member:admin and role:delete:member:admin. To change groups, add group:write:member:admin and "
        "group:delete:member:admin. Then activate the app.",
        "A removal deactivates the user: they can't sign in, their licences become free, and they keep their settings. "
        "You can reactivate them in Zoom. Rollcall doesn't use Zoom's two other ways: disassociating turns the account "
        "into a free one of their own, and deleting destroys the meetings and recordings that weren't transferred. "
        "Only a pending invitation is disassociated, because that is how Zoom cancels it.",
        "Zoom deactivates nobody with an admin role. If it refuses for that reason, Rollcall removes the role and "
        "tries again. After any other refusal, the person keeps the role. Reactivating someone doesn't restore the "
        "role. The account's owner can't be removed. Someone who is invited becomes a member on the Basic plan: give "
        "them a licence in Zoom.",
        "Last activity is the last sign-in, which Zoom may report up to three days late. Rollcall doesn't read "
        "contact groups, Zoom Rooms and a group's administrators. Zoom doesn't report which of your own roles may "
        "administer the account.",
    )
    fields = (
        Field("account_id", "Account ID", "It is on the app's page “App Credentials”.", pattern=r"\S+"),
        Field("client_id", "Client ID", pattern=r"\S+", of_credential=True),
        Field("client_secret", "Client secret", secret=True, pattern=r"\S+"),
    )
    capabilities = frozenset(CAPABILITIES)
    own_account_unknown = (
        "Zoom doesn't say who owns the Server-to-Server app. If that person loses their admin role, Zoom takes the "
        "scopes from the app, so protect them in Rollcall."
    )
    effects = declared(
        "Zoom API, “Update user status”, and Zoom Support, “Deactivating, unlinking, or deleting users”",
        remove=(
            Effect(
                "Deactivates them in the Zoom account. If they have an admin role, Rollcall removes it first. With the "
                "scope for it, someone who signed in by SSO is signed out. Settings, meetings and recordings stay.",
                Reach.ORGANISATION, Undo.POSSIBLE,
                "Reactivate them in Zoom, and give them their licence and role again.",
                lost=("their licences", "their admin role"), frees_seat=Seat.FREED, people="A user of the account",
            ),
            Effect(
                "Cancels the invitation.", Reach.ORGANISATION, Undo.POSSIBLE, "Invite them again.",
                frees_seat=Seat.FREED, invited=True, source="Zoom API, “Delete a user”",
            ),
        ),
        change_role=replace(ROLE_CHANGED, reach=Reach.ORGANISATION),
        invite=replace(INVITATION_SENT, does="Invites them to the Zoom account, on the Basic plan.",
                       reach=Reach.ORGANISATION),
        grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("Zoom API", "v2", source="Zoom API reference, Users")
    asset_word = "group"
    api = "https://api.zoom.us"
    sign_in = "https://zoom.us"

    @property
    def _headers(self) -> dict[str, str]:
        return {}

    @property
    def _auth(self) -> Renewed:
        """A token that lasts an hour. Zoom gives no refresh token with it, so a new one is requested each time."""
        account, client, secret = (self.settings.get(field.name, "") for field in self.fields)
        return client_credentials(
            f"{self.sign_in}/oauth/token", client, secret, grant_type="account_credentials", account_id=account
        )

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return problem(answer)

    @property
    def removal_suspends(self) -> bool:
        return True

    def test(self) -> Identity:
        self._must_see_everyone()
        groups = "It needs group:read:list_groups:admin and …list_members:admin."
        missing = unreadable(
            ("read roles", self.roles, "It needs role:read:list_roles:admin."),
            ("read groups", lambda: next(self.access(), None), groups),
        )
        missing += self._hidden()
        name = f"the Zoom account {self.settings.get('account_id', '')}"
        return Identity(name, None, ("read users, roles and groups",), missing)

    def _hidden(self) -> tuple[str, ...]:
        """A sentence if the roles have more members than the lists have users, for Identity.missing: the app may then
        see some groups only, the owner's among them. Zoom doesn't say whether a role's total counts others too."""
        try:
            roles = self._role_rows()
        except Forbidden:
            return ()
        members = sum(number(role.get("total_members")) or 0 for role in roles if clean(role.get("id")) != OWNER)
        totals = self._totals()
        if None in totals or members <= sum(totals):
            return ()
        return ("read everyone: Zoom's roles have more members than its lists have users. Give the person who made the "
                "app a role with the scope “Entire Account” for users.",)  # fmt: skip

    def _totals(self) -> list[int | None]:
        """The length of the list of each status, None where Zoom doesn't report it."""
        return [self._page("/v2/users", "users", status=status, page_size=1).total for status in STATUSES]

    def _role_rows(self) -> list[dict]:
        answer = self._http.get("/v2/roles")
        return list_in(answer.json(dict), "roles", answer.asked)

    def roles(self) -> list[Role]:
        return [
            Role(
                clean(role["id"]),
                clean(role.get("name")),
                privileged=_name(role) in ADMINISTER,
                default=_name(role) == MEMBER,
            )
            for role in self._role_rows()
        ]

    @cached_property
    def _member(self) -> str:
        """The id of the role that people have who have no other; "" where Zoom lists none."""
        return next((role.id for role in self.roles() if role.default), "")

    def accounts(self) -> Iterator[Account]:
        """One list per status, one after the other: the token for the next page of a list lasts only 15 minutes."""
        self._must_see_everyone()
        totals = self._totals()
        if None not in totals:
            self.on_total(sum(totals))
        for status in STATUSES:
            for row in self._users(status):
                yield _account(row, status)

    def _must_see_everyone(self) -> None:
        """Raises CredentialRejected where Zoom doesn't show the account's owner: the app then sees some groups only."""
        if not self._page("/v2/users", "users", status="active", role_id=OWNER, page_size=1).items:
            raise CredentialRejected(
                "Zoom shows this app only some of the users: the account's owner isn't among them. Nothing was "
                "changed. In Zoom, under User Management, Roles, give the person who made the app a role with the "
                "scope “Entire Account” for users."
            )

    def _users(self, status: str) -> Iterator[dict]:
        return self._rows("/v2/users", "users", lambda row: _id(row, status), status=status)

    def assets(self) -> Iterator[Asset]:
        return (Asset(group["id"], "group", clean(group.get("name"))) for group in self._groups())

    def _groups(self) -> Iterator[dict]:
        return self._rows("/v2/groups", "groups", lambda row: row["id"], paged=False)

    def access(self) -> Iterator[Access]:
        for group in self._groups():
            try:
                for row in self._in_group(group["id"]):
                    yield Access(_in_group_id(row), group["id"], MEMBER)
            except NotFound as gone:
                raise disappeared("A group", gone) from gone

    def _in_group(self, group: str) -> Iterator[dict]:
        return self._rows(f"/v2/groups/{segment(group)}/members", "members", _in_group_id)

    def _rows(self, path: str, name: str, id_of: Callable[[dict], str], **params: Any) -> Iterator[dict]:
        def fetch(token: str | None) -> Page:
            return self._page(path, name, **params, **({"next_page_token": token} if token else {}))

        for page in pages_by_cursor(fetch, what=name, id_of=id_of):
            yield from page

    def _page(self, path: str, name: str, paged: bool = True, **params: Any) -> Page:
        answer = self._http.get(path, {**({"page_size": PAGE} if paged else {}), **params})
        body = answer.json(dict)
        rows = list_in(body, name, answer.asked)
        return Page(rows, number(body.get("total_records")), clean(body.get("next_page_token")))

    def account(self, id: str) -> Account | None:
        if id.startswith(INVITATION):
            found = [_account(row, "pending") for row in self._users("pending") if _id(row, "pending") == id]
            if not found:
                self._must_see_everyone()
            return next(iter(found), None)
        user = self._user(id)
        status = clean(user.get("status")) if user else ""
        if user and status not in STATUSES:
            raise TemporarilyUnavailable(f"Zoom returned the user {id} without a known status.")
        return _account(user, status) if user and status != "pending" else None

    def _user(self, id: str) -> dict | None:
        try:
            return self._http.get(f"/v2/users/{segment(id)}").json(dict)
        except NotFound:
            self._must_see_everyone()
            return None

    def remove(self, account: Account) -> None:
        now = self.account(account.id)
        if now is None or now.status == "suspended":
            return
        try:
            if now.status == "invited":
                self._operate("DELETE", f"/v2/users/{segment(now.email)}", params={"action": "disassociate"})
            else:
                block_and_sign_out(lambda: self._deactivate(now), lambda: self._sign_out(now))
        except NotFound:
            return

    def _sign_out(self, account: Account) -> None:
        """End the session of someone who signed in by SSO. Zoom has no call for other sessions."""
        self._operate("DELETE", f"/v2/users/{segment(account.id)}/token")

    def _deactivate(self, account: Account) -> None:
        """Deactivate the user. Their admin role is removed only where Zoom says that it is in the way, never after
        another refusal."""
        path, body = f"/v2/users/{segment(account.id)}/status", {"action": "deactivate"}
        try:
            self._http.call("PUT", path, json=body, idempotent=True)
            return
        except RoleInTheWay as no:
            if account.role in ("", self._member):
                raise Refused(str(no)) from no
        except Forbidden as no:
            raise Refused(str(no)) from no
        self._take_role(account.id, account.role)
        try:
            self._operate("PUT", path, json=body)
        except NotFound:
            raise
        except Refused as no:
            raise Refused(f"{no} Rollcall had to remove this person's admin role first: they are a member now.") from no

    def change_role(self, account: Account, role: str) -> None:
        """Zoom has no call that gives the role of members: someone who loses another role has it."""
        must_have_joined(account, "Zoom")
        now = clean((self._user(account.id) or {}).get("role_id"))
        if now == role:
            return
        if role == self._member:
            self._take_role(account.id, now)
        else:
            self._operate("POST", f"/v2/roles/{segment(role)}/members", json={"members": [{"id": account.id}]})

    def _take_role(self, id: str, role: str) -> None:
        self._operate("DELETE", f"/v2/roles/{segment(role)}/members/{segment(id)}")

    def invite(self, email: str, role: str) -> None:
        if role and role != self._member:
            raise Refused("Zoom can only invite people as members, so nothing was sent. Invite this person as a "
                          "member, and change the role once they have joined.")  # fmt: skip
        try:
            self._operate("POST", "/v2/users", json={"action": "create", "user_info": {"email": email, "type": BASIC}})
        except Conflict:
            return  # already a user of the account, or invited to it

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        """Zoom accepts the call even if it adds nobody, so its answer is searched for the account."""
        must_have_joined(account, "Zoom")
        if role not in ("", MEMBER):
            raise Refused("Rollcall adds people to a Zoom group only as members, so nothing was changed. Make someone "
                          "the group's administrator in Zoom.")  # fmt: skip
        path = f"/v2/groups/{segment(asset.id)}/members"
        answer = self._operate("POST", path, json={"members": [{"id": account.id}]})
        if account.id in clean(answer.json(dict).get("ids")).split(","):
            return
        if asset.id not in ((self._user(account.id) or {}).get("group_ids") or ()):
            raise Refused(f"Zoom accepted the request, but did not add this person to the group {asset.name}. Add them "
                          "in Zoom.")  # fmt: skip

    def revoke(self, account: Account, asset: Asset) -> None:
        must_have_joined(account, "Zoom")
        try:
            self._operate("DELETE", f"/v2/groups/{segment(asset.id)}/members/{segment(account.id)}")
        except NotFound:
            return

    def _operate(self, method: str, path: str, **more: Any) -> Answer:
        """One operation. It may be repeated: a second call finds it done."""
        return self._http.operate(method, path, idempotent=True, **more)


def _account(row: dict, status: str) -> Account:
    names = (clean(row.get("first_name")), clean(row.get("last_name")))
    return Account(
        id=_id(row, status),
        email=clean(row.get("email")),
        name=clean(row.get("display_name")) or " ".join(filter(None, names)),
        status=STATUSES[status],
        role=clean(row.get("role_id")),
        last_activity=from_iso(row.get("last_login_time")),
        seat=SEATS.get(row.get("type"), ""),
        missing_fields=missing_from(row, email="email", role="role_id", last_activity="last_login_time", seat="type"),
        defaulted_fields=missing_from(row, name="display_name"),
    )


def _id(row: dict, status: str) -> str:
    return INVITATION + row["email"].lower() if status == "pending" else row["id"]


def _in_group_id(row: dict) -> str:
    return row.get("id") or INVITATION + row["email"].lower()


def _name(role: dict) -> str:
    return clean(role.get("name")).casefold()
