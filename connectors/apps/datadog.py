"""Datadog: an organisation's users, pending and disabled ones too, with all their roles; its teams as assets.
A removal disables the user: they can't sign in, and an administrator can enable them again.

Calls, fields, limits and permissions: DataDog/datadog-api-client-python, .generator/schemas/v2/openapi.yaml (Users,
Roles, Teams), and docs.datadoghq.com: “Users”, “Roles”, “Teams”, “Rate Limits”, “API and Application Keys” (a disabled
user's application keys are revoked, API keys are not), “Service Accounts”, “Datadog Admin Role overview”. These pages
and DataDog/documentation link the settings at app.datadoghq.com.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from connectors.base import (
    CAPABILITIES,
    Access,
    Account,
    Asset,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Undo, declared
from connectors.names import email_key
from connectors.quality import at_its_maker
from connectors.tools.answers import disappeared, has, known_status, list_in, missing_from, unreadable
from connectors.tools.holes import needed
from connectors.tools.http import Answer, Conflict, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector
from connectors.tools.paging import Page, by_id, number, pages_by_number
from connectors.tools.times import from_iso
from connectors.versions import ApiVersion

PAGE = 100  # the most of every list
STATUSES = {"Active": "active", "Pending": "invited", "Disabled": "suspended"}
ADMIN_ROLE, STANDARD_ROLE = "Datadog Admin Role", "Datadog Standard Role"  # managed: every organisation has them
GIVES_ROLES = "user_access_manage"  # the permission with which someone can give themselves any role
MEMBER, ADMIN = "member", "admin"  # of a team; Datadog gives a member no role
SITES = (
    ("datadoghq.com", "US1: app.datadoghq.com"),
    ("us3.datadoghq.com", "US3: us3.datadoghq.com"),
    ("us5.datadoghq.com", "US5: us5.datadoghq.com"),
    ("datadoghq.eu", "EU1: app.datadoghq.eu"),
    ("ap1.datadoghq.com", "AP1: ap1.datadoghq.com"),
    ("ap2.datadoghq.com", "AP2: ap2.datadoghq.com"),
    ("uk1.datadoghq.com", "UK1: uk1.datadoghq.com"),
    ("ddog-gov.com", "US1-FED: app.ddog-gov.com"),
    ("us2.ddog-gov.com", "US2-FED: us2.ddog-gov.com"),
)


class Datadog(HttpConnector):
    slug = "datadog"
    label = "Datadog"
    logo = "datadog.svg"
    quality = at_its_maker()
    docs = (
        "As an administrator, open app.datadoghq.com/organization-settings/api-keys (“Organization Settings”, “API "
        "Keys”). If you sign in to Datadog at another address, open the same page there. Choose “New Key”, "
        "enter a name, create it and copy the key (not the key ID).",
        "At app.datadoghq.com/organization-settings/service-accounts, create a service account with the Datadog Admin "
        "Role, or with a role of your own that has the permissions below. Open it and add an application key. Copy it "
        "now, as Datadog shows it only once. A person's own application key stops working when that person is "
        "disabled.",
        "Restrict the application key to the scopes that it needs. To read: user_access_read and teams_read. To "
        "disable people and change roles: user_access_manage. To invite: user_access_invite. To change teams: "
        "teams_manage.",
        "Removing someone disables them in this organisation. Their dashboards and monitors stay, and their "
        "application keys are revoked. API keys that they made or know still work: rotate them in Datadog. People in "
        "several Datadog organisations keep their access to the others.",
        "Rollcall shows a role as an administrator's if it is the Datadog Admin Role or has the permission "
        "user_access_manage. Changing someone's role replaces the main one and keeps the others.",
    )
    fields = (
        Field("site", "Site", "The address at which you use Datadog.", choices=SITES),
        Field("api_key", "API key", secret=True, pattern=r"\S+"),
        Field("application_key", "Application key", "Of a service account.", secret=True, pattern=r"\S+"),
        Field("teams", "Teams", "Teams are shown as assets, with their members. This takes one call for each.",
              required=False, choices=(("read", "are read"), ("leave out", "are left out")), asks_secrets_again=False),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    change_role_keeps = True
    effects = declared(
        "Datadog API, “Users”: disable a user",
        remove=Effect(
            "Disables them in this Datadog organisation: they can't sign in. Their dashboards and monitors stay.",
            Reach.WORKSPACE, Undo.POSSIBLE, "Enable them again under Organization Settings, Users.",
            lost=("their application keys",),
            source="Datadog API, “Users”: disable a user; “API and Application Keys”",
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("Datadog API", "v2", source="docs.datadoghq.com, API Reference, Users")
    asset_word = "team"
    api = ""  # of the site that was chosen

    @property
    def _address(self) -> str:
        return self.api or f"https://api.{self.settings.get('site') or SITES[0][0]}"

    @property
    def _headers(self) -> dict[str, str]:
        return {"DD-API-KEY": self.settings.get("api_key", ""),
                "DD-APPLICATION-KEY": self.settings.get("application_key", "")}  # fmt: skip

    @property
    def _reads_teams(self) -> bool:
        return self.settings.get("teams") != "leave out"

    def test(self) -> Identity:
        me = _object(self._http.get("/api/v2/current_user"))
        self._page("/api/v2/users", "users", _users_total, 0, **{"page[size]": 1})
        give = "Give the application key the scope"
        missing = unreadable(
            ("read roles", self.roles, f"{give} user_access_read."),
            ("read teams", lambda: next(self.assets(), None), f"{give} teams_read, or leave teams out."),
        )
        of = me.get("attributes") or {}
        name = clean(of.get("name")) or clean(of.get("handle")) or "The application key's owner"
        return Identity(name, me["id"], ("read users, roles and teams",), missing)

    def roles(self) -> list[Role]:
        return [
            Role(row["id"], _name(row), privileged=row["id"] in self._privileged, default=_name(row) == STANDARD_ROLE)
            for row in self._roles
        ]

    @cached_property
    def _roles(self) -> list[dict]:
        return list(self._list("/api/v2/roles", "roles", _users_total))

    @cached_property
    def _privileged(self) -> frozenset[str]:
        """The ids of the roles that may administer the organisation."""
        answer = self._http.get("/api/v2/permissions")
        gives = {row["id"] for row in _data(answer, list) if _name(row) == GIVES_ROLES}
        return frozenset(
            row["id"] for row in self._roles if _name(row) == ADMIN_ROLE or gives & set(_ids(row, "permissions"))
        )

    def accounts(self) -> Iterator[Account]:
        privileged = self._privileged
        for row in self._list("/api/v2/users", "users", _users_total, self.on_total):
            yield _account(row, privileged)

    def assets(self) -> Iterator[Asset]:
        return (Asset(team["id"], "team", _name(team)) for team in self._teams())

    def _teams(self) -> Iterator[dict]:
        return self._list("/api/v2/team", "teams", _teams_total) if self._reads_teams else iter(())

    def access(self) -> Iterator[Access]:
        for team in self._teams():
            path = f"/api/v2/team/{segment(team['id'])}/memberships"
            try:
                for row in self._list(path, "team's members", _teams_total):
                    yield _access(row, team["id"])
            except NotFound as gone:
                raise disappeared(f"The team {_name(team)}", gone) from gone

    def _list(
        self, path: str, what: str, total: Callable[[dict], Any], on_total: Callable[[int], None] | None = None
    ) -> Iterator[dict]:
        def fetch(position: int) -> Page:
            return self._page(path, what, total, position)

        for page in pages_by_number(fetch, size=PAGE, first=0, what=what, id_of=by_id, on_total=on_total):
            yield from page

    def _page(self, path: str, what: str, total: Callable[[dict], Any], position: int, **params: Any) -> Page:
        answer = self._http.get(path, {"page[size]": PAGE, "page[number]": position, **params})
        rows = list_in(answer.json(dict), "data", "Datadog", what)
        meta = answer.json(dict).get("meta")
        return Page(rows, number(total(meta if isinstance(meta, dict) else {})))

    def account(self, id: str) -> Account | None:
        try:
            row = _object(self._http.get(f"/api/v2/users/{segment(id)}"))
        except NotFound:
            return None
        return _account(row, self._privileged)

    def remove(self, account: Account) -> None:
        now = self.account(account.id)
        if now is None or now.status == "suspended":
            return
        try:
            self._operate("DELETE", f"/api/v2/users/{segment(account.id)}")
        except NotFound:
            return

    @property
    def removal_suspends(self) -> bool:
        return True

    def managed(self, account: Account) -> list[Asset]:
        """One call names all of the user's teams, by id alone."""
        if not self._reads_teams:
            return []
        answer = self._http.get(f"/api/v2/users/{segment(account.id)}/memberships")
        rows, total = _data(answer, list), _teams_total(answer.json(dict).get("meta") or {})
        if isinstance(total, int) and total > len(rows):
            raise TemporarilyUnavailable("Datadog didn't list all teams of the user.")
        return [Asset(_team_of(row), "team") for row in rows if _access(row, "").privileged]

    def change_role(self, account: Account, role: str) -> None:
        """Adds the new role before it takes the main one away: nobody is without a role in between."""
        needed(role, "role")
        now = self.account(account.id)
        if now is None:
            raise Refused("Datadog no longer has this user.")
        before = account.role or now.role
        if role not in now.roles:
            self._put_in_role("POST", role, account.id)
        if before != role and before in now.roles:
            self._put_in_role("DELETE", before, account.id)

    def _put_in_role(self, method: str, role: str, user: str) -> None:
        self._operate(method, f"/api/v2/roles/{segment(role)}/users", json={"data": {"id": user, "type": "users"}})

    def invite(self, email: str, role: str) -> None:
        """Creates a pending user and sends the invitation. Called again, it does what is still missing."""
        user = self._with_address(needed(email, "e-mail address"))
        if user is None:
            roles = {"relationships": {"roles": {"data": [{"id": role, "type": "roles"}]}}} if role else {}
            made = self._operate(
                "POST", "/api/v2/users", json={"data": {"type": "users", "attributes": {"email": email}, **roles}}
            )
            user = _account(_object(made), frozenset())
        elif user.status == "suspended":
            raise Refused("They are disabled in Datadog: enable them there under Organization Settings, Users.")
        elif user.status == "active":
            return
        who = {"user": {"data": {"id": user.id, "type": "users"}}}
        self._operate("POST", "/api/v2/user_invitations",
                  json={"data": [{"type": "user_invitations", "relationships": who}]})  # fmt: skip

    def _with_address(self, email: str) -> Account | None:
        """Datadog's filter finds parts of names and addresses too."""
        page = self._page("/api/v2/users", "users", _users_total, 0, filter=email)
        found = (_account(row, frozenset()) for row in page.items)
        return next((user for user in found if email_key(user.email) == email_key(email)), None)

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        if role not in ("", MEMBER, ADMIN):
            raise Refused(f"A Datadog team has members and admins, but no “{role}”.")
        path = f"/api/v2/team/{segment(asset.id)}/memberships"
        of = {"attributes": {"role": ADMIN}} if role == ADMIN else {}
        who = {"user": {"data": {"id": needed(account.id, "user's id"), "type": "users"}}}
        try:
            self._operate("POST", path, json={"data": {"type": "team_memberships", "relationships": who, **of}})
        except Conflict:  # in the team already; null makes an admin a member again
            if role:
                body = {"data": {"type": "team_memberships", "attributes": {"role": None, **of.get("attributes", {})}}}
                self._operate("PATCH", f"{path}/{segment(account.id)}", json=body, may_be_empty=("role",))

    def revoke(self, account: Account, asset: Asset) -> None:
        try:
            self._operate("DELETE", f"/api/v2/team/{segment(asset.id)}/memberships/{segment(account.id)}")
        except NotFound:
            return

    def _operate(self, method: str, path: str, **more: Any) -> Answer:
        """Every operation may be repeated: a second call finds it done."""
        return self._http.operate(method, path, idempotent=True, **more)


def _users_total(meta: dict) -> Any:
    page = meta.get("page") if isinstance(meta.get("page"), dict) else {}
    return page.get("total_filtered_count", page.get("total_count"))


def _teams_total(meta: dict) -> Any:
    page = meta.get("pagination") if isinstance(meta.get("pagination"), dict) else {}
    return page.get("total")


def _data(answer: Answer, kind: type) -> Any:
    found = answer.json(dict).get("data")
    if not isinstance(found, kind):
        raise TemporarilyUnavailable(f"{answer.asked} answered without what was asked for.")
    return found


def _object(answer: Answer) -> dict:
    found = _data(answer, dict)
    if not clean(found.get("id")):
        raise TemporarilyUnavailable(f"{answer.asked} answered without what was asked for.")
    return found


def _name(row: dict) -> str:
    return clean((row.get("attributes") or {}).get("name"))


def _ids(row: dict, relationship: str) -> list[str]:
    related = (row.get("relationships") or {}).get(relationship) or {}
    return [clean(one.get("id")) for one in related.get("data") or () if isinstance(one, dict)]


def _account(row: dict, privileged: frozenset[str]) -> Account:
    """The most powerful role is the main one."""
    of = row.get("attributes") or {}
    roles = sorted(_ids(row, "roles"), key=lambda role: role not in privileged)
    return Account(
        row["id"], clean(of.get("email")), clean(of.get("name")), known_status(of.get("status"), STATUSES),
        roles[0] if roles else "", "system" if of.get("service_account") is True else "user",
        from_iso(of.get("last_login_time")), user_name=clean(of.get("handle")), further_roles=tuple(roles[1:]),
        missing_fields=missing_from(row, email=("attributes", "email"), name=("attributes", "name"),
                      status=("attributes", "status"), role=("relationships", "roles", "data"),
                      kind=("attributes", "service_account"), last_activity=("attributes", "last_login_time"),
                      user_name=("attributes", "handle")),
    )  # fmt: skip


def _team_of(row: dict) -> str:
    team = ((row.get("relationships") or {}).get("team") or {}).get("data") or {}
    if not clean(team.get("id")):
        raise TemporarilyUnavailable("Datadog did not say which team a user administers.")
    return clean(team["id"])


def _access(row: dict, team: str) -> Access:
    """A member has the role null, or none."""
    user = ((row.get("relationships") or {}).get("user") or {}).get("data") or {}
    if not clean(user.get("id")):
        raise TemporarilyUnavailable("Datadog did not say who is in a team.")
    role = clean((row.get("attributes") or {}).get("role")) or MEMBER
    return Access(clean(user["id"]), team, role, role == ADMIN, role_defaulted=not has(row, ("attributes", "role")))
