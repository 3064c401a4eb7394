"""An older file is brought up to date with all its rows, or refused unchanged; then the schema allows known words."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from peewee import IntegrityError, SqliteDatabase
from playhouse.migrations import Runner

from sync import models, states
from sync.config import Config
from sync.db import MIGRATIONS, DatabaseRefused, db
from sync.models import Account, App, Change, Check, HeldChange, Person
from sync.start import open_all
from tests.blank import Copy
from tests.database import ON_FILE
from tests.sync.matching.test_migrated_addresses import Old, new_at

pytestmark = ON_FILE

BEFORE = "0021_protection"
NO_LONGER_KEPT = {"report": "updated_at", "invitation": "onboarded_at", "mail": "sent_at"}


@pytest.fixture
def old(tmp_path: Path, config: Config) -> Old:
    """An app with an account, an asset, a report with every kind of change and a task for each; and the log."""
    config.home.mkdir()
    bring_to(config.database_path, BEFORE)
    old = Old(config.database_path)
    person = old.person("Maria", "maria@acme.example", status="deprovisioned")
    directory = old.add("directory", kind="ldap", name="Company LDAP", state="active")
    entry = old.add("directory_entry", directory_id=directory, external_id="7", person_id=person, status="active",
                    reported="deprovisioned", listed="active")
    group = old.add("directory_group", directory_id=directory, external_id="g", name="Sales")
    old.add("directory_group_member", group_id=group, entry_id=entry)
    old.add("directory_reading", directory_id=directory, state="failed")
    app = old.add("app", connector="listed", name="The “list”", category="seat-based", state="active", removal="ask")
    old.add("app", connector="listed", name="The “list”", category="seat-based", state="disconnected", removal="ask",
            joiners="automatic")
    old.add("app_person", app_id=app, person_id=person, part="owner")
    account = old.account(app, "maria@acme.example", person, status="unknown: FROZEN", kind="bot")
    old.add("role", app_id=app, external_id="editor", label="Editor")
    asset = old.add("asset", app_id=app, external_id="a", kind="repository", state="gone")
    old.add("access", app_id=app, account_id=account, asset_id=asset)
    report = old.add("report", app_id=app, state="open")
    check = old.add("check", app_id=app, trigger="release", state="succeeded", phase="comparing", report_id=report)
    for kind in states.ChangeKind:
        change = old.add("change", app_id=app, found_by_id=check, report_id=report, kind=str(kind), decision="applied",
                         account_id=account, detail='{"role": "editor"}')
        old.add("app_task", app_id=app, report_id=report, change_id=change, act="remove", state="no longer needed",
                account_id=account)
    old.add("invitation", app_id=app, email="x@acme.example", normal="x@acme.example", state="onboarded")
    old.add("mail", key="k", kind="report", recipient="x@acme.example", state="sent")
    old.add("held_change", person_id=person, field="name", value="M", state="dismissed")
    return old


def bring_to(path: Path, migration: str) -> None:
    """The file, or a new one, has had all migrations up to this one."""
    if not path.exists():
        path.write_bytes(new_at(migration))
        return
    file = SqliteDatabase(path)
    with file.connection_context():
        Runner(file, str(MIGRATIONS)).up(migration)


@pytest.fixture
def start(old: Old, config: Config):
    def start() -> None:
        old.file.close()
        open_all(config)
        db.connect(reuse_if_open=True)

    yield start
    if not db.is_closed():
        db.close()


@pytest.fixture(scope="module")
def has_started() -> list[Copy]:
    """The earlier file once Rollcall has brought it up to date, for the tests that first change nothing in it."""
    return []


@pytest.fixture
def started(start, config: Config, has_started: list[Copy]) -> None:
    if not has_started:
        start()
        has_started.append(Copy.of(config, with_key=False))
    has_started[0].open(config)


def rows(path: Path) -> dict[str, list[dict]]:
    """Every row of every table that Rollcall itself makes."""
    with closing(sqlite3.connect(path)) as file:
        file.row_factory = sqlite3.Row
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: [dict(row) for row in file.execute(f'SELECT * FROM "{table}" ORDER BY 1')]
                for table in tables if table != "schema_migration"}  # fmt: skip


def made(path: Path) -> list[tuple]:
    with closing(sqlite3.connect(path)) as file:
        return sorted(tuple(row) for row in file.execute("SELECT type, name, sql FROM sqlite_master"))


def test_every_row_of_an_older_file_is_kept(old, start, config):
    before = rows(config.database_path)
    assert len(before["change"]) == len(states.ChangeKind) == len(before["app_task"])
    bring_to(config.database_path, "0022_named_states")
    after = rows(config.database_path)
    for table, kept in before.items():
        column = NO_LONGER_KEPT.get(table)
        known = [{name: value for name, value in row.items() if name != column} for row in kept]
        now = [{name: row[name] for name in known[0]} for row in after[table][: len(known)]] if known else []
        assert now == known, table
        assert table == "setting" or table == "activity" or len(after[table]) == len(kept), table
    start()
    assert db.execute_sql("PRAGMA foreign_key_check").fetchall() == []
    assert db.execute_sql("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.pragma("foreign_keys") == 1


def test_indexes_and_triggers_of_a_rebuilt_table_are_kept(old, config):
    def beside() -> set[str]:
        return {name for kind, name, _ in made(config.database_path) if kind in ("index", "trigger")}

    before = beside()
    bring_to(config.database_path, "0022_named_states")
    gone = {"directory_entry_directory_id", "directory_group_directory_id", "directory_group_member_group_id",
            "app_person_app_id", "role_app_id", "check_app_id"}  # fmt: skip
    assert before - beside() == gone
    assert {"app_name", "activity_no_update", "activity_no_delete"} <= beside()


@pytest.mark.parametrize(("table", "column"), [
    ("account", "state"), ("account", "status"), ("change", "decision"), ("person", "workspace_role"),
    ("check", "state"),
])  # fmt: skip
def test_a_file_with_another_word_is_refused_as_it_is(old, start, config, table, column):
    old.file.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE id = 1', ("retired",))
    before, shape = rows(config.database_path), made(config.database_path)
    with pytest.raises(DatabaseRefused) as refused:
        start()
    for named in (f"table {table}", f"column {column}", "'retired'", "Nothing was changed"):
        assert named in str(refused.value)
    assert (rows(config.database_path), made(config.database_path)) == (before, shape)
    assert applied(config.database_path)[-1] == BEFORE
    assert config.database_path.with_name(f"{config.database_path.name}.before-{first_after(BEFORE)}").exists()


def test_of_processes_that_start_at_once_after_an_update_one_changes_the_file(old, config):
    old.file.close()
    opens = f"from sync import start; from tests.blank import config_of; start.open_all(config_of('{config.home}'))"
    processes = [subprocess.Popen([sys.executable, "-c", opens], stderr=subprocess.PIPE) for _ in range(3)]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [(b"", 0)] * 3
    assert applied(config.database_path) == sorted(path.stem for path in MIGRATIONS.glob("[0-9]*.py"))
    lock = config.database_path.with_name(f"{config.database_path.name}.update.lock")
    assert lock.stat().st_mode & 0o777 == 0o600, "no other user can hold it"


def applied(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as file:
        return sorted(name for (name,) in file.execute("SELECT name FROM schema_migration"))


def first_after(name: str) -> str:
    return min(path.stem for path in MIGRATIONS.glob("[0-9]*.py") if path.stem > name)


def test_two_connected_apps_of_one_name_are_refused(old, start):
    old.file.execute("UPDATE app SET state = 'paused'")
    with pytest.raises(DatabaseRefused, match="column name is 'The “list”' in 2 connected apps. Nothing was changed."):
        start()


def test_the_way_back_makes_the_schema_from_before(old, config):
    old.file.close()
    before, kept = shapes(config.database_path), rows(config.database_path)
    file = SqliteDatabase(config.database_path, pragmas={"foreign_keys": 1})
    with file.connection_context():
        Runner(file, str(MIGRATIONS)).up("0022_named_states")
        Runner(file, str(MIGRATIONS)).down(first_after(BEFORE))
    assert shapes(config.database_path) == before
    now = rows(config.database_path)
    assert {table: len(found) for table, found in now.items()} == {table: len(found) for table, found in kept.items()}


def test_no_table_is_dropped_while_references_are_enforced(old, config):
    old.file.close()
    before = rows(config.database_path)
    file = SqliteDatabase(config.database_path, pragmas={"foreign_keys": 1})
    with pytest.raises(DatabaseRefused, match="foreign keys are enforced"), file:  # a transaction: none can be set off
        Runner(file, str(MIGRATIONS)).up("0022_named_states")
    assert rows(config.database_path) == before


def shapes(path: Path) -> dict[str, set]:
    """The columns of each table, but for whether one that nothing read may be empty, and the indexes' names."""
    with closing(sqlite3.connect(path)) as file:
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {table: {row[1] for row in file.execute(f'PRAGMA table_info("{table}")')} for table in tables}
        return columns | {"indexes": {row[0] for row in file.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index'")}}


@pytest.mark.parametrize("query", [
    Account.update(state="retired"), Person.update(status="left"), App.update(state="off"),
    Change.update(kind="vanished"), Check.update(phase="thinking"), Account.update(status="frozen"),
    Change.update(protection="by magic"), HeldChange.update(field="shoe size"),
], ids=str)  # fmt: skip
def test_the_schema_keeps_to_the_words(started, query):
    with pytest.raises(IntegrityError, match="CHECK"):
        query.execute()


def test_a_connected_app_has_its_name_alone(started):
    other = App.get(App.state == "disconnected")
    with pytest.raises(IntegrityError, match="app.name"):
        App.update(state="paused").where(App.id == other.id).execute()


def test_rows_have_the_members(started):
    change = Change.get(Change.kind == "removed user")
    assert change.kind is states.ChangeKind.REMOVED_USER and change.decision is states.ChangeDecision.APPLIED
    assert Account.get().status == "unknown: FROZEN"
    assert {field.column_name for field in models.App._meta.sorted_fields if isinstance(field, models.OneOf)} == {
        "state", "removal_approval", "joiner_approval", "unassigned_approval", "failure"}


def test_each_kind_of_change_is_of_one_sort():
    sorts = [states.REMOVALS, states.ADJUSTMENTS, states.UPDATES, states.OF_ASSETS, states.OF_ACCESS, ("new user",)]
    assert sorted(kind for sort in sorts for kind in sort) == sorted(states.ChangeKind)
    assert set(states.BY_RULES) == {*states.ADJUSTMENTS, "no longer assigned"}


@pytest.mark.parametrize("trigger", states.CheckTrigger)
def test_activity_says_why_a_check_was_asked_for(trigger: states.CheckTrigger):
    assert trigger.words[0].isupper() and trigger.words != trigger
