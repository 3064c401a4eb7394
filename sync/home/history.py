"""Numbers over time, from the checks that were made: accounts by day, joins and removals, how each check ended.
One row of app_check is one reading, so nothing is counted again."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol, Self
from zoneinfo import ZoneInfo

from sync.db import db
from sync.listing import Among, in_apps
from sync.safety.wanted import REMOVES
from sync.states import CONNECTED, ChangeKind, CheckState, texts
from sync.unchanged import while_unchanged
from sync.workspace import generation, today, workspace

WEEK = 7  # days
_ENDED = (CheckState.SUCCEEDED, CheckState.FAILED)
_OF_APPS = "app_id IN (SELECT CAST(value AS INTEGER) FROM json_each(:apps))"
_SUCCEEDED = f"state = '{CheckState.SUCCEEDED}' AND {_OF_APPS}"


@dataclass(frozen=True)
class Day:
    """`accounts` at the end of the day, None before the first reading; how many joined, and how many are no longer in.
    `checks` have ended, of which some `failed`, and the others found `counts`, as in Check.counts; each check counts
    again what waits. What an app's first reading found isn't a change: none of those accounts joined."""

    day: date
    accounts: int | None
    joined: int = 0
    removed: int = 0
    checks: int = 0
    failed: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)


class Counted(Protocol):
    """An app, or a row with its id, when it was created, and how many accounts it has now."""

    id: int
    created_at: object
    users: int


@dataclass(frozen=True)
class _Tally:
    """Checks of one day that have ended. `accounts`, by app id, as last read: an app that isn't among them hasn't been
    read yet. `known` are the accounts of the day before, and those of apps that were read for the first time."""

    accounts: Mapping[int, int]
    known: int
    checks: int = 0
    failed: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def after(cls, accounts: Mapping[int, int]) -> Self:
        """Of a day that begins with these accounts."""
        return cls(accounts, sum(accounts.values()))

    def day(self, day: date, now: Mapping[int, int] | None = None) -> Day:
        """`now` are the accounts of today, by app id."""
        accounts = self.accounts if now is None else {id: now.get(id, count) for id, count in self.accounts.items()}
        joined, total = self.counts.get("new_users", 0), sum(accounts.values())
        removed = max(0, self.known + joined - total)
        return Day(day, total if accounts else None, joined, removed, self.checks, self.failed, self.counts)


@dataclass(frozen=True)
class _Today:
    """The checks up to the id `last`: those that have ended, as they don't change, and the ids of the others."""

    tally: _Tally
    last: int
    live: frozenset[int]


@dataclass
class _Past:
    """The days before today, and today so far."""

    days: tuple[Day, ...]
    today: _Today


def by_day(apps: Sequence[Counted], days: int) -> list[Day]:
    """These apps together, the last `days` days in the workspace's zone, today last.

    A day without a reading keeps the number of the day before. Today has the number that the pages show.
    """
    last, zone = today(), workspace().zone
    past = _past((db.database, generation()), tuple((app.id, app.created_at) for app in apps), zone, last, days - 1)
    users = {app.id: app.users for app in apps}
    past.today = found = _continued(past.today, users.keys())
    return [*past.days, found.tally.day(last, users)]


def _continued(before: _Today, app_ids: Collection[int]) -> _Today:
    """With the checks of these apps that were asked for or have ended since."""
    rows = _checks("id > :last", {"last": before.last})
    last = rows[-1][0] if rows else before.last
    if before.live:
        rows = _checks("id IN (SELECT CAST(value AS INTEGER) FROM json_each(:live))",
                       {"live": json.dumps(sorted(before.live))}) + rows  # fmt: skip
    return _with(before.tally, [row for row in rows if row[1] in app_ids], last) if rows else before


def _with(tally: _Tally, rows: Sequence[tuple], last: int) -> _Today:
    live = frozenset(id for id, _, state, *_ in rows if state not in (*_ENDED, CheckState.CANCELLED))
    return _Today(_added(tally, [row for row in rows if row[2] in _ENDED]), last, live)


@lru_cache(maxsize=16)
def _past(_database: tuple, apps: tuple[tuple[int, object], ...], zone: str, last: date, days: int) -> _Past:
    """The `days` days before `last`, which no check changes now, and `last` so far: each process reads them once a day,
    for each set of apps that someone sees. `apps` are ids and when they were created, as an id may be given again."""
    ids = json.dumps([id for id, _ in apps])
    found = [last - timedelta(days=ago) for ago in range(days, 0, -1)]
    begins = [_begin_of(day, zone) for day in (*found, last)]
    tally = _Tally.after(_before(ids, begins[0]))
    read: list[list[tuple]] = [[] for _ in begins]
    for row in _checks(f"created_at >= :since AND created_at < :until AND {_OF_APPS}",
                       {"apps": ids, "since": begins[0], "until": begins[-1]}):  # fmt: skip
        read[bisect_right(begins, row[3]) - 1 if row[2] in _ENDED else -1].append(row)
    late, tallies = read.pop(), []
    for rows in read:
        tallies.append(tally := _added(_Tally.after(tally.accounts), rows))
    [(newest,)] = db.execute_sql("SELECT coalesce(max(id), 0) FROM app_check").fetchall()
    rows = _checks(f"created_at >= :since AND id <= :newest AND {_OF_APPS}",
                   {"apps": ids, "since": begins[-1], "newest": newest})  # fmt: skip
    so_far = _with(_Tally.after(tally.accounts), rows, newest)
    live = so_far.live.union(id for id, *_ in late)
    return _Past(tuple(one.day(day) for day, one in zip(found, tallies, strict=True)), replace(so_far, live=live))


def _begin_of(day: date, zone: str) -> str:
    """The moment in UTC, as the database compares it."""
    return str(datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None))


def _checks(wanted: str, values: dict[str, str]) -> list[tuple]:
    """Of each check, in their order: its id, app, state, when it ended, how many accounts it read, and what it found.
    `wanted` is a condition."""
    return db.execute_sql(
        f"SELECT id, app_id, state, finished_at, accounts, counts FROM app_check WHERE {wanted} ORDER BY id",
        values,
    ).fetchall()  # fmt: skip


def _added(tally: _Tally, ended: Sequence[tuple]) -> _Tally:
    """With these checks, in their order."""
    accounts, known, counts, failed = dict(tally.accounts), tally.known, Counter(tally.counts), tally.failed
    for _, app_id, state, _, count, found in ended:
        if state == CheckState.FAILED:
            failed += 1
            continue
        if app_id not in accounts:
            known += count
        elif found != "{}":
            counts.update(json.loads(found))
        accounts[app_id] = count
    return _Tally(accounts, known, tally.checks + len(ended), failed, counts)


def _before(ids: str, since: str) -> dict[int, int]:
    """By app id, the number of accounts at the last reading before `since`."""
    rows = db.execute_sql(
        f"SELECT app_id, accounts FROM app_check WHERE id IN (SELECT max(id) FROM app_check WHERE {_SUCCEEDED} "
        "AND created_at < :since GROUP BY app_id)",
        {"apps": ids, "since": since},
    ).fetchall()
    return dict(rows)


@dataclass(frozen=True)
class Bar:
    """How one check ended. `changed`: how many differences it found."""

    state: str
    finished_at: datetime | None
    changed: int = 0
    error: str = ""


@dataclass(frozen=True)
class Week:
    """What the checks of the last seven days found: see Day. `left`: accounts of people who have left, each once."""

    checks: int
    failed: int
    removed: int
    counts: Mapping[str, int]
    left: int


def last_checks(app_ids: Sequence[int], most: int) -> dict[int, list[Bar]]:
    """By app id, its last checks that have ended, the oldest first."""
    rows = db.execute_sql(
        f"""
        SELECT c.app_id, c.state, c.finished_at, c.applied + c.waiting + c.held, c.error
        FROM json_each(:apps) AS apps JOIN app_check c ON c.id IN (
            SELECT id FROM app_check WHERE app_id = CAST(apps.value AS INTEGER) AND state IN ({texts(_ENDED)})
            ORDER BY created_at DESC LIMIT :most)
        ORDER BY c.id
        """,
        {"apps": json.dumps(list(app_ids)), "most": most},
    ).fetchall()
    found: dict[int, list[Bar]] = {id: [] for id in app_ids}
    for app_id, state, finished_at, changed, error in rows:
        found[app_id].append(Bar(state, finished_at and datetime.fromisoformat(finished_at), changed, error or ""))
    return found


def week(app_ids: Among, days: Sequence[Day]) -> Week:
    """The last seven of these apps' days."""
    last = days[-WEEK:]
    counts: Counter[str] = Counter()
    for day in last:
        counts.update(day.counts)
    checks, failed, removed = (sum(numbers) for numbers in zip(
        *((day.checks, day.failed, day.removed) for day in last), strict=True))  # fmt: skip
    apps = None if app_ids is None else tuple(app_ids)
    return Week(checks, failed, removed, counts, _left(apps, _begin_of(last[0].day, workspace().zone)))


@while_unchanged
def _left(app_ids: tuple[int, ...] | None, since: str) -> int:
    of_these, values = in_apps("c.app_id", app_ids)
    [(found,)] = db.execute_sql(
        f"""
        SELECT count(DISTINCT c.account_id) FROM change c JOIN app ON app.id = c.app_id
        WHERE {REMOVES} AND kind = '{ChangeKind.REMOVED_USER}' AND in_app AND c.created_at >= :since
            AND app.state IN ({texts(CONNECTED)}) AND {of_these}
        """,
        values | {"since": since},
    ).fetchall()
    return found
