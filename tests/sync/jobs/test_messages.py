"""Messages wake workers in the order of how urgent they are, with the file and with a server."""

from __future__ import annotations

import pytest

from sync.db import utcnow
from sync.jobs import asking, queue
from sync.jobs.messages import Urgency
from sync.models import App, Check
from sync.states import CheckTrigger, Failure


@pytest.fixture
def app(home) -> App:
    return App.create(connector="none", name="App", category="Seat-based", state="active")


def taken(least: Urgency = Urgency.LAST) -> tuple[str, int | None] | None:
    message = queue.queue.dequeue(least)
    return message and (message.name.removeprefix("wake_"), *message.args)


def test_the_most_urgent_message_is_taken_first_and_none_that_is_not_urgent_enough(home):
    for kind, row in (("check", 1), ("task", 2), ("check", 3), ("mail", 4), ("reading", 5)):
        queue.wake(kind, row)
    queue.wake("check", 6, urgency=Urgency.LAST)
    queue.wake("check", 7, urgency=Urgency.SOON)
    for periodic in queue.queue.read_periodic(utcnow()):
        queue.queue.enqueue(periodic)
    soon = [taken(Urgency.SOON) for _ in range(6)]
    assert soon == [("sweep",), ("task", 2), ("mail", 4), ("reading", 5), ("check", 7), None]
    assert [taken() for _ in range(4)] == [("check", 1), ("check", 3), ("check", 6), None]


def test_a_message_for_later_keeps_its_urgency(home):
    queue.wake("check", 1)
    queue.wake("task", 2, delay=60)
    queue.queue.execute(queue.queue.dequeue(Urgency.SOON))
    [later] = queue.queue.scheduled()
    queue.queue.enqueue(later)
    assert taken(Urgency.SOON) == ("task", 2)


@pytest.mark.parametrize(("trigger", "failure", "urgency"), [
    (CheckTrigger.DAILY, None, Urgency.LATER),
    (CheckTrigger.DAILY, Failure.CREDENTIAL, Urgency.LATER),
    (CheckTrigger.DAILY, Failure.UNREACHABLE, Urgency.LAST),
    (CheckTrigger.DIRECTORY, None, Urgency.LATER),
    (CheckTrigger.HAND, Failure.UNREACHABLE, Urgency.SOON),
    (CheckTrigger.CONNECT, None, Urgency.SOON),
    (CheckTrigger.API, None, Urgency.SOON),
])  # fmt: skip
def test_a_check_is_as_urgent_as_someone_waits_for_it(app, trigger, failure, urgency):
    app.failure = failure
    app.save()
    asking.ask(app, "Olga", trigger)
    [message] = queue.queue.pending()
    assert message.priority == urgency


def test_a_click_lets_a_check_that_waits_begin_before_others_and_one_that_runs_is_joined(app):
    check = asking.ask(app, "schedule", CheckTrigger.DAILY)
    asking.ask(app, "schedule", CheckTrigger.DAILY)
    assert [message.priority for message in queue.queue.pending()] == [Urgency.LATER]
    assert asking.ask(app, "Olga").id == check.id
    assert [message.priority for message in queue.queue.pending()] == [Urgency.SOON, Urgency.LATER]
    Check.update(state="running").execute()
    asking.ask(app, "Olga")
    assert queue.queue.pending_count() == 2
