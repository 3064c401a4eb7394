"""The facts of an app as the rows have them, and one status behind every door: card, page, commands and metrics."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base import CredentialRejected
from sync.apps import apps, status
from sync.checks import checks
from sync.db import utcnow
from sync.jobs import asking, retries
from sync.matching import decisions
from sync.models import Account, App, RememberedAnswer, Report, Task
from sync.problems import AppProblem
from sync.reports import reports
from sync.safety import guards
from sync.tasks import by_hand, tasks


def now(app: App) -> status.Standing:
    return status.standing(App.get_by_id(app.id))


def test_a_check_that_fails_is_seen_at_once_and_a_test_disproves_only_what_it_can(chat):
    assert now(chat.app).status == "Up to date"
    token = chat.app.credential
    chat.stop()
    chat.check()
    failed = now(chat.app)
    assert (failed.status, failed.tone, failed.steps) == ("Last check failed", "waiting", ("test", "address"))
    assert not status.credential_works(App.get(), failed)
    chat.check()
    chat.check()
    assert (now(chat.app).status, now(chat.app).tone) == ("Needs attention", "attention")
    assert App.get().credential == token


def test_a_test_that_works_does_not_make_a_failed_check_green(chat, monkeypatch):
    monkeypatch.setattr(apps.connector_class("sample-chat"), "accounts", _rejects)
    chat.check()
    assert (now(chat.app).status, now(chat.app).steps) == ("Needs attention", ("credential",))
    apps.retest(App.get(), chat.by)
    assert (now(chat.app).status, now(chat.app).steps, App.get().error) == ("Last check failed", ("check",), None)
    monkeypatch.undo()
    assert chat.check().state == "succeeded" and now(chat.app).status == "Up to date"


def _rejects(connector):
    raise CredentialRejected("The app rejects the credential.")
    yield


def test_a_failed_test_is_no_failed_check_but_not_green(chat):
    chat.stop()
    with pytest.raises(Exception, match="."):
        apps.retest(App.get(), chat.by)
    assert (now(chat.app).status, App.get().failures) == ("Last check failed", 0)


def test_an_app_that_is_reached_elsewhere_is_not_green_until_it_is_read_there(chat, second):
    RememberedAnswer.create(app=chat.app, key="members", etag='"1"', body=b"")
    apps.replace_credential(chat.app, second.settings, chat.by)
    assert RememberedAnswer.select().count() == 0, "another credential may see others"
    assert now(chat.app).status == "Checking"
    check = asking.live(chat.app)
    asking.cancel(check, chat.by)
    checks.run(check.id)
    assert now(chat.app).status == "Overdue", "its last reading was elsewhere"
    apps.pause(App.get_by_id(chat.app.id), chat.by)
    apps.replace_credential(App.get_by_id(chat.app.id), second.settings, chat.by)
    assert asking.live(chat.app) is None
    apps.resume(App.get_by_id(chat.app.id), chat.by)
    assert now(chat.app).status == "Overdue"
    chat.check()
    assert now(chat.app).status != "Overdue"


def test_a_removal_is_never_made_elsewhere_than_approved(chat, second):
    """Each space may know the same ids and addresses, as those of one organisation do."""
    chat.leave(1)
    chat.check()
    [task] = reports.finish(reports.open_report(chat.app), chat.by).tasks
    with pytest.raises(AppProblem, match="1 task is still to be done in Chat"):
        apps.replace_credential(chat.app, second.settings, chat.by)
    apps.replace_credential(App.get_by_id(chat.app.id), chat.settings, chat.by)  # the same place
    tasks.cancel(task, chat.by)
    apps.replace_credential(App.get_by_id(chat.app.id), second.settings, chat.by)


def test_a_day_without_a_reading_is_overdue(chat):
    App.update(last_due_at=utcnow() + timedelta(seconds=1)).execute()
    assert (now(chat.app).status, now(chat.app).tone) == ("Overdue", "waiting")
    App.update(last_due_at=None, next_check_at=utcnow() - timedelta(hours=1)).execute()
    assert now(chat.app).status == "Overdue", "nobody works the schedule"
    hour = timedelta(hours=1)
    App.update(next_check_at=utcnow() - timedelta(seconds=20), last_check_at=utcnow() - hour).execute()
    assert now(chat.app).status == "Checking", "it is about to begin"
    checks.start_due(utcnow())
    app = App.get()
    assert app.last_due_at is not None and app.last_due_at > app.last_check_at and now(app).status == "Checking"
    check = asking.live(app)
    asking.cancel(check, chat.by)
    checks.run(check.id)
    assert now(chat.app).status == "Overdue", "a check that was cancelled has read nothing"
    chat.check()
    assert now(chat.app).status == "Up to date"


def test_pausing_for_a_day_leaves_something_due(chat):
    apps.pause(chat.app, chat.by)
    assert now(chat.app).status == "Paused"
    App.update(last_check_at=utcnow() - timedelta(days=3)).execute()
    apps.resume(App.get(), chat.by)
    assert now(chat.app).status == "Overdue"


def test_without_daily_checks_old_data_is_not_green(chat):
    apps.set_schedule(chat.app, False, 60, chat.by)
    assert now(chat.app).status == "Up to date"
    App.update(last_check_at=utcnow() - timedelta(days=2)).execute()
    assert (now(chat.app).status, now(chat.app).tone) == ("Not checked daily", "neutral")
    apps.set_schedule(App.get(), True, 60, chat.by)
    assert now(chat.app).status == "Overdue"


def test_someone_who_has_left_is_counted_until_they_are_gone(chat):
    chat.leave(1)
    assert (now(chat.app).status, now(chat.app).facts.left) == ("Needs attention", 1)
    chat.check()
    found = now(chat.app)
    assert found.status == "Approval needed" and "leavers" in [row.code for row in found.others]
    account = Account.get(Account.email == "p1@acme.example")
    Report.update(state="applied").execute()
    Task.create(app=chat.app, kind="remove", account=account, asked_by=chat.by)
    Account.update(state="removing").where(Account.id == account.id).execute()
    assert (now(chat.app).status, now(chat.app).tone) == ("Applying changes", "working")
    Task.update(state="needs attention", error="The app said no").execute()
    assert (now(chat.app).status, now(chat.app).row.code) == ("Needs attention", "stuck")


def test_a_removal_of_someone_who_was_left_out_hides_nobody_else(chat):
    chat.leave(1, 2)
    chat.check()
    report = reports.open_report(chat.app)
    for number in (1, 2):
        reports.leave_out(chat.change(report, number), "On sabbatical", chat.by)
    one, two = (Account.get(Account.email == f"p{number}@acme.example") for number in (1, 2))
    Report.update(state="applied").execute()
    reports.undo_leaving_out(one, chat.by)
    plan = by_hand.plan_removals(chat.app, [two.id])
    by_hand.carry_out(lambda: by_hand.plan_removals(chat.app, [two.id]), chat.by, plan.seen, reason="It is over")
    assert Account.get_by_id(two.id).state == "removing" and Account.get_by_id(two.id).left_out_reason
    found = now(chat.app)
    assert (found.status, found.row.code, found.facts.left) == ("Needs attention", "leavers", 1)
    assert chat.app.id in status.needing_attention(chat.app.people[0].person)


def test_changes_held_by_a_guard_are_named(chat):
    apps.set_guard(chat.app, 0, 0, chat.by)
    chat.leave(1, 2)
    chat.check()
    found = now(chat.app)
    assert (found.status, found.row.code, found.facts.held) == ("Approval needed", "held", 2)
    assert guards.guard_of(App.get()).accounts == 0


def test_accounts_of_services_and_of_rollcall_count_neither_way(chat):
    assert (now(chat.app).facts.to_match, now(chat.app).facts.matched) == (10, 10), "11 users: one is Rollcall's own"
    rows = list(Account.select().where(Account.email.in_([f"p{number}@acme.example" for number in (1, 2, 3)])))
    for row in rows:
        decisions.unmatch(row, chat.by)
    facts = now(chat.app).facts
    assert (facts.to_match, facts.share, now(chat.app).status) == (10, 70, "Needs matching")
    for row in rows[:2]:
        decisions.mark_service(row, chat.by)
    facts = now(chat.app).facts
    assert (facts.to_match, facts.matched, facts.share) == (8, 7, 87)
    assert now(chat.app).status == "Up to date"
    own = Account.get(Account.external_id == App.get().automation_external_id)
    Account.update(match_kind="unmatched").where(Account.id == own.id).execute()
    was_service = own.match_kind == "service account"
    App.update(unmatched=App.unmatched + 1, service_accounts=App.service_accounts - was_service).execute()
    assert now(chat.app).facts.share == 87


def test_a_daily_check_that_will_be_tried_again_is_not_green(chat, monkeypatch):
    monkeypatch.setattr(retries, "WITHIN_CHECK", retries.seconds())
    chat.stop()
    check = asking.ask(chat.app, "schedule", "daily")
    checks.run(check.id)
    found = now(chat.app)
    assert (found.status, found.check.state) == ("Last check failed", "queued")


def test_a_check_that_is_due_stays_due_when_the_schedule_or_the_zone_changes(chat):
    App.update(next_check_at=utcnow() - timedelta(hours=1)).execute()
    apps.set_schedule(App.get(), True, 61, chat.by)
    assert now(chat.app).status == "Overdue"
    apps.plan_all()
    assert now(chat.app).status == "Overdue" and checks.start_due(utcnow()) == 1
    assert App.get().next_check_at > utcnow() and App.get().last_due_at < utcnow()
