"""What a connector reported, staged in TEMP tables of this thread's connection: whole or nothing (rule 1).
The file itself is not locked while an app is being read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from itertools import islice

from connectors.base import ASSETS, UNKNOWN, Access, Account, Asset, Connector, Role, TemporarilyUnavailable
from connectors.names import LONGEST_NAME, clean_name, email_key
from connectors.time_limit import time_limit
from sync.db import db
from sync.models import BIT, RoleIds
from sync.problems import UnusableReading
from sync.staging import check, tables
from sync.staging.check import STAGED_ACCESS, STAGED_ACCOUNT, STAGED_ASSET, STAGED_ROLE
from sync.staging.tables import Table
from sync.states import AccountStatus, CheckPhase

BATCH = 500
READINGS = 3  # of a list that repeats itself, before the check gives up
STATUSES = {AccountStatus.ACTIVE, AccountStatus.INVITED, AccountStatus.SUSPENDED}
_SURROGATE = re.compile("[\ud800-\udfff]")

Progress = Callable[[str, int], None]  # (phase, read so far): may raise to stop the reading


def staging() -> AbstractContextManager[None]:
    """Empty staging tables for the length of the block; every TEMP table of the check is gone after it."""
    return tables.created(*check.REPORTED, dropped=check.DERIVED)


def read(connector: Connector, progress: Progress, limit: timedelta) -> int:
    """Stage everything the connector reports, within `limit`; the number of accounts.

    Raises ConnectorError or UnusableReading.
    """
    with time_limit(limit.total_seconds()):
        return _read(connector, progress)


def _read(connector: Connector, progress: Progress) -> int:
    progress(CheckPhase.ACCOUNTS, 0)
    accounts = _stage(
        STAGED_ACCOUNT, connector.accounts, _account_row, lambda read: progress(CheckPhase.ACCOUNTS, read)
    )
    # After the accounts: a connector whose app has no list of roles has met them by then.
    _stage(STAGED_ROLE, lambda: enumerate(connector.roles()), _role_row, lambda read: None)
    if ASSETS in connector.capabilities:
        progress(CheckPhase.ASSETS, 0)
        _stage(STAGED_ASSET, connector.assets, _asset_row, lambda read: progress(CheckPhase.ASSETS, read))
        progress(CheckPhase.ACCESS, 0)
        _stage(STAGED_ACCESS, connector.access, _access_row, lambda read: progress(CheckPhase.ACCESS, read))
    return accounts


def _stage(table: Table, give: Callable[[], Iterable], row_of: Callable, progress: Callable[[int], None]) -> int:
    for _attempt in range(READINGS):
        read = _stage_once(table, _whole(give), row_of, progress)
        if read is not None:
            return read
    raise TemporarilyUnavailable(
        f"The app gave the same entry more than once in its list, {READINGS} times in a row, "
        "so others may be missing from it."
    )


def _stage_once(table: Table, values: Iterable, row_of: Callable, progress: Callable[[int], None]) -> int | None:
    """The number of rows; None when the list repeated itself."""
    insert = _insert_into(table)
    connection = db.connection()
    connection.execute(f"DELETE FROM {table.name}")
    rows, read = map(row_of, values), 0
    while batch := list(islice(rows, BATCH)):
        try:
            stored = _insert(insert, batch)
        except UnicodeEncodeError:
            stored = _insert(insert, list(map(_storable, batch)))
        if stored != len(batch):
            return None
        read += stored
        progress(read)
    return read


def _whole(give: Callable[[], Iterable]) -> Iterator:
    """What it gives. An answer without a key that no list can do without ends the reading as one that isn't whole."""
    try:
        yield from give()
    except KeyError as key:
        lacks = f"The app's answer lacks “{key.args[0]}”: without it the list can't be read."
        raise TemporarilyUnavailable(lacks) from key


def _insert_into(table: Table) -> str:
    return f"INSERT OR IGNORE INTO {table.name} VALUES ({', '.join('?' * len(table.names))})"


def _insert(statement: str, rows: list[tuple]) -> int:
    connection = db.connection()
    connection.execute("BEGIN")  # deferred, and TEMP alone: takes no lock on the file
    try:
        stored = connection.executemany(statement, rows).rowcount
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return stored


def _storable(row: tuple) -> tuple:
    """Without lone surrogates, which JSON can hold but no file: one strange name must not stop every check."""
    if _SURROGATE.search(row[0]):
        raise UnusableReading("an entry came with an id that can't be stored")
    return tuple(_SURROGATE.sub("", value) if isinstance(value, str) else value for value in row)


def stage_account(account: Account) -> None:
    """An account that the list left out but a second look found."""
    _insert(_insert_into(STAGED_ACCOUNT), [_storable(_account_row(account))])


def _role_row(listed: tuple[int, Role]) -> tuple:
    place, role = listed
    return role.id, role.label, role.privileged, role.default, place


def _account_row(account: Account) -> tuple:
    if not account.id or account.status not in STATUSES and not account.status.startswith(UNKNOWN):
        raise UnusableReading(f"an account came with the id {account.id!r} and the status {account.status!r}")
    seen = account.last_activity
    main, further = _several_roles(account) if account.further_roles else (account.role, "[]")
    return (
        account.id,
        account.email,  # as the app writes it: it may be what the account is named by in a call
        email_key(account.email),
        _shown(account.name),
        account.status,
        main,
        account.kind,
        seen and seen.isoformat(" "),
        account.seat,
        account.user_name and account.user_name.strip() or None,
        account.employee_number and account.employee_number.strip() or None,
        further,
        sum(BIT[field] for field in account.unsaid),
        sum(BIT[field] for field in account.assumed),
    )


def _several_roles(account: Account) -> tuple[str, str]:
    main, *further = account.roles or ("",)
    return main, RoleIds.stored(further)


def _asset_row(asset: Asset) -> tuple:
    if not asset.id:
        raise UnusableReading("an asset came without an id")
    return asset.id, asset.kind, _shown(asset.name)


def _shown(name: str) -> str:
    """As it came, where nothing in it can do harm: asked of each of a hundred thousand."""
    return name if len(name) <= LONGEST_NAME and name.isprintable() else clean_name(name)


def _access_row(access: Access) -> tuple:
    return access.account, access.asset, access.role, access.privileged, access.assumed
