"""`backup` and `restore`: a backup is verified before it is restored, and the old database is kept."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from peewee import SqliteDatabase
from playhouse.migrations import Runner

from cli.backup_schema import foreign_objects
from sync.apps import apps
from sync.db import MIGRATIONS, copy_database
from sync.models import App
from sync.rank import Asker
from sync.states import Approval
from tests.cli.conftest import external_id
from tests.database import ON_FILE

pytestmark = ON_FILE  # a server's own programs do both: tests/cli/test_move.py sees the commands say so


def test_there_and_back(rollcall, connected_chat):
    rollcall.run("check", "Chat")
    shown = rollcall.run("backup", "copy.db", "--json")
    assert shown.document["backup"] == "copy.db" and "secret.key" in shown.err
    copy = rollcall.folder / "copy.db"
    assert copy.stat().st_mode & 0o777 == 0o600 and copy.stat().st_size == shown.document["bytes"]
    assert connected_chat.token.encode() not in copy.read_bytes()
    assert {path.name: path.stat().st_mode & 0o777 for path in rollcall.folder.glob("copy.db*")} == {
        "copy.db": 0o600, "copy.db.seal": 0o600}  # fmt: skip

    rollcall.run("apps", "disconnect", "Chat")
    kept = rollcall.json("restore", "copy.db")["kept"]
    assert rollcall.json("apps", "list")["apps"][0]["accounts"] == 5
    assert rollcall.json("check", "Chat")["state"] == "succeeded", "its credential is there again"
    assert rollcall.json("activity", "--verify")["ok"] is True
    assert rollcall.json("activity", "--limit", "500")["entries"][0]["what"] != ""
    rollcall.run("restore", kept)
    assert rollcall.json("apps", "list") == {"apps": []}


def test_files_that_root_restores_belong_to_the_services_user(rollcall):
    user = 65534 if os.geteuid() == 0 else os.geteuid()
    rollcall.run("backup", "copy.db")
    for path in (rollcall.home, *rollcall.home.iterdir()):
        os.chown(path, user, -1)
    rollcall.run("restore", "copy.db")
    assert {path.stat().st_uid for path in rollcall.home.iterdir()} == {user}


def test_a_backup_while_the_server_writes_is_whole(rollcall, connected_chat):
    with rollcall.served() as server:
        rollcall.run("check", "Chat")
        rollcall.run("backup", "copy.db")
        assert rollcall.stop(server) == 0
    with closing(sqlite3.connect(rollcall.folder / "copy.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM account").fetchone() == (5,)


def test_a_backup_never_overwrites_by_mistake(rollcall):
    rollcall.run("backup", "copy.db")
    assert "already" in rollcall.run("backup", "copy.db", code=1).err
    rollcall.run("backup", "copy.db", "--replace")
    for own in ("rollcall.db", "rollcall.db-wal", "secret.key"):
        assert "own file" in rollcall.run("backup", str(rollcall.home / own), "--replace", code=1).err
    assert "own file" in rollcall.run("restore", str(rollcall.home / "rollcall.db"), code=1).err
    assert "no backup" in rollcall.run("backup", "nowhere/copy.db", code=1).err


def test_nothing_to_back_up_is_an_error(empty):
    assert "Is ROLLCALL_HOME right" in empty.run("backup", "copy.db", code=1).err
    assert not empty.home.exists()


def newer(path):
    with closing(sqlite3.connect(path)) as copy, copy:
        copy.execute("INSERT INTO schema_migration (name, applied) VALUES ('0999_later', '2030-01-01 00:00:00')")


def damaged(path):
    content = bytearray(path.read_bytes())
    content[8192:20480] = b"\xff" * 12288
    path.write_bytes(content)


def another_program(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as copy, copy:
        copy.execute("CREATE TABLE note (text)")


@pytest.mark.parametrize(("spoil", "expected"), [
    (newer, "newer Rollcall"),
    (damaged, "can't be restored"),
    (another_program, "isn't a database of Rollcall"),
    (lambda path: path.write_bytes(path.read_bytes()[:5000]), "can't be restored"),
    (lambda path: path.write_bytes(b""), "isn't a database of Rollcall"),
])  # fmt: skip
def test_an_unusable_backup_is_refused_and_nothing_is_changed(rollcall, spoil, expected):
    rollcall.run("backup", "copy.db")
    spoil(rollcall.folder / "copy.db")
    before = rollcall.run("activity").out
    answer = rollcall.run("restore", "copy.db", code=1)
    assert expected in answer.err and "Nothing was changed" in answer.err
    assert rollcall.run("activity").out == before
    assert not list(rollcall.home.glob("*before-restore*")) and not list(rollcall.home.glob("*.restoring*"))


def test_an_older_backup_is_compared_with_a_database_of_its_own_version(tmp_path):
    old, version = SqliteDatabase(tmp_path / "old.db"), "0007_given"
    with old.connection_context():
        Runner(old, str(MIGRATIONS)).up(version)
    assert foreign_objects(tmp_path / "old.db", {version}) == []
    with old.connection_context():
        old.execute_sql("CREATE TRIGGER spy AFTER INSERT ON activity BEGIN DELETE FROM person; END")
    assert foreign_objects(tmp_path / "old.db", {version}) == ["trigger spy"]


def test_the_key_must_fit(rollcall, connected_chat):
    rollcall.run("backup", "copy.db")
    key = rollcall.home / "secret.key"
    right = key.read_bytes()
    key.unlink()
    assert "Put it at" in rollcall.run("restore", "copy.db", code=1).err
    assert not key.exists(), "a fresh key would not be the right one"
    key.write_bytes(b"wdFv1sAL2FNYKSgcNe1G8gx8vfOTn1mJ0wQCkMtEXdk=\n")
    assert "not the key of" in rollcall.run("restore", "copy.db", code=1).err
    key.write_bytes(right)
    rollcall.run("restore", "copy.db")


def test_onto_a_new_machine(rollcall, connected_chat, tmp_path):
    with rollcall.core():
        apps.set_removal(App.get(), Approval.AUTOMATIC, Asker.command_line())
    rollcall.run("backup", "copy.db")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "secret.key").write_bytes((rollcall.home / "secret.key").read_bytes())
    rollcall.environ["ROLLCALL_HOME"] = str(fresh)
    assert rollcall.json("restore", "copy.db")["kept"] is None
    with rollcall.core():
        assert App.get().removal_approval == Approval.ASK, "what was approved before is approved again or not at all"
    assert rollcall.json("check", "Chat")["accounts"] == 5 and external_id(connected_chat, "Tom")


def test_a_damaged_database_gives_way_to_a_backup_and_is_kept(rollcall):
    rollcall.run("backup", "copy.db")
    for companion in ("-wal", "-shm"):
        (rollcall.home / f"rollcall.db{companion}").unlink(missing_ok=True)
    (rollcall.home / "rollcall.db").write_bytes(b"lost " * 10_000)
    assert rollcall.run("apps", "list", code=1).out == ""
    kept = rollcall.json("restore", "copy.db")["kept"]
    assert Path(kept).read_bytes().startswith(b"lost ")
    assert rollcall.json("apps", "list") == {"apps": []}


def test_nobody_else_reads_a_copy_before_it_is_complete(tmp_path):
    """It has every name and address, perhaps in a folder that others can open."""
    source, target = tmp_path / "source.db", tmp_path / "copy.db"
    source.write_text("This is no database, so that the copy ends in the middle." * 100)
    mask = os.umask(0)
    try:
        with pytest.raises(sqlite3.DatabaseError):
            copy_database(source, target)
    finally:
        os.umask(mask)
    assert (tmp_path / "copy.db.partial").stat().st_mode & 0o777 == 0o600


def test_a_copy_is_written_to_no_place_that_a_link_leads_to(tmp_path):
    source, other, target = tmp_path / "source.db", tmp_path / "other.db", tmp_path / "copy.db"
    with closing(sqlite3.connect(source)) as made:
        made.execute("CREATE TABLE one (id INTEGER)")
    (tmp_path / "copy.db.partial").symlink_to(other)
    copy_database(source, target)
    assert target.is_file() and not target.is_symlink() and not other.exists()
