"""Who counts as assigned by rules and since when, and whose invitation is needed: each condition alone."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from connectors.apps.sample_chat import SampleChat
from sync.db import db, utcnow, writing
from sync.groups import assignments
from sync.models import BIT, Account, Assignment, DirectoryGroup, GroupRule, Invitation, Person, Role, Task
from sync.people import people
from sync.safety import wanted
from tests.sync.fixtures import email

LONG_AGO = utcnow() - timedelta(days=90)
INVITED = {"to invite": {email(10): "needs confirmation"}}


@pytest.fixture
def ten(groups) -> Person:
    """A rule wants to invite someone."""
    groups.put(10, "Sales")
    groups.read()
    groups.rule("Sales", "admin")
    return people.find_by_email(email(10))


@pytest.fixture
def three(groups) -> Person:
    """Someone who has an account by a rule."""
    groups.put(3, "Sales")
    groups.read()
    groups.rule("Sales", "admin")
    return groups.chat.people[3]


@pytest.mark.parametrize(("state", "found"), [
    ("ongoing", {}), ("failed", {}), ("invited", {}), ("expired", INVITED),
])  # fmt: skip
def test_nobody_is_invited_twice_and_one_that_failed_is_for_a_person(groups, ten, state, found):
    Invitation.create(app=groups.app, person=ten, email=email(10), email_key=email(10), state=state)
    assert groups.found() == found


def test_the_account_of_a_service_that_they_are_responsible_for_is_not_theirs(groups, ten):
    Account.update(person=ten, match_kind="service account", match_by_hand=True).where(
        Account.email == email(1)).execute()  # fmt: skip
    assert groups.found() == INVITED


def test_an_account_with_their_address_in_another_app_is_none_here(groups, second, ten):
    Account.create(app=second.app, external_id="10", email=email(10), email_key=email(10))
    assert groups.found() == INVITED


def test_someone_who_is_back_in_a_group_is_assigned_since_then(groups, three):
    Assignment.create(app=groups.app, person=three, role="admin", since=LONG_AGO, ended_at=LONG_AGO)
    groups.found()
    assigned = Assignment.get()
    assert assigned.ended_at is None and assigned.since > LONG_AGO


def test_someone_without_an_account_stays_assigned_since_then(groups, ten):
    Assignment.create(app=groups.app, person=ten, role="admin", since=LONG_AGO)
    groups.found()
    assert Assignment.get().since == LONG_AGO


def test_another_role_by_the_rules_is_not_another_assignment(groups, three):
    Assignment.create(app=groups.app, person=three, role="member", since=LONG_AGO)
    groups.found()
    assert (Assignment.get().role, Assignment.get().since) == ("admin", LONG_AGO)


@pytest.mark.parametrize(("status", "ends"), [("active", True), ("suspended", False)])
def test_only_of_someone_active_an_assignment_ends(groups, three, status, ends):
    four = groups.chat.people[4]
    Assignment.create(app=groups.app, person=four, role="member")
    Person.update(status=status, status_by_hand=status).where(Person.id == four.id).execute()
    groups.found()
    assert (Assignment.get(Assignment.person == four).ended_at is not None) is ends


@pytest.mark.parametrize(("changes", "is_changed"), [({}, True), ({"rests": "Rest"}, False), ({"blind": True}, False)])
def test_a_role_changes_only_by_rules_that_all_work(groups, three, changes, is_changed):
    groups.put(3, "Sales", "Rest")
    groups.read()
    groups.rule("Rest", "member")
    DirectoryGroup.update(gone_at=utcnow()).where(DirectoryGroup.name == changes.get("rests")).execute()
    if "blind" in changes:
        GroupRule.create(app=groups.app, group_name="Gone", role="member")
    assert (email(3) in groups.found().get("to change role", {})) is is_changed


@pytest.mark.parametrize(("decided_about", "decision"), [(3, "left out"), (4, "needs confirmation")])
def test_a_decision_about_another_person_leaves_nobody_out(groups, ten, decided_about, decision):
    ended = utcnow() - timedelta(hours=1)
    Assignment.create(app=groups.app, person=groups.chat.people[3], role="member", ended_at=ended)
    Account.update(left_out_reason="Needed", left_out_at=utcnow(), left_out_person=groups.chat.people[decided_about]
                   ).where(Account.email == email(3)).execute()  # fmt: skip
    assert groups.found()["no longer assigned"] == {email(3): decision}


@pytest.mark.parametrize(("state", "is_asked"), [
    ("queued", False), ("running", False), ("needs attention", False), ("done", True)])  # fmt: skip
def test_a_role_is_not_asked_for_again_while_its_task_waits(groups, three, state, is_asked):
    for number, each in ((3, state), (4, "queued")):
        Task.create(app=groups.app, kind="change role", account=groups.account(number), detail={"role": "admin"},
                    state=each)  # fmt: skip
    assert (email(3) in groups.found().get("to change role", {})) is is_asked


@pytest.mark.parametrize(("values", "why"), [
    ({"protection_reason": "Needed"}, "by hand"), ({"role": "admin"}, "last administrator"), ({}, None)])
def test_a_protected_account_of_someone_no_longer_assigned_is_reported_as_such(groups, values, why):
    Account.update(role="member").execute()
    Account.update(**{"role": "member", **values}).where(Account.email == email(3)).execute()
    account = groups.account(3)
    Assignment.create(app=groups.app, person=account.person, role="member", ended_at=LONG_AGO)
    assert ended(groups) == [(account.id, why)]


def ended(groups, removal_suspends: bool = False) -> list[tuple[int, str | None]]:
    """(account id, its protection) of those who are no longer assigned."""
    with writing():
        wanted.want_nothing()
        assignments.compare(assignments.gather(groups.app, removal_suspends))
        return db.execute_sql("SELECT account_id, protection FROM wanted WHERE kind = 'no longer assigned'").fetchall()


def test_only_someone_active_whose_account_a_removal_would_change_is_no_longer_assigned(groups, three):
    account = groups.account(4)
    Assignment.create(app=groups.app, person=account.person, role="member", ended_at=LONG_AGO)
    Account.update(status="suspended").where(Account.id == account.id).execute()
    assert (ended(groups), ended(groups, removal_suspends=True)) == ([(account.id, None)], [])
    Account.update(missing_fields=BIT["status"]).where(Account.id == account.id).execute()
    assert ended(groups, removal_suspends=True) == [(account.id, None)], "it may have been activated again"
    Account.update(status="active").where(Account.id == account.id).execute()
    assert ended(groups, removal_suspends=True) == [(account.id, None)]
    Person.update(status="suspended").where(Person.id == account.person_id).execute()
    assert ended(groups) == []
    Person.update(status="active").where(Person.id == account.person_id).execute()
    GroupRule.create(app=groups.app, group_name="Gone", role="member")
    assert ended(groups) == [], "they may be in that group"


def test_nobody_is_removed_while_a_rule_that_covers_them_rests(groups, three):
    Assignment.create(app=groups.app, person=three, role="admin", ended_at=LONG_AGO)
    DirectoryGroup.update(gone_at=utcnow()).execute()
    assert groups.found() == {}


def want(groups) -> None:
    with writing():
        wanted.want_nothing()
        assignments.want(groups.app, False)


def test_an_ended_assignment_is_deleted_once_its_person_has_no_account_here(groups, second, three):
    for app, number, state in ((groups.app, 5, "present"), (groups.app, 6, "removing"), (groups.app, 7, "gone"),
                               (second.app, 7, "present")):  # fmt: skip
        person = groups.chat.people[number]
        Assignment.create(app=app, person=person, role="member", ended_at=LONG_AGO)
        Account.update(state=state).where(Account.app == app, Account.person == person).execute()
    want(groups)
    left = Assignment.select().where(Assignment.ended_at.is_null(False)).order_by(Assignment.id)
    assert [(row.app, row.person.name[-1]) for row in left] == [
        (groups.app, "5"), (groups.app, "6"), (second.app, "7")]  # fmt: skip


@pytest.mark.parametrize("was", [{"why": "in group Past"}, {"ended_at": LONG_AGO}, {"role": "member"}])
def test_an_assignment_that_differs_in_one_thing_is_corrected(groups, three, was):
    want(groups)
    Assignment.update(was).execute()
    want(groups)
    now = Assignment.get()
    assert (now.role, now.why, now.ended_at) == ("admin", "in group Sales of Company LDAP", None)


def test_someone_is_invited_whose_accounts_and_invitations_are_all_over(groups, ten):
    people.edit(ten, groups.chat.by, emails=[email(10), "ten@home.example"])
    theirs = {"person": ten, "match_kind": "matched", "email_key": "x@acme.example"}
    for values, is_invited in (
        ({**theirs, "state": "gone"}, True), ({**theirs, "state": "removing"}, False),
        ({"email_key": email(10), "state": "gone"}, True), ({"email_key": "ten@home.example"}, False),
    ):  # fmt: skip
        Account.delete().where(Account.external_id == "10").execute()
        Account.create(app=groups.app, external_id="10", **values)
        want(groups)
        found = db.execute_sql("SELECT count(*) FROM wanted WHERE kind = 'to invite'").fetchone()[0]
        assert found == is_invited
    Account.delete().where(Account.external_id == "10").execute()
    Invitation.create(app=groups.app, person=ten, email="y@acme.example", email_key="y@acme.example", state="invited")
    want(groups)
    assert db.execute_sql("SELECT count(*) FROM wanted WHERE kind = 'to invite'").fetchone() == (0,)


@pytest.mark.parametrize(("further", "keeps", "demotes", "beside"), [
    ("admin", True, False, {"keeps": ["Admin"]}),
    ("admin", False, True, {"removes": ["Admin"]}),
    ("billing", False, False, {"removes": ["Billing"]}),
    ("unknown", True, True, {"keeps": ["unknown"]}),  # it may administer the app, but nobody knows
])  # fmt: skip
def test_someone_is_demoted_by_a_rule_unless_another_role_that_surely_administers_the_app_stays(
        groups, monkeypatch, further, keeps, demotes, beside):
    """The one with a single role beside them is demoted, and no further ones are named."""
    monkeypatch.setattr(SampleChat, "change_role_keeps", keeps)
    Role.create(app=groups.app, external_id="billing", label="Billing", position=9)
    for number, values in ((3, {"role": "member", "further_roles": (further,)}), (4, {"role": "admin"})):
        groups.put(number, "Sales")
        Account.update(values).where(Account.id == groups.account(number).id).execute()
    groups.read()
    groups.rule("Sales", "guest")
    want(groups)
    rows = db.execute_sql("SELECT detail FROM wanted WHERE kind = 'to change role' ORDER BY account_id").fetchall()
    of_several, of_one = (json.loads(detail) for (detail,) in rows)
    after = ["guest", *([further] if keeps else [])]
    assert of_several == {"role": "guest", "before": "member", "roles": ["member", further], "after": after,
                          "demotes": demotes, **beside}  # fmt: skip
    assert of_one == {"role": "guest", "before": "admin", "demotes": True}


def test_nobody_stops_counting_as_assigned_while_the_people_of_a_rule_are_unknown(groups, three):
    four = groups.chat.people[4]
    Assignment.create(app=groups.app, person=four, role="member")
    gone = GroupRule.create(app=groups.app, group_name="Gone", role="member")
    want(groups)
    assert Assignment.get(Assignment.person == four).ended_at is None
    gone.delete_instance()
    want(groups)
    assert Assignment.get(Assignment.person == four).ended_at is not None


def test_an_invitation_by_a_rule_names_the_role_of_this_app(groups, second, ten):
    Role.update(label="Theirs").where(Role.app == second.app).execute()
    Role.update(id=Role.id + 1000).where(Role.app == groups.app).execute()  # it was named later than there
    want(groups)
    assert db.execute_sql("SELECT after FROM wanted WHERE kind = 'to invite'").fetchall() == [("Admin",)]


@pytest.mark.parametrize("state", ["removing", "gone"])
def test_no_rule_changes_an_account_that_is_not_present(groups, three, state):
    assert roles_wanted(groups) == [("admin", False)]
    Account.update(state=state).where(Account.id == groups.account(3).id).execute()
    assert roles_wanted(groups) == []


def test_nobody_is_demoted_by_another_role_that_administers_the_app(groups, three):
    Account.update(role="owner").where(Account.id == groups.account(3).id).execute()
    assert roles_wanted(groups) == [("admin", False)]


def roles_wanted(groups) -> list[tuple[str, bool]]:
    """(role, whether it demotes) of what rules want of accounts."""
    want(groups)
    rows = db.execute_sql("SELECT detail FROM wanted WHERE kind = 'to change role' ORDER BY account_id").fetchall()
    return [(found["role"], bool(found["demotes"])) for found in map(json.loads, (detail for (detail,) in rows))]
