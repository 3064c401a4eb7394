"""Rules by hand and what becomes of them: previewed, removed, decided against; what asks for a check or for a hand."""

from __future__ import annotations

import pytest

from connectors.apps.sample_chat import SampleChat
from sync import activity
from sync.apps import apps
from sync.db import db, utcnow, writing
from sync.groups import assignments, teams
from sync.groups import rules as group_rules
from sync.groups.rules import Draft, RuleProblem
from sync.jobs import asking, queue
from sync.models import (
    Account,
    Activity,
    App,
    Asset,
    Assignment,
    Change,
    Check,
    Directory,
    DirectoryGroup,
    GroupRule,
    Invitation,
    LeftOut,
    Report,
    Role,
    Task,
    TeamGroup,
)
from sync.people import people
from sync.reports import group_changes, reports
from sync.safety import wanted
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


def test_a_preview_is_of_its_own_people_who_are_here_and_of_changes_that_nobody_left_out(groups, second, chat):
    for number in (0, 1, 2, 3, 4, 10):
        groups.put(number, "Sales")
    groups.put(5, "Rest")
    groups.company.say("id4", status="suspended")
    groups.read()
    groups.rule("Rest", "admin")
    groups.found()
    Account.update(state="gone").where(Account.id == groups.account(2).id).execute()
    Invitation.create(app=groups.app, person=chat.people[2], email=email(2), email_key=email(2), state="invited")
    Account.update(match_kind="service account").where(Account.id == groups.account(3).id).execute()
    ten = people.find_by_email(email(10))
    LeftOut.create(app=groups.app, kind="to invite", person=ten, role="member", reason="Not yet")
    with writing():
        wanted.want_nothing()
        db.execute_sql("INSERT INTO wanted (kind, account_id, in_app, detail) "
                       "VALUES ('to grant access', ?, TRUE, '{}')", (groups.account(1).id,))  # fmt: skip
    seen = group_rules.preview(groups.app, Draft(groups.group("Sales"), role="member"))
    last = ("Person 0", "Owner", "Member", "Protected: the last Owner of the app")
    assert (seen.wanted, seen.right, seen.people) == ({"to change role": [last]}, ["Person 1"], 5)


def test_a_preview_says_what_a_guard_will_hold_by_people_and_kind(groups, chat, monkeypatch):
    for number in (1, 2, 10):
        groups.put(number, "Sales")
    groups.read()
    apps.set_guard(groups.app, 2, 5, chat.by)
    app = App.get_by_id(groups.app.id)
    Change.create(app=app, report=Report.create(app=app, state="applied"), kind="to invite",
                  person=chat.people[9], in_app=True, decision="confirmed")  # fmt: skip
    given = [(Asset.create(app=app, external_id=name, kind="room", name=name), "viewer") for name in "ab"]
    draft = Draft(groups.group("Sales"), assets=tuple(given))
    seen = group_rules.preview(app, draft)
    assert (seen.totals["to grant access"], seen.totals["to invite"], seen.held) == (4, 1, False)
    groups.put(3, "Sales")
    groups.read()
    monkeypatch.setattr(group_rules, "SHOWN", 5)
    seen = group_rules.preview(app, draft)
    assert (seen.held, seen.totals["held to grant access"], seen.totals["held to invite"]) == (True, True, False)
    assert (seen.totals["to grant access"], len(seen.wanted["to grant access"])) == (6, 5)


def test_a_rule_that_is_changed_by_hand_is_recorded_and_takes_nothing(groups, chat):
    for number, group in ((1, "Sales"), (2, "Rest"), (3, "Club")):
        groups.put(number, group)
    groups.read()
    room = Asset.create(app=groups.app, external_id="r", kind="room", name="Room")
    first, rest = Draft(groups.group("Sales"), role="member", assets=((room, "viewer"),)), groups.group("Rest")
    rule = groups.rule("Sales", first.role, *first.assets)
    other = groups.rule("Club", "", (room, ""))
    chat.check()
    assert group_rules.save(groups.app, first, chat.by) == rule and Assignment.select().count() == 2
    assert group_rules.draft_of(rule) == first
    Check.delete().execute()
    group_rules.save(groups.app, Draft(rest, role="admin"), chat.by, rule)
    assert Assignment.get().person == chat.people[3] and asking.live(groups.app) is not None
    assert group_rules.save(groups.app, Draft(rest, role="guest"), chat.by, rule) == rule
    with pytest.raises(RuleProblem, match="already exists"):
        group_rules.save(groups.app, Draft(rest, role="guest", assets=((room, "viewer"),)), chat.by)
    with pytest.raises(RuleProblem, match="already exists"):
        group_rules.save(groups.app, Draft(rest, role="admin"), chat.by, other)
    Check.delete().execute()
    group_rules.remove(rule, chat.by)
    group_rules.remove(rule, chat.by)
    assert asking.live(groups.app) is not None and group_rules.draft_of(other).assets == ((room, ""),)
    was = "Sales of Company LDAP → Member, room: Room (viewer)"
    club = "Club of Company LDAP → role left alone, room: Room"
    admin, guest = (f"Rest of Company LDAP → {role}" for role in ("Admin", "Guest"))
    entries = Activity.select().where(Activity.what.contains("rule of groups")).order_by(Activity.id)
    assert [(entry.what.split()[0], entry.before, entry.after) for entry in entries] == [
        ("made", None, was), ("made", None, club), ("changed", was, admin), ("changed", admin, guest),
        ("removed", guest, None)]  # fmt: skip


def test_a_standing_approval_of_rules_is_the_askers_and_recorded(groups, chat, olga):
    for wrong in (("maybe", None), (None, "maybe")):
        with pytest.raises(RuleProblem):
            group_rules.set_policy(groups.app, *wrong, chat.by)
    group_rules.set_policy(groups.app, "automatic", None, chat.by)
    app = App.get_by_id(groups.app.id)
    assert (app.joiner_approval, app.unassigned_approval, app.groups_approver_id) == ("automatic", None, olga.id)
    group_rules.set_policy(groups.app, None, "automatic", chat.by)
    entry = Activity.select().order_by(Activity.id.desc()).first()
    texts = ("joiners: automatic; no longer assigned: ask", "joiners: ask; no longer assigned: automatic")
    assert (entry.before, entry.after) == texts


# Whose it is, and what it is made of


def test_another_apps_rules_roles_and_policy_are_its_own(groups, second, chat):
    groups.put(1, "Sales")
    groups.put(2, "Club")
    groups.put(3, "Rest")
    groups.read()
    mine = groups.rule("Sales", "admin")
    theirs = teams.create("Revenue", [groups.group("Rest").id], chat.by)
    TeamGroup.create(team=theirs, group=None, name="Old")
    for draft in (Draft(groups.group("Sales"), role="member"), Draft(groups.group("Club"), role="member"),
                  Draft(team=theirs, role="member")):  # fmt: skip
        group_rules.save(second.app, draft, chat.by)
    assert [shown.rule for shown in group_rules.of_app(groups.app)] == [mine]
    assert assignments.is_blind(second.app) and not assignments.is_blind(groups.app)
    assert assignments.covered_people(groups.app) == {chat.people[1].id}
    Role.create(app=second.app, external_id="librarian", label="Librarian")
    assert {role.app for role in group_rules.roles(groups.app)} == {groups.app}
    with pytest.raises(RuleProblem, match="no longer has this role"):
        groups.rule("Rest", "librarian")
    group_rules.set_policy(groups.app, "automatic", "automatic", chat.by)
    other = App.get_by_id(second.app.id)
    assert (other.joiner_approval, other.unassigned_approval) == (None, None)
    kept = groups.rule("Rest", "member")
    group_rules.remove(mine, chat.by)
    assert [rule.id for rule in GroupRule.select().where(GroupRule.app == groups.app)] == [kept.id]


def test_a_rule_is_made_of_a_group_or_team_and_of_assets_that_are_there(groups, second, chat):
    groups.put(1, "Sales")
    groups.put(2, "Rest")
    groups.read()
    DirectoryGroup.update(gone_at=utcnow()).where(DirectoryGroup.name == "Rest").execute()
    DirectoryGroup.create(directory=Directory.get(), external_id="e", name="Empty")
    assert [(group.name, people) for group, people in group_rules.groups()] == [("Empty", 0), ("Sales", 1)]
    team, groups_by_id = teams.create("Revenue", [groups.group("Sales").id], chat.by), DirectoryGroup.get_by_id
    assert group_rules.source(f"team:{team.id}") == {"team": team}
    assert group_rules.source(f"group:{team.id}") == {"group": groups_by_id(team.id)}
    assert groups_by_id(team.id + 1)
    wrong = (f"group:{number}" for number in ("\u0661", "\u00b2", "", "9" * 30))
    for text in (f"team:{team.id + 1}", f"list:{team.id}", *wrong):
        with pytest.raises(RuleProblem):
            group_rules.source(text)
    room, desk, gone, other = (
        Asset.create(app=app, external_id=name, kind="room", name=name, state=state) for app, name, state in
        ((groups.app, "a", "present"), (groups.app, "b", "present"), (groups.app, "c", "gone"),
         (second.app, "d", "present")))  # fmt: skip
    assert group_rules.offered_assets(groups.app, but=[room.id]) == ([desk], 1)
    assert group_rules.asset_of(groups.app, room.id) == room
    for missing in (gone, other):
        with pytest.raises(RuleProblem):
            group_rules.asset_of(groups.app, missing.id)


def test_a_rule_shows_each_reason_for_which_it_gives_nothing(groups, chat):
    groups.put(1, "Sales")
    groups.put(2, "Rest")
    groups.read()
    alone = groups.rule("Sales", "", (Asset.create(app=groups.app, external_id="r", kind="room", name="Room"), ""))
    team, other = (teams.create(name, [groups.group(group).id], chat.by)
                   for name, group in (("Revenue", "Sales"), ("Others", "Rest")))  # fmt: skip
    of_team = groups.rule(team, "admin")
    assert groups.rule(other, "admin").id not in (alone.id, of_team.id)

    def shown() -> list[tuple[int, list[str]]]:
        found = {shown.rule.id: (shown.people, shown.rests) for shown in group_rules.of_app(groups.app)}
        return [found[alone.id], found[of_team.id]]

    DirectoryGroup.update(gone_at=utcnow()).where(DirectoryGroup.name == "Rest").execute()
    assert shown() == [(1, []), (1, [])], "it is no group of theirs"
    TeamGroup.create(team=team, group=None, name="Old of Past LDAP")
    [(_, alones), (_, teams_)] = shown()
    assert alones == [] and [why.partition(",")[0] for why in teams_] == [
        "Old of Past LDAP was removed with its directory"]  # fmt: skip
    TeamGroup.delete().where(TeamGroup.team == team).execute()
    Directory.update(state="paused").execute()
    assert shown() == [(0, ["Company LDAP is paused."]), (0, ["The team has no group."])]


def test_a_team_is_changed_and_removed_alone(groups, second, chat):
    groups.put(1, "Sales")
    groups.put(2, "Rest")
    groups.read()
    sales, rest = (groups.group(name).id for name in ("Sales", "Rest"))
    one, two = (teams.create(name, [sales, rest], chat.by) for name in ("One", "Two"))
    groups.rule(one, "member")
    group_rules.save(second.app, Draft(team=two, role="member"), chat.by)
    App.update(state="paused").where(App.id == second.app.id).execute()
    assert (teams.apps_of(one), teams.apps_of(two)) == ([groups.app], [second.app])
    for refused in (lambda: teams.change(two, "One", [rest], chat.by), lambda: teams.create(" ", [sales], chat.by)):
        with pytest.raises(teams.TeamProblem):
            refused()
    assert [entry.about for entry in Activity.select().where(Activity.what == "made team").order_by(Activity.id)] == [
        "One", "Two"]  # fmt: skip
    Check.delete().execute()
    two = teams.change(teams.change(two, "Two", [rest], chat.by), f"Due {'x' * 55} y", [rest], chat.by)
    two = teams.change(two, two.name, [rest], chat.by)
    changes = Activity.select().where(Activity.what == "changed team")
    assert [entry.about for entry in changes.order_by(Activity.id)] == ["Two", "Two"], "the last one changed nothing"
    assert {team: [row.group_id for row in rows] for team, rows in teams.groups_of([one, two]).items()} == {
        one.id: [rest, sales], two.id: [rest]}  # fmt: skip
    assert two.name == "Due " + "x" * 55
    App.update(state="disconnected").where(App.id == second.app.id).execute()
    assert teams.apps_of(two) == [] and asking.live(groups.app) is None
    teams.remove(one, chat.by)
    assert teams.all_teams() == [two] and asking.live(groups.app) is not None
    assert [rule.team for rule in GroupRule.select()] == [two]
    assert Activity.get(Activity.what == "removed team").about == "One"
