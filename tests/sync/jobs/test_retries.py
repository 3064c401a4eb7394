"""When failed work is tried again is decided in one place."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from sync.jobs import retries
from sync.jobs.retries import Schedule

SYNC = Path(__file__).resolve().parents[3] / "sync"
SCHEDULES = {name: schedule for name, schedule in vars(retries).items() if isinstance(schedule, Schedule)}


def test_a_schedule_ends_or_repeats_its_last_wait():
    ends, lasts = retries.minutes(1, 5), retries.minutes(1, 5, endless=True)
    assert [ends.after(earlier) for earlier in range(4)] == [timedelta(minutes=1), timedelta(minutes=5), None, None]
    assert [lasts.after(earlier) for earlier in range(4)] == [timedelta(minutes=wait) for wait in (1, 5, 5, 5)]
    assert retries.seconds().after(0) is None


@pytest.mark.parametrize("name", SCHEDULES)
def test_waits_grow_and_each_schedule_is_used(name, real_delays):
    waits = (SCHEDULES | {"WITHIN_CHECK": real_delays})[name].waits
    assert waits and list(waits) == sorted(waits) and waits[0] > timedelta()
    assert any(f"retries.{name}." in path.read_text() for path in SYNC.rglob("*.py"))


def test_no_other_module_has_a_table_of_waits():
    table = re.compile(r"^\w+ = (tuple\(timedelta|\(timedelta\(|\(\d+, \d+, )", re.M)
    assert [path.name for path in SYNC.rglob("*.py") if table.search(path.read_text())] == []
