"""Shows what each operation in an app's YAML file would send for the first account of each list.
It sends nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from connectors.base import Account, Asset, ConnectorError, Role
from connectors.rest.client import Sent
from connectors.rest.connector import RestConnector

NEWCOMER = Account("", "new.person@example.com")
NO_ROLE = "ROLE"


@dataclass
class First:
    """The first item of each list, for which the operations are shown."""

    accounts: dict[str, Account] = field(default_factory=dict)  # by the list it is from
    assets: dict[str, Asset] = field(default_factory=dict)  # by kind
    access_role: str = ""


@dataclass(frozen=True)
class Shown:
    operation: str
    about: str
    calls: list[Sent]
    problem: str = ""

    def document(self) -> dict:
        return {"operation": self.operation, "about": self.about, "calls": [asdict(call) for call in self.calls],
                "problem": self.problem or None}  # fmt: skip

    def lines(self) -> Iterator[str]:
        yield f"{self.operation}, {self.about}:"
        if self.problem:
            yield f"  It wouldn't be sent: {self.problem}"
        for call in self.calls:
            yield f"  {call.method} {call.address}"
            yield from (f"    {name}: {value}" for name, value in call.headers.items())
            if call.body is not None:
                yield f"    {json.dumps(call.body, ensure_ascii=False)}"


def rehearse(connector: RestConnector, first: First, roles: list[Role]) -> list[Shown]:
    """Every operation in the file."""
    shown: list[Shown] = []

    def show(operation: str, about: str, *what: Account | Asset | str | None) -> None:
        try:
            calls, problem = connector.shown(operation, *what), ""
        except ConnectorError as refusal:
            calls, problem = [], str(refusal)
        if calls or problem:
            shown.append(Shown(operation, about, calls, problem))

    for account in first.accounts.values():
        about = f"account {account.id}"
        other = next((role.id for role in roles if role.id != account.role), account.role or NO_ROLE)
        show("remove", about, account)
        show("change_role", f"{about} to {other}", account, None, other)
    for asset in first.assets.values() if first.accounts else ():
        account = first.accounts[min(first.accounts)]  # of the list without a prefix: access names accounts by its ids
        role = first.access_role or next((role.id for role in roles), NO_ROLE)
        show("grant", f"account {account.id} on {asset.kind} {asset.id} as {role}", account, asset, role)
        show("revoke", f"account {account.id} on {asset.kind} {asset.id}", account, asset)
    usual = next((role.id for role in sorted(roles, key=lambda role: not role.default)), NO_ROLE)
    show("invite", f"{NEWCOMER.email} as {usual}", NEWCOMER, None, usual)
    return shown
