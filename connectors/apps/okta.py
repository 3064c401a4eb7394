"""One application in Okta as an app: who is assigned to it, and the groups that assign people as assets.
Removal takes the assignment away; where the application is provisioned, Okta then deactivates the account in it.

Calls and fields as in Okta's own description (github.com/okta/okta-management-openapi-spec), and developer.okta.com,
Apps API: “List users assigned to application” (up to 500 a page), “Remove user from application”; “Add User to Group”
(groups of Okta's own alone). Roles are in the assignment's profile, in attributes of the application's own, such as
“role” and “salesforceGroups” in the examples of “Application User”. That a group's members can't be unassigned:
error E0000046, “The application cannot be unassigned from the user while their group memberships grant them access”.
What each status means: “AppUserStatus” of the description's current version (dist/current). What is lost: “Unassign an
application user”. That clearing a user's sessions ends those with Okta, and with `oauthTokens` revokes the tokens that
it issued: “Revoke all user sessions”. That nobody needs an assignment in Federation Broker Mode:
help.okta.com/oie/en-us/Content/Topics/Apps/apps-fbm-main.htm; that this is `implicitAssignment` in the API:
support.okta.com, “Create an Application with Federation Broker Mode Enabled Using Apps API”. Names of directories'
applications: github.com/gabrielsroka/gabrielsroka.github.io, “dirType”.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Any

from connectors.base import (
    CAPABILITIES,
    CHANGE_ROLE,
    Access,
    Account,
    Asset,
    Connector,
    Field,
    Identity,
    Refused,
    Role,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, Effect, Reach, Undo, declared
from connectors.okta import usage
from connectors.okta.client import FIELDS, OKTA_API, TOKEN_STEPS, OktaClient, name_of
from connectors.quality import at_its_maker
from connectors.scim.extended import FIELDS as SCIM_FIELDS
from connectors.scim.values import privileged_by_name
from connectors.tools.answers import disappeared, known_status, missing_from
from connectors.tools.holes import needed
from connectors.tools.http import NotFound, clean, segment
from connectors.tools.http_connector import ClosesClients, api_client
from connectors.tools.sign_out import block_and_sign_out

APPS, GROUPS, USERS = "/api/v1/apps", "/api/v1/groups", "/api/v1/users"
ASSIGNMENTS = 500  # "maximum 500"
THROUGH_GROUP = "GROUP"  # scope: "Indicates if the assignment is direct (`USER`) or by group membership (`GROUP`)"
STATUSES = {
    "ACTIVE": "active",  # "provisioned and is enabled to use the app"
    "PROVISIONED": "active",  # "the background provisioning operation completed"
    "IMPLICIT": "active",  # "migrated to use implicit app assignment"
    "STAGED": "invited",  # "the background provisioning operation is queued"
    "PENDING": "invited",  # "in a pending state and can't use the app"
    "APPROVED": "invited",  # "created but not provisioned"
    "SUSPENDED": "suspended",  # "isn't enabled to use the app"
    "INACTIVE": "suspended",  # as SUSPENDED; it takes a password reset to return
    "REVOKED": "suspended",  # "disabled and waiting for deprovisioning acknowledgment"
    "DEPROVISIONED": "suspended",  # "removed by the provisioning operation"
}
# The description says how IMPORTED, MATCHED and UNASSIGNED rows came about, not whether the person may use
# the application: they are left out of STATUSES on purpose, so that Rollcall asks.
NAMES = {("profile", "firstName"), ("profile", "lastName")}
ASSIGNED = "assigned"
SHOWN = 20  # applications named when the ID is wrong
DIRECTORIES = ("active_directory", "ldap")  # how names of applications that are directories begin

UNASSIGNED = Effect(
    "Removes their assignment to the application. If Okta provisions the application and is set to deactivate users, "
    "the account in it is deactivated.",
    Reach.WORKSPACE, Undo.IMPOSSIBLE, "Assign the application again, and fill in its profile again.",
    lost=("their profile in the application, with user name and roles",), when=("sessions", "keep"),
)  # fmt: skip


class OktaApp(ClosesClients, Connector):
    slug = "okta_app"
    label = "Okta application"
    logo = "okta.svg"
    quality = at_its_maker()
    docs = (
        *TOKEN_STEPS,
        "The token's admin must be allowed to manage this application and the groups that it is assigned to; to read, "
        "a read-only administrator is enough.",
        "The application's ID begins with 0oa. If it is wrong, Test connection lists your applications with their "
        "IDs. An application in Federation Broker Mode can't be read, because people may use it without being "
        "assigned.",
        "Someone who is assigned through a group can't be removed individually: remove them from the group, which is "
        "shown as an asset. That takes away everything else the group gives, too.",
        "Removing someone takes the assignment away. Okta then deletes the person's profile in this application (user "
        "name, roles, attributes), and it can't be restored; a new assignment begins with an empty one. Where Okta "
        "provisions the application and is set to deactivate users, it deactivates the account in the application "
        "too. Until someone acknowledges a deprovisioning by hand, the person is shown as suspended.",
        "Rollcall removes nobody from Active Directory or LDAP, because Okta would leave them without a password. "
        "Disable them in the directory instead.",
        "You can choose that a removal also ends the person's sessions in Okta, and revokes the tokens that Okta "
        "issued to them. They then have to sign in to Okta again for every application, even if they only lose this "
        "one. Sessions that an application keeps itself stay open. It needs an admin who may clear sessions, such as "
        "a help desk or organisation administrator.",
        "Last use is the last sign-in through Okta within 90 days, by Okta's System Log, which an admin with the role "
        "super, read-only or report administrator may read. Without that, or with more than 20,000 sign-ins, it is "
        "not known for everyone.",
        "Okta knows what people may do in the application if it is provisioned with attributes for that (Applications, "
        "the application, Assignments, the pencil beside a person): name these attributes as the application's profile "
        "does. A person added here must already be in Okta.",
    )
    fields = (
        *FIELDS,
        Field("app_id", "Application ID", "It begins with 0oa.", pattern=r"[A-Za-z0-9]+",
              placeholder="0oa1gjh63g214q0Hq0g4"),
        Field("roles_in", "Roles are in", "Attributes of the application's profile, with commas between; left empty, "
              "everyone is just assigned.", required=False, placeholder="role, samlRoles", asks_secrets_again=False),
        Field("sessions", "A removal", required=False, asks_secrets_again=False,
              choices=(("keep", "leaves their sessions in Okta open"), ("end", "ends their sessions in Okta"))),
        Field("privileged", SCIM_FIELDS["privileged"].label, SCIM_FIELDS["privileged"].help, required=False,
              placeholder="Admin, Owner", asks_secrets_again=False),
    )  # fmt: skip
    absent_operations = MappingProxyType({
        CHANGE_ROLE: "an assignment in Okta has no role of Okta's own. The roles in its profile are set in Okta, "
                     "mostly by a group"})  # fmt: skip
    capabilities = frozenset(CAPABILITIES) - {CHANGE_ROLE}
    effects = declared(
        "Okta API, “Unassign an application user”",
        remove=(
            UNASSIGNED,
            replace(
                UNASSIGNED, when=("sessions", "end"), reach=Reach.TENANT, does=f"{UNASSIGNED.does} Ends their sessions "
                "in Okta too, so they sign in again for every application. Sessions that the application keeps itself "
                "stay open.",
            ),
        ),
        invite=replace(INVITATION_SENT, does="Assigns the application to someone who is already in Okta.",
                       undo_by="Remove the assignment."),
        grant=replace(GRANTED, does="Adds them to a group in Okta, and so gives them every application that it grants.",
                      reach=Reach.ORGANISATION, undo_by="Remove them from the group."),
        revoke=replace(REVOKED, does="Removes them from a group in Okta, and so takes away every application that it "
                                     "grants.", reach=Reach.ORGANISATION, undo_by="Add them to the group again.",
                       lost=("their profiles in applications that only this group gives",)),
    )  # fmt: skip
    api_version = OKTA_API
    asset_word = "group"

    @api_client
    def _okta(self) -> OktaClient:
        return OktaClient(self.settings)

    @property
    def _app_id(self) -> str:
        return self.settings.get("app_id", "")

    @property
    def _app(self) -> str:
        return f"{APPS}/{segment(self._app_id)}"

    @property
    def removal_suspends(self) -> bool:
        """True where someone acknowledges deprovisioning by hand: until then, the row stays as REVOKED."""
        return True

    def test(self) -> Identity:
        me = self._okta.me()
        try:
            app = self._okta.http.get(self._app).json(dict)
        except NotFound:
            raise Refused(f"There is no application with this ID at {self._okta.host}. {self._known()}") from None
        _must_need_assignments(app)
        self._okta.http.get(f"{self._app}/users", {"limit": 1}).json(list)
        label = clean(app.get("label"))
        name = f"{name_of(me.get('profile') or {})}, for {label} at {self._okta.host}"
        missing = tuple(self._missing(app, label))
        return Identity(name, clean(me.get("id")), ("read assignments and groups",), missing)

    def _missing(self, app: dict, label: str) -> Iterator[str]:
        if app.get("status") != "ACTIVE":
            yield f"{label} is {clean(app.get('status')).lower()} in Okta: nobody can use it."
        if why := _why_nobody_is_removed(app):
            yield f"remove: {why}"
        if why := usage.why_unknown(self._okta, self._app_id):
            yield f"see when someone last used it: {why}"

    def _known(self) -> str:
        apps = list(islice(self._okta.rows(APPS, "applications"), SHOWN))
        named = ", ".join(f"{clean(app.get('label'))} ({app['id']})" for app in apps)
        return f"These are: {named}." if named else "The token sees none."

    def roles(self) -> list[Role]:
        """“Assigned”, and the roles in the profiles that were read: Okta has no list of an application's roles."""
        return [*(Role(id, id, self._is_privileged(id)) for id in sorted(self._in_use, key=self._rank)),
                Role(ASSIGNED, "Assigned", default=True)]  # fmt: skip

    @cached_property
    def _is_privileged(self) -> Callable[[str], bool]:
        return privileged_by_name(self.settings.get("privileged", ""))

    def _rank(self, role: str) -> tuple[bool, str, str]:
        return not self._is_privileged(role), role.casefold(), role

    @cached_property
    def _in_use(self) -> set[str]:
        """The roles that someone has; accounts() fills it while it reads."""
        return set()

    def accounts(self) -> Iterator[Account]:
        """The application itself is looked at last: switching to Federation Broker Mode removes its assignments."""
        used = usage.last_used(self._okta, self._app_id)
        for row in self._okta.rows(f"{self._app}/users", "assigned people", ASSIGNMENTS):
            account = self._account(row)
            when = used.get(account.id)
            yield replace(
                account, last_activity=when, missing_fields=account.missing_fields - {"last_activity"}
            ) if when else account
        self._look_at_app()

    def _look_at_app(self) -> dict:
        """The application. Raises Refused if its assignments don't say who may use it."""
        app = self._okta.http.get(self._app).json(dict)
        _must_need_assignments(app)
        return app

    def _account(self, row: dict) -> Account:
        """The account with the roles in its profile; without any, it is only known that the person is assigned."""
        attributes = [name.strip() for name in self.settings.get("roles_in", "").split(",") if name.strip()]
        profile = row.get("profile") or {}
        held = {role for name in attributes for role in _texts(profile.get(name))}
        self._in_use.update(held)
        main, *further = sorted(held, key=self._rank) or [ASSIGNED]
        has_role = not attributes or any(name in profile for name in attributes)
        account = replace(_account(row), role=main, further_roles=tuple(further))
        return account if has_role else replace(account, defaulted_fields=account.defaulted_fields | {"role"})

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
                raise disappeared("A group", gone) from gone

    def _members(self, group: str) -> Iterator[str]:
        try:
            for row in self._okta.rows(f"{GROUPS}/{segment(group)}/users", "people of the group"):
                yield row["id"]
        except NotFound as gone:
            raise disappeared("A group", gone) from gone

    def account(self, id: str) -> Account | None:
        row = self._assignment(id)
        return self._account(row) if row else None

    def _assignment(self, user: str) -> dict | None:
        """None when the application is there and they are not assigned to it."""
        try:
            return self._okta.http.get(f"{self._app}/users/{segment(user)}").json(dict)
        except NotFound:
            self._look_at_app()
            return None

    def remove(self, account: Account) -> None:
        row = self._assignment(account.id)
        if row is None or row.get("status") == "REVOKED":
            return
        if row.get("scope") == THROUGH_GROUP:
            raise Refused(self._why_not(account))
        if why := _why_nobody_is_removed(self._look_at_app()):
            raise Refused(why)
        if self.settings.get("sessions") == "end":
            block_and_sign_out(lambda: self._unassign(account), lambda: self._sign_out(account))
        else:
            self._unassign(account)

    def _unassign(self, account: Account) -> None:
        with suppress(NotFound):
            self._okta.http.operate("DELETE", f"{self._app}/users/{segment(account.id)}")

    def _sign_out(self, account: Account) -> None:
        path = f"{USERS}/{segment(account.id)}/sessions"
        self._okta.http.operate("DELETE", path, params={"oauthTokens": "true"})

    def _why_not(self, account: Account) -> str:
        named = [group.name for group in self.assets() if account.id in self._members(group.id)]
        groups = f"the group {' and '.join(named)}" if named else "a group"
        return (f"{account.name or account.email} is assigned through {groups}, so Okta can't remove this assignment "
                "alone. Remove them from the group, or the application from the group.")  # fmt: skip

    def invite(self, email: str, role: str) -> None:
        """Assign someone who is already in Okta."""
        wanted = json.dumps(needed(email, "e-mail address"))
        found = list(self._okta.rows(USERS, "users", filter=f"profile.email eq {wanted} or profile.login eq {wanted}"))
        if len(found) != 1:
            raise Refused(f"{'Nobody' if not found else 'More than one person'} in Okta has the address {email}.")
        if self._assignment(found[0]["id"]) is None:
            assignment = {"id": found[0]["id"], "scope": "USER"}
            self._okta.http.operate("POST", f"{self._app}/users", json=assignment, idempotent=True)

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        self._membership("PUT", account, asset)

    def revoke(self, account: Account, asset: Asset) -> None:
        try:
            self._membership("DELETE", account, asset)
        except NotFound:
            return

    def _membership(self, method: str, account: Account, asset: Asset) -> None:
        self._okta.http.operate(method, f"{GROUPS}/{segment(asset.id)}/users/{segment(account.id)}")


def _texts(value: Any) -> list[str]:
    """An attribute of a profile: a text, or a list of texts."""
    return [text for one in (value if isinstance(value, list) else [value]) if (text := clean(one))]


def _account(row: dict) -> Account:
    """The address is the one in the application, else the user name there."""
    profile, user_name = row.get("profile") or {}, clean((row.get("credentials") or {}).get("userName"))
    return Account(
        id=row["id"],
        email=clean(profile.get("email")) or (user_name if "@" in user_name else ""),
        name=name_of(profile),
        status=known_status(row.get("status"), STATUSES),
        role=ASSIGNED,
        seat="Through a group" if row.get("scope") == THROUGH_GROUP else "Direct",
        missing_fields=missing_from(row, email=[("profile", "email"), ("credentials", "userName")], seat="scope",
                      status="status", name=NAMES)
        - ({"name"} if clean(profile.get("displayName")) else set()) | {"last_activity"},
    )


def _must_need_assignments(app: dict) -> None:
    """Raises Refused for an application in Federation Broker Mode: `implicitAssignment` of its settings."""
    settings = app.get("settings")
    if isinstance(settings, dict) and settings.get("implicitAssignment") is True:
        raise Refused(
            f"{clean(app.get('label'))} is in Federation Broker Mode: people may use it without an assignment, so its "
            "list of assignments doesn't say who can. Nothing was changed. Disable Federation Broker Mode in Okta, or "
            "disconnect this app."
        )


def _why_nobody_is_removed(app: dict) -> str:
    """Where Okta delegates sign-in to a directory, an unassigned user "is in a state with no password"."""
    name, label = clean(app.get("name")), clean(app.get("label"))
    if not name:
        return f"Okta doesn't say what kind of application {label} is, and nobody is removed from a directory."
    if not name.startswith(DIRECTORIES):
        return ""
    return f"{label} is a directory. Okta would leave people without a password: disable them in the directory instead."
