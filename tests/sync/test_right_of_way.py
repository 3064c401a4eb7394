"""While one thread writes, the statements of others wait for it: not for long, and never in a way that stops them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from sync import right_of_way, sqlite_file
from sync.db import db, own_row, writing
from sync.right_of_way import LONGEST, SWITCH_SECONDS, RightOfWay
from sync.settings import setting
from tests.database import ON_FILE

PATIENCE = 60  # seconds at most for what happens at once


class Watched(RightOfWay):
    """Its clock moves only while a thread waits: by `lasts` seconds for each wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        super().__init__()
        self.now, self.lasts, self.waits = 100.0, 0.02, []
        self._ended = SimpleNamespace(wait=self._wait, set=lambda: None, clear=lambda: None)
        monkeypatch.setattr(right_of_way, "time", SimpleNamespace(monotonic=lambda: self.now))

    def _wait(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        self.now += min(seconds, self.lasts)


@pytest.fixture
def way(monkeypatch) -> Watched:
    return Watched(monkeypatch)


def by_another_thread(*steps: Callable[[], object]) -> None:
    thread = threading.Thread(target=lambda: [step() for step in steps])
    thread.start()
    thread.join()


def test_another_thread_waits_until_the_write_has_ended(monkeypatch):
    monkeypatch.setattr(right_of_way, "LONGEST", PATIENCE * 2)
    way, waits, passed = RightOfWay(), threading.Event(), []
    wait = way._ended.wait

    def noted(seconds: float) -> None:
        waits.set()
        wait(seconds)

    way._ended.wait = noted
    reader = threading.Thread(target=lambda: (way.give(), passed.append("read")))
    with way.held():
        reader.start()
        assert waits.wait(PATIENCE)
        passed.append("written")
    reader.join(PATIENCE)
    assert passed == ["written", "read"]


def test_nobody_waits_for_a_write_of_their_own_or_for_none(way):
    way.give()
    with way.held():
        way.give()
    by_another_thread(way.give)
    assert way.waits == []


def test_others_wait_only_for_the_beginning_of_a_long_write(way):
    with way.held():
        way.now += LONGEST / 4
        by_another_thread(way.give)
        way.now += LONGEST
        by_another_thread(way.give)
    assert way.waits == [round(LONGEST * 3 / 4, 3)]


def test_a_thread_that_has_waited_runs_undisturbed_for_as_long(way):
    """However many writes follow each other, a page takes twice as long at most."""

    def pass_by(seconds: float) -> Callable[[], None]:
        def work() -> None:
            way.now += seconds

        return work

    with way.held():
        by_another_thread(way.give, pass_by(0.01), way.give, pass_by(0.02), way.give)
    assert way.waits == [LONGEST, LONGEST - 0.05]


def test_a_write_that_fails_leaves_nothing_behind(way):
    before = sys.getswitchinterval()
    with pytest.raises(ValueError), way.held():
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
        raise ValueError
    by_another_thread(way.give)
    assert (way.waits, sys.getswitchinterval()) == ([], before)


@ON_FILE
@pytest.mark.parametrize("write", [writing, own_row])
def test_a_statement_waits_for_each_kind_of_write(home, monkeypatch, write):
    monkeypatch.setattr(sqlite_file, "right_of_way", way := Watched(monkeypatch))

    def read() -> None:
        with db.connection_context():
            setting("anything")

    with write():
        with write():
            pass
        by_another_thread(read)
    assert way.waits
    way.waits.clear()
    by_another_thread(read)
    assert way.waits == []
