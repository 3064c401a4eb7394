"""What a script may rely on: exit codes, where things are printed, sentences instead of tracebacks."""

from __future__ import annotations

import pytest

from tests.cli.conftest import OWNER, PASSWORD
from tests.database import ON_FILE, on_server

COMMANDS = (
    "serve", "web", "worker", "demo", "setup", "people", "directory", "connectors", "apps", "check", "report",
    "finish", "tasks", "activity", "export", "backup", "restore", "move", "doctor",
)  # fmt: skip


def test_help_names_every_command(empty):
    output = empty.run("--help").out
    assert all(f"\n  {command} " in output for command in COMMANDS)
    assert not empty.home.exists()


@pytest.mark.parametrize("arguments", [
    ["walk"], ["check"], ["check", "A", "B"], ["serve", "--fast"], ["setup", "--workspace", "Acme"], ["finish"],
    ["people", "import", "missing.csv"], ["export", "access", "--format", "xml"],
])  # fmt: skip
def test_wrong_usage_is_2_and_says_so_on_standard_error(empty, arguments):
    answer = empty.run(*arguments, code=2)
    assert answer.out == "" and "rror" in answer.err


@pytest.mark.parametrize(("name", "value"), [
    ("ROLLCALL_LISTEN", "somewhere"),
    ("ROLLCALL_LISTEN", "127.0.0.1:99999"),
    ("ROLLCALL_URL", "rollcall"),
    ("ROLLCALL_SMTP_URL", "smtp://user:hush@"),
    ("ROLLCALL_DATABASE", "mysql://user:hush@db/rollcall"),
])  # fmt: skip
def test_a_bad_setting_is_named(empty, name, value):
    answer = empty.run("apps", "list", code=1, **{name: value})
    assert name in answer.err and answer.err.count("\n") == 1
    assert "hush" not in answer.err


@ON_FILE
def test_a_file_that_is_no_database_is_refused_and_left_alone(empty):
    empty.home.mkdir()
    (empty.home / "rollcall.db").write_text("my diary " * 1000)
    assert "rollcall.db" in empty.run("apps", "list", code=1).err
    assert (empty.home / "rollcall.db").read_text().startswith("my diary")


@ON_FILE  # with a server, nothing starts with another key: tests/cli/test_server_away.py
def test_another_key_is_reported_in_a_sentence(rollcall, connected_chat):
    (rollcall.home / "secret.key").unlink()
    document = rollcall.json("check", "Chat", code=1)
    assert document["state"] == "failed" and "secret.key" in document["error"]


def test_set_up_makes_the_first_owner_once(empty):
    first = ["setup", "--workspace", " Acme ", "--email", OWNER, "--password-stdin"]
    assert "at least 12" in empty.run(*first, code=1, stdin="short").err
    assert empty.json(*first, stdin=PASSWORD) == {"workspace": "Acme", "owner": OWNER}
    again = empty.run(*first, code=1, stdin="another good password")
    assert "already" in again.err and "Traceback" not in again.err
    for name in ("secret.key",) if on_server() else ("secret.key", "rollcall.db"):
        assert (empty.home / name).stat().st_mode & 0o777 == 0o600


def test_set_up_without_a_terminal_needs_the_password_on_standard_input(empty):
    assert "--password-stdin" in empty.run("setup", "--workspace", "Acme", "--email", OWNER, code=2).err
