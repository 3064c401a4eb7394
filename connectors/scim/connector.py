"""The connector of any app that speaks SCIM 2.0 (RFC 7643 and 7644): it reads and changes users, roles and groups.
It copes with what real servers leave out or do in their own way, and never guesses.

A service may show only those who were added over SCIM: docs.github.com, “List SCIM provisioned identities”. It may
delete a user whose `active` is set to false: support.pagerduty.com/main/docs/assign-or-deactivate-users."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType

from connectors.base import (
    CAPABILITIES,
    CHANGE_ROLE,
    INVITE,
    Access,
    Account,
    Asset,
    Connector,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.counts import plural
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Undo, declared
from connectors.memory import Marked, Unchanged
from connectors.scim.client import NotScim, ScimClient
from connectors.scim.values import (
    account_of,
    group_name,
    id_of,
    in_order,
    is_active,
    may_have,
    member_ids,
    other_roles,
    privileged_by_name,
    roles_of,
)
from connectors.tools.holes import needed
from connectors.tools.http import Conflict, Forbidden, Http, NotFound, NotOffered
from connectors.tools.http_connector import ClosesClients, api_client, bearer
from connectors.tools.items import Fresh
from connectors.tools.paging import ListChanged
from connectors.versions import ApiVersion

MAY = {CHANGE_ROLE: "change roles", INVITE: "invite"}


class Scim(ClosesClients, Connector):
    slug = "scim"
    label = "SCIM 2.0"
    logo = "own-scim.svg"
    quality = MappingProxyType({})  # it keeps every rule
    docs = (
        "In the app's admin pages, look for “SCIM”, “User provisioning” or “Automatic provisioning”. "
        "It is often next to single sign-on.",
        "Switch provisioning on. The app shows an address (“SCIM base URL”, “Tenant URL”), which often ends in "
        "/scim/v2.",
        "Create a token there (“Secret token”, “API token”, “Bearer token”). Most apps show it only once.",
        "Enter both below. Rollcall needs to read users and groups, and to change them.",
        "Choose what a removal does. Most apps free the seat when a user is deactivated.",
        "Some apps show over SCIM only people who were added over SCIM, or no guests. Compare the number with the "
        "app's own list of members: Rollcall doesn't see anyone else.",
    )
    fields = (
        Field(
            "base_url",
            "SCIM address",
            "The address that /Users is below. It must begin with https://, unless the app is on this machine.",
            pattern=r"https?://\S+",
            placeholder="https://app.example.com/scim/v2",
        ),
        Field("token", "Token", "Sent as “Authorization: Bearer …”.", secret=True),
        Field(
            "removal",
            "A removal",
            "In most apps, deactivated users stay in the list as suspended, and they keep their work. Some apps delete "
            "them.",
            required=False,
            choices=(("deactivate", "deactivates the user"), ("delete", "deletes the user")),
            asks_secrets_again=False,
        ),
        Field(
            "roles_from",
            "Roles are",
            "Where the app says what a user may do.",
            required=False,
            choices=(("roles", "the user's roles attribute"), ("groups", "the groups that the user is in")),
            asks_secrets_again=False,
        ),
        Field(
            "privileged",
            "Administrator roles",
            "Names of the roles that may administer the whole app, separated by commas. "
            "If it is empty, these are all roles with “admin” or “owner” in their names.",
            required=False,
            placeholder="admin, owner",
            asks_secrets_again=False,
        ),
        Field(
            "groups",
            "Groups",
            "Groups show as assets, with their members.",
            required=False,
            choices=(("read", "are read"), ("leave out", "are left out")),
            asks_secrets_again=False,
        ),
    )
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "RFC 7644, sections 3.5.2 and 3.6",
        remove=(
            Effect(
                "Deactivates them. That reaches everything the SCIM address manages: one workspace, or a whole "
                "organisation.",
                Reach.ORGANISATION, Undo.NOT_KNOWN,
                "Most apps can reactivate them. The app's documentation says whether it deletes their user.",
                when=("removal", "deactivate"),
            ),
            Effect(
                "Deletes their user. That reaches everything the SCIM address manages: one workspace, or a whole "
                "organisation.",
                Reach.ORGANISATION, Undo.NOT_KNOWN,
                "The app's documentation says whether it can restore a deleted user.",
                lost=("what the app deletes with the user",), when=("removal", "delete"),
            ),
        ),
        change_role=replace(ROLE_CHANGED, reach=Reach.ORGANISATION),
        invite=replace(INVITATION_SENT, does="Creates a user for them in the app.", reach=Reach.ORGANISATION),
        grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("SCIM", "2.0", source="RFC 7643, RFC 7644")
    asset_word = "group"
    change_role_keeps = True
    client = ScimClient
    active_by_path = True  # False: the app's documents show a PATCH of `active` without a path (RFC 7644, 3.5.2.3)

    @api_client
    def _client(self) -> ScimClient:
        token = self.settings.get("token", "")
        return self.client(Http(self._address, headers=bearer(token), secrets=[token]))

    @property
    def _address(self) -> str:
        return self.settings.get("base_url", "")

    @property
    def removal_suspends(self) -> bool:
        return self.settings.get("removal") != "delete"

    @cached_property
    def _roles_are_groups(self) -> bool:
        return self.settings.get("roles_from") == "groups"

    @cached_property
    def _is_privileged(self) -> Callable[[str], bool]:
        return privileged_by_name(self.settings.get("privileged", ""))

    def test(self) -> Identity:
        try:
            users = self._client.first_page("Users")
        except (NotFound, NotOffered, NotScim) as failure:
            raise Refused(
                f"There is no SCIM 2.0 service at this address: {failure} Check the address: /Users must be below it, "
                "and it often ends in /scim/v2."
            ) from None
        missing = []
        if self.settings.get("groups") != "leave out" or self._roles_are_groups:
            missing += self._obstacles_to_groups()
        me = self._client.me()
        people = "users" if users.total is None else plural(users.total, 'user')
        removal = "deactivate users" if self.removal_suspends else "delete users"
        return Identity(
            name=account_of(me).name or me["userName"] if me else f"the token for {self._client.http.origin[1]}",
            external_id=id_of(me) if me else None,
            may=(f"read {people}", removal, *(word for what, word in MAY.items() if what in self.capabilities)),
            missing=tuple(missing),
        )

    def _obstacles_to_groups(self) -> list[str]:
        try:
            if self._client.has_groups:
                self._client.first_page("Groups")
                return []
        except (NotFound, NotOffered):
            pass
        except Forbidden as failure:
            return [f"read groups: {failure} Give the token that permission, or choose that groups are left out."]
        return ["read groups: this server has none. To hide this message, choose that groups are left out."]

    def roles(self) -> list[Role]:
        """The groups, if roles are groups; else the roles that at least one user has, because SCIM lists no roles."""
        if self._roles_are_groups:
            named = {id_of(group): group_name(group) for group in self._groups()}
        else:
            named = dict(self._roles_in_use)
        return [Role(id, label, privileged=self._is_privileged(label) or self._is_privileged(id))
                for id, label in sorted(named.items(), key=lambda role: role[1].casefold())]  # fmt: skip

    @cached_property
    def _roles_in_use(self) -> dict[str, str]:
        """Role value → label. accounts() sets it as it reads; without that, it takes a reading of its own."""
        return {value: label for user in self._client.all("Users") for value, label, _ in self._roles_of(user)}

    @property
    def reads_item_by_item(self) -> bool:
        """False if roles are groups, because a user's account then follows from the groups too."""
        return not self._roles_are_groups

    def accounts(self) -> Iterator[Account | Marked | Unchanged]:
        options = {} if self.known_items is None else {"known": self.known_items}
        in_use: dict[str, str] = {}
        # An item's note is its roles, value → label. Users with the same roles follow each other: look at these once.
        # `held` are the roles that `note` is about, None if it came from an item.
        note, held = "{}", []
        for user in self._client.all("Users", on_total=self.on_total, **options):
            kind = type(user)
            if kind is Unchanged:
                if user.note != note:
                    note, held = user.note, None
                    in_use.update(json.loads(note))
                yield user
                continue
            value = user.value if kind is Fresh else user
            roles = self._roles_of(value)
            if roles != held:
                held, named = roles, {value: label for value, label, _ in roles}
                in_use.update(named)
                note = json.dumps(named)
            account = self._account(value, roles)
            yield Marked(account, user.mark, note) if kind is Fresh else account
        self.__dict__["_roles_in_use"] = in_use

    def _account(self, user: dict, roles: list[tuple[str, str, bool]] | None = None) -> Account:
        roles = self._roles_of(user) if roles is None else roles
        return account_of(user, self._held(user, roles), self._says_role(user, roles))

    def _roles_of(self, user: dict) -> list[tuple[str, str, bool]]:
        """(value, label, whether it is primary) of each role."""
        return roles_of(user)

    def _says_role(self, user: dict, roles: list[tuple[str, str, bool]]) -> bool:
        """Whether the answer has a role for the user; False if the role is the default."""
        return id_of(user) in self._group_roles if self._roles_are_groups else bool(roles)

    def _held(self, user: dict, roles: list[tuple[str, str, bool]] | None = None) -> Sequence[str]:
        """The user's roles, the main one first."""
        if self._roles_are_groups:
            return self._group_roles.get(id_of(user), ())
        return in_order(self._roles_of(user) if roles is None else roles, self._is_privileged)

    @cached_property
    def _group_roles(self) -> dict[str, list[str]]:
        """User id → ids of the user's groups: the privileged ones first, then by name."""
        held: dict[str, set[tuple[bool, str, str]]] = {}
        for group in self._groups():
            rank = (not self._is_privileged(group_name(group)), group_name(group).casefold(), id_of(group))
            for member in member_ids(group):
                held.setdefault(member, set()).add(rank)
        return {member: [id for _, _, id in sorted(ranks)] for member, ranks in held.items()}

    def assets(self) -> Iterator[Asset]:
        if self.settings.get("groups") != "leave out":
            for group in self._client.all("Groups") if self._client.has_groups else ():
                yield Asset(id_of(group), "group", group_name(group))

    def access(self) -> Iterator[Access]:
        if self.settings.get("groups") != "leave out":
            for group in self._groups():
                for member in member_ids(group):
                    yield Access(member, id_of(group))

    def _groups(self) -> Iterator[dict]:
        """Every group with its members. A group that the list returns without members is read separately."""
        for group in self._client.all("Groups") if self._client.has_groups else ():
            if "members" not in group:
                whole = self._client.read("Groups", id_of(group))
                if whole is None:
                    raise ListChanged("A group was deleted while the groups were read. Nothing was changed.")
                group = whole
            yield group

    def account(self, id: str) -> Account | None:
        user = self._client.read("Users", id)
        return self._account(user) if user else None

    def remove(self, account: Account) -> None:
        user = self._client.read("Users", account.id)
        if user is None or (self.removal_suspends and not is_active(user)):
            return
        try:
            if self.removal_suspends:
                self._set_active(user, False)
            else:
                self._client.delete("Users", user)
        except NotFound:
            return

    def _set_active(self, user: dict, active: bool) -> None:
        change = {"path": "active", "value": active} if self.active_by_path else {"value": {"active": active}}
        operation = {"op": "replace", **change}
        after = self._client.change("Users", user, [operation], lambda whole: whole.update(active=active))
        if after and "active" in after and is_active(after) != active:
            raise Refused("The app accepted the request, but the user is unchanged. Check whether the app lets SCIM "
                          "deactivate users.")  # fmt: skip

    def change_role(self, account: Account, role: str) -> None:
        user = self._must_have("Users", account.id)
        before = next(iter(self._held(user)), "")
        if before == needed(role, "role"):
            return
        if self._roles_are_groups:
            self._join(self._must_have("Groups", role), account.id)
            if before and (old := self._client.read("Groups", before)):
                self._leave(old, account.id)
            self.__dict__.pop("_group_roles", None)
            return
        self._set_role(user, before, role)

    def _set_role(self, user: dict, before: str, role: str) -> None:
        """Replace the user's main role; the others don't change."""
        roles = [{"value": role, "primary": True}] if role else []
        roles += other_roles(user, (before, role))
        operation = {"op": "replace", "path": "roles", "value": roles}
        self._client.change("Users", user, [operation], lambda whole: whole.update(roles=roles))

    def invite(self, email: str, role: str) -> None:
        try:
            made = self._client.create("Users", self._new_user(email, role))
        except Conflict:
            made = self._client.find_user(email)
            if made is None or not may_have(made, email):
                raise
            if not is_active(made):
                self._set_active(made, True)
        if role and self._roles_are_groups:
            self._join(self._must_have("Groups", role), id_of(made))

    def _new_user(self, email: str, role: str) -> dict:
        user = {"userName": email, "active": True, "emails": [{"value": email, "type": "work", "primary": True}]}
        if role and not self._roles_are_groups:
            user["roles"] = [{"value": role, "primary": True}]
        return user

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        self._join(self._must_have("Groups", asset.id), account.id)

    def revoke(self, account: Account, asset: Asset) -> None:
        if group := self._client.read("Groups", asset.id):
            self._leave(group, account.id)

    def _must_have(self, kind: str, id: str) -> dict:
        resource = self._client.read(kind, id)
        if resource is None:
            raise Refused(f"The app no longer has the {kind.rstrip('s').lower()} {id}. Nothing was changed.")
        return resource

    def _join(self, group: dict, user: str) -> None:
        if user in member_ids(group):
            return
        member = {"value": user}
        operation = {"op": "add", "path": "members", "value": [member]}
        self._client.change(
            "Groups", group, [operation], lambda whole: whole.update(members=[*(whole.get("members") or []), member])
        )

    def _leave(self, group: dict, user: str) -> None:
        if user not in member_ids(group):
            return

        def without(whole: dict) -> None:
            whole["members"] = [one for one in whole["members"] if member_ids({"members": [one]}) != [user]]

        self._client.remove_member(group, user, without)
        after = self._client.read("Groups", id_of(group))
        if after and user in member_ids(after):
            raise TemporarilyUnavailable("The app accepted the change, but still shows the person in the group.")
