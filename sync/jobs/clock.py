"""The machine's clock: a time that Rollcall has seen can't come again. While it says an earlier one nothing runs,
since those who left on a day would be back. An Owner can say that the clock is right, and was wrong before."""

from __future__ import annotations

from datetime import datetime, timedelta

from sync import activity
from sync.db import utcnow, writing
from sync.faults import Fault
from sync.settings import set_setting, setting

LATEST = "latest time"  # the latest that a sweep has seen, ISO 8601, UTC
BEHIND = timedelta(minutes=5)  # as much as a time server may turn a clock back in one step


def wrong(now: datetime | None = None) -> Fault | None:
    """The fault of a clock that shows an earlier time than Rollcall has seen, or None. `now` is naive UTC."""
    seen = setting(LATEST)
    if seen is None or datetime.fromisoformat(seen) - (now or utcnow()) <= BEHIND:
        return None
    return Fault(
        "clock", "The clock of the machine that Rollcall runs on has gone back.",
        f"It has already shown {datetime.fromisoformat(seen):%d %b %Y, %H:%M} UTC. Nothing is read and nobody is "
        "removed until it is set, by a time server for instance. If it is right now and was wrong before, confirm that "
        "in Settings.",
        of_writing=False,
    )  # fmt: skip


def keep(now: datetime) -> None:
    """Remember the latest time that was seen. An earlier one changes nothing."""
    seen = setting(LATEST)
    if seen is None or datetime.fromisoformat(seen) < now:
        set_setting(LATEST, now.isoformat())


def is_right(by: str) -> None:
    """Accept the clock as it is now: the later time that was seen had been wrong."""
    with writing():
        before, now = setting(LATEST), utcnow().isoformat()
        set_setting(LATEST, now)
        activity.record(by, "said that the clock is right", before=before, after=now)
