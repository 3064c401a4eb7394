"""`serve`, `web`, `worker`: starting, stopping, being killed, and what they refuse."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
import requests

from cli.pages import Pages
from sync.apps import apps
from sync.db import utcnow
from sync.jobs import asking as jobs_asking
from sync.models import App, Check
from tests import database
from tests.cli.conftest import OWNER, PASSWORD, ROOT, CommandLine, until
from tests.parts import free_port


def asked_for_a_check(rollcall: CommandLine) -> int:
    with rollcall.core():
        return jobs_asking.ask(apps.by_name("Chat"), "a page").id


def ended(rollcall: CommandLine, check_id: int) -> Check:
    """The check once it has ended."""
    with rollcall.core():
        return until(lambda: Check.get_or_none(Check.id == check_id, Check.state.not_in(("queued", "running"))), 60)


def test_the_first_start_prints_its_address_and_a_link_that_works_once(empty):
    with empty.served() as server:
        assert server.first_line.strip() == f"Rollcall is at {empty.url}"
        link = re.search(r"http://\S+/setup\?token=\S+", server.stdout.readline()).group()
        assert empty.get("/healthz").text == "ok\n"
        assert empty.get("/setup").status_code == 404
        assert requests.get(link, timeout=30).status_code == 200
        empty.run("setup", "--workspace", "Acme", "--email", OWNER, "--password-stdin", stdin=PASSWORD)
        assert requests.get(link, timeout=30, allow_redirects=False).status_code in (303, 404)
        assert empty.stop(server) == 0
    with empty.served() as server:
        assert empty.stop(server, signal.SIGINT) == 0
        assert "setup" not in server.first_line + server.stdout.read()
    with pytest.raises(requests.ConnectionError):
        empty.get("/healthz")


def test_asked_to_stop_in_the_middle_of_a_check_it_finishes_it(rollcall, connected_chat):
    connected_chat.fault("hang", on="/members")
    with rollcall.served() as server:
        check_id = asked_for_a_check(rollcall)
        until(lambda: connected_chat.calls("/members"))
        server.send_signal(signal.SIGTERM)
        until(lambda: "Finishing" in (rollcall.folder / "serve.log").read_text())
        assert server.poll() is None, "the check is under way"
        connected_chat.clear()
        assert server.wait(60) == 0
    assert (ended(rollcall, check_id).state, ended(rollcall, check_id).accounts) == ("succeeded", 5)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_asked_twice_it_stops_at_once(rollcall, connected_chat):
    connected_chat.fault("hang", on="/members")
    with rollcall.served() as server:
        asked_for_a_check(rollcall)
        until(lambda: connected_chat.calls("/members"))
        server.send_signal(signal.SIGTERM)
        until(lambda: "Finishing" in (rollcall.folder / "serve.log").read_text())
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == -signal.SIGTERM


def test_killed_in_the_middle_of_a_check_the_next_start_continues(rollcall, connected_chat):
    connected_chat.fault("hang", on="/members")
    with rollcall.served() as server:
        check_id = asked_for_a_check(rollcall)
        until(lambda: connected_chat.calls("/members"))
        assert rollcall.stop(server, signal.SIGKILL) == -signal.SIGKILL
    connected_chat.clear()
    with rollcall.served() as server:
        assert ended(rollcall, check_id).state == "succeeded"
        assert rollcall.stop(server) == 0
    assert rollcall.json("activity", "--verify")["ok"] is True


def test_a_daily_check_that_is_due_at_the_start_runs_once(rollcall, connected_chat):
    with rollcall.core():
        App.update(next_check_at=utcnow()).execute()
    with rollcall.served() as server:
        assert ended(rollcall, 1).trigger == "daily"
        assert rollcall.stop(server) == 0
    with rollcall.core():
        assert Check.select().count() == 1


def test_a_port_in_use_is_reported_and_nothing_started(empty):
    with socket.socket() as other:
        other.bind(("127.0.0.1", empty.port))
        other.listen()
        for command in ("serve", "web"):
            answer = empty.run(command, code=1)
            assert f"127.0.0.1:{empty.port} can't be served" in answer.err and "ROLLCALL_LISTEN" in answer.err
            assert answer.out == ""


@database.ON_FILE
def test_a_second_server_and_a_restore_are_refused_while_one_runs(rollcall):
    with rollcall.served() as server:
        rollcall.run("backup", "copy.db")
        for command in (["serve"], ["worker"]):
            second = rollcall.run(*command, code=1, ROLLCALL_LISTEN=f"127.0.0.1:{free_port()}")
            assert "runs on" in second.err and "already" in second.err
        assert "Stop it first" in rollcall.run("restore", "copy.db", code=1).err
        assert rollcall.get("/healthz").status_code == 200
        assert rollcall.stop(server) == 0
    rollcall.run("restore", "copy.db")


def test_pages_and_worker_apart(rollcall, connected_chat):
    with rollcall.served("web") as web:
        assert rollcall.get("/healthz").status_code == 503, "nobody works the queue"
        check_id = asked_for_a_check(rollcall)
        with rollcall.served("worker") as worker:
            assert ended(rollcall, check_id).state == "succeeded"
            assert rollcall.get("/healthz").status_code == 200
            assert rollcall.stop(worker) == 0
        assert rollcall.stop(web) == 0


# With a job that each long-running process does: it stops the process. One that never does its jobs runs on.
WITH_A_JOB = """
import os, signal, sys
sys.path.insert(0, {root!r})
from app import create_app
from cli import command_line, serve
from sync.jobs import queue

serve.HEALTH_SECONDS = 0.01
queue.in_each_process(lambda now: os.kill(os.getpid(), signal.SIGTERM))
command_line(create_app)
"""


@pytest.mark.parametrize("command", ["serve", "web", "worker"])
def test_each_process_that_runs_on_does_the_jobs_for_its_own_memory(rollcall, command):
    run = [sys.executable, "-c", WITH_A_JOB.format(root=str(ROOT)), command]
    done = subprocess.run(run, env=rollcall.environ, cwd=rollcall.folder, timeout=60, capture_output=True, text=True)
    assert done.returncode == 0 and "Finishing" in done.stderr, done.stderr


def test_requests_made_before_the_stop_are_answered():
    arrived, go_on = threading.Event(), threading.Event()

    def slow(environ, start_response):
        arrived.set()
        go_on.wait(30)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "1000000")])
        return [b"x" * 1_000_000]

    port = free_port()
    pages, answered = Pages(slow, "127.0.0.1", port), []
    asking = threading.Thread(target=lambda: answered.append(requests.get(f"http://127.0.0.1:{port}/", timeout=30)))
    asking.start()
    arrived.wait(30)
    stopping = threading.Thread(target=pages.stop)
    stopping.start()
    until(lambda: not answers(port))
    go_on.set()
    asking.join(30)
    stopping.join(30)
    assert len(answered[0].content) == 1_000_000 and not stopping.is_alive()


def test_a_host_with_two_addresses_is_served_on_both(empty):
    def nothing(environ, start_response):
        start_response("204 No Content", [])
        return []

    pages = Pages(nothing, "localhost", empty.port)
    try:
        assert requests.get(f"http://localhost:{empty.port}/", timeout=30).status_code == 204
    finally:
        pages.stop()
    assert not answers(empty.port)


def test_finish_without_waiting_leaves_its_tasks_to_the_next_server(rollcall, connected_chat, staff):
    rollcall.run("check", "Chat")
    staff.leave("Tom")
    assert rollcall.json("check", "Chat", code=3)["waiting"] == 1, "a check reads the directory automatically"
    done = rollcall.json("finish", "Chat", "--yes")
    assert [task["state"] for task in done["tasks"]] == ["queued"]
    assert "tom@acme.example" in connected_chat.emails()
    with rollcall.served() as server:
        waited = rollcall.json("finish", "Chat", "--yes", "--wait")
        assert [task["state"] for task in waited["tasks"]] == ["done"]
        assert rollcall.stop(server) == 0
    assert connected_chat.removed() == ["tom@acme.example"]
