"""The bell of the queue: a message is heard at once, in whichever process it is put in; nothing depends on it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from sync.jobs import queue
from sync.jobs.bell import Bell

LONG = 30  # seconds: more than any test takes


@pytest.fixture
def bell(tmp_path):
    bell = Bell(tmp_path / "bell")
    bell.listen()
    yield bell
    bell.close()


def test_each_ring_wakes_a_thread(bell):
    woken = []
    threads = [threading.Thread(target=lambda: woken.append(bell.wait(LONG))) for _ in range(3)]
    for thread in threads:
        thread.start()
    bell.ring(3)
    for thread in threads:
        thread.join(LONG)
    assert len(woken) == 3 and not bell.wait(0)


def test_a_ring_before_the_wait_is_heard_and_heard_once(bell):
    bell.ring()
    assert bell.wait(LONG) and not bell.wait(0)


def test_another_process_rings(bell):
    asked = f"from pathlib import Path; from sync.jobs.bell import Bell; Bell(Path({str(bell.path)!r})).ring()"
    subprocess.run([sys.executable, "-c", asked], check=True)
    assert bell.wait(LONG)


def test_nobody_listens(tmp_path):
    Bell(tmp_path / "bell").ring()
    os.mkfifo(tmp_path / "bell")
    Bell(tmp_path / "bell").ring()


def test_a_thread_that_finds_the_ring_taken_does_not_wait_for_another(bell):
    """Several wake up, and one of them reads: the others must not be kept in their read."""
    assert not os.get_blocking(bell._heard)


def test_more_rings_than_the_pipe_holds_are_not_waited_for(bell):
    for _ in range(3):
        bell.ring(100_000)
    assert bell.wait(LONG)


def test_a_file_of_that_name_is_left_as_it_is(tmp_path):
    (tmp_path / "bell").write_text("mine")
    bell = Bell(tmp_path / "bell")
    bell.listen()
    bell.ring()
    assert not bell.is_heard and (tmp_path / "bell").read_text() == "mine"


def test_only_its_owner_may_ring(bell):
    assert bell.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("wake", [lambda: queue.wake("check", 1), lambda: queue.wake_job(next(iter(queue._woken)))])
def test_a_message_rings_after_the_commit(home, wake):
    queue.bell.listen()
    with queue.writing():
        wake()
        assert not queue.bell.wait(0)
    assert queue.bell.wait(LONG) and queue.queue.pending_count() == 1
