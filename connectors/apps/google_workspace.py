"""Google Workspace: a company's users and administrators, its groups and admin roles, and who is in which. A removal
suspends the user, because deleting one would delete their mail and files too.

Calls, parameters and fields as in Google's own description of the Directory API (admin_directory_v1);
from developers.google.com: “Manage users” and users.makeAdmin, “Group members” (OWNER, MANAGER, MEMBER),
“Role assignments” (scopeType: CUSTOMER, or ORG_UNIT for a part of the company) and users.signOut; from
support.google.com: “Archive former employee accounts” and “Suspend a user temporarily” (suspended users are charged as
active ones are).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from connectors.base import (
    CAPABILITIES,
    INVITE,
    Access,
    Account,
    Asset,
    Connector,
    CredentialRejected,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Sessions, Undo, declared
from connectors.google.admin import API, DIRECTORY_API, FIELDS, LOGIN, SCOPE, SECURITY, GoogleAdmin, steps
from connectors.quality import at_its_maker
from connectors.tools.answers import missing_from
from connectors.tools.http import Conflict, NotFound, clean, segment
from connectors.tools.http_connector import ClosesClients, api_client
from connectors.tools.sign_out import block_and_sign_out
from connectors.tools.times import from_iso

SCOPES = ("user", "group", "rolemanagement")
USER = (
    "id,primaryEmail,name/fullName,isAdmin,isDelegatedAdmin,suspended,archived,lastLoginTime,isGuestUser,"
    "guestAccountInfo,customerId,aliases"
)
SUPER, DELEGATED, PLAIN = "super-admin", "delegated-admin", "user"
ROLES = (
    Role(SUPER, "Super admin", privileged=True),
    Role(DELEGATED, "Delegated admin"),  # can make nobody a super admin
    Role(PLAIN, "User", default=True),
)
GROUP, ADMIN_ROLE = "group", "admin role"
ROLE = "role:"  # before the id of an admin role, which is an account's further role and an asset


class GoogleWorkspace(ClosesClients, Connector):
    slug = "google_workspace"
    label = "Google Workspace"
    logo = "google.svg"
    quality = at_its_maker("Google creates a user only with a password, so Rollcall creates none.", managers=False)
    docs = (
        *steps(SCOPES, "a super admin: Google doesn't let anyone else change administrators"),
        "A removal suspends the user, which you can undo in the Admin console at any time. Nobody can sign in as the "
        "user, new mail is rejected, and mail and files stay. Google charges for a suspended user as for an active "
        "one, until you archive the user (which takes an Archived User license) or delete it there.",
        f"If you also delegate the scope {SCOPE}{SECURITY}, a removal ends the user's sessions on the web and on "
        "devices. Rollcall works without it. App passwords and the access that the user gave to other apps aren't "
        "revoked: do that in the Admin console, on the user's Security page.",
        "Google creates a user only with a password, so Rollcall can't invite anyone. This API doesn't say which "
        "licence someone has. A group's members are those who are in it themselves: a person who is in it through "
        "another group shows there, and a group that everyone in the company belongs to shows nobody. People from "
        "outside the company who are in a group don't show: they have no account here. Each admin role shows beside "
        "“Super admin” or “Delegated admin”, also one that comes through a group.",
    )
    fields = FIELDS
    capabilities = frozenset(CAPABILITIES) - {INVITE}
    effects = declared(
        "Google Workspace Admin Help, “Suspend a user temporarily”; Directory API, users.signOut",
        remove=Effect(
            "Suspends their Google account, so they can no longer sign in to anything with it. Mail and files stay.",
            Reach.TENANT, Undo.POSSIBLE, "Reactivate them in the Google Admin console.", frees_seat=Seat.KEPT,
            seat_note="Google charges for a suspended user until the user is archived or deleted.",
            ends_sessions=Sessions.IF_PERMITTED,
        ),
        change_role=replace(ROLE_CHANGED, reach=Reach.TENANT),
        grant=replace(
            GRANTED, does="Adds them to a group, or gives them an admin role for the whole company.",
            reach=Reach.TENANT,
        ),
        revoke=replace(REVOKED, does="Removes them from a group, or takes away an admin role.", reach=Reach.TENANT),
    )  # fmt: skip
    api_version = DIRECTORY_API
    asset_word = "group"
    api, login = API, LOGIN

    @api_client
    def _google(self) -> GoogleAdmin:
        return GoogleAdmin(self.settings, SCOPES, self.api, self.login)

    @property
    def removal_suspends(self) -> bool:
        return True

    def test(self) -> Identity:
        self._google.check_scopes()
        me = self._me
        next(self._google.users(USER), None)
        missing = []
        for what, read in (("groups", self._google.groups), ("admin roles", self._roles)):
            try:
                next(read(), None)
            except CredentialRejected as no:
                missing.append(f"read {what}: {no}")
        if me.get("isAdmin") is not True:
            missing.append(f"change administrators: {self._google.admin} isn't a super admin. Make them one in Google.")
            missing += self._limits(me["id"])
        missing += self._missing_sign_out()
        name = clean((me.get("name") or {}).get("fullName")) or self._google.admin
        return Identity(
            f"{name}, {clean(me.get('primaryEmail'))}", me["id"],
            ("read users, groups and admin roles", "suspend users", "change roles and groups"), tuple(missing),
        )  # fmt: skip

    def _limits(self, me: str) -> list[str]:
        """A delegated administrator's roles may all be restricted to organisational units."""
        try:
            scopes = [role.get("scopeType") for role in self._roles_of(me)]
        except CredentialRejected:
            return []  # which test() reports
        if not scopes or "CUSTOMER" in scopes:
            return []
        return [f"read everyone for certain: {self._google.admin} is an admin of a part of your company only. Make "
                "them a super admin in Google."]  # fmt: skip

    def _missing_sign_out(self) -> list[str]:
        try:
            self._google.check_sign_out()
        except CredentialRejected:
            return [f"end the sessions of suspended users: delegate the scope {SCOPE}{SECURITY} too."]
        return []

    @cached_property
    def _me(self) -> dict:
        me = self._google.get(f"/users/{segment(self._google.admin)}", fields=USER)
        if not me.get("id") or not me.get("customerId"):
            raise TemporarilyUnavailable("Google answered without saying who Rollcall acts as.")
        return me

    def roles(self) -> list[Role]:
        """Google's three, and each admin role but that of super admins."""
        admin = [Role(f"{ROLE}{role['roleId']}", clean(role.get("roleName"))) for role in self._roles()
                 if role.get("isSuperAdminRole") is not True]  # fmt: skip
        return [*ROLES[:2], *admin, *ROLES[2:]]

    def accounts(self) -> Iterator[Account]:
        """Holds who has which admin role, and nothing else."""
        held: dict[str, set[str]] = {}
        for assignment in self._but_of_super_admins(self._assignments()):
            for user in self._held_by(assignment):
                held.setdefault(user, set()).add(assignment["roleId"])
        return (_account(user, held.get(user["id"], ())) for user in self._google.users(USER))

    def account(self, id: str) -> Account | None:
        user = self._user(id)
        return self._with_admin_roles(user) if user else None

    def _with_admin_roles(self, user: dict) -> Account:
        return _account(user, {each["roleId"] for each in self._but_of_super_admins(self._roles_of(user["id"]))})

    def _but_of_super_admins(self, assignments: Iterable[dict]) -> Iterator[dict]:
        """That role is Google's `isAdmin`."""
        supers = {role["roleId"] for role in self._roles() if role.get("isSuperAdminRole") is True}
        return (each for each in assignments if each["roleId"] not in supers)

    def _user(self, id: str) -> dict | None:
        user = self._google.find(f"/users/{segment(id)}", fields=USER)
        if user is not None and not user.get("id"):
            raise TemporarilyUnavailable("Google answered without the user that was asked for.")
        return user

    def assets(self) -> Iterator[Asset]:
        for group in self._google.groups():
            name = clean(group.get("name")) or clean(group.get("email"))
            yield Asset(f"group:{group['id']}", GROUP, name)
        for role in self._roles():
            yield Asset(f"{ROLE}{role['roleId']}", ADMIN_ROLE, clean(role.get("roleName")))

    def _roles(self) -> Iterator[dict]:
        return self._google.rows("/customer/my_customer/roles", "items", 100, "admin roles",
                                 lambda role: role["roleId"])  # fmt: skip

    def access(self) -> Iterator[Access]:
        for group in self._google.groups():
            for member in self._google.members(group["id"], nested=False):
                if member.get("type") == "USER" and member.get("id"):
                    role = clean(member.get("role"))
                    yield Access(member["id"], f"group:{group['id']}", role, role == "OWNER")
        for role in self._roles():
            for user in self._holders(role["roleId"]):
                yield Access(user, f"{ROLE}{role['roleId']}", "", role.get("isSuperAdminRole") is True)

    def _holders(self, role: str) -> set[str]:
        """Ids of the people who have an admin role themselves or through a group."""
        return set().union(*map(self._held_by, self._assignments(roleId=role)))

    def _held_by(self, assignment: dict) -> set[str]:
        holder = clean(assignment["assignedTo"])
        if clean(assignment.get("assigneeType")).casefold() != "group":
            return {holder} - {""}
        members = self._google.members(holder, nested=True)
        return {clean(member.get("id")) for member in members if member.get("type") == "USER"} - {""}

    def _assignments(self, **which: str) -> Iterator[dict]:
        return self._google.rows("/customer/my_customer/roleassignments", "items", 200, "administrators",
                                 lambda row: row["roleAssignmentId"], **which)  # fmt: skip

    def remove(self, account: Account) -> None:
        user = self._user(account.id)
        if user is None or user.get("suspended") or user.get("archived"):
            return
        self._must_not_be_me(account.id)
        block_and_sign_out(lambda: self._suspend(account.id), lambda: self._google.sign_out(account.id))

    def _suspend(self, id: str) -> None:
        try:
            answer = self._google.operate("PUT", f"/users/{segment(id)}", {"suspended": True})
        except NotFound:
            return
        if answer.json(dict).get("suspended") is not True:
            raise Refused("Google accepted the request, but the user is not suspended.")

    @classmethod
    def roles_after(cls, account: Account, role: str) -> tuple[str, ...]:
        """Someone who becomes a super admin keeps each admin role; any other role replaces all of them."""
        if role == DELEGATED and account.role != DELEGATED:
            raise Refused("Everyone with an admin role is a delegated admin: give one of those roles instead.")
        kept = tuple(id for id in account.roles if id.startswith(ROLE) and id != role)
        if role in (SUPER, account.role):
            return (role, *kept)
        return (role, DELEGATED) if role.startswith(ROLE) else (role,)

    def change_role(self, account: Account, role: str) -> None:
        user = self._user(account.id)
        if user is None:
            raise Refused("Google no longer has this user.")
        if _account(user).role == role:
            return
        now = self._with_admin_roles(user)
        if set(now.roles) == set(self.roles_after(now, role)):
            return
        self._must_not_be_me(account.id)
        if role != SUPER:
            self._refuse_roles_through_a_group(account, role)
        if role.startswith(ROLE):
            self.grant(account, Asset(role, ADMIN_ROLE), "")
        if SUPER in (role, now.role):
            path = f"/users/{segment(account.id)}/makeAdmin"
            self._google.operate("POST", path, {"status": role == SUPER}, idempotent=True)
        if role != SUPER:
            for assignment in list(self._roles_of(account.id)):
                if f"{ROLE}{assignment['roleId']}" != role:
                    self._unassign(assignment)

    def _refuse_roles_through_a_group(self, account: Account, role: str) -> None:
        through = [each for each in self._roles_of(account.id) if each.get("assignedTo") != account.id]
        if any(f"{ROLE}{each['roleId']}" != role for each in through):
            raise Refused(f"{account.name or account.email} has an admin role through a group: take them out of it.")

    def _roles_of(self, user: str) -> Iterator[dict]:
        return self._assignments(userKey=user, includeIndirectRoleAssignments="true")

    def _must_not_be_me(self, id: str) -> None:
        if id == self._me["id"]:
            raise Refused(f"Rollcall acts as {self._google.admin} in Google. Connect the app as someone else first.")

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        """In a group `role` is OWNER, MANAGER or MEMBER; an admin role is given for the whole company."""
        kind, _, id = asset.id.partition(":")
        if kind == "role":
            if not any(True for _ in self._assignments(userKey=account.id, roleId=id)):
                body = {"roleId": id, "assignedTo": account.id, "scopeType": "CUSTOMER"}
                self._google.operate("POST", f"/customer/{segment(self._me['customerId'])}/roleassignments", body)
            return
        path, role = f"/groups/{segment(id)}/members", role or "MEMBER"
        try:
            self._google.operate("POST", path, {"email": account.email, "role": role})
        except Conflict:
            self._google.operate("PATCH", f"{path}/{segment(account.id)}", {"role": role}, idempotent=True)

    def revoke(self, account: Account, asset: Asset) -> None:
        kind, _, id = asset.id.partition(":")
        if kind == "group":
            try:
                self._google.operate("DELETE", f"/groups/{segment(id)}/members/{segment(account.id)}")
            except NotFound:
                return
        elif self._user(account.id):
            self._must_not_be_me(account.id)
            assignments = list(self._roles_of(account.id))
            mine = [each for each in assignments if each.get("roleId") == id]
            if any(each.get("assignedTo") != account.id for each in mine):
                raise Refused(f"“{asset.name}” comes from a group: take {account.name or account.email} out of it.")
            for assignment in mine:
                self._unassign(assignment)

    def _unassign(self, assignment: dict) -> None:
        customer, id = segment(self._me["customerId"]), segment(assignment["roleAssignmentId"])
        try:
            self._google.operate("DELETE", f"/customer/{customer}/roleassignments/{id}")
        except NotFound:
            return


def _account(user: dict, admin_roles: Collection[str] = ()) -> Account:
    """A guest's own address is in guestAccountInfo; someone who never signed in has a last login of 1970."""
    guest = clean((user.get("guestAccountInfo") or {}).get("primaryGuestEmail")) if user.get("isGuestUser") else ""
    archived = user.get("archived") is True
    signed_in = from_iso(user.get("lastLoginTime"))
    role = SUPER if user.get("isAdmin") is True else DELEGATED if user.get("isDelegatedAdmin") is True else PLAIN
    return Account(
        id=user["id"],
        email=guest or clean(user.get("primaryEmail")),
        name=clean((user.get("name") or {}).get("fullName")),
        status="suspended" if archived or user.get("suspended") is True else "active",
        role=role,
        further_roles=tuple(f"{ROLE}{id}" for id in sorted(admin_roles)),
        last_activity=signed_in if signed_in and signed_in.year > 1970 else None,
        seat="Archived" if archived else "Guest" if user.get("isGuestUser") else "",
        missing_fields=missing_from(
            user, email=("guestAccountInfo", "primaryGuestEmail") if user.get("isGuestUser") else "primaryEmail",
            name=("name", "fullName"), status={"suspended", "archived"}, role={"isAdmin", "isDelegatedAdmin"},
            last_activity="lastLoginTime", seat={"archived", "isGuestUser"},
        ),
    )  # fmt: skip
