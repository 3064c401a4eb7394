"""What a task's life leaves in its row, in Activity and in e-mails, attempt by attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.jobs import retries
from sync.models import Activity, App, Mail, Report, Task
from sync.people import people
from sync.tasks import tasks
from tests.sync.tasks.test_tasks import account, confirmed, run


def entry(what: str) -> tuple:
    """(who, about, why, before, after, app, person, report) of the one entry with these words."""
    [row] = Activity.select().where(Activity.what == what)
    return row.who, row.about, row.why, row.before, row.after, row.app_id, row.person_id, row.report_id


def mails() -> int:
    return Mail.select().where(Mail.kind == "outcome").count()


def test_done(chat):
    [task] = confirmed(chat, 3)
    before, row = utcnow(), run(task)
    assert (row.state, row.error, row.attempts) == ("done", None, 1) and before <= row.finished_at <= utcnow()
    assert entry("removed from the app") == (
        "Rollcall", "Person 3", f"asked by {chat.by.name}", None, None, chat.app.id, chat.people[3].id, row.report_id)
    assert mails() == 1
    with pytest.raises(tasks.TaskProblem, match="This task is done: there is nothing to retry"):
        tasks.retry(task, chat.by)
    with pytest.raises(tasks.TaskProblem, match="This task is done: it can't be cancelled"):
        tasks.cancel(task, chat.by)
    with pytest.raises(tasks.TaskProblem, match="This task is done: it isn't waiting"):
        tasks.done_by_hand(task, chat.by)


def test_no_longer_needed(chat):
    [task] = confirmed(chat, 3)
    App.update(state="disconnected").execute()
    row = run(task)
    assert (row.state, row.error, row.attempts) == ("no longer needed", "The app is disconnected in Rollcall.", 1)
    assert entry("did not remove: no longer needed") == (
        "Rollcall", "Person 3", row.error, None, None, chat.app.id, chat.people[3].id, row.report_id)
    assert row.finished_at is not None and mails() == 1 and account(3).state == "present"


def test_a_paused_app_costs_no_attempt(chat):
    [task] = confirmed(chat, 3)
    App.update(state="paused").execute()
    before, row = utcnow(), run(task)
    assert (row.state, row.attempts, row.finished_at) == ("queued", 0, None)
    assert "continues when it is resumed" in row.error and mails() == 0
    assert before <= row.next_at - timedelta(minutes=1) <= utcnow() and chat.removed() == []


def test_tried_again_later(chat):
    [task] = confirmed(chat, 3)
    chat.fault("server-error", on="/members/")
    for attempts, wait in enumerate(retries.TASK.waits, start=1):
        before, row = utcnow(), run(task)
        assert (row.state, row.attempts, row.finished_at) == ("queued", attempts, None) and row.error
        assert before <= row.next_at - wait <= utcnow()
    assert not Activity.select().where(Activity.what == "could not remove").exists()
    row = run(task)
    assert (row.state, row.attempts, row.finished_at) == ("needs attention", 7, None)
    assert entry("could not remove") == (
        "Rollcall", "Person 3", row.error, None, None, chat.app.id, chat.people[3].id, row.report_id)
    assert row.error.endswith("Tried 7 times.") and mails() == 1


def needing_attention(chat) -> Task:
    [task] = confirmed(chat, 3)
    Task.update(state="needs attention", attempts=4, error="No.").execute()
    return task


def test_retried(chat):
    task = needing_attention(chat)
    before = utcnow()
    tasks.retry(task, chat.by)
    row = Task.get()
    assert (row.state, row.attempts, account(3).state) == ("queued", 0, "removing")
    assert before <= row.next_at <= utcnow()
    assert entry("retried task") == (
        chat.by.name, "Person 3", "", None, None, chat.app.id, chat.people[3].id, row.report_id)


def test_done_by_hand(chat):
    task = needing_attention(chat)
    tasks.done_by_hand(task, chat.by)
    row = Task.get()
    assert (row.state, row.error, account(3).state) == ("done", None, "gone") and row.finished_at is not None
    assert entry("removed from the app, by hand") == (
        chat.by.name, "Person 3", "", None, None, chat.app.id, chat.people[3].id, row.report_id)
    assert mails() == 1 and chat.removed() == []


def test_cancelled(chat):
    task = needing_attention(chat)
    tasks.cancel(task, chat.by)
    row = Task.get()
    assert (row.state, account(3).state, account(3).gone_at) == ("cancelled", "present", None)
    assert row.finished_at is not None and mails() == 1
    assert entry("cancelled task") == (
        chat.by.name, "Person 3", "", None, None, chat.app.id, chat.people[3].id, row.report_id)


def test_a_waiting_task_can_be_cancelled_and_a_running_one_cannot(chat):
    [task] = confirmed(chat, 3)
    Task.update(state="running").execute()
    for change in (tasks.cancel, tasks.retry, tasks.done_by_hand):
        with pytest.raises(tasks.TaskProblem, match="This task is running"):
            change(task, chat.by)
    Task.update(state="queued").execute()
    with pytest.raises(tasks.TaskProblem, match="isn't waiting for anyone"):
        tasks.done_by_hand(task, chat.by)
    tasks.cancel(task, chat.by)
    assert Task.get().state == "cancelled"


def test_a_rejected_credential_is_shown_at_the_app_and_at_the_task(chat):
    [task] = confirmed(chat, 3)
    chat.fault("expired-token")
    row = run(task)
    assert row.state == "needs attention" and row.error.endswith(" Replace the credential, then retry.")
    assert App.get().error == row.error.removesuffix(" Replace the credential, then retry.")


def test_those_that_need_attention_come_first_then_live_ones_then_the_latest(chat):
    made = confirmed(chat, 1, 2, 3, 4)
    for task, state in zip(made, ("done", "queued", "cancelled", "needs attention")):
        Task.update(state=state).where(Task.id == task.id).execute()
    one, two, three, four = (task.id for task in made)
    assert [task.id for task in tasks.of_app(chat.app)] == [four, two, three, one]
    assert [task.id for task in tasks.of_app(chat.app, 2)] == [four, two]
    assert [task.id for task in tasks.of_report(Report.get_by_id(made[0].report_id))] == [one, two, three, four]
    assert tasks.tally(chat.app) == {"queued": 1, "needs attention": 1}
    Task.update(account=made[0].account).where(Task.state != "needs attention").execute()
    assert [task.id for task in tasks.of_account(made[0].account)] == [two, three, one]
    assert [task.id for task in tasks.of_account(made[0].account, 2)] == [two, three]


def test_lists_end_after_so_many(chat, second):
    rows = [{"app": chat.app, "account": account(3), "kind": "remove", "state": "done"} for _ in range(51)]
    Task.insert_many(rows).execute()
    Task.create(app=second.app, kind="invite")
    assert (len(tasks.of_app(chat.app)), len(tasks.of_account(account(3)))) == (50, 20)
    newest = [task.id for task in Task.select().order_by(Task.id.desc())]
    assert [task.id for task in tasks.newest(None, 3)] == newest[:3]
    assert [task.id for task in tasks.newest(chat.app, 3)] == newest[1:4]


def test_those_that_need_attention_are_counted_in_all_apps(chat, second):
    assert tasks.count_needing_attention() == 0
    for app, state in ((chat.app, "needs attention"), (second.app, "needs attention"), (chat.app, "queued")):
        Task.create(app=app, kind="invite", state=state)
    assert tasks.count_needing_attention() == 2
    assert tasks.tally(chat.app) == {"needs attention": 1, "queued": 1}


def test_a_task_is_found_by_its_number(chat):
    made = Task.create(app=chat.app, kind="invite")
    assert tasks.with_id(made.id) == made
    with pytest.raises(tasks.TaskProblem, match=f"There is no task {made.id + 1}"):
        tasks.with_id(made.id + 1)


@pytest.mark.parametrize(("values", "looked"), [
    ({"state": "needs attention"}, True),
    ({"state": "queued", "next_at": timedelta(minutes=5)}, True),
    ({"state": "queued", "next_at": timedelta(minutes=-5)}, False),  # it is about to be looked at
    ({"state": "cancelled"}, False),
    ({"state": "needs attention", "kind": "revoke"}, False),
])  # fmt: skip
def test_a_removal_that_waits_is_looked_at_again_when_the_person_is_back(chat, values, looked):
    [task] = confirmed(chat, 3)
    later = utcnow() + values.get("next_at", timedelta(0))
    Task.update({**values, "next_at": later}).execute()
    tasks.look_again_at_returned(utcnow())
    assert Task.get().next_at == later, "nothing has changed for this person"
    people.mark_returned(chat.people[3], chat.by)
    Task.update({**values, "next_at": later}).execute()
    tasks.look_again_at_returned(utcnow())
    row = Task.get()
    assert (row.next_at != later) is looked
    assert row.state == ("queued" if looked else values["state"])


def test_a_task_that_ends_because_the_person_is_back_names_them(chat):
    [task] = confirmed(chat, 3)
    people.mark_returned(chat.people[3], chat.by)
    assert run(task).error == "Person 3 is back: active in the directory."
