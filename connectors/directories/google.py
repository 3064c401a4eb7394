"""Google Workspace as a directory: everyone in the company with their addresses, number and groups, nested ones too.
Archived users are people who have left. Guests aren't people of the company, so they are left out.

Lists and fields are from Google's own description of the Directory API (admin_directory_v1), as is that a user is
suspended “either by the administrator or by Google” (suspensionReason), and that an admin's role may be “restricted to
an organization unit” (RoleAssignment, orgUnitId). The type “organization” of an external id is from
developers.google.com, “Users”. From support.google.com: “Archive former employee accounts”.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from connectors.base import CredentialRejected, DirectoryConnector, DirectoryPerson, Field, Identity
from connectors.counts import plural
from connectors.google.admin import API, DIRECTORY_API, FIELDS, LOGIN, GoogleAdmin, steps
from connectors.names import email_key
from connectors.tools.http import clean
from connectors.tools.http_connector import ClosesClients, api_client

SCOPES = ("user.readonly", "group.readonly")
USER = (
    "id,primaryEmail,name/fullName,suspended,suspensionReason,archived,isGuestUser,emails,aliases,nonEditableAliases,"
    "externalIds"
)
BY_ADMINISTRATOR = "ADMIN"  # a suspensionReason; the others are Google's own, such as abuse


class GoogleDirectory(ClosesClients, DirectoryConnector):
    slug = "google"
    label = "Google Workspace"
    api_version = DIRECTORY_API
    logo = "google.svg"
    docs = (
        *steps(SCOPES, "allowed to read the users and groups of the whole company, not of some organisational units; a "
                       "super admin is"),
        "An archived user has left. So has a deleted one, who is no longer in the list. Under “More settings”, choose "
        "whether a suspended user has left or is locked out for now. Guests are not read.",
        "The main address and its aliases count as the person's. Further e-mails in a profile are often private ones, "
        "so Rollcall doesn't use them unless you choose so.",
    )
    fields = (
        *FIELDS,
        Field("suspended", "A suspended user", "Choose “has left” if your company suspends people when they leave. "
              "Rollcall then reports their accounts in the apps for removal. This is about users that an administrator "
              "suspended: a user that Google itself suspended is always locked out for now.", required=False,
              choices=(("locked", "is locked out for now"), ("left", "has left")), asks_secrets_again=False),
        Field("second_email", "Further e-mails in the profile", "Whether they count as addresses of the person.",
              required=False, choices=(("no", "Leave them out"), ("yes", "Use them")), asks_secrets_again=False),
    )  # fmt: skip
    api, login = API, LOGIN

    @api_client
    def _google(self) -> GoogleAdmin:
        return GoogleAdmin(self.settings, SCOPES, self.api, self.login)

    def test(self) -> Identity:
        """Reads everyone once, so that the scheduled readings will work too."""
        self._google.check_scopes()
        found, groups = 0, set()
        for person in self.people():
            found += 1
            groups.update(person.groups)
        return Identity(f"{self._google.admin}, sees {plural(found, 'person', 'people')} in "
                        f"{plural(len(groups), 'group')}",
                        may=("read people", "read groups"))  # fmt: skip

    def people(self) -> Iterator[DirectoryPerson]:
        """A list without the administrator that Rollcall acts as isn't the whole list, and CredentialRejected is
        raised: an admin role can be limited to an organisational unit."""
        me, is_whole = self._google.admin_id(), False
        groups, of_everyone = self._memberships()
        profiles, left = self.settings.get("second_email") == "yes", self.settings.get("suspended") == "left"
        for user in self._google.users(USER):
            is_whole = is_whole or user["id"] == me
            if user.get("isGuestUser") is not True:
                yield _person(user, (*of_everyone, *groups.get(user["id"], ())), profiles, left)
        if me and not is_whole:
            raise CredentialRejected(
                f"Google's list lacks {self._google.admin}, the administrator that Rollcall acts as, so it has only "
                "some of the people. Nothing was changed. Give this administrator a role for the whole company."
            )

    def _memberships(self) -> tuple[dict[str, list[str]], list[str]]:
        """User id → names of groups, and the groups that the whole company is in."""
        found: dict[str, list[str]] = defaultdict(list)
        of_everyone = []
        for group in self._google.groups():
            name = clean(group.get("name")) or clean(group.get("email"))
            for member in self._google.members(group["id"], nested=True):
                if member.get("type") == "CUSTOMER":
                    of_everyone.append(name)
                elif member.get("type") == "USER" and member.get("id"):
                    found[member["id"]].append(name)
        return found, of_everyone


def _person(user: dict, groups: tuple[str, ...], profiles: bool, suspended_left: bool) -> DirectoryPerson:
    email = clean(user.get("primaryEmail"))
    return DirectoryPerson(
        id=user["id"],
        email=email,
        name=clean((user.get("name") or {}).get("fullName")),
        status=_status(user, suspended_left),
        user_name=email,
        further_emails=_further(user, email, profiles),
        employee_number=_number(user),
        groups=tuple(dict.fromkeys(groups)),
    )


def _status(user: dict, suspended_left: bool) -> str:
    if user.get("archived") is True:
        return "deprovisioned"
    if user.get("suspended") is not True:
        return "active"
    by_administrator = clean(user.get("suspensionReason")) in ("", BY_ADMINISTRATOR)
    return "deprovisioned" if suspended_left and by_administrator else "suspended"


def _further(user: dict, email: str, profiles: bool) -> tuple[str, ...]:
    """The user's other addresses, each once: those of the profile, if these count, then the aliases."""
    named = [row.get("address") for row in _list(user, "emails") if isinstance(row, dict) and profiles]
    once = {email_key(email) or email: email}
    for address in map(clean, [*named, *_list(user, "aliases"), *_list(user, "nonEditableAliases")]):
        once.setdefault(email_key(address) or address, address)
    return tuple(address for address in once.values() if address and address != email)


def _number(user: dict) -> str:
    """The employee's number: Google's Admin console keeps it as an external id of the type “organization”."""
    rows = [row for row in _list(user, "externalIds") if isinstance(row, dict)]
    return next((clean(row.get("value")) for row in rows if row.get("type") == "organization"), "")


def _list(user: dict, field: str) -> list:
    value = user.get(field)
    return value if isinstance(value, list) else []
