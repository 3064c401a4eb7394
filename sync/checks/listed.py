"""The accounts of an app's list while it is read: staged in full where they are new or differ from what is known.
Of one that is exactly as it is known, only that it is listed is staged: there is nothing to compare or to apply."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter

from connectors.base import UNKNOWN, Account
from connectors.memory import Marked, Unchanged
from connectors.names import LONGEST_NAME, clean_name, email_key
from sync.checks.known_items import KnownItems
from sync.db import db
from sync.models import BIT, App, RoleIds
from sync.problems import UnusableReading
from sync.staging import tables
from sync.staging.check import STAGED_ACCOUNT, STAGED_SAME
from sync.states import AccountStatus, texts

STATUSES = (AccountStatus.ACTIVE, AccountStatus.INVITED, AccountStatus.SUSPENDED)
MOST_GROUPS = 8  # of a batch, that are staged in one statement each
BATCHES_IN_FULL = 10  # are staged without a comparison after one that mostly differs
# Of a known account, what a reading gives of it: staged_account without the key of its e-mail.
_COMPARED = tuple(name for name in STAGED_ACCOUNT.names if name != "email_key")
_SELDOM_VARIES = [_COMPARED.index(name) for name in (
    "status", "kind", "seat", "user_name", "employee_number", "further_roles")]  # fmt: skip


class Listed:
    """Stages the accounts of one reading of an app.

    An account that a guard holds, that is missing or gone, or has an unknown status is always staged in full. While
    the app is read, the others are changed only by a removal or a change of role that Rollcall did in the app, which
    the reading doesn't undo anyway (tasks.settle). So it makes no difference whether an account is staged in full.
    """

    def __init__(self, app: App, known: KnownItems | None = None):
        self._app, self._known_items = app, known
        self._is_first_reading, self._batches_in_full = False, 0

    def clear(self) -> None:
        """A new reading begins."""
        if self._known_items:
            self._known_items.restart()
        tables.empty(STAGED_ACCOUNT, STAGED_SAME)
        self._is_first_reading, self._batches_in_full = not self._app.has_accounts, 0

    def stage(self, batch: Sequence[Account | Marked | Unchanged]) -> int:
        """The number of accounts that were staged: less than given where the list repeats itself."""
        unchanged = [one.row for one in batch if type(one) is Unchanged]
        rows = [_values(one.account if type(one) is Marked else one) for one in batch if type(one) is not Unchanged]
        same = self._same(rows) if rows else {}
        if self._known_items:
            self._remember(batch, same)
        differing = [_row(row) for row in rows if row[0] not in same]
        listed = [*unchanged, *same.values()]
        number = _stage_same(listed) if listed else 0
        return number + (tables.insert(STAGED_ACCOUNT, differing) if differing else 0)

    def _remember(self, batch: Sequence[Account | Marked | Unchanged], same: dict[str, tuple]) -> None:
        """Those that are exactly as they are known, for the next reading."""
        for one in batch:
            if type(one) is Unchanged:
                self._known_items.remember(one.row[6], one.row, one.note)
            elif type(one) is Marked and one.account.id in same:
                self._known_items.remember(one.mark, same[one.account.id], one.note)

    def _same(self, rows: list[tuple]) -> dict[str, tuple]:
        """By the app's id, what is staged of the accounts that are known exactly as these rows have them, and the
        version that was compared."""
        if self._is_first_reading or self._batches_in_full:
            self._batches_in_full = max(0, self._batches_in_full - 1)
            return {}
        same = _found_same(self._app, rows)
        if len(same) * 2 < len(rows):
            self._batches_in_full = BATCHES_IN_FULL
        return same

    def repeats(self) -> bool:
        """Whether the list has an account twice that differed once. Asked when all batches are staged."""
        if self._is_first_reading:
            return False
        twice = db.execute_sql(
            """
            SELECT 1 FROM staged_account s CROSS JOIN account a ON a.app_id = ? AND a.external_id = s.external_id
            CROSS JOIN staged_same k ON k.account_id = a.id LIMIT 1
            """,
            (self._app.id,),
        )
        return twice.fetchone() is not None


def stage_account(account: Account) -> None:
    """An account that the list left out but a second look found."""
    tables.insert(STAGED_ACCOUNT, [_row(_values(account))])


def _stage_same(rows: list[tuple]) -> int:
    """How many were staged, of rows that begin like those of staged_same. All but the id is the same in nearly all, so
    that ids go there in large groups."""
    groups: dict[tuple, list[int]] = {}
    for row in rows:
        groups.setdefault(row[1:5], []).append(row[0])
    if len(groups) > MOST_GROUPS:
        return tables.insert(STAGED_SAME, [row[:5] for row in rows])
    return tables.insert_ids(STAGED_SAME, groups)


def _found_same(app: App, rows: list[tuple]) -> dict[str, tuple]:
    """By the app's id, of the accounts that are known exactly as they are listed: a row of staged_same and the version
    that was compared.

    Whether a field without its key is missing or defaulted turns out when all are listed (safety.lost_fields).
    """
    columns = list(zip(*rows))
    alike = [place for place in _SELDOM_VARIES if _is_alike(columns[place])]
    varying = [place for place in range(len(_COMPARED) - 2) if place not in alike]
    listed, ids = db.one_of("external_id", columns[0])
    these = "".join(f" AND {_COMPARED[place]} IS NOT DISTINCT FROM ?" for place in alike)
    try:
        found = db.execute_sql(
            f"""
            SELECT missing_fields, defaulted_fields, id, version, {", ".join(_COMPARED[place] for place in varying)}
            FROM account WHERE app_id = ? AND {listed}
              AND state <> 'gone' AND held_values IS NULL AND missing_since IS NULL
              AND status IN ({texts(STATUSES)}){these}
            """,
            (app.id, *ids, *(rows[0][place] for place in alike)),
        ).fetchall()
    except UnicodeEncodeError:
        return {}  # an id that can't be stored: the staging says so
    known, values_of, same = {row[4]: row for row in found}, itemgetter(*varying), {}
    for row in rows:
        if (one := known.get(row[0])) and values_of(row) == one[4:]:
            missing, defaulted, account_id, version = one[:4]
            if missing is not None and row[-2] | row[-1] == missing | defaulted:
                same[row[0]] = (account_id, row[-2], row[-1], missing, defaulted, version)
    return same


def _is_alike(column: tuple[str | None, ...]) -> bool:
    """Whether all have the same plain value: SQL compares it with the known one."""
    first = column[0]
    return (first is None or first.isprintable()) and column.count(first) == len(column)


def shown(name: str) -> str:
    """As it came, where nothing in it can do harm: asked of each of a hundred thousand."""
    return name if len(name) <= LONGEST_NAME and name.isprintable() else clean_name(name)


def _values(account: Account) -> tuple:
    """In the order of _COMPARED."""
    seen = account.last_activity
    main, further = _several_roles(account) if account.further_roles else (account.role, "[]")
    return (
        account.id,
        account.email,  # as the app writes it: it may be what the account is named by in a call
        shown(account.name),
        account.status,
        main,
        account.kind,
        seen and seen.isoformat(" "),
        account.seat,
        account.user_name and account.user_name.strip() or None,
        account.employee_number and account.employee_number.strip() or None,
        further,
        account.missing_fields and _bits(account.missing_fields) or 0,
        account.defaulted_fields and _bits(account.defaulted_fields) or 0,
    )


@lru_cache(maxsize=1024)
def _bits(fields: frozenset[str]) -> int:
    return sum(BIT[field] for field in fields)


def _row(values: tuple) -> tuple:
    """A row of staged_account. Raises UnusableReading."""
    id, email, name, status, *others = values
    if not id or status not in STATUSES and not status.startswith(UNKNOWN):
        raise UnusableReading(f"an account came with the id {id!r} and the status {status!r}")
    return (id, email, email_key(email), name, status, *others)


def _several_roles(account: Account) -> tuple[str, str]:
    main, *further = account.roles or ("",)
    return main, RoleIds.stored(further)
