"""What the decisions on a report leave in Activity and in the report's row."""

from __future__ import annotations

import pytest

from sync.db import utcnow
from sync.matching import members
from sync.models import Account, Activity, App, Change, Report, Task
from sync.reports import group_changes, overview, reports
from tests.sync.fixtures import after, departure, email


def entries(what: str) -> list[tuple]:
    """(who, about, why, before, after, app, person, report) of each entry with these words."""
    return [(row.who, row.about, row.why, row.before, row.after, row.app_id, row.person_id, row.report_id)
            for row in Activity.select().where(Activity.what == what).order_by(Activity.id)]  # fmt: skip


@after(departure(3, 4))
def report(chat) -> Report:
    """Persons 3 and 4 have left."""
    return reports.open_report(chat.app)


def test_leaving_out_and_taking_back(chat, report):
    before = utcnow()
    reports.leave_out(chat.change(report, 3), " On leave ", chat.by)
    change, account = chat.change(report, 3), Account.get(Account.email == email(3))
    who, person = chat.by.name, chat.people[3].id
    assert (change.decision, change.decided_by) == ("left out", who) and before <= change.decided_at <= utcnow()
    assert (account.left_out_reason, account.left_out_by, account.left_out_at) == ("On leave", who, change.decided_at)
    about = reports.name_in_change(change)
    assert entries("left out") == [(who, about, "On leave", None, None, chat.app.id, person, report.id)]
    after = Report.get_by_id(report.id)
    assert (after.version, after.waiting, after.held, after.state) == (report.version + 1, 1, 0, "open")
    assert overview.confirmable(after) == overview.Ready(1, 0, 0)

    reports.take_back(change, chat.by)
    change, account = chat.change(report, 3), Account.get(Account.email == email(3))
    assert (change.decision, change.decided_by, change.decided_at) == ("needs confirmation", None, None)
    assert (account.left_out_reason, account.left_out_by, account.left_out_at) == (None, None, None)
    [(*row, no_report)] = entries("took back leaving out")
    assert (row[0], row[5], row[6], no_report) == (who, chat.app.id, person, None)
    after = Report.get_by_id(report.id)
    assert (after.version, after.waiting) == (report.version + 2, 2)


def test_an_approval_names_each_removal_and_the_whole(chat, report):
    left_out, removed = chat.change(report, 3), chat.change(report, 4)
    made = reports.finish(report, chat.by, report.version, {left_out.id: "On leave"})
    who = chat.by.name
    assert not made.already and [task.account.email for task in made.tasks] == [email(4)]
    assert entries("confirmed removal") == [
        (who, reports.name_in_change(removed), removed.reason, "Member", None, chat.app.id, chat.people[4].id,
         report.id)]  # fmt: skip
    assert entries("finished sync") == [
        (who, f"report {report.id}", "", None, "1 approved, 1 left out", chat.app.id, None, report.id)]  # fmt: skip
    after = Report.get_by_id(report.id)
    assert (after.state, after.decided_by, after.waiting, after.held) == ("applied", who, 0, 0)
    assert after.decided_at is not None and after.version == report.version + 1
    removed = Change.get_by_id(removed.id)
    assert (removed.decision, removed.decided_by) == ("confirmed", who) and removed.decided_at is not None
    [task] = Task.select()
    assert (task.kind, task.report_id, task.change_id, task.state) == ("remove", report.id, removed.id, "queued")
    assert Account.get(Account.email == email(4)).state == "removing"
    assert App.get().users == Account.select().where(Account.state == "present").count()
    again = reports.finish(report, chat.by)
    assert again.already and [task.id for task in again.tasks] == [task.id for task in made.tasks]


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_asked_for_in_the_wizard_too(chat, report, reason):
    with pytest.raises(reports.ReportProblem, match="Enter why .* keeps the account"):
        reports.finish(report, chat.by, left_out={chat.change(report, 3).id: reason})
    assert Report.get_by_id(report.id).state == "open" and not Task.select().exists()


def test_dismissing_names_each_and_the_whole(chat, report):
    reports.dismiss(report, chat.by, " A mistake ")
    who = chat.by.name
    assert [(row[2], row[6]) for row in entries("left out")] == [
        ("A mistake", chat.people[number].id) for number in (3, 4)]  # fmt: skip
    assert entries("dismissed report") == [
        (who, f"report {report.id}", "A mistake", None, None, chat.app.id, None, report.id)]  # fmt: skip
    after = Report.get_by_id(report.id)
    assert (after.state, after.decided_by, after.waiting) == ("dismissed", who, 0)
    with pytest.raises(reports.ReportProblem, match="This report is already dismissed"):
        reports.dismiss(report, chat.by, "Again")


def test_a_released_mass_is_named_with_its_number(chat):
    chat.leave(*range(2, 9))
    report = chat.check().report
    assert (report.held, report.waiting) == (7, 7)
    before = utcnow()
    assert reports.release(report, chat.by, report.version) == 0
    assert entries("released mass change") == [
        (chat.by.name, "7 changes", "", None, None, chat.app.id, None, report.id)]  # fmt: skip
    after = Report.get_by_id(report.id)
    assert (after.held, after.waiting, after.version) == (0, 7, report.version + 1)
    assert before <= after.released_at <= utcnow()
    assert {change.decision for change in after.changes.where(Change.kind == "removed user")} == {"needs confirmation"}


def test_a_report_that_ends_without_an_approval_says_why(chat, report):
    for number in (3, 4):
        chat.store.remove(chat.id_of(number), via="page")
    chat.check()
    after = Report.get_by_id(report.id)
    assert (after.state, after.decided_by, after.waiting, after.version) == (
        "superseded", "schedule", 0, report.version + 1)  # fmt: skip
    assert entries("closed report") == [
        ("schedule", f"report {report.id}", "A later check found that nothing in it is waiting", None, None,
         chat.app.id, None, report.id)]  # fmt: skip
    old = Change.select().where(Change.kind == "removed user", Change.in_app)
    assert [(row.decision, row.report_id, row.protection_reason) for row in old] == [("ignored", None, None)] * 2


def test_vanished_accounts_leave_rollcall_at_an_approval_and_nothing_is_asked_of_the_app(chat, listed):
    ids = [f"id{number}" for number in range(6)]
    for id in ids:
        listed.add(id)
    listed.check()
    for id in ids:
        del listed.seats[id]
    report = listed.check().report
    assert report.held == 6
    reports.release(report, listed.by, only="others")
    assert overview.confirmable(report) == overview.Ready(0, 0, 6)
    assert reports.finish(report, listed.by).tasks == []
    gone = list(Account.select().where(Account.app == listed.app, Account.state == "gone"))
    assert {account.external_id for account in gone} == set(ids) and all(account.gone_at for account in gone)
    confirmed = entries("confirmed removed user")
    assert {(row[2], row[3], row[5], row[7]) for row in confirmed} == {
        ("No longer in the app's list", "Member", listed.app.id, report.id)}  # fmt: skip
    assert len(confirmed) == 6


def test_the_reason_of_what_was_left_out_is_shown_with_who_gave_it(chat, report):
    reports.leave_out(chat.change(report, 3), "On leave", chat.by)
    left_out, waiting = chat.change(report, 3), chat.change(report, 4)
    assert group_changes.reasons([left_out, waiting]) == {left_out.id: ("On leave", chat.by.name, left_out.decided_at)}
    Account.update(left_out_reason=None, left_out_by=None, left_out_at=None).execute()
    assert group_changes.reasons([chat.change(report, 3)]) == {left_out.id: ("", "", None)}


def test_the_reason_against_what_rules_want_is_shown_while_it_is_kept(groups):
    groups.put(5, "Sales")
    groups.read()
    groups.rule("Sales", "guest")
    groups.found()
    reports.leave_out(groups.change("to change role", 5), "A member for now", groups.chat.by)
    change = groups.change("to change role", 5)
    [kept] = group_changes.left_out_of(groups.app)
    assert group_changes.reasons([change]) == {change.id: ("A member for now", groups.chat.by.name, kept.made_at)}
    group_changes.ask_again(kept, groups.chat.by)
    assert group_changes.reasons([change]) == {change.id: ("", "", None)}


@pytest.mark.parametrize(("state", "made"), [("queued", 0), ("running", 0), ("needs attention", 0), ("done", 1),
                                             ("cancelled", 1), ("no longer needed", 1)])  # fmt: skip
def test_a_change_wanted_by_a_rule_is_requested_again_only_after_it_has_ended(groups, state, made):
    groups.put(5, "Sales")
    groups.read()
    groups.rule("Sales", "guest")
    groups.found()
    Task.create(app=groups.app, kind="change role", account=groups.account(5), detail={"role": "guest"}, state=state)
    report = groups.report()
    assert len(reports.finish(report, groups.chat.by, report.version).tasks) == made


def test_a_change_protected_before_the_approval_keeps_its_reason(chat, report):
    change = chat.change(report, 3)
    members.protect(change.account, "A pilot", chat.by)
    made = reports.finish(report, chat.by, report.version)
    now = Change.get_by_id(change.id)
    assert (now.decision, now.protection, now.protection_reason) == ("ignored", "by hand", "Protected: A pilot")
    assert [task.account.email for task in made.tasks] == [email(4)]


def test_an_approval_of_what_rules_want_names_it(groups):
    groups.put(5, "Sales")
    groups.put(12, "Sales")
    groups.read()
    groups.rule("Sales", "guest")
    groups.found()
    report, role, invite = groups.report(), groups.change("to change role", 5), groups.change("to invite", 12)
    reports.finish(report, groups.chat.by, report.version)
    who, app, people = groups.chat.by.name, groups.app.id, groups.chat.people
    assert entries("confirmed role") == [
        (who, "Person 5", role.reason, "Member", "Guest", app, people[5].id, report.id)]  # fmt: skip
    [(*row, report_id)] = entries("confirmed invitation")
    assert row[:3] == [who, "Person 12", invite.reason] and report_id == report.id


def test_asking_again_names_the_account_or_the_person(groups):
    groups.put(5, "Sales")
    groups.put(12, "Sales")
    groups.read()
    groups.rule("Sales", "guest")
    groups.found()
    for kind, number in (("to change role", 5), ("to invite", 12)):
        reports.leave_out(groups.change(kind, number), "Not now", groups.chat.by)
    for kept in group_changes.left_out_of(groups.app):
        group_changes.ask_again(kept, groups.chat.by)
    assert {row[1:3] for row in entries("took back leaving out")} == {("Person 5", "Not now"), ("Person 12", "Not now")}
