"""The end of the activity log is in what leaves Rollcall: it proves later that nothing up to it was changed or lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app import create_app
from cli import rollcall
from sync import activity, seals
from sync.db import connected, db, writing
from sync.models import Activity
from tests.blank import environ_of


@pytest.fixture
def command(home: Path, olga, monkeypatch: pytest.MonkeyPatch):
    for name, value in environ_of(home).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, code: int = 0) -> Result:
        db.close()
        done = CliRunner().invoke(rollcall, arguments, obj=create_app)
        db.connect(reuse_if_open=True)
        assert done.exit_code == code, (done.output, done.exception)
        return done

    return run


def happen(count: int) -> None:
    with connected(), writing():
        for number in range(count):
            activity.record("schedule", "noted", about=f"thing {number}")


def cut_off(count: int) -> None:
    """As someone with the file and the key would: remove the last entries, and restore the anchor from before them."""
    for statement in ("update", "delete"):
        db.no_longer_append_only("activity", statement)
    db.execute_sql("DELETE FROM activity WHERE id > (SELECT max(id) FROM activity) - ?", (count,))
    with writing():
        newest = Activity.select().order_by(Activity.id.desc()).first()
        seals._anchor(seals._newest(), Activity.select().count(), newest.seal)


def test_an_export_is_in_the_log_and_names_its_end(command):
    logged = json.loads(command("export", "access", "--format", "json").stdout)["activity"]
    assert Activity.select().order_by(Activity.id.desc()).first().what == "exported access"
    assert logged == activity.head() and logged["entries"] == Activity.select().count()
    csv = command("export", "access")
    assert activity.head()["head"] in csv.stderr and activity.head()["head"] not in csv.stdout
    assert Activity.select().where(Activity.what == "exported access").count() == 2


def test_an_end_that_was_kept_is_proven_to_be_in_the_log(command):
    happen(3)
    kept = activity.head()
    happen(5)
    entries = command("activity", "--verify", "--head", kept["head"])
    assert f"the first {kept['entries']} end with this head" in entries.stdout
    document = json.loads(command("activity", "--verify", "--head", kept["head"].upper(), "--json").stdout)
    assert document["ok"] and document["entries_at_head"] == kept["entries"]
    assert json.loads(command("activity", "--verify", "--head", "0" * 64, "--json").stdout)["entries_at_head"] == 0


def test_a_log_that_was_cut_off_is_found_out_by_an_end_that_was_kept(command):
    happen(5)
    kept = activity.head()
    cut_off(2)
    assert command("activity", "--verify").exit_code == 0, "alone, it looks whole"
    entries = command("activity", "--verify", "--head", kept["head"], code=1)
    assert entries.stderr.count("cut off") == 1
    document = json.loads(command("activity", "--verify", "--head", kept["head"], "--json", code=1).stdout)
    assert not document["ok"] and document["entries_at_head"] is None


def test_an_end_alone_is_wrong_usage(command):
    command("activity", "--head", "0" * 64, code=2)


def test_a_report_names_the_end(chat, command):
    chat.leave(1)
    chat.check()
    logged = json.loads(command("report", chat.app.name, "--json").stdout)
    assert logged["changes"] and logged["activity"] == activity.head()
