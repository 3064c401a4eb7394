"""Reads an app through a connector that is being written, and shows what was understood and what looks wrong.
It changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cli.frame import moment
from cli.rehearsal import First, Shown, rehearse
from connectors.base import (
    ASSETS,
    CHANGE_ROLE,
    LOOK_UP,
    Access,
    Account,
    Asset,
    ConnectorError,
    Identity,
    Refused,
    Role,
)
from connectors.rest.connector import RestConnector
from sync.words import plural

FIRST = 5  # rows shown of each list


@dataclass
class Part:
    """One list: how many items it has, and its first rows below their header."""

    what: str
    rows: list[tuple]
    count: int = 0


@dataclass
class Trial:
    identity: Identity | None = None
    parts: list[Part] = field(default_factory=list)
    operations: list[Shown] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)  # important warnings
    warnings: list[str] = field(default_factory=list)
    error: str = ""

    def document(self) -> dict[str, Any]:
        who = self.identity
        return {
            "identity": who and {"name": who.name, "may": list(who.may), "missing": list(who.missing)},
            "counts": {part.what: part.count for part in self.parts},
            "first": {part.what: [dict(zip(part.rows[0], row)) for row in part.rows[1:]] for part in self.parts},
            "operations": [one.document() for one in self.operations],
            "warnings": [*self.alarms, *self.warnings],
            "error": self.error or None,
        }


def try_out(kind: type[RestConnector], values: dict[str, str]) -> Trial:
    """Test the credential and read everything once. The first error ends it and is kept in the result."""
    trial = Trial(alarms=[kind.own_account_unknown] if kind.own_account_unknown else [])
    try:
        connector = kind(values)
        try:
            trial.identity = connector.test()
            _read(connector, trial)
        finally:
            connector.close()
    except ConnectorError as problem:
        trial.error = str(problem)
    return trial


def _read(connector: RestConnector, trial: Trial) -> None:
    seen: dict[str, Any] = {"roles": Counter(), "statuses": Counter(), "emails": 0, "first": None, "ids": set(),
                            "several": 0, "one of several": None, "missing": Counter()}  # fmt: skip
    first = First()

    def note(account: Account) -> None:
        seen["roles"].update(account.roles)
        if account.further_roles:
            seen["several"], seen["one of several"] = seen["several"] + 1, account
        seen["statuses"][account.status] += 1
        seen["emails"] += bool(account.email)
        seen["missing"].update(account.missing_fields | account.defaulted_fields)
        seen["ids"].add(account.id)
        seen["first"] = seen["first"] or account
        first.accounts.setdefault(connector.list_of(account), account)

    header = ("ID", "E-MAIL", "NAME", "STATUS", "ROLE", "KIND", "LAST ACTIVITY", "SEAT TYPE")
    accounts = _part("accounts", header, connector.accounts(), _account_row, trial, note)
    roles: dict[str, Role] = {role.id: role for role in connector.roles()}
    _part("roles", ("ID", "LABEL", "PRIVILEGED", "DEFAULT"), roles.values(), _role_row, trial)
    _look_at_accounts(connector, trial, accounts.count, seen, roles)
    if ASSETS in connector.capabilities:
        assets: set[str] = set()
        strays: Counter[str] = Counter()

        def note_asset(one: Asset) -> None:
            assets.add(one.id)
            first.assets.setdefault(one.kind, one)

        _part("assets", ("ID", "KIND", "NAME"), connector.assets(), _asset_row, trial, note_asset)

        def note_access(one: Access) -> None:
            strays["account"] += one.account not in seen["ids"]
            strays["asset"] += one.asset not in assets
            first.access_role = first.access_role or one.role

        header = ("ACCOUNT", "ASSET", "ROLE", "PRIVILEGED")
        _part("access", header, connector.access(), _access_row, trial, note_access)
        trial.warnings += [
            f"{count:,} of the access entries belong to an {what} that isn't in its list: the ids don't match."
            for what, count in strays.items() if count
        ]  # fmt: skip
    trial.operations = rehearse(connector, first, list(roles.values()))


def _part(what: str, header: tuple, values: Iterable, row_of: Callable[[Any], tuple], trial: Trial,
          note: Callable[[Any], None] = lambda value: None) -> Part:  # fmt: skip
    part = Part(what, [header])
    for value in values:
        part.count += 1
        note(value)
        if part.count <= FIRST:
            part.rows.append(row_of(value))
    trial.parts.append(part)
    return part


def _look_at_accounts(connector: RestConnector, trial: Trial, count: int, seen: dict, roles: dict[str, Role]) -> None:
    if not count:
        trial.warnings.append("there are no accounts: is “items” the right place?")
        return
    if not seen["emails"]:
        trial.warnings.append("no account has an e-mail address: nobody can be matched to a person.")
    elif seen["emails"] < count:
        trial.warnings.append(f"{count - seen['emails']:,} of {plural(count, 'account')} have no e-mail address.")
    if missing := sorted(field for field, number in seen["missing"].items() if number == count):
        trial.warnings.append(
            f"the key of {', '.join(missing)} is missing from every item: is the path right, and may the credential "
            "see it?"
        )
    unknown = sorted(role for role in seen["roles"] if role and role not in roles)
    if unknown:
        trial.warnings.append(f"accounts have roles that “roles” doesn't list: {', '.join(unknown[:10])}.")
    if seen["several"] and CHANGE_ROLE in connector.capabilities:
        _look_at_several_roles(connector, trial, seen["several"], seen["one of several"])
    if roles and not any(role.privileged for role in roles.values()):
        trial.warnings.append("no role is privileged, so the last administrator can't be protected.")
    if set(seen["statuses"]) == {"active"}:
        trial.warnings.append("every account is active: does the file read “status”, and does the list include invited "
                              "and locked ones?")
    if connector.test().external_id not in (None, *seen["ids"]):
        trial.warnings.append("the credential's own id (identity.id) isn't among the accounts: the ids don't match.")
    if any(field.secret for field in connector.fields) and connector.is_open_to_all():
        trial.alarms.append(
            "the list of accounts is also returned without the credential, so reading it doesn't show that the "
            "credential still works. Let “identity” name a call that needs it."
        )
    if LOOK_UP in connector.capabilities and connector.account(seen["first"].id) != seen["first"]:
        trial.warnings.append("look_up returns the first account differently from the list.")


def _look_at_several_roles(connector: RestConnector, trial: Trial, count: int, one: Account) -> None:
    try:
        kept = set(one.further_roles) & set(connector.roles_after(one, one.role))
    except Refused:
        return
    if not kept:
        trial.warnings.append(
            f"{plural(count, 'account has', 'accounts have')} several roles, and change_role is assumed to leave "
            "only the new one. If the app keeps the others, write keeps_others: true, or send all {roles}."
        )


def _account_row(account: Account) -> tuple:
    return (account.id, account.email, account.name, account.status, ", ".join(account.roles), account.kind,
            moment(account.last_activity), account.seat)  # fmt: skip


def _role_row(role: Role) -> tuple:
    return role.id, role.label, _yes(role.privileged), _yes(role.default)


def _asset_row(asset: Asset) -> tuple:
    return asset.id, asset.kind, asset.name


def _access_row(access: Access) -> tuple:
    return access.account, access.asset, access.role, _yes(access.privileged)


def _yes(value: bool) -> str:
    return "yes" if value else ""
