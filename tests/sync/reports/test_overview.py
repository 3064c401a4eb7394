"""Reports as they are listed and counted, and what an approval would do, each condition at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow, writing
from sync.models import Access, Account, App, AppPerson, Asset, Change, Check, Person, Report
from sync.reports import overview, reports, view
from sync.reports.held import hold_what_is_too_many
from sync.reports.overview import Reports
from sync.states import ChangeDecision
from tests.sync.fixtures import email


@pytest.fixture
def report(chat) -> Report:
    return Report.create(app=chat.app)


def account(number: int) -> Account:
    return Account.select().where(Account.email == email(number)).order_by(Account.id).get()


def change(report: Report, number: int | None = None, **values: object) -> Change:
    return Change.create(app=report.app, report=report, account=number and account(number),
                         **{"kind": "removed user", "decision": "needs confirmation", **values})  # fmt: skip


# Listed


def test_open_reports_come_first_then_the_latest_and_empty_ones_under_applied_alone(chat, second, olga):
    Report.update(state="dismissed", counts={}).execute()
    made = [Report.create(app=app, state=state, counts=counts) for app, state, counts in (
        (chat.app, "dismissed", {"new user": 1}), (chat.app, "applied", {}), (second.app, "open", {"new user": 1}),
        (chat.app, "applied", {"new user": 1}))]  # fmt: skip
    old, empty, open_one, latest = made
    first = overview.search(olga, Reports())
    assert first.rows == [open_one, latest, old] and first.total == 3
    assert overview.search(olga, Reports(str(chat.app.id))).rows == [latest, old]
    assert overview.search(olga, Reports(state="applied")).rows == [latest, empty]
    assert overview.search(olga, Reports(str(chat.app.id), "open")).rows == []
    App.update(state="disconnected").where(App.id == second.app.id).execute()
    assert overview.search(olga, Reports()).rows == [latest, old]
    assert overview.search(olga, Reports(str(second.app.id))).rows == [open_one]
    more = {"app": chat.app, "state": "dismissed", "counts": {"new user": 1}}
    Report.insert_many([more] * 50).execute()
    assert len(overview.search(olga, Reports()).rows) == 50
    assert overview.search(olga, Reports(), number=2).rows == [latest, old]


@pytest.mark.parametrize(("role", "manages_as", "sees"), [
    ("owner", None, True), ("super admin", None, True), ("admin", None, False), ("user", "owner", True),
    ("user", "collaborator", False), ("user", None, False)])  # fmt: skip
def test_reports_are_shown_to_those_who_decide_them(chat, second, report, role, manages_as, sees):
    person = Person.create(name="Bo", workspace_role=role)
    if manages_as:
        AppPerson.create(app=chat.app, person=person, manages_as=manages_as)
    Report.create(app=second.app, state="dismissed", counts={"new user": 1})
    all_of_them = role in ("owner", "super admin")
    assert overview.count_open(person) == sees
    assert len(overview.search(person, Reports(state="open")).rows) == sees
    assert len(overview.search(person, Reports(state="dismissed")).rows) == all_of_them
    App.update(state="disconnected").execute()
    assert overview.count_open(person) == 0


# Counted


def test_the_effects_of_an_approval_are_counted(report):
    assert overview.confirmable(report) == overview.Ready(0, 0, 0)
    change(report, 1)
    change(report, 2, kind="no longer assigned")
    change(report, 3, in_app=False)
    for number, kind in enumerate(("to change role", "to grant access", "to revoke access"), start=4):
        change(report, number, kind=kind)
    for number, decision in enumerate(("held", "left out", "ignored", "confirmed", "applied"), start=1):
        change(report, number, decision=decision, kind="to invite")
    change(Report.create(app=report.app, state="applied"), 9)
    assert overview.confirmable(report) == overview.Ready(2, 3, 1)


def test_removals_of_those_who_are_only_invited(chat, second, report):
    Account.update(status="invited").where(Account.app == chat.app, Account.email != email(1)).execute()
    change(report, 1)
    change(report, 2)
    change(report, 3, kind="no longer assigned")
    change(report, 4, kind="to change role")
    change(report, 5, decision="left out")
    change(report, 6, in_app=False)
    change(Report.create(app=chat.app, state="applied"), 7)
    sole = change(report, 8)
    asset = Asset.create(app=chat.app, external_id="t", kind="room", name="T")
    assert overview.removals_of_invited(report) == 3
    Access.create(app=chat.app, account=sole.account, asset=asset, privileged=True)
    assert overview.removals_of_invited(report) == 2, "a successor is chosen first"


@pytest.mark.parametrize(("values", "leaves", "undecided"), [
    ({}, True, True), ({"decision": "left out"}, True, False), ({"decision": "held"}, False, False),
    ({"in_app": False}, False, False), ({"kind": "to revoke access"}, False, False),
    ({"kind": "no longer assigned"}, True, True), ({"elsewhere": True}, False, False)])  # fmt: skip
def test_a_successor_is_chosen_for_what_an_approval_may_remove(chat, report, values, leaves, undecided):
    values = dict(values)
    of = Report.create(app=chat.app, state="applied") if values.pop("elsewhere", False) else report
    one = change(of, 3, **values)
    room = Asset.create(app=chat.app, external_id="t", kind="room", name="T")
    Access.create(app=chat.app, account=one.account, asset=room, privileged=True)
    found = overview.sole_managers_of(report)
    assert found.leaving == ([one.account_id] if leaves else [])
    assert found.alone == ({one.account_id: [room]} if leaves else {})
    assert found.undecided == ({one.id} if undecided else set())


def test_how_many_would_leave_if_some_were_left_out_and_others_taken_back(report):
    waits = [change(report, number) for number in (1, 2, 3)]
    out = [change(report, number, decision="left out") for number in (4, 5)]
    change(report, 6, decision="held")
    change(report, 7, kind="to change role")
    change(Report.create(app=report.app, state="applied"), 9)

    def number(left_out: list[Change] = [], taken_back: list[Change] = []) -> int:  # noqa: B006
        return overview.removals_if(report, [one.id for one in left_out], [one.id for one in taken_back])

    assert (number(), number(waits[:1]), number(taken_back=out[:1]), number(waits[:2], out)) == (3, 2, 4, 3)
    assert number(out, waits) == 3, "what isn't left out can't be taken back"


@pytest.mark.parametrize(("decision", "kind", "may"), [
    ("needs confirmation", "removed user", True), ("held", "to change role", True), ("left out", "removed user", True),
    ("ignored", "removed user", False), ("confirmed", "removed user", False), ("held", "updated role", False),
    ("held", "updated profile", False)])  # fmt: skip
def test_one_may_be_left_out_while_it_is_not_decided_for_good(report, decision, kind, may):
    one = change(report, 1, decision=decision, kind=kind)
    change(Report.create(app=report.app, state="applied"), 2)
    found = view.may_be_left_out(report)
    assert found == ([one] if may else []) and all(row.account == account(1) for row in found)


def test_a_change_without_an_account_may_be_left_out(report):
    one = change(report, kind="to invite", detail={"email": "x@x.example", "role": "member"})
    assert view.may_be_left_out(report) == [one]


def test_the_last_check_of_a_report_is_its_newest(report):
    assert view.last_check(report) is None
    made = [Check.create(app=report.app, report=report, state="succeeded", trigger="hand") for _ in range(2)]
    Check.create(app=report.app, state="succeeded", trigger="hand")
    assert view.last_check(report) == made[1]


def test_rows_are_counted_by_kind_and_what_waits(report):
    decisions = ("needs confirmation", "needs confirmation", "held", "left out", "applied")
    for number, decision in enumerate(decisions, start=1):
        change(report, number, decision=decision)
    change(report, 7, kind="to change role")
    change(Report.create(app=report.app, state="applied"), 9)
    reports.count(report)
    row = Report.get_by_id(report.id)
    assert (row.counts, row.waiting, row.held) == ({"removed user": 5, "to change role": 1}, 4, 1)
    row.state = "dismissed"
    reports.count(row)
    assert (row.counts, row.waiting, row.held) == ({"removed user": 5, "to change role": 1}, 0, 0)


def test_held_updates_are_those_that_are_held(report):
    for number, kind in enumerate(("updated role", "updated profile", "removed user"), start=1):
        change(report, number, kind=kind, decision="held")
    change(report, 4, kind="updated role", decision="applied")
    change(Report.create(app=report.app, state="dismissed"), 5, kind="updated role", decision="held")
    reports.count(report)
    assert view.held_updates(report) == {"updated role": 1, "updated profile": 1}


# Decided


def test_closing_a_report_decides_what_it_shows_as_protected_and_nothing_else(report):
    earlier = utcnow() - timedelta(days=1)
    other = Report.create(app=report.app, state="applied")
    shown = change(report, 1, decision="ignored")
    known = change(report, 2, decision="ignored", decided_at=earlier, decided_by="Bo")
    elsewhere = change(other, 3, decision="ignored")
    applied = change(report, 4, decision="applied")
    waits = change(report, 5)
    reports.dismiss(report, "Ana", "A mistake")
    by = {one.id: Change.get_by_id(one.id).decided_by for one in (shown, known, elsewhere, applied, waits)}
    assert by == {shown.id: "Ana", known.id: "Bo", elsewhere.id: None, applied.id: None, waits.id: "Ana"}


@pytest.mark.parametrize(("in_app", "released", "becomes"), [
    (True, None, "needs confirmation"), (False, None, "held"), (False, timedelta(0), "needs confirmation"),
    (False, timedelta(seconds=1), "needs confirmation"), (False, timedelta(seconds=-1), "held"),
    (True, timedelta(seconds=-1), "needs confirmation")])  # fmt: skip
def test_a_change_put_back_waits_or_is_held_as_before(report, in_app, released, becomes):
    one = change(report, 1, decision="left out", in_app=in_app)
    if released is not None:
        Report.update(released_at=one.created_at + released).where(Report.id == report.id).execute()
    with writing():
        reports.take_back(one, "Ana")
    assert Change.get_by_id(one.id).decision == becomes


def test_taking_back_in_the_wizard_makes_the_page_from_before_stale(report):
    one, two = change(report, 1, decision="left out"), change(report, 2)
    reports.count(report)
    done = reports.finish(report, "Ana", report.version, taken_back={one.id}, only={two.id})
    assert done.report.version == report.version + 2
    assert Change.get_by_id(one.id).decision in ("needs confirmation", "ignored")


def test_a_guard_counts_accounts_and_people_without_one_each_once(chat, report):
    App.update(guard_accounts=3, guard_percent=0).execute()
    report = Report.get_by_id(report.id)
    assets = [Asset.create(app=chat.app, external_id=f"t{number}", kind="room", name="T") for number in range(2)]
    rows = [change(report, number, kind="to grant access", asset=asset, person=chat.people[9])
            for number in (1, 2) for asset in assets]  # fmt: skip
    rows.append(change(report, 3, kind="to grant access", asset=assets[0], person=chat.people[9]))
    hold_what_is_too_many(report)
    assert {Change.get_by_id(row.id).decision for row in rows} == {"needs confirmation"}, "three accounts"
    rows += [change(report, kind="to grant access", asset=assets[0], person=chat.people[8])]
    hold_what_is_too_many(report)
    assert {Change.get_by_id(row.id).decision for row in rows} == {"held"}


def test_of_a_form_that_came_late_only_what_was_decided_the_other_way_counts(chat, report):
    def each(of: Report) -> list[int]:
        return [change(of, place + 1, kind=kind, decision=decision).id for kind in ("removed user", "to change role")
                for place, decision in enumerate(ChangeDecision)]

    ids = [*each(Report.create(app=chat.app, state="superseded")), *each(report), 0]
    assert overview.decided_otherwise(report, ids, ()) == (4, 0), "confirmed and applied, of each kind"
    assert overview.decided_otherwise(report, (), ids) == (0, 2)
