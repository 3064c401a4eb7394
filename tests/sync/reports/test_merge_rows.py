"""A check's findings meet the open report: which row stays the same question, and which is another one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from peewee import fn

from sync.db import db, utcnow, writing
from sync.models import AcceptedLeaver, Account, App, Asset, Change, Check, Report
from sync.reports import merge
from sync.safety import wanted
from sync.staging import tables
from sync.staging.check import FOUND, WANTED
from sync.states import Protection
from sync.workspace import today
from tests.sync.fixtures import email

WAITS, HELD, IGNORED, OUT = "needs confirmation", "held", "ignored", "left out"
UNDECIDED = (WAITS, HELD, IGNORED, OUT)


class Merging:
    """`was` is a row of the open report about person 2, `want` what the check finds, `merge` brings them together."""

    def __init__(self, chat):
        self.app, self.chat = App.get_by_id(chat.app.id), chat
        self.assets = [Asset.create(app=chat.app, external_id=name, kind="room", name=name) for name in ("a", "b")]
        self.report = Report.create(app=chat.app)
        self.check = Check.create(app=chat.app, trigger="hand", state="running")
        wanted.want_nothing()
        tables.create(FOUND)

    def account(self, number: int) -> Account:
        return Account.get(Account.app == self.app, Account.email == email(number))

    def row(self, **values: object) -> dict[str, object]:
        return {"kind": "to grant access", "account_id": self.account(2).id, "asset_id": self.assets[0].id,
                "in_app": True, "before": "Guest", "reason": "By Sales", "after": "Member",
                "person_id": self.chat.people[2].id, "detail": '{"role": "member"}', **values}  # fmt: skip

    def was(self, decision: str, **values: object) -> Change:
        row = {"app_id": self.app.id, "report_id": self.report.id, "decision": decision, "created_at": str(utcnow()),
               **self.row(**values)}  # fmt: skip
        row.pop("left_out_reason", None)
        marks = ", ".join("?" * len(row))
        insert = f"INSERT INTO change ({', '.join(row)}) VALUES ({marks}) RETURNING id"
        [(id,)] = db.execute_sql(insert, tuple(row.values())).fetchall()
        return Change.get_by_id(id)

    def want(self, **values: object) -> None:
        row = self.row(**values)
        db.execute_sql(f"INSERT INTO wanted VALUES ({', '.join('?' * len(WANTED.names))})",
                       tuple(row.get(column) for column in WANTED.names))  # fmt: skip

    def merge(self) -> list[Change]:
        """The rows that wait in the report now."""
        merge.bring_up_to_date(self.app, self.check)
        return list(Change.select().where(Change.report == self.report).order_by(Change.id))

    def other(self, dimension: str) -> dict[str, object]:
        """A value of the row that makes it another question."""
        values = {"kind": "to change role", "account_id": self.account(3).id, "asset_id": self.assets[1].id,
                  "in_app": False, "person_id": self.chat.people[3].id}  # fmt: skip
        name, _, none = dimension.partition(" ")
        return {name: None if none else values[name]}


@pytest.fixture
def merging(chat) -> Iterator[Merging]:
    with writing():
        yield Merging(chat)


DIMENSIONS = ("kind", "in_app", "account_id", "asset_id", "asset_id none", "person_id", "person_id none")


@pytest.mark.parametrize("decision", UNDECIDED)
@pytest.mark.parametrize("other", ["", *DIMENSIONS])
def test_a_question_stays_while_all_that_it_is_about_is_the_same(merging, decision, other):
    values = merging.other(other) if other else {}
    protected = {"protection_reason": "Protected: a pilot", "protection": "by hand"} if decision == IGNORED else {}
    was = merging.was(decision, **protected)
    merging.want(**protected, **values, left_out_reason="On leave" if decision == OUT else None)
    merging.want(kind="removed user", account_id=merging.account(5).id)  # so that something waits
    rows = [row for row in merging.merge() if row.account != merging.account(5)]
    assert len(rows) == 1 and (rows[0].id == was.id) is (not other)
    expected = decision if not other or decision in (IGNORED, OUT) else HELD if values.get("in_app") == 0 else WAITS
    if decision == HELD and not other:
        expected = WAITS  # these are too few for a guard
    assert rows[0].decision == expected
    if other:
        old = Change.get_by_id(was.id)
        assert (old.report, old.decision, old.protection_reason, old.protection) == (None, IGNORED, None, None)
        assert (rows[0].app, rows[0].found_by) == (merging.app, merging.check)


@pytest.mark.parametrize("other", ["", *DIMENSIONS])
def test_an_approved_change_that_is_found_again_is_a_new_change(merging, other):
    was = merging.was("confirmed")
    merging.want(**(merging.other(other) if other else {}))
    rows = merging.merge()
    assert [row.decision for row in rows if row.id != was.id] == [HELD if other == "in_app" else WAITS]
    old = Change.get_by_id(was.id)
    assert (old.report == merging.report, old.decision) == (bool(other), "confirmed")


@pytest.mark.parametrize("other", ["", *DIMENSIONS])
def test_a_change_that_is_no_longer_protected_is_a_new_change(merging, other):
    """And where it is about something else, so is that."""
    was = merging.was(IGNORED, protection_reason="Protected: a pilot", protection="by hand")
    again = {"protection_reason": "Protected: a pilot", "protection": "by hand"}
    merging.want(**again)
    merging.want(**{**merging.other(other or "account_id"), "protection_reason": None})
    if not other:
        db.execute_sql("DELETE FROM wanted")
        merging.want()
    rows = merging.merge()
    old = Change.get_by_id(was.id)
    reason = "Protected: a pilot" if other else None
    assert (old.report == merging.report, old.protection_reason) == (bool(other), reason)
    assert [row.decision for row in rows if row.id != was.id] == [HELD if other == "in_app" else WAITS]


@pytest.mark.parametrize("decision", ["applied", "confirmed"])
def test_a_decided_change_stays_in_the_report_when_it_is_not_found_again(merging, decision):
    was = merging.was(decision)
    merging.want(**merging.other("account_id"))
    assert was.id in [row.id for row in merging.merge()]


def test_an_applied_change_does_not_wait(merging):
    was = merging.was("applied")
    merging.want()
    rows = merging.merge()
    assert [(row.id == was.id, row.decision) for row in rows] == [(True, "applied"), (False, WAITS)]


@pytest.mark.parametrize(("column", "value"), [
    ("reason", "By Support"), ("before", None), ("before", "Owner"), ("after", None), ("after", "Guest"),
    ("detail", '{"role": "guest"}'), ("protection", str(Protection.SYSTEM))])  # fmt: skip
@pytest.mark.parametrize("decision", [WAITS, IGNORED])
def test_each_change_of_what_is_shown_is_written(merging, column, value, decision):
    protected = {"protection_reason": "Protected: a pilot", "protection": "by hand"} if decision == IGNORED else {}
    was = merging.was(decision, **protected)
    version = merging.report.version
    merging.want(**{**protected, column: value})
    [row] = merging.merge()
    assert row.id == was.id
    shown = db.execute_sql(f"SELECT {column} FROM change WHERE id = ?", (was.id,)).fetchone()[0]
    assert shown == value
    seen = column != "protection"
    assert (Report.get_by_id(merging.report.id).version > version) is seen, "a page that was shown before is stale"


@pytest.mark.parametrize(("decision", "in_app", "now", "becomes"), [
    (WAITS, True, {"protection_reason": "Protected: a pilot", "protection": "by hand"}, IGNORED),
    (HELD, False, {"protection_reason": "Protected: a pilot", "protection": "by hand"}, IGNORED),
    (WAITS, True, {"left_out_reason": "On leave"}, OUT), (OUT, True, {"left_out_reason": "On leave"}, OUT),
    (OUT, True, {}, WAITS),
    (OUT, False, {}, OUT), (HELD, False, {}, HELD), (IGNORED, True, {}, WAITS), (IGNORED, False, {}, IGNORED),
    (WAITS, False, {}, WAITS),
    (WAITS, True, {"protection_reason": "Protected: a pilot", "protection": "by hand", "left_out_reason": "On leave"},
     IGNORED),
])  # fmt: skip
def test_a_row_gets_the_decision_that_follows(merging, decision, in_app, now, becomes):
    was = merging.was(decision, in_app=in_app)
    merging.want(in_app=in_app, **now)
    merging.want(**merging.other("account_id"))  # so that something waits
    rows = merging.merge()
    assert {row.id: row.decision for row in rows}[was.id] == becomes and len(rows) == 2


@pytest.mark.parametrize(("now", "becomes"), [
    ({}, WAITS), ({"in_app": False}, HELD), ({"left_out_reason": "On leave"}, OUT),
    ({"protection_reason": "Protected: a pilot", "protection": "by hand"}, IGNORED),
    ({"protection_reason": "Protected: a pilot", "protection": "by hand", "left_out_reason": "On leave",
      "in_app": False}, IGNORED)])
def test_a_new_row_gets_the_decision_that_follows(merging, now, becomes):
    before = utcnow()
    merging.want(**now)
    merging.want(**merging.other("account_id"))
    row = merging.merge()[0]
    assert row.decision == becomes and before <= row.created_at <= utcnow()
    assert (row.kind, row.account, row.asset, row.person, row.before, row.after, row.reason, row.detail) == (
        "to grant access", merging.account(2), merging.assets[0], merging.chat.people[2], "Guest", "Member",
        "By Sales", {"role": "member"})  # fmt: skip
    assert (row.in_app, row.protection_reason, row.protection) == (
        bool(now.get("in_app", 1)), now.get("protection_reason"), now.get("protection"))  # fmt: skip


# Whether anything waits


@pytest.mark.parametrize(("now", "open_now"), [
    ({}, True), ({"left_out_reason": "On leave"}, False),
    ({"protection": "by hand", "protection_reason": "Protected: a pilot"}, True),
    ({"protection": "kept until", "protection_reason": "Kept until 3 March"}, False),
    ({"protection": "by hand", "protection_reason": "Protected: a pilot", "left_out_reason": "On leave"},
     False)])  # fmt: skip
def test_a_report_is_open_while_something_in_it_waits(merging, now, open_now):
    was = merging.was(WAITS)
    merging.want(**now)
    merging.merge()
    report = Report.get_by_id(merging.report.id)
    assert report.state == ("open" if open_now else "superseded")
    assert Change.get_by_id(was.id).report == (report if open_now else None)
    if not open_now:
        assert (report.version, report.decided_by) == (merging.report.version + 1, "schedule")
        made = Report.select().where(Report.app == merging.app).order_by(Report.id.desc()).get()
        assert made.state == "applied" and made.decided_at is not None and made.counts == {}


def test_a_new_report_is_undecided_while_something_in_it_waits(merging):
    merging.report.delete_instance()
    merging.want()
    made = Report.get_by_id(merge.bring_up_to_date(merging.app, merging.check).report.id)
    assert (made.state, made.decided_at) == ("open", None)


def test_closing_it_drops_what_waits_and_keeps_what_is_decided(merging):
    kept = [merging.was(decision, kind=kind) for decision, kind in (("applied", "updated role"),
                                                                     ("confirmed", "removed user"))]  # fmt: skip
    gone = merging.was(OUT)
    other = Report.create(app=merging.app, state="applied")
    elsewhere = Change.create(app=merging.app, report=other, kind="to change role", decision=IGNORED)
    merging.merge()
    assert [Change.get_by_id(row.id).report for row in kept] == [merging.report, merging.report]
    now = Change.get_by_id(gone.id)
    assert (now.report, now.decision) == (None, IGNORED)
    assert Change.get_by_id(elsewhere.id).report == other


@pytest.mark.parametrize("waits", [True, False])
def test_changes_applied_by_the_check_are_in_the_report_and_counted(merging, waits):
    for kind in ("updated role", "removed user", "new asset", "removed asset", "revoked access"):
        db.execute_sql("INSERT INTO found VALUES (?, ?, ?, 'x', 'y', 'why')",
                       (kind, merging.account(4).id, merging.assets[0].id))  # fmt: skip
    if waits:
        merging.want()
    report = merge.bring_up_to_date(merging.app, merging.check).report
    rows = list(Change.select().where(Change.report == report, Change.decision == "applied"))
    assert {row.kind: row.in_app for row in rows} == {
        "updated role": True, "removed user": False, "new asset": True, "removed asset": False,
        "revoked access": False}  # fmt: skip
    for row in rows:
        assert (row.account, row.asset, row.before, row.after, row.reason, row.found_by) == (
            merging.account(4), merging.assets[0], "x", "y", "why", merging.check)  # fmt: skip
    counts = dict.fromkeys(("updated role", "removed user", "new asset", "removed asset", "revoked access"), 1)
    report = Report.get_by_id(report.id)
    assert report.counts == counts | ({"to grant access": 1} if waits else {})
    assert (report.state, report.waiting) == (("open", 1) if waits else ("applied", 0))


@pytest.mark.parametrize("protected", [True, False])
def test_the_decider_of_a_protected_leaver_accepted_it_otherwise_decided_before(merging, protected):
    """Both are kept apart: the acceptance of a protected leaver, and a decision about what waits."""
    accepted = AcceptedLeaver.create(
        account=merging.account(2), person=merging.chat.people[2], protection="by hand", reason="A pilot",
        until=today(), accepted_by="Olga", accepted_at=datetime(2026, 11, 2))  # fmt: skip
    stuck = {"kind": "removed user", "asset_id": None, "protection_reason": "Protected: a pilot",
             "protection": "by hand"}
    left_out = {"left_out_reason": "On leave", "protection_reason": None}
    was = merging.was(IGNORED if protected else OUT, **(stuck if protected else {}))
    Change.update(decided_by="Bo", decided_at=datetime(2026, 11, 1)).where(Change.id == was.id).execute()
    merging.want(**(stuck if protected else left_out), accepted=accepted.id)
    merging.want(kind="removed user", account_id=merging.account(5).id)
    [row] = [row for row in merging.merge() if row.account != merging.account(5)]
    assert (row.id, row.decided_by, row.decided_at) == (
        was.id, *(("Olga", datetime(2026, 11, 2)) if protected else ("Bo", datetime(2026, 11, 1))))


def test_changes_applied_by_a_check_belong_to_its_report(merging):
    """What is gone left Rollcall alone, everything else is so in the app."""
    before = utcnow()
    asset = merging.assets[0]
    gone = ("removed user", "removed asset", "revoked access")
    kinds = (*gone, "new user", "updated role", "new asset", "granted access")
    for kind in kinds:
        db.execute_sql("INSERT INTO found VALUES (?, ?, ?, 'before', 'after', 'why')",
                       (kind, merging.account(3).id, asset.id))  # fmt: skip
    assert merge._attach_applied(merging.app, merging.check, merging.report, merge.NewAccounts()) == len(kinds)
    rows = {row.kind: row for row in Change.select().where(Change.found_by == merging.check)}
    assert {kind: row.in_app for kind, row in rows.items()} == {kind: kind not in gone for kind in kinds}
    for row in rows.values():
        assert (row.app, row.report, row.decision, row.account, row.asset, row.before, row.after, row.reason) == (
            merging.app, merging.report, "applied", merging.account(3), asset, "before", "after", "why")  # fmt: skip
        assert before <= row.created_at <= utcnow()


@pytest.mark.parametrize("first", [True, False])
def test_each_account_above_the_newest_known_one_is_a_new_user_of_its_app(merging, first):
    """Without a row of `found`, which a first reading would fill with all accounts of the app."""
    above = Account.select(fn.MAX(Account.id)).scalar()
    other = App.create(connector="listed", name="Other", category="Test", state="active")
    new = {id: Account.create(app=app, external_id=id, role=role, further_roles=further).id
           for id, app, role, further in (("a", merging.app, "member", ()), ("b", merging.app, "unknown", ("admin",)),
                                          ("c", other, "member", ()))}  # fmt: skip
    App.update(last_check_at=None if first else utcnow()).where(App.id == merging.app.id).execute()
    app = App.get_by_id(merging.app.id)
    report = merge.bring_up_to_date(app, merging.check, merge.NewAccounts(2, above)).report
    rows = Change.select().where(Change.found_by == merging.check).order_by(Change.id)
    why = "In the app when it was connected" if first else ""
    assert [(row.app, row.report, row.kind, row.decision, row.account_id, row.asset, row.before, row.after, row.in_app,
             row.reason) for row in rows] == [
        (app, report, "new user", "applied", new["a"], None, None, "Member", True, why),
        (app, report, "new user", "applied", new["b"], None, None, "unknown, Admin", True, why)]  # fmt: skip
    assert Report.get_by_id(report.id).counts == {"new user": 2}
