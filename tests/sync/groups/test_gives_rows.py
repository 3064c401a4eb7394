"""Whether a rule gives something to a person: each of its conditions alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from connectors.apps.sample_chat import SampleChat
from sync.apps import assets as app_assets
from sync.db import db, utcnow, writing
from sync.groups import assignments
from sync.groups import rules as group_rules
from sync.groups.rules import Draft
from sync.models import (
    Access,
    Account,
    Asset,
    Assignment,
    Directory,
    DirectoryEntry,
    DirectoryGroup,
    GroupRule,
    GroupRuleAsset,
    Invitation,
    LeftOut,
    Person,
    Role,
)
from sync.people import people
from sync.safety import wanted as wanted_rows
from tests.sync.fixtures import email


@pytest.fixture
def ten(groups) -> Person:
    """A rule makes someone without an account an administrator."""
    groups.put(10, "Sales")
    groups.read()
    groups.rule("Sales", "admin")
    return people.find_by_email(email(10))


@pytest.mark.parametrize(("of", "values", "covered"), [
    (DirectoryGroup, {"gone_at": utcnow()}, True),
    (Directory, {"state": "paused"}, True),
    (DirectoryEntry, {"status": "suspended"}, True),
    (DirectoryEntry, {"reported_status": "deprovisioned"}, True),
    (DirectoryEntry, {"status": "deprovisioned"}, False),
    (Person, {"status": "suspended"}, True),
    (Person, {"status": "deprovisioned"}, True),
    (Role, {"external_id": "renamed"}, True),
])  # fmt: skip
def test_each_condition_alone_rests_a_rule(groups, second, ten, of, values, covered):
    """Another app with the same roles changes nothing."""
    assert assignments.place_of(groups.app, ten.id) == assignments.Place("admin", True)
    of_these = {Role: (Role.app == groups.app) & (Role.external_id == "admin"), Person: Person.id == ten.id,
                DirectoryEntry: DirectoryEntry.person == ten}.get(of, of.id.is_null(False))  # fmt: skip
    of.update(**values).where(of_these).execute()
    assert assignments.place_of(groups.app, ten.id) == assignments.Place(None, covered)


def test_another_app_with_the_same_person_changes_nothing(groups, second, ten):
    """An account there, an invitation, something left out, and someone that its rules alone assign."""
    theirs = {"app": second.app, "person": ten}
    Account.create(external_id="10", email="ten@home.example", email_key="ten@home.example", match_kind="matched",
                   **theirs)  # fmt: skip
    Invitation.create(email=email(10), email_key=email(10), state="invited", **theirs)
    LeftOut.create(kind="to invite", role="admin", reason="Not needed there", **theirs)
    Assignment.create(app=second.app, person=groups.chat.people[3], role="member")
    GroupRule.create(app=second.app, group_name="Gone", role="member")
    assert assignments.is_blind(second.app) and not assignments.is_blind(groups.app)
    assert groups.found() == {"to invite": {email(10): "needs confirmation"}}
    assert Assignment.get(Assignment.app == second.app).ended_at is None


@pytest.mark.parametrize(("seconds", "decision"), [(1, "left out"), (0, "left out"), (-1, "needs confirmation")])
def test_leaving_out_is_valid_for_this_end_of_the_assignment(groups, ten, seconds, decision):
    account, ended = groups.account(1), utcnow() - timedelta(hours=1)
    Assignment.create(app=groups.app, person=account.person, role="member", ended_at=ended)
    Account.update(left_out_reason="Needed", left_out_at=ended + timedelta(seconds=seconds),
                   left_out_person=account.person).where(Account.id == account.id).execute()  # fmt: skip
    assert groups.found()["no longer assigned"] == {email(1): decision}


@pytest.fixture
def room(groups) -> Asset:
    return Asset.create(app=groups.app, external_id="r", kind="room", name="Room")


def wanted(groups, kind: str, *assets: tuple[Asset, str]) -> list[tuple[str, str, str]]:
    """(name, before, after) of what a rule for the group would change, without a role of its own."""
    draft = Draft(group=groups.group("Sales"), assets=assets)
    rule = GroupRule.get(GroupRule.group == draft.group)
    return [line[:3] for line in group_rules.preview(groups.app, draft, rule).wanted.get(kind, [])]


def test_without_a_role_nobody_is_invited_as_an_administrator(groups, second, ten, room):
    of_app = Role.app == groups.app
    Role.update(is_default=False).where(of_app, Role.external_id != "admin").execute()
    Role.update(is_default=True, privileged=True).where(of_app, Role.external_id == "admin").execute()
    Role.update(label="Theirs", is_default=True).where(Role.app == second.app).execute()
    people.edit(ten, groups.chat.by, emails=[email(10), "ten@home.example"])
    [(_, _, after)] = wanted(groups, "to invite", (room, "viewer"))
    plain = Role.select().where(of_app, ~Role.privileged)
    assert after == plain.order_by(Role.position.desc()).first().label != plain.order_by(Role.position).first().label
    Role.update(is_default=True).where(of_app, Role.external_id == "member").execute()
    assert [after for *_, after in wanted(groups, "to invite", (room, "viewer"))] == ["Member"]


@pytest.mark.parametrize(("has", "is_changed"), [
    ({"role": "viewer"}, True), ({"role": "editor"}, False), ({"role": "viewer", "privileged": True}, False),
])  # fmt: skip
def test_a_rule_gives_another_role_there_but_lowers_nobody_who_manages_the_asset(groups, ten, room, has, is_changed):
    groups.put(1, "Sales")
    groups.read()
    Access.create(app=groups.app, account=groups.account(1), asset=room, **has)
    assert bool(wanted(groups, "to grant access", (room, "editor"))) == is_changed


@pytest.mark.parametrize("rests", [True, False])
def test_no_other_role_is_given_there_while_a_rule_rests_or_its_people_are_unknown(groups, ten, room, rests):
    """They may have the role there by that rule."""
    groups.put(1, "Sales", "Rest")
    groups.read()
    groups.rule("Rest", "member")
    Access.create(app=groups.app, account=groups.account(1), asset=room, role="viewer")
    assert wanted(groups, "to grant access", (room, "editor"))
    if rests:
        DirectoryGroup.update(gone_at=utcnow()).where(DirectoryGroup.name == "Rest").execute()
    else:
        GroupRule.create(app=groups.app, group_name="Gone", role="member")
    assert not wanted(groups, "to grant access", (room, "editor"))


def test_a_role_there_that_only_the_app_can_change_is_neither_proposed_nor_saved(groups, ten, room, monkeypatch):
    """As HubSpot's primary team: the task would be refused each time."""
    monkeypatch.setattr(SampleChat, "asset_roles_by_hand", frozenset({("room", "keeper")}))
    groups.put(1, "Sales")
    groups.read()
    Access.create(app=groups.app, account=groups.account(1), asset=room, role="keeper")
    assert app_assets.asset_roles(groups.app) == []
    assert wanted(groups, "to grant access", (room, "viewer")) == []
    Access.update(role="viewer").execute()
    assert wanted(groups, "to grant access", (room, "editor")) != []
    why = "The role “keeper” there can only be given and changed in Acme Chat (sample) itself."
    with pytest.raises(group_rules.RuleProblem, match=re.escape(f"{why} Choose another.")):
        wanted(groups, "to grant access", (room, "keeper"))
    GroupRuleAsset.create(rule=GroupRule.get(), asset=room, role="keeper")  # from before
    for kind, role, asked in (("room", "keeper", False), ("hall", "*", True), ("room", "*", False)):
        monkeypatch.setattr(SampleChat, "asset_roles_by_hand", frozenset({(kind, role)}))
        with writing():
            wanted_rows.want_nothing()
            assignments.compare(assignments.gather(groups.app))
            found = db.execute_sql("SELECT 1 FROM wanted WHERE kind = 'to grant access'").fetchall()
        assert bool(found) == asked
        assert app_assets.asset_roles(groups.app) == ([] if (kind, role) == ("room", "*") else ["viewer"])
    monkeypatch.setattr(SampleChat, "asset_roles_by_hand", frozenset({("room", "keeper")}))
    [rule] = group_rules.of_app(groups.app)
    assert rule.rests == [why]


@pytest.mark.parametrize(("has", "elsewhere", "is_taken"), [
    ({"granted_by": "in group Sales"}, True, True),
    ({"granted_by": None}, True, False),
    ({"granted_by": "in group Sales", "privileged": True}, True, False),
    ({"granted_by": "in group Sales"}, False, False),  # no rule at all has this asset now
])  # fmt: skip
def test_only_access_that_a_rule_gave_is_taken(groups, ten, room, has, elsewhere, is_taken):
    groups.put(1, "Sales")
    groups.put(2, "Rest")
    groups.read()
    other = groups.rule("Rest", "member")
    if elsewhere:
        GroupRuleAsset.create(rule=other, asset=room, role="viewer")
    Access.create(app=groups.app, account=groups.account(1), asset=room, role="viewer", **has)
    desk = Asset.create(app=groups.app, external_id="d", kind="room", name="Desk")
    assert bool(wanted(groups, "to revoke access", (desk, "viewer"))) == is_taken
    taken = assignments.takes_access(groups.app, groups.account(1).person_id, room)
    assert taken == elsewhere


def test_no_access_is_taken_that_the_app_keeps_or_while_the_people_of_a_rule_are_unknown(
    groups, ten, room, monkeypatch
):
    groups.put(1, "Sales")
    groups.put(2, "Rest")
    groups.read()
    GroupRuleAsset.create(rule=groups.rule("Rest", "member"), asset=room, role="viewer")
    Access.create(app=groups.app, account=groups.account(1), asset=room, role="viewer", granted_by="in group Sales")
    desk = Asset.create(app=groups.app, external_id="d", kind="room", name="Desk")
    assert wanted(groups, "to revoke access", (desk, "viewer"))
    with monkeypatch.context() as kept:  # as a database's access for everyone: the app can't take that from one account
        kept.setattr(SampleChat, "asset_roles_kept", frozenset({("room", "viewer")}))
        assert not wanted(groups, "to revoke access", (desk, "viewer"))
    GroupRule.create(app=groups.app, group_name="Gone", role="member")
    assert not wanted(groups, "to revoke access", (desk, "viewer"))


def test_everyone_may_be_covered_by_a_rule_whose_people_are_unknown(groups, ten):
    three = groups.chat.people[3].id
    assert assignments.place_of(groups.app, three) == assignments.Place(None, False)
    GroupRule.create(app=groups.app, group_name="Gone", role="member")
    assert assignments.place_of(groups.app, three) == assignments.Place(None, True)


@pytest.mark.parametrize(("changes", "is_taken"), [
    ({}, True),
    ({"rests": "Rest"}, False),
    ({"rests": "Sales"}, False),
    ({"gives": "Rest"}, False),
    ({"person": 3}, False),  # in none of the groups
    ({"blind": True}, False),  # the people of a rule aren't known
])  # fmt: skip
def test_access_is_taken_only_by_rules_that_all_work_and_give_it_to_others(groups, ten, room, changes, is_taken):
    groups.put(1, "Sales", "Rest")
    groups.put(2, "Else")
    groups.read()
    groups.rule("Rest", "member")
    GroupRuleAsset.create(rule=groups.rule("Else", "member"), asset=room, role="viewer")
    group = DirectoryGroup.name == changes.get("rests")
    DirectoryGroup.update(gone_at=utcnow()).where(group).execute()
    if gives := changes.get("gives"):
        GroupRuleAsset.create(rule=GroupRule.get(GroupRule.group == groups.group(gives)), asset=room, role="viewer")
    if "blind" in changes:
        GroupRule.create(app=groups.app, group_name="Gone", role="member")
    one = groups.account(changes.get("person", 1)).person_id
    assert assignments.takes_access(groups.app, one, room) == is_taken


def test_access_is_given_with_the_rules_own_role(groups, ten, room):
    GroupRuleAsset.create(rule=GroupRule.get(), asset=room, role="viewer")
    assert assignments.gives_access(groups.app, ten.id, room, "viewer")
    assert not assignments.gives_access(groups.app, ten.id, room, "editor")
    DirectoryGroup.update(gone_at=utcnow()).execute()
    assert not assignments.gives_access(groups.app, ten.id, room, "viewer")


def test_a_role_that_administers_the_app_is_the_highest_wherever_the_app_lists_it(groups, ten):
    groups.put(10, "Sales", "Rest")
    groups.read()
    groups.rule("Rest", "member")
    Role.update(position=99).where(Role.app == groups.app, Role.external_id == "admin").execute()
    assert assignments.place_of(groups.app, ten.id).role == "admin"


def test_of_two_rules_the_role_that_manages_the_asset_comes_first_and_an_asset_that_is_gone_is_left_alone(
    groups, second, ten, room
):
    groups.put(1, "Sales", "Rest")
    groups.put(2, "Else")
    groups.read()
    hall = Asset.create(app=groups.app, external_id="h", kind="hall", name="Hall")
    theirs = Asset.create(app=second.app, external_id="r", kind="room", name="Room")
    for rule, asset, role in ((GroupRule.get(), room, "viewer"), (groups.rule("Rest", "member"), room, "manager"),
                              (groups.rule("Else", "member"), hall, "viewer")):  # fmt: skip
        GroupRuleAsset.create(rule=rule, asset=asset, role=role)
    Access.create(app=groups.app, account=groups.account(4), asset=room, role="manager", privileged=True)
    Access.create(app=second.app, account=Account.get(Account.app == second.app), asset=theirs, role="viewer",
                  privileged=True)  # fmt: skip
    one = groups.account(1)
    Access.create(app=groups.app, account=one, asset=hall, role="viewer", granted_by="in group Else")

    def found() -> list[tuple[str, str]]:
        with writing():
            wanted_rows.want_nothing()
            assignments.compare(assignments.gather(groups.app))
            return db.execute_sql("SELECT kind, after FROM wanted WHERE account_id = ? AND asset_id IS NOT NULL "
                                  "ORDER BY kind", (one.id,)).fetchall()  # fmt: skip

    assert found() == [("to grant access", "manager"), ("to revoke access", "no access")]
    Asset.update(state="gone").execute()
    assert found() == []
