"""When someone moves to another group, the loss of the first group's access is proposed; other access is kept."""

from __future__ import annotations

import pytest

from connectors.apps.sample_chat import SampleChat
from connectors.base import REVOKE
from sync.apps import apps
from sync.db import utcnow
from sync.directory import directories
from sync.groups import rules as group_rules
from sync.jobs import queue
from sync.matching import members as matching_members
from sync.models import Access, Asset, Change, Directory, Person, Task
from sync.people import holds
from sync.reports import group_changes, reports
from sync.tasks import still_to_remove, tasks
from tests.sync.fixtures import email

WAITS = "needs confirmation"
LOSS = "to revoke access"


@pytest.fixture
def launch(groups, chat) -> Asset:
    """Persons 1, 2 and 3 work in Sales, whose rule gave 1 and 2 the channel; 3 was there before. All are in All too."""
    chat.store.join(chat.store.add_channel("launch", via="page"), chat.id_of(3), "member", via="page")
    chat.check()
    for number in (1, 2, 3):
        groups.put(number, "Sales", "All")
    groups.put(4, "All")
    groups.read()
    launch = Asset.get(Asset.app == groups.app, Asset.name == "launch")
    groups.rule("All", "member")
    groups.rule("Sales", "", (launch, "member"))
    assert groups.found() == {"to grant access": {email(1): WAITS, email(2): WAITS}}
    groups.approve()
    assert groups.found() == {} and members(chat) == {email(1), email(2), email(3)}
    return launch


def channel(chat) -> str:
    [found] = [row["id"] for row in chat.store.page("channel", 0, 10) if row["name"] == "launch"]
    return found


def members(chat) -> set[str]:
    """Who is in the channel, in the app itself."""
    mine = {row["member"] for row in chat.store.page("channel_member", 0, 100) if row["channel"] == channel(chat)}
    return {member["email"] for member in chat.members() if member["id"] in mine}


def move(groups, *numbers: int) -> None:
    """Out of Sales."""
    for number in numbers:
        groups.put(number, "All")
    groups.read()


def test_a_mover_loses_by_approval_what_the_group_gave_and_nothing_else(groups, chat, launch):
    move(groups, 1, 3)
    assert groups.found() == {LOSS: {email(1): WAITS}}, "nobody's rule gave person 3 the channel"
    change = groups.change(LOSS, 1)
    assert (change.before, change.after, change.asset) == ("member", "no access", launch)
    assert change.reason == "No longer in group Sales of Company LDAP"
    queue.drain(("task",))
    assert email(1) in members(chat), "not before the approval"
    assert [task.kind for task in groups.approve().tasks] == ["revoke"]
    assert members(chat) == {email(2), email(3)} and groups.role(1) == "member" and groups.found() == {}


def test_a_mover_who_is_back_before_the_approval_or_the_operation_keeps_it(groups, chat, launch):
    move(groups, 1, 2)
    report = chat.check().report
    groups.put(1, "Sales", "All")
    groups.read()
    [task] = reports.finish(report, chat.by).tasks
    groups.put(2, "Sales", "All")
    groups.read()
    queue.drain(("task",))
    assert (Task.get_by_id(task.id).state, Task.get_by_id(task.id).account.email) == ("no longer needed", email(2))
    assert {email(1), email(2)} <= members(chat)


@pytest.mark.parametrize(
    "since", ["may hand it on", "other role and back", "taken and given", "given by hand", "protected", "hold"]
)
def test_access_decided_by_hand_since_then_stays(groups, chat, launch, since):
    if since in ("may hand it on", "other role and back"):
        chat.store.join(channel(chat), chat.id_of(1), "manager", via="page")
        chat.check()
        if since == "other role and back":
            chat.store.join(channel(chat), chat.id_of(1), "member", via="page")
    elif since == "taken and given":
        chat.store.leave(channel(chat), chat.id_of(1), via="page")
        chat.check()
        chat.store.join(channel(chat), chat.id_of(1), "member", via="page")
    elif since == "given by hand":
        task = tasks.add(groups.app, "grant", groups.account(1), chat.by, asset=launch, role="member", before="member")
        tasks.run(task.id)
    elif since == "protected":
        matching_members.protect(groups.account(1), "the board", chat.by)
    else:
        holds.hold(chat.people[1], "Lawsuit", chat.by)
    chat.check()
    move(groups, 1)
    assert groups.found() == {} and email(1) in members(chat)


@pytest.mark.parametrize("away", ["paused", "removed", "group gone"])
def test_a_rule_that_rests_takes_no_access(groups, chat, launch, away):
    if away == "group gone":
        for number in (1, 2, 3):
            groups.put(number, "All")
        groups.read()
    elif away == "paused":
        directories.pause(groups.company.row(), chat.by)
    else:
        directories.remove(groups.company.row(), chat.by)
    assert groups.found() == {} and email(1) in members(chat)


def test_a_group_that_is_gone_takes_no_access_of_its_members(groups, chat, launch):
    groups.put(1, "Sales", "All", "Club")
    groups.read()
    groups.rule("Club", "member")
    move(groups, 1, 2)
    assert groups.found() == {LOSS: {email(2): WAITS}}, "person 1 may be in the club, under another name"


def test_rules_that_are_changed_by_hand_take_no_access(groups, chat, launch):
    chat.store.add_channel("general", via="page")
    chat.check()
    general = Asset.get(Asset.app == groups.app, Asset.name == "general")
    groups.put(5, "Rest")
    groups.read()
    groups.rule("Rest", "", (general, "member"))
    [rule] = [shown.rule for shown in group_rules.of_app(groups.app) if shown.name.startswith("Sales")]
    group_rules.remove(rule, chat.by)
    assert LOSS not in groups.found() and members(chat) == {email(1), email(2), email(3)}


def test_a_loss_that_was_left_out_is_not_asked_about_again_until_it_is_taken_back(groups, chat, launch):
    move(groups, 1)
    groups.found()
    reports.leave_out(groups.change(LOSS, 1), "Hands over until May", chat.by)
    assert groups.found() == {} and groups.report() is None
    [row] = group_changes.left_out_of(groups.app)
    assert (row.kind, row.reason) == (LOSS, "Hands over until May")
    group_changes.ask_again(row, chat.by)
    assert groups.found() == {LOSS: {email(1): WAITS}}


def test_the_approval_takes_nothing_whose_rule_rests_by_now(groups, chat, launch):
    move(groups, 1)
    report = chat.check().report
    directories.pause(groups.company.row(), chat.by)
    assert reports.finish(report, chat.by).tasks == [] and email(1) in members(chat)


def test_access_taken_out_of_the_rules_by_hand_is_not_revoked(groups, chat, launch):
    move(groups, 1)
    report = chat.check().report
    [rule] = [shown.rule for shown in group_rules.of_app(groups.app) if shown.name.startswith("Sales")]
    group_rules.remove(rule, chat.by)
    assert reports.finish(report, chat.by).tasks == [] and email(1) in members(chat)


def test_access_that_the_app_changed_since_is_not_revoked(groups, chat, launch):
    move(groups, 1)
    report = chat.check().report
    [task] = reports.finish(report, chat.by).tasks
    Access.update(role="").where(Access.account == groups.account(1), Access.asset == launch).execute()
    queue.drain(("task",))
    assert Task.get_by_id(task.id).state == "no longer needed" and email(1) in members(chat)


def test_a_loss_another_role_and_what_is_new_wait_while_a_directory_may_lack_changes(groups, chat, launch):
    move(groups, 1)
    groups.put(2, "Sales", "All", "Leads")
    groups.put(4, "All", "Leads")
    groups.read()
    groups.rule("Leads", "admin", (launch, "manager"))
    report = chat.check().report
    Directory.update(missing_since=utcnow()).execute()
    assert still_to_remove.will_wait(report).startswith(
        "1 revocation, 3 changes of role and 1 grant of access will wait: Company LDAP may lack changes")
    asked = {task.id for task in reports.finish(report, chat.by).tasks}
    queue.drain(("task",))
    found = {(task.kind, task.account.email, task.state) for task in Task.select() if task.id in asked}
    assert found == {("revoke", email(1), "queued"), ("change role", email(2), "queued"), ("grant", email(2), "queued"),
                     ("change role", email(4), "queued"), ("grant", email(4), "queued")}  # fmt: skip
    waits = {task.error for task in Task.select() if task.id in asked and task.state == "queued"}
    assert len(waits) == 3 and all(". The change waits until Company LDAP is read again" in why for why in waits)
    assert members(chat) >= {email(1)} and (groups.role(2), groups.role(4)) == ("member", "member")


def test_many_losses_at_once_are_held(groups, chat, launch):
    apps.set_guard(groups.app, 1, 5, chat.by)
    move(groups, 1, 2)
    assert groups.found() == {LOSS: {email(1): "held", email(2): "held"}}


def test_where_the_app_gives_no_way_to_it_someone_does_it_by_hand(groups, chat, launch, monkeypatch):
    monkeypatch.setattr(SampleChat, "capabilities", SampleChat.capabilities - {REVOKE})
    move(groups, 1)
    groups.found()
    [task] = groups.approve().tasks
    assert Task.get_by_id(task.id).state == "needs attention"
    tasks.done_by_hand(Task.get_by_id(task.id), chat.by)
    assert not Access.select().where(Access.account == groups.account(1), Access.asset == launch).exists()


def test_someone_who_leaves_every_group_is_reported_as_a_whole(groups, chat, launch):
    groups.put(1)
    groups.read()
    assert groups.found() == {"no longer assigned": {email(1): WAITS}}
    assert not Change.select().where(Change.kind == LOSS, Change.report.is_null(False)).exists()


def test_an_empty_group_keeps_its_members_although_one_of_them_is_held_back(groups, chat):
    """By the one who is held back, the group seemed to be there still, and the others to be out of it."""
    for number in (1, 2):
        groups.put(number, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    chat.check()
    Person.update(workspace_role="owner").where(Person.id == chat.people[2].id).execute()
    Directory.update(vouched_for=False).execute()
    groups.company.say("id2", status="deprovisioned", groups=())
    groups.put(1)
    groups.read()
    assert directories.held(groups.company.directory) and groups.found() == {}
    groups.put(3, "Sales")
    groups.read()
    assert groups.found() == {"no longer assigned": {email(1): WAITS}}, "one who is held back stays in a group"
