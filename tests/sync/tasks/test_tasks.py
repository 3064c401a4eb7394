"""Tasks: verified right before the operation, retried, given up with a reason; never done twice or to someone else."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from connectors.apps.sample_chat import SampleChat
from connectors.base import LOOK_UP
from sync import activity, vault
from sync.apps import apps
from sync.db import connected, utcnow
from sync.jobs import leases, queue, retries
from sync.matching import decisions as match_decisions
from sync.matching import members
from sync.models import Account, Activity, App, Change, Mail, Person, Task
from sync.people import people
from sync.reports import reports
from sync.tasks import by_hand, disconnecting, tasks
from tests.sync.fixtures import email


def confirmed(chat, *numbers: int) -> list[Task]:
    """The removal of these, confirmed but not done."""
    chat.leave(*numbers)
    return reports.finish(chat.check().report, chat.by).tasks


def run(task: Task) -> Task:
    """One attempt, whatever it waits for."""
    Task.update(next_at=utcnow()).where(Task.id == task.id, Task.state == "queued").execute()
    tasks.run(task.id)
    return Task.get_by_id(task.id)


def account(number: int) -> Account:
    return Account.get(Account.email == email(number))


def outcome(task: Task) -> tuple[str, str]:
    row = Task.get_by_id(task.id)
    return row.state, Account.get_by_id(row.account_id).state


# The last look


def test_a_removal_is_done_and_reported(chat):
    [task] = confirmed(chat, 3)
    assert run(task).state == "done" and chat.removed() == [email(3)]
    assert (account(3).state, account(3).gone_at is not None) == ("gone", True)
    logged = [(entry.who, entry.what, entry.about) for entry in activity.entries(app=chat.app)]
    assert ("Rollcall", "removed from the app", "Person 3") in logged
    assert Mail.select().where(Mail.kind == "outcome").count() == 1
    run(task)
    assert chat.removed() == [email(3)]


def test_someone_who_came_back_before_the_task_stays(chat):
    [task] = confirmed(chat, 3)
    people.mark_returned(chat.people[3], chat.by)
    assert run(task).state == "no longer needed" and "is back" in Task.get().error
    assert chat.removed() == [] and account(3).state == "present"
    assert App.get().users == 11


def test_someone_protected_before_the_task_stays(chat):
    [task] = confirmed(chat, 3)
    members.protect(account(3), "legal hold", chat.by)
    assert run(task).error == "Protected: legal hold." and outcome(task) == ("no longer needed", "present")
    assert chat.removed() == []


@pytest.mark.parametrize("decide", [match_decisions.mark_guest, match_decisions.unmatch, match_decisions.mark_service])
def test_an_account_that_someone_decided_about_before_the_task_stays(chat, decide):
    [task] = confirmed(chat, 3)
    decide(account(3), chat.by)
    assert run(task).state == "no longer needed" and chat.removed() == []


def test_an_account_with_the_e_mail_of_someone_active_stays_whatever_its_match(chat):
    match_decisions.unmatch(account(5), chat.by)
    match_decisions.match(account(5), chat.people[3], chat.by)
    chat.leave(3)
    report = chat.check().report
    [change] = [row for row in report.changes if row.account_id == account(5).id]
    assert (change.decision, change.protection_reason) == ("ignored", "Protected: its e-mail is that of Person 5")
    reports.finish(report, chat.by)
    queue.drain()
    assert chat.removed() == [email(3)]


def test_an_account_confirmed_before_its_e_mail_became_someone_elses_stays(chat):
    people.edit(chat.people[5], chat.by, emails=["other@acme.example"])
    match_decisions.unmatch(account(5), chat.by)
    match_decisions.match(account(5), chat.people[3], chat.by)
    tasks_made = confirmed(chat, 3)
    people.edit(chat.people[5], chat.by, emails=["other@acme.example", email(5)])
    states = {Account.get_by_id(task.account_id).email: run(task).state for task in tasks_made}
    assert states == {email(3): "done", email(5): "no longer needed"} and chat.removed() == [email(3)]


def test_an_account_with_a_new_e_mail_stays_if_the_app_cannot_be_asked_for_one(chat, monkeypatch):
    monkeypatch.setattr(SampleChat, "capabilities", SampleChat.capabilities - {LOOK_UP})
    chat.store.add("guest@elsewhere.example", "Guest", "member", via="page")
    chat.check()
    guest = Account.get(Account.name == "Guest")
    plan = by_hand.plan_removals(chat.app, [guest.id])
    again = lambda: by_hand.plan_removals(chat.app, [guest.id])  # noqa: E731
    [task] = by_hand.carry_out(again, chat.by, plan.seen, reason="The project is over").tasks
    others = "somebody@elsewhere.example"
    Account.update(email=others, email_key=others).where(Account.id == guest.id).execute()  # as a check reads it
    assert "a different e-mail address" in run(task).error and outcome(task) == ("no longer needed", "present")
    assert chat.removed() == []


def test_an_approval_for_one_leavers_account_does_not_cover_anothers(chat):
    tasks_made = confirmed(chat, 3, 4)
    for decided in (match_decisions.unmatch, lambda seat, by: match_decisions.match(seat, chat.people[4], by)):
        decided(account(3), chat.by)
    states = {Account.get_by_id(task.account_id).email: run(task).state for task in tasks_made}
    assert states == {email(3): "no longer needed", email(4): "done"} and chat.removed() == [email(4)]
    assert "belongs to a different person now" in Task.get(Task.account == account(3)).error
    [asked] = reports.finish(chat.check().report, chat.by).tasks
    assert asked.account == account(3) and asked.change.person == chat.people[4], "a question of its own"


def test_a_service_account_stays_although_who_is_responsible_for_it_has_left(chat):
    [task] = confirmed(chat, 3)
    match_decisions.mark_service(account(3), chat.by)
    Account.update(person=chat.people[3]).where(Account.id == account(3).id).execute()  # as an earlier version let one
    assert run(task).state == "no longer needed" and chat.removed() == []


def test_an_account_that_became_someone_elses_stays(chat):
    [task] = confirmed(chat, 3)
    match_decisions.unmatch(account(3), chat.by)
    match_decisions.match(account(3), chat.people[5], chat.by)
    assert run(task).state == "no longer needed" and chat.removed() == []


def test_an_account_that_is_gone_already_counts_as_done(chat):
    [task] = confirmed(chat, 3)
    chat.store.remove(chat.id_of(3), via="page")
    assert run(task).state == "done" and account(3).state == "gone" and chat.removed() == []


def test_an_e_mail_in_another_spelling_is_the_same_account(chat):
    [task] = confirmed(chat, 3)
    with chat.store.writing() as store:
        store.execute("UPDATE member SET email = 'P3@ACME.example' WHERE email = ?", (email(3),))
    assert run(task).state == "done"


def test_someone_who_has_become_the_last_owner_stays(chat):
    """Rollcall still thinks that they are a member, and that person 0 is an owner."""
    [task] = confirmed(chat, 3)
    chat.store.change(chat.id_of(3), via="page", role="owner")
    chat.store.change(chat.id_of(0), via="page", role="member")
    assert run(task).error == "Protected: the last Owner of the app."
    assert chat.removed() == [] and chat.calls("DELETE") == []


def test_someone_who_has_become_one_of_several_admins_is_removed(chat):
    [task] = confirmed(chat, 3)
    chat.store.change(chat.id_of(3), via="page", role="admin")
    assert run(task).state == "done"


def test_an_owner_whose_fellow_owner_went_in_the_meantime_stays(chat):
    chat.store.change(chat.id_of(3), via="page", role="admin")
    [task] = confirmed(chat, 3)
    with chat.store.writing() as store:
        store.execute("DELETE FROM member WHERE email = ?", (email(0),))
    assert run(task).error == "Protected: the last Admin of the app."


def test_two_admins_confirmed_together_never_leave_an_app_without_one(chat):
    for number in (1, 2):
        chat.store.change(chat.id_of(number), via="page", role="admin")
    first, second = confirmed(chat, 1, 2)
    with chat.store.writing() as store:
        store.execute("UPDATE member SET role = 'member' WHERE email = ?", (email(0),))
    states = {run(first).state, run(second).state}
    assert "no longer needed" in states and len(chat.removed()) <= 1


def test_the_app_that_was_paused_is_not_acted_in(chat):
    [task] = confirmed(chat, 3)
    apps.pause(chat.app, chat.by)
    waiting = run(task)
    assert chat.removed() == [] and chat.calls("DELETE") == []
    assert (waiting.state, waiting.attempts) == ("queued", 0) and "resumed" in waiting.error
    apps.resume(chat.app, chat.by)
    assert run(task).state == "done" and chat.removed() == [email(3)], "what was confirmed is not forgotten"


def test_disconnecting_cancels_what_is_not_done(chat):
    [task] = confirmed(chat, 3)
    disconnecting.disconnect(chat.app, chat.by)
    assert run(task).state == "cancelled" and chat.removed() == []
    assert account(3).state == "present", "it is in the app, as before"
    [logged] = Activity.select().where(Activity.what == "cancelled task")
    assert (logged.about, logged.report) == ("Person 3", task.report)
    assert Mail.select().where(Mail.kind == "outcome").count() == 1


# Retrying and giving up


def test_a_passing_fault_is_retried_with_growing_delays_and_then_needs_attention(chat):
    [task] = confirmed(chat, 3)
    chat.fault("server-error", on="/members/")
    delays = []
    while (row := run(task)).state == "queued":
        delays.append(round((row.next_at - utcnow()).total_seconds()))
    assert delays == sorted(delays) and len(delays) == len(retries.TASK.waits)
    assert row.state == "needs attention" and "Tried 7 times" in row.error
    assert outcome(task) == ("needs attention", "removing")
    assert Mail.select().where(Mail.kind == "outcome").count() == 1
    chat.clear()
    tasks.retry(task, chat.by)
    assert run(task).state == "done" and chat.removed() == [email(3)]
    assert Mail.select().where(Mail.kind == "outcome").count() == 2, "fixed: that is mailed too"


def test_a_rate_limit_waits_as_long_as_the_app_asks_and_costs_no_attempt(chat):
    [task] = confirmed(chat, 3)
    chat.fault("rate-limit", on="/members/", seconds=90)
    for _ in range(len(retries.TASK.waits) + 3):
        row = run(task)
        assert (row.state, row.attempts) == ("queued", 0)
        assert 30 < (row.next_at - utcnow()).total_seconds() <= 90
    chat.clear()
    assert run(task).state == "done"


def test_a_rate_limit_of_more_than_a_day_needs_attention(chat):
    [task] = confirmed(chat, 3)
    before = utcnow() - tasks.PATIENCE - timedelta(minutes=1)
    Person.update(status_since=before).execute()
    Task.update(created_at=before).execute()
    chat.fault("rate-limit", on="/members/", seconds=90)
    row = run(task)
    assert row.state == "needs attention" and "more than a day" in row.error


def test_a_task_is_not_run_before_its_time(chat):
    [task] = confirmed(chat, 3)
    Task.update(next_at=utcnow() + timedelta(minutes=5)).execute()
    tasks.run(task.id)
    queue.drain()
    assert chat.removed() == [] and Task.get_by_id(task.id).state == "queued"
    tasks.retry(task, chat.by)
    queue.drain()
    assert chat.removed() == [email(3)]


def test_an_expired_credential_needs_attention_on_the_app_too(chat):
    [task] = confirmed(chat, 3)
    chat.fault("expired-token")
    row = run(task)
    assert row.state == "needs attention" and "Replace the credential" in row.error
    assert App.get().error and chat.token not in row.error + App.get().error


def test_a_credential_that_cannot_be_unsealed_needs_attention_in_words(chat, monkeypatch):
    [task] = confirmed(chat, 3)
    App.update(credential=b"not sealed with this key").execute()
    assert "secret.key" in run(task).error and Task.get_by_id(task.id).state == "needs attention"


def test_a_bug_in_a_connector_loses_no_task(chat, monkeypatch):
    [task] = confirmed(chat, 3)
    monkeypatch.setattr(SampleChat, "remove", lambda self, account: {}["missing"])
    with pytest.raises(KeyError):
        run(task)
    assert outcome(task) == ("needs attention", "removing")


def test_only_what_waits_for_someone_can_be_retried_or_cancelled(chat):
    [task] = confirmed(chat, 3)
    run(task)
    for operation in (tasks.retry, tasks.cancel):
        with pytest.raises(tasks.TaskProblem, match="done"):
            operation(task, chat.by)


def test_a_cancelled_removal_leaves_the_account_in_the_app_and_is_asked_about_again(chat):
    [task] = confirmed(chat, 3)
    tasks.cancel(task, chat.by)
    assert outcome(task) == ("cancelled", "present") and run(task).state == "cancelled"
    assert chat.removed() == [] and chat.check().waiting == 1


def test_a_task_that_has_just_ended_is_not_looked_at_again(chat):
    """It ended between the look at which ones wait and the transaction."""
    done, cancelled = confirmed(chat, 3, 4)
    run(done)
    tasks.cancel(cancelled, chat.by)
    tasks._look_again([done.id, cancelled.id])
    assert (outcome(done)[0], outcome(cancelled)[0]) == ("done", "cancelled")


def test_a_removal_that_needs_attention_ends_automatically_when_the_person_is_back(chat):
    [task] = confirmed(chat, 3)
    chat.fault("forbidden", on="/members/", method="DELETE")
    assert run(task).state == "needs attention"
    people.mark_returned(chat.people[3], chat.by)
    queue.sweep()
    queue.drain()
    assert outcome(task) == ("no longer needed", "present")


# One worker


def test_two_workers_do_one_task_once(chat):
    [task] = confirmed(chat, 3)
    ready = threading.Barrier(2)

    def work() -> None:
        with connected():
            ready.wait()
            tasks.run(task.id)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(chat.calls("DELETE")) == 1 and Task.get_by_id(task.id).attempts == 1


def test_a_worker_that_was_given_up_says_nothing_any_longer(chat, monkeypatch):
    [task] = confirmed(chat, 3)
    whole = SampleChat.account

    def taken_over(self, id):
        Task.update(lease_owner="elsewhere:1:x", lease_until=utcnow() + leases.LEASE).execute()
        monkeypatch.setattr(SampleChat, "account", whole)
        return whole(self, id)

    monkeypatch.setattr(SampleChat, "account", taken_over)
    row = run(task)
    assert (row.state, row.lease_owner) == ("running", "elsewhere:1:x")
    assert account(3).state == "removing"


def test_a_task_whose_worker_died_after_the_operation_finds_it_done(chat):
    [task] = confirmed(chat, 3)
    chat.store.remove(chat.id_of(3), via="api")
    died = Task.update(state="running", lease_owner=f"{leases.HOST}:999999:x", lease_until=utcnow() + leases.LEASE)
    died.execute()
    queue.drain()
    assert outcome(task) == ("done", "gone") and chat.removed() == [email(3)] and chat.calls("DELETE") == []


def test_a_removal_after_a_confirmed_one_of_the_same_account_is_not_queued_twice(chat):
    confirmed(chat, 3)
    assert chat.check().waiting == 0
    assert Task.select().count() == 1 == Change.select().where(Change.kind == "removed user").count()


def test_no_secret_is_reported(chat):
    [task] = confirmed(chat, 3)
    chat.fault("forbidden")
    run(task)
    secret = vault.unseal(App.get().credential)["token"]
    logged = [entry.why for entry in activity.entries(limit=200)] + [Task.get().error]
    assert secret not in " ".join(logged) + "".join(mail.text for mail in Mail.select())
