"""Whether a change that rules want still holds: each reason against it alone."""

from __future__ import annotations

import pytest

from sync.db import utcnow
from sync.groups import still_wanted
from sync.models import Access, Account, App, Asset, Assignment, Change, GroupRule, GroupRuleAsset, Person, Task
from sync.people import people
from sync.safety.protection import OTHER_EMAIL
from sync.states import Protection
from sync.tasks import perform
from tests.sync.fixtures import email

OTHERS = "The account is gone, or belongs to someone else"
UNUSED = "The account is no longer in use"


@pytest.mark.parametrize(("of", "values", "why"), [
    (Account, {}, None),
    (Account, {"person": 2}, OTHERS),
    (Account, {"match_kind": "guest"}, OTHERS),
    (Account, {"state": "gone"}, OTHERS),
    (Account, {"state": "removing"}, "The account is already being removed"),
    (Person, {"status": "suspended"}, "The person is no longer active"),
    (Assignment, {"ended_at": None}, "No rule covers this account now"),
])  # fmt: skip
def test_the_removal_of_someone_no_longer_assigned(groups, chat, of, values, why):
    """An assignment in another app that has ended changes nothing."""
    one, other = chat.people[1], App.create(connector="listed", name="Other", category="Test")
    for app in (groups.app, other):
        Assignment.create(app=app, person=one, role="member", ended_at=utcnow())
    change = Change.create(app=groups.app, kind="no longer assigned", account=groups.account(1), person=one,
                           in_app=True, decision="needs confirmation")  # fmt: skip
    if "person" in values:
        values = {"person": chat.people[values["person"]]}
    rows = {Account: Account.email == email(1), Person: Person.id == one.id,
            Assignment: Assignment.app == groups.app}[of]  # fmt: skip
    if values:
        of.update(**values).where(rows).execute()
    assert still_wanted.no_longer_holds(Change.get_by_id(change.id)) == why


def test_of_several_people_those_are_assigned_again_whom_a_rule_covers_or_whom_none_ever_did(groups, chat):
    groups.put(1, "Sales")
    groups.put(2, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    other = App.create(connector="listed", name="Other", category="Test")
    Assignment.delete().execute()
    for app, number, ended in ((groups.app, 1, True), (groups.app, 3, True), (groups.app, 4, False), (other, 5, True)):
        Assignment.create(app=app, person=chat.people[number], ended_at=utcnow() if ended else None)
    asked = {chat.people[number].id: number for number in range(1, 7)}
    assert {asked[id] for id in still_wanted.assigned_again(groups.app, asked)} == {1, 2, 4, 5, 6}
    assert {asked[id] for id in still_wanted.assigned_again(groups.app, [*asked][:1])} == {1}
    GroupRule.create(app=groups.app, group_name="Gone", role="member")
    assert still_wanted.assigned_again(groups.app, asked) == set(asked), "a rule may cover anyone"


@pytest.mark.parametrize(("kind", "values", "code"), [
    ("no longer assigned", {"protection_reason": "Needed"}, Protection.BY_HAND), ("no longer assigned", {}, None),
    ("to change role", {"external_id": "robot"}, Protection.AUTOMATION_ACCOUNT), ("to change role", {}, None)])
def test_group_rules_carry_out_nothing_on_a_protected_account(groups, kind, values, code):
    App.update(automation_external_id="robot").where(App.id == groups.app.id).execute()
    Account.update(**{"role": "member", **values}).where(Account.email == email(3)).execute()
    change = Change.create(app=groups.app, kind=kind, account=groups.account(3), in_app=True,
                           decision="needs confirmation", detail={"role": "admin", "before": "member"})  # fmt: skip
    found = still_wanted.protected(Change.get_by_id(change.id))
    assert (found and found.code) == code


@pytest.mark.parametrize(("wanted", "others", "kind"), [
    ("member", "member", Protection.LAST_ADMINISTRATOR), ("member", "admin", None), ("owner", "member", None)])
def test_the_last_administrator_keeps_a_role_whatever_the_rules_give(groups, chat, wanted, others, kind):
    Account.update(role=others).execute()
    Account.update(role="admin").where(Account.email == email(1)).execute()
    change = Change.create(app=groups.app, kind="to change role", account=groups.account(1), in_app=True,
                           decision="needs confirmation", detail={"role": wanted, "before": "admin"})  # fmt: skip
    found = still_wanted.protected(Change.get_by_id(change.id))
    assert (found and found.code) == kind


@pytest.mark.parametrize(("of", "values", "why"), [
    (Account, {}, None),
    (Account, {"state": "gone"}, OTHERS),
    (Account, {"status": "suspended"}, UNUSED),
    (Account, {"role": "admin"}, "Already has this role"),
    (Change, {"detail": {"role": "owner", "before": "member"}}, "The rules give another role now"),
    (Account, {"protection_reason": "Needed"}, "Protected: Needed"),
    (Account, {"email_when_matched": "before@acme.example", "email_key": "now@acme.example"}, OTHER_EMAIL),
    (Account, {"email_key": email(2)}, "Protected: its e-mail is that of Person 2"),
    (Person, {"legal_hold_reason": "case 12"}, "Protected: legal hold: case 12"),
    (Person, {"status": "deprovisioned"}, "The person is no longer active"),
])  # fmt: skip
def test_another_role(groups, chat, of, values, why):
    groups.put(1, "Sales")
    groups.read()
    groups.rule("Sales", "admin")
    change = Change.create(app=groups.app, kind="to change role", account=groups.account(1), in_app=True,
                           decision="needs confirmation", detail={"role": "admin", "before": "member"})  # fmt: skip
    rows = {Account: Account.email == email(1), Person: Person.id == chat.people[1].id,
            Change: Change.id == change.id}[of]  # fmt: skip
    if values:
        of.update(**values).where(rows).execute()
    found = still_wanted.no_longer_holds(Change.get_by_id(change.id))
    assert (found or "").startswith(why or "") and bool(found) == bool(why)


def test_a_task_is_not_out_of_date_for_what_it_has_done_itself(groups):
    """It may have changed the role before its worker was stopped: it is done then, and not out of date."""
    groups.put(1, "Sales")
    groups.read()
    groups.rule("Sales", "admin")
    detail = {"role": "admin", "before": "member"}
    change = Change.create(app=groups.app, kind="to change role", account=groups.account(1), in_app=True,
                           decision="confirmed", detail=detail)  # fmt: skip
    Account.update(role="admin").where(Account.email == email(1)).execute()
    task = Task.create(app=groups.app, kind="change role", account=groups.account(1), change=change, detail=detail)
    perform.refuse_if_over(task)
    Account.update(state="removing").where(Account.email == email(1)).execute()
    with pytest.raises(perform.NoLongerNeeded, match=UNUSED):
        perform.refuse_if_over(Task.get_by_id(task.id))


@pytest.mark.parametrize(("of", "values", "still"), [
    (Asset, {}, True), (Asset, {"state": "gone"}, False),
    (GroupRuleAsset, {"role": "editor"}, False),
])  # fmt: skip
def test_access_that_a_rule_gives(groups, of, values, still):
    groups.put(1, "Sales")
    groups.read()
    room = Asset.create(app=groups.app, external_id="r", kind="room", name="Room")
    groups.rule("Sales", "member", (room, "viewer"))
    change = Change.create(app=groups.app, kind="to grant access", account=groups.account(1), in_app=True, asset=room,
                           decision="needs confirmation", detail={"role": "viewer", "before": None})  # fmt: skip
    if values:
        of.update(**values).execute()
    assert (still_wanted.no_longer_holds(Change.get_by_id(change.id)) is None) == still


@pytest.mark.parametrize(("gives", "has", "still"), [("viewer", "editor", True), ("viewer", "viewer", False),
                                                     ("", "editor", False)])  # fmt: skip
def test_access_that_they_have_already(groups, gives, has, still):
    """Any role is enough for a rule without one."""
    groups.put(1, "Sales")
    groups.read()
    room = Asset.create(app=groups.app, external_id="r", kind="room", name="Room")
    groups.rule("Sales", "member", (room, gives))
    Access.create(app=groups.app, account=groups.account(1), asset=room, role=has)
    change = Change.create(app=groups.app, kind="to grant access", account=groups.account(1), in_app=True, asset=room,
                           decision="needs confirmation", detail={"role": gives, "before": has})  # fmt: skip
    assert (still_wanted.no_longer_holds(Change.get_by_id(change.id)) is None) == still


@pytest.mark.parametrize(("of", "values", "still"), [
    (Asset, {}, True), (Asset, {"state": "gone"}, False), (Access, {"role": "editor"}, False),
    (Access, {"granted_by": None}, False), (Access, {"privileged": True}, False),
])  # fmt: skip
def test_access_that_a_rule_no_longer_gives(groups, of, values, still):
    groups.put(1, "Sales")
    groups.put(2, "Rest")
    groups.read()
    room = Asset.create(app=groups.app, external_id="r", kind="room", name="Room")
    groups.rule("Sales", "member")
    groups.rule("Rest", "member", (room, "viewer"))
    one = groups.account(1)
    access = Access.create(app=groups.app, account=one, asset=room, role="viewer", granted_by="in group Rest")
    change = Change.create(app=groups.app, kind="to revoke access", account=one, in_app=True, asset=room,
                           decision="needs confirmation", detail={"role": "", "before": "viewer"})  # fmt: skip
    if values:
        of.update(**values).where(of.id == {Asset: room, Access: access}[of].id).execute()
    assert (still_wanted.no_longer_holds(Change.get_by_id(change.id)) is None) == still


@pytest.mark.parametrize(("values", "why"), [
    (None, None),
    ({"match_kind": "matched"}, "Already in the app"),
    ({"match_kind": "service account"}, None),  # it isn't their own
    ({"match_kind": "matched", "state": "gone"}, None),
    ({"match_kind": "local partner"}, "Already in the app"),
    ({"match_kind": "unmatched", "person": None, "email_key": email(10)}, "Already in the app"),
])  # fmt: skip
def test_an_invitation_of_someone_with_such_an_account(groups, values, why):
    groups.put(10, "Sales")
    groups.read()
    groups.rule("Sales", "admin")
    ten = people.find_by_email(email(10))
    change = Change.create(app=groups.app, kind="to invite", person=ten, in_app=True, decision="needs confirmation",
                           detail={"role": "admin", "email": email(10)})  # fmt: skip
    if values:
        Account.create(app=groups.app, external_id="10",
                       **{"email": "bot@acme.example", "email_key": "bot@acme.example", "person": ten} | values)
    assert still_wanted.no_longer_holds(Change.get_by_id(change.id)) == why
