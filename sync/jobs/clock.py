"""The machine's clock: a time that Rollcall has seen can't come again. While it says an earlier one nothing runs,
since those who left on a day would be back. An Owner can say that the clock is right, and was wrong before."""

from __future__ import annotations

from datetime import datetime, timedelta

from peewee import Field

from sync import activity
from sync.db import db, utcnow, writing
from sync.faults import Fault
from sync.jobs import leases
from sync.models import AcceptedLeaver, Account, App, Change, Directory, Person, Report
from sync.settings import set_setting, setting

LATEST = "latest time"  # the latest that a sweep has seen, ISO 8601, UTC
BEHIND = timedelta(minutes=5)  # as much as a time server may turn a clock back in one step
FARTHEST = timedelta(hours=26)  # that a daily check, or another attempt, is planned ahead; some days have 25 hours


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
    """Accept the clock as it is now: the later time that was seen had been wrong, and so is what was planned by it."""
    with writing():
        before, now = setting(LATEST), utcnow()
        set_setting(LATEST, now.isoformat())
        _plan_again(now)
        _date_again(now)
        activity.record(by, "said that the clock is right", before=before, after=now.isoformat())


def _plan_again(now: datetime) -> None:
    """What the wrong clock has planned for a time that is far ahead is due now; nothing was read later than now."""
    _no_later_than(App.last_check_at, now)
    _no_later_than(App.last_due_at, now)
    _no_later_than(App.next_check_at, now + timedelta(seconds=1), FARTHEST)  # after the last one: overdue until then
    for planned in (App.compare_at, Directory.last_read_at, Directory.next_read_at):
        _no_later_than(planned, now)
    for model in leases.RUNNING:
        _no_later_than(model.lease_until, now + leases.LEASE)  # of a worker that has died on another machine
        if hasattr(model, "next_at"):
            _no_later_than(model.next_at, now, FARTHEST)


def _date_again(now: datetime) -> None:
    """What is dated later than now is dated now. A decision that someone may keep an account covers earlier departures
    only, so the two keep their order. A release of a mass change ends: the guard asks again."""
    for table, decided_at in (("account", "left_out_at"), ("accepted_leaver", "accepted_at")):
        db.execute_sql(
            f"""UPDATE {table} SET {decided_at} = :earlier WHERE {decided_at} > :now
                AND {decided_at} < (SELECT p.status_since FROM person p WHERE p.id = {table}.person_id)""",
            {"now": str(now), "earlier": str(now - timedelta(seconds=1))},
        )
    for column in (Account.left_out_at, AcceptedLeaver.accepted_at, Person.status_since):
        _no_later_than(column, now)
    _no_later_than(Report.released_at, now - timedelta(seconds=1))
    _no_later_than(Change.created_at, now)


def _no_later_than(column: Field, moment: datetime, after: timedelta = timedelta()) -> None:
    """The moment in place of each time that is later by more than `after`."""
    column.model.update({column: moment}).where(column > moment + after).execute()
