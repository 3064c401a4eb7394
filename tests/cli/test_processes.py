"""Pages and work apart: two `web` and two `worker` processes share one installation, and one of them may die."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from sync import activity
from sync.db import utcnow
from sync.jobs import asking
from sync.models import Account, App, Check, Session, Task
from tests.cli.conftest import OWNER, PASSWORD, CommandLine, until
from tests.cli.forks import Started
from tests.demo.apps import ChatApp
from tests.parts import free_port

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"|"X-CSRFToken": "([^"]+)"')


@dataclass
class Processes:
    webs: list[str]  # their addresses
    workers: list[Started]


@contextmanager
def running(rollcall: CommandLine, webs: int = 2, workers: int = 2) -> Iterator[Processes]:
    with ExitStack() as stack:
        addresses = [f"127.0.0.1:{free_port()}" for _ in range(webs)]
        logs = [stack.enter_context((rollcall.folder / f"{n}.log").open("a+")) for n in range(webs + workers)]
        started = [
            rollcall.start("web", stderr=log, ROLLCALL_LISTEN=address, ROLLCALL_URL=f"http://{address}")
            for log, address in zip(logs, addresses)
        ]
        started += [rollcall.start("worker", stderr=log) for log in logs[webs:]]
        for process in started:
            stack.callback(process.wait, 60)
            stack.callback(process.kill)
        for process in started[:webs]:
            assert process.stdout.readline()
        until(lambda: all("runs the queue" in Path(log.name).read_text() for log in logs[webs:]))
        yield Processes([f"http://{address}" for address in addresses], started[webs:])


def csrf(browser: requests.Session, url: str) -> str:
    return next(filter(None, TOKEN.search(browser.get(url, timeout=30).text).groups()))


def sign_in(browser: requests.Session, web: str, password: str = PASSWORD) -> requests.Response:
    form = {"email": OWNER, "password": password, "csrf_token": csrf(browser, f"{web}/sign-in")}
    return browser.post(f"{web}/session", data=form, timeout=30, allow_redirects=False)


def holder(rollcall: CommandLine, model: type, processes: Processes) -> Started:
    """The worker process that works on the only row that runs."""
    with rollcall.core():
        owner = model.get(model.state == "running").lease_owner
    return next(worker for worker in processes.workers if f":{worker.pid}:" in owner)


def test_two_web_and_two_worker_processes_do_the_main_job_and_one_dies_in_it(
    rollcall: CommandLine, connected_chat: ChatApp, staff
) -> None:
    with running(rollcall) as processes:
        browser, (one, other) = requests.Session(), processes.webs
        assert sign_in(browser, one).status_code == 303
        connected_chat.fault("hang", on="/members", times=1)
        asked = browser.post(f"{one}/apps/1/checks", data={"csrf_token": csrf(browser, f"{other}/apps/1")}, timeout=30)
        assert asked.status_code == 200, "signed in at one, and so at the other"
        watched = asked.url.replace(one, other)
        assert watched.startswith(other) and "Cancel" in browser.get(watched, timeout=30).text, "it runs"
        until(lambda: connected_chat.calls("/members"))
        holder(rollcall, Check, processes).send_signal(signal.SIGKILL)
        with rollcall.core():
            check = until(lambda: Check.get_or_none(Check.state == "succeeded"))
        assert check.accounts == 5 and "5" in browser.get(watched, timeout=30).text
        connected_chat.clear()

        staff.leave("Tom")
        assert rollcall.json("check", "Chat", code=3)["waiting"] == 1
        connected_chat.fault("hang", on="/members/", method="DELETE", times=1)
        processes.workers.append(rollcall.start("worker"))  # beside the one that is left
        rollcall.run("finish", "Chat", "--yes")
        until(lambda: connected_chat.calls("DELETE"))
        holder(rollcall, Task, processes).send_signal(signal.SIGKILL)
        with rollcall.core():
            until(lambda: Task.get_or_none(Task.state == "done"))
            assert Task.select().count() == 1 and Account.get(Account.email == "tom@acme.example").state == "gone"
            assert activity.verify().ok
        connected_chat.clear()
        assert connected_chat.removed() == ["tom@acme.example"]
        for worker in processes.workers:
            worker.kill()


def test_a_session_and_wrong_passwords_count_in_both_web_processes(rollcall: CommandLine) -> None:
    with running(rollcall, workers=0) as processes:
        one, other = processes.webs
        browser = requests.Session()
        sign_in(browser, one)
        with rollcall.core():
            Session.delete().execute()  # as signing out everywhere does
        for web in (one, other):
            assert browser.get(f"{web}/account", timeout=30, allow_redirects=False).status_code in (303, 404)
        stranger = requests.Session()
        answers = [sign_in(stranger, web, "wrong").status_code for web in (one, other, one, other, one, other, one)]
        assert answers[:5] == [422] * 5 and answers[5:] == [429] * 2, answers


def test_a_daily_check_runs_once_although_two_workers_keep_the_schedule(
    rollcall: CommandLine, connected_chat: ChatApp
) -> None:
    with rollcall.core():
        App.update(next_check_at=utcnow()).execute()
    with running(rollcall, webs=0), rollcall.core():
        until(lambda: Check.get_or_none(Check.state == "succeeded"))
        next_one = asking.ask(App.get(), "Olga")
        until(lambda: Check.get_or_none(Check.id == next_one.id, Check.state == "succeeded"))
        assert Check.select().where(Check.trigger == "daily").count() == 1


def test_a_server_of_everything_and_workers_exclude_each_other(rollcall: CommandLine) -> None:
    with running(rollcall, webs=0, workers=1):
        refused = rollcall.run("serve", code=1, ROLLCALL_LISTEN=f"127.0.0.1:{free_port()}")
        assert "runs on" in refused.err and "already" in refused.err


@pytest.mark.parametrize("way", ["SIGTERM", "SIGKILL"])
def test_a_worker_that_ends_leaves_the_bell_to_the_others(rollcall: CommandLine, connected_chat: ChatApp, way) -> None:
    with running(rollcall, webs=0) as processes:
        processes.workers[0].send_signal(signal.Signals[way])
        processes.workers[0].wait(30)
        with rollcall.core():
            check = asking.ask(App.get(), "Olga")
            until(lambda: Check.get_or_none(Check.id == check.id, Check.state == "succeeded"))
