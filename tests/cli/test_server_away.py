"""The PostgreSQL server is killed and started again, and ends connections in the middle of their work: the processes of
Rollcall stay, say what is wrong, and continue automatically."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import requests

from tests import database
from tests.cli.conftest import OWNER, PASSWORD, CommandLine, connect, until
from tests.cli.test_move import address  # noqa: F401
from tests.cli.test_processes import csrf, sign_in
from tests.demo.apps import ChatApp
from tests.real.postgres import Postgres, postgres, postgres_server  # noqa: F401

pytestmark = database.ON_SERVER


@contextmanager
def serving(rollcall: CommandLine) -> Iterator[None]:
    with rollcall.served("web"), rollcall.served("worker"):
        yield


@pytest.fixture
def on_server(empty: CommandLine, address: str, chat: ChatApp) -> CommandLine:  # noqa: F811
    """A workspace on the server, with Acme Chat."""
    empty.environ["ROLLCALL_DATABASE"] = address
    empty.run("setup", "--workspace", "Acme", "--email", OWNER, "--password-stdin", stdin=PASSWORD)
    (empty.folder / "token").write_text(chat.token + "\n")
    connect(empty, "sample-chat", "Chat", chat.url)
    return empty


def crash(server: Postgres) -> None:
    """kill -9 of the server's first process; the others end as soon as they notice."""
    pids = [pid for (pid,) in server.ask("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")]
    server.stop(signal.SIGKILL)
    until(lambda: not any(map(_lives, pids)))


def _lives(pid: int) -> bool:
    """Not one that has ended and that nobody has asked about: it keeps its number."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    return False


def succeeded(address: str) -> bool:  # noqa: F811
    with psycopg.connect(address) as connection:
        return connection.execute("SELECT state FROM app_check").fetchone() == ("succeeded",)


def test_the_server_is_killed_in_the_middle_of_a_check_and_started_again(
    on_server: CommandLine, address: str, chat: ChatApp, postgres: Postgres  # noqa: F811
) -> None:
    with serving(on_server):
        browser = requests.Session()
        assert sign_in(browser, on_server.url).status_code == 303
        chat.fault("hang", on="/members", times=1)
        browser.post(f"{on_server.url}/apps/1/checks", data={"csrf_token": csrf(browser, f"{on_server.url}/apps/1")})
        until(lambda: chat.calls("/members"))
        crash(postgres)
        health = on_server.get("/healthz")  # answers once no connection has come for some seconds
        assert health.status_code == 503 and "database server doesn't answer" in health.text
        page = browser.get(f"{on_server.url}/apps/1", timeout=30)
        assert page.status_code == 503 and "Retry-After" in page.headers
        chat.clear()
        postgres.start()
        until(lambda: browser.get(f"{on_server.url}/apps/1", timeout=30).status_code == 200)
        on_server.until_within_minutes(lambda: succeeded(address))
        until(lambda: on_server.get("/healthz").status_code == 200)
    assert "unchanged" in on_server.run("activity", "--verify").out
    refused = on_server.run("apps", "list", code=1, ROLLCALL_HOME=str(on_server.folder / "another machine"))
    assert "isn't the key of this database" in refused.err, "a second machine needs the key file of the first"


def test_connections_that_the_server_ends_again_and_again_cost_no_work(
    on_server: CommandLine, address: str, chat: ChatApp, postgres: Postgres  # noqa: F811
) -> None:
    with serving(on_server):
        browser = requests.Session()
        assert sign_in(browser, on_server.url).status_code == 303
        browser.post(f"{on_server.url}/apps/1/checks", data={"csrf_token": csrf(browser, f"{on_server.url}/apps/1")})
        for _ in range(20):
            postgres.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'moved'")
        on_server.until_within_minutes(lambda: succeeded(address))
        until(lambda: browser.get(f"{on_server.url}/apps/1", timeout=30).status_code == 200)
    assert "unchanged" in on_server.run("activity", "--verify").out
