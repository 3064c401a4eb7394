"""Every outgoing door asks where it may connect, and a private address counts as long as who entered it may."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playhouse.migrations import Runner

import connectors
from connectors.base import ConnectorError
from connectors.oidc import discovery
from connectors.tools import net
from connectors.tools.net import HostRefused
from connectors.tools.oauth import ask_for_token
from sync import vault
from sync.apps import apps, drafts
from sync.checks import checks
from sync.config import Config
from sync.db import MIGRATIONS, db
from sync.directory import directories
from sync.jobs import asking
from sync.models import App, Check, Directory, DirectoryReading, Person
from sync.settings import set_setting, setting
from sync.sign_in import oidc
from sync.sign_in.oidc import Settings
from tests.asking import MACHINE
from tests.database import ON_FILE
from tests.security.listening import PRIVATE, Listener
from tests.web.client import Client

ROOT = Path(__file__).resolve().parents[2]
NOT_SENT = "Nothing was sent"
LDAP = {"starttls": "yes", "bind_dn": "cn=r", "password": "secret", "base_dn": "dc=a", "users": "dc=a", "group": "cn=g"}
SECRET = "never-sent-anywhere"


def shipped(kind: type) -> dict[str, str]:
    """Values that pass the fields of any connector; addresses are put in by `pointed`."""
    return {field.name: (field.choices[0][0] if field.choices else SECRET) for field in kind.fields}


def pointed(kind: type, host: str, port: int) -> dict[str, str] | None:
    """The connector's values with its address set to this host; None where it has no field for one."""
    values = shipped(kind)
    for field in kind.fields:
        if field.name == "host":
            return values | {"host": host, "port": str(port), "ca_file": ""}
        if field.name == "url" and "ldap" in field.pattern:
            return values | LDAP | {"url": f"ldap://{host}:{port}", "ca_file": "", "id_attribute": "", "ends": "",
                                    "disabled": "", "email_attribute": "", "name_attribute": ""}
        if field.name in ("base_url", "address", "url", "domain", "site") and not field.secret:
            return values | {field.name: f"https://{host}:{port}"}
    return None


def with_an_address() -> list[type]:
    kinds = [*connectors.app_connectors().values(), *connectors.directory_connectors().values()]
    return [kind for kind in kinds if pointed(kind, "127.0.0.1", 1)]


@pytest.mark.parametrize("kind", with_an_address(), ids=lambda kind: kind.slug)
def test_every_connector_with_an_address_asks_first(strict, here: Listener, kind: type):
    connector = kind(pointed(kind, "127.0.0.1", here.port))
    with pytest.raises(ConnectorError, match=rf"{NOT_SENT}|https://"):
        connector.test()
    connector.close()
    assert here.connections == 0


def test_connectors_with_an_address_are_found():
    expected = {"scim", "gitlab", "postgresql", "ldap", "ldap-group", "sample-chat", "okta"}
    assert {kind.slug for kind in with_an_address()} >= expected


def test_every_way_of_oauth_and_openid_connect_asks_first(strict, here: Listener):
    place = f"https://127.0.0.1:{here.port}"
    doors: list[Callable] = [
        lambda: ask_for_token(f"{place}/token", {"grant_type": "client_credentials"}, "id", SECRET),
        lambda: connectors.provider(place, "rollcall").metadata(),
        lambda: discovery.get(f"{place}/keys"),
        lambda: discovery.get(f"{place}/userinfo", headers={"Authorization": f"Bearer {SECRET}"}),
    ]
    for door in doors:
        with pytest.raises(HostRefused):
            door()
    assert here.connections == 0


def test_a_socket_of_this_machine_counts_as_loopback(strict):
    kind = connectors.app_connectors()["postgresql"]
    with pytest.raises(HostRefused, match="this machine"):
        kind(pointed(kind, "/var/run/postgresql", 5432)).test()


def test_an_address_of_a_described_app_is_judged_first(strict, here: Listener, tmp_path: Path):
    (tmp_path / "desk.yaml").write_text((ROOT / "tests/connectors/rest/desk.yaml").read_text())
    connectors.load_folder(tmp_path)
    try:
        kind = connectors.app_connectors()["desk"]
        connector = kind(pointed(kind, "127.0.0.1", here.port))
        with pytest.raises(HostRefused):
            connector.test()
    finally:
        connectors.load_folder(tmp_path / "none")
    assert here.connections == 0


OPENS = re.compile(r"socket\.(socket|create_connection)\(|requests\.(get|post|put|patch|delete|request|Session)\(|"
                   r"HTTPS?Connection\(\w*[,)\"]|urllib\.request|urlopen|urllib3\.(PoolManager|request)|"
                   r"ldap3\.(Server|Connection)\(|psycopg\.connect\(|\bSmtp(Tls)?\(|smtplib\.SMTP(_SSL)?\(|"
                   r"\bcreate_connection\(|asyncio\.open_connection|HTTPAdapter\(\)|socketserver|websocket")
DOORS = {
    "connectors/tools/http.py": 1,  # the session, which PinnedAdapter connects for
    "connectors/tools/pinned.py": 1,
    "connectors/ldap/client.py": 1,  # the connection to a server that net.py pinned
    "connectors/postgres/client.py": 2,  # psycopg.connect, and the socket of a connection that is there
    "sync/mail/smtp_talk.py": 1,  # the mail server, at an address that private_networks allowed
    # Rollcall's own database, which only the environment names
    **dict.fromkeys(("cli/server_health.py", "cli/server_locks.py", "sync/jobs/server_bell.py", "sync/moving.py",
                     "sync/postgres/pooler.py"), 1),
}


def test_no_connection_is_opened_anywhere_else():
    """Add each new door here, and a real refused connection above."""
    found = {}
    for folder in ("connectors", "sync", "web", "cli"):
        for file in (ROOT / folder).rglob("*.py"):
            lines = [line for line in file.read_text().splitlines()
                     if OPENS.search(line) and not line.startswith("class ")]
            if lines:
                found[str(file.relative_to(ROOT))] = len(lines)
    assert found == DOORS


def scim(address: str) -> dict[str, str]:
    return {"base_url": address, "token": SECRET}


@pytest.fixture
def private(inside: Listener) -> str:
    return f"https://{PRIVATE}:{inside.port}/scim/v2"


def draft(browser: Client, address: str) -> tuple[App, str]:
    app_id = browser.draft("scim")
    page = browser.post(f"/apps/{app_id}/connection", app_name="Inside", **scim(address))
    return App.get_by_id(app_id), page.text


def test_an_owner_of_the_workspace_enters_a_private_address_and_an_admin_doesnt(
    config: Config, home, olga: Person, someone, private: str, inside: Listener, site
):
    connectors.allow_networks(())
    admin = Client(site, someone(role="admin"))
    app, shown = draft(admin, private)
    assert "private network" in shown and NOT_SENT in shown
    assert app.private_network_approver is None and inside.connections == 0
    superior = Client(site, someone("Sam Super", role="super admin"))
    assert draft(superior, private)[0].private_network_approver is None and inside.connections == 0
    app, shown = draft(Client(site, olga), private)
    assert "private network" not in shown and inside.connections > 0
    assert app.private_network_approver == "Olga Brandt <olga@acme.example>"


@pytest.fixture
def connected_app(home, olga: Person, by: str, private: str) -> App:
    return App.create(connector="scim", name="Inside", category="Seat-based", state="active",
                      private_network_approver=by,
                      settings={"base_url": private}, credential=vault.seal({"token": SECRET}))


def checked(app: App) -> str:
    checks.run(asking.ask(app, "tests", "hand").id)
    return Check.select().where(Check.app == app).order_by(Check.id.desc()).get().error


def test_the_approval_is_kept_and_is_only_for_that_address(connected_app: App, private: str, inside: Listener, by: str):
    connectors.allow_networks(())
    checked(connected_app)
    assert inside.connections > 0, "a check reaches it"
    with pytest.raises(ConnectorError) as answered:
        apps.replace_credential(connected_app, scim(private) | {"token": "new"}, MACHINE)
    assert not isinstance(answered.value, HostRefused), "the same place with another secret"
    connections = inside.connections
    with pytest.raises(HostRefused):
        apps.replace_credential(connected_app, scim(private.replace("/scim/v2", "/other")), MACHINE)
    with pytest.raises(HostRefused):
        drafts.enter(drafts.start("scim", Person.get()), "Mine", scim(private))
    assert inside.connections == connections
    App.update(private_network_approver=None).where(App.id == connected_app.id).execute()
    assert "private network" in checked(App.get_by_id(connected_app.id)) and inside.connections == connections


def test_a_task_and_a_test_of_the_credential_reach_what_was_approved(connected_app: App, inside: Listener):
    connectors.allow_networks(())
    with pytest.raises(ConnectorError) as answered:
        apps.retest(connected_app, MACHINE)
    assert not isinstance(answered.value, HostRefused)
    with apps.reaching(connected_app):
        assert net._private.get()
    assert not net._private.get()


def test_a_directory_is_read_where_its_address_was_approved(home, olga: Person, inside: Listener):
    connectors.allow_networks(())
    known = {field.name for field in directories.connector_class("ldap").fields}
    settings = {name: value for name, value in LDAP.items() if name in known}
    settings["url"] = f"ldap://{PRIVATE}:{inside.port}"
    secrets = {"password": settings.pop("password")}
    directory = Directory.create(kind="ldap", name="LDAP", settings=settings, credential=vault.seal(secrets))
    directories.run(directories.ask(directory, "tests").id)
    assert "private network" in DirectoryReading.get().error and inside.connections == 0
    with pytest.raises(HostRefused):
        directories.test("ldap", settings | secrets)
    Directory.update(private_network_approver="Olga").execute()
    directories.run(directories.ask(Directory.get(), "tests").id)
    assert inside.connections > 0


def test_the_sign_in_provider_is_reached_where_an_owner_approved_it(home, olga: Person, inside: Listener):
    connectors.allow_networks(())
    issuer = f"https://{PRIVATE}:{inside.port}"
    given = Settings(issuer, "rollcall", "Acme")
    [finding] = oidc.test(given, SECRET, "https://rollcall.example")
    assert "private network" in finding.words and inside.connections == 0
    set_setting(oidc.KEPT_AS, {"issuer": issuer, "client_id": "rollcall"})
    connectors.provider(issuer, "rollcall").forget()
    with pytest.raises(HostRefused):
        oidc.begin("https://rollcall.example")
    oidc.test(given, SECRET, "https://rollcall.example", "Olga")
    assert inside.connections > 0


@ON_FILE  # PostgreSQL has no database from before this migration
def test_connections_made_before_keep_working(connected_app: App, inside: Listener):
    connectors.allow_networks(())
    Directory.create(kind="ldap", name="LDAP", settings={}, credential=vault.seal({}))
    set_setting(oidc.KEPT_AS, {"issuer": "https://id.acme.example", "client_id": "rollcall", "secret": "sealed"})
    App.update(private_network_approver=None).execute()
    runner = Runner(db, str(MIGRATIONS))
    runner.down("0020_reach")
    assert "private_network_approver" not in (setting(oidc.KEPT_AS) or {})
    runner.up()
    found = (App.get().private_network_approver, Directory.get().private_network_approver, oidc._stored_approver())
    assert found == ("an earlier version",) * 3
    assert setting(oidc.KEPT_AS)["secret"] == "sealed"
    checked(App.get())
    assert inside.connections > 0
