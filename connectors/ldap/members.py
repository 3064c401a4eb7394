"""Members of LDAP groups: what a group holds of them, and which of its values name the same entry."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base import Account
from connectors.ldap.dn import normal_dn

MEMBER = "member"
BY_NAME = "memberUid"

Member = tuple[str, str]  # (attribute, value) as the group holds it


@dataclass(frozen=True)
class Group:
    dn: str
    id: str
    name: str
    classes: frozenset[str]
    members: tuple[Member, ...]

    @property
    def attribute(self) -> str:
        """The attribute that gets a new member."""
        used = next((attribute for attribute, _ in self.members), "")
        if used:
            return used
        if "groupofuniquenames" in self.classes:
            return "uniqueMember"
        return MEMBER if self.classes & {"groupofnames", "groupofmembers", "groupofentries", "group"} else BY_NAME


@dataclass(frozen=True)
class Known:
    account: Account
    keys: frozenset[Member]  # the forms in which groups may name them
    dn: str = ""
    user_name: str = ""

    def held_by(self, group: Group) -> list[Member]:
        """The group's values, exactly as stored, that name this entry."""
        return [member for member in group.members if key_of(member) in self.keys]


def key_of(member: Member) -> Member:
    """Two values with the same key are one member: names may be written differently, in member and in uniqueMember."""
    attribute, value = member
    return (BY_NAME, value.casefold()) if attribute == BY_NAME else (MEMBER, normal_dn(value))
