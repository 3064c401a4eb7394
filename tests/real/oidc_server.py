"""A real provider of OpenID Connect, npm's oidc-provider: everyone in `people` signs in with any password.
The fixture `oidc_server` has not started it yet: it must know Rollcall's address."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from connectors.oidc import discovery
from sync.sign_in import oidc
from tests.parts import free_port
from tests.real.servers import need_server, node

SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
CLIENT, SECRET = "rollcall", "the-client-secret-of-rollcall"
READY_SECONDS = 60


class OidcServer:
    """`people` is login → claims, as they are when it starts. Stopped and started again it has the same address."""

    def __init__(self, folder: Path):
        self._installed, self._log = need_server("oidc-provider"), folder / "oidc.log"
        self._port = free_port()
        self._process: subprocess.Popen | None = None
        self.issuer = f"http://127.0.0.1:{self._port}"
        self.people: dict[str, dict] = {}

    def start(self, rollcall: str) -> None:
        """Rollcall is at this address, and is the one client."""
        client = {
            "client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [rollcall + oidc.RETURN],
            "post_logout_redirect_uris": [rollcall + oidc.SIGNED_OUT],
        }  # fmt: skip
        response = {"port": self._port, "client": client, "people": self.people}
        with self._log.open("w") as log:
            command = [node(), SCRIPT, self._installed]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        self._process.stdin.write(json.dumps(response).encode())
        self._process.stdin.close()
        deadline = time.monotonic() + READY_SECONDS
        while "ready" not in self._log.read_text().splitlines():
            alive = self._process.poll() is None and time.monotonic() < deadline
            assert alive, f"oidc-provider did not start: {self._log.read_text()}"
            time.sleep(0.05)
        discovery.clear(self.issuer)

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)


class Visitor:
    """A headless browser at the provider: signs in, consents, signs out."""

    def __init__(self, server: OidcServer):
        self._server, self._session = server, requests.Session()
        self._session.trust_env = False

    def go(self, address: str, login: str = "") -> str:
        """Through the provider's pages, until it sends the browser to an address that isn't its own."""
        answer = self._session.get(address, allow_redirects=False)
        for _ in range(20):
            if answer.is_redirect:
                target = urljoin(answer.url, answer.headers["Location"])
                if not target.startswith(self._server.issuer):
                    return target
                answer = self._session.get(target, allow_redirects=False)
                continue
            assert answer.ok, answer.text
            action = urljoin(answer.url, unescape(re.search(r'<form[^>]* action="([^"]+)"', answer.text)[1]))
            fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)"', answer.text))
            if 'name="login"' in answer.text:
                fields |= {"login": login, "password": "any"}
            answer = self._session.post(action, data=fields | {"logout": "yes"}, allow_redirects=False)
        raise AssertionError(f"no way out of {answer.url}")


@pytest.fixture
def oidc_server(tmp_path: Path) -> Iterator[OidcServer]:
    server = OidcServer(tmp_path)
    yield server
    server.stop()
    discovery.clear(server.issuer)
