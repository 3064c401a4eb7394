"""When work that failed is tried again: one schedule for each kind of work, and why it waits that long.
How often it failed is counted in its row, so a restart changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Schedule:
    """The waits before each further attempt, and if they are `endless`, the last one again and again."""

    waits: tuple[timedelta, ...]
    endless: bool = False

    def after(self, earlier: int) -> timedelta | None:
        """How long to wait after a failure that `earlier` ones came before; None: don't try again."""
        if earlier < len(self.waits):
            return self.waits[earlier]
        return self.waits[-1] if self.endless else None


def seconds(*waits: float) -> Schedule:
    return Schedule(tuple(timedelta(seconds=wait) for wait in waits))


def minutes(*waits: float, endless: bool = False) -> Schedule:
    return Schedule(tuple(timedelta(minutes=wait) for wait in waits), endless)


# Inside a check, which holds a worker and may have someone waiting for it: long enough for a dropped connection.
WITHIN_CHECK = seconds(1, 4)
# A check that nobody waits for: within the hour, so that a short outage doesn't cost the day's check.
CHECK = minutes(5, 20)
# A task: soon at first, because a person approved it and watches. After about 2:40 hours, someone must look.
TASK = seconds(10, 30, 120, 600, 1800, 7200)
# A task of a paused app: it continues within a minute of the app being resumed. No failure, so it isn't counted.
PAUSED_APP = minutes(1, endless=True)
# A removal that waits for a hand-over, whose end wakes it: only in case that it missed it. No failure either.
HAND_OVER = seconds(30)
# A removal of someone whose return a guard holds: someone has to look into a whole directory first.
HELD_RETURN = minutes(5, endless=True)
# An e-mail: servers that greylist accept it after minutes; a server that is down over a weekend gets about two days.
MAIL = minutes(1, 5, 15, 60, 180, 360, 720, 720, 720)
# A directory: more often than its hourly reading, and for as long as it takes. Until then, leavers are found late.
DIRECTORY = minutes(15, endless=True)
# A fault of the machine itself, such as a full disk: no attempt is lost by it, and the work waits as long as it lasts.
OWN_FAULT = minutes(1, 5, 15, endless=True)
