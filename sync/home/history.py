"""Numbers over time, from the checks that were made: accounts by day, joins and removals, how each check ended.
One row of app_check is one reading, so nothing is counted again."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sync.apps.glance import Glance
from sync.db import db
from sync.safety.wanted import REMOVES
from sync.states import ChangeKind, CheckState, texts
from sync.workspace import today, workspace

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


@dataclass(frozen=True)
class _Past:
    """The days before today. `accounts` by app id at their end; `late` are the ids of checks that were asked for before
    today and hadn't ended by then."""

    days: tuple[Day, ...]
    accounts: Mapping[int, int]
    late: tuple[int, ...]


def by_day(apps: Sequence[Glance], days: int) -> list[Day]:
    """These apps together, the last `days` days in the workspace's zone, today last.

    A day without a reading keeps the number of the day before. Today has the number that the pages show.
    """
    last, zone = today(), workspace().zone
    past = _past(db.database, tuple((app.id, app.created_at) for app in apps), zone, last, days - 1)
    ids, accounts = json.dumps([app.id for app in apps]), dict(past.accounts)
    ended = _checks("created_at >= :since", {"apps": ids, "since": _begin_of(last, zone)})
    if past.late:
        ended += _checks("id IN (SELECT CAST(value AS INTEGER) FROM json_each(:late))",
                         {"apps": ids, "late": json.dumps(past.late)})  # fmt: skip
    now = {app.id: app.users for app in apps}
    return [*past.days, _day(last, sorted(row for row in ended if row[2] in _ENDED), accounts, now)]


@lru_cache(maxsize=16)
def _past(_database: str, apps: tuple[tuple[int, object], ...], zone: str, last: date, days: int) -> _Past:
    """The `days` days before `last`, which no check changes now: each process reads them once a day, for each set
    of apps that someone sees. `apps` are ids and when they were created, as an id may be given again."""
    ids = json.dumps([id for id, _ in apps])
    found = [last - timedelta(days=ago) for ago in range(days, 0, -1)]
    begins = [_begin_of(day, zone) for day in (*found, last)]
    accounts = _before(ids, begins[0])
    read: list[list[tuple]] = [[] for _ in begins]
    for row in _checks("created_at >= :since AND created_at < :until",
                       {"apps": ids, "since": begins[0], "until": begins[-1]}):  # fmt: skip
        read[bisect_right(begins, row[3]) - 1 if row[2] in _ENDED else -1].append(row)
    late = tuple(id for id, _, state, *_ in read.pop() if state != CheckState.CANCELLED)
    return _Past(tuple(_day(day, rows, accounts) for day, rows in zip(found, read, strict=True)), accounts, late)


def _begin_of(day: date, zone: str) -> str:
    """The moment in UTC, as the database compares it."""
    return str(datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None))


def _checks(wanted: str, values: dict[str, str]) -> list[tuple]:
    """Of each check: its id, app, state, when it ended, how many accounts it read, and what it found. `wanted` is a
    condition beside the apps."""
    return db.execute_sql(
        f"SELECT id, app_id, state, finished_at, accounts, counts FROM app_check WHERE {wanted} AND {_OF_APPS} "
        "ORDER BY id", values,
    ).fetchall()  # fmt: skip


def _day(day: date, ended: Iterable[tuple], accounts: dict[int, int], now: Mapping[int, int] | None = None) -> Day:
    """The day of these checks, in their order. `accounts`, by app id, are those of the day before and become this
    day's: an app that isn't among them hasn't been read yet. `now` are those of today, by app id."""
    known, counts, checks, failed = sum(accounts.values()), Counter(), 0, 0
    for _, app_id, state, _, count, found in ended:
        checks += 1
        if state == CheckState.FAILED:
            failed += 1
            continue
        if app_id not in accounts:
            known += count
        elif found != "{}":
            counts.update(json.loads(found))
        accounts[app_id] = count
    accounts |= {id: count for id, count in (now or {}).items() if id in accounts}
    joined, total = counts["new_users"], sum(accounts.values())
    return Day(day, total if accounts else None, joined, max(0, known + joined - total), checks, failed, counts)


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


def week(apps: Sequence[Glance], days: Sequence[Day]) -> Week:
    """The last seven of these apps' days."""
    last = days[-WEEK:]
    counts: Counter[str] = Counter()
    for day in last:
        counts.update(day.counts)
    checks, failed, removed = (sum(numbers) for numbers in zip(
        *((day.checks, day.failed, day.removed) for day in last), strict=True))  # fmt: skip
    return Week(checks, failed, removed, counts, _left(apps, _begin_of(last[0].day, workspace().zone)))


def _left(apps: Sequence[Glance], since: str) -> int:
    [(found,)] = db.execute_sql(
        f"""
        SELECT count(DISTINCT account_id) FROM change
        WHERE {REMOVES} AND kind = '{ChangeKind.REMOVED_USER}' AND in_app AND created_at >= :since AND {_OF_APPS}
        """,
        {"apps": json.dumps([app.id for app in apps]), "since": since},
    ).fetchall()
    return found
