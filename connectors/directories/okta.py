"""Okta as a directory: everyone of every status, with employee number and groups.

Calls and fields are from Okta's own description (github.com/okta/okta-management-openapi-spec): “List Users” (without a
filter, the list omits deprovisioned users, so they are requested separately), “List Groups”, “List Group Members”.
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

# Roles of admins who, by “List Users”, may be "only scoped to view and manage users of their assigned groups"
MAY_BE_LIMITED = {"USER_ADMIN", "HELP_DESK_ADMIN", "CUSTOM"}
USERS, GROUPS = "/api/v1/users", "/api/v1/groups"
STATUSES = {
    "ACTIVE": "active",
    "STAGED": "active",  # the account is created, but not activated: the person begins soon
    "PROVISIONED": "active",  # activated, but the person hasn't chosen a password yet
    "RECOVERY": "active",  # the person is resetting their password
    "PASSWORD_EXPIRED": "active",  # the person must choose another password
    "LOCKED_OUT": "suspended",  # after too many wrong passwords
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
        "A read-only administrator is enough. Don't use an admin of only some groups: everyone else would seem to have "
        "left.",
        "People who are staged, have yet to choose a password or must renew it count as active. Someone who is "
        "locked out or suspended counts as suspended, and someone who is deactivated in Okta as having left.",
        "The secondary e-mail is often a private one, so Rollcall doesn't use it unless you choose so.",
    )
    fields = (
        *FIELDS,
        Field("second_email", "Secondary e-mail", "Whether it counts as an address of the person.", required=False,
              choices=(("no", "Leave it out"), ("yes", "Use it")), asks_secrets_again=False),
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
        """A phrase for Identity.missing, if the token's admin may see only the people of some groups. Nothing is known
        unless the admin is a super admin, because nobody else may read admins' roles."""
        try:
            roles = {row.get("type") for row in self._okta.http.get(f"{USERS}/{segment(me)}/roles").json(list)}
        except (Forbidden, NotFound):
            return ()
        if not roles or roles - MAY_BE_LIMITED:
            return ()
        return ("see everyone, if the token's admin is limited to some groups. Use a read-only administrator's token.",)

    def people(self) -> Iterator[DirectoryPerson]:
        """Only groups are kept in memory. People who have left come first: someone who moves between the two lists
        during the reading comes twice, and ListChanged is raised. A list without the token's own admin isn't the whole
        list, and CredentialRejected is raised."""
        groups, me = self._groups(), clean(self._okta.me().get("id"))
        seen = Seen()
        for params in ({"filter": 'status eq "DEPROVISIONED"'}, {}):
            for user in self._okta.rows(USERS, "users", **params):
                if not seen.add(user["id"]):
                    raise ListChanged("Someone was activated while the users were read. Nothing was changed.")
                yield self._person(user, tuple(groups.get(user["id"], ())))
        if me and seen.add(me):
            raise CredentialRejected(
                "Okta's list lacks the token's own admin, so it shows this token only some of the people. Nothing was "
                "changed. Use the token of a read-only administrator."
            )

    def _groups(self) -> dict[str, list[str]]:
        """User id → names of the user's groups."""
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
            raise TemporarilyUnavailable(f"Okta returned the status “{clean(user.get('status'))}”, which Rollcall "
                                         "doesn't know. Nothing was changed. Update Rollcall.")  # fmt: skip
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
