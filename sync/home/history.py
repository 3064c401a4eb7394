"""Numbers over time, from the checks that were made: accounts by day, joins and removals, how each check ended.
One row of app_check is one reading, so nothing is counted again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sync.apps.glance import Glance
from sync.db import db
from sync.safety.wanted import REMOVES
from sync.states import ChangeKind, CheckState, texts
from sync.workspace import today, workspace

_ENDED = texts((CheckState.SUCCEEDED, CheckState.FAILED))
_OF_APPS = "app_id IN (SELECT CAST(value AS INTEGER) FROM json_each(:apps))"
_SUCCEEDED = f"state = '{CheckState.SUCCEEDED}' AND {_OF_APPS}"
_IS_FIRST = f"""NOT EXISTS (SELECT 1 FROM app_check b WHERE b.app_id = c.app_id AND b.id < c.id
    AND b.state = '{CheckState.SUCCEEDED}')"""


@dataclass(frozen=True)
class Day:
    """`accounts` at the end of the day, None before the first reading; how many joined, and how many are no longer in.
    The accounts that an app's first reading found didn't join."""

    day: date
    accounts: int | None
    joined: int = 0
    removed: int = 0


def by_day(apps: Sequence[Glance], days: int) -> list[Day]:
    """These apps together, the last `days` days in the workspace's zone, today last.

    A day without a reading keeps the number of the day before. Today has the number that the pages show.
    """
    zone, last = ZoneInfo(workspace().zone), today()
    first = last - timedelta(days=days - 1)
    since = datetime.combine(first, time.min, zone).astimezone(UTC).replace(tzinfo=None)
    accounts = _before(apps, since)
    read: dict[date, list[tuple]] = {}
    for app_id, finished_at, count, joined, is_first in _readings(apps, since):
        moment = datetime.fromisoformat(finished_at).replace(tzinfo=UTC).astimezone(zone)
        read.setdefault(moment.date(), []).append((app_id, count, joined, is_first))
    found = []
    for day in (first + timedelta(days=offset) for offset in range(days)):
        known = sum(accounts.values())
        for app_id, count, _, is_first in read.get(day, []):
            known += count if is_first else 0
            accounts[app_id] = count
        if day == last:
            accounts |= {app.id: app.users for app in apps if app.id in accounts}
        joined = sum(row[2] for row in read.get(day, []) if not row[3])
        total = sum(accounts.values())
        found.append(Day(day, total if accounts else None, joined, max(0, known + joined - total)))
    return found


def _readings(apps: Sequence[Glance], since: datetime) -> list[tuple]:
    return db.execute_sql(
        f"""
        SELECT app_id, finished_at, accounts, coalesce(CAST(counts ->> 'new_users' AS INTEGER), 0), {_IS_FIRST}
        FROM app_check c WHERE {_SUCCEEDED} AND created_at >= :since ORDER BY id
        """,
        _values(apps, since),
    ).fetchall()


def _before(apps: Sequence[Glance], since: datetime) -> dict[int, int]:
    """By app id, the number of accounts at the last reading before `since`."""
    rows = db.execute_sql(
        f"SELECT app_id, accounts FROM app_check WHERE id IN (SELECT max(id) FROM app_check WHERE {_SUCCEEDED} "
        "AND created_at < :since GROUP BY app_id)",
        _values(apps, since),
    ).fetchall()
    return dict(rows)


def _values(apps: Sequence[Glance], since: datetime) -> dict[str, str]:
    return {"apps": json.dumps([app.id for app in apps]), "since": str(since)}


@dataclass(frozen=True)
class Bar:
    """How one check ended. `changed`: how many differences it found."""

    state: str
    finished_at: datetime | None
    changed: int = 0
    error: str = ""


@dataclass(frozen=True)
class Week:
    """What the checks of the last seven days found."""

    checks: int
    failed: int
    counts: Mapping[str, int]  # as in Check.counts; each check counts again what waits
    left: int = 0  # accounts of people who have left, each once


def last_checks(app_ids: Sequence[int], most: int) -> dict[int, list[Bar]]:
    """By app id, its last checks that have ended, the oldest first."""
    rows = db.execute_sql(
        f"""
        SELECT c.app_id, c.state, c.finished_at, c.applied + c.waiting + c.held, c.error
        FROM json_each(:apps) AS apps JOIN app_check c ON c.id IN (
            SELECT id FROM app_check WHERE app_id = CAST(apps.value AS INTEGER) AND state IN ({_ENDED})
            ORDER BY created_at DESC LIMIT :most)
        ORDER BY c.id
        """,
        {"apps": json.dumps(list(app_ids)), "most": most},
    ).fetchall()
    found: dict[int, list[Bar]] = {id: [] for id in app_ids}
    for app_id, state, finished_at, changed, error in rows:
        found[app_id].append(Bar(state, finished_at and datetime.fromisoformat(finished_at), changed, error or ""))
    return found


def week(apps: Sequence[Glance], since: datetime) -> Week:
    """What the checks of these apps since then found; what an app's first reading found isn't a change."""
    counts: Counter[str] = Counter()
    checks = failed = 0
    rows = db.execute_sql(
        f"""
        SELECT c.state, c.counts, {_IS_FIRST}
        FROM app_check c WHERE c.state IN ({_ENDED}) AND c.{_OF_APPS} AND c.created_at >= :since
        """,
        _values(apps, since),
    ).fetchall()
    for state, found, is_first in rows:
        checks += 1
        failed += state == CheckState.FAILED
        if not is_first:
            counts.update(json.loads(found or "{}"))
    return Week(checks, failed, counts, _left(apps, since))


def _left(apps: Sequence[Glance], since: datetime) -> int:
    [(found,)] = db.execute_sql(
        f"""
        SELECT count(DISTINCT account_id) FROM change
        WHERE {REMOVES} AND kind = '{ChangeKind.REMOVED_USER}' AND in_app AND created_at >= :since AND {_OF_APPS}
        """,
        _values(apps, since),
    ).fetchall()
    return found
