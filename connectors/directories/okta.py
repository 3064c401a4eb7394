"""Okta as a directory: everyone of every status, with employee number and groups.

Calls and fields as in Okta's own description (github.com/okta/okta-management-openapi-spec); “List Users”: without a
filter the list omits deprovisioned users, so they are requested separately. “List Groups”, “List Group Members”.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import (
    CredentialRejected,
    DirectoryConnector,
    DirectoryPerson,
    Field,
    Identity,
    TemporarilyUnavailable,
)
from connectors.okta.client import FIELDS, OKTA_API, TOKEN_STEPS, OktaClient, name_of
from connectors.tools.answers import disappeared
from connectors.tools.http import Forbidden, NotFound, clean, segment
from connectors.tools.http_connector import ClosesClients, api_client
from connectors.tools.paging import ListChanged, Seen

# “List Users”: those who may be "only scoped to view and manage users of their assigned groups"
MAY_BE_LIMITED = {"USER_ADMIN", "HELP_DESK_ADMIN", "CUSTOM"}
USERS, GROUPS = "/api/v1/users", "/api/v1/groups"
STATUSES = {
    "ACTIVE": "active",
    "STAGED": "active",  # begins soon: the account is made, not yet activated
    "PROVISIONED": "active",  # activated, has not chosen a password yet
    "RECOVERY": "active",  # resets a password
    "PASSWORD_EXPIRED": "active",  # must choose another
    "LOCKED_OUT": "suspended",  # too many wrong passwords
    "SUSPENDED": "suspended",  # by an admin, for a while
    "DEPROVISIONED": "deprovisioned",
}


class OktaDirectory(ClosesClients, DirectoryConnector):
    slug = "okta"
    label = "Okta"
    api_version = OKTA_API
    logo = "okta.svg"
    docs = (
        *TOKEN_STEPS,
        "A read-only administrator is enough. An admin of some groups only is not: everyone else would seem to have "
        "left.",
        "People who are staged, have yet to choose a password or must renew it count as active. Someone who is "
        "locked out or suspended counts as suspended, and someone who is deactivated in Okta as having left.",
        "The secondary e-mail is often a private one, so it is not used unless you say so.",
    )
    fields = (
        *FIELDS,
        Field("second_email", "Secondary e-mail", "Whether it is an address of the person, too.", required=False,
              choices=(("no", "Leave it out"), ("yes", "Use it")), where=False),
    )  # fmt: skip

    @api_client
    def _okta(self) -> OktaClient:
        return OktaClient(self.settings)

    def test(self) -> Identity:
        me = self._okta.me()
        for path in (USERS, GROUPS):
            self._okta.http.get(path, {"limit": 1}).json(list)
        who = f"{name_of(me.get('profile') or {})} at {self._okta.host}"
        return Identity(who, clean(me.get("id")), ("read people", "read groups"), self._missing(clean(me.get("id"))))

    def _missing(self, me: str) -> tuple[str, ...]:
        """Some admins may be limited to some groups' people; only a super admin may read the admins' roles."""
        try:
            roles = {row.get("type") for row in self._okta.http.get(f"{USERS}/{segment(me)}/roles").json(list)}
        except (Forbidden, NotFound):
            return ()
        if not roles or roles - MAY_BE_LIMITED:
            return ()
        return ("see everyone, if the token's admin is limited to some groups. A read-only administrator is not.",)

    def people(self) -> Iterator[DirectoryPerson]:
        """Groups are held, people are not. People who have left come first: someone who moves between the two lists
        in that time comes twice, which is noticed, or left a moment ago. A list without the token's own admin is
        only a part of it."""
        groups, me = self._groups(), clean(self._okta.me().get("id"))
        seen = Seen()
        for params in ({"filter": 'status eq "DEPROVISIONED"'}, {}):
            for user in self._okta.rows(USERS, "users", **params):
                if not seen.add(user["id"]):
                    raise ListChanged("Someone was activated while the users were read. Nothing was changed.")
                yield self._person(user, tuple(groups.get(user["id"], ())))
        if me and seen.add(me):
            raise CredentialRejected("Okta doesn't list the token's own admin: it shows this token some people only. "
                                     "Use the token of a read-only administrator. Nothing was changed.")  # fmt: skip

    def _groups(self) -> dict[str, list[str]]:
        """Names of groups by the id of each member."""
        found: dict[str, list[str]] = {}
        try:
            for group in self._okta.rows(GROUPS, "groups"):
                name = clean((group.get("profile") or {}).get("name"))
                for member in self._okta.rows(f"{GROUPS}/{segment(group['id'])}/users", "people of the group"):
                    found.setdefault(member["id"], []).append(name)
        except NotFound as gone:
            raise disappeared("A group", gone) from gone
        return found

    def _person(self, user: dict, groups: tuple[str, ...]) -> DirectoryPerson:
        status = STATUSES.get(user.get("status", ""))
        if status is None:
            raise TemporarilyUnavailable(f"Okta returned the status “{clean(user.get('status'))}”, which is new.")
        profile = user.get("profile") or {}
        email, second = clean(profile.get("email")), clean(profile.get("secondEmail"))
        takes_second = self.settings.get("second_email") == "yes" and second not in ("", email)
        return DirectoryPerson(
            id=user["id"],
            email=email,
            name=name_of(profile),
            status=status,
            user_name=clean(profile.get("login")),
            further_emails=(second,) if takes_second else (),
            employee_number=clean(profile.get("employeeNumber")),
            groups=groups,
        )
