"""Rules by hand and what becomes of them: previewed, removed, decided against; what asks for a check or for a hand."""

from __future__ import annotations

import pytest

from connectors.apps.sample_chat import SampleChat
from sync import activity
from sync.groups import assignments, teams
from sync.groups import rules as group_rules
from sync.jobs import queue
from sync.models import Assignment, Check, DirectoryGroup, GroupRule, LeftOut, Task
from sync.reports import group_changes, reports
from sync.tasks import tasks
from tests.sync.fixtures import email

WAITS = "needs confirmation"


# By hand


def test_removing_a_rule_or_a_group_of_a_team_removes_no_account(groups, chat):
    groups.put(1, "Sales")
    groups.put(2, "Rest")
    groups.read()
    team = teams.create("Revenue", [groups.group("Sales").id, groups.group("Rest").id], chat.by)
    rule = groups.rule(team, "member")
    chat.check()
    assert Assignment.select().count() == 2
    teams.change(team, "Revenue", [groups.group("Rest").id], chat.by)
    assert groups.found() == {} and Assignment.select().count() == 1
    group_rules.remove(rule, chat.by)
    assert groups.found() == {} and Assignment.select().count() == 0


def test_a_change_stays_left_out_until_it_is_put_back_or_another_role_is_wanted(groups, chat):
    groups.put(1, "Sales")
    groups.put(10, "Sales")
    groups.read()
    rule = groups.rule("Sales", "admin")
    chat.check()
    report = groups.report()
    ids = {change.id: "not yet" for change in report.changes if change.decision == WAITS}
    assert reports.finish(report, chat.by, left_out=ids).tasks == [] and LeftOut.select().count() == 2
    assert groups.found() == {} and groups.account(1).left_out_reason is None
    GroupRule.update(role="guest").where(GroupRule.id == rule.id).execute()
    assert set(groups.found()) == {"to change role", "to invite"}
    GroupRule.update(role="admin").where(GroupRule.id == rule.id).execute()
    assert groups.found() == {}
    again = LeftOut.get(LeftOut.kind == "to invite")
    group_changes.ask_again(again, chat.by)
    assert groups.found() == {"to change role": {email(1): "left out"}, "to invite": {email(10): WAITS}}
    reports.take_back(groups.change("to change role", 1), chat.by)
    assert groups.found()["to change role"] == {email(1): WAITS}
    assert activity.verify().ok


def test_a_preview_says_what_the_next_check_would_find_and_changes_nothing(groups, chat):
    for number in (1, 2, 10):
        groups.put(number, "Sales")
    groups.read()
    chat.store.change(chat.id_of(2), via="page", role="admin")
    chat.check()
    draft = group_rules.Draft(group=groups.group("Sales"), role="admin")
    seen = group_rules.preview(groups.app, draft)
    assert [line[0] for line in seen.wanted["to invite"]] == ["Person 10"] and seen.right == ["Person 2"]
    assert seen.wanted["to change role"] == [("Person 1", "Member", "Admin", "")] and seen.people == 3
    assert GroupRule.select().count() == 0 and Assignment.select().count() == 0
    group_rules.save(groups.app, draft, chat.by)
    assert group_rules.save(groups.app, draft, chat.by) and GroupRule.select().count() == 1, "pressed twice"
    with pytest.raises(group_rules.RuleProblem):
        group_rules.save(groups.app, group_rules.Draft(group=groups.group("Sales"), role="guest"), chat.by)
    assert groups.found() == {"to invite": {email(10): WAITS}, "to change role": {email(1): WAITS}}


# What asks for a check, and what is done by hand


def test_a_reading_that_moved_someone_asks_for_a_check_within_a_minute(groups, chat):
    groups.put(1, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    chat.check()
    groups.read()
    assert not Check.select().where(Check.state == "queued").exists(), "nothing moved"
    groups.put(2, "Sales")
    groups.put(3, "Other")
    groups.read()
    assert Check.get(Check.state == "queued").trigger == "directory"
    Check.delete().where(Check.state == "queued").execute()
    groups.put(3)
    groups.read()
    assert not Check.select().where(Check.state == "queued").exists(), "no rule asks about that group"


def test_an_operation_that_the_connector_lacks_becomes_a_to_do(groups, chat, monkeypatch):
    groups.put(10, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    chat.check()
    monkeypatch.setattr(SampleChat, "capabilities", SampleChat.capabilities - {"invite"})
    groups.approve()
    task = Task.get()
    assert task.state == "needs attention" and "Do it there by hand" in task.error
    assert groups.found() == {}, "it is being done"
    tasks.done_by_hand(task, chat.by)
    assert groups.found() == {}


def test_an_invitation_for_someone_who_left_the_group_since_is_not_sent(groups, chat):
    groups.put(10, "Sales")
    groups.put(1, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    chat.check()
    reports.finish(groups.report(), chat.by)
    groups.put(10)
    groups.read()
    queue.drain(("task",))
    assert Task.get().state == "no longer needed" and groups.role(10) is None


def test_an_app_without_rules_is_not_looked_at(groups, chat):
    assert not assignments.concerns(groups.app)
    chat.check()
    assert DirectoryGroup.select().count() == 0
