"""What a connector reported, staged in TEMP tables of this thread's connection: whole or nothing (rule 1).
The file itself is not locked while an app is being read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from itertools import islice

from connectors.base import ASSETS, Access, Asset, Connector, Role, TemporarilyUnavailable
from connectors.time_limit import time_limit
from sync.checks.known_items import KnownItems
from sync.checks.listed import Listed, shown
from sync.models import App
from sync.problems import UnusableReading
from sync.staging import check, tables
from sync.staging.check import STAGED_ACCESS, STAGED_ASSET, STAGED_ROLE
from sync.staging.tables import Table
from sync.states import CheckPhase

BATCH = 500
READINGS = 3  # of a list that repeats itself, before the check gives up

Progress = Callable[[str, int], None]  # (phase, read so far): may raise to stop the reading


def staging() -> AbstractContextManager[None]:
    """Empty staging tables for the length of the block; every TEMP table of the check is gone after it."""
    return tables.created(*check.REPORTED, ended=check.DERIVED)


def read(
    app: App, connector: Connector, progress: Progress, limit: timedelta, known: KnownItems | None = None
) -> int:
    """Stage everything the app's connector reports, within `limit`; the number of accounts.

    `known`: the items of its last list, for a connector that reads item by item.

    Raises ConnectorError or UnusableReading.
    """
    with time_limit(limit.total_seconds()):
        progress(CheckPhase.ACCOUNTS, 0)
        connector.known_items = known
        try:
            listed = Listed(app, known)
            accounts = _stage(listed, connector.accounts, lambda read: progress(CheckPhase.ACCOUNTS, read))
        finally:
            connector.known_items = None
        if known:
            known.end_of_list()
        _read_the_rest(connector, progress)
        return accounts


def _read_the_rest(connector: Connector, progress: Progress) -> None:
    # After the accounts: a connector whose app has no list of roles has met them by then.
    _stage(_Rows(STAGED_ROLE, _role_row), lambda: enumerate(connector.roles()), lambda read: None)
    if ASSETS in connector.capabilities:
        progress(CheckPhase.ASSETS, 0)
        _stage(_Rows(STAGED_ASSET, _asset_row), connector.assets, lambda read: progress(CheckPhase.ASSETS, read))
        progress(CheckPhase.ACCESS, 0)
        _stage(_Rows(STAGED_ACCESS, _access_row), connector.access, lambda read: progress(CheckPhase.ACCESS, read))


class _Rows:
    """Stages each entry of a list as a row of this table."""

    def __init__(self, table: Table, row_of: Callable):
        self._table, self._row_of = table, row_of

    def clear(self) -> None:
        tables.empty(self._table)

    def stage(self, batch: list) -> int:
        return tables.insert(self._table, map(self._row_of, batch))

    def repeats(self) -> bool:
        return False  # stage() has counted it


def _stage(place: Listed | _Rows, give: Callable[[], Iterable], progress: Callable[[int], None]) -> int:
    for _attempt in range(READINGS):
        read = _stage_once(place, _whole(give), progress)
        if read is not None:
            return read
    raise TemporarilyUnavailable(
        f"The app's list had the same entry more than once, {READINGS} times in a row, "
        "so others may be missing from it."
    )


def _stage_once(place: Listed | _Rows, values: Iterator, progress: Callable[[int], None]) -> int | None:
    """The number of entries; None when the list repeated itself."""
    place.clear()
    read = 0
    while batch := list(islice(values, BATCH)):
        if place.stage(batch) != len(batch):
            return None
        read += len(batch)
        progress(read)
    return None if place.repeats() else read


def _whole(give: Callable[[], Iterable]) -> Iterator:
    """Its values. An answer without a key that every list needs ends the reading as incomplete."""
    try:
        yield from give()
    except KeyError as key:
        lacks = f"The app's answer lacks “{key.args[0]}”: without it the list can't be read."
        raise TemporarilyUnavailable(lacks) from key


def _role_row(listed: tuple[int, Role]) -> tuple:
    place, role = listed
    return role.id, role.label, role.privileged, role.default, place


def _asset_row(asset: Asset) -> tuple:
    if not asset.id:
        raise UnusableReading("an asset came without an id")
    return asset.id, asset.kind, shown(asset.name)


def _access_row(access: Access) -> tuple:
    return access.account, access.asset, access.role, access.privileged, access.role_defaulted
