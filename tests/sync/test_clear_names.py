"""An older file's columns get their new names, each with the values that it had, and go back to the old ones."""

from __future__ import annotations

import json
from pathlib import Path

from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync.config import Config
from sync.db import MIGRATIONS, db
from sync.models import Access, Account, App, Change, Check, Directory, Offboarding, PersonEmail, Role
from sync.start import open_all
from tests.database import ON_FILE
from tests.sync.matching.test_migrated_addresses import Old
from tests.sync.test_named_states import bring_to, rows, shapes

pytestmark = ON_FILE

BEFORE = "0022_named_states"


def older(config: Config) -> Old:
    """A directory, an app with a role, a matched account whose new profile a guard holds, and two offboardings."""
    config.home.mkdir()
    bring_to(config.database_path, BEFORE)
    old = Old(config.database_path)
    owner, leaver = old.person("Mira", "mira@acme.example"), old.person("Ana", "ana@acme.example")
    old.add("directory", kind="ldap", name="Company", state="active", place=3)
    app = old.add("app", connector="listed", name="List", category="seat-based", state="active",
                  may='["read members"]', missing='["invite"]')
    old.add("role", app_id=app, external_id="editor", label="Editor", standard=1, place=7)
    held = json.dumps({"email": "Ana@new.example", "normal": "ana@new.example", "name": "Ana"})
    account = old.account(app, "ana@acme.example", leaver, match_by_hand=1, matched_as="ana@acme.example", pending=held)
    asset = old.add("asset", app_id=app, external_id="a", kind="repository", name="Code", state="present")
    old.add("access", app_id=app, account_id=account, asset_id=asset, given="in group Sales")
    report = old.add("report", app_id=app, state="open")
    check = old.add("check", app_id=app, trigger="daily", state="succeeded", phase="comparing", report_id=report)
    old.add("change", app_id=app, found_by_id=check, report_id=report, kind="updated profile", decision="held",
            account_id=account, detail=held)
    old.add("change", app_id=app, report_id=report, kind="updated role", decision="held", account_id=account,
            detail='{"role": "editor"}')
    for by in ("Mira <mira@acme.example>", "Someone <gone@acme.example>"):
        old.add("offboarding", person_id=leaver, state="applied", asked_by=by)
    assert owner != leaver
    old.file.close()
    return old


def test_each_column_has_its_new_name_and_the_value_it_had(config):
    older(config)
    open_all(config)
    db.connect(reuse_if_open=True)
    try:
        assert (Directory.get().position, Role.get().position, Role.get().is_default) == (3, 7, True)
        app, account = App.get(), Account.get()
        assert (app.permissions, app.missing_permissions) == (["read members"], ["invite"])
        assert (account.email_key, account.match_kind, account.email_when_matched) == (
            "ana@acme.example", "matched", "ana@acme.example")
        assert account.held_values == {"email": "Ana@new.example", "email_key": "ana@new.example", "name": "Ana"}
        profile, role = Change.select().order_by(Change.id)
        assert profile.detail == account.held_values and role.detail == {"role": "editor"}
        assert profile.found_by == Check.get() and Access.get().granted_by == "in group Sales"
        mira = PersonEmail.get(email_key="mira@acme.example").person
        assert [(row.asked_by, row.asker) for row in Offboarding.select().order_by(Offboarding.id)] == [
            ("Mira <mira@acme.example>", mira), ("Someone <gone@acme.example>", None)]
        assert db.execute_sql("PRAGMA foreign_key_check").fetchall() == []
    finally:
        db.close()


def test_the_way_back_gives_the_old_names_to_the_same_rows(config):
    older(config)
    shape, before = shapes(config.database_path), kept(config.database_path)
    with_names(config.database_path).up("0023_clear_names")
    assert shapes(config.database_path) != shape
    with_names(config.database_path).down("0023_clear_names")
    assert (shapes(config.database_path), kept(config.database_path)) == (shape, before)


def kept(path: Path) -> dict[str, list[dict]]:
    """Every row; JSON is compared as what it means."""
    found = rows(path)
    for row in [*found["account"], *found["change"]]:
        row |= {name: json.loads(row[name]) for name in ("pending", "detail") if row.get(name)}
    return found


def with_names(path: Path) -> Runner:
    return Runner(SqliteDatabase(path), str(MIGRATIONS))
