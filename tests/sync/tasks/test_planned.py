"""What is planned by hand for each account: who is refused, what is under way, and what isn't asked for twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.apps.sample_chat import SampleChat
from connectors.base import LOOK_UP
from connectors.base import Asset as Thing
from connectors.base import Role as Named
from sync.apps import assets as app_assets
from sync.db import writing
from sync.jobs import queue
from sync.models import (
    Access,
    Account,
    App,
    Asset,
    Change,
    Directory,
    DirectoryAddress,
    Invitation,
    Person,
    PersonEmail,
    Task,
)
from sync.people import holds, people
from sync.reports import reports
from sync.states import InvitationState
from sync.tasks import by_hand, invitations, perform, settle, tasks
from sync.tasks.plans import LineState
from tests.sync.acting import account, change_role, grant, ids, remove, revoke
from tests.sync.fixtures import email

GONE, LEAVES, WAITS = "Is no longer in the app", "Is being removed", "Has not joined yet"
OWN, MADE = "Protected: Rollcall acts with this account", "Protected: the app made it for itself"
Plans = dict[str, Callable[[], by_hand.Plan]]


@pytest.fixture
def plans(chat, channel) -> Plans:
    """Each kind of plan, for person 2, who is in the channel."""
    [two] = ids(2)
    return {
        "change role": lambda: by_hand.plan_roles(App.get_by_id(chat.app.id), [two], "admin"),
        "remove": lambda: by_hand.plan_removals(App.get_by_id(chat.app.id), [two]),
        "grant": lambda: by_hand.plan_grants(App.get_by_id(chat.app.id), [two], [channel.id], "manager"),
        "revoke": lambda: by_hand.plan_revocations(App.get_by_id(chat.app.id), [(two, channel.id)]),
    }


def edit(number: int = 2, **values: object) -> None:
    Account.update(**values).where(Account.email == email(number)).execute()


@pytest.mark.parametrize(("values", "expected"), [
    ({}, {"change role": "", "remove": "", "grant": "", "revoke": ""}),
    ({"state": "gone"}, dict.fromkeys(("change role", "remove", "grant", "revoke"), GONE)),
    ({"state": "removing"}, dict.fromkeys(("change role", "remove", "grant", "revoke"), LEAVES)),
    ({"status": "invited"}, {"change role": WAITS, "remove": "", "grant": WAITS, "revoke": ""}),
    ({"status": "suspended"}, {"change role": "", "remove": "", "grant": "", "revoke": ""}),
    ({"kind": "system"}, dict.fromkeys(("change role", "remove", "grant", "revoke"), MADE)),
    ({"own": True}, dict.fromkeys(("change role", "remove", "grant", "revoke"), OWN)),
    ({"protection_reason": "A pilot"}, {"change role": "", "remove": "Protected: A pilot", "grant": "", "revoke": ""}),
])  # fmt: skip
def test_an_account_that_nothing_can_be_done_to_says_why(chat, plans, values, expected):
    if values.get("own"):
        App.update(automation_external_id=account(2).external_id).where(App.id == chat.app.id).execute()
    else:
        edit(**values) if values else None
    states = {GONE: "already set", LEAVES: "under way", "": "ready"}
    for kind, plan in plans.items():
        [line] = plan().lines
        done = states.get(expected[kind], "refused")
        gives = kind in ("change role", "grant") and done != "ready"  # that isn't done by the account's removal
        assert (kind, line.why, line.state) == (kind, expected[kind], "refused" if gives else done)
        assert line.name == "Person 2" and line.email == email(2) and line.account == account(2)
        assert [bool(plan().ready), bool(plan().others)] == [line.state == "ready", line.state != "ready"]
        assert plan().kind == kind and plan().app == chat.app


def test_a_line_is_ready_unless_it_says_otherwise_and_a_plan_is_not_held():
    line = by_hand.Line("Ana")
    assert (line.state, line.why, line.note) == (LineState.READY, "", "")
    assert not by_hand.Plan(App(), "grant", [line]).held


@pytest.mark.parametrize(("kind", "detail", "grant_says", "revoke_says"), [
    ("grant", {"role": "manager"}, ("under way", "Already requested"), ("refused", "A grant is under way there")),
    ("grant", {"role": "member"}, ("refused", "Another operation is under way there: grant"),
     ("refused", "A grant is under way there")),
    ("revoke", {}, ("refused", "Another operation is under way there: revoke"), ("under way", "Already requested")),
    ("change role", {"role": "admin"}, ("ready", ""), ("ready", "")),
])  # fmt: skip
def test_a_running_task_of_the_account_is_shown(chat, channel, plans, kind, detail, grant_says, revoke_says):
    task = Task.create(app=chat.app, account=account(2), kind=kind, asset=channel, detail=detail)
    Task.create(app=chat.app, account=account(3), kind="revoke", asset=channel)
    for plan, says in (("grant", grant_says), ("revoke", revoke_says)):
        [line] = plans[plan]().lines
        assert (line.state, line.why) == says
    Task.update(state="done").where(Task.id == task.id).execute()
    assert [plans[plan]().lines[0].state for plan in ("grant", "revoke")] == ["ready", "ready"]


@pytest.mark.parametrize(("role", "says"), [("admin", ("under way", "A change to Admin is under way")),
                                            ("guest", ("refused", "A change to Admin is under way"))])  # fmt: skip
def test_another_role_is_not_asked_for_while_one_is_under_way(chat, role, says):
    Task.create(app=chat.app, account=account(2), kind="change role", detail={"role": "admin"})
    [line] = by_hand.plan_roles(chat.app, ids(2), role).lines
    assert (line.state, line.why) == says
    Task.update(detail={"role": "unknown"}).execute()
    assert by_hand.plan_roles(chat.app, ids(2), role).lines[0].why == "A change to another role is under way"
    assert by_hand.plan_roles(chat.app, ids(3), "member").lines[0].why == "Already Member"


def test_a_grant_says_what_there_was(chat, channel, plans):
    [line] = plans["grant"]().lines
    assert (line.before, line.had, line.after, line.role, line.asset) == (
        "member", "member", "manager", "manager", channel)  # fmt: skip
    [line] = by_hand.plan_grants(chat.app, ids(3), [channel.id], "manager").lines
    assert (line.before, line.had) == ("", None)
    [line] = by_hand.plan_grants(chat.app, ids(2), [channel.id], "member").lines
    assert (line.state, line.why) == ("already set", "Already has it")
    [line] = plans["revoke"]().lines
    assert (line.before, line.had, line.after, line.asset, line.alone) == ("member", "member", "", channel, [])


def test_someone_on_legal_hold_keeps_access_and_the_account(chat, plans):
    holds.hold(chat.people[2], "Lawsuit", chat.by)
    found = {kind: plan().lines[0].why for kind, plan in plans.items()}
    assert found == {"change role": "", "grant": "", "remove": "Protected: legal hold: Lawsuit",
                     "revoke": "Protected: legal hold: Lawsuit"}  # fmt: skip


@pytest.mark.parametrize(("match_kind", "status", "refused"), [
    ("matched", "deprovisioned", True), ("matched", "suspended", False), ("guest", "deprovisioned", False)])
def test_access_is_granted_to_nobody_who_has_left(chat, plans, match_kind, status, refused):
    edit(match_kind=match_kind)
    Person.update(status=status).where(Person.id == chat.people[2].id).execute()
    [line] = plans["grant"]().lines
    assert (line.state, line.why) == (("refused", "Person 2 has left") if refused else ("ready", ""))
    Person.update(name="").where(Person.id == chat.people[2].id).execute()
    assert plans["grant"]().lines[0].why == ("p2@acme.example has left" if refused else "")


@pytest.mark.parametrize(("had", "role", "refused"), [
    ("keeper", "manager", ("grant", "revoke")), ("member", "keeper", ("grant",)), ("member", "manager", ()),
    (None, "keeper", ("grant",)), ("keeper", "", ("revoke",)),
])  # fmt: skip
def test_a_role_on_an_asset_that_only_the_app_can_change_is_refused_up_front(
    chat, plans, channel, monkeypatch, had, role, refused
):
    """As HubSpot's primary team: the task would be refused each time."""
    for name in ("asset_roles_by_hand", "asset_roles_kept"):
        monkeypatch.setattr(SampleChat, name, frozenset({("channel", "keeper")}))
    Access.delete().where(Access.account == account(2)).execute()
    if had:
        Access.create(app=chat.app, account=account(2), asset=channel, role=had)
    [two] = ids(2)
    found = {"grant": by_hand.plan_grants(App.get_by_id(chat.app.id), [two], [channel.id], role),
             "revoke": plans["revoke"]()}  # fmt: skip
    assert [kind for kind, plan in found.items() if plan.lines[0].state == "refused"] == [*refused]
    words = {"grant": "given and changed", "revoke": "taken away"}
    why = "The role “keeper” there can only be {} in Acme Chat (sample) itself"
    assert all(found[kind].lines[0].why == why.format(words[kind]) for kind in refused)


def test_a_kind_of_asset_that_only_the_app_can_change_is_refused_up_front(chat, channel, monkeypatch):
    """As apps in Atlassian: people get into them by groups."""
    for name in ("asset_roles_by_hand", "asset_roles_kept"):
        monkeypatch.setattr(SampleChat, name, frozenset({("channel", "*")}))
    app, [two, three] = App.get_by_id(chat.app.id), ids(2, 3)
    Access.delete().execute()
    Access.create(app=app, account=two, asset=channel, role="")
    [line] = by_hand.plan_revocations(app, [(two, channel.id)]).lines
    assert line.why == "Access to this channel can only be taken away in Acme Chat (sample) itself"
    [line] = by_hand.plan_grants(app, [three], [channel.id], "").lines
    assert line.why == "Access to this channel can only be given and changed in Acme Chat (sample) itself"
    assert app_assets.asset_roles(app, ["channel"]) == []


def test_the_first_asset_of_the_kind_shows_which_roles_there_are(chat, second, channel, monkeypatch):
    other = Asset.create(app=chat.app, external_id="r", kind="room", name="R")
    for number, place, role in ((3, channel, "member"), (4, channel, ""), (3, other, "keeper")):
        Access.create(app=chat.app, account=account(number), asset=place, role=role)
    theirs = Account.get(Account.app == second.app, Account.email == email(3))
    Access.create(app=second.app, account=theirs, asset=channel, role="spy")
    assert app_assets.asset_roles(chat.app, ["channel"]) == ["member", "manager"], "the most common first"
    assert app_assets.asset_roles(chat.app, ["channel", "room"]) == ["member", "keeper", "manager"]
    monkeypatch.setattr(SampleChat, "asset_roles_by_hand", frozenset({("room", "keeper")}))
    assert app_assets.asset_roles(chat.app, ["channel", "room"]) == ["member", "keeper", "manager"]
    assert app_assets.asset_roles(chat.app, ["room"]) == []


@pytest.mark.parametrize(("values", "offered"), [
    ({}, True), ({"state": "removing"}, False), ({"kind": "system"}, False), ({"status": "suspended"}, False)])
def test_access_is_offered_to_accounts_that_can_use_it(chat, second, values, offered):
    if values:
        edit(3, **values)
    found = [one.email for one in app_assets.may_be_given(chat.app, "acme person 3", 50)]
    assert found == ([email(3)] if offered else [])


def test_none_or_too_many_are_not_planned(chat, channel):
    with pytest.raises(by_hand.OperationProblem, match="at most 5,000 accounts"):
        by_hand.plan_removals(chat.app, range(5001))
    assert by_hand.plan_removals(chat.app, range(1000, 6000)).lines == []
    for wrong in ([], [channel.id + 1], range(1, 5002)):
        with pytest.raises(by_hand.OperationProblem, match="Nothing that you selected"):
            by_hand.plan_grants(chat.app, ids(2), wrong, "member")
    Asset.update(state="gone").execute()
    with pytest.raises(by_hand.OperationProblem, match="Nothing that you selected"):
        by_hand.plan_grants(chat.app, ids(2), [channel.id], "member")


def test_too_many_acts_at_once_are_not_planned(chat, monkeypatch):
    for number in range(3):
        Asset.create(app=chat.app, external_id=f"t{number}", kind="room", name=f"T{number}")
    assets = [asset.id for asset in Asset.select()]
    monkeypatch.setattr(by_hand, "MOST", 6)
    assert len(by_hand.plan_grants(chat.app, ids(2, 3), assets, "member").lines) == 6
    with pytest.raises(by_hand.OperationProblem, match="at most 6 changes"):
        by_hand.plan_grants(chat.app, ids(2, 3, 4), assets, "member")


# Carried out


def test_each_task_has_what_it_was_asked_for(chat, channel):
    [granted], two = grant(chat, channel, "manager", 2).tasks, chat.people[2].id
    assert (granted.kind, granted.asset) == ("grant", channel)
    assert granted.detail == {"role": "manager", "before": "member", "person": two}
    Task.delete().execute()
    [revoked] = revoke(chat, channel, 2).tasks
    assert (revoked.kind, revoked.asset, revoked.detail) == ("revoke", channel, {"before": "member", "person": two})
    [removed] = remove(chat, 3, reason=" Moved on ").tasks
    assert (removed.kind, removed.asset) == ("remove", None)
    assert removed.detail == {"reason": "Moved on", "person": chat.people[3].id}
    assert (removed.external_id, removed.email_key) == (account(3).external_id, email(3))


def test_each_task_wakes_a_worker(chat, channel, monkeypatch):
    woken: list[int] = []
    monkeypatch.setattr(tasks, "wake", woken.append)
    made = [*grant(chat, channel, "manager", 2).tasks, *remove(chat, 3, 4).tasks]
    made.append(invitations.invite(chat.app, "new@acme.example", "member", chat.by).task)
    assert woken == [task.id for task in made]


def test_the_connector_is_given_the_asset_as_it_is_called(chat, channel):
    task = Task.create(app=chat.app, kind="grant", asset=channel)
    assert perform._asset(task) == Thing(id=channel.external_id, kind="channel", name="general")


@pytest.mark.parametrize(("kind", "via"), [("to grant access", "Sales"), ("to revoke access", None), (None, None)])
def test_access_that_a_rule_grants_keeps_by_which_group(chat, channel, kind, via):
    change = kind and Change.create(app=chat.app, kind=kind, decision="confirmed", account=account(3),
                                    detail={"via": "Sales"})  # fmt: skip
    task = Task.create(app=chat.app, kind="grant", account=account(3), asset=channel, detail={"role": "member"},
                       change=change)  # fmt: skip
    with writing():
        settle.settle(task, "done")
    assert Access.get(Access.account == account(3)).granted_by == via


def test_a_removal_keeps_that_a_guard_was_lifted_for_it(chat):
    App.update(guard_accounts=0, guard_percent=0).execute()
    wanted = ids(3)

    def plan() -> by_hand.Plan:
        return by_hand.plan_removals(App.get_by_id(chat.app.id), wanted)

    [task] = by_hand.carry_out(plan, chat.by, plan().seen, reason="Left", released=1).tasks
    assert task.detail == {"reason": "Left", "person": chat.people[3].id, "released": True}


# Right before it is done


def test_where_the_app_cannot_be_asked_for_one_account_it_is_as_the_last_check_knew_it(chat, channel, monkeypatch):
    monkeypatch.setattr(SampleChat, "capabilities", SampleChat.capabilities - {LOOK_UP})
    change_role(chat, "admin", 1)
    grant(chat, channel, "manager", 2)
    queue.drain(("task",))
    assert [task.state for task in Task.select()] == ["done", "done"]


@pytest.mark.parametrize("state", ["present", "gone"])
def test_a_removal_that_is_under_way_no_longer_is_not_done(chat, state):
    [task] = remove(chat, 3).tasks
    edit(3, state=state)
    queue.drain(("task",))
    task = Task.get_by_id(task.id)
    assert (task.state, task.error) == ("no longer needed", "The account has already left the app.")
    assert chat.removed() == [] and account(3).state == state


def test_a_task_that_no_rule_wants_any_longer_is_not_done(groups):
    groups.put(5, "Sales")
    groups.read()
    groups.rule("Sales", "guest")
    groups.found()
    reports.finish(groups.report(), groups.chat.by)
    groups.put(5)
    groups.read()
    queue.drain(("task",))
    task = Task.get()
    assert (task.state, task.error) == ("no longer needed", "No longer in a group whose rule grants this.")
    assert groups.role(5) == "member"


@pytest.mark.parametrize(("privileged", "removed"), [(False, True), (True, False)])
def test_a_role_that_the_app_names_only_now_protects_if_it_administers(acting, privileged, removed):
    """Nobody else is known to administer the app."""
    ada = people.add("Ada", "ada@acme.example", acting.by)
    acting.add("ada", email="ada@acme.example", name="Ada", role="member")
    acting.check()
    people.mark_left(ada, acting.by)
    acting.check()
    reports.finish(reports.open_report(acting.app), acting.by)
    acting.roles.append(Named("pilot", "Pilot", privileged=privileged))
    acting.say("ada", role="pilot")
    acting.say("owner", role="member")
    queue.drain(("task",))
    task = Task.get()
    assert ("ada" not in acting.seats) is removed
    assert (task.state, task.error) == (
        ("done", None) if removed else ("no longer needed", "Protected: the last Pilot of the app."))  # fmt: skip


@pytest.mark.parametrize(("case", "looked"), [
    ("nothing", False), ("matched to another", True), ("unmatched", True), ("by hand and unmatched", False),
    ("address of another", True), ("done", False), ("running", False), ("revoke", False)])  # fmt: skip
@pytest.mark.parametrize("state", ["queued", "needs attention"])
def test_a_removal_is_looked_at_again_when_the_account_is_no_longer_theirs(chat, case, looked, state):
    chat.leave(3)
    [task] = reports.finish(chat.check().report, chat.by).tasks
    later = "2999-01-01 00:00:00"
    Task.update(state=state, next_at=later).execute()
    if case in ("unmatched", "by hand and unmatched", "done", "running", "revoke"):
        edit(3, match_kind="unmatched")
    if case == "matched to another":
        edit(3, person=chat.people[5])
    if case == "by hand and unmatched":
        Task.update(report=None, change=None).execute()
    if case in ("done", "running"):
        Task.update(state=case).execute()
    if case == "revoke":
        Task.update(kind="revoke").execute()
    if case == "address of another":
        PersonEmail.update(person=chat.people[5]).where(PersonEmail.email_key == email(3)).execute()
    with writing():
        tasks.look_again_at_others()
    now = Task.get_by_id(task.id)
    assert (str(now.next_at) != later) is looked
    assert now.state == ("queued" if looked else case if case in ("done", "running") else state)


def test_a_claim_by_a_directory_is_looked_at_too(chat):
    chat.leave(3)
    [task] = reports.finish(chat.check().report, chat.by).tasks
    Task.update(next_at="2999-01-01 00:00:00").execute()
    directory = Directory.create(kind="scim", name="Company LDAP", vouched_for=True)
    DirectoryAddress.create(directory=directory, external_id="x", email_key=email(3), email=email(3), name="Ana")
    with writing():
        tasks.look_again_at_others()
    assert str(Task.get_by_id(task.id).next_at) < "2999"


def test_a_removal_cancels_only_what_is_open_of_an_invitation(chat, plans):
    made = {state: Invitation.create(app=chat.app, account=account(2), email=state, email_key=state, state=state)
            for state in InvitationState}  # fmt: skip
    remove(chat, 2)
    ended = {state for state, row in made.items() if Invitation.get_by_id(row.id).state != state}
    assert ended == {InvitationState.FAILED, InvitationState.INVITED, InvitationState.EXPIRED}
