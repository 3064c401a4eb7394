"""What differs in an account's id alone, for lists: each kind of address and of menu is built once a request."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Self

from flask import Flask, g, url_for
from markupsafe import Markup

from sync.models import Account, App
from sync.states import AccountKind, AccountMatch

# Take the places of the id, and of a second one; no browser knows them.
PLACE, SECOND = random.SystemRandom().sample(range(10**17, 10**18), 2)


def install(app: Flask) -> None:
    app.jinja_env.globals.update(account_address=account_address, menu_of_alike=menu_of_alike,
                                 row_address=row_address, written_alike=written_alike)


@dataclass(frozen=True)
class Alike:
    """All of an account that its menu depends on: those that are alike have the same one, but for the id."""

    app_id: int
    kind: AccountKind
    status: str
    match_kind: AccountMatch
    match_by_hand: bool
    left_out: bool
    protected: bool
    id: int = PLACE

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(account.app_id, account.kind, account.status, account.match_kind, bool(account.match_by_hand),
                   bool(account.left_out_reason), bool(account.protection_reason))  # fmt: skip


def written_alike(write: Callable, id: int, second: int | None, *same: object) -> Markup:
    """What the macro `write` gives for this id, a second one or None, and the same values: written once for all rows
    that have these values."""
    has_second = second is not None
    found = _with_id((write.name, has_second, *same), lambda: write(PLACE, SECOND if has_second else None, *same), id)
    return found.replace(str(SECOND), str(second)) if has_second else found


def menu_of_alike(write: Callable, app: App, account: Account, can: Collection[str]) -> Markup:
    """What the macro `write` gives for the account: it gets one Alike for all accounts that are."""
    alike = Alike.of(account)
    return _with_id((alike, app.id, tuple(can)), lambda: write(app, alike, can), account.id)


def _with_id(key: tuple, write: Callable[[], Markup], id: int) -> Markup:
    written = g.setdefault("alike", {})
    if key not in written:
        written[key] = write()
    return written[key].replace(str(PLACE), str(id))


def account_address(endpoint: str, account: Account | Alike, name: str = "account_id", **values: str) -> str:
    """What url_for() gives for the account's app, the account as `name` ("account" in a query) and the values."""
    # In this order, so that the id is in front of what the browser sent, such as `back`.
    return _filled(endpoint, account.id, {"app_id": account.app_id, name: PLACE, **values})


def row_address(endpoint: str, name: str, id: int, **values: str) -> str:
    """What url_for() gives for the row with this id as `name`, such as "app_id", and the values."""
    return _filled(endpoint, id, {name: PLACE, **values})


def _filled(endpoint: str, id: int, values: dict[str, object]) -> str:
    key = (endpoint, *values.items())
    built = g.setdefault("row_addresses", {})
    if key not in built:
        built[key] = url_for(endpoint, **values).partition(str(PLACE))[::2]
    before, after = built[key]
    return f"{before}{id}{after}"
