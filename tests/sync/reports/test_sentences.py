"""The one sentence on top of a report, for each thing that may wait in it, and the rows of each drop-down."""

from __future__ import annotations

import pytest

from connectors.base import Role
from sync.models import Account, App, Asset, Change, Person, Report
from sync.reports import reports, view
from tests.sync.fixtures import email


@pytest.fixture
def report(chat) -> Report:
    return Report.create(app=chat.app)


def row(report: Report, number: int | None, kind: str, decision: str = "needs confirmation",
        **values: object) -> Change:  # fmt: skip
    account = number and Account.get(Account.app == report.app, Account.email == email(number))
    return Change.create(app=report.app, report=report, kind=kind, decision=decision, account=account, **values)


@pytest.mark.parametrize(("kinds", "words"), [
    (["to invite"], "1 person to invite"), (["to invite"] * 2, "2 people to invite"),
    (["to change role"], "1 role to change"), (["to change role"] * 3, "3 roles to change"),
    (["to grant access"], "1 asset role to grant"), (["to grant access"] * 2, "2 asset roles to grant"),
    (["to revoke access"], "1 asset role to revoke"), (["to revoke access"] * 2, "2 asset roles to revoke"),
    (["no longer assigned"], "1 person no longer assigned"), (["no longer assigned"] * 2,
                                                              "2 people no longer assigned"),
    (["no longer assigned", "to invite", "to change role"],
     "1 person to invite, 1 role to change, 1 person no longer assigned"),
])  # fmt: skip
def test_changes_wanted_by_groups_are_counted_by_kind(report, kinds, words):
    for number, kind in enumerate(kinds, start=1):
        row(report, number, kind, "held" if number == 2 else "needs confirmation")
        row(report, number + 4, kind, "confirmed")
        row(report, number, kind, in_app=False)
    row(Report.create(app=report.app, state="applied"), 9, kinds[0])
    reports.count(report)
    assert view.sentence(report) == f"By the groups of Chat: {words}."
    report.counts = {}
    assert view.sentence(report) == "Chat has changes to review."


def test_leavers_come_before_what_groups_want(chat, report):
    chat.leave(3)
    row(report, 3, "removed user", person=chat.people[3])
    row(report, 4, "to change role")
    reports.count(report)
    assert view.sentence(report) == (
        "1 person has left Acme and still has an account in Chat. By its groups: 1 role to change.")
    Change.delete().where(Change.kind == "to change role").execute()
    assert view.sentence(report) == "1 person has left Acme and still has an account in Chat."


def test_each_drop_down_holds_its_kinds_and_says_whether_they_are_done_in_the_app(chat, report):
    asset = Asset.create(app=chat.app, external_id="a", kind="room", name="A")
    person = Person.create(name="New here")
    expected = {
        "new-users": (["new user"], False), "removed-users": (["removed user"], False),
        "updated-roles": (["updated role"], False), "updated-profiles": (["updated profile"], False),
        "assets-and-access": (["new asset", "renamed asset", "removed asset", "granted access", "changed access",
                               "revoked access"], False),
        "to-invite": (["to invite"], True), "roles-in-app": (["to change role"], True),
        "access-in-app": (["to grant access", "to revoke access"], True),
        "no-longer-assigned": (["no longer assigned"], True),
    }  # fmt: skip
    for kinds, _ in expected.values():
        for kind in kinds:
            row(report, None if kind == "to invite" else 2, kind, asset=asset if "a" in kind.split()[-1][0] else None,
                person=person if kind == "to invite" else None)  # fmt: skip
    reports.count(report)
    found = view.sections(report)
    assert {one.key: ([change.kind for change in one.rows], one.kind.in_app) for one in found} == expected
    assert [one.key for one in found] == list(expected), "what waits in the app comes last"
    assert all(one.total == len(one.rows) == view.total_of(report, one.key) for one in found)
    [invited] = next(one.rows for one in found if one.key == "to-invite")
    assert (invited.person, invited.account) == (person, None)
    [left] = next(one.rows for one in found if one.key == "removed-users")
    assert (left.account.email, left.account.person.name) == (email(2), "Person 2")


def test_accounts_are_given_in_the_order_in_which_they_came(chat):
    ids = [row.id for row in Account.select().order_by(Account.id)]
    assert [row.id for row in view.accounts(reversed(ids[2:5]))] == ids[2:5]


# Held updates: the values from the app are kept beside the known ones


@pytest.fixture
def crowd(listed) -> App:
    """Ten accounts, one of which the app never changes."""
    for number in range(10):
        listed.add(f"id{number}", name=f"Name {number}")
    listed.check()
    return listed.app


def held_values_in(app: App) -> dict[str, dict | None]:
    return {row.external_id: row.held_values for row in Account.select().where(Account.app == app)}


def test_a_new_account_is_reported_with_all_of_its_roles(listed, crowd):
    listed.add("first", role="admin", further_roles=("guest",))
    listed.add("second", role="guest")
    report = listed.check().report
    assert {change.after for change in Change.select().where(Change.report == report, Change.kind == "new user")} == {
        "admin, guest", "guest"}


def test_held_roles_and_profiles_of_an_account_are_kept_together(listed, crowd):
    other = Account.create(app=App.create(connector="listed", name="Other", category="Seat-based", state="active"),
                           external_id="id1", held_values={"role": "owner"})  # fmt: skip
    for number in range(9):
        listed.say(f"id{number}", role="admin", further_roles=("guest",))
    for number in range(1, 9):
        listed.say(f"id{number}", name="New", user_name="new")
    report = listed.check().report
    role = {"role": "admin", "further_roles": '["guest"]'}
    profile = {"email": "", "email_key": "", "name": "New", "status": "active", "kind": "user", "user_name": "new",
               "employee_number": None}  # fmt: skip
    assert held_values_in(crowd) == {"owner": None, "id9": None, "id0": role} | {
        f"id{number}": role | profile for number in range(1, 9)}
    assert {row.name for row in Account.select().where(Account.app == crowd)} == {
        "Olga Brandt", *(f"Name {number}" for number in range(10))}
    assert reports.release(report, listed.by) == 17
    released = Report.get_by_id(report.id)
    assert (released.state, released.decided_by, released.waiting) == ("applied", str(listed.by), 0)
    now = listed.account("id1")
    assert (now.role, now.roles, now.name, now.user_name, now.held_values) == (
        "admin", ("admin", "guest"), "New", "new", None)  # fmt: skip
    assert (listed.account("id9").role, listed.account("id9").name) == ("member", "Name 9")
    assert Account.get_by_id(other.id).held_values == {"role": "owner"}


def test_a_profile_change_that_the_app_reverts_no_longer_waits(listed, crowd):
    for number in range(9):
        listed.say(f"id{number}", name="New")
    listed.check()
    listed.say("id0", name="Name 0")
    listed.check()
    assert (held_values_in(crowd)["id0"], held_values_in(crowd)["id1"]["name"]) == (None, "New")
    for number in range(9):
        listed.say(f"id{number}", name=f"Name {number}")
    listed.check()
    assert set(held_values_in(crowd).values()) == {None} and reports.open_report(crowd) is None


def test_of_the_last_administrator_the_role_is_held_and_the_profile_is_not(listed, crowd):
    listed.roles.append(Role("boss", "Boss", privileged=True))
    listed.say("owner", role="boss")
    listed.check()
    listed.say("owner", role="member", name="Olga B.")
    listed.say("id0", role="guest")
    report = listed.check().report
    roles = report.changes.where(Change.kind == "updated role")
    assert {one.account.external_id: one.decision for one in roles} == {"owner": "held", "id0": "applied"}
    owner = listed.account("owner")
    assert (owner.role, owner.name, owner.held_values) == ("boss", "Olga B.", {"role": "member", "further_roles": "[]"})
    assert (listed.account("id0").role, listed.account("id0").held_values) == ("guest", None)


@pytest.mark.parametrize(("only", "decision"), [
    ("", "needs confirmation"), ("updates", "held"), ("others", "needs confirmation")])
def test_only_what_was_meant_is_released(listed, crowd, only, decision):
    for number in range(9):
        listed.say(f"id{number}", role="admin")
    report = listed.check().report
    one = Change.create(app=crowd, report=report, kind="removed user", decision="held", in_app=False,
                        account=listed.account("id9"))  # fmt: skip
    assert reports.release(report, listed.by, only=only) == (0 if only == "others" else 9)
    assert (Change.get_by_id(one.id).decision, Report.get_by_id(report.id).state) == (decision, "open")
    assert listed.account("id0").role == ("member" if only == "others" else "admin")
    assert (Report.get_by_id(report.id).released_at is None) is (only == "updates")
