"""Groups that are pushed and that rules need: who joins or leaves one gets a check within a minute."""

from __future__ import annotations

import pytest

from sync.checks import checks
from sync.directory import directories
from sync.groups import rules as group_rules
from sync.groups.rules import Draft
from sync.jobs import asking
from sync.models import App, Assignment, Change, Check, Directory, DirectoryGroup, Person, Team, TeamGroup
from sync.reports import reports
from tests.sync.fixtures import email
from tests.web.provider import GROUP, Provider


def asked() -> bool:
    """Whether a check waits; it waits no more."""
    return bool(Check.update(state="cancelled").where(Check.state == "queued").execute())


def changes(chat) -> list[Change]:
    """What waits after a check."""
    checks.run(asking.ask(chat.app, chat.by).id)
    report = reports.open_report(chat.app)
    return list(report.changes.where(Change.decision != "applied")) if report else []


def wanted(chat) -> dict[str, str]:
    return {row.kind: row.account.email if row.account else row.detail["email"] for row in changes(chat)}


def test_a_pushed_group_gives_and_a_pushed_leave_is_reported(okta: Provider, chat) -> None:
    one, two, new = (okta.add(email(number)) for number in (1, 2, 20))
    group = okta.add_group("Sales", one)
    group_rules.save(App.get(), Draft(group=DirectoryGroup.get(), role="member"), chat.by)
    assert asked() and wanted(chat) == {}
    okta.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": two}, {"value": new}]})
    assert asked() and wanted(chat) == {"to invite": email(20)}
    okta.patch(f"/Groups/{group}", {"op": "replace", "path": "displayName", "value": "Sales"})
    assert not asked(), "nobody moved"
    okta.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{two}"]'})
    assert asked() and wanted(chat) == {"to invite": email(20), "no longer assigned": email(2)}


def test_a_pushed_group_that_is_deleted_removes_no_account(okta: Provider, chat) -> None:
    one = okta.add(email(1))
    group, other, staff = (okta.add_group(name, one) for name in ("Sales", "Rest", "Staff"))
    TeamGroup.create(team=Team.create(name="Staff"), group=DirectoryGroup.get(DirectoryGroup.name == "Staff"))
    group_rules.save(App.get(), Draft(group=DirectoryGroup.get(DirectoryGroup.name == "Sales"), role="admin"), chat.by)
    assert wanted(chat) == {"to change role": email(1)}
    asked()
    for gone in (group, other, staff):
        assert okta.call("DELETE", f"/Groups/{gone}").status_code == 204
    assert asked() and wanted(chat) == {} and Assignment.get().ended_at is None
    assert {row.name for row in DirectoryGroup.select()} == {"Sales", "Staff"}
    assert group_rules.of_app(App.get())[0].rests


@pytest.mark.parametrize("values", [
    {"op": "replace", "path": "members", "value": []}, {"op": "remove", "path": "members"}, None,
], ids=["replaced by nobody", "all removed", "written without members"])  # fmt: skip
def test_a_pushed_group_that_becomes_empty_removes_nobody(okta: Provider, chat, values: dict | None) -> None:
    users = [okta.add(email(number)) for number in (1, 2)]
    group = okta.add_group("Sales", *users)
    group_rules.save(App.get(), Draft(group=DirectoryGroup.get(), role="member"), chat.by)
    assert wanted(chat) == {}
    for _ in range(2):
        if values:
            okta.patch(f"/Groups/{group}", values)
        else:
            assert okta.call("PUT", f"/Groups/{group}", {"schemas": [GROUP], "displayName": "Sales"}).status_code == 200
        assert wanted(chat) == {}
        assert "it is empty now" in group_rules.of_app(App.get())[0].rests[0]
    okta.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": users[0]}]})
    assert wanted(chat) == {"no longer assigned": email(2)} and not group_rules.of_app(App.get())[0].rests


def test_a_pushed_group_that_becomes_empty_removes_nobody_although_a_member_is_held_back(okta: Provider, chat) -> None:
    users = [okta.add(email(number)) for number in (1, 2)]
    group = okta.add_group("Sales", *users)
    group_rules.save(App.get(), Draft(group=DirectoryGroup.get(), role="member"), chat.by)
    assert wanted(chat) == {}
    Person.update(workspace_role="owner").where(Person.id == okta.person(users[1]).id).execute()
    Directory.update(vouched_for=False).execute()
    okta.deactivate(users[1])
    okta.patch(f"/Groups/{group}", {"op": "remove", "path": "members"})
    assert okta.entry(users[1]).is_held and wanted(chat) == {} and group_rules.of_app(App.get())[0].rests


def test_an_emptied_group_is_back_once_its_new_member_is_clear(okta: Provider, chat) -> None:
    one = okta.add(email(1))
    unclear = okta.add("unclear", emails=[{"value": email(1)}])
    group = okta.add_group("Sales", one)
    group_rules.save(App.get(), Draft(group=DirectoryGroup.get(), role="member"), chat.by)
    assert wanted(chat) == {}
    okta.patch(f"/Groups/{group}", {"op": "replace", "path": "members", "value": [{"value": unclear}]})
    assert wanted(chat) == {} and group_rules.of_app(App.get())[0].rests
    okta.patch(f"/Users/{unclear}", {"op": "replace", "path": "emails", "value": [{"value": email(2)}]})
    assert wanted(chat) == {"no longer assigned": email(1)} and not group_rules.of_app(App.get())[0].rests


def test_a_member_who_comes_after_their_group_asks_too(okta: Provider, chat) -> None:
    group = okta.add_group("Sales")
    group_rules.save(App.get(), Draft(group=DirectoryGroup.get(), role="member"), chat.by)
    asked()
    new = okta.add(email(21))
    assert not asked()
    okta.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": new}]})
    assert asked() and wanted(chat) == {"to invite": email(21)}


def test_deleted_users_whom_a_guard_holds_stay_in_their_groups(okta: Provider, chat) -> None:
    users = {number: okta.add(email(number)) for number in range(1, 9)}
    group = okta.add_group("Sales", *users.values())
    group_rules.save(App.get(), Draft(group=DirectoryGroup.get(), role="member"), chat.by)
    assert changes(chat) == []
    for user in users.values():
        assert okta.call("DELETE", f"/Users/{user}").status_code == 204
    held = {entry.person.name for entry in directories.held(okta.directory)}
    first = {email(number) for number in range(1, 6)}  # they had lost their groups before so many were noticed
    assert len(held) == 8 and {row.account.email for row in changes(chat)} == first
    okta.patch(f"/Groups/{group}", {"op": "replace", "path": "displayName", "value": "Sales"})
    assert {row.account.email for row in changes(chat)} == first
    back = okta.add(email(8))
    assert back == users[8] and len(directories.held(okta.directory)) == len(held) - 1
    assert {row.account.email for row in changes(chat) if row.kind == "no longer assigned"} == {*first, email(8)}
