"""A command and the pages import only what they need: each part that is slow to import waits for its first use."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT
from tests.database import ON_FILE

pytestmark = ON_FILE  # with a server, its driver is imported at once

A_COMMAND = "import app, cli.checks, cli.people"
A_CHECK = f"{A_COMMAND}, connectors\nconnectors.app_connectors()"
OF_ONE_APP = f"{A_COMMAND}, connectors\nconnectors.app_connector('sample-chat'), connectors.app_connector('scim')"
THE_PAGES = "import app, importlib, web\nfor area in web.AREAS: importlib.import_module(f'web.{area}')"
FOR_NONE = {"psycopg", "psycopg_pool", "asyncio", "segno", "joserfc", "scim2_server", "scim2_models", "pydantic",
            "openpyxl"}
FOR_PASSKEYS = {"webauthn", "OpenSSL"}
OTHER_APPS = {"connectors.apps.slack", "connectors.ldap.client", "connectors.google", "connectors.microsoft"}
FOR_CONNECTORS = {"ldap3", "yaml", "requests"}
FOR_PAGES = {"flask", "jinja2", "werkzeug", "wtforms", "waitress", "web"} | FOR_PASSKEYS


IDLE = f"""{THE_PAGES}
from sync import start
from sync.config import Config
from sync.db import connected
from sync.jobs import queue
config = Config.from_environ()
start.open_all(config)
app.create_app(config)
with connected():
    queue.sweep()"""
FOR_READING = {"requests", "urllib3", "charset_normalizer", "msgspec", "ldap3", "yaml"}
CONNECTORS = {"connectors.apps", "connectors.directories", "connectors.scim", "connectors.rest"}


def test_an_idle_server_imports_nothing_that_only_readings_need(tmp_path):
    """It has started, and has swept as each minute does."""
    asked = f"{IDLE}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True,
                          env={**os.environ, "ROLLCALL_HOME": str(tmp_path)})  # fmt: skip
    assert set(json.loads(done.stdout)) & (FOR_NONE | FOR_PASSKEYS | FOR_READING | CONNECTORS) == set()


@pytest.mark.parametrize(("imported", "left_out"), [
    (A_COMMAND, FOR_NONE | FOR_CONNECTORS | FOR_PAGES),
    (A_CHECK, FOR_NONE | FOR_PAGES | {"ldap3"}),
    (OF_ONE_APP, FOR_NONE | FOR_PAGES | OTHER_APPS),
    (THE_PAGES, FOR_NONE | FOR_CONNECTORS | FOR_PASSKEYS | {"cli.demo", "demo"}),
], ids=["a command", "a check", "a check of one app", "the pages"])  # fmt: skip
def test_slow_imports_wait_until_they_are_needed(imported, left_out):
    asked = f"{imported}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) & left_out == set()


def test_the_driver_that_an_import_hides_is_there_for_the_app_that_needs_it():
    asked = "import sync.db, peewee, psycopg\nprint(peewee.psycopg, psycopg.connect.__name__)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "connect"]
