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

FOR_NONE = {"psycopg", "psycopg_pool", "asyncio", "segno", "joserfc", "scim2_server", "scim2_models", "pydantic",
            "openpyxl"}
FOR_PASSKEYS = {"webauthn", "OpenSSL"}
OTHER_APPS = {"connectors.apps.slack", "connectors.ldap.client", "connectors.google", "connectors.microsoft"}
FOR_CONNECTORS = {"ldap3", "yaml", "requests"}
FOR_PAGES = {"flask", "jinja2", "werkzeug", "wtforms", "waitress", "web"} | FOR_PASSKEYS
FOR_READING = {"requests", "urllib3", "charset_normalizer", "msgspec", "ldap3", "yaml"}
CONNECTORS = {"connectors.apps", "connectors.directories", "connectors.scim", "connectors.rest"}

# Each process reports several times what it has imported: a module that one report lacks, those before it lacked too.
REPORT = """
import gc, json, runpy, sys
from contextlib import suppress
def report(name):
    garbage = {"searches": gc.get_stats()[2]["collections"], "set aside": gc.get_freeze_count(), "on": gc.isenabled()}
    print(json.dumps([name, sorted(sys.modules), garbage]), file=sys.stderr)
"""
COMMANDS = f"""{REPORT}
sys.argv = ["app.py", "check", "--help"]
with suppress(SystemExit):
    runpy.run_path("app.py", run_name="__main__")
import cli.people
report("a command")
import connectors
connectors.app_connector("sample-chat"), connectors.app_connector("scim")
report("a check of one app")
connectors.app_connectors()
report("a check")
import peewee, psycopg
assert peewee.psycopg is None and psycopg.connect, "the driver that an import hides is there for the app that needs it"
"""
A_SERVER = f"""{REPORT}
import app, importlib, web
for area in web.AREAS:
    importlib.import_module(f"web.{{area}}")
report("the pages")
from sync import start
from sync.config import Config
from sync.db import connected
from sync.jobs import queue
config = Config.from_environ()
start.open_all(config)
app.create_app(config)
with connected():
    queue.sweep()
report("an idle server")
"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[set[str], dict]]:
    """By the name of each: the modules that were imported by then, and how garbage was searched for."""
    environ = {**os.environ, "ROLLCALL_HOME": str(tmp_path_factory.mktemp("idle") / "home")}
    found = {}
    for process in (COMMANDS, A_SERVER):
        done = subprocess.run([sys.executable, "-c", process], cwd=ROOT, capture_output=True, text=True, env=environ)
        assert done.returncode == 0, done.stderr
        found |= {name: (set(modules), garbage) for name, modules, garbage in map(json.loads, done.stderr.splitlines())}
    return found


@pytest.mark.parametrize(("when", "left_out"), [
    ("a command", FOR_NONE | FOR_CONNECTORS | FOR_PAGES),
    ("a check of one app", FOR_NONE | FOR_PAGES | OTHER_APPS),
    ("a check", FOR_NONE | FOR_PAGES | {"ldap3"}),
    ("the pages", FOR_NONE | FOR_CONNECTORS | FOR_PASSKEYS | {"cli.demo", "demo"}),
    ("an idle server", FOR_NONE | FOR_PASSKEYS | FOR_READING | CONNECTORS),
], ids=["a command", "a check of one app", "a check", "the pages", "an idle server"])  # fmt: skip
def test_slow_imports_wait_until_they_are_needed(reports, when, left_out):
    """An idle server has started, and has swept as each minute does."""
    assert reports[when][0] & left_out == set()


def test_a_command_searches_for_no_garbage_among_what_it_imports(reports):
    """A search through all of it costs a sixth of a command's time, and Python makes one at its end."""
    _, garbage = reports["a command"]
    assert (garbage["searches"], garbage["on"]) == (0, True) and garbage["set aside"] > 50_000
