"""When an approval has ended, nothing is done by it: after a restore, a second departure, the end of a lease or of a
standing approval, or once the account is matched to someone else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.apps.sample_chat import SampleChat
from sync import restored
from sync.apps import apps, glance, standing_approvals, status
from sync.checks import comparison
from sync.db import utcnow, writing
from sync.groups import rules
from sync.matching import decisions
from sync.models import App, Person, Report, Task
from sync.people import people
from sync.rank import Asker
from sync.reports import reports
from sync.tasks import automatic, invitations, still_to_remove, tasks
from tests.sync.acting import account, change_role, grant, revoke
from tests.sync.fixtures import email
from tests.sync.tasks.test_hand_overs import choice, drain, managers, report_of, task_of
from tests.sync.tasks.test_tasks import confirmed, run


def is_back_and_leaves_again(chat, number: int) -> None:
    people.mark_returned(chat.people[number], chat.by)
    people.mark_left(chat.people[number], chat.by)


def asked(chat, channel, kind: str) -> Task:
    """Of the account of person 2."""
    ways = {"remove": lambda: confirmed(chat, 2), "change role": lambda: change_role(chat, "admin", 2).tasks,
            "grant": lambda: grant(chat, channel, "manager", 2).tasks, "revoke": lambda: revoke(chat, channel, 2).tasks}
    [task] = ways[kind]()
    return task


# After a restore


def test_a_removal_that_was_withdrawn_is_not_done_because_its_hand_over_is_retried(chat, channel):
    reports.finish(report_of(chat, 1), chat.by, hand_overs=choice(1, channel, 2))
    restored.withdraw(Asker.command_line())
    drain()
    assert [task_of(1).state, task_of(2, "grant").state] == ["needs attention"] * 2
    tasks.retry(task_of(2, "grant"), chat.by)
    drain()
    assert managers(chat, channel) == {email(1), email(2)}
    assert task_of(1).state == "needs attention" and task_of(1).error == restored.OF_A_TASK and chat.removed() == []
    tasks.retry(task_of(1), chat.by)
    drain()
    assert task_of(1).state == "done" and chat.removed() == [email(1)]


def test_a_removal_that_needed_attention_before_a_restore_is_not_done_because_its_hand_over_is(chat, channel):
    reports.finish(report_of(chat, 1), chat.by, hand_overs=choice(1, channel, 2))
    chat.fault("forbidden", on="/members/", method="PUT")
    drain()
    chat.clear()
    assert restored.withdraw(Asker.command_line()).tasks == 0 and task_of(1).state == "needs attention"
    tasks.retry(task_of(2, "grant"), chat.by)
    drain()
    assert task_of(2, "grant").state == "done" and chat.removed() == []


def test_a_removal_that_was_withdrawn_is_looked_at_again_but_only_ends(chat):
    first, second = confirmed(chat, 3, 4)
    restored.withdraw(Asker.command_line())
    for number in (3, 4):
        people.mark_returned(chat.people[number], chat.by)
    tasks.look_again_at_returned(utcnow())
    Task.update(report=None).where(Task.id == second.id).execute()  # as if it had been asked for by hand
    drain()
    states = [Task.get_by_id(task.id).state for task in (first, second)]
    assert states == ["no longer needed", "needs attention"] and chat.removed() == []


# After a second departure


def test_an_approval_covers_one_departure_and_the_next_one_is_asked_about(chat):
    [task] = confirmed(chat, 3)
    is_back_and_leaves_again(chat, 3)
    assert run(task).state == "no longer needed" and "left once more" in Task.get().error
    assert (chat.removed(), account(3).state) == ([], "present")
    comparison.compare_due(utcnow() + timedelta(minutes=1))
    again = Report.get(Report.state == "open")
    reports.finish(again, chat.by)
    drain()
    assert chat.removed() == [email(3)]


def test_a_removal_in_a_paused_app_ends_when_the_person_is_back(chat):
    [task] = confirmed(chat, 3)
    apps.pause(chat.app, chat.by)
    assert run(task).state == "queued"
    people.mark_returned(chat.people[3], chat.by)
    tasks.look_again_at_returned(utcnow())
    drain()
    assert Task.get().state == "no longer needed" and account(3).state == "present"


# While a worker has no lease any longer


@pytest.mark.parametrize("end", ["withdrawn", "cancelled", "another worker's"])
@pytest.mark.parametrize("kind", ["remove", "change role", "grant", "revoke"])
def test_nothing_is_done_for_a_task_that_ended_before_the_app_answered(chat, channel, monkeypatch, kind, end):
    task = asked(chat, channel, kind)
    before, answers = chat.calls(), SampleChat.account

    def late(self, id):
        monkeypatch.setattr(SampleChat, "account", answers)
        if end == "withdrawn":
            restored.withdraw(Asker.command_line())
        else:
            Task.update(state="running", lease_owner="elsewhere:1:x").execute()
        if end == "cancelled":
            Task.update(state="needs attention", lease_owner=None).execute()
            tasks.cancel(Task.get(), chat.by)
        return answers(self, id)

    monkeypatch.setattr(SampleChat, "account", late)
    row = run(task)
    assert row.state == {"withdrawn": "needs attention", "cancelled": "cancelled"}.get(end, "running")
    assert {call.split()[0] for call in chat.calls()[len(before):]} <= {"GET"}


# After a standing approval was switched off


@pytest.mark.parametrize("retried", [False, True])
def test_a_removal_that_waits_is_not_done_by_a_standing_approval_that_is_off(chat, retried):
    apps.set_removal(chat.app, "automatic", chat.by)
    chat.fault("server-error", on="/members/", times=99)
    chat.leave(3)
    chat.check()
    drain()
    assert (Task.get().state, Task.get().asked_by) == ("queued", "policy: remove automatically")
    apps.set_removal(chat.app, "ask", chat.by)
    chat.clear()
    if retried:
        tasks.retry(Task.get(), chat.by)
    run(Task.get())
    comparison.compare_due(utcnow() + timedelta(minutes=1))
    waiting = [report.waiting for report in Report.select().where(Report.state == "open")]
    if retried:
        assert (Task.get().state, chat.removed(), waiting) == ("done", [email(3)], [])
    else:
        assert (Task.get().state, chat.removed(), waiting) == ("no longer needed", [], [1])


@pytest.mark.parametrize("end", ["left", "suspended", "no longer an owner"])
def test_a_standing_approval_waits_for_an_owner_once_its_approver_has_left(chat, end):
    ana = people.add("Ana Lima", "ana.lima@acme.example", chat.by, workspace_role="admin")
    apps.set_manager(chat.app, ana, "owner", chat.by)
    apps.set_removal(chat.app, "automatic", Asker.person(ana))
    chat.fault("server-error", on="/members/", times=99)
    chat.leave(3)
    chat.check()
    drain()
    chat.clear()
    assert Task.get().state == "queued" and not standing_approvals.lapsed()
    if end == "no longer an owner":
        apps.set_manager(chat.app, ana, "collaborator", chat.by)
    else:
        with writing():
            people.decide_by_hand(ana, {"left": "deprovisioned"}.get(end, end), chat.by, "Decided", "")
    run(Task.get())
    comparison.compare_due(utcnow() + timedelta(minutes=1))
    why = {"left": "has left", "suspended": "is suspended"}.get(end, "is no longer an Owner of it")
    assert Task.get().error == f"The standing approval was given by Ana Lima, who {why}: this waits for approval again."
    chat.check()
    assert (chat.removed(), reports.open_report(chat.app).waiting) == ([], 1)
    facts = status.standing(App.get()).facts
    assert facts.removals_by == f"Ana Lima, who {why}" and glance.counted().by_status["Up to date"] == 0
    apps.set_removal(chat.app, "automatic", chat.by)
    chat.check()
    drain()
    assert chat.removed() == [email(3)] and status.standing(App.get()).status == "Up to date"


def test_the_standing_approval_of_groups_waits_for_an_owner_once_its_approver_may_not_give_it(chat):
    ana = people.add("Ana Lima", "ana.lima@acme.example", chat.by, workspace_role="super admin")
    rules.set_policy(chat.app, "automatic", "automatic", Asker.person(ana))
    app = App.get()
    assert standing_approvals.invites_joiners(app) and standing_approvals.removes_unassigned(app)
    people.set_workspace_role(ana, "user", chat.by)
    assert not standing_approvals.invites_joiners(app) and not standing_approvals.removes_unassigned(app)
    shown = status.standing(app)
    assert (shown.status, shown.steps) == ("Approval needed", ("groups",))
    assert "approved by Ana Lima, who is no longer an Owner of it" in shown.sentence[0]
    App.update(groups_approver_id=ana.id + 1000).execute()
    assert standing_approvals.by_whom(app, standing_approvals.Given.GROUPS) == "someone, who is no longer known"
    rules.set_policy(chat.app, None, None, chat.by)
    task = Task(app=app, asked_by=automatic.UNASSIGNED)
    assert app.unassigned_approval == "automatic", "as it was when the task was read"
    assert automatic.is_off(task) and "was switched off" in automatic.why_off(task)


def test_an_invitation_by_a_standing_approval_that_is_off_is_asked_about_at_once(chat):
    invitations.invite(chat.app, email(20), "member", automatic.JOINERS)
    App.update(compare_at=None).execute()
    row = run(Task.get())
    assert (row.state, row.error) == (
        "no longer needed", "The standing approval was switched off: this waits for approval again.")
    assert App.get_by_id(chat.app.id).compare_at <= utcnow()


# After the account was matched to someone else


@pytest.mark.parametrize("kind", ["change role", "grant", "revoke"])
def test_an_operation_on_one_persons_account_is_not_done_once_it_is_anothers(chat, channel, kind):
    task = asked(chat, channel, kind)
    decisions.unmatch(account(2), chat.by)
    decisions.match(account(2), chat.people[5], chat.by)
    before = chat.calls()
    assert run(task).state == "no longer needed" and "belongs to a different person" in Task.get().error
    assert {call.split()[0] for call in chat.calls()[len(before):]} <= {"GET"}


@pytest.mark.parametrize(("seconds", "is_another"), [(-1, False), (0, False), (1, True)])
def test_only_a_departure_after_the_approval_is_another_one(chat, seconds, is_another):
    """Someone who is offboarded by hand leaves at the moment of the approval."""
    report = Report.create(app=chat.app)
    task = Task.create(app=chat.app, kind="remove", account=account(3), report=report, state="needs attention")
    left_at = task.created_at + timedelta(seconds=seconds)
    Person.update(status="deprovisioned", status_since=left_at).where(Person.id == account(3).person_id).execute()
    task = Task.get_by_id(task.id)
    assert still_to_remove.left_once_more(task) == is_another
    assert still_to_remove.over_while_waiting(utcnow()) == ([task.id] if is_another else [])
