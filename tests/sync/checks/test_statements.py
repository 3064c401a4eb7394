"""The statements that compare a reading with what is known, each on rows of which one alone fulfils every condition."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from connectors.base import Account as Seat
from sync.checks import compare, snapshot
from sync.checks.listed import stage_account
from sync.db import db
from sync.models import Access, Account, App, Asset, Role
from sync.reports.merge import NewAccounts
from sync.staging import tables
from sync.staging.check import DIFFERING, FOUND, STAGED_ACCESS_ID

SEEN = datetime(2026, 11, 1)
KNOWN = {"email": "ana@x.example", "name": "Ana", "status": "active", "role": "member", "kind": "user",
         "last_activity": SEEN, "seat": "full", "user_name": "ana", "employee_number": "7"}  # fmt: skip
OTHER = {"email": "bo@x.example", "name": "Bo", "status": "suspended", "role": "admin", "kind": "system",
         "last_activity": SEEN + timedelta(hours=1), "seat": "", "user_name": "bo", "employee_number": "8",
         "further_roles": ("guest",), "missing_fields": frozenset({"seat"}),
         "defaulted_fields": frozenset({"seat"})}  # fmt: skip
MATCHED_BY = {"email", "kind", "user_name", "employee_number"}


def an_app(name: str) -> App:
    return App.create(connector="listed", name=name, category="Test", state="active")


@pytest.fixture
def app(home) -> Iterator[App]:
    app = an_app("One")
    with snapshot.staging():
        tables.create(FOUND, STAGED_ACCESS_ID)
        yield app


def known(app: App, id: str = "1", **values: object) -> Account:
    values = KNOWN | {"state": "present"} | values
    return Account.create(
        app=app, external_id=id, email_key=values["email"], missing_fields=0, defaulted_fields=0, **values)


def differing(app: App) -> list[int]:
    tables.fill(DIFFERING, compare._DIFFERING, {"app": app.id})
    return [id for (id,) in db.execute_sql("SELECT account_id FROM differing ORDER BY account_id").fetchall()]


def to_match() -> list[int]:
    return [id for (id,) in db.execute_sql(compare._TO_MATCH).fetchall()]


@pytest.mark.parametrize("field", [None, *OTHER])
def test_an_account_differs_by_each_column_alone_and_is_matched_again_for_some(app, field):
    account, _ = known(app), known(an_app("Two"))
    stage_account(Seat("1", **KNOWN | ({field: OTHER[field]} if field else {})))
    assert differing(app) == ([account.id] if field else [])
    assert to_match() == ([account.id] if field in MATCHED_BY else [])


def test_an_account_that_was_gone_differs_and_is_matched_again(app):
    account = known(app, state="gone", gone_at=SEEN)
    stage_account(Seat("1", **KNOWN))
    assert differing(app) == to_match() == [account.id]


def test_present_accounts_that_are_neither_staged_nor_the_same_are_missing(app):
    missing, listed, same = known(app), known(app, "2"), known(app, "3")
    known(app, "4", state="gone", gone_at=SEEN)
    known(app, "5", state="removing")
    known(an_app("Two"), "6")
    stage_account(Seat(listed.external_id))
    db.execute_sql("INSERT INTO staged_same VALUES (?, 0, 0, 0, 0)", (same.id,))
    assert compare.missing(app) == [(missing.id, "1")]


def an_asset(app: App, id: str, state: str = "present", name: str = "") -> Asset:
    return Asset.create(app=app, external_id=id, kind="room", name=name or id, state=state)


def test_assets_are_lost_that_were_there_and_all_of_them_are_counted(app):
    lost, _, _ = an_asset(app, "lost"), an_asset(app, "listed"), an_asset(app, "gone", "gone")
    for id in ("other", "lost"):
        an_asset(an_app(f"Other {id}"), id)
    db.execute_sql("INSERT INTO staged_asset VALUES ('listed', 'room', 'listed')")
    assert compare.lost_assets(app) == ([lost.id], 2)


def test_access_is_lost_of_present_accounts_on_present_assets_that_are_listed(app):
    two = an_app("Two")
    here, removing, elsewhere = known(app), known(app, "2", state="removing"), known(two)
    hall, yard, gone, unlisted = (an_asset(app, id, state) for id, state in (
        ("hall", "present"), ("yard", "present"), ("gone", "gone"), ("unlisted", "present")))  # fmt: skip
    for asset in ("hall", "yard", "gone"):
        db.execute_sql("INSERT INTO staged_asset VALUES (?, 'room', '')", (asset,))
    for account, asset in ((here, hall), (here, yard), (here, gone), (here, unlisted), (removing, hall)):
        Access.create(app=app, account=account, asset=asset, role="guest")
    Access.create(app=two, account=elsewhere, asset=an_asset(two, "hall"), role="guest")
    db.execute_sql("INSERT INTO staged_access_id VALUES (?, ?, 'guest', FALSE)", (here.id, yard.id))
    assert compare.lost_access(app) == ([(here.id, hall.id)], 5)


def found() -> list[tuple]:
    return db.execute_sql("SELECT * FROM found ORDER BY 1, 2, 3").fetchall()


def test_access_is_granted_changed_and_brought_up_to_date(app):
    ana, bo, cy = known(app), known(app, "2"), known(app, "3", state="gone", gone_at=SEEN)
    known(an_app("Two"))
    hall, yard, den = an_asset(app, "hall"), an_asset(app, "yard"), an_asset(app, "den")
    Access.create(app=app, account=ana, asset=hall, role="guest", granted_by="Sales")
    Access.create(app=app, account=ana, asset=yard, role="guest", privileged=False, granted_by="Sales")
    listed = [("1", "hall", "host", False), ("1", "yard", "guest", True), ("2", "hall", "host", True),
              ("3", "hall", "host", True), ("1", "attic", "host", True), ("1", "den", "guest", False)]  # fmt: skip
    for account, asset, role, privileged in listed:
        db.execute_sql("INSERT INTO staged_access VALUES (?, ?, ?, ?, FALSE)", (account, asset, role, privileged))
    for asset in (hall, yard, den):
        db.execute_sql("INSERT INTO staged_asset VALUES (?, 'room', ?)", (asset.external_id, asset.name))
    App.update(last_check_at=SEEN).where(App.id == app.id).execute()
    compare.apply_assets(App.get_by_id(app.id), NewAccounts())
    assert found() == [("changed access", ana.id, hall.id, "guest", "host", ""),
                       ("granted access", ana.id, den.id, None, "guest", ""),
                       ("granted access", bo.id, hall.id, None, "host", "")]  # fmt: skip
    rows = Access.select().order_by(Access.account, Access.asset)
    assert [(row.account_id, row.asset_id, row.role, row.privileged, row.granted_by) for row in rows] == [
        (ana.id, hall.id, "host", False, None), (ana.id, yard.id, "guest", True, "Sales"),
        (ana.id, den.id, "guest", False, None), (bo.id, hall.id, "host", True, None)]  # fmt: skip
    assert cy.id not in {row.account_id for row in rows}


@pytest.mark.parametrize("first", [True, False])
def test_assets_are_new_renamed_and_back_and_their_access_is_part_of_the_first_check(app, first):
    two = an_app("Two")
    same, renamed, other_kind, gone = (an_asset(app, id, state, id) for id, state in (
        ("same", "present"), ("renamed", "present"), ("kind", "present"), ("gone", "gone")))  # fmt: skip
    for id in ("same", "renamed", "new"):
        an_asset(two, id, name="of another app")
    ana = known(app)
    for id, kind, name in (("same", "room", "same"), ("renamed", "room", "Renamed"), ("kind", "hall", "kind"),
                           ("gone", "room", "gone"), ("new", "room", "New")):  # fmt: skip
        db.execute_sql("INSERT INTO staged_asset VALUES (?, ?, ?)", (id, kind, name))
    db.execute_sql("INSERT INTO staged_access VALUES ('1', 'same', 'host', FALSE, FALSE)")
    App.update(last_check_at=None if first else SEEN).where(App.id == app.id).execute()
    compare.apply_assets(App.get_by_id(app.id), NewAccounts())
    new = Asset.get(Asset.app == app, Asset.external_id == "new")
    why = "In the app when it was connected" if first else ""
    granted = [] if first else [("granted access", ana.id, same.id, None, "host", "")]
    assert found() == [*granted, ("new asset", None, gone.id, None, "gone", "Is in the app again"),
                       ("new asset", None, new.id, None, "New", why),
                       ("renamed asset", None, renamed.id, "renamed", "Renamed", "")]  # fmt: skip
    rows = Asset.select().where(Asset.app == app).order_by(Asset.id)
    assert [(row.external_id, row.kind, row.name, row.state) for row in rows] == [
        ("same", "room", "same", "present"), ("renamed", "room", "Renamed", "present"),
        ("kind", "hall", "kind", "present"), ("gone", "room", "gone", "present"), ("new", "room", "New", "present")]
    assert {row.name for row in Asset.select().where(Asset.app == two)} == {"of another app"}
    assert other_kind.kind == "room"


def test_an_account_that_is_new_or_back_has_its_access_with_it(app):
    ana, bo, cy = (known(app, id) for id in ("1", "2", "3"))
    hall = an_asset(app, "hall")
    db.execute_sql("INSERT INTO staged_asset VALUES ('hall', 'room', 'hall')")
    for id in ("1", "2", "3"):
        db.execute_sql("INSERT INTO staged_access VALUES (?, 'hall', 'host', FALSE, FALSE)", (id,))
    db.execute_sql("INSERT INTO found VALUES ('new user', ?, NULL, NULL, '', '')", (ana.id,))
    db.execute_sql("INSERT INTO found VALUES ('updated role', ?, NULL, NULL, '', '')", (bo.id,))
    App.update(last_check_at=SEEN).where(App.id == app.id).execute()
    compare.apply_assets(App.get_by_id(app.id), NewAccounts(1, above=bo.id))
    assert [row for row in found() if row[0] == "granted access"] == [
        ("granted access", bo.id, hall.id, None, "host", "")]
    assert {row.account_id for row in Access.select()} == {ana.id, bo.id, cy.id}


def test_a_role_that_is_not_listed_is_deleted_unless_someone_has_it(app):
    two = an_app("Two")
    for id in ("listed", "unused", "used", "further", "of someone gone", "of someone elsewhere"):
        Role.create(app=app, external_id=id, label=id)
    Role.create(app=two, external_id="unused", label="unused")
    db.execute_sql("INSERT INTO staged_role VALUES ('listed', 'listed', FALSE, FALSE, 0)")
    known(app, role="used", further_roles=("further",))
    known(app, "2", role="of someone gone", further_roles=("of someone gone",), state="gone", gone_at=SEEN)
    known(two, role="of someone elsewhere", further_roles=("of someone elsewhere",))
    db.execute_sql(compare._ROLES_GONE, {"app": app.id})
    kept = [(row.app_id, row.external_id) for row in Role.select().order_by(Role.id)]
    assert kept == [(app.id, "listed"), (app.id, "used"), (app.id, "further"), (two.id, "unused")]


ROLE = {"label": "Admin", "privileged": True, "is_default": False, "position": 3}


@pytest.mark.parametrize("change", [
    {}, {"label": "Boss"}, {"privileged": False}, {"is_default": True}, {"position": 4},
])  # fmt: skip
def test_a_role_is_brought_up_to_date_by_each_column_alone(app, change):
    two = an_app("Two")
    for place in (app, two):
        Role.create(app=place, external_id="admin", **ROLE)
    now = ROLE | change
    db.execute_sql("INSERT INTO staged_role VALUES ('admin', ?, ?, ?, ?)", tuple(now.values()))
    db.execute_sql("INSERT INTO staged_role VALUES ('new', 'New', TRUE, TRUE, 9)")
    db.execute_sql(compare._ROLES, {"app": app.id})
    rows = Role.select(Role.app, Role.external_id, Role.label, Role.privileged, Role.is_default, Role.position)
    assert sorted(rows.tuples()) == sorted([
        (app.id, "admin", *now.values()), (two.id, "admin", *ROLE.values()), (app.id, "new", "New", True, True, 9)])


@pytest.mark.parametrize(("gone_at", "status", "left_out", "suspends", "is_back"), [
    (SEEN, "active", "", False, True), (SEEN + timedelta(seconds=1), "active", "", False, False),
    (SEEN, "suspended", "", False, True), (SEEN, "suspended", "", True, False), (SEEN, "active", "", True, True),
    (SEEN, "suspended", "status", True, True), (SEEN, "suspended", "role", True, False),
])  # fmt: skip
def test_an_account_is_back_that_left_before_the_reading_and_is_not_merely_suspended(
    app, gone_at, status, left_out, suspends, is_back
):
    """`gone_at` and the beginning of the reading are compared, in both statements alike. A status that the app leaves
    out is the known one."""
    account = known(app, state="gone", gone_at=gone_at, missing_since=SEEN, name="Before")
    present = known(app, "2", name="Before")
    for id in ("1", "2"):
        missing = frozenset(filter(None, [left_out]))
        stage_account(Seat(id, missing_fields=missing, **KNOWN | {"status": status}))
    differing(app)
    values = {"app": app.id, "began": str(SEEN), "suspends": suspends}
    for statement in (compare._RETURNED_USERS, compare._RETURN_ACCOUNTS):
        db.execute_sql(statement, values)
    assert [row[:2] for row in found()] == ([("new user", account.id)] if is_back else [])
    row = Account.get_by_id(account.id)
    assert (row.state, row.name) == (("present", "Ana") if is_back else ("gone", "Before"))
    assert (row.gone_at, row.missing_since) == ((None, None) if is_back else (gone_at, SEEN))
    assert Account.get_by_id(present.id).name == "Before"
