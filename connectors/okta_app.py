"""One application in Okta as an app: who is assigned to it, and the groups that assign people as assets.
Removal takes the assignment away; where the application is provisioned, Okta then deactivates the account in it.

Calls and fields as in Okta's own description (github.com/okta/okta-management-openapi-spec), and developer.okta.com,
Apps API: “List users assigned to application” (up to 500 a page), “Remove user from application”; “Add User to Group”
(groups of Okta's own alone). That nobody is unassigned whom a group assigns: error E0000046, “The application cannot be
unassigned from the user while their group memberships grant them access”.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from types import MappingProxyType

from connectors.answers import known_status, unsaid
from connectors.base import (
    ASSETS,
    CHANGE_ROLE,
    GOLD,
    GRANT,
    INVITE,
    LOOK_UP,
    REMOVE,
    REVOKE,
    SEAT_BASED,
    Access,
    Account,
    Asset,
    Connector,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.http import NotFound, clean, segment
from connectors.okta_client import FIELDS, TOKEN_STEPS, OktaClient, name_of

APPS, GROUPS, USERS = "/api/v1/apps", "/api/v1/groups", "/api/v1/users"
ASSIGNMENTS = 500  # "maximum 500"
THROUGH_GROUP = "GROUP"  # scope: "Indicates if the assignment is direct (`USER`) or by group membership (`GROUP`)"
STATUSES = {
    "ACTIVE": "active", "PROVISIONED": "active", "STAGED": "active",
    "SUSPENDED": "suspended", "DEPROVISIONED": "suspended", "INACTIVE": "suspended",
}  # fmt: skip
NAMES = {("profile", "firstName"), ("profile", "lastName")}
SHOWN = 20  # applications named when the ID is wrong


class OktaApp(Connector):
    slug = "okta_app"
    label = "Okta application"
    category = SEAT_BASED
    logo = "okta.svg"
    level = GOLD
    docs = (
        *TOKEN_STEPS,
        "The token's admin must be allowed to manage this application and the groups that it is assigned to; to read, "
        "a read-only administrator is enough.",
        "The application's ID begins with 0oa. Test connection names your applications with their IDs when it is not "
        "right.",
        "Whoever is assigned through a group can't be taken out singly: take them out of the group, which is shown as "
        "an asset. That takes away everything else the group gives, too.",
        "Okta doesn't tell when somebody last used an application, nor their role in it. Somebody added here must be "
        "in Okta already.",
    )
    fields = (
        *FIELDS,
        Field("app_id", "Application ID", "It begins with 0oa.", pattern=r"[A-Za-z0-9]+",
              placeholder="0oa1gjh63g214q0Hq0g4"),
    )  # fmt: skip
    unknown_acts = MappingProxyType({CHANGE_ROLE: "an assignment to an application in Okta has no role"})
    capabilities = frozenset({LOOK_UP, ASSETS, REMOVE, INVITE, GRANT, REVOKE})
    asset_word = "group"

    @cached_property
    def _okta(self) -> OktaClient:
        return OktaClient(self.settings)

    def close(self) -> None:
        if "_okta" in self.__dict__:
            self._okta.close()

    @property
    def _app(self) -> str:
        return f"{APPS}/{segment(self.settings.get('app_id', ''))}"

    def test(self) -> Identity:
        me = self._okta.me()
        try:
            app = self._okta.http.get(self._app).json(dict)
        except NotFound:
            raise Refused(f"There is no application with this ID at {self._okta.host}. {self._known()}") from None
        self._okta.http.get(f"{self._app}/users", {"limit": 1}).json(list)
        label = clean(app.get("label"))
        active = app.get("status") == "ACTIVE"
        missing = () if active else (f"{label} is {clean(app.get('status')).lower()} in Okta: nobody can use it.",)
        name = f"{name_of(me.get('profile') or {})}, for {label} at {self._okta.host}"
        return Identity(name, clean(me.get("id")), ("read assignments and groups",), missing)

    def _known(self) -> str:
        apps = list(islice(self._okta.rows(APPS, "applications"), SHOWN))
        named = ", ".join(f"{clean(app.get('label'))} ({app['id']})" for app in apps)
        return f"These are: {named}." if named else "The token sees none."

    def roles(self) -> list[Role]:
        return [Role("assigned", "Assigned", default=True)]

    def accounts(self) -> Iterator[Account]:
        for row in self._okta.rows(f"{self._app}/users", "assigned people", ASSIGNMENTS):
            yield _account(row)

    def assets(self) -> Iterator[Asset]:
        for group in self._groups():
            yield Asset(group["id"], "group", clean((group.get("profile") or {}).get("name")))

    def access(self) -> Iterator[Access]:
        for group in self._groups():
            for member in self._members(group["id"]):
                yield Access(member, group["id"], "member")

    def _groups(self) -> Iterator[dict]:
        """The groups assigned to the application, as they describe themselves."""
        for row in self._okta.rows(f"{self._app}/groups", "assigned groups"):
            try:
                yield self._okta.http.get(f"{GROUPS}/{segment(row['id'])}").json(dict)
            except NotFound as gone:
                raise TemporarilyUnavailable(f"A group went away while it was read. {gone}") from gone

    def _members(self, group: str) -> Iterator[str]:
        try:
            for row in self._okta.rows(f"{GROUPS}/{segment(group)}/users", "people of the group"):
                yield row["id"]
        except NotFound as gone:
            raise TemporarilyUnavailable(f"A group went away while it was read. {gone}") from gone

    def account(self, id: str) -> Account | None:
        row = self._assignment(id)
        return _account(row) if row else None

    def _assignment(self, user: str) -> dict | None:
        """None when the application is there and they are not assigned to it."""
        try:
            return self._okta.http.get(f"{self._app}/users/{segment(user)}").json(dict)
        except NotFound:
            self._okta.http.get(self._app)
            return None

    def remove(self, account: Account) -> None:
        row = self._assignment(account.id)
        if row is None:
            return
        if row.get("scope") == THROUGH_GROUP:
            raise Refused(self._why_not(account))
        try:
            self._okta.http.act("DELETE", f"{self._app}/users/{segment(account.id)}")
        except NotFound:
            return

    def _why_not(self, account: Account) -> str:
        named = [group.name for group in self.assets() if account.id in self._members(group.id)]
        groups = f"the group {' and '.join(named)}" if named else "a group"
        return (f"{account.name or account.email} is assigned through {groups}, so Okta can't take the assignment away "
                "singly. Take them out of the group, or the application away from the group.")  # fmt: skip

    def invite(self, email: str, role: str) -> None:
        """Assign somebody who is in Okta already."""
        wanted = json.dumps(email)
        found = list(self._okta.rows(USERS, "users", filter=f"profile.email eq {wanted} or profile.login eq {wanted}"))
        if len(found) != 1:
            raise Refused(f"{'Nobody' if not found else 'More than one person'} in Okta has the address {email}.")
        if self._assignment(found[0]["id"]) is None:
            assignment = {"id": found[0]["id"], "scope": "USER"}
            self._okta.http.act("POST", f"{self._app}/users", json=assignment, idempotent=True)

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        self._membership("PUT", account, asset)

    def revoke(self, account: Account, asset: Asset) -> None:
        try:
            self._membership("DELETE", account, asset)
        except NotFound:
            return

    def _membership(self, method: str, account: Account, asset: Asset) -> None:
        self._okta.http.act(method, f"{GROUPS}/{segment(asset.id)}/users/{segment(account.id)}")


def _account(row: dict) -> Account:
    """The address is the application's own, else the user name it goes by there."""
    profile, user_name = row.get("profile") or {}, clean((row.get("credentials") or {}).get("userName"))
    return Account(
        id=row["id"],
        email=clean(profile.get("email")) or (user_name if "@" in user_name else ""),
        name=name_of(profile),
        status=known_status(row.get("status"), STATUSES),
        role="assigned",
        seat="Through a group" if row.get("scope") == THROUGH_GROUP else "Direct",
        unsaid=unsaid(row, email=[("profile", "email"), ("credentials", "userName")], seat="scope",
                      status="status", name=NAMES) - ({"name"} if clean(profile.get("displayName")) else set()),
    )
