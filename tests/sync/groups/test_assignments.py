"""Roles from groups: who is invited, changed, given access and reported, and that nobody else is touched."""

from __future__ import annotations

import pytest

from connectors.apps.sample_chat import SampleChat
from connectors.base import Identity
from sync.apps import apps
from sync.db import utcnow
from sync.directory import directories
from sync.groups import rules as group_rules
from sync.groups import teams
from sync.jobs import queue
from sync.matching import decisions as match_decisions
from sync.matching import members
from sync.models import (
    Access,
    Account,
    Asset,
    Assignment,
    Change,
    GroupRule,
    Invitation,
    Mail,
    Person,
    Report,
    Task,
)
from sync.people import people
from sync.reports import reports
from sync.tasks import tasks
from tests.sync import acting
from tests.sync.fixtures import email

WAITS = "needs confirmation"


# Joining


def test_a_joiner_of_a_group_waits_for_approval_and_is_then_invited_with_the_role(groups):
    groups.put(10, "Sales")
    groups.read()
    groups.rule("Sales", "admin")
    assert groups.found() == {"to invite": {email(10): WAITS}}
    change = groups.change("to invite", 10)
    assert (change.before, change.after) == (None, "Admin")
    assert change.reason == "in group Sales of Company LDAP → Admin" and groups.role(10) is None
    assert groups.found() == {"to invite": {email(10): WAITS}} and Change.select().where(
        Change.kind == "to invite").count() == 1, "a second check asks nothing new"  # fmt: skip
    done = groups.approve()
    assert [task.kind for task in done.tasks] == ["invite"] and groups.role(10) == "admin"
    assert Invitation.get().person.name == "Person 10" and groups.found() == {}


def test_an_invitation_by_rules_is_for_the_person_and_not_for_who_has_their_address_by_then(groups, chat):
    groups.put(11, "Sales")
    groups.read()
    groups.rule("Sales", "admin")
    assert groups.found() == {"to invite": {email(11): WAITS}}
    people.edit(Person.get(Person.name == "Person 11"), chat.by, emails=["eleven@acme.example"])
    people.add("Person 99", email(11), chat.by)
    assert groups.approve().tasks == [] and chat.calls("POST") == []
    assert groups.found() == {"to invite": {"eleven@acme.example": WAITS}}


def test_nobody_with_an_account_under_another_address_or_as_a_guest_is_invited(groups, chat):
    groups.put(10, "Sales")
    groups.put(3, "Sales")
    groups.read()
    Account.update(match_kind="unmatched", person=None, match_by_hand=True).where(Account.email == email(3)).execute()
    people.edit(people.find_by_email(email(10)), chat.by, name="Person 10", emails=[email(10), "ten@home.example"])
    chat.store.add("ten@home.example", "Ten", "member", via="page")
    groups.rule("Sales", "member")
    assert "to invite" not in groups.found()


def test_someone_whose_status_is_not_active_is_not_invited(groups):
    groups.put(10, "Sales")
    groups.company.say("id10", status="suspended")
    groups.put(11, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    assert groups.found() == {"to invite": {email(11): WAITS}}


def test_a_standing_approval_invites_only_once_and_nobody_who_was_removed_by_hand(groups, chat):
    groups.put(10, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    group_rules.set_policy(groups.app, "automatic", None, chat.by)
    chat.check()
    queue.drain(("task", "check"))
    assert groups.role(10) == "member" and groups.report() is None
    chat.store.remove(chat.id_of(10), via="page")
    Invitation.update(state="expired").execute()
    assert groups.found() == {"to invite": {email(10): WAITS}} and groups.role(10) is None


def test_a_mass_of_invitations_is_held_even_where_the_owner_approved_for_good(groups, chat):
    apps.set_guard(groups.app, 2, 5, chat.by)
    for number in (10, 11, 12):
        groups.put(number, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    group_rules.set_policy(groups.app, "automatic", None, chat.by)
    assert set(groups.found()["to invite"].values()) == {"held"} and Task.select().count() == 0
    assert Mail.select().where(Mail.kind == "held").exists()
    with pytest.raises(reports.ReportHeld):
        reports.finish(groups.report(), chat.by)
    reports.release(groups.report(), chat.by)
    assert len(groups.approve().tasks) == 3 and groups.role(12) == "member"


# Moving


def test_a_mover_gets_the_highest_role_of_all_rules_and_the_apps_order_decides(groups):
    groups.put(1, "Sales", "Leads")
    groups.put(2, "Sales")
    groups.put(3, "Guests", "Sales")
    groups.read()
    groups.rule("Sales", "member")
    groups.rule("Leads", "admin")
    groups.rule("Guests", "guest")
    assert groups.found() == {"to change role": {email(1): WAITS}}
    change = groups.change("to change role", 1)
    assert (change.before, change.after) == ("Member", "Admin")
    groups.approve()
    assert groups.role(1) == "admin" and groups.found() == {}
    groups.put(1, "Sales")
    groups.put(4, "Leads")
    groups.read()
    assert groups.found() == {"to change role": {email(1): WAITS, email(4): WAITS}}


def test_an_account_that_is_protected_or_not_a_persons_own_is_never_changed(groups, chat, monkeypatch):
    for number in range(1, 6):
        groups.put(number, "Sales")
    groups.put(0, "Sales")
    groups.read()
    groups.rule("Sales", "admin")
    members.protect(groups.account(1), "their own", chat.by)
    Account.update(match_kind="guest", person=None, match_by_hand=True).where(Account.email == email(2)).execute()
    Account.update(match_kind="service account", match_by_hand=True).where(Account.email == email(3)).execute()
    acting = Identity("Person 4", chat.id_of(4))  # each check asks again who it is
    monkeypatch.setattr(SampleChat, "test", lambda self: acting)
    assert groups.found() == {"to change role": {email(0): WAITS, email(5): WAITS}}


def test_an_account_that_got_another_address_since_someone_matched_it_gets_nothing_by_rules(groups, chat):
    lounge = chat.store.add_channel("lounge", via="page")
    chat.store.add("guest@elsewhere.example", "Guest", "member", via="page")
    chat.check()
    match_decisions.match(Account.get(Account.name == "Guest"), Person.get(Person.name == "Person 10"), chat.by)
    groups.put(10, "Sales")
    groups.read()
    groups.rule("Sales", "admin", (Asset.get(Asset.external_id == lounge), "member"))
    theirs = {"guest@elsewhere.example": "needs confirmation"}
    assert groups.found() == {"to change role": theirs, "to grant access": theirs}
    with chat.store.writing() as store:
        store.execute("UPDATE member SET email = 'new@elsewhere.example' WHERE name = 'Guest'")
    assert groups.found() == {}


def test_the_last_one_who_administers_the_app_keeps_the_role(groups):
    groups.put(0, "Sales")
    groups.put(5, "Sales")
    groups.read()
    groups.rule("Sales", "guest")
    assert groups.found() == {"to change role": {email(0): "ignored", email(5): WAITS}}
    assert groups.change("to change role", 0).protection_reason == "Protected: the last Owner of the app"
    groups.approve()
    assert (groups.role(0), groups.role(5)) == ("owner", "guest")


def test_a_role_that_is_left_alone_is(groups, chat):
    chat.store.add_channel("general", via="page")
    chat.check()
    groups.put(1, "Sales")
    groups.put(10, "Sales")
    groups.read()
    asset = Asset.get(Asset.app == groups.app, Asset.name == "general")
    groups.rule("Sales", "", (asset, "member"))
    found = groups.found()
    assert found == {"to grant access": {email(1): WAITS}, "to invite": {email(10): WAITS}}
    assert groups.change("to invite", 10).after == "Member", "the app's default for somebody new"
    groups.approve()
    assert Access.get(Access.asset == asset).account.email == email(1)
    assert groups.found() == {}


# Leaving a group


def test_someone_no_longer_in_a_group_is_reported_and_removed_only_after_approval(groups, chat):
    groups.put(1, "Sales")
    groups.put(2, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    assert groups.found() == {} and Assignment.select().count() == 2
    groups.put(1)
    groups.read()
    assert groups.found() == {"no longer assigned": {email(1): WAITS}}
    change = groups.change("no longer assigned", 1)
    assert (change.reason, change.before) == ("No longer in group Sales of Company LDAP", "Member")
    queue.drain(("task",))
    assert groups.role(1) == "member"
    groups.approve()
    assert groups.role(1) is None and groups.found() == {} and Assignment.select().count() == 1
    assert groups.role(3) == "member", "a seat that no rule ever covered"


def test_an_approval_does_not_outlive_the_return_to_a_group(groups, chat):
    for number in (1, 2, 3):
        groups.put(number, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    chat.check()
    groups.put(1)
    groups.put(2)
    groups.read()
    report = chat.check().report
    groups.put(1, "Sales")
    groups.read()
    done = reports.finish(Report.get_by_id(report.id), chat.by)
    assert [task.account.email for task in done.tasks] == [email(2)]
    groups.put(2, "Sales")
    groups.read()
    queue.drain(("task",))
    task = Task.get(Task.kind == "remove")
    assert (task.state, task.error) == ("no longer needed", "In a group of this app again.")
    assert groups.account(2).state == "present" and groups.role(2) == "member"


def test_owners_switch_automatic_removal_on_and_it_spares_sole_managers(groups, chat):
    general = chat.store.add_channel("general", via="page")
    chat.store.join(general, chat.id_of(1), "manager", via="page")
    for number in (1, 2, 3):
        groups.put(number, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    chat.check()
    group_rules.set_policy(groups.app, None, "automatic", chat.by)
    groups.put(1)
    groups.put(2)
    groups.read()
    assert groups.found() == {"no longer assigned": {email(1): WAITS, email(2): "confirmed"}}
    queue.drain(("task",))
    assert (groups.role(1), groups.role(2)) == ("member", None)


def test_two_standing_approvals_together_leave_nothing_without_someone_who_controls_it(groups, chat):
    """Person 1 is no longer in a group and person 2 has left: nobody else controls the channel."""
    launch = chat.store.add_channel("launch", via="page")
    for number in (1, 2):
        chat.store.join(launch, chat.id_of(number), "manager", via="page")
    for number in (1, 3):
        groups.put(number, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    chat.check()
    apps.set_removal(chat.app, "automatic", chat.by)
    group_rules.set_policy(groups.app, None, "automatic", chat.by)
    groups.put(1)
    groups.read()
    chat.leave(2)
    found = groups.found()
    assert found == {"removed user": {email(2): "confirmed"}, "no longer assigned": {email(1): WAITS}}


@pytest.mark.parametrize("how", ["in a group again", "nobody's seat any more", "suspended"])
def test_a_removal_that_waits_for_someone_ends_once_nothing_asks_for_it(groups, chat, how):
    for number in (1, 2):
        groups.put(number, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    chat.check()
    groups.put(1)
    groups.read()
    groups.found()
    chat.fault("forbidden", on="/members/", method="DELETE")
    groups.approve()
    tasks.look_again_at_returned(utcnow())
    queue.drain(("task",))
    assert Task.get().state == "needs attention", "it is asked for as it was"
    if how == "in a group again":
        groups.put(1, "Sales")
        groups.read()
        chat.check()
    elif how == "suspended":
        groups.company.say("id1", status="suspended")
        groups.read()
    else:
        match_decisions.unmatch(groups.account(1), chat.by)
    tasks.look_again_at_returned(utcnow())
    queue.drain(("task",))
    assert (Task.get().state, groups.account(1).state) == ("no longer needed", "present")
    assert groups.role(1) == "member"


def test_approving_a_removal_that_is_under_way_by_hand_asks_for_nothing_more(groups, chat):
    groups.put(1, "Sales")
    groups.put(2, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    chat.check()
    groups.put(1)
    groups.read()
    assert groups.found() == {"no longer assigned": {email(1): WAITS}}
    acting.remove(chat, 1)
    groups.approve()
    assert groups.role(1) is None and Task.select().count() == 1 and groups.report() is None


def test_a_group_that_shrinks_en_masse_removes_no_account_before_a_release(groups, chat):
    apps.set_guard(groups.app, 2, 5, chat.by)
    for number in range(1, 6):
        groups.put(number, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    chat.check()
    for number in range(1, 5):
        groups.put(number)
    groups.read()
    group_rules.set_policy(groups.app, None, "automatic", chat.by)
    assert set(groups.found()["no longer assigned"].values()) == {"held"} and Task.select().count() == 0


@pytest.mark.parametrize("away", ["empty group", "paused", "removed", "failing", "nobody"])
def test_a_rule_whose_group_or_directory_is_gone_changes_no_account(groups, chat, away):
    groups.put(1, "Sales")
    groups.put(10, "Sales")
    groups.put(2, "Rest")
    groups.read()
    groups.rule("Sales", "admin")
    team = teams.create("All of them", [groups.group("Sales").id], chat.by)
    group_rules.save(groups.app, group_rules.Draft(team=team, role="admin"), chat.by)
    rested = chat.check() and groups.waiting()
    assert rested == {"to change role": {email(1): WAITS}, "to invite": {email(10): WAITS}}
    groups.put(11, "Sales")
    if away == "empty group":
        for number in (1, 10, 11):
            groups.put(number, "Rest")
        groups.read()
    elif away == "paused":
        groups.read()
        directories.pause(groups.company.row(), chat.by)
    elif away == "removed":
        directories.remove(groups.company.row(), chat.by)
    else:
        if away == "nobody":
            groups.company.entries.clear()
        groups.company.interrupt = lambda given: 1 / 0 if away == "failing" else None
        asked = directories.ask(groups.company.row(), chat.by)
        if away == "failing":
            with pytest.raises(ZeroDivisionError):
                directories.run(asked.id)
        else:
            directories.run(asked.id)
        assert groups.found() == ({} if away == "nobody" else rested), "nothing is given to those who are held"
        assert Assignment.select().where(Assignment.ended_at.is_null(False)).count() == 0
        return
    assert groups.found() == {} and Assignment.select().where(Assignment.ended_at.is_null(False)).count() == 0
    assert all(shown.rests for shown in group_rules.of_app(groups.app))
    if away == "paused":
        directories.resume(groups.company.row(), chat.by)
        assert set(groups.found()) == {"to change role", "to invite"}


def test_a_group_that_comes_back_wakes_its_rule(groups, chat):
    groups.put(1, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    chat.check()
    groups.put(1)
    groups.read()
    assert groups.found() == {} and group_rules.of_app(groups.app)[0].rests
    groups.put(2, "Sales")
    groups.read()
    assert groups.found() == {"no longer assigned": {email(1): WAITS}} and not group_rules.of_app(groups.app)[0].rests


def test_a_rule_whose_role_is_gone_rests(groups, chat):
    groups.put(1, "Sales")
    groups.read()
    rule = groups.rule("Sales", "member")
    chat.check()
    GroupRule.update(role="editor").where(GroupRule.id == rule.id).execute()
    assert groups.found() == {} and "editor is no longer in the app" in group_rules.of_app(groups.app)[0].rests[0]
