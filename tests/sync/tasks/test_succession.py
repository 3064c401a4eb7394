"""What an approval decides about assets whose only manager leaves, as rows: which tasks are made and what is kept; and
which roles and operations are offered by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connectors.apps.sample_chat import SampleChat
from connectors.base import GRANT
from sync.db import writing
from sync.models import Access, Activity, App, Asset, Change, HandOver, Report, Role, Task
from sync.safety.sole_managers import NeedsSuccessor
from sync.safety.successors import SuccessorProblem
from sync.tasks import by_hand, succession
from tests.sync.acting import account


@pytest.fixture
def world(chat) -> SimpleNamespace:
    """Persons 1 and 2 manage the red room together, person 1 alone the blue one."""
    red, blue = (Asset.create(app=chat.app, external_id=name, kind="room", name=name) for name in ("Red", "Blue"))
    for number, room in ((1, red), (2, red), (1, blue)):
        Access.create(app=chat.app, account=account(number), asset=room, role="manager", privileged=True)
    Access.create(app=chat.app, account=account(3), asset=red, role="member")
    return SimpleNamespace(app=chat.app, red=red, blue=blue, report=Report.create(app=chat.app))


def task(world, number: int, kind: str = "remove", asset: Asset | None = None) -> Task:
    return Task.create(app=world.app, kind=kind, account=account(number), asset=asset)


def choose(world, *choices: tuple[int, Asset, int | None]) -> dict:
    return {(account(number).id, room.id): None if successor is None else account(successor).id
            for number, room, successor in choices}  # fmt: skip


def arrange(world, approved: list[Task], choices: dict) -> list[tuple]:
    with writing():
        made = succession.arrange(world.app, approved, choices, "Ana", world.report)
    assert {one.detail.pop("person", one.account.person_id) - one.account.person_id for one in made} <= {0}
    return [(one.kind, one.account.name, one.asset.name, one.detail, one.report, one.asked_by) for one in made]


def kept() -> set[tuple]:
    """(who leaves, what, its task, who follows, whose task)"""
    return {(row.account.name, row.asset.name, row.task_id, row.successor and row.successor.name, row.grant_id,
             row.decided_by) for row in HandOver.select()}  # fmt: skip


def test_only_assets_that_someone_manages_alone_are_handed_over(world):
    removal = task(world, 1)
    made = arrange(world, [removal], choose(world, (1, world.blue, 3)))
    assert made == [("grant", "Person 3", "Blue", {"role": "manager", "before": None}, world.report, "Ana")]
    grant = Task.get(Task.kind == "grant")
    assert kept() == {("Person 1", "Blue", removal.id, "Person 3", grant.id, "Ana")}
    [entry] = Activity.select().where(Activity.what == "handed over")
    assert (entry.who, entry.about, entry.after, entry.app, entry.report, entry.person) == (
        "Ana", "Blue", "Person 3", world.app, world.report, account(3).person)  # fmt: skip


def test_an_asset_that_two_leavers_manage_is_handed_over_once(world):
    one, two = task(world, 1), task(world, 2)
    made = arrange(world, [one, two], choose(world, (2, world.red, 3), (1, world.blue, None)))
    assert made == [("grant", "Person 3", "Red", {"role": "manager", "before": "member"}, world.report, "Ana")]
    grant = Task.get(Task.kind == "grant")
    assert kept() == {("Person 1", "Red", one.id, "Person 3", grant.id, "Ana"),
                      ("Person 2", "Red", two.id, "Person 3", grant.id, "Ana"),
                      ("Person 1", "Blue", one.id, None, None, "Ana")}  # fmt: skip
    [entry] = Activity.select().where(Activity.what == "accepted that nobody manages it")
    assert (entry.about, entry.before, entry.app, entry.report) == ("Blue", "Person 1", world.app, world.report)


def test_an_asset_that_another_still_manages_may_be_handed_over_or_not(world):
    removal = task(world, 2)
    assert arrange(world, [removal], choose(world, (2, world.red, None))) == [] and kept() == set()
    assert [row[:3] for row in arrange(world, [removal], choose(world, (2, world.red, 3)))] == [
        ("grant", "Person 3", "Red")]


@pytest.mark.parametrize(("kind", "room", "refused"), [
    ("revoke", "blue", True), ("revoke", "red", False), ("grant", "blue", False), ("change role", None, False)])
def test_a_revocation_takes_its_asset_alone_and_other_tasks_nothing(world, kind, room, refused):
    one = task(world, 1, kind, room and getattr(world, room))
    if not refused:
        assert arrange(world, [one], {}) == []
        return
    with pytest.raises(NeedsSuccessor) as met:
        arrange(world, [one], {})
    assert met.value.alone == {account(1).id: [world.blue]}


def test_without_an_answer_nothing_is_approved(world):
    with pytest.raises(NeedsSuccessor) as met:
        arrange(world, [task(world, 1), task(world, 2)], choose(world, (1, world.blue, 3)))
    assert met.value.alone == {account(1).id: [world.red], account(2).id: [world.red]}
    with pytest.raises(NeedsSuccessor) as met:
        succession.refuse_unanswered([account(1).id], {})
    assert met.value.alone == {account(1).id: [world.blue]}
    assert succession.refuse_unanswered([account(1).id], choose(world, (1, world.blue, None))) == met.value.alone


def test_someone_who_leaves_by_the_same_approval_does_not_follow(world):
    with pytest.raises(SuccessorProblem, match="or is leaving it"):
        arrange(world, [task(world, 1), task(world, 3)], choose(world, (1, world.blue, 3)))


def test_where_access_cannot_be_granted_someone_hands_it_over_in_the_app(world, monkeypatch):
    assert succession.may_follow(world.app, [account(1).id])
    monkeypatch.setattr(SampleChat, "capabilities", SampleChat.capabilities - {GRANT})
    assert not succession.may_follow(world.app, [account(1).id])
    with pytest.raises(SuccessorProblem, match="^Rollcall can't grant access in Chat. Nothing was changed. Assign"):
        arrange(world, [task(world, 1)], choose(world, (1, world.blue, 3)))


def test_a_role_that_only_the_app_gives_is_handed_over_there(world, monkeypatch):
    """As the owner of a Linear team: the task would be refused each time, and the removal would wait for it."""
    monkeypatch.setattr(SampleChat, "asset_roles_by_hand", frozenset({("room", "manager")}))
    assert not succession.may_follow(world.app, [account(1).id])
    with pytest.raises(SuccessorProblem, match="^The role “manager” there can only be.*Nothing was changed. Assign"):
        arrange(world, [task(world, 1)], choose(world, (1, world.blue, 3)))
    Access.update(role="owner").where(Access.asset == world.blue).execute()
    assert succession.may_follow(world.app, [account(1).id])


@pytest.mark.parametrize(("kind", "state", "detail", "room", "outcome"), [
    ("grant", "queued", {"role": "manager"}, "blue", "same"), ("grant", "needs attention", {"role": "manager"}, "blue",
                                                               "same"),
    ("grant", "queued", {"role": "member"}, "blue", "refused"), ("revoke", "queued", {}, "blue", "refused"),
    ("grant", "done", {"role": "manager"}, "blue", "new"), ("grant", "queued", {"role": "manager"}, "red", "new"),
    ("change role", "queued", {"role": "admin"}, None, "new"),
])  # fmt: skip
def test_one_that_is_under_way_is_joined_or_in_the_way(world, kind, state, detail, room, outcome):
    live = Task.create(app=world.app, kind=kind, account=account(3), asset=room and getattr(world, room), state=state,
                       detail=detail)  # fmt: skip
    removal, choices = task(world, 1), choose(world, (1, world.blue, 3))
    if outcome == "refused":
        with pytest.raises(SuccessorProblem, match="^Another change of Person 3's access to Blue is under way."):
            arrange(world, [removal], choices)
        return
    arrange(world, [removal], choices)
    assert (HandOver.get().grant == live) is (outcome == "same")


# On a later date


def test_the_choices_for_a_later_removal_are_kept(world):
    change, other = (Change.create(app=world.app, report=world.report, kind="removed user", decision="confirmed",
                                   account=account(number)) for number in (1, 2))  # fmt: skip
    choices = choose(world, (1, world.blue, 3), (1, world.red, None), (2, world.red, 3))
    succession.plan(change, choices, "Ana")
    assert kept() == {("Person 1", "Blue", None, "Person 3", None, "Ana"), ("Person 1", "Red", None, None, None, "Ana")}
    assert succession.by_change([change.id]) == {}, "nothing of it is decided before the day"
    assert succession.take_planned([other]) == {}
    assert succession.take_planned([change]) == choose(world, (1, world.blue, 3), (1, world.red, None))
    assert not HandOver.select().exists()


def test_decisions_are_listed_by_their_removal(world):
    changes = [Change.create(app=world.app, report=world.report, kind="removed user", decision="confirmed",
                             account=account(number)) for number in (1, 2)]  # fmt: skip
    rows = []
    for place, room, successor in ((0, world.red, 3), (0, world.blue, None), (1, world.red, 4)):
        change = changes[place]
        rows.append(HandOver.create(
            app=world.app, asset=room, account=change.account, change=change, task=task(world, 5 + len(rows)),
            successor=successor and account(successor), decided_by="Ana"))  # fmt: skip
    found = succession.by_change([changes[0].id])
    assert found == {changes[0].id: rows[:2]}
    assert [(row.asset.name, row.successor and row.successor.name) for row in found[changes[0].id]] == [
        ("Red", "Person 3"), ("Blue", None)]
    assert succession.by_change([change.id for change in changes])[changes[1].id] == [rows[2]]
    assert succession.take_planned(changes) == {} and HandOver.select().count() == 3


# Offered by hand


def test_roles_are_offered_the_default_first_then_by_label(chat, second):
    Role.delete().where(Role.app == chat.app).execute()
    for id, label, is_default in (("b", "Boss", False), ("m", "Member", True), ("a", "Admin", False)):
        Role.create(app=chat.app, external_id=id, label=label, is_default=is_default)
    assert [role.label for role in by_hand.roles_of(chat.app)] == ["Member", "Admin", "Boss"]
    assert by_hand.role_named(chat.app, "a").label == "Admin"
    with pytest.raises(by_hand.OperationProblem, match="^Second chat has no such role. Choose one from the list.$"):
        by_hand.role_named(second.app, "a")


@pytest.mark.parametrize(("state", "kind", "without", "may"), [
    ("active", "remove", None, True), ("paused", "remove", None, True), ("disconnected", "remove", None, False),
    ("active", "grant", None, True), ("active", "grant", GRANT, False), ("active", "remove", GRANT, True)])  # fmt: skip
def test_an_operation_is_offered_where_the_app_can_do_it(chat, monkeypatch, state, kind, without, may):
    monkeypatch.setattr(SampleChat, "capabilities", SampleChat.capabilities - {without})
    App.update(state=state).execute()
    assert by_hand.may(App.get_by_id(chat.app.id), kind) is may


LINE = {"name": "Ana", "email": "ana@acme.example", "had": "member", "role": "admin", "detail": {"after": ["admin"]}}


@pytest.mark.parametrize("other", [
    {"email": "bo@acme.example"}, {"had": None}, {"role": "guest"}, {"state": "refused"}, {"why": "Has left"},
    {"detail": {"after": ["admin", "guest"]}}, {"account": 4}, {"asset": "Red"}, {"alone": "Red"}, {"kind": "remove"},
    {"note": "Ana is back in Okta"},
])  # fmt: skip
def test_an_approval_is_for_what_was_shown_and_nothing_else(world, other):
    """Each part of a preview that an approval depends on is part of its mark."""
    def seen(values: dict[str, object]) -> str:
        values = {"account": 3, "asset": "Blue", "kind": "grant", "alone": None, **LINE, **values}
        kind, rooms = values.pop("kind"), {"Red": world.red, "Blue": world.blue}
        alone = [rooms[values["alone"]]] if values["alone"] else []
        line = by_hand.Line(**{**values, "account": account(values["account"]), "asset": rooms[values["asset"]],
                               "alone": alone})  # fmt: skip
        return by_hand.Plan(world.app, kind, [line]).seen

    assert seen({}) == seen({}) == seen({"before": "Not part of it"}) != seen(other)


def test_a_plan_separates_what_is_ready_from_the_rest_and_a_line_its_key(world):
    ready = by_hand.Line("Ana", account=account(3), asset=world.red)
    other = by_hand.Line("Bo", account=account(4), state="under way")
    nobody = by_hand.Line("Cy", state="refused")
    plan = by_hand.Plan(world.app, "grant", [ready, other, nobody])
    assert (plan.ready, plan.others) == ([ready], [other, nobody])
    assert [line.key for line in plan.lines] == [f"{account(3).id}-{world.red.id}", str(account(4).id), ""]
