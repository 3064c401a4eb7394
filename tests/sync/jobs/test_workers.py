"""Apps that never answer while others are checked: by the threads of a worker, against servers that are silent."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cli.workers import Workers
from sync.jobs import asking, queue
from sync.jobs.crew import Crew
from sync.models import App, Check, Task
from sync.states import CheckState, CheckTrigger, TaskState
from tests.cli.conftest import until
from tests.sync.acting import remove
from tests.sync.fixtures import Chat, email


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that accepts each connection and never answers, at all addresses of this machine, until it is closed."""
    with socket.create_server(("0.0.0.0", 0), backlog=64) as server:
        yield server


@pytest.fixture
def add(chat: Chat) -> Callable[[str], App]:
    """Connects another app with the chat's values, at another address or at the same."""
    values = {name: value for name, value in chat.app.__data__.items() if name != "id"}

    def add(name: str, url: str = chat.url) -> App:
        return App.create(**values | {"name": name, "settings": {**chat.app.settings, "base_url": url}})

    return add


@contextmanager
def at_work(crew: Crew, silent: socket.socket) -> Iterator[Workers]:
    """The threads of a worker; at the end, the silent server hangs up."""
    queue.bell.listen()
    workers = Workers(crew)
    workers.start()
    try:
        yield workers
    finally:
        silent.close()
        workers.stop(graceful=True)


def asked(app: App, trigger: CheckTrigger = CheckTrigger.DAILY) -> Check:
    return asking.ask(app, "Olga", trigger)


def of(checks: list[Check]) -> list[str]:
    return [Check.get_by_id(check.id).state for check in checks]


def hanging(add: Callable[[str, str], App], silent: socket.socket, count: int) -> list[Check]:
    """Each of these apps has a host of its own."""
    port = silent.getsockname()[1]
    return [asked(add(f"Hanging {number}", f"http://127.0.1.{number + 1}:{port}")) for number in range(count)]


def test_apps_that_hang_delay_no_other(chat: Chat, add, silent):
    first = hanging(add, silent, 6)
    others = [asked(add(f"App {number}")) for number in range(4)]
    with at_work(Crew(checks=2, most_checks=8, workers=12, patience=0.05), silent) as workers:
        until(lambda: set(of(others)) == {CheckState.SUCCEEDED})
        assert set(of(first)) == {CheckState.RUNNING} and workers.crew.busy >= 6
    assert set(of(first)) == {CheckState.QUEUED}, "each is tried again later"


def test_a_check_asked_for_by_hand_is_done_while_all_workers_for_checks_hang(chat: Chat, add, silent):
    first = hanging(add, silent, 2)
    [waiting, by_hand] = asked(add("App")), asked(add("By hand"), CheckTrigger.HAND)
    with at_work(Crew(checks=2, most_checks=2, workers=4, patience=0.05), silent):
        until(lambda: of([by_hand, *first]) == [CheckState.SUCCEEDED, CheckState.RUNNING, CheckState.RUNNING])
        remove(chat, 3)
        until(lambda: Task.select().where(Task.state == TaskState.DONE).exists())
        assert email(3) not in chat.emails() and of([waiting, *first]) == ["queued", "running", "running"]
        silent.close()
        until(lambda: of([waiting]) == [CheckState.SUCCEEDED])


def test_a_click_is_done_before_the_checks_that_wait(chat: Chat, add, silent):
    daily = [asked(add(f"App {number}")) for number in range(3)]
    assert asked(App.get_by_id(daily[2].app_id), CheckTrigger.HAND).id == daily[2].id
    with at_work(Crew(checks=1, most_checks=1, workers=1), silent):
        until(lambda: set(of(daily)) == {CheckState.SUCCEEDED})
    begun = Check.select().where(Check.id.in_([check.id for check in daily])).order_by(Check.started_at)
    assert [check.id for check in begun] == [daily[2].id, daily[0].id, daily[1].id]
