"""LDAP as a directory: its people of every status, and the groups that they are in.
connectors/ldap speaks to the server, and knows what its attributes mean."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import (
    ConnectorError,
    CredentialRejected,
    DirectoryConnector,
    DirectoryPerson,
    Field,
    Identity,
    Refused,
)
from connectors.counts import plural
from connectors.ldap.client import (
    AUTHORITY_FIELD,
    ENTRY_FIELDS,
    GROUPS,
    LIMITS,
    SERVER_FIELDS,
    USER_NAMES,
    LdapClient,
    Values,
    first,
    texts,
)
from connectors.ldap.groups import GroupsOfBranch, GroupsOfMembers
from connectors.ldap.unread import unread
from connectors.versions import LDAP

PEOPLE = "(|(objectClass=inetOrgPerson)(&(objectCategory=person)(objectClass=user)))"
NUMBERS = ("employeeNumber", "employeeID")
OF_A_USER = ("objectGUID", "sAMAccountName")  # each user of Active Directory shows them, and each group
HIDDEN = (
    "Active Directory doesn't show Rollcall's account the attribute userAccountControl of {}, so it is unknown whether "
    "they are disabled. Let the account read the account restrictions of all users, for example as a member of “Pre-"
    "Windows 2000 Compatible Access”."
)


class LdapDirectory(DirectoryConnector):
    slug = "ldap"
    label = "LDAP or Active Directory"
    logo = "own-ldap.svg"
    api_version = LDAP
    worldwide_ids = True
    rules = "ends"
    docs = (
        "Create an account in the directory that may read people and groups, and nothing else.",
        "The bind DN is the account's full DN (cn=rollcall,ou=services,dc=acme,dc=example). Active Directory also "
        "accepts rollcall@acme.example.",
        "The base DN is the branch below which all your people are.",
        "Groups within groups are followed. A person who is disabled, or whose account has expired, has left. Let the "
        "account read the attributes that show this: docs/directories.md names them.",
        LIMITS,
    )
    fields = (
        *SERVER_FIELDS,
        Field("base_dn", "Base DN", "All people are below it.", placeholder="dc=acme,dc=example",
              asks_secrets_again=False),
        Field("filter", "Filter for people", f"Empty: {PEOPLE}", required=False, asks_secrets_again=False),
        Field("group_base", "Base DN of the groups", "Empty: groups are taken from each person's memberOf.",
              required=False, placeholder="ou=groups,dc=acme,dc=example", asks_secrets_again=False),
        Field("group_filter", "Filter for groups", f"Empty: {GROUPS}", required=False, asks_secrets_again=False),
        *ENTRY_FIELDS,
        AUTHORITY_FIELD,
        Field("hidden", "Users whose userAccountControl is hidden", "Active Directory may hide it for some users. Then "
              "it is unknown whether they are disabled, and no app is up to date.", required=False,
              choices=(("unclear", "Wait until it is shown"), ("active", "Count them as still here")),
              asks_secrets_again=False),
    )  # fmt: skip

    def __init__(self, settings: dict[str, str]):
        super().__init__(settings)
        self._client = LdapClient(settings)

    def close(self) -> None:
        self._client.close()

    def test(self) -> Identity:
        """Reads everyone once, so that the scheduled readings will work too."""
        found, without_email, disabled, groups = 0, 0, 0, set()
        for person in self.people():
            found += 1
            without_email += not person.email
            disabled += person.status == "deprovisioned"
            groups.update(person.groups)
        if not found:
            raise Refused(
                f"The server accepted the sign-in, but shows nobody below {self._client.get('base_dn')} who fits "
                f"{self._client.get('filter', PEOPLE)}. Check the base DN, the filter and what the account may read."
            )
        no_email = f"match {plural(without_email, 'person', 'people')} to accounts: they have no e-mail address"
        missing = (no_email,) if without_email else ()
        return Identity(
            name=f"{self._client.who}, sees {plural(found, 'person', 'people')}, {disabled:,} of them disabled, in "
                 f"{plural(len(groups), 'group')}",
            may=("read people", "read groups") if groups else ("read people",),
            missing=(*missing, *self.warnings),
        )

    def people(self) -> Iterator[DirectoryPerson]:
        """Raises CredentialRejected if Active Directory hides from this account whether its users are disabled."""
        self._client.today, users, hidden = self.today, 0, 0
        branch = GroupsOfBranch(self._client) if self._client.get("group_base") else None
        members = None if branch else GroupsOfMembers(self.settings)
        further = (*OF_A_USER, "objectClass", *NUMBERS, "proxyAddresses", *GroupsOfMembers.asked)
        asked = list(dict.fromkeys((*self._client.asked, *further)))
        try:
            for dn, values in self._client.search(
                self._client.get("base_dn"), self._client.get("filter", PEOPLE), asked
            ):
                users, hidden = users + _is_user(values), hidden + _hides_control(values)
                groups = branch.of(dn, first(values, USER_NAMES)) if branch else members.of(dn, values)
                yield self._person(dn, values, groups)
        finally:
            if members:
                members.close()
        if hidden and hidden == users:
            raise CredentialRejected(f"{HIDDEN.format('its users')} Nothing was changed.")
        self.hidden_users = 0 if self._client.get("hidden") == "active" else hidden
        some = (f"{HIDDEN.format(plural(hidden, 'user'))} Until then, leavers among them stay leavers, and all others "
                "count as still here.")
        domains, rules = self._about_other_domains(), self._client.ends.unexplained
        self.warnings = (*([some] if self.hidden_users else []), *domains, *rules, *self._about_unread(asked))

    def _about_other_domains(self) -> list[str]:
        return [f"The people of the domain {domain} aren't read here. Connect it as a directory of its own."
                for domain in sorted(self._client.other_domains)]  # fmt: skip

    def _about_unread(self, asked: list[str]) -> list[str]:
        """Warnings about attributes that may say who has left. If this additional search fails, it is reported: the
        list of people itself is complete."""
        base, wanted = self._client.get("base_dn"), self._client.get("filter", PEOPLE)
        try:
            self.unread = unread(self._client, base, wanted, asked)
        except ConnectorError as problem:
            self.unread = None
            return [f"Rollcall couldn't look for further attributes that say who has left: {problem}"]
        return [f"{one.attribute} may say who has left. Under What ends an account, say what its values mean."
                for one in self.unread]  # fmt: skip

    def _person(self, dn: str, values: Values, groups: list[str]) -> DirectoryPerson:
        emails = list(dict.fromkeys([*texts(values, self._client.email), *_proxy_addresses(values)]))
        return DirectoryPerson(
            id=self._client.id(dn, values),
            email=emails[0] if emails else "",
            name=first(values, self._client.names),
            status=self._client.status(dn, values),
            last_day=self._client.last_day(values),
            user_name=first(values, USER_NAMES),
            further_emails=tuple(emails[1:]),
            employee_number=first(values, NUMBERS),
            groups=tuple(dict.fromkeys(groups)),
            hides_status=self._client.get("hidden") != "active" and _hides_control(values),
        )


def _is_user(values: Values) -> bool:
    """Whether the entry is a user of Active Directory, or may be one."""
    is_group = "group" in map(str.casefold, texts(values, "objectClass"))
    return not is_group and all(values.get(name.lower()) for name in OF_A_USER)


def _hides_control(values: Values) -> bool:
    """Each user of Active Directory has userAccountControl. It is in the property set User-Account-Restrictions
    (MS-ADA3 2.342), which not every account may read."""
    return _is_user(values) and not values.get("useraccountcontrol")


def _proxy_addresses(values: Values) -> list[str]:
    """Active Directory's further addresses, such as "smtp:ana@acme.example". The main one has SMTP in capitals."""
    return [text[5:] for text in texts(values, "proxyAddresses") if text[:5].casefold() == "smtp:"]
