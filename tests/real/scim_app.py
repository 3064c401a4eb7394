"""A real SCIM 2.0 app, scim2-server, in memory on a free port; for every test that needs an app of another maker.
Folders whose tests need it name its fixture `scim_app` in their conftest.py."""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from connectors.scim.connector import Scim
from tests.parts import free_port, need

TOKEN = "the-token-of-the-scim-app"
READY_SECONDS = 60
AT_ONCE = 500  # operations in one Bulk call; the server takes 1,000
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


# Imports the server once, which is most of what a start takes, and forks for each order: a log, then arguments.
RUN = """
import json, os, sys
from scim2_server.testserver.cli import main
for line in sys.stdin:
    log, *arguments = json.loads(line)
    if (pid := os.fork()) == 0:
        for stream in (1, 2):
            os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        sys.argv[1:] = arguments
        main()
        os._exit(0)
    print(pid, flush=True)
"""


@functools.cache
def _forks() -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class ScimServer:
    """The process; one serves any number of apps, each under a name of its own. `stop` and `start` again empty it."""

    def __init__(self, folder: Path, config: Path | None = None):
        self._port, self._log, self._config = free_port(), folder / "scim2-server.log", config

    def start(self) -> None:
        arguments = ["--port", str(self._port), "--bearer-token", TOKEN, "--dynamic-tenants"]
        arguments += ["--service-provider-config", str(self._config)] if self._config else []
        forks = _forks()
        print(json.dumps([str(self._log), *arguments]), file=forks.stdin, flush=True)
        self._process = os.pidfd_open(int(forks.stdout.readline()))
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            alive = not self._has_ended(0.02) and time.monotonic() < deadline
            assert alive, f"scim2-server did not start: {self._log.read_text()}"

    def _is_ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        return True

    def _has_ended(self, seconds: float) -> bool:
        return bool(select.select([self._process], [], [], seconds)[0])

    def stop(self) -> None:
        signal.pidfd_send_signal(self._process, signal.SIGTERM)
        assert self._has_ended(60)
        os.close(self._process)

    def app(self) -> ScimApp:
        """A fresh app with nobody in it."""
        return ScimApp(f"http://127.0.0.1:{self._port}/{uuid.uuid4().hex}/v2")


class ScimApp:
    """What is in one app: `add_people`, `add_user`, `add_group`, `users`, `user`, `is_active`, `groups`, `delete`."""

    def __init__(self, url: str):
        self.url = url
        self.settings = {"base_url": url, "token": TOKEN}  # the connector's fields
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {TOKEN}"
        self._session.trust_env = False

    def add_people(self, count: int, role: str = "member") -> None:
        """person0@acme.example and so on, with names and a role."""
        users = [
            {"userName": f"person{n}@acme.example", "displayName": f"Person {n}", "roles": [{"value": role}]}
            for n in range(count)
        ]
        for start in range(0, count, AT_ONCE):
            operations = [
                {"method": "POST", "path": "/Users", "bulkId": str(n), "data": _whole(user)}
                for n, user in enumerate(users[start : start + AT_ONCE])
            ]
            answer = self._call("POST", "Bulk", {"schemas": [BULK], "Operations": operations})
            failed = [one for one in answer["Operations"] if one["status"] != "201"]
            assert not failed, failed[0]

    def add_user(self, email: str, name: str = "", role: str = "", **more: object) -> str:
        """Returns its id."""
        roles = {"roles": [{"value": role, "primary": True}]} if role else {}
        user = {"userName": email, "displayName": name or email} | roles | more
        return self._call("POST", "Users", _whole(user))["id"]

    def add_group(self, name: str, members: list[str]) -> str:
        """`members` are ids of users. Returns its id."""
        group = {"schemas": [GROUP], "displayName": name, "members": [{"value": member} for member in members]}
        return self._call("POST", "Groups", group)["id"]

    def users(self) -> dict[str, dict]:
        """Every user as the server holds it, by userName."""
        return {user["userName"]: user for user in self._all("Users")}

    def user(self, email: str) -> dict | None:
        return self.users().get(email)

    def is_active(self, email: str) -> bool:
        """False for a user who was deactivated or deleted."""
        user = self.user(email)
        return user is not None and user["active"]

    def groups(self) -> dict[str, set[str]]:
        """Name → ids of the members."""
        return {
            group["displayName"]: {member["value"] for member in group.get("members", [])}
            for group in self._all("Groups")
        }

    def delete(self, email: str) -> None:
        self._call("DELETE", f"Users/{self.user(email)['id']}")

    def _all(self, kind: str) -> list[dict]:
        page = self._call("GET", f"{kind}?count=1000")
        assert page["totalResults"] <= 1000, "more than one page: their order is unstable"
        return page.get("Resources", [])

    def _call(self, method: str, path: str, body: dict | None = None) -> dict:
        answer = self._session.request(method, f"{self.url}/{path}", json=body, timeout=30)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}


def _whole(user: dict) -> dict:
    emails = [{"value": user["userName"], "primary": True, "type": "work"}]
    return {"schemas": [USER], "active": True, "emails": emails} | user


@pytest.fixture(scope="session")
def scim_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScimServer]:
    """The server that the tests share; a test that stops or starves one takes `own_scim_server`."""
    need("scim2_server")
    server = ScimServer(tmp_path_factory.mktemp("scim2-server"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def scim_app(scim_server: ScimServer) -> ScimApp:
    """A fresh app with nobody in it."""
    return scim_server.app()


@pytest.fixture
def own_scim_server(tmp_path: Path) -> Iterator[Callable[..., ScimServer]]:
    """Starts a server of the test's own, with some features switched off: own_scim_server("patch", "sort")."""
    need("scim2_server")
    started: list[ScimServer] = []

    def start(*lacking: str) -> ScimServer:
        config = tmp_path / f"config-{len(started)}.json"
        config.write_text(json.dumps(_announcing(lacking)))
        started.append(ScimServer(tmp_path, config))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.stop()


def _announcing(lacking: tuple[str, ...]) -> dict:
    """A ServiceProviderConfig (RFC 7643, 5)."""
    features = {name: {"supported": name not in lacking} for name in ("patch", "filter", "sort", "etag", "bulk")}
    features["filter"] |= {"maxResults": 1000}
    features["bulk"] |= {"maxOperations": 1000, "maxPayloadSize": 1048576}
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "changePassword": {"supported": False},
        "authenticationSchemes": [],
        **features,
    }


@pytest.fixture
def scim(scim_app: ScimApp) -> Iterator[Scim]:
    """The connector, connected to the real app."""
    connector = Scim(scim_app.settings)
    yield connector
    connector.close()
