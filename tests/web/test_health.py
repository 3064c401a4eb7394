"""/healthz and /metrics: what a load balancer and Prometheus see, and what nobody does."""

from __future__ import annotations

import os
import re
from datetime import timedelta

import pytest

from app import create_app
from sync.db import utcnow
from sync.jobs import queue
from sync.models import App
from sync.workspace import set_setting
from tests import database

SAMPLE = re.compile(r'[a-z_]+(\{stat(e|us)="[A-Za-z ]+"\})? [0-9.]+')


@pytest.fixture
def client(home, config):
    return create_app(config).test_client()


def test_well_once_the_schedule_beats(client):
    assert client.get("/healthz").status_code == 503
    queue.sweep()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    set_setting(queue.HEARTBEAT, (utcnow() - timedelta(minutes=10)).isoformat())
    answer = client.get("/healthz")
    assert answer.status_code == 503 and "10 minutes" in answer.text


@database.ON_FILE
def test_a_broken_database_is_503_without_its_path(config, tmp_path):
    from sync import start
    from sync.db import db

    start.open_all(config)
    client = create_app(config).test_client()
    for path in config.home.glob("rollcall.db*"):
        path.unlink()
    config.database_path.write_bytes(b"no database " * 1000)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    if not db.is_closed():
        db.close()


def test_metrics_are_numbers_without_names(client, olga):
    queue.sweep()
    App.create(connector="scim", name="Secret project", category="Seat-based", state="active", users=1234567)
    App.create(connector="scim", name="Other", category="Seat-based", state="active", users=1, error="token expired")
    text = client.get("/metrics").text
    assert 'rollcall_apps{state="active"} 2' in text.splitlines()
    assert "rollcall_accounts 1234568" in text.splitlines()
    assert "rollcall_apps_needing_attention 1" in text.splitlines()
    assert 'rollcall_apps_by_status{status="Needs attention"} 1' in text.splitlines()
    assert 'rollcall_apps_by_status{status="Setup unfinished"} 1' in text.splitlines(), "it was never read"
    assert "Secret" not in text and "olga" not in text and "expired" not in text
    assert all(line.startswith("# ") or SAMPLE.fullmatch(line) for line in text.splitlines()), text
    assert text.endswith("\n") and os.environ.get("HOME", "/nowhere") not in text


@pytest.mark.parametrize("elsewhere", [
    {"environ_base": {"REMOTE_ADDR": "10.0.0.7"}},
    {"headers": {"X-Forwarded-For": "127.0.0.1"}},
    {"headers": {"Forwarded": "for=127.0.0.1"}},
])  # fmt: skip
def test_metrics_are_for_this_machine_alone(client, elsewhere):
    answer = client.get("/metrics", **elsewhere)
    assert answer.status_code == 403 and "rollcall_" not in answer.text
    assert client.get("/healthz", **elsewhere).status_code in (200, 503)
