"""The machine's clock: a time that Rollcall has seen can't come again. While it says an earlier one nothing runs,
since those who left on a day would be back. An Owner can say that the clock is right, and was wrong before."""

from __future__ import annotations

from datetime import datetime, timedelta

from peewee import Field

from sync import activity
from sync.db import db, utcnow, writing
from sync.faults import Fault
from sync.jobs import leases
from sync.models import (
    AcceptedLeaver,
    Account,
    Activity,
    App,
    Change,
    Directory,
    DirectoryEntry,
    MatchDecision,
    Person,
    Report,
)
from sync.names import person_name
from sync.settings import set_setting, setting
from sync.words import listed
from sync.workspace import day_in_words, today, workspace

LATEST = "latest time"  # the latest that a sweep has seen, ISO 8601, UTC
BEHIND = timedelta(minutes=5)  # as much as a time server may turn a clock back in one step
NAMED = 20  # people
DAY_SET, GRACE_BEGAN = "set remove-on date", "began grace period"  # what the log says of such a day
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


def is_right(by: str) -> str:
    """Accept the clock as it is now: the later time that was seen had been wrong, and so is what was planned by it.
    Returns a sentence about days on which something ends that someone chose by the wrong clock; empty without any."""
    with writing():
        before, now = setting(LATEST), utcnow()
        set_setting(LATEST, now.isoformat())
        _plan_again(now)
        chosen = _chosen_by_the_wrong_clock(now)
        _keep_for_the_grace_period(now)
        _date_again(now)
        activity.record(by, "said that the clock is right", why=chosen, before=before, after=now.isoformat())
    return chosen


def _keep_for_the_grace_period(now: datetime) -> None:
    """Count it from now on for those who left while the clock was ahead."""
    last_day = today() + timedelta(days=workspace().grace_days)
    for person, entry in _days_set_after(now):
        if entry.what == GRACE_BEGAN and person.remove_on > last_day:
            Person.update(remove_on=last_day).where(Person.id == person.id).execute()
            activity.record("Rollcall", DAY_SET, about=person_name(person), before=entry.after,
                            after=str(last_day), why="The clock was ahead when they left", person=person)


def _days_set_after(now: datetime) -> list[tuple[Person, Activity]]:
    """The people whose accounts are kept until a day that was set after `now`, with the entry about it."""
    since, is_set = Activity.at > now, Activity.what.in_((DAY_SET, GRACE_BEGAN))
    entries = Activity.select(Activity, Person).join(Person).where(since, is_set, Person.remove_on.is_null(False))
    return [(entry.person, entry) for entry in list(entries.order_by(Activity.id))
            if entry.after == str(entry.person.remove_on)]


def _chosen_by_the_wrong_clock(now: datetime) -> str:
    accepted = AcceptedLeaver.select(AcceptedLeaver, Person).join(Person).where(
        AcceptedLeaver.accepted_at > now, AcceptedLeaver.ended_at.is_null()).order_by(AcceptedLeaver.id)  # fmt: skip
    days = {(person_name(person), person.remove_on) for person, entry in _days_set_after(now)
            if entry.what != GRACE_BEGAN}
    days |= {(person_name(row.person), row.until) for row in accepted}
    if not days:
        return ""
    named = listed([f"{name} (until {day_in_words(day)})" for name, day in sorted(days)], NAMED)
    return (f"The accounts of these people are kept until a day that was chosen while the clock was ahead: {named}. "
            "Change each day that is wrong.")  # fmt: skip


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
    for column in (Account.left_out_at, AcceptedLeaver.accepted_at, Person.status_since, MatchDecision.made_at,
                   DirectoryEntry.reported_at, DirectoryEntry.left_at, DirectoryEntry.back_at,
                   Directory.guard_counts_from, Directory.many_back_since):
        _no_later_than(column, now)
    _no_later_than(Report.released_at, now - timedelta(seconds=1))
    _no_later_than(Change.created_at, now)


def _no_later_than(column: Field, moment: datetime, after: timedelta = timedelta()) -> None:
    """The moment in place of each time that is later by more than `after`."""
    column.model.update({column: moment}).where(column > moment + after).execute()
