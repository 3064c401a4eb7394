"""The daily check's time: once a day in the workspace's zone, whatever the clock does there; once after a downtime."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.apps import apps
from sync.checks import checks
from sync.db import connected, db, utcnow
from sync.jobs import asking, queue
from sync.jobs.daily import DAY, NIGHT, last_time, next_time, spread
from sync.models import App, Check
from sync.problems import AppProblem
from sync.tasks import disconnecting
from sync.workspace import set_setting, update_workspace

BERLIN = "Europe/Berlin"
ZONES = (
    BERLIN, "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu",
    "Africa/Casablanca", "America/Scoresbysund", "UTC",
)  # fmt: skip


def local(moment: datetime, zone: str) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))


@pytest.mark.parametrize(
    ("after", "clock", "due"),
    [
        ("2026-11-24 05:00", "07:30", "2026-11-24 06:30"),
        ("2026-11-24 06:30", "07:30", "2026-11-25 06:30"),  # not twice at its own minute
        ("2026-11-24 23:30", "00:15", "2026-11-25 23:15"),  # 00:30 in Berlin already: the next day's
        ("2026-06-24 05:00", "07:30", "2026-06-24 05:30"),  # summer time
        ("2026-03-28 12:00", "02:30", "2026-03-29 01:30"),  # 02:30 does not exist that night: at 03:30
        ("2026-03-29 01:30", "02:30", "2026-03-30 00:30"),
        ("2026-10-24 12:00", "02:30", "2026-10-25 00:30"),  # 02:30 comes twice: the first time,
        ("2026-10-25 00:30", "02:30", "2026-10-26 01:30"),  # and not again an hour later
        ("2026-10-25 00:45", "02:30", "2026-10-26 01:30"),
    ],
)
def test_the_clock_in_berlin(after, clock, due):
    hours, minutes = map(int, clock.split(":"))
    assert next_time(datetime.fromisoformat(after), hours * 60 + minutes, BERLIN) == datetime.fromisoformat(due)


@given(st.sampled_from(ZONES), st.integers(0, DAY - 1), st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1)))
def test_one_time_a_day_everywhere(zone, minute, moment):
    """Each is later than the one before, about a day, and at its minute or shifted by what the clock jumped."""
    first = next_time(moment, minute, zone)
    second = next_time(first, minute, zone)
    assert moment < first <= moment + timedelta(hours=50)
    assert timedelta(hours=21) <= second - first <= timedelta(hours=49)
    clock = local(first, zone)
    shift = (clock.hour * 60 + clock.minute - minute) % DAY
    assert shift in (0, 30, 60), f"{clock} for minute {minute}"


def test_the_last_time_is_now_at_the_very_minute():
    moment = datetime(2026, 11, 24, 5, 30)
    assert last_time(moment, 330, "UTC") == moment
    assert last_time(moment - timedelta(seconds=1), 330, "UTC") == moment - timedelta(days=1)


def test_a_day_that_a_country_left_out_is_no_reason_for_a_second_check():
    """Samoa had no 30 December 2011."""
    after = datetime(2011, 12, 30, 5, 0)
    days = []
    for _ in range(4):
        after = next_time(after, 12 * 60, "Pacific/Apia")
        days.append(str(local(after, "Pacific/Apia"))[:16])
    assert days == sorted(set(days)) and len({day[:10] for day in days}) == 4


def test_many_apps_are_spread_over_the_night():
    begin, end = NIGHT
    minutes = sorted(spread(number) for number in range(1, 201))
    assert begin <= minutes[0] and minutes[-1] < end
    gaps = [later - earlier for earlier, later in zip(minutes, minutes[1:])]
    assert max(gaps) <= 3 * (end - begin) / 200 + 1 and len(set(minutes)) > 140


# In the workspace


def due(app: App, ago: timedelta) -> None:
    App.update(next_check_at=utcnow() - ago).where(App.id == app.id).execute()


def test_a_due_check_runs_once_and_the_next_is_planned(chat):
    due(chat.app, timedelta(minutes=1))
    before = Check.select().count()
    queue.sweep()
    queue.drain(("check",))
    [check] = Check.select().order_by(Check.id).offset(before)
    assert (check.trigger, check.started_by, check.state) == ("daily", "schedule", "succeeded")
    assert utcnow() < App.get().next_check_at <= utcnow() + timedelta(hours=25)


def test_after_a_downtime_of_days_there_is_one_check(chat):
    due(chat.app, timedelta(days=9))
    before = Check.select().count()
    for _ in range(3):
        queue.sweep()
        queue.drain(("check",))
    assert Check.select().count() == before + 1


def test_a_job_that_fails_does_not_keep_the_others_of_its_minute(chat, monkeypatch):
    def broken(now):
        raise RuntimeError("a bug")

    monkeypatch.setattr(queue, "_minutely", [broken, *queue._minutely])
    App.update(next_check_at=utcnow()).execute()
    queue.sweep()
    assert Check.select().where(Check.trigger == "daily").count() == 1
    assert queue.heartbeat_age(utcnow()) < 60


def test_of_the_clocks_of_several_workers_one_begins_the_sweep(chat, monkeypatch):
    swept, ready = [], threading.Barrier(4)
    monkeypatch.setattr(queue, "sweep", lambda: swept.append(1))

    def tick():
        with connected():
            ready.wait()
            queue.sweep_if_due()

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(swept) == 1
    for seconds, sweeps in ((44, 1), (46, 2), (-46, 3)):  # so long ago; the last: a clock that was put back
        set_setting(queue.BEGUN, (utcnow() - timedelta(seconds=seconds)).isoformat())
        queue.sweep_if_due()
        assert len(swept) == sweeps, seconds


def test_the_messages_of_several_clocks_sweep_once_a_minute(chat, monkeypatch):
    swept = []
    monkeypatch.setattr(queue, "sweep", lambda: swept.append(1))
    queue.open_queue(db.database)
    for _ in range(2):
        [message] = queue.queue.read_periodic(utcnow())
        queue.queue.execute(message)
    assert len(swept) == 1


def test_two_sweeps_in_a_minute_start_one(chat):
    due(chat.app, timedelta(minutes=1))
    before = Check.select().count()
    now = utcnow()
    assert [checks.start_due(now), checks.start_due(now)] == [1, 0]
    assert Check.select().count() == before + 1


def test_apps_that_are_due_together_are_all_started(chat, second):
    for app in (chat.app, second.app):
        due(app, timedelta(minutes=1))
    assert checks.start_due(utcnow()) == 2


def test_a_daily_check_joins_one_that_runs_by_hand(chat):
    by_hand = asking.ask(chat.app, chat.by)
    due(chat.app, timedelta(minutes=1))
    before = Check.select().count()
    checks.start_due(utcnow())
    assert Check.select().count() == before and asking.live(chat.app).id == by_hand.id


@pytest.mark.parametrize("stop", [lambda chat: apps.pause(chat.app, chat.by), lambda chat: disconnecting.disconnect(
    chat.app, chat.by), lambda chat: apps.set_schedule(chat.app, False, 0, chat.by)])  # fmt: skip
def test_an_app_that_is_paused_or_switched_off_is_not_due(chat, stop):
    stop(chat)
    assert App.get().next_check_at is None
    due(chat.app, timedelta(minutes=1))
    assert checks.start_due(utcnow()) == 0


def test_another_zone_plans_every_app_again(chat):
    apps.set_schedule(chat.app, True, 8 * 60, chat.by)
    for zone in ("Pacific/Auckland", "America/Los_Angeles"):
        update_workspace(chat.by, zone=zone)
        apps.plan_all()
        assert f"{local(App.get().next_check_at, zone):%H:%M}" == "08:00"


@pytest.mark.parametrize("minute", [-1, DAY, 99_999])
def test_a_minute_that_no_day_has_is_refused(chat, minute):
    with pytest.raises(AppProblem, match="between 00:00 and 23:59"):
        apps.set_schedule(chat.app, True, minute, chat.by)
