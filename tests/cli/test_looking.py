"""`activity`, `export access` and `doctor`: looking, without changing anything."""

from __future__ import annotations

import csv
import io

from sync.db import db
from sync.models import App
from tests import database
from tests.cli.conftest import OWNER
from tests.connectors.fake import Seat
from tests.connectors.fake_scim import FakeScim
from tests.parts import free_port


def test_a_changed_log_is_noticed(rollcall):
    entries = rollcall.json("activity")["entries"]
    assert entries[0].keys() >= {"id", "at", "who", "what", "about", "why", "before", "after", "app", "report"}
    assert [entry["id"] for entry in entries] == sorted((entry["id"] for entry in entries), reverse=True)
    assert len(rollcall.json("activity", "--limit", "2")["entries"]) == 2
    assert "entries are unchanged" in rollcall.run("activity", "--verify").out
    with rollcall.core():
        database.tampering(db)
        db.execute_sql("UPDATE activity SET who = 'nobody' WHERE id = 2")
    answer = rollcall.run("activity", "--verify", "--json", code=1)
    assert (answer.document["ok"], answer.document["broken_at"]) == (False, 2)
    assert "entry 2" in answer.err
    in_words = rollcall.run("activity", "--verify", code=1)
    assert (in_words.out, in_words.err.count("entry 2")) == ("", 1)
    assert "entry 2" in rollcall.run("doctor", code=1).out


def test_access_is_exported_and_no_formula_runs(rollcall, connected_chat):
    store = connected_chat.store
    eve = store.add("eve@acme.example", "=HYPERLINK(1)", "member", "story")
    store.join(store.add_channel("general", "story"), eve, "manager", "story")
    rollcall.run("check", "Chat")
    rows = list(csv.DictReader(io.StringIO(rollcall.run("export", "access").out)))
    by_account = {(row["name"], row["asset"]): row for row in rows}
    assert ("'=HYPERLINK(1)", "") in by_account
    asset = by_account["'=HYPERLINK(1)", "general"]
    assert (asset["app"], asset["asset_kind"], asset["account"]) == ("Chat", "channel", eve)
    tom = by_account["Tom", ""]
    assert (tom["person"], tom["person_status"], tom["match"]) == ("tom@acme.example", "active", "matched")
    document = rollcall.run("export", "access", "--format", "json").document
    assert len(document["access"]) == len(rows) and document["at"].endswith("Z")
    assert any(row["name"] == "=HYPERLINK(1)" for row in document["access"])


def test_every_role_of_an_account_is_exported(rollcall):
    app = FakeScim()
    app.seats = [Seat("1", "ana@acme.example", "Ana", role="admin", further_roles=("billing", "=viewer")),
                 Seat("2", "ben@acme.example", "Ben", role="viewer")]  # fmt: skip
    app.start()
    try:
        rollcall.run("apps", "connect", "scim", "--name", "Board", "--owner", OWNER, "--set", f"base_url={app.url}",
                     "--set", "token=-", stdin=app.token)  # fmt: skip
        rollcall.run("check", "Board")
    finally:
        app.stop()
    rows = list(csv.DictReader(io.StringIO(rollcall.run("export", "access").out)))
    assert [(row["name"], row["role"], row["further_roles"]) for row in rows] == [
        ("Ana", "admin", "'=viewer; billing"), ("Ben", "viewer", ""),
    ]  # fmt: skip
    shown = rollcall.run("export", "access", "--format", "json").document["access"]
    assert [(row["role"], row["further_roles"]) for row in shown] == [("admin", ["=viewer", "billing"]), ("viewer", [])]
    assert "admin, =viewer, billing" in rollcall.run("report", "Board").out


def findings(rollcall, *arguments: str, code: int = 0) -> dict[str, str]:
    """What it finds beside the server of the tests, which may lose data in a power cut and so is wrong."""
    document = rollcall.json("doctor", *arguments, code=1 if database.on_server() else code)
    found = {finding["about"]: finding["state"] for finding in document["findings"]}
    if database.on_server():
        assert found["database"] == "wrong"
        found["database"] = "ok"
    else:
        assert document["ok"] is (code == 0)
    assert ("wrong" in found.values()) is (code == 1)
    return found


def test_doctor_finds_what_is_wrong(rollcall, connected_chat):
    well = findings(rollcall, "--apps")
    assert (well["database"], well["key"], well["Chat"]) == ("ok", "ok", "ok")
    assert (well["mail"], well["queue"]) == ("note", "note")
    key = rollcall.home / "secret.key"
    key.chmod(0o644)
    assert findings(rollcall, code=1)["key"] == "wrong"
    key.chmod(0o600)
    rollcall.environ["ROLLCALL_SMTP_URL"] = f"smtp://user:hush@127.0.0.1:{free_port()}"
    answer = rollcall.run("doctor", code=1)
    assert "could not be reached" in answer.out and "hush" not in answer.out + answer.err
    del rollcall.environ["ROLLCALL_SMTP_URL"]
    connected_chat.fault("expired-token")
    assert findings(rollcall)["database"] == "ok", "the credentials are tested only when asked for"
    assert findings(rollcall, "--apps", code=1)["Chat"] == "wrong"


def test_doctor_warns_of_an_api_version_that_ends(rollcall, connected_chat):
    code = 1 if database.on_server() else 0
    assert "version in use" not in rollcall.run("doctor", code=code).out
    with rollcall.core():
        App.update(connector="linkedin_ads", settings={"version": "202501"}).execute()
    shown = rollcall.run("doctor", code=code).out
    assert "note   Chat: the version in use, LinkedIn Marketing API 202501, ended on 1 January 2026" in shown


def test_doctor_reaches_a_real_mail_server(rollcall, smtp):
    rollcall.environ["ROLLCALL_SMTP_URL"] = f"{smtp.url}?from=rollcall@acme.example"
    assert findings(rollcall)["mail"] == "ok"
    assert smtp.messages == []


def test_without_a_server_a_command_sends_its_own_news(rollcall, connected_chat, staff, smtp):
    rollcall.environ["ROLLCALL_SMTP_URL"] = f"{smtp.url}?from=rollcall@acme.example"
    rollcall.run("check", "Chat")
    staff.leave("Tom")
    rollcall.run("check", "Chat", code=3)
    [message] = smtp.wait_for(1)
    assert message["To"] == OWNER


@database.ON_FILE
def test_doctor_without_an_installation(empty):
    assert "If ROLLCALL_HOME is right" in empty.run("doctor", code=1).err
