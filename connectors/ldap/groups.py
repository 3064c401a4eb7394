"""Finds the groups of a person on an LDAP server: direct ones, the primary group, and groups that these are in.

Nested groups are followed here, with one request per group. Active Directory's LDAP_MATCHING_RULE_IN_CHAIN would return
the same, but takes a request per person, and other servers don't have it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from connectors.ldap.client import GROUPS, MEMBER_DNS, LdapClient, Values, first, texts
from connectors.ldap.dn import common_name, domain_of, in_filter, normal_dn

PRIMARY = ("primaryGroupID", "objectSid")


class GroupsOfMembers:
    """Finds groups by the memberOf of people and of groups. It has a connection of its own, because the other one is
    reading a list."""

    asked = ("memberOf", *PRIMARY)

    def __init__(self, settings: dict[str, str]):
        self._client = LdapClient(settings)
        self._parents: dict[str, list[str]] = {}
        self._primary: dict[bytes, list[str]] = {}

    def close(self) -> None:
        self._client.close()

    def of(self, dn: str, values: Values) -> list[str]:
        """The names of the groups."""
        direct = [*texts(values, "memberOf"), *self._primary_group(dn, values)]
        return [common_name(group) for group in _with_all_behind(direct, self._parents_of)]

    def _parents_of(self, dn: str) -> list[str]:
        key = normal_dn(dn)
        if key not in self._parents:
            entry = self._client.entry(dn, ["memberOf"])
            self._parents[key] = texts(entry[1], "memberOf") if entry else []
        return self._parents[key]

    def _primary_group(self, dn: str, values: Values) -> list[str]:
        """The DN of the primary group, which Active Directory leaves out of memberOf (MS-ADTS 3.1.1.4.5.15). Its SID is
        that of the person's domain with primaryGroupID as the last part (MS-DTYP 2.4.2.2: 32 bits, little-endian)."""
        number, sids = first(values, PRIMARY[:1]), values.get(PRIMARY[1].lower())
        if not (number.isdecimal() and sids):
            return []
        sid = sids[0][:-4] + int(number).to_bytes(4, "little")
        if sid not in self._primary:
            found = self._client.search(domain_of(dn), f"(objectSid={in_filter(sid)})", ["cn"])
            self._primary[sid] = [group for group, _ in found]
        return self._primary[sid]


class GroupsOfBranch:
    """Finds groups by the members that the groups below a base DN name."""

    def __init__(self, client: LdapClient):
        self._names: dict[str, str] = {}
        self._parents: dict[str, list[str]] = defaultdict(list)
        for dn, values in client.search(
            client.get("group_base"), client.get("group_filter", GROUPS), ["cn", *MEMBER_DNS, "memberUid"]
        ):
            group = normal_dn(dn)
            self._names[group] = first(values, ("cn",)) or common_name(dn)
            for attribute in MEMBER_DNS:
                for member in client.all_values(dn, attribute, values):
                    self._parents[normal_dn(member)].append(group)
            for user_name in texts(values, "memberUid"):
                self._parents[f"uid {user_name}"].append(group)

    def of(self, dn: str, user_name: str) -> list[str]:
        """The names of the groups."""
        direct = [*self._parents.get(normal_dn(dn), ()), *self._parents.get(f"uid {user_name}", ())]
        return [self._names[group] for group in _with_all_behind(direct, lambda one: self._parents.get(one, []), str)]


def _with_all_behind(
    groups: Iterable[str], parents_of: Callable[[str], list[str]], key: Callable[[str], str] = normal_dn
) -> list[str]:
    """These groups and all groups that they are in, each once. They may contain each other in a circle."""
    found: dict[str, str] = {}
    waiting = list(groups)
    while waiting:
        group = waiting.pop(0)
        if key(group) not in found:
            found[key(group)] = group
            waiting += parents_of(group)
    return list(found.values())
