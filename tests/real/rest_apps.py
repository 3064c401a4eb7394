"""Three real apps of other makers, each started on a free port in a folder of its own, filled over its own API.
Rollcall knows each by one file of docs/connectors."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import requests

from tests.made_once import made_once, version_of_postgres
from tests.parts import free_port
from tests.real.postgres import own_server
from tests.real.servers import SERVERS, need_server, path_with_node

READY_SECONDS = 90
PASSWORD = "correct-horse-battery-staple"
TOKEN = "a-token-of-the-real-app-0123456789abcdef"
SIGNING_KEY = "ed25519 a_test AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"  # of a homeserver that knows no other
HUB_CONFIG = '''
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    """The hub alone: nobody starts a notebook here."""
    should_start = False
    def __init__(self, **options):
        super().__init__(**options)
        self.routes = {}
    async def get_all_routes(self):
        return self.routes
    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}
    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)

scopes = ["admin:users", "admin:groups", "list:users", "list:groups"]
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.hub_bind_url = "http://127.0.0.1:%(port)d"
c.JupyterHub.bind_url = "http://127.0.0.1:%(other_port)d"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"root@acme.example"}
c.JupyterHub.services = [{"name": "rollcall", "api_token": "%(token)s"}]
c.JupyterHub.load_roles = [{"name": "rollcall", "services": ["rollcall"], "scopes": scopes}]
'''


class RealApp:
    """settings: the connector's fields. add(emails) adds people, and emails() lists who can still use the app.."""

    name = ""
    path = "/"  # answers as soon as it is ready
    administrator = ""  # the e-mail of an account that was there before

    def __init__(self, folder: Path):
        self.installed, self.folder, self.port = need_server(self.name), folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.session = requests.Session()
        self.session.trust_env = False

    def start(self) -> None:
        self.prepare()
        place = {"cwd": self.folder, "env": self.environ()}
        with (self.folder / "log.txt").open("w") as log:
            self._process = subprocess.Popen(self.command(), **place, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            alive = self._process.poll() is None and time.monotonic() < deadline
            assert alive, f"{self.name} did not start: {(self.folder / 'log.txt').read_text()[-3000:]}"
            time.sleep(0.1)
        self.after_start()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    def _is_ready(self) -> bool:
        try:
            return self.session.get(self.url + self.path, timeout=5).ok
        except requests.RequestException:
            return False

    def prepare(self) -> None:
        pass

    def after_start(self) -> None:
        pass

    def command(self) -> list:
        raise NotImplementedError

    def environ(self) -> dict[str, str]:
        return dict(os.environ)

    def run(self, command: list) -> None:
        place = {"cwd": self.folder, "env": self.environ()}
        subprocess.run(command, **place, check=True, capture_output=True, timeout=READY_SECONDS)

    def ask(self, method: str, path: str, body: object = None) -> dict:
        answer = self.session.request(method, self.url + path, json=body, timeout=60)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}


class Directus(RealApp):
    name, path, administrator = "directus", "/server/ping", "root@acme.example.com"

    @property
    def settings(self) -> dict[str, str]:
        return {"base_url": self.url, "token": TOKEN}

    def environ(self) -> dict[str, str]:
        database = self._server.settings()
        return {
            **os.environ, "PATH": path_with_node(),
            "HOST": "127.0.0.1", "PORT": str(self.port), "DB_CLIENT": "pg", "DB_HOST": database["host"],
            "DB_PORT": database["port"], "DB_USER": database["user"], "DB_PASSWORD": database["password"],
            "DB_DATABASE": "postgres", "SECRET": PASSWORD * 2, "ADMIN_EMAIL": self.administrator,
            "ADMIN_PASSWORD": PASSWORD, "ADMIN_TOKEN": TOKEN, "LOG_LEVEL": "warn", "TELEMETRY": "false",
            "PRESSURE_LIMITER_ENABLED": "false",  # it refuses requests while the machine is busy with other tests
        }  # fmt: skip

    def prepare(self) -> None:
        by = f"{version_of_postgres()} {SERVERS[self.name]} {self.administrator} {PASSWORD} {TOKEN}"
        self._server = own_server(made_once("directus-database", by, self._make_database))
        self._server.start()

    def _make_database(self, folder: Path) -> None:
        """Its tables, and its administrator."""
        self._server = own_server()
        self._server.start()
        self.run([self.installed / "node_modules/.bin/directus", "bootstrap"])
        self._server.stop()
        shutil.copytree(self._server.data, folder)
        shutil.rmtree(self._server.folder)

    def command(self) -> list:
        return [self.installed / "node_modules/.bin/directus", "start"]

    def stop(self) -> None:
        super().stop()
        self._server.stop()
        shutil.rmtree(self._server.folder)

    def after_start(self) -> None:
        self.session.headers["Authorization"] = f"Bearer {TOKEN}"
        self.role = self.ask("POST", "/roles", {"name": "Editor"})["data"]["id"]

    def add(self, emails: list[str]) -> None:
        self.ask("POST", "/users?fields=id", [{"email": email, "role": self.role} for email in emails])

    def emails(self) -> set[str]:
        return {user["email"] for user in self.ask("GET", "/users?limit=-1&fields=email")["data"]}


class Synapse(RealApp):
    name, path, administrator = "synapse", "/health", ""

    @property
    def settings(self) -> dict[str, str]:
        return {"base_url": self.url, "user": "root", "password": PASSWORD}

    def prepare(self) -> None:
        quick = {"per_second": 1000, "burst_count": 1000}
        config = {
            "server_name": "acme.example", "signing_key": SIGNING_KEY, "report_stats": False,
            "registration_shared_secret": PASSWORD, "macaroon_secret_key": PASSWORD, "form_secret": PASSWORD,
            "database": {"name": "sqlite3", "args": {"database": str(self.folder / "homeserver.db")}},
            "media_store_path": str(self.folder / "media"),
            "listeners": [{"bind_addresses": ["127.0.0.1"], "port": self.port, "type": "http", "tls": False,
                           "resources": [{"names": ["client"]}]}],
            "trusted_key_servers": [], "bcrypt_rounds": 4,
            "rc_login": {kind: quick for kind in ("address", "account", "failed_attempts")},
        }  # fmt: skip
        (self.folder / "homeserver.yaml").write_text(json.dumps(config))

    def command(self) -> list:
        return [self.installed / "bin/python", "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]

    def after_start(self) -> None:
        self._register_administrator("root")
        who = {"type": "m.id.user", "user": "root"}
        login = {"type": "m.login.password", "identifier": who, "password": PASSWORD}
        token = self.ask("POST", "/_matrix/client/v3/login", login)["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def _register_administrator(self, user: str) -> None:
        """By the shared secret, as Synapse's own script does ("Shared-Secret Registration" of its documentation)."""
        path = "/_synapse/admin/v1/register"
        nonce = self.ask("GET", path)["nonce"]
        signed = hmac.new(PASSWORD.encode(), "\0".join([nonce, user, PASSWORD, "admin"]).encode(), hashlib.sha1)
        about = {"nonce": nonce, "username": user, "password": PASSWORD, "admin": True, "mac": signed.hexdigest()}
        self.ask("POST", path, about)

    def add(self, emails: list[str]) -> None:
        for email in emails:
            address = [{"medium": "email", "address": email}]
            self.ask("PUT", f"/_synapse/admin/v2/users/{self._id(email)}", {"threepids": address, "displayname": email})

    def emails(self) -> set[str]:
        """A deactivated account no longer has an address."""
        users = self.ask("GET", "/_synapse/admin/v2/users?limit=1000")["users"]
        return {user["displayname"] for user in users} - {"root"}

    def _id(self, email: str) -> str:
        return f"@{email.partition('@')[0]}:acme.example"


class JupyterHub(RealApp):
    name, path, administrator = "jupyterhub", "/hub/api/", "root@acme.example"

    @property
    def settings(self) -> dict[str, str]:
        return {"base_url": f"{self.url}/hub/api", "token": TOKEN}

    def prepare(self) -> None:
        config = HUB_CONFIG % {"port": self.port, "other_port": free_port(), "token": TOKEN}
        (self.folder / "jupyterhub_config.py").write_text("c = get_config()\n" + config)

    def command(self) -> list:
        return [self.installed / "bin/jupyterhub"]

    def after_start(self) -> None:
        self.session.headers["Authorization"] = f"token {TOKEN}"

    def add(self, emails: list[str]) -> None:
        self.ask("POST", "/hub/api/users", {"usernames": emails})

    def emails(self) -> set[str]:
        return {user["name"] for user in self.ask("GET", "/hub/api/users?limit=200")}


REAL_APPS = {app.name: app for app in (Directus, Synapse, JupyterHub)}
