"""A command and the pages import only what they need: each part that is slow to import waits for its first use."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT

BY_A_COMMAND = "import app, cli.checks, cli.people"
BY_THE_PAGES = "import app, importlib, web\nfor area in web.AREAS: importlib.import_module(f'web.{area}')"
FOR_NEITHER = {"psycopg", "asyncio", "scim2_server", "scim2_models", "pydantic", "ldap3", "openpyxl", "yaml"}
FOR_PAGES = {"flask", "werkzeug", "wtforms", "waitress", "webauthn", "web"}


@pytest.mark.parametrize(("imported", "left_out"), [
    (BY_A_COMMAND, FOR_NEITHER | FOR_PAGES),
    (BY_THE_PAGES, FOR_NEITHER | {"cli.demo", "demo"}),
], ids=["a command", "the pages"])  # fmt: skip
def test_what_is_slow_to_import_waits_until_it_is_needed(imported, left_out):
    asked = f"{imported}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) & left_out == set()


def test_the_driver_that_an_import_hides_is_there_for_the_app_that_needs_it():
    asked = "import sync.db, peewee, psycopg\nprint(peewee.psycopg, psycopg.connect.__name__)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "connect"]
