"""Microsoft Entra ID (Azure AD) as a directory: a tenant's users with their addresses and groups, over Microsoft Graph.
Each reading lists everyone again, with the total that Graph reports. “delta” isn't used, for the reason below.

/users/delta would show what has changed since the last time. But a reading must be whole, and delta's own whole list
(its first round) has no total and may return a user twice, with deleted ones in between (“Use delta query to track
changes”), so that Rollcall couldn't notice a missing user. So /users is listed with $count, to which it must add up.

Calls and properties from the Microsoft Graph v1.0 reference: “List users” (deleted users are not in it), “user resource
type” (employeeHireDate), “List groups”, “List group transitive members”. Accounts of new employees are blocked until
they begin: “Create workflow” (lifecycle workflows), which enables them on the employeeHireDate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from connectors.base import (
    CredentialRejected,
    DirectoryConnector,
    DirectoryPerson,
    Field,
    Identity,
)
from connectors.microsoft.graph import (
    API,
    FIELDS,
    GRAPH,
    GUEST,
    LOGIN,
    PAGE,
    REGISTER,
    Graph,
    emails_of,
    user_name_of,
)
from connectors.tools.answers import disappeared
from connectors.tools.http import Forbidden, NotFound, clean, segment
from connectors.tools.http_connector import ClosesClients, api_client
from connectors.tools.times import from_iso

USER = (
    "id,displayName,mail,userPrincipalName,otherMails,proxyAddresses,accountEnabled,userType,employeeId,"
    "employeeHireDate"
)
UNKNOWN = "Microsoft doesn't report which users are disabled. Add the application permission User.Read.All."


class EntraDirectory(ClosesClients, DirectoryConnector):
    slug = "entra"
    label = "Microsoft Entra ID"
    logo = "own-entra.svg"
    api_version = GRAPH
    docs = (
        *REGISTER,
        "Under “API permissions” add the Microsoft Graph application permissions (not delegated ones) User.Read.All "
        "and, for groups, GroupMember.Read.All. Then press “Grant admin consent”. Nothing is ever changed in Entra.",
        "A user who was deleted has left. Under “More settings”, choose whether a user whose sign-in is blocked has "
        "left or is locked out for now. A blocked user whose hire date is today or later has not left: companies "
        "prepare the accounts of new employees and unblock them on that day. Groups within groups are "
        "followed. Groups with hidden members need the permission Member.Read.Hidden, else they look empty.",
        "Mail, user name and proxy addresses count as the person's. The “other e-mails” are often private ones, so "
        "Rollcall doesn't use them unless you choose so. Shared mailboxes and rooms are users too, usually blocked "
        "ones.",
        "Azure AD B2C tenants can't be read: Graph doesn't report how many users they have.",
    )
    fields = (
        *FIELDS,
        Field("blocked", "A user whose sign-in is blocked", "Choose “is locked out for now” if your company also "
              "blocks people who are on leave or under review. Rollcall then reports their accounts in the apps for "
              "removal only when the user is deleted.", required=False,
              choices=(("left", "has left"), ("locked", "is locked out for now")), asks_secrets_again=False),
        Field("guests", "Guests", "People of other companies who were invited. If they are left out, their accounts in "
              "the apps are Unmatched until you decide whose they are.", required=False,
              choices=(("no", "Left out"), ("yes", "Read as people too")), asks_secrets_again=False),
        Field("second_email", "Other e-mails", "Whether they count as addresses of the person.", required=False,
              choices=(("no", "Leave them out"), ("yes", "Use them")), asks_secrets_again=False),
        Field("groups", "Groups", "Reading them takes one call for each group.", required=False,
              choices=(("yes", "Read"), ("no", "Not read")), asks_secrets_again=False),
    )  # fmt: skip
    worldwide_ids = True
    api, login = API, LOGIN

    @api_client
    def _graph(self) -> Graph:
        return Graph(self.settings, self.api, self.login)

    def test(self) -> Identity:
        first = self._graph.first_user()
        may, missing = ["read users"], []
        if first is not None and first.get("accountEnabled") is None:
            missing.append(UNKNOWN)
        if self._reads_groups:
            try:
                group = next(self._groups(), None)
                next(self._everyone_in(group["id"]) if group else iter(()), None)
                may.append("read groups")
            except Forbidden as no:
                missing.append(f"read groups: {no} It takes GroupMember.Read.All, or choose not to read groups.")
        return Identity(self._graph.name(), may=tuple(may), missing=tuple(missing))

    def people(self) -> Iterator[DirectoryPerson]:
        """Only names of groups are kept in memory. A user whose accountEnabled is null counts as active. If it is null
        for everyone, nobody can know who has left, and CredentialRejected is raised."""
        groups = self._groups_of() if self._reads_groups else {}
        some, has_status = False, False
        for user in self._graph.rows("/users", "users", counted=True, select=USER, top=PAGE):
            some, has_status = True, has_status or user.get("accountEnabled") is not None
            is_guest = user.get("userType") == GUEST
            if not is_guest or self.settings.get("guests") == "yes":
                # A guest's other e-mails are the addresses that were invited.
                others = is_guest or self.settings.get("second_email") == "yes"
                shown = user if others else {**user, "otherMails": None}
                yield _person(shown, self._status(user), groups.get(user["id"], ()))
        if some and not has_status:
            raise CredentialRejected(f"{UNKNOWN} Nothing was changed.")

    def _status(self, user: dict) -> str:
        """DirectoryPerson.status. By the start_date, Rollcall knows that someone who begins on a later day hasn't
        left."""
        if user.get("accountEnabled") is not False:
            return "active"
        begins_today = _hired(user) == (self.today or datetime.now(UTC).date())  # unblocked some time today
        return "suspended" if self.settings.get("blocked") == "locked" or begins_today else "deprovisioned"

    @property
    def _reads_groups(self) -> bool:
        return self.settings.get("groups") != "no"

    def _groups_of(self) -> dict[str, list[str]]:
        """User id → names of the groups that the user is in, directly or through other groups."""
        found: dict[str, list[str]] = {}
        try:
            for group in self._groups():
                name = clean(group.get("displayName"))
                for user in self._everyone_in(group["id"]):
                    found.setdefault(user["id"], []).append(name)
        except NotFound as gone:
            raise disappeared("A group", gone) from gone
        return found

    def _groups(self) -> Iterator[dict]:
        return self._graph.rows("/groups", "groups", counted=True, select="id,displayName", top=PAGE)

    def _everyone_in(self, group: str) -> Iterator[dict]:
        path = f"/groups/{segment(group)}/transitiveMembers/microsoft.graph.user"
        return self._graph.rows(path, "members", counted=True, select="id", top=PAGE)


def _hired(user: dict) -> date | None:
    """The day of employeeHireDate, which Graph returns as a time in UTC."""
    moment = from_iso(user.get("employeeHireDate"))
    return moment.date() if moment and moment.year > 1 else None


def _person(user: dict, status: str, groups: Sequence[str]) -> DirectoryPerson:
    email, *further = emails_of(user) or [""]
    return DirectoryPerson(
        id=user["id"],
        email=email,
        name=clean(user.get("displayName")),
        status=status,
        user_name=user_name_of(user),
        further_emails=tuple(further),
        employee_number=clean(user.get("employeeId")),
        groups=tuple(dict.fromkeys(groups)),
        start_date=_hired(user),
    )
