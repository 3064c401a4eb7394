"""The accounts of an app's list while it is read: staged in full where they are new or differ from what is known.
Of one that is exactly as it is known, only that it is listed is staged: there is nothing to compare or to apply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain, compress, repeat
from operator import attrgetter, itemgetter, ne

from connectors.base import UNKNOWN, Account
from connectors.memory import Marked, Unchanged
from connectors.names import LONGEST_NAME, clean_name, email_keys
from sync.checks import known_columns
from sync.checks.known_columns import Column
from sync.checks.known_items import KNOWN_STATUSES, KnownItems
from sync.db import db
from sync.models import BIT, App, RoleIds
from sync.problems import UnusableReading
from sync.staging import tables
from sync.staging.check import STAGED_ACCOUNT, STAGED_SAME

MOST_BETWEEN = 2  # times as many accounts as in a batch, at most, are read from its first id to its last
# Parts of a batch, at both ends of its ids, that are asked for by id: the next one where that isn't enough.
ENDS = (0, 0.01, 0.05)
BATCHES_IN_FULL = 10  # are staged without a comparison after one that mostly differs
# Of a known account, what a reading gives of it: staged_account without the key of its e-mail.
_COMPARED = tuple(name for name in STAGED_ACCOUNT.names if name != "email_key")
_LEFT_OUT = ("missing_fields", "defaulted_fields")
_SELDOM_VARIES = [_COMPARED.index(name) for name in (
    "status", "kind", "seat", "user_name", "employee_number", "further_roles")]  # fmt: skip
_STATUS, _LAST_ACTIVITY = _COMPARED.index("status"), _COMPARED.index("last_activity")
_given = attrgetter(*("id" if name == "external_id" else name for name in _COMPARED))  # of an Account

Columns = Sequence[Sequence]  # the values of a batch in the order of _COMPARED; a last activity is still a datetime


@dataclass(frozen=True)
class Same:
    """Of a batch: the places of the accounts that are known exactly as they are listed, and those of all others; of
    the former the columns of staged_same and, if items are known, the version that was compared."""

    places: Sequence[int]
    rows: Sequence[Column]
    others: Sequence[int]


class Listed:
    """Stages the accounts of one reading of an app.

    An account that a guard holds, that is missing or gone, or has an unknown status is always staged in full. While
    the app is read, the others are changed only by a removal or a change of role that Rollcall did in the app, which
    the reading doesn't undo anyway (tasks.settle). So it makes no difference whether an account is staged in full.
    """

    def __init__(self, app: App, known: KnownItems | None = None):
        self._app, self._known_items = app, known
        self._is_first_reading, self._batches_in_full, self._ends = False, 0, ENDS

    def clear(self) -> None:
        """A new reading begins."""
        if self._known_items:
            self._known_items.restart()
        tables.empty(STAGED_ACCOUNT, STAGED_SAME)
        self._is_first_reading = not self._app.has_accounts
        self._batches_in_full, self._ends = 0, ENDS

    def stage(self, batch: Sequence[Account | Marked | Unchanged]) -> int:
        """The number of accounts that were staged: less than given where the list repeats itself."""
        unchanged, accounts = [], batch
        if self._known_items:
            unchanged = [one.row for one in batch if type(one) is Unchanged]
            accounts = [one.account if type(one) is Marked else one for one in batch if type(one) is not Unchanged]
        columns = _columns(accounts) if accounts else ()
        same = self._same(columns) if accounts else None
        if self._known_items:
            self._remember(batch, same)
        listed = list(zip(*unchanged))[:5]
        if same:
            listed = [(*before, *these) for before, these in zip(listed, same.rows)] if listed else same.rows[:5]
        number = tables.insert_columns(STAGED_SAME, listed) if listed else 0
        if differing := _picked(columns, same.others) if same else columns:
            number += tables.insert_columns(STAGED_ACCOUNT, _staged(differing))
        return number

    def _remember(self, batch: Sequence[Account | Marked | Unchanged], same: Same | None) -> None:
        """Those that are exactly as they are known, for the next reading."""
        row_of = dict(zip(same.places, zip(*same.rows))) if same else {}
        place = 0
        for one in batch:
            if type(one) is Unchanged:
                self._known_items.remember(one.row[6], one.row, one.note)
                continue
            if type(one) is Marked and place in row_of:
                self._known_items.remember(one.mark, row_of[place], one.note)
            place += 1

    def _same(self, columns: Columns) -> Same | None:
        """The accounts that are known exactly as they are listed. None where there are none, or none was compared."""
        if self._is_first_reading or self._batches_in_full:
            self._batches_in_full = max(0, self._batches_in_full - 1)
            return None
        same = self._found_same(columns)
        if same is None or len(same.places) * 2 < len(columns[0]):
            self._batches_in_full = BATCHES_IN_FULL
        return same

    def _found_same(self, columns: Columns) -> Same | None:
        """Whether a field without its key is missing or defaulted turns out after the list (safety.lost_fields)."""
        *_, missing, defaulted = columns
        leaves_out = any(missing) or any(defaulted)
        alike = [place for place in _SELDOM_VARIES if _is_alike(columns[place])]
        varying = [place for place in range(len(_COMPARED) - len(_LEFT_OUT)) if place not in alike]
        values = [columns[place][0] for place in alike]
        these = "".join(f" AND {_COMPARED[place]} IS NOT DISTINCT FROM ?" for place in alike)
        these += "" if leaves_out else "".join(f" AND {name} = 0" for name in _LEFT_OUT)
        asked = [*(_COMPARED[place] for place in varying), "id", *(_LEFT_OUT if leaves_out else ()),
                 *(["version"] if self._known_items else ())]  # fmt: skip
        try:
            known = self._known(columns[0], asked, these, values)
        except UnicodeEncodeError:
            return None  # an id that can't be stored: the staging says so
        if not known or not known[0]:
            return None
        theirs = _in_order(columns[0], known)
        unknown = set(columns[_STATUS]).difference(KNOWN_STATUSES)
        differing = {place for place, status in enumerate(columns[_STATUS]) if status in unknown} if unknown else set()
        for place, known_values in zip(varying, theirs):
            was = _moments(known_values) if place == _LAST_ACTIVITY else known_values
            differing.update(_unequal(columns[place], was))
        ids, *others = theirs[len(varying):]
        if leaves_out:
            differing.update(_unequal(*(list(map(_together, *two)) for two in ((missing, defaulted), others[:2]))))
        else:
            others = [missing, defaulted, *others]
        return _without(differing, [ids, missing, defaulted, *others])

    def _known(self, ids: Sequence[str], asked: list[str], these: str, values: Sequence) -> list[Column] | None:
        """The columns `asked` of the known accounts with these ids, and perhaps of others, for which the condition
        `these` holds. None where they can't be read as columns."""
        of = f"state <> 'gone' AND held_values IS NULL AND missing_since IS NULL{these}"
        found = []
        for which, bound in self._which(ids):
            statement = f"SELECT {known_columns.asked(asked)} FROM account WHERE app_id = ? AND {which} AND {of}"
            row = db.execute_sql(statement, (self._app.id, *bound, *values)).fetchone()
            found.append(known_columns.given(asked, row))
        return None if None in found else [tuple(chain(*parts)) for parts in zip(*found)]

    def _which(self, ids: Sequence[str]) -> list[tuple[str, Sequence]]:
        """Conditions for the accounts with these ids and for few others, each with what is bound to it.

        Apps mostly list accounts in the order of their ids, so few others are between the first and the last of a
        batch, or of most of it. Where there are many, the accounts are asked for by their ids.
        """
        while self._ends:
            inner, ends = _parted(ids, self._ends[0])
            more = db.execute_sql(
                "SELECT 1 FROM account WHERE app_id = ? AND external_id BETWEEN ? AND ? LIMIT 1 OFFSET ?",
                (self._app.id, inner[0], inner[-1], len(ids) * MOST_BETWEEN),
            )
            if more.fetchone() is None:
                between = "external_id BETWEEN ? AND ?", (inner[0], inner[-1])
                return [between, db.one_of("external_id", ends)] if ends else [between]
            self._ends = self._ends[1:]
        return [db.one_of("external_id", ids)]

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
    tables.insert_columns(STAGED_ACCOUNT, _staged(_columns([account])))


def _parted(ids: Sequence[str], part: float) -> tuple[list[str], list[str]]:
    """The ids in their order, and apart from these the part of them at each end."""
    ordered, number = sorted(ids), int(len(ids) * part)
    return ordered[number : len(ordered) - number], ordered[:number] + ordered[len(ordered) - number :]


def _in_order(ids: Sequence[str], known: list[Column]) -> list[Column]:
    """The columns, of which the first one has ids, in the order of these ids; None where an id isn't known."""
    if known[0] == ids:
        return known
    place_of = dict(zip(known[0], range(len(known[0]))))
    places = list(map(place_of.get, ids, repeat(-1)))
    return _picked([(*column, None) for column in known], places)


def _without(differing: set[int], rows: list[Column]) -> Same | None:
    number = len(rows[0])
    if not differing:
        return Same(range(number), rows, ())
    places = [place for place in range(number) if place not in differing]
    return Same(places, _picked(rows, places), sorted(differing)) if places else None


def _picked(columns: Sequence[Column], places: Sequence[int]) -> list[Column]:
    """What is at these places of each column."""
    if len(places) < 2:
        return [tuple(column[place] for place in places) for column in columns] if places else []
    return list(map(itemgetter(*places), columns))


def _unequal(column: Sequence, other: Sequence) -> Iterable[int]:
    """The places of values that differ. Nearly always none does."""
    return () if column == other else compress(range(len(column)), map(ne, column, other))


def _moments(stored: tuple[str | None, ...]) -> tuple[datetime | str | None, ...]:
    """To read a time takes a tenth of what it takes to write it. A text that isn't one differs from each time."""
    try:
        if None not in stored:
            return tuple(map(datetime.fromisoformat, stored))
        return tuple([text and datetime.fromisoformat(text) for text in stored])
    except (TypeError, ValueError):
        return stored


def _together(missing: int | None, defaulted: int) -> int | None:
    """None where no reading has noted yet what the app left out."""
    return None if missing is None else missing | defaulted


def _is_alike(column: tuple[str | None, ...]) -> bool:
    """Whether all have the same plain value: SQL compares it with the known one."""
    first = column[0]
    return (first is None or first.isprintable()) and column.count(first) == len(column)


def shown(name: str) -> str:
    """As it came, where nothing in it can do harm: asked of each of a hundred thousand."""
    return name if len(name) <= LONGEST_NAME and name.isprintable() else clean_name(name)


def _shown(names: tuple[str, ...]) -> tuple[str, ...]:
    harmless = all(map(str.isprintable, names)) and max(map(len, names)) <= LONGEST_NAME
    return names if harmless else tuple(map(shown, names))


def _columns(accounts: Sequence[Account]) -> Columns:
    """What is compared and staged of these accounts; of an e-mail, what the app writes, as an account may be named by
    that in a call. Raises UnusableReading for an account without an id, or with a status that nobody knows."""
    (ids, emails, names, statuses, roles, kinds, seen, seats, user_names, numbers, further, missing,
     defaulted) = zip(*map(_given, accounts))  # fmt: skip
    if not all(ids) or not set(statuses).issubset(KNOWN_STATUSES):
        _refuse_unusable(ids, statuses)
    if any(further):
        roles, further = zip(*map(_several_roles, accounts))
    else:
        further = ("[]",) * len(accounts)
    return (
        ids, emails, _shown(names), statuses, roles, kinds, seen, seats, _stripped(user_names),
        _stripped(numbers), further, _bits_of_each(missing), _bits_of_each(defaulted),
    )  # fmt: skip


def _stripped(column: tuple[str, ...]) -> tuple[str | None, ...]:
    return tuple([text and text.strip() or None for text in column]) if any(column) else (None,) * len(column)


def _bits_of_each(column: tuple[frozenset[str], ...]) -> tuple[int, ...]:
    return tuple(map(_bits, column)) if any(column) else (0,) * len(column)


@lru_cache(maxsize=1024)
def _bits(fields: frozenset[str]) -> int:
    return sum(BIT[field] for field in fields)


def _staged(columns: Columns) -> Columns:
    """The columns of staged_account."""
    ids, emails, names, statuses, roles, kinds, seen, *others = columns
    keys = email_keys(emails)
    times = tuple([moment and moment.isoformat(" ") for moment in seen])
    return ids, emails, keys, names, statuses, roles, kinds, times, *others


def _refuse_unusable(ids: Sequence[str], statuses: Sequence[str]) -> None:
    for id, status in zip(ids, statuses):
        if not id or status not in KNOWN_STATUSES and not status.startswith(UNKNOWN):
            raise UnusableReading(f"an account came with the id {id!r} and the status {status!r}")


def _several_roles(account: Account) -> tuple[str, str]:
    """The main role, and the others as they are stored."""
    if not account.further_roles:
        return account.role, "[]"
    main, *further = account.roles or ("",)
    return main, RoleIds.stored(further)
