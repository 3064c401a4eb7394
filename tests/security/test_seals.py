"""The log can't be rewritten or cut off unnoticed by someone who has the file alone; a changed backup shows."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing

import pytest

from sync import activity, restored, seals, start, vault
from sync.config import Config
from sync.db import db, writing
from sync.models import Activity
from tests.cli.conftest import empty, forks, rollcall, set_up  # noqa: F401
from tests.database import ON_FILE
from tests.sync.test_activity import tamper


@pytest.fixture
def logged(home, olga):
    with writing():
        for number in range(6):
            activity.record("Olga <olga@acme.example>", f"did {number}")


def _rewrite_without_the_key() -> None:
    """As someone would who knows how the log was sealed before."""
    last, rows = "0" * 64, list(Activity.select().order_by(Activity.id).dicts())
    for row in rows:
        fields = [row["at"].isoformat(), row["who"], row["what"], row["about"], row["why"], row["before"], row["after"],
                  row["app"], row["person"], row["report"]]
        last = hashlib.sha256((last + json.dumps(fields)).encode()).hexdigest()
        db.execute_sql("UPDATE activity SET seal = ?, first_entry = NULL WHERE id = ?", (last, row["id"]))


def test_a_log_that_was_written_again_without_the_key_is_found(logged):
    tamper("UPDATE activity SET who = 'Eve' WHERE what = 'did 3'")
    _rewrite_without_the_key()
    assert not activity.verify().ok


def test_a_cut_off_end_is_found(logged):
    tamper("DELETE FROM activity WHERE what = 'did 5'")
    found = activity.verify()
    assert not found.ok and "were written, but" in found.why


@pytest.mark.parametrize("anchor", [None, {"key": "none"}, {"count": 1, "head": "x", "key": "mine", "mac": "x"}])
def test_nor_does_another_anchor_help(logged, anchor):
    tamper("DELETE FROM activity WHERE what = 'did 5'")
    known = seals.setting(seals.ANCHOR)
    if anchor and anchor.get("key") == "mine":
        anchor = anchor | {"key": known["key"], "count": known["count"] - 1}
    db.execute_sql("DELETE FROM setting WHERE name = 'activity anchor'")
    if anchor:
        db.execute_sql("INSERT INTO setting VALUES ('activity anchor', ?)", (json.dumps(anchor),))
    assert not activity.verify().ok


@ON_FILE
def test_an_earlier_versions_log_is_sealed_with_the_key_at_the_start(logged, config: Config):
    tamper("SELECT 1")
    _rewrite_without_the_key()
    db.execute_sql("UPDATE setting SET value = ? WHERE name = 'activity anchor'", (json.dumps({"key": "none"}),))
    before = Activity.select().count()
    assert not activity.verify().ok, "only the start accepts it"
    (config.home / restored.NOTE).unlink()
    start.open_all(config)
    found = activity.verify()
    assert (found.ok, found.entries) == (True, before) and seals.setting(seals.ANCHOR)["mac"]
    with (closing(sqlite3.connect(config.database_path)) as other,
          pytest.raises(sqlite3.DatabaseError, match="append-only")):
        other.execute("DELETE FROM activity")


def test_a_log_without_a_key_is_no_earlier_versions_where_one_was_sealed_before(logged, config: Config):
    """As someone would who can write to the database: the log written again, and the anchor that an update makes."""
    tamper("UPDATE activity SET who = 'Eve' WHERE what = 'did 3'")
    _rewrite_without_the_key()
    db.execute_sql("UPDATE setting SET value = ? WHERE name = 'activity anchor'", (json.dumps({"key": "none"}),))
    assert activity.verify().why == "It isn't sealed with a key"
    if db.on_server:  # on a machine that is new, nothing is noted
        (config.home / restored.NOTE).unlink()
    start.open_all(config)
    assert not activity.verify().ok


def test_an_earlier_log_that_was_changed_stays_called_broken(logged):
    tamper("SELECT 1")
    _rewrite_without_the_key()
    db.execute_sql("UPDATE activity SET who = 'Eve' WHERE what = 'did 3'")
    db.execute_sql("UPDATE setting SET value = ? WHERE name = 'activity anchor'", (json.dumps({"key": "none"}),))
    seals.renew(may_be_unkeyed=True)
    assert not activity.verify().ok


def test_a_new_key_before_the_old_one_seals_the_log_again(logged, config: Config):
    old = config.secret_key_file.read_bytes()
    from cryptography.fernet import Fernet
    new = Fernet.generate_key()
    config.secret_key_file.write_bytes(new + b"\n" + old)
    start.open_all(config)
    assert activity.verify().ok
    config.secret_key_file.write_bytes(new + b"\n")
    vault.open_vault(config.secret_key_file)
    assert activity.verify().ok, "the old key is no longer needed"


@ON_FILE
def test_a_lost_key_proves_nothing(logged, config: Config):
    from cryptography.fernet import Fernet
    config.secret_key_file.write_bytes(Fernet.generate_key() + b"\n")
    start.open_all(config)
    found = activity.verify()
    assert not found.ok and "not in secret.key" in found.why


@ON_FILE
def test_the_head_is_reported_by_backup_and_by_verify(rollcall):  # noqa: F811
    shown = rollcall.json("backup", "copy.db")["activity"]
    assert rollcall.json("activity", "--verify")["head"] == shown["head"] and shown["entries"] > 0


@ON_FILE
@pytest.mark.parametrize("change", [
    "CREATE TRIGGER spy AFTER INSERT ON activity BEGIN DELETE FROM person; END",
    "CREATE VIEW app_list AS SELECT * FROM app", "CREATE TABLE note (text)",
])  # fmt: skip
def test_a_backup_with_what_rollcall_did_not_make_is_refused(rollcall, change):  # noqa: F811
    rollcall.run("backup", "copy.db")
    copy = rollcall.folder / "copy.db"
    with closing(sqlite3.connect(copy)) as file, file:
        file.execute(change)
    (rollcall.folder / "copy.db.seal").unlink()
    answer = rollcall.run("restore", "copy.db", code=1)
    assert "didn't create" in answer.err and "Nothing was changed" in answer.err


@ON_FILE
def test_a_changed_backup_is_refused_and_one_without_a_seal_says_so(rollcall):  # noqa: F811
    rollcall.run("backup", "copy.db")
    assert rollcall.json("restore", "copy.db")["proven"] is True
    copy = rollcall.folder / "copy.db"
    with closing(sqlite3.connect(copy)) as file, file:
        file.execute("UPDATE person SET name = 'Eve'")
    assert "was changed after `backup` wrote it" in rollcall.run("restore", "copy.db", code=1).err
    (rollcall.folder / "copy.db.seal").unlink()
    answer = rollcall.run("restore", "copy.db")
    assert "Nothing proves" in answer.err
