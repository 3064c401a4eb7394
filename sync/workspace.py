"""The workspace's own settings: its name, its zone, its guards.
Each is one row of Setting; a name that is not there has its default."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from sync import activity, rank
from sync.db import utcnow, writing
from sync.problems import Problem
from sync.rank import Asker
from sync.settings import all_settings, set_setting, setting  # noqa: F401 - other rooms ask for two of them here
from sync.states import WorkspaceRole
from sync.words import value_in_words

NOTED, WITHDRAWN = "head noted", "approvals withdrawn"  # settings of sync/restored.py: ISO 8601, UTC


class WorkspaceProblem(Problem):
    """A setting that can't be; the text is for the page."""


@dataclass(frozen=True)
class Workspace:
    name: str = "My company"
    zone: str = "UTC"
    guard_accounts: int = 5
    guard_percent: int = 20
    currency: str = "€"
    invitation_reminder_days: int = 3
    invitation_expiry_days: int = 14
    grace_days: int = 0  # days that the accounts of people deprovisioned by a directory are kept
    session_hours: int = 12  # after which someone signs in again
    session_idle_minutes: int = 120  # without a page, after which they do
    second_factor_required: bool = False  # of everyone who manages: second_factor.require switches it


@cache
def time_zones() -> tuple[str, ...]:
    """The names that forms offer, in order. Python looks through 66 folders for them: a process does so once."""
    return tuple(sorted(available_timezones()))


def workspace() -> Workspace:
    known = all_settings()
    return Workspace(**{name: known[name] for name in _names() if name in known})


def update_workspace(by: Asker, **values: Any) -> Workspace:
    """Change some values of Workspace. Raises WorkspaceProblem or NotAllowed, and then changes nothing."""
    rank.require(by, WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
    before = asdict(workspace())
    after = before | values
    _refuse_nonsense(after)
    with writing():
        for name in _names():
            if after[name] != before[name]:
                set_setting(name, after[name])
                activity.record(by, "changed setting", about=name.replace("_", " "),
                                before=value_in_words(before[name]), after=value_in_words(after[name]))
    return Workspace(**after)


def _names() -> list[str]:
    return [field.name for field in fields(Workspace)]


def _refuse_nonsense(values: dict[str, Any]) -> None:
    if not str(values["name"]).strip():
        raise WorkspaceProblem("The workspace needs a name.")
    try:
        ZoneInfo(values["zone"])
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise WorkspaceProblem(f"{values['zone']!r} isn't a time zone. Use a name such as Europe/Berlin.") from problem
    if not (isinstance(values["guard_accounts"], int) and 0 <= values["guard_accounts"] <= 100_000):
        raise WorkspaceProblem("The guard's number of accounts must be between 0 and 100,000.")
    if not (isinstance(values["guard_percent"], int) and 0 <= values["guard_percent"] <= 100):
        raise WorkspaceProblem("The guard's percentage must be between 0 and 100.")
    reminder, expiry = values["invitation_reminder_days"], values["invitation_expiry_days"]
    if not (isinstance(reminder, int) and isinstance(expiry, int) and 1 <= reminder <= expiry <= 365):
        raise WorkspaceProblem("Invitations must expire after 1 to 365 days, and the reminder can't be later.")
    if not (isinstance(values["grace_days"], int) and 0 <= values["grace_days"] <= 365):
        raise WorkspaceProblem("The grace period must be 0 to 365 days.")
    hours, idle = values["session_hours"], values["session_idle_minutes"]
    if not (isinstance(hours, int) and isinstance(idle, int) and 1 <= hours <= 168 and 5 <= idle <= hours * 60):
        raise WorkspaceProblem("A session must last 1 to 168 hours. The minutes without opening a page must be "
                               "at least 5, and no longer than the session.")  # fmt: skip
    if len(str(values["currency"])) > 4:
        raise WorkspaceProblem("The currency is a sign or a three-letter code, such as € or EUR.")


def to_local(moment: datetime) -> datetime:
    """A naive UTC time as an aware one in the workspace's zone."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(workspace().zone))


def generation() -> tuple[str | None, str | None]:
    """Another one after another database, or one of an earlier time, has taken this one's place and that was noticed:
    since when the end of its log is noted, and when approvals were last withdrawn (sync/restored.py)."""
    return setting(NOTED), setting(WITHDRAWN)


def today() -> date:
    """The day that it is in the workspace's zone."""
    return to_local(utcnow()).date()


def day_in_words(day: date) -> str:
    """3 December; with the year when it is another one."""
    return f"{day.day} {day:%B}" + (f" {day.year}" if day.year != today().year else "")


def sql_day_in_words(day: str, today: str) -> str:
    """The same in SQL, of two days. Both databases write a day as 2026-12-03."""
    day, today = f"CAST({day} AS TEXT)", f"CAST(CAST({today} AS DATE) AS TEXT)"  # in SQLite, such a DATE is the year
    months = " ".join(f"WHEN '{month:02}' THEN '{date(2000, month, 1):%B}'" for month in range(1, 13))
    return (f"ltrim(substr({day}, 9, 2), '0') || ' ' || CASE substr({day}, 6, 2) {months} END "
            f"|| CASE WHEN substr({day}, 1, 4) = substr({today}, 1, 4) THEN '' ELSE ' ' || substr({day}, 1, 4) END")
