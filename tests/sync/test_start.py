"""Every background job is named where an installation is opened: none depends on what else a process imports. One that
is refused isn't open."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from sync import start
from sync.db import DatabaseRefused, db, writing
from sync.jobs import queue
from sync.settings import set_setting

ROOT = Path(__file__).resolve().parents[2]


def test_every_background_job_is_named_and_known_to_a_process_that_only_starts():
    named = {f"{job.__module__}.{job.__qualname__}" for job in start.JOBS}
    for path in (ROOT / "sync").rglob("*.py"):
        if "migrations" not in path.parts:
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    decorated = [*queue._runners.values(), *queue._minutely, *queue._in_each_process]
    assert named == {f"{job.__module__}.{job.__qualname__}" for job in decorated if job.__module__.startswith("sync.")}
    counted = "len(queue._runners) + len(queue._minutely) + len(queue._in_each_process)"
    asked = f"from sync import start; from sync.jobs import queue; print({counted})"
    known = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(known.stdout) == len(start.JOBS)


def test_an_installation_that_is_refused_leaves_no_connection(home, config):
    with writing():
        set_setting(start.MOVED, "elsewhere")
    with pytest.raises(DatabaseRefused, match="moved to elsewhere"):
        start.connect_all(config)
    assert db.is_closed()
    start.connect_all(config, although_moved=True)
    assert not db.is_closed()


STORED = {
    "sync.jobs.queue.wake_reading", "sync.jobs.queue.wake_check", "sync.jobs.queue.wake_task",
    "sync.jobs.queue.wake_mail", "sync.jobs.queue.wake_password request", "sync.jobs.queue.wake_compare",
    "sync.jobs.queue.wake_search", "sync.jobs.queue.sweep",
}  # fmt: skip


def test_a_message_that_an_earlier_version_put_into_the_queue_is_still_understood(home):
    """A message names its job by these words, in the database: a function may be renamed, these may not."""
    assert set(queue.queue._registry._registry) == STORED
    queue.wake("task", 7)
    queue.wake_job("compare")
    assert {queue.queue.serializer.deserialize(message).name for message in queue.queue.storage.enqueued_items()} == {
        "sync.jobs.queue.wake_task", "sync.jobs.queue.wake_compare"}  # fmt: skip
