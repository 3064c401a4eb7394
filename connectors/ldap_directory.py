"""LDAP as a directory: its people, of every status, and the groups they are in.
What the server is like and what its attributes mean is ldap_client's."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import DirectoryConnector, DirectoryPerson, Field, Identity, Refused
from connectors.ldap_client import (
    AUTHORITY_FIELD,
    ENTRY_FIELDS,
    GROUPS,
    LIMITS,
    MEMBER_DNS,
    SERVER_FIELDS,
    USER_NAMES,
    LdapClient,
    Values,
    common_name,
    first,
    normal_dn,
    texts,
)

PEOPLE = "(|(objectClass=inetOrgPerson)(&(objectCategory=person)(objectClass=user)))"
NUMBERS = ("employeeNumber", "employeeID")


class LdapDirectory(DirectoryConnector):
    slug = "ldap"
    label = "LDAP or Active Directory"
    worldwide_ids = True
    docs = (
        "Make an account in the directory that may read people and groups, and nothing else.",
        "Its full DN (cn=rollcall,ou=services,dc=acme,dc=example) is the bind DN; Active Directory takes "
        "rollcall@acme.example as well.",
        "The base DN is the branch below which all your people are.",
        LIMITS,
    )
    fields = (
        *SERVER_FIELDS,
        Field("base_dn", "Base DN", "All people are below it.", placeholder="dc=acme,dc=example"),
        Field("filter", "Filter for people", f"Empty: {PEOPLE}", required=False),
        Field("group_base", "Base DN of the groups", "Empty: groups are taken from each person's memberOf.",
              required=False, placeholder="ou=groups,dc=acme,dc=example"),
        Field("group_filter", "Filter for groups", f"Empty: {GROUPS}", required=False),
        *ENTRY_FIELDS,
        AUTHORITY_FIELD,
    )  # fmt: skip

    def __init__(self, settings: dict[str, str]):
        super().__init__(settings)
        self._client = LdapClient(settings)

    def close(self) -> None:
        self._client.close()

    def test(self) -> Identity:
        """Reads everybody once: what comes by the schedule then works as well."""
        found, without_email, disabled, groups = 0, 0, 0, set()
        for person in self.people():
            found += 1
            without_email += not person.email
            disabled += person.status == "deprovisioned"
            groups.update(person.groups)
        if not found:
            raise Refused(
                f"The server accepted the sign-in, but shows nobody below {self._client.get('base_dn')} that fits "
                f"{self._client.get('filter', PEOPLE)}. Check the base DN, the filter and what the account may read."
            )
        missing = (f"{without_email:,} people have no e-mail address: they match no account by themselves",)
        return Identity(
            name=f"{self._client.who}, sees {found:,} people, {disabled:,} of them disabled, in {len(groups):,} groups",
            may=("read people", "read groups") if groups else ("read people",),
            missing=missing if without_email else (),
        )

    def people(self) -> Iterator[DirectoryPerson]:
        groups = self._groups_by_member() if self._client.get("group_base") else None
        asked = [*self._client.asked, *NUMBERS, "proxyAddresses", "memberOf"]
        for dn, values in self._client.search(self._client.get("base_dn"), self._client.get("filter", PEOPLE), asked):
            yield self._person(dn, values, groups)

    def _person(self, dn: str, values: Values, groups: dict[str, list[str]] | None) -> DirectoryPerson:
        emails = list(dict.fromkeys([*texts(values, self._client.email), *_proxy_addresses(values)]))
        user_name = first(values, USER_NAMES)
        if groups is None:
            member_of = [common_name(group) for group in texts(values, "memberOf")]
        else:
            member_of = [*groups.get(normal_dn(dn), ()), *groups.get(f"uid {user_name}", ())]
        return DirectoryPerson(
            id=self._client.id(dn, values),
            email=emails[0] if emails else "",
            name=first(values, self._client.names),
            status=self._client.status(values),
            user_name=user_name,
            further_emails=tuple(emails[1:]),
            employee_number=first(values, NUMBERS),
            groups=tuple(dict.fromkeys(member_of)),
        )

    def _groups_by_member(self) -> dict[str, list[str]]:
        """Names of groups by the normal DN, or "uid NAME", of each member."""
        found: dict[str, list[str]] = {}
        asked = ["cn", *MEMBER_DNS, "memberUid"]
        get = self._client.get
        for dn, values in self._client.search(get("group_base"), get("group_filter", GROUPS), asked):
            name = first(values, ("cn",)) or common_name(dn)
            for attribute in MEMBER_DNS:
                for member in self._client.all_values(dn, attribute, values):
                    found.setdefault(normal_dn(member), []).append(name)
            for user_name in texts(values, "memberUid"):
                found.setdefault(f"uid {user_name}", []).append(name)
        return found


def _proxy_addresses(values: Values) -> list[str]:
    """Active Directory's further addresses: "smtp:ana@acme.example" (the main one in capitals)."""
    return [text[5:] for text in texts(values, "proxyAddresses") if text[:5].casefold() == "smtp:"]
