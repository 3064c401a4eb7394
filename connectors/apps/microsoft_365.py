"""Microsoft 365: a tenant's users and guests with their directory roles and licences; its groups and teams as assets.
Removal blocks the sign-in. A guest who was invited is deleted, and can be restored for 30 days.

Calls, properties and permissions from the Microsoft Graph v1.0 reference (learn.microsoft.com/graph/api): “List users”,
“Get a user”, “Update user”, “Delete a user”, “user resource type” (accountEnabled, userType, externalUserState,
assignedLicenses, signInActivity: page size 500, Entra ID P1), “List subscribedSkus”, “List unifiedRoleAssignments”,
“List roleDefinitions”, “List groups”, “List group transitive members”, “List members”, “List owners”, “Add members”,
“Remove member”, “Add owners”, “Remove group owner”, “user: revokeSignInSessions”. Roles are those of “Microsoft Entra
built-in roles”. Guests that are accounts of the tenant: “conditionalAccessGuestsOrExternalUsers” (internalGuest).
Least privileged permissions: “What's new in Microsoft Graph” (December 2024). The largest page of sign-ins was reduced,
with an error, in 2023 (microsoftgraph/msgraph-sdk-powershell, issue 1898). The sign-ins of single users are limited to
10 a minute (microsoftgraph/microsoft-graph-docs-contrib, issue 8653).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from connectors.base import (
    CAPABILITIES,
    CHANGE_ROLE,
    INVITE,
    UNKNOWN,
    Access,
    Account,
    Asset,
    Connector,
    Identity,
    RateLimited,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, REVOKED, Effect, Reach, Seat, Sessions, Undo, declared
from connectors.microsoft.graph import API, FIELDS, GRAPH, GUEST, LOGIN, PAGE, REGISTER, Graph, emails_of, is_external
from connectors.quality import at_its_maker
from connectors.tools.answers import disappeared, known_status, missing_from
from connectors.tools.http import Forbidden, NotFound, clean, segment
from connectors.tools.http_connector import ClosesClients, api_client
from connectors.tools.sign_out import block_and_sign_out
from connectors.tools.times import from_iso

USER = (
    "id,displayName,mail,userPrincipalName,otherMails,proxyAddresses,accountEnabled,userType,externalUserState,"
    "assignedLicenses"
)
EMAILS = ["mail", "userPrincipalName", "proxyAddresses", "otherMails"]
INVITED = {None: "active", "Accepted": "active", "PendingAcceptance": "invited"}  # by externalUserState
ACTIVITY_PAGE = 500
REMOVED_BY = "id,userType,userPrincipalName,externalUserState,assignedLicenses"  # what decides how
BLOCKS = frozenset(("User.EnableDisableAccount.All", "User.ReadWrite.All"))  # either permits it
REVOKES = "User.RevokeSessions.All"
LICENCES, SIGN_INS = "read licences", "read the last sign-in"  # nothing that Rollcall decides needs these two
NOT_NOW = (RateLimited, Refused, TemporarilyUnavailable)
GROUP = "id,displayName,groupTypes,resourceProvisioningOptions,mailEnabled,securityEnabled"
# Who may administer everything, or make themselves those who may. The built-in roles have the same ids in every tenant.
PRIVILEGED = ("62e90394-69f5-4237-9190-012177145e10", "e8611ab8-c189-46e8-94e1-60213ab1f814")
SYNCHRONISES = "d29b2b05-8046-44ba-8758-1e26182fcf32"  # "Only used by Microsoft Entra Connect service"
ELIGIBLE = "eligible:"  # before the id of a role
MEMBER, GUEST_ROLE = Role("member", "Member", default=True), Role("guest", "Guest")


class Microsoft365(ClosesClients, Connector):
    slug = "microsoft_365"
    label = "Microsoft 365"
    logo = "own-microsoft-365.svg"
    quality = at_its_maker("Microsoft's permission to change roles could make anyone a Global Administrator.",
                           managers=False)  # fmt: skip
    docs = (
        *REGISTER,
        "Under “API permissions” add Microsoft Graph application permissions (not delegated ones): User.Read.All, "
        "GroupMember.Read.All and RoleManagement.Read.Directory to read; LicenseAssignment.Read.All for the names of "
        "licences and AuditLog.Read.All for the last sign-in, which needs Entra ID P1 or higher. Then press "
        "“Grant admin consent”.",
        "To remove people, add User.EnableDisableAccount.All (to block), User.DeleteRestore.All (to delete guests) "
        "and User.RevokeSessions.All (to end sessions). User.ReadWrite.All also permits the first two, and more. To "
        "change groups, add GroupMember.ReadWrite.All for their members and Group.ReadWrite.All for their owners. For "
        "people with an administrator's role, Microsoft may require more: the app itself must have a role such as "
        "Privileged Authentication Administrator. Otherwise Microsoft refuses, and the task says so.",
        "A member who is removed can no longer sign in, and their sessions end if Rollcall has the permission for it, "
        "which takes a few minutes. The account, its mailbox and its licences stay, and can be used again at any time: "
        "take licences away in the Microsoft 365 admin center. People who are synchronised from your own Active "
        "Directory must be disabled there.",
        "A guest who was invited and has no licence is deleted, even before they accept the invitation. For 30 days "
        "you can restore the guest in the Microsoft Entra admin center. Any other guest is blocked like a member: it "
        "can be an account of your own tenant, with a mailbox.",
        "Each person's highest role is shown first. Roles that someone may take for a time (Privileged Identity "
        "Management) are shown as “eligible”, and don't count as an administrator's. Rollcall doesn't change roles: "
        "the permission for it would let it make anyone a Global Administrator.",
        "Only the direct members of a group are shown, not those of groups within it. Groups with hidden members need "
        "the permission Member.Read.Hidden. Microsoft doesn't let programs change distribution lists, groups with a "
        "membership rule, and groups that come from your own Active Directory.",
    )
    fields = FIELDS
    capabilities = frozenset(CAPABILITIES) - {CHANGE_ROLE, INVITE}
    effects = declared(
        "Microsoft Graph, “Update user” and “Delete a user”",
        remove=(
            Effect(
                "Blocks the sign-in of their Microsoft account, for everything they use with it. Mailbox and files "
                "stay.",
                Reach.TENANT, Undo.POSSIBLE, "Unblock the sign-in in the Microsoft 365 admin center.",
                frees_seat=Seat.KEPT,
                seat_note="Microsoft charges for the licences until they are taken away in the Microsoft 365 admin "
                          "center.",
                ends_sessions=Sessions.IF_PERMITTED,
                people="A member, and a guest who was not invited or has a licence",
            ),
            Effect(
                "Deletes them from the tenant.", Reach.TENANT, Undo.POSSIBLE,
                "Restore them in the Microsoft Entra admin center.", undo_days=30,
                lost=("access to everything that was shared with them",),
                frees_seat=Seat.NOT_PAID, people="A guest who was invited and has no licence",
            ),
        ),
        grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = GRAPH
    asset_word = "group"
    change_role_keeps = True  # by hand: in the admin center a role is added or taken singly
    api, login = API, LOGIN

    @api_client
    def _graph(self) -> Graph:
        return Graph(self.settings, self.api, self.login)

    @property
    def removal_suspends(self) -> bool:
        return True

    def test(self) -> Identity:
        first = self._graph.first_user()
        may, missing = ["read users"], []
        parts = (
            ("read who is an administrator", "RoleManagement.Read.Directory, which every check needs", self.roles),
            ("read groups and teams", "GroupMember.Read.All", lambda: next(self.assets(), None)),
            (LICENCES, "LicenseAssignment.Read.All", self._read_licences),
            (SIGN_INS, "AuditLog.Read.All, and Entra ID P1", lambda: next(self._signed_in(top=1), None)),
        )  # fmt: skip
        for what, needs, ask in parts:
            try:
                ask()
                may.append(what)
            except Forbidden as no:
                missing.append(f"{what}: {no} It takes {needs}.")
            except NOT_NOW:
                if what not in (LICENCES, SIGN_INS):
                    raise
        if first is not None and first.get("accountEnabled") is None:
            missing.append("read who is blocked: Microsoft shows it only with User.Read.All.")
        granted = self._graph.permissions() or frozenset()
        if granted & BLOCKS:
            may.append("block users")
            if REVOKES not in granted:
                missing.append(f"end the sessions of people who are blocked: it takes {REVOKES}.")
        return Identity(self._graph.name(), may=tuple(may), missing=tuple(missing))

    def roles(self) -> list[Role]:
        rows = list(self._graph.rows("/roleManagement/directory/roleDefinitions", "roles"))
        given = [Role(row["id"], clean(row.get("displayName")), row["id"] in PRIVILEGED) for row in rows]
        used = {clean(row.get("roleDefinitionId")) for row in self._eligible}
        return [MEMBER, GUEST_ROLE, *given, *(_eligible(role) for role in given if role.id in used)]

    def accounts(self) -> Iterator[Account]:
        """Holds roles and last sign-ins, and nothing else."""
        roles, seen = self._roles_of(), self._last_seen()
        every = {"counted": True, "on_total": self.on_total, "select": USER, "top": PAGE}
        for user in self._graph.rows("/users", "users", **every):
            yield self._account(user, roles.get(user["id"], ()), seen.get(user["id"]))

    def account(self, id: str) -> Account | None:
        """Without the last sign-in, because a second look doesn't need it and Microsoft limits these calls strictly."""
        try:
            user = self._graph.one(f"/users/{segment(id)}", select=USER)
        except NotFound:
            return None
        account = self._account(user, self._roles_of().get(user["id"], ()), None)
        unknown = {"last_activity"}
        return replace(account, missing_fields=account.missing_fields | unknown,
                       defaulted_fields=account.defaulted_fields - unknown)  # fmt: skip

    def _account(self, user: dict, roles: Sequence[Role], seen: datetime | None) -> Account:
        plain = GUEST_ROLE if user.get("userType") == GUEST else MEMBER
        main, *further = dict.fromkeys(role.id for role in sorted(roles, key=_rank) or [plain])
        skus, names = [row.get("skuId") for row in user.get("assignedLicenses") or ()], self._licences
        return Account(
            id=user["id"],
            email=next(iter(emails_of(user)), ""),
            name=clean(user.get("displayName")),
            status=_status(user),
            role=main,
            further_roles=tuple(further),
            kind="system" if any(role.id == SYNCHRONISES for role in roles) else "user",
            last_activity=seen,
            seat=", ".join(sorted(names.get(sku, clean(sku)) for sku in skus)) if names is not None else "",
            missing_fields=missing_from(user, email=EMAILS, name="displayName",
                                        status={"accountEnabled", "externalUserState"},
                          seat="assignedLicenses")
            | ({"status"} if user.get("accountEnabled") is None else set()) | ({"seat"} if names is None else set()),
            defaulted_fields=frozenset(
                field for field, is_known in (("role", roles), ("last_activity", seen)) if not is_known)
            | missing_from(user, role="userType"),
        )  # fmt: skip

    def _roles_of(self) -> dict[str, list[Role]]:
        """The roles of each user who has any, also through a group (“Use groups to manage role assignments”)."""
        known = {role.id: role for role in self.roles()}
        found: dict[str, list[Role]] = {}
        path = "/roleManagement/directory/roleAssignments"
        for row in self._graph.rows(path, "role assignments", expand="principal"):
            self._add_role(found, row, lambda role: role, known)
        for row in self._eligible:
            self._add_role(found, row, _eligible, known)
        return found

    def _add_role(self, found: dict[str, list[Role]], row: dict, as_role: Callable[[Role], Role],
                  known: dict[str, Role]) -> None:  # fmt: skip
        id, principal = clean(row.get("roleDefinitionId")), clean(row.get("principalId"))
        if not id or not principal:
            return
        role = as_role(known.get(id) or Role(id, ""))  # one that the list of roles doesn't name
        gone = "principal" in row and row["principal"] is None
        is_group = not gone and _type(row.get("principal") or {}) == "#microsoft.graph.group"
        for user in self._everyone_in(principal) if is_group else [principal]:
            found.setdefault(user, []).append(role)

    @property
    def _eligible(self) -> list[dict]:
        """Who may take a role for a time (Privileged Identity Management); nobody where the tenant lacks a licence for
        it, or Rollcall the permission."""
        try:
            path = "/roleManagement/directory/roleEligibilityScheduleInstances"
            return list(self._graph.rows(path, "eligible roles", expand="principal"))
        except (Forbidden, Refused):
            return []

    def _everyone_in(self, group: str) -> list[str]:
        path = f"/groups/{segment(group)}/transitiveMembers/microsoft.graph.user"
        try:
            return [row["id"] for row in self._graph.rows(path, "members", counted=True, select="id", top=PAGE)]
        except NotFound as gone:
            raise disappeared("A group with a role", gone) from gone

    @cached_property
    def _licences(self) -> dict[str, str] | None:
        """Names by id: none where they may not be read, None where they can't be read now."""
        try:
            return self._read_licences()
        except Forbidden:
            return {}
        except NOT_NOW:
            return None

    def _read_licences(self) -> dict[str, str]:
        rows = self._graph.rows("/subscribedSkus", "licences", select="id,skuId,skuPartNumber")
        return {clean(row.get("skuId")): clean(row.get("skuPartNumber")) for row in rows}

    def _last_seen(self) -> dict[str, datetime]:
        """When each user signed in last; empty if that can't be read, and the known values are then kept."""
        for size in ({"top": ACTIVITY_PAGE}, {}):  # Microsoft refuses a page that is larger than it likes today
            try:
                return {clean(row.get("id")): seen for row in self._signed_in(**size) if (seen := _seen(row))}
            except Refused:
                continue
            except (Forbidden, *NOT_NOW):
                break
        return {}

    def _signed_in(self, **size: int) -> Iterator[dict]:
        # A user who comes twice does no harm here: the accounts are read from another list.
        return self._graph.rows("/users", "sign-ins", id_of=None, select="id,signInActivity", **size)

    def remove(self, account: Account) -> None:
        path = f"/users/{segment(account.id)}"
        try:
            user = self._graph.one(path, select=REMOVED_BY)
            if _may_be_deleted(user):
                self._graph.http.delete(path)
            elif is_external(user):  # whose sessions are in their own tenant
                self._block(path)
            else:
                block_and_sign_out(lambda: self._block(path), lambda: self._sign_out(path))
        except NotFound:
            return
        except Forbidden as no:
            raise Refused(
                f"{no} It takes User.EnableDisableAccount.All for a member and User.DeleteRestore.All for a guest, and "
                "for an administrator a role of the app's own, such as Privileged Authentication Administrator. The "
                "account is unchanged."
            ) from no

    def _block(self, path: str) -> None:
        self._graph.http.patch(path, json={"accountEnabled": False}, idempotent=True)

    def _sign_out(self, path: str) -> None:
        self._graph.http.post(f"{path}/revokeSignInSessions", idempotent=True)

    def assets(self) -> Iterator[Asset]:
        for group in self._graph.rows("/groups", "groups", counted=True, select=GROUP, top=PAGE):
            yield Asset(group["id"], _kind(group), clean(group.get("displayName")))

    def access(self) -> Iterator[Access]:
        """Owners can add others; an owner who is also a member is listed once."""
        try:
            for asset in self.assets():
                owners = dict.fromkeys(self._in_group(asset.id, "owners"))
                for id in owners:
                    yield Access(id, asset.id, "owner", privileged=True)
                for id in self._in_group(asset.id, "members"):
                    if id not in owners:
                        yield Access(id, asset.id, "member")
        except NotFound as gone:
            raise disappeared("A group", gone) from gone

    def _in_group(self, group: str, part: str) -> Iterator[str]:
        """Ids of the users among its direct members or its owners."""
        for row in self._graph.rows(f"/groups/{segment(group)}/{part}", part, select="id", top=PAGE):
            if _type(row) == "#microsoft.graph.user":
                yield row["id"]

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        part, kind = ("owners", "users") if role == "owner" else ("members", "directoryObjects")
        body = {"@odata.id": f"{API}/v1.0/{kind}/{segment(account.id)}"}
        try:
            self._graph.http.post(f"/groups/{segment(asset.id)}/{part}/$ref", json=body, idempotent=True)
        except (Refused, Forbidden) as no:
            if account.id not in self._in_group(asset.id, part):
                raise Refused(str(no)) from no
        if role == "member":
            self._take_out(account, asset, "owners")

    def revoke(self, account: Account, asset: Asset) -> None:
        """As an owner first: the last one is refused, and stays a member then."""
        for part in ("owners", "members"):
            self._take_out(account, asset, part)

    def _take_out(self, account: Account, asset: Asset, part: str) -> None:
        try:
            # Without $ref this would delete the user.
            self._graph.http.delete(f"/groups/{segment(asset.id)}/{part}/{segment(account.id)}/$ref")
        except NotFound:
            return
        except (Refused, Forbidden) as no:
            if account.id in self._in_group(asset.id, part):
                raise Refused(str(no)) from no


def _may_be_deleted(user: dict) -> bool:
    """A guest who was invited. An internal guest is an account of the tenant, and a licence may come with a mailbox."""
    was_invited = is_external(user) or user.get("externalUserState") in ("Accepted", "PendingAcceptance")
    return user.get("userType") == GUEST and was_invited and user.get("assignedLicenses") == []


def _status(user: dict) -> str:
    """accountEnabled is null where it may not be read: the status is then unknown, and nobody counts as suspended."""
    if user.get("accountEnabled") is None:
        return UNKNOWN
    if user["accountEnabled"] is False:
        return "suspended"
    return known_status(user.get("externalUserState"), INVITED)


def _type(thing: dict) -> str:
    """Whether a row is a user, a group or a device. Without it, nobody would seem to be in a group or have its role."""
    if not isinstance(thing.get("@odata.type"), str):
        raise TemporarilyUnavailable("Microsoft Graph didn't report what is a user and what a group.")
    return thing["@odata.type"]


def _eligible(role: Role) -> Role:
    """Someone eligible for a role doesn't have it yet, and so isn't one of its administrators."""
    return Role(f"{ELIGIBLE}{role.id}", f"{role.label or role.id} (eligible)")


def _rank(role: Role) -> tuple:
    """The most powerful first: those over everything, then administrators, then the rest."""
    place = PRIVILEGED.index(role.id) if role.id in PRIVILEGED else len(PRIVILEGED)
    return role.id.startswith(ELIGIBLE), place, "administrator" not in role.label.casefold(), role.label, role.id


def _seen(user: dict) -> datetime | None:
    """The last successful sign-in, else the last attempt of either kind (“signInActivity resource type”)."""
    activity = user.get("signInActivity") or {}
    successful, *tries = (
        moment if (moment := from_iso(activity.get(name))) and moment.year > 1 else None  # 0001-01-01 is never
        for name in ("lastSuccessfulSignInDateTime", "lastSignInDateTime", "lastNonInteractiveSignInDateTime")
    )
    return successful or max(filter(None, tries), default=None)


def _kind(group: dict) -> str:
    if "Team" in (group.get("resourceProvisioningOptions") or ()):
        return "team"
    if "Unified" in (group.get("groupTypes") or ()):
        return "Microsoft 365 group"
    return "security group" if group.get("securityEnabled") else "distribution list"
