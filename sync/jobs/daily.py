"""When the daily check is due: at the app's own minute of the workspace's day, whatever daylight saving does.
Unless someone chooses a time, that is at night, so that reports are ready in the morning."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = 24 * 60
NIGHT = (60, 5 * 60)  # minutes of the day, in the workspace's zone


def spread(app_id: int) -> int:
    """A minute of the night for an app, so that many apps are spread over it: the golden ratio leaves no two close."""
    begin, end = NIGHT
    return begin + int(app_id * 0.6180339887 % 1 * (end - begin))


def next_time(after: datetime, minute: int, zone: str) -> datetime:
    """The first time after `after` (naive UTC) that is `minute` of a day in the zone; naive UTC.

    A minute that the clock jumps over is taken an hour later that day; one that comes twice, the first time.
    """
    here = ZoneInfo(zone)
    day = after.replace(tzinfo=UTC).astimezone(here).date()
    while True:
        local = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=here)
        due = local.astimezone(UTC).replace(tzinfo=None)
        if due > after:
            return due
        day += timedelta(days=1)


def last_time(before: datetime, minute: int, zone: str) -> datetime:
    """The last such time that isn't after `before`; both naive UTC."""
    last = next_time(before - timedelta(days=2), minute, zone)
    while (following := next_time(last, minute, zone)) <= before:
        last = following
    return last
