"""An asset never loses its last manager by a removal that nobody has answered for: every way of removing someone asks
for a successor or an acceptance by name, and the task looks again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.checks import checks
from sync.jobs import queue
from sync.models import Access, Account, Activity, Change, HandOver, Offboarding, Report, Task
from sync.offboarding import offboarding
from sync.reports import overview, reports
from sync.safety import sole_managers
from sync.safety.sole_managers import NeedsSuccessor
from sync.safety.successors import SuccessorProblem
from sync.tasks import by_hand, tasks
from sync.tasks.plans import LineState
from sync.workspace import today
from tests.sync.acting import account, ids
from tests.sync.fixtures import email


def choice(number: int, asset, successor: int | None) -> dict:
    return {(account(number).id, asset.id): None if successor is None else account(successor).id}


def report_of(chat, *leavers: int) -> Report:
    chat.leave(*leavers)
    return chat.check().report


def drain() -> None:
    """A removal that waits for a hand-over is woken by it: in this thread, by the next round."""
    while queue.drain(("task",)):
        pass


def managers(chat, asset) -> set[str]:
    with chat.store.reading() as db:
        found = db.execute("SELECT m.email FROM channel_member c JOIN member m ON m.id = c.member "
                           "WHERE c.channel = ? AND c.role = 'manager'", (asset.external_id,)).fetchall()  # fmt: skip
    return {row["email"] for row in found}


def task_of(number: int, kind: str = "remove") -> Task:
    return Task.select().where(Task.account == account(number), Task.kind == kind).order_by(Task.id.desc()).get()


def test_an_approval_without_an_answer_is_refused_with_a_reason_for_programs(chat, channel):
    report = report_of(chat, 1, 3)
    with pytest.raises(NeedsSuccessor) as refused:
        reports.finish(report, chat.by)
    assert refused.value.code == "sole manager" and list(refused.value.alone) == [account(1).id]
    assert "Person 1 is the only manager of the channel “general”. Nothing was changed." in str(refused.value)
    assert Task.select().count() == 0 and account(3).state == "present"


def test_the_hand_over_is_confirmed_in_the_app_before_the_removal(chat, channel):
    report = report_of(chat, 1)
    done = reports.finish(report, chat.by, hand_overs=choice(1, channel, 2))
    assert [task.kind for task in done.tasks] == ["grant", "remove"]
    chat.fault("server-error", times=9)  # the app isn't asked before the hand-over is done
    tasks.run(task_of(1).id)
    chat.clear()
    assert task_of(1).state == "queued" and task_of(1).error == "Waits until Person 2 manages the channel “general”."
    assert chat.removed() == []
    drain()
    assert [task_of(1).state, task_of(2, "grant").state] == ["done", "done"]
    assert chat.removed() == [email(1)] and managers(chat, channel) == {email(2)}
    entry = Activity.get(Activity.what == "handed over", Activity.after == "Person 2")
    assert (entry.app, entry.report, task_of(2, "grant").report) == (chat.app, report, report)


def test_an_acceptance_is_kept_with_who_and_when(chat, channel):
    report = report_of(chat, 1)
    reports.finish(report, chat.by, hand_overs=choice(1, channel, None))
    drain()
    assert chat.removed() == [email(1)]
    [row] = HandOver.select()
    assert row.is_accepted and row.decided_by == str(chat.by) and row.decided_at and row.change.report_id == report.id
    entry = Activity.get(Activity.what == "accepted that nobody manages it")
    assert (entry.about, entry.before, entry.who, entry.report) == ("general", "Person 1", str(chat.by), report)
    assert sole_managers.count_unmanaged() == {chat.app.id: 1}


def test_a_hand_over_that_fails_keeps_the_account(chat, channel):
    report = report_of(chat, 1)
    reports.finish(report, chat.by, hand_overs=choice(1, channel, 2))
    chat.fault("forbidden", on="/members/", method="PUT")
    drain()
    assert task_of(2, "grant").state == "needs attention" and chat.removed() == []
    removal = task_of(1)
    assert removal.state == "needs attention" and "was not handed over to Person 2" in removal.error
    chat.clear()
    tasks.retry(task_of(2, "grant"), chat.by)
    drain()
    assert chat.removed() == [email(1)] and managers(chat, channel) == {email(2)}


def test_a_hand_over_that_was_cancelled_keeps_the_account(chat, channel):
    reports.finish(report_of(chat, 1), chat.by, hand_overs=choice(1, channel, 2))
    tasks.cancel(task_of(2, "grant"), chat.by)
    drain()
    assert task_of(1).state == "needs attention" and chat.removed() == []


def test_a_hand_over_that_the_app_does_not_show_keeps_the_account(chat, channel):
    reports.finish(report_of(chat, 1), chat.by, hand_overs=choice(1, channel, 2))
    tasks.run(task_of(2, "grant").id)
    chat.store.join(channel.external_id, chat.id_of(2), "member", via="page")
    tasks.run(task_of(1).id)
    assert task_of(1).state == "queued" and "doesn't show it" in task_of(1).error and chat.removed() == []


def test_two_who_manage_it_together_are_asked_about_as_a_set(chat, channel):
    chat.store.join(channel.external_id, chat.id_of(2), "manager", via="page")
    chat.check()
    report = report_of(chat, 1, 2)
    with pytest.raises(NeedsSuccessor) as refused:
        reports.finish(report, chat.by)
    assert set(refused.value.alone) == set(ids(1, 2))
    one = chat.change(report, 2)
    reports.finish(report, chat.by, undecided={one.id})
    drain()
    assert chat.removed() == [email(1)] and managers(chat, channel) == {email(2)}
    with pytest.raises(NeedsSuccessor):
        reports.finish(Report.get_by_id(report.id), chat.by)


def test_one_answer_is_enough_for_both(chat, channel):
    chat.store.join(channel.external_id, chat.id_of(2), "manager", via="page")
    report = report_of(chat, 1, 2)
    reports.finish(report, chat.by, hand_overs=choice(2, channel, 4))
    drain()
    assert sorted(chat.removed()) == [email(1), email(2)] and managers(chat, channel) == {email(4)}


def test_the_task_looks_again_for_another_manager(chat, channel):
    """The other manager was blocked in the app after the approval."""
    chat.store.join(channel.external_id, chat.id_of(2), "manager", via="page")
    reports.finish(report_of(chat, 1), chat.by)
    chat.store.change(chat.id_of(2), via="page", status="deactivated")
    drain()
    removal = task_of(1)
    assert removal.state == "needs attention" and chat.removed() == []
    assert removal.error.startswith("Person 1 is now the only manager of the channel “general”. Nothing was")


@pytest.mark.parametrize("successor", [1, 3, 9])
def test_a_successor_must_be_able_to_manage_it(chat, channel, successor):
    """Not the leaver, nobody else who leaves, and nobody who is blocked."""
    chat.store.change(chat.id_of(9), via="page", status="deactivated")
    report = report_of(chat, 1, 3)
    with pytest.raises(SuccessorProblem):
        reports.finish(report, chat.by, hand_overs=choice(1, channel, successor))
    assert Task.select().count() == 0


def test_an_undecided_sole_manager_waits_in_the_report(chat, channel):
    report = report_of(chat, 1, 3)
    assert overview.sole_managers_of(report).undecided == {chat.change(report, 1).id}
    ready = overview.confirmable(report)
    assert (ready.removals, ready.undecided) == (1, 1)
    reports.finish(report, chat.by, undecided={chat.change(report, 1).id})
    drain()
    report = Report.get_by_id(report.id)
    assert chat.removed() == [email(3)] and report.is_open and report.waiting == 1
    with pytest.raises(reports.ReportProblem, match="Nobody is selected"):
        reports.finish(report, chat.by, undecided={chat.change(report, 1).id})


def plan_removals(chat, *numbers: int) -> by_hand.Plan:
    return by_hand.plan_removals(chat.app, ids(*numbers))


def test_by_hand_it_is_asked_too(chat, channel):
    def plan():
        return plan_removals(chat, 1, 3)

    with pytest.raises(NeedsSuccessor):
        by_hand.carry_out(plan, chat.by, plan().seen, reason="Moved on")
    assert Task.select().count() == 0
    by_hand.carry_out(plan, chat.by, plan().seen, reason="Moved on", kept={str(account(1).id)})
    assert account(1).state == "present"
    drain()
    assert chat.removed() == [email(3)]
    alone = by_hand.plan_removals(chat.app, ids(1))
    by_hand.carry_out(lambda: plan_removals(chat, 1), chat.by, alone.seen, reason="Moved on",
                      hand_overs=choice(1, channel, 2))  # fmt: skip
    drain()
    assert chat.removed() == [email(3), email(1)] and managers(chat, channel) == {email(2)}


def test_revoking_the_last_managers_access_is_asked_about(chat, channel):
    def plan():
        return by_hand.plan_revocations(chat.app, [(account(1).id, channel.id)])

    with pytest.raises(NeedsSuccessor):
        by_hand.carry_out(plan, chat.by, plan().seen)
    by_hand.carry_out(plan, chat.by, plan().seen, hand_overs=choice(1, channel, 2))
    drain()
    assert managers(chat, channel) == {email(2)}


def test_the_last_manager_gets_no_lower_role(chat, channel):
    [line] = by_hand.plan_grants(chat.app, ids(1), [channel.id], "member").lines
    assert line.state == LineState.REFUSED and line.why.startswith("Is the only manager there")


def test_offboarding_asks_and_leaves_the_undecided_in_the_report(chat, channel, olga):
    seen = set(ids(1))
    with pytest.raises(NeedsSuccessor):
        offboarding.start(chat.people[1], olga, seen, {})
    assert Offboarding.select().count() == 0
    offboarding.start(chat.people[1], olga, seen, {}, undecided=seen)
    assert account(1).state == "present" and reports.open_report(chat.app).waiting == 1
    offboarding.start(chat.people[1], olga, seen, {}, hand_overs=choice(1, channel, 2))
    drain()
    assert chat.removed() == [email(1)] and managers(chat, channel) == {email(2)}


@pytest.mark.parametrize("answered", [True, False])
def test_a_planned_offboarding_keeps_the_answer_for_its_day(chat, channel, olga, answered, monkeypatch):
    day, seen = today() + timedelta(days=1), set(ids(1))
    more = {"hand_overs": choice(1, channel, 2)} if answered else {"undecided": seen}
    offboarding.start(chat.people[1], olga, seen, {}, on=day, **more)
    monkeypatch.setattr(offboarding, "today", lambda: day)
    offboarding.carry_out_due(None)
    drain()
    assert chat.removed() == ([email(1)] if answered else [])
    assert managers(chat, channel) == {email(2 if answered else 1)}
    waiting = Change.select().where(Change.decision == "needs confirmation").count()
    assert waiting == (0 if answered else 1)


def test_an_asset_without_a_manager_is_counted_where_others_have_one(chat, channel):
    assert sole_managers.count_unmanaged() == {}
    Access.update(privileged=False).execute()
    assert sole_managers.count_unmanaged() == {}, "the app says of none who manages it"
    other = chat.store.add_channel("other", via="page")
    chat.store.join(other, chat.id_of(3), "member", via="page")
    checks.run(chat.check().id)
    assert sole_managers.count_unmanaged(chat.app) == {chat.app.id: 1}
    Account.update(status="suspended").where(Account.email == email(1)).execute()
    assert sole_managers.count_unmanaged() == {chat.app.id: 2}
