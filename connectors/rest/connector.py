"""The connector of any app whose REST API a YAML file describes (docs/connectors.md): `connector_of(load(file))`.
file.py checks the file, lists.py reads lists, and client.py makes the calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

from connectors.base import (
    CHANGE_ROLE,
    GRANT,
    INVITE,
    REMOVE,
    REVOKE,
    SEAT_BASED,
    Access,
    Account,
    Asset,
    Connector,
    ConnectorError,
    CredentialRejected,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.memory import KnownItems, Marked, Unchanged
from connectors.quality import Level
from connectors.rest.client import ABSENT, Client, Sent, WasSo
from connectors.rest.declared import capabilities_of, declarations
from connectors.rest.file import Description
from connectors.rest.lists import Lists, View, is_read_item_by_item
from connectors.rest.operations import Operations, calls_of, keeps_others
from connectors.rest.template import find, keys_of
from connectors.rest.values import Value, holds
from connectors.tools.answers import known_status
from connectors.tools.http import NotFound
from connectors.tools.http_connector import ClosesClients, api_client
from connectors.tools.items import accounts_of
from connectors.tools.paging import Seen

STATUSES = {word: word for word in ("active", "invited", "suspended")}
WORDS = {
    REMOVE: "remove accounts",
    CHANGE_ROLE: "change roles",
    INVITE: "invite",
    GRANT: "grant access",
    REVOKE: "revoke access",
}


class RestConnector(ClosesClients, Connector):
    """Speaks to the app that `description` describes. connector_of() makes a subclass for each file."""

    described = True  # by a file: the catalogue gets it from load_folder(), not from this package
    description: Description

    def __init__(self, settings: dict[str, str], on_total: Callable[[int], None] | None = None):
        super().__init__(settings, on_total)
        self._spec = self.description.spec
        self._values: dict[tuple[int, str], Value] = {}

    @api_client
    def _client(self) -> Client:
        given = {field.name: self.settings.get(field.name, "") for field in self.fields}
        secrets = {field.name for field in self.fields if field.secret}
        return Client(self._spec, given, secrets, self.description.authority)

    @cached_property
    def _lists(self) -> Lists:
        entries = (
            entry
            for section in ("roles", "accounts", "assets", "access", "lists")
            for entry in self._spec.get(section, [])
        )
        named = {entry["name"]: entry for entry in entries if "name" in entry}
        return Lists(self._client, named, self._spec.get("tables", {}))

    @classmethod
    def level(cls) -> Level:
        return Level.OWN_FILE

    @property
    def removal_suspends(self) -> bool:
        operations = (calls_of(entry.get("remove")) for entry in self._spec["accounts"])
        return any(call.get("suspends") for calls in operations for call in calls)

    def test(self) -> Identity:
        """Who the credential belongs to, by the file's “identity”, and whether it may read a first account."""
        who = self._spec.get("identity")
        name, own_id, missing = f"the credential for {self._client.host}", "", []
        if who:
            found = self._found_of_identity(who)
            name = (self._text(who, "name", found) if "name" in who else "") or name
            own_id = self._own_id(who, found)
            missing += [need["otherwise"] for need in who.get("needs", []) if not holds(found, need["when"])]
        try:
            next(self.accounts(), None)
        except NotFound as failure:
            raise Refused(f"{failure} Check the app's address in its settings.") from None
        except CredentialRejected as failure:
            if not who:
                raise
            missing.append(f"read accounts: {failure}")
        may = tuple((who or {}).get("may", ())) or (
            "read accounts", *(word for can, word in WORDS.items() if can in self.capabilities),
        )  # fmt: skip
        return Identity(name, own_id or None, may, tuple(missing))

    def _found_of_identity(self, who: dict) -> View:
        """The app's answer about the credential; the fields that aren't secret, if the file has no call for it."""
        if "path" not in who:
            return {field.name: self.settings.get(field.name, "") for field in self.fields if not field.secret}
        try:
            answer = self._client.read(who, self._client.scope).json()
        except NotFound as failure:
            raise Refused(f"{failure} Check the app's address in its settings.") from None
        return answer if isinstance(answer, dict) else {"value": answer}

    def _own_id(self, who: dict, found: View) -> str:
        """The id of the credential's account; "" if the file says that it has none. Raises Refused if none is found."""
        own_id = self._text(who, "id", found) if "id" in who else ""
        if "id" in who and not own_id and not self._value(who, "id").explains_missing:
            call = f"the answer to {who.get('method', 'GET')} {who['path']}" if "path" in who else "the fields"
            raise Refused(f"“identity” finds no id in {call}, so Rollcall's own account is unknown. Correct the file.")
        return own_id

    def roles(self) -> list[Role]:
        found: dict[str, Role] = {}
        for entry in self._spec.get("roles", []):
            for role in self._roles_of(entry):
                found.setdefault(role.id, role)
        return list(found.values())

    def _roles_of(self, entry: dict) -> Iterator[Role]:
        if "path" not in entry:
            yield Role(entry["id"], entry["label"], entry.get("privileged", False), entry.get("default", False))
            return
        role, id_of, present = entry["role"], self._id_of(entry["role"], "id", "role"), []
        for item in self._lists.items(entry, "roles", id_of):
            known = "privileged" not in role or self._value(role, "privileged").is_present(item, self._lists.table)
            present.append(known)
            privileged, standard = (key in role and self._value(role, key).truth(item, self._lists.table)
                                    for key in ("privileged", "default"))  # fmt: skip
            label = self._text(role, "label", item) if "label" in role else ""
            yield Role(id_of(item), label or id_of(item), privileged, standard)
        if present and not any(present):  # otherwise nobody would be protected as an administrator
            raise Refused("No role has the value for “privileged”, so Rollcall doesn't know which may administer the "
                          "app. Nothing was changed. Check the credential's permissions.")  # fmt: skip

    @property
    def reads_item_by_item(self) -> bool:
        return any(map(self._is_read_item_by_item, self._spec["accounts"]))

    def _is_read_item_by_item(self, entry: dict) -> bool:
        return "zone" not in self._spec.get("time", {}) and is_read_item_by_item(entry, entry["account"])

    def accounts(self) -> Iterator[Account | Marked | Unchanged]:
        """The accounts of all lists. Someone who moves from one list to another during the reading is returned once."""
        self._lists.clear_tables()
        came, known = Seen(), 0

        def add_up(total: int) -> None:
            nonlocal known
            known += total
            self.on_total(known)

        for number, entry in enumerate(self._spec["accounts"]):
            total_for = None if entry.keys() & {"only", "skip", "nested", "for_each"} else add_up
            if self.known_items is not None and self._is_read_item_by_item(entry):
                accounts = self._known_accounts_of(entry, total_for, self.known_items, str(number))
            else:
                accounts = self._accounts_of(entry, total_for)
            for account in accounts:
                if came.add(account.id):
                    yield account

    def _known_accounts_of(self, entry: dict, on_total: Callable[[int], None] | None, known: KnownItems,
                           number: str) -> Iterator[Account | Marked | Unchanged]:  # fmt: skip
        what, prefix = entry.get("name", "accounts"), entry.get("prefix", "")
        id_of = self._id_of(entry["account"], "id", "account")
        items = self._lists.opened(entry, what, lambda item: prefix + id_of(item), on_total, known, f"{number} {what}")
        return accounts_of(items, lambda item: self._account(entry, item))

    def _accounts_of(self, entry: dict, on_total: Callable[[int], None] | None = None) -> Iterator[Account]:
        what = entry.get("name", "accounts")
        for item in self._lists.items(entry, what, self._id_of(entry["account"], "id", "account"), on_total):
            yield self._account(entry, item)

    def _account(self, entry: dict, item: View) -> Account:
        of = entry["account"]
        text = {key: self._text(of, key, item) for key in ("name", "seat") if key in of}
        text |= {"email": self._value(of, "email").address(item, self._lists.table)} if "email" in of else {}
        main, *further = "role" in of and self._value(of, "role").texts(item, self._lists.table) or [""]
        seen = self._value(of, "last_activity").moment(item, self._lists.table) if "last_activity" in of else None
        status, kind = (self._text(of, key, item) if key in of else "" for key in ("status", "kind"))
        given = {**text, "role": main, "status": status, "kind": kind, "last_activity": seen}
        missing = [key for key, value in given.items() if key in of and self._is_missing(of, key, item, value)]
        defaulted_fields = frozenset(key for key in missing if self._value(of, key).explains_missing)
        return Account(
            id=entry.get("prefix", "") + self._id_of(of, "id", "account")(item),
            status=known_status(status, STATUSES) if "status" in of else "active",
            kind=kind or "user", last_activity=seen, role=main, further_roles=tuple(further), **text,
            defaulted_fields=defaulted_fields, missing_fields=frozenset(missing) - defaulted_fields,
        )  # fmt: skip

    def _is_missing(self, of: dict, key: str, item: View, given: Any) -> bool:
        """Whether the value `given` comes from a missing key."""
        value = self._value(of, key)
        return (not given or value.explains_missing) and not value.is_present(item, self._lists.table)

    def assets(self) -> Iterator[Asset]:
        for entry in self._spec.get("assets", []):
            id_of = self._id_of(entry["asset"], "id", "asset")
            for item in self._lists.items(entry, entry.get("name", f"{entry['kind']}s"), id_of):
                name = self._text(entry["asset"], "name", item) if "name" in entry["asset"] else ""
                yield Asset(entry.get("prefix", "") + id_of(item), entry["kind"], name)

    def access(self) -> Iterator[Access]:
        for entry in self._spec.get("access", []):
            of, asset_of = entry["access"], self._asset_of(entry)
            account_of = self._id_of(of, "account", "account with access")
            for item in self._lists.items(entry, "access", lambda one: f"{account_of(one)}\n{asset_of(one)}"):  # noqa: B023
                role = self._text(of, "role", item) if "role" in of else ""
                privileged = "privileged" in of and self._value(of, "privileged").truth(item, self._lists.table)
                role_defaulted = "role" in of and not self._value(of, "role").is_present(item, self._lists.table)
                yield Access(account_of(item), asset_of(item), role, privileged, role_defaulted)

    def _asset_of(self, entry: dict) -> Callable[[View], str]:
        if "asset" in entry["access"]:
            return self._id_of(entry["access"], "asset", "asset with access")
        outer = next(one for one in self._spec["assets"] if one.get("name") == entry["for_each"])
        id_of, nested = self._id_of(outer["asset"], "id", "asset"), "nested" in entry
        return lambda item: outer.get("prefix", "") + id_of(item["parent"]["parent"] if nested else item["parent"])

    def account(self, id: str) -> Account | None:
        entry, own_id = self._entry_of(id)
        how = entry["look_up"]
        if how == "list":
            same_ids = [one for one in self._spec["accounts"] if one.get("prefix", "") == entry.get("prefix", "")]
            return next((one for each in same_ids for one in self._accounts_of(each) if one.id == id), None)
        scope = {**self._client.scope, "account": {"id": own_id}}
        try:
            answer = self._client.read(how, scope, ABSENT)
        except WasSo:
            return None
        item = find(answer.json(), keys_of(how.get("item", ".")))
        if item in (None, []) and how.get("missing_is_gone"):
            return None
        if not isinstance(item, dict):
            raise TemporarilyUnavailable(f"{answer.asked} answered without the requested account.")
        found = self._account(entry, item)
        if found.id != id:
            raise TemporarilyUnavailable(f"{answer.asked} returned an account other than the requested one.")
        return found

    @classmethod
    def _entry_of(cls, id: str) -> tuple[dict, str]:
        """The file's list that an account comes from, and the account's id in the app, without the prefix."""
        by_prefix = sorted(cls.description.spec["accounts"], key=lambda entry: -len(entry.get("prefix", "")))
        entry = next((entry for entry in by_prefix if id.startswith(entry.get("prefix", ""))), by_prefix[-1])
        return entry, id.removeprefix(entry.get("prefix", ""))

    def remove(self, account: Account) -> None:
        entry, scope = self._about(account)
        self._operate(entry, "remove", scope, ABSENT)

    @classmethod
    def roles_after(cls, account: Account, role: str) -> tuple[str, ...]:
        """The account keeps its other roles if the file says so, or puts all {roles} into a call."""
        entry, _ = cls._entry_of(account.id)
        keeps = any(map(keeps_others, calls_of(entry.get("change_role"))))
        return tuple(dict.fromkeys((role, *(account.roles[1:] if keeps else ()))))

    def change_role(self, account: Account, role: str) -> None:
        entry, scope = self._about(account)
        self._operate(entry, "change_role", {**scope, **self._to(account, role)})

    def _to(self, account: Account, role: str) -> dict[str, Any]:
        return {"role": role, "roles": list(self.roles_after(account, role))}

    def invite(self, email: str, role: str) -> None:
        self._operate(self._spec, "invite", {"email": email, "role": role})

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        entry, scope = self._about_asset(asset)
        self._operate(entry, "grant", {**self._about(account)[1], **scope, "role": role})

    def revoke(self, account: Account, asset: Asset) -> None:
        entry, scope = self._about_asset(asset)
        self._operate(entry, "revoke", {**self._about(account)[1], **scope, "role": ""}, ABSENT)

    def shown(self, operation: str, account: Account, asset: Asset | None = None, role: str = "") -> list[Sent]:
        """The calls of an operation as they would be sent; empty if the file doesn't describe it. Nothing is sent.

        `operation`: remove, change_role, invite (to the account's e-mail), grant or revoke. Raises Refused as run()
        would.
        """
        entry, scope = self._about(account)
        if operation == "invite":
            entry, scope = self._spec, {"email": account.email}
        elif asset is not None:
            entry, of_asset = self._about_asset(asset)
            scope |= of_asset
        operations = Operations(self._client, self.label)
        scope |= self._to(account, role) if operation == "change_role" else {"role": role}
        return operations.shown(entry, operation, scope) if operation in entry else []

    def list_of(self, account: Account) -> str:
        """The prefix of the account's id, which says which of the file's lists it comes from; "" if it has none."""
        return self._entry_of(account.id)[0].get("prefix", "")

    def is_open_to_all(self) -> bool:
        """Whether the app lists accounts even without a credential."""
        public = {field.name: "" if field.secret else self.settings.get(field.name, "") for field in self.fields}
        spec = {**self._spec, "auth": {}}
        stranger = type(self.label, (type(self),), {"description": replace(self.description, spec=spec)})(public)
        try:
            return next(stranger.accounts(), None) is not None
        except ConnectorError:
            return False
        finally:
            stranger.close()

    def _about(self, account: Account) -> tuple[dict, dict]:
        entry, own_id = self._entry_of(account.id)
        return entry, {"account": asdict(replace(account, id=own_id))}

    def _about_asset(self, asset: Asset) -> tuple[dict, dict]:
        entry = next((one for one in self._spec["assets"] if one["kind"] == asset.kind), self._spec["assets"][0])
        return entry, {"asset": asdict(replace(asset, id=asset.id.removeprefix(entry.get("prefix", ""))))}

    def _operate(self, entry: dict, operation: str, scope: dict[str, Any], already: tuple[int, ...] = ()) -> None:
        Operations(self._client, self.label).run(entry, operation, scope, already)
        self._lists.clear_tables()

    def _value(self, of: dict, key: str) -> Value:
        known = self._values.get((id(of), key))
        if known is None:
            known = self._values[id(of), key] = Value(of[key], key, self._spec.get("time"))
        return known

    def _text(self, of: dict, key: str, item: View) -> str:
        return self._value(of, key).text(item, self._lists.table)

    def _id_of(self, of: dict, key: str, what: str) -> Callable[[View], str]:
        value = self._value(of, key)

        def id_of(item: View) -> str:
            found = value.text(item, self._lists.table)
            if not found:
                raise TemporarilyUnavailable(f"One {what} in the app's answer has no id.")
            return found

        return id_of


def connector_of(description: Description) -> type[RestConnector]:
    """The connector of the app that the file describes."""
    spec = description.spec
    capabilities = capabilities_of(spec)
    return type(RestConnector)(
        f"Rest_{spec['app']}",
        (RestConnector,),
        {
            "__doc__": f"{spec['label']}, as {description.file.name} describes it.",
            "description": description,
            "read_with": json.dumps(spec, sort_keys=True, default=str),
            "slug": spec["app"],
            "label": spec["label"],
            "category": spec.get("category", SEAT_BASED),
            "docs": tuple(spec.get("docs", ())),
            "fields": tuple(_field(field) for field in spec.get("fields", [])),
            "capabilities": capabilities,
            **declarations(spec, capabilities),
            "asset_word": spec.get("asset_word") or next((one["kind"] for one in spec.get("assets", [])), "asset"),
            "role_word": spec.get("role_word", "role"),
            "own_account_unknown": _own_account_unknown(description),
        },
    )


def _own_account_unknown(description: Description) -> str:
    identity = description.spec.get("identity", {})
    if identity.keys() & {"id", "account"}:
        return ""
    return (
        f"{description.file.name} doesn't say which account the credential belongs to, so that account isn't "
        "protected: once its person has left, it is reported, and it is removed if someone approves that. Add "
        "“identity” with an “id” to the file, or with “account: false” if the credential belongs to no account."
    )


def _field(field: dict) -> Field:
    choices = tuple((choice["value"], choice["label"]) for choice in field.get("choices", ()))
    return Field(**{**field, "choices": choices})
