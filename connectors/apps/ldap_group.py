"""Groups of an LDAP server as an app: every member of one, or of one nested in it, has an account.
RFC 4519, RFC 2307 and Active Directory's groups; an account is removed by taking the person out of the groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType

from connectors.base import (
    ASSETS,
    CHANGE_ROLE,
    GRANT,
    INVITE,
    LOOK_UP,
    REMOVE,
    REVOKE,
    UNKNOWN,
    Access,
    Account,
    Asset,
    Connector,
    CredentialRejected,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.counts import plural
from connectors.effects import GRANTED, REVOKED, Effect, Reach, Seat, Undo, declared
from connectors.ldap.client import (
    AUTHORITY_FIELD,
    CLASS_VIOLATION,
    ENTRY_FIELDS,
    GROUP_CLASSES,
    GROUPS,
    LIMITS,
    MEMBER_DNS,
    SERVER_FIELDS,
    SUCCESS,
    USER_NAMES,
    VALUE_EXISTS,
    LdapClient,
    Values,
    first,
    texts,
)
from connectors.ldap.dn import common_name, id_filter, in_dn, in_filter, normal_dn, parts
from connectors.ldap.members import BY_NAME, MEMBER, Group, Known, Member, key_of
from connectors.quality import NOT_OVER_HTTP
from connectors.versions import LDAP

NUMBERS = ("employeeNumber", "employeeID")  # RFC 2798, Active Directory
NO_ATTRIBUTES = ["1.1"]  # RFC 4511 4.5.1.8
# A member without an entry is known by its value in the group.
BY_DN, BY_USER_NAME = "dn:", "uid:"
NO_ENTRY, OUTSIDE = "no entry of this name is shown", "outside the base DN of people"


class LdapGroup(Connector):
    slug = "ldap-group"
    label = "LDAP group"
    logo = "own-ldap.svg"
    quality = MappingProxyType(NOT_OVER_HTTP)
    docs = (
        "For an app that admits everyone in a group of your LDAP server or Active Directory: the members are its "
        "accounts, each group is an asset.",
        "Create an account in the directory that may read people and groups, and change these groups' members: in "
        'OpenLDAP: access to dn.subtree="ou=groups,dc=acme,dc=example" attrs=member,uniqueMember,memberUid '
        'by dn.exact="cn=rollcall,ou=services,dc=acme,dc=example" write',
        "Its full DN is the bind DN. Active Directory also accepts rollcall@acme.example.",
        "The base DN of the groups is the DN of the one group, or of the branch that all of the app's groups are in.",
        "Groups nested in these count too, if they are below one of the two base DNs: a removal takes the person out "
        "of them as well. A group from elsewhere shows as a system account, and is left alone.",
        "A groupOfNames must keep one member, so its last one isn't removed. A primary group (gidNumber, "
        "primaryGroupID) is an attribute of the person, and isn't read.",
        LIMITS,
    )
    fields = (
        *SERVER_FIELDS,
        Field("group_base", "Base DN of the groups", "One group, or the branch below which they all are.",
              placeholder="cn=vpn,ou=groups,dc=acme,dc=example", asks_secrets_again=False),
        Field("group_filter", "Filter for groups", f"Empty: {GROUPS}", required=False, asks_secrets_again=False),
        Field("base_dn", "Base DN of people", "All people are below it, those who have left as well.",
              placeholder="dc=acme,dc=example", asks_secrets_again=False),
        *ENTRY_FIELDS,
        AUTHORITY_FIELD,
    )  # fmt: skip
    absent_operations = MappingProxyType({
        CHANGE_ROLE: "a member of a group has no role in it",
        INVITE: "who gets an entry in the directory is for the directory's own administration",
    })  # fmt: skip
    capabilities = frozenset((LOOK_UP, ASSETS, REMOVE, GRANT, REVOKE))
    effects = declared(
        "RFC 4519, RFC 2307",
        remove=Effect(
            "Removes them from each of the app's groups. Their entry in the directory stays.", Reach.WORKSPACE,
            Undo.POSSIBLE, "Add them to the groups again.", frees_seat=Seat.NOT_PAID,
        ),
        grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = LDAP
    asset_word = "group"

    def __init__(self, settings: dict[str, str], on_total: Callable[[int], None] | None = None):
        super().__init__(settings, on_total)
        self._client = LdapClient(settings, read_only=False)
        self._ids: dict[Member, list[str]] = {}  # members found by accounts(), by their value in groups: for access()

    def close(self) -> None:
        self._client.close()

    def test(self) -> Identity:
        groups = self._groups()
        if not groups:
            raise Refused(
                f"The server accepted the sign-in, but shows no group below {self._client.get('group_base')} that fits "
                f"{self._client.get('group_filter', GROUPS)}. Check the base DN, the filter and what it may read."
            )
        accounts = list(self.accounts())
        missing = []
        if nobody := sum(account.seat == NO_ENTRY for account in accounts):
            missing.append(f"see everyone: the entries of {plural(nobody, 'member')} were deleted, or are hidden from "
                           "Rollcall.")  # fmt: skip
        if refused := self._obstacle_to_change(groups[0]):
            missing.append(f"remove people from {groups[0].name}: {refused}")
        return Identity(
            name=f"{self._client.who}, sees {plural(len(accounts), 'member')} in {plural(len(groups), 'group')}",
            external_id=self._my_id(),
            may=("read groups and members", *(() if refused else ("put people in and take them out",))),
            missing=tuple(missing),
        )

    def _my_id(self) -> str | None:
        """Rollcall's own account: by DN or, at Active Directory, as rollcall@acme.example or ACME\\rollcall."""
        who, asked = self._client.get("bind_dn"), self._client.asked
        if "=" in who:
            found = list(filter(None, [self._client.entry(who, asked)]))
        elif who:
            whole, name = in_filter(who), in_filter(who.rpartition("\\")[2])
            by_name = f"(|(userPrincipalName={whole})(sAMAccountName={name}))"
            found = list(self._client.search(self._client.get("base_dn"), by_name, asked))
        else:
            found = []
        return self._account(*found[0]).id if len(found) == 1 else None

    def _obstacle_to_change(self, group: Group) -> str:
        """Asks the server to remove someone who isn't a member, which changes nothing (RFC 4511, section 4.6)."""
        nobody = f"rollcall-tries-{group.id}"
        value = nobody if group.attribute == BY_NAME else f"cn={in_dn(nobody)},{group.dn}"
        try:
            self._client.delete_value(group.dn, group.attribute, value)
        except (CredentialRejected, Refused) as problem:
            return str(problem)
        return ""

    def roles(self) -> list[Role]:
        return [Role(MEMBER, "Member", default=True)]

    def accounts(self) -> Iterator[Account]:
        """Each member once, no matter in how many groups."""
        self._ids.clear()
        groups = self._groups()
        nested, given = {normal_dn(group.dn) for group in groups}, {}
        for member in _distinct(member for group in groups for member in group.members):
            behind = list(self._behind(member, nested))
            self._ids[key_of(member)] = [account.id for _, account in behind]
            for entry, account in behind:
                if account.id not in given:
                    given[account.id] = entry
                    yield account
                elif given[account.id] != entry:
                    raise self._ambiguous(account.id)

    def _ambiguous(self, id: str) -> Refused:
        return Refused(f"Several entries have the id {id}: name an attribute in which no two are alike.")

    def _groups(self) -> list[Group]:
        """The groups below the base and those nested in them, each once, even if they contain each other."""
        base, wanted = self._client.get("group_base"), self._client.get("group_filter", GROUPS)
        asked = ["cn", "objectClass", *self._client.ids, *MEMBER_DNS, BY_NAME]
        found = {normal_dn(dn): self._group(dn, values) for dn, values in self._client.search(base, wanted, asked)}
        known = {
            normal_dn(dn)
            for branch in (base, self._client.get("base_dn"))
            for dn, _ in self._client.search(branch, GROUPS, NO_ATTRIBUTES)
        }
        to_follow = list(found.values())
        while to_follow:
            for attribute, value in to_follow.pop().members:
                if attribute == BY_NAME or (normal := normal_dn(value)) not in known or normal in found:
                    continue
                if (entry := self._client.entry(value, asked)) is None:
                    raise TemporarilyUnavailable(f"The group {value} disappeared while it was read.")
                found[normal] = self._group(*entry)
                to_follow.append(found[normal])
        return list(found.values())

    def _group(self, dn: str, values: Values) -> Group:
        members = [(name, value) for name in MEMBER_DNS for value in self._client.all_values(dn, name, values)]
        members += [(BY_NAME, value) for value in texts(values, BY_NAME)]
        return Group(
            dn=dn,
            id=self._client.id(dn, values),
            name=first(values, ("cn",)) or common_name(dn),
            classes=_classes(values),
            members=tuple(members),
        )

    def _behind(self, member: Member, nested: set[str]) -> Iterator[tuple[str, Account]]:
        """The accounts that a group's value may mean, with DNs: several if it is a name, none for a nested group."""
        attribute, value = member
        if attribute != BY_NAME and normal_dn(value) in nested:
            return
        entries = self._entries(member)
        for dn, values in entries:
            yield normal_dn(dn), self._account(dn, values)
        if not entries:
            yield "", _nobody(member)

    def _entries(self, member: Member) -> list[tuple[str, Values]]:
        attribute, value = member
        asked = [*self._client.asked, *NUMBERS, "objectClass"]
        if attribute == BY_NAME:
            name = in_filter(value)
            return list(self._client.search(self._client.get("base_dn"), f"(uid={name})", asked))
        entry = self._client.entry(value, asked)
        return [entry] if entry else []

    def _account(self, dn: str, values: Values) -> Account:
        inside = f"\0{normal_dn(dn)}".endswith(f"\0{normal_dn(self._client.get('base_dn'))}")
        active = self._client.status(dn, values) == "active"
        optional = {"email": first(values, (self._client.email,)), "user_name": first(values, USER_NAMES),
                "employee_number": first(values, NUMBERS)}  # fmt: skip
        # Active Directory has it for every user: without it, it may not be read.
        is_group = not _classes(values).isdisjoint(map(str.casefold, GROUP_CLASSES))
        hidden = "samaccountname" in values and "useraccountcontrol" not in values and not is_group
        return Account(
            id=self._client.id(dn, values) if inside else _name_id((MEMBER, dn)),
            name=first(values, self._client.names) or common_name(dn),
            status=UNKNOWN if hidden else "active" if active else "suspended",
            role=MEMBER,
            kind="system" if is_group else "user",
            seat="" if inside else OUTSIDE,
            **optional,
            # A directory has no empty values: a missing one means none, as long as others have one.
            defaulted_fields=frozenset(field for field, value in optional.items() if not value),
            missing_fields=frozenset({"status"} if hidden else ()),
        )

    def assets(self) -> Iterator[Asset]:
        for group in self._groups():
            yield Asset(group.id, "group", group.name)

    def access(self) -> Iterator[Access]:
        groups = self._groups()
        nested = {normal_dn(group.dn) for group in groups}
        for group in groups:
            in_it: dict[str, None] = {}
            for member in group.members:
                key = key_of(member)
                if key not in self._ids:
                    self._ids[key] = [account.id for _, account in self._behind(member, nested)]
                in_it.update(dict.fromkeys(self._ids[key]))
            for id in in_it:
                yield Access(id, group.id, MEMBER)

    def account(self, id: str) -> Account | None:
        known = self._known_as(id)
        if known is None:
            return None
        held = next(self._held(known, self._groups()), None)
        if held is None:
            return None
        return known.account if known.account.seat != NO_ENTRY else _nobody(held[1])

    def _held(self, known: Known, groups: list[Group]) -> Iterator[tuple[Group, Member]]:
        """The values that name the entry, with their groups. A group may hold its DN in a spelling that only the server
        recognises (RFC 4518, section 2.6): for such a value, the entry's own DN, which the server takes as the same."""
        others = []
        for group in groups:
            held = known.held_by(group)
            yield from ((group, member) for member in held)
            others += [] if held else [group]
        if not known.dn or not others:
            return
        wanted = "".join(f"({attribute}={in_filter(known.dn)})" for attribute in MEMBER_DNS)
        branches = (self._client.get("group_base"), self._client.get("base_dn"))
        found = [self._client.search(branch, f"(|{wanted})", NO_ATTRIBUTES) for branch in branches]
        names = {normal_dn(dn) for entries in found for dn, _ in entries}
        for group in others:
            if normal_dn(group.dn) in names:
                used = dict.fromkeys(attribute for attribute, _ in group.members if attribute != BY_NAME)
                yield from ((group, (attribute, known.dn)) for attribute in used)

    def _known_as(self, id: str) -> Known | None:
        """The entry with this id, whether it is a member or not; None if there isn't one."""
        for prefix, attribute in ((BY_DN, MEMBER), (BY_USER_NAME, BY_NAME)):
            if id.startswith(prefix):
                member = (attribute, id.removeprefix(prefix))
                account = next((one for _, one in self._behind(member, set()) if one.id == id), None)
                return Known(account, frozenset([key_of(member)])) if account else None
        asked = [*self._client.asked, *NUMBERS, "objectClass"]
        entries = list(self._client.search(self._client.get("base_dn"), id_filter(id, self._client.ids), asked))
        if len(entries) > 1:
            raise self._ambiguous(id)
        for dn, values in entries:
            names = texts(values, "uid")
            keys = frozenset(map(key_of, [(MEMBER, dn), *((BY_NAME, name) for name in names)]))
            return Known(self._account(dn, values), keys, dn, names[0] if names else "")
        return None

    def remove(self, account: Account) -> None:
        self._take_out(account, self._groups())

    def _take_out(self, account: Account, groups: list[Group]) -> None:
        """Remove them from every group that allows it, before reporting the others."""
        known = self._known_as(account.id)
        if known is None:
            return
        last_of = []
        for group, (attribute, value) in self._held(known, groups):
            if self._client.delete_value(group.dn, attribute, value) == CLASS_VIOLATION:
                last_of.append(group.name)
        if last_of:
            raise Refused(
                f"{account.name or account.id} is the last member of {', '.join(last_of)}, and such a group must have "
                "at least one: add someone else first, or delete the group."
            )

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        group, known = self._named(asset), self._known_as(account.id)
        if group is None:
            raise Refused(f"The group {asset.name or asset.id} no longer exists.")
        value = "" if known is None else known.user_name if group.attribute == BY_NAME else known.dn
        if not value:
            raise Refused(f"Rollcall knows no entry of {account.name or account.id} that it could add to {group.name}.")
        if not known.held_by(group):
            code = self._client.add_value(group.dn, group.attribute, value)
            if code not in (SUCCESS, VALUE_EXISTS):
                who = account.name or account.id
                raise Refused(f"{group.name} doesn't accept {who} as {group.attribute} ({code}).")

    def revoke(self, account: Account, asset: Asset) -> None:
        group = self._named(asset)
        if group is not None:
            self._take_out(account, [group])

    def _named(self, asset: Asset) -> Group | None:
        return next((group for group in self._groups() if group.id == asset.id), None)


def _classes(values: Values) -> frozenset[str]:
    return frozenset(text.casefold() for text in texts(values, "objectClass"))


def _distinct(members: Iterator[Member]) -> list[Member]:
    return list({key_of(member): member for member in members}.values())


def _nobody(member: Member) -> Account:
    attribute, value = member
    name = value if attribute == BY_NAME else common_name(value)
    return Account(_name_id(member), name=name, role=MEMBER, seat=NO_ENTRY)


def _name_id(member: Member) -> str:
    attribute, value = member
    if attribute == BY_NAME:
        return BY_USER_NAME + value.lower()
    return BY_DN + ",".join(f"{name.strip()}={in_dn(part.strip())}" for name, part in parts(value)).lower()
