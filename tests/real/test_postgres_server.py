"""The connection to a real PostgreSQL: credentials, rights, certificates, a server that dies or falls silent.
What fails says what to fix, never a secret, and no list comes cut short."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import trustme

from connectors.apps.postgres import PostgresRoles
from connectors.base import ConnectorError, CredentialRejected, Refused, TemporarilyUnavailable
from connectors.postgres import client as postgres_client
from connectors.postgres.client import ssl_parameters
from tests.parts import free_port
from tests.real.postgres import PASSWORD, ROLLCALL, ROLLCALL_PASSWORD, Postgres, find


@pytest.fixture
def connector(postgres_roles: PostgresRoles) -> PostgresRoles:
    return postgres_roles


def problem(settings: dict[str, str]) -> ConnectorError:
    connector = PostgresRoles(settings)
    with pytest.raises(ConnectorError) as raised:
        connector.test()
    connector.close()
    return raised.value


def test_a_modest_role_sees_what_is_missing_and_does_what_it_may(postgres: Postgres, modest_roles: PostgresRoles):
    with postgres.connect(ROLLCALL, ROLLCALL_PASSWORD) as session:
        session.execute("CREATE ROLE ana LOGIN PASSWORD 'secret'")
    who = modest_roles.test()
    assert ROLLCALL in who.name and who.external_id == find(modest_roles, ROLLCALL).id
    assert "alter" in who.missing[0] and "pg_signal_backend" in who.missing[1] and "CONNECT" in who.missing[2]
    ana = find(modest_roles, "ana")
    with postgres.connect("ana", "secret") as session:
        with pytest.raises(CredentialRejected, match="Nothing was changed"):
            modest_roles.remove(ana)
        assert postgres.signs_in("ana")
        postgres.run("GRANT pg_signal_backend TO {}", ROLLCALL)
        modest_roles.remove(ana)
        with pytest.raises(Exception, match="terminating connection"):
            session.execute("SELECT 1")
    assert not postgres.signs_in("ana") and len(modest_roles.test().missing) == 2
    assert modest_roles.account(ana.id).status == "suspended"


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"password": "wrong secret"}, CredentialRejected, "password"),
        ({"user": "nobody"}, CredentialRejected, "nobody"),
        ({"user": "off", "password": "secret"}, CredentialRejected, "not permitted to log in"),
        ({"database": "nothing"}, Refused, "no such database"),
        ({"host": "localhost.invalid", "sslmode": "require"}, TemporarilyUnavailable, "can't be reached"),
        ({"port": str(free_port())}, TemporarilyUnavailable, "refused"),
        ({"port": "99999"}, TemporarilyUnavailable, "port"),
        ({"sslmode": "verify-full"}, TemporarilyUnavailable, "safely"),
        ({"sslmode": "require"}, TemporarilyUnavailable, "safely"),
        ({"sslmode": "verify-ca"}, Refused, "authority"),
        ({"ca_file": "/nowhere.pem"}, Refused, "nowhere.pem"),
        ({"password": "nul\0byte"}, CredentialRejected, "password"),
        ({"user": "half \ud800 letter"}, Refused, "sign in"),
    ],
)
def test_test_says_what_to_fix_and_no_secret(postgres: Postgres, caplog, changes, kind, words):
    caplog.set_level("DEBUG")
    postgres.role("off", "NOLOGIN")
    settings = postgres.settings(**changes)
    failed = problem(settings)
    assert type(failed) is kind and words in str(failed)
    shown = "".join(traceback.format_exception(failed)) + repr(failed) + caplog.text
    assert "wrong secret" not in shown and PASSWORD not in shown and "nul\0byte" not in shown


def test_a_start_without_postgresql_waits_for_no_driver():
    asked = "import sys, connectors; print('postgresql' in connectors.app_connectors(), 'psycopg' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["True", "False"], done.stderr


def test_beyond_this_machine_a_certificate_is_asked_for():
    beyond = ssl_parameters({"host": "db.acme.example"})
    assert beyond["sslmode"] == "verify-full" and Path(beyond["sslrootcert"]).is_file()
    assert ssl_parameters({"host": "/run/postgresql"}) == ssl_parameters({"host": "::1"}) == {"sslmode": "prefer"}


def test_a_certificate_is_checked(postgres: Postgres, tmp_path: Path):
    authority, stranger = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("localhost")
    key, chain = postgres.folder / "key.pem", postgres.folder / "cert.pem"
    certificate.private_key_pem.write_to_path(key)
    certificate.cert_chain_pems[0].write_to_path(chain)
    postgres.own(key, chain)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    stranger.cert_pem.write_to_path(tmp_path / "stranger.pem")
    postgres.stop()
    postgres.allow("hostssl all all 127.0.0.1/32 scram-sha-256\n", ssl="on", ssl_key_file=key, ssl_cert_file=chain)
    postgres.start()
    try:
        ours = postgres.settings(sslmode="verify-full", ca_file=str(tmp_path / "ca.pem"))
        assert PostgresRoles({**ours, "host": "localhost"}).test().name
        assert PostgresRoles({**ours, "sslmode": "verify-ca"}).test().name
        assert PostgresRoles({**ours, "sslmode": "require"}).test().name
        for wrong in (ours, {**ours, "host": "localhost", "ca_file": str(tmp_path / "stranger.pem")},
                      {**ours, "host": "localhost", "ca_file": ""}):  # fmt: skip
            failed = problem(wrong)
            assert type(failed) is TemporarilyUnavailable and "safely" in str(failed)
    finally:
        postgres.stop()
        postgres.allow()
        postgres.start()


def test_a_server_that_dies_half_way_gives_no_whole_list(postgres: Postgres, connector: PostgresRoles):
    postgres.run("DO $$ BEGIN FOR n IN 1..1100 LOOP EXECUTE 'CREATE ROLE many' || n || ' LOGIN'; END LOOP; END $$")
    ana = find(connector, "many1")
    reading = connector.accounts()
    next(reading)
    postgres.stop(signal.SIGQUIT)
    with pytest.raises(TemporarilyUnavailable):
        list(reading)
    for ask in (lambda: connector.account(ana.id), lambda: connector.remove(ana)):
        with pytest.raises(TemporarilyUnavailable):
            ask()
    postgres.start()
    assert connector.account(ana.id) == ana


def test_a_server_that_falls_silent_is_given_up(postgres: Postgres, connector: PostgresRoles, monkeypatch):
    [(pid,)] = connector._client.rows("SELECT pg_backend_pid()")
    monkeypatch.setattr(postgres_client, "ANSWER_SECONDS", 0.3)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())
    finally:
        os.kill(pid, signal.SIGCONT)
    assert find(connector, "postgres")


def test_a_credential_that_ends_half_way_fails_the_reading(postgres: Postgres, connector: PostgresRoles):
    postgres.role("boss", "SUPERUSER")
    other = PostgresRoles(postgres.settings(user="boss", password="secret"))
    postgres.run("DO $$ BEGIN FOR n IN 1..600 LOOP EXECUTE 'CREATE ROLE many' || n || ' LOGIN'; END LOOP; END $$")
    reading = other.accounts()
    next(reading)
    connector.remove(find(connector, "boss"))
    with pytest.raises(TemporarilyUnavailable):
        list(reading)
    with pytest.raises(CredentialRejected):
        list(other.accounts())
    other.close()
