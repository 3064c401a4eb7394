"""How old a directory may be for a check, how long a check waits and lasts, and how often it says how far it is."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from connectors.base import RateLimited, TemporarilyUnavailable
from sync.apps import apps
from sync.checks import checks, snapshot
from sync.db import utcnow
from sync.jobs import asking, daily, leases, retries
from sync.jobs.retries import Schedule
from sync.models import Activity, App, Check, Directory, DirectoryReading
from sync.workspace import workspace
from tests.sync.fixtures import MEMBERS
from tests.sync.listed import LISTS, ListedApp


class Clock:
    """Stands for the module `time` in checks.py: sleeping takes none."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch, real_delays: Schedule) -> Clock:
    clock = Clock()
    monkeypatch.setattr(retries, "WITHIN_CHECK", real_delays)
    monkeypatch.setattr(checks, "time", SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep))
    return clock


@pytest.fixture
def work(listed, clock) -> checks._Work:
    """A check that this process has claimed and not begun."""
    asked = asking.ask(listed.app, listed.by)
    assert leases.claim(Check, asked.id)
    return checks._Work(asked.id)


def row(work: checks._Work) -> Check:
    return Check.get_by_id(work.check.id)


@pytest.mark.parametrize(("trigger", "minutes", "reads"), [
    ("hand", 0.01, True), ("connect", 0.01, True), ("daily", 14, False), ("daily", 16, True), ("directory", 14, False),
    ("directory", 16, True), ("invitation", 14, False)])  # fmt: skip
def test_a_directory_is_read_first_where_it_is_too_old(company, listed, trigger, minutes, reads):
    Directory.update(last_read_at=utcnow() - timedelta(minutes=minutes)).execute()
    before = DirectoryReading.select().count()
    asked = asking.ask(listed.app, listed.by, trigger)
    checks.run(asked.id)
    assert Check.get_by_id(asked.id).state == "succeeded"
    assert DirectoryReading.select().count() - before == reads
    if reads:
        assert DirectoryReading.select().order_by(DirectoryReading.id.desc()).get().started_by == str(listed.by)


def test_how_far_it_is_is_written_at_most_twice_a_second_and_at_each_new_phase(work, clock):
    def seen() -> tuple:
        return row(work).phase, row(work).items_read, row(work).total

    work.progress("accounts", 0)
    work.on_total(50)
    clock.now += 0.4
    work.progress("accounts", 10)
    assert seen() == ("accounts", 0, None)
    clock.now += 0.1
    work.progress("accounts", 20)
    assert seen() == ("accounts", 20, 50)
    work.progress("accounts", 30, at_once=True)
    assert seen() == ("accounts", 30, 50)
    work.progress("comparing", 30)
    assert seen() == ("comparing", 30, 50), "a phase that begins with all of them keeps the total"
    work.progress("assets", 0)
    assert seen() == ("assets", 0, None)


def test_each_progress_renews_the_lease_and_the_start_stays(work, clock):
    Check.update(lease_until=utcnow()).execute()
    work.progress("accounts", 0)
    assert row(work).lease_until > utcnow() + leases.LEASE / 2 and row(work).started_at == work.started
    earlier = work.started - timedelta(minutes=5)
    work.check.started_at = earlier
    work.progress("assets", 0)
    assert row(work).started_at == earlier, "of the first attempt"


@pytest.mark.parametrize("values", [{"cancel_asked": True}, {"lease_owner": "elsewhere:1:x"}])
def test_progress_stops_a_check_that_was_cancelled_or_given_up(work, values):
    other = Check.create(app=work.app, state="succeeded", trigger="hand", phase="access")
    Check.update(values).where(Check.id == work.check.id).execute()
    with pytest.raises(checks.Cancelled):
        work.progress("accounts", 0)
    assert Check.get_by_id(other.id).phase == "access"


def test_another_check_that_was_cancelled_does_not_stop_this_one(work):
    Check.create(app=work.app, state="succeeded", trigger="hand", cancel_asked=True)
    work.progress("accounts", 0)


@pytest.mark.parametrize(("seconds", "stops"), [(3590, False), (3601, True)])
def test_a_check_lasts_an_hour(work, seconds, stops):
    work.started = utcnow() - timedelta(seconds=seconds)
    if stops:
        with pytest.raises(TemporarilyUnavailable, match="within an hour"):
            work.progress("accounts", 0)
    else:
        work.progress("accounts", 0)


def failing(*faults: Exception):
    """What an app answers: these faults, then 7."""
    left = list(faults)

    def ask() -> int:
        if left:
            raise left.pop(0)
        return 7

    return ask


@pytest.mark.parametrize(("faults", "waits"), [
    ([], []), ([RateLimited("No.", 60)], [1] * 60), ([RateLimited("No.", 2.5)] * 2, [1, 1, 0.5] * 2),
    ([TemporarilyUnavailable("No.")], [1]), ([TemporarilyUnavailable("No.")] * 2, [1, 1, 1, 1, 1]),
    ([TemporarilyUnavailable("No."), RateLimited("No.", 1), TemporarilyUnavailable("No.")], [1] * 6),
])  # fmt: skip
def test_a_short_fault_is_waited_for(work, clock, faults, waits):
    assert work.patiently(failing(*faults)) == 7 and clock.slept == waits


@pytest.mark.parametrize(("faults", "waits"), [
    ([RateLimited("No.", 60.5)], []), ([TemporarilyUnavailable("No.")] * 3, [1] * 5)])  # fmt: skip
def test_a_long_one_is_not(work, clock, faults, waits):
    with pytest.raises(type(faults[-1])):
        work.patiently(failing(*faults))
    assert clock.slept == waits


def test_someone_who_cancels_while_it_waits_is_heard_within_a_second(work, clock):
    Check.update(cancel_asked=True).execute()
    with pytest.raises(checks.Cancelled):
        work.wait(60)
    assert clock.slept == [1]


# How far it is, while it reads


def test_each_part_of_an_app_is_a_phase_that_counts_what_was_read(chat):
    room = chat.store.add_channel("general", via="page")
    for number in (1, 2):
        chat.store.join(room, chat.id_of(number), "member", via="page")
    seen: list[tuple[str, int]] = []
    with snapshot.staging():
        connector = apps.connector_for(chat.app)
        accounts = snapshot.read(chat.app, connector, lambda *step: seen.append(step), timedelta(hours=1))
    assert accounts == MEMBERS + 1, "Rollcall's own account is one of them"
    assert seen == [("accounts", 0), ("accounts", accounts), ("assets", 0), ("assets", 1), ("access", 0), ("access", 2)]


def test_a_check_reads_the_directories_then_the_app_and_compares_at_last(company, listed, monkeypatch):
    seen, whole = [], checks._Work.progress

    def progress(self, phase, read, at_once=False):
        whole(self, phase, read, at_once)
        seen.append((phase, read, self.total))

    def accounts(self):
        self.on_total(7)
        yield from LISTS["listed"].seats.values()

    monkeypatch.setattr(checks._Work, "progress", progress)
    monkeypatch.setattr(ListedApp, "accounts", accounts)
    listed.check()
    assert seen == [("directory", 0, None), ("accounts", 0, None), ("accounts", 1, 7), ("comparing", 1, 7)]


# Due


def test_an_app_that_is_due_is_checked_once_and_is_due_again_at_its_minute(chat, second):
    now = utcnow()
    at = now - timedelta(minutes=3)
    App.update(next_check_at=at, last_due_at=None, check_minute=90).where(App.id == chat.app.id).execute()
    later = App.get_by_id(second.app.id).next_check_at
    assert checks.start_due(now) == 1 and checks.start_due(now) == 0
    app, other = App.get_by_id(chat.app.id), App.get_by_id(second.app.id)
    assert (app.next_check_at, app.last_due_at) == (daily.next_time(now, 90, workspace().zone), at)
    assert (other.next_check_at, other.last_due_at) == (later, second.app.last_due_at)
    check = Check.select().order_by(Check.id.desc()).get()
    assert (check.app, check.trigger, check.started_by, check.state) == (chat.app, "daily", "schedule", "queued")


def test_apps_that_are_due_at_the_same_moment_are_each_checked(chat, second):
    now = utcnow()
    App.update(next_check_at=now).execute()
    assert checks.start_due(now) == 2
    assert {row.app_id for row in Check.select().where(Check.trigger == "daily")} == {chat.app.id, second.app.id}


def test_a_finding_of_an_earlier_check_is_not_in_activity_again(chat):
    chat.leave(3)  # so that the report stays open
    for name in ("one", "two"):
        chat.store.add(f"{name}@acme.example", name, "guest", via="page")
        chat.check()
    found = Activity.select(Activity.about).where(Activity.what == "new user", Activity.about.in_(("one", "two")))
    assert sorted(row.about for row in found) == ["one", "two"]
