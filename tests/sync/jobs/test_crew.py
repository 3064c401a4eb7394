"""Which message a worker may take: checks that last give their place to others, and some workers are for other work."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from sync.jobs.crew import CHECKS, MOST_CHECKS, PATIENCE, WORKERS, Crew
from sync.jobs.messages import Urgency


@dataclass
class Message:
    priority: Urgency


@dataclass
class Shift:
    """A crew whose workers are threads that hold a message until they are sent off, and a clock that is set."""

    crew: Crew
    now: float = 0.0
    at_work: list[tuple[Message, threading.Event, threading.Thread]] = field(default_factory=list)

    @classmethod
    def of(cls, **sizes: float) -> Shift:
        shift = cls(Crew(**sizes, clock=lambda: shift.now))
        return shift

    def take(self, urgency: Urgency) -> bool:
        """Another worker looks at a queue with this one message; whether it takes it."""
        taken, ready, may_end = [], threading.Event(), threading.Event()

        def work() -> None:
            taken.append(self.crew.take(lambda least: Message(urgency) if urgency >= least else None))
            ready.set()
            if taken[0]:
                may_end.wait(30)
                self.crew.done()

        thread = threading.Thread(target=work)
        thread.start()
        ready.wait(30)
        if taken[0]:
            self.at_work.append((taken[0], may_end, thread))
        return taken[0] is not None

    def end(self, number: int) -> None:
        _, may_end, thread = self.at_work.pop(number)
        may_end.set()
        thread.join(30)

    def end_all(self) -> None:
        while self.at_work:
            self.end(0)


def test_a_check_that_lasts_gives_its_place_to_the_next_one():
    shift = Shift.of(checks=2, most_checks=5, workers=9, patience=2)
    assert shift.take(Urgency.LATER) and shift.crew.seconds_until_room() == float("inf"), "there is room"
    shift.now = 0.5
    assert shift.take(Urgency.LAST)
    assert not shift.take(Urgency.LATER) and shift.crew.seconds_until_room() == 1.5
    shift.now = 2.0
    assert shift.take(Urgency.LATER) and not shift.take(Urgency.LATER), "one has lasted for long enough"
    shift.now = 4.0
    assert shift.take(Urgency.LATER) and shift.take(Urgency.LATER)
    shift.now = 100.0
    assert not shift.take(Urgency.LATER) and shift.crew.seconds_until_room() == float("inf"), "no more than five in all"
    assert shift.take(Urgency.SOON) and shift.take(Urgency.FIRST), "others are for what someone waits for"
    shift.end(0)
    assert shift.take(Urgency.LATER), "one has ended"
    shift.end_all()
    assert shift.crew.busy == 0


def test_a_check_that_ends_gives_its_place_at_once():
    shift = Shift.of(checks=2, most_checks=5, workers=9, patience=2)
    assert shift.take(Urgency.LATER) and shift.take(Urgency.LATER) and not shift.take(Urgency.LATER)
    shift.end(1)
    assert shift.take(Urgency.LATER) and not shift.take(Urgency.LATER)
    shift.end_all()


@given(st.lists(st.one_of(st.sampled_from(Urgency), st.floats(0, 3), st.integers(0, 9)), max_size=60))
def test_there_are_never_more_checks_than_may_be_and_always_workers_for_the_rest(steps):
    shift = Shift.of(checks=2, most_checks=4, workers=7, patience=2)
    began: list[float | None] = []
    for step in steps:
        if isinstance(step, Urgency):
            if shift.take(step):
                began.append(shift.now if step < Urgency.SOON else None)
            else:
                assert step < Urgency.SOON
        elif isinstance(step, float):
            shift.now += step
        elif step < len(began):
            shift.end(step)
            began.pop(step)
        checks = [begun for begun in began if begun is not None]
        assert len(checks) <= 4 and sum(shift.now - begun < 2 for begun in checks) <= 2
    shift.end_all()


def test_a_worker_is_always_left_for_what_someone_waits_for():
    assert CHECKS < MOST_CHECKS < WORKERS and PATIENCE > 0
