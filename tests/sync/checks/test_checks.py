"""One check from start to end, against Acme Chat over real HTTP."""

from __future__ import annotations

import sqlite3
import threading
from datetime import timedelta

import pytest

from connectors.apps.sample_chat import SampleChat
from connectors.base import ASSETS
from sync import activity
from sync.apps import apps
from sync.checks import checks
from sync.db import connected, db, utcnow
from sync.jobs import asking, queue
from sync.matching import decisions as match_decisions
from sync.matching import members
from sync.models import Account, App, Asset, Change, Check, Directory, DirectoryReading, Person, Report
from sync.people import people
from sync.problems import AppProblem
from sync.reports import reports
from sync.states import CheckTrigger
from sync.tasks import disconnecting
from tests.database import ON_FILE
from tests.sync.fixtures import email

FAULTS = ("server-error", "cut-off", "web-page", "wrong-total", "repeated-account", "short-page", "empty-list")


def test_the_first_check_takes_everyone_over(chat):
    first = Check.get()
    assert (first.state, first.counts["new_users"], first.applied, first.waiting) == ("succeeded", 11, 11, 0)
    assert Account.select().where(Account.match_kind == "matched").count() == 10
    assert (chat.app.id, first.report.state) == (first.app_id, "applied")
    app = App.get()
    assert (app.users, app.matched, app.unmatched, app.service_accounts) == (11, 10, 0, 1)


@ON_FILE
def test_a_check_that_finds_nothing_writes_at_most_ten_rows(chat):
    before = db.connection().total_changes
    temp = 2 * _rows_staged(chat)  # each goes in and out
    chat.check()
    assert db.connection().total_changes - before - temp <= 10 + 4  # its row's own progress: four phases


def _rows_staged(chat) -> int:
    """Rows that go into TEMP tables only: accounts and roles."""
    return len(chat.store.members()) + 4 + len(chat.store.members())


def test_changes_are_applied_at_once(chat):
    chat.store.change(chat.id_of(1), via="page", role="admin")
    with chat.store.writing() as chats:
        chats.execute("UPDATE member SET name = 'Person Two' WHERE email = ?", (email(2),))
    chat.store.add("new@acme.example", "New", "member", via="page")
    chat.store.remove(chat.id_of(3), via="page")
    check = chat.check()
    assert check.counts == {
        "new_users": 1, "removed_users": 1, "updated_roles": 1, "updated_profiles": 1, "assets": 0, "access": 0,
        "to_invite": 0, "roles_to_change": 0, "access_to_grant": 0, "access_to_revoke": 0,
        "no_longer_assigned": 0,
    }  # fmt: skip
    assert (check.report.state, check.waiting) == ("applied", 0)
    role = Change.get(Change.kind == "updated role")
    assert (role.before, role.after, role.decision) == ("Member", "Admin", "applied")
    gone = Account.get(Account.email == email(3))
    assert (gone.state, gone.gone_at is not None) == ("gone", True)
    assert App.get().users == 11


def test_someone_who_left_waits_for_approval_and_nobody_is_removed(chat):
    chat.leave(3, 4)
    check = chat.check()
    assert (check.waiting, check.held, check.report.state) == (2, 0, "open")
    assert chat.removed() == []
    assert Account.get(Account.email == email(3)).state == "present"
    change = chat.change(check.report, 3)
    assert (change.decision, change.kind, change.reason) == (
        "needs confirmation", "removed user", "Marked as left by Olga Brandt",
    )  # fmt: skip


def test_one_open_report_is_brought_up_to_date(chat):
    chat.leave(3, 4)
    first = chat.check().report
    reports.leave_out(chat.change(first, 4), "hand-over until Friday", chat.by)
    chat.leave(5)
    people.mark_returned(chat.people[3], chat.by)
    second = chat.check().report
    assert second.id == first.id
    waiting = {row.account.email: row.decision for row in second.changes if row.decision != "applied"}
    assert waiting == {email(4): "left out", email(5): "needs confirmation"}


def test_a_report_in_which_nothing_waits_any_longer_is_superseded(chat):
    chat.leave(3)
    first = chat.check().report
    people.mark_returned(chat.people[3], chat.by)
    second = chat.check().report
    assert (Report.get_by_id(first.id).state, second.state) == ("superseded", "applied")


def test_a_change_left_out_stays_left_out_and_needs_no_second_decision(chat):
    chat.leave(4)
    report = chat.check().report
    reports.finish(report, chat.by, left_out={chat.change(report, 4).id: "hand-over"})
    later = chat.check()
    assert (later.waiting, later.report.state) == (0, "applied")
    account = Account.get(Account.email == email(4))
    assert (account.left_out_reason, account.state) == ("hand-over", "present")
    reports.undo_leaving_out(account, chat.by)
    assert chat.check().waiting == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_reading_that_is_not_whole_changes_nothing(chat, fault):
    chat.leave(3)
    chat.store.remove(chat.id_of(5), via="page")
    chat.fault(fault, on="members")
    check = chat.check()
    assert check.state == "failed" and check.error
    assert Account.select().where(Account.state == "present").count() == 11
    assert Report.select().where(Report.state == "open").count() == 0
    chat.clear()
    assert chat.check().state == "succeeded"


def test_a_mass_of_leavers_is_held_until_released(chat):
    chat.leave(*range(2, 9))
    check = chat.check()
    assert (check.waiting, check.held) == (0, 7)
    with pytest.raises(reports.ReportHeld):
        reports.finish(check.report, chat.by)
    reports.release(check.report, chat.by)
    assert chat.check().report.held == 0, "a later check must not hold what was released"
    reports.finish(check.report, chat.by)
    queue.drain()
    assert len(chat.removed()) == 7


def test_a_mass_of_vanished_accounts_is_held(chat):
    for number in range(2, 9):
        chat.store.remove(chat.id_of(number), via="page")
    check = chat.check()
    assert (check.state, check.held, check.counts["removed_users"]) == ("succeeded", 7, 7)
    assert Account.select().where(Account.state == "present").count() == 11
    reports.release(check.report, chat.by)
    finish = reports.finish(check.report, chat.by)
    assert finish.tasks == [] and Account.select().where(Account.state == "gone").count() == 7


def test_someone_missing_from_the_list_who_can_be_looked_up_stays(chat, monkeypatch):
    monkeypatch.setattr(SampleChat, "reads_item_by_item", False)
    whole = SampleChat.accounts
    lost = chat.id_of(4)
    monkeypatch.setattr(SampleChat, "accounts", lambda self: (a for a in whole(self) if a.id != lost))
    check = chat.check()
    assert check.state == "succeeded" and "Person 4" in check.warning
    assert Account.get(Account.email == email(4)).state == "present"


def test_a_mass_missing_from_the_list_who_can_be_looked_up_fails_the_check(chat, monkeypatch):
    monkeypatch.setattr(SampleChat, "reads_item_by_item", False)
    whole = SampleChat.accounts
    monkeypatch.setattr(SampleChat, "accounts", lambda self: list(whole(self))[:3])
    check = chat.check()
    assert check.state == "failed" and "the list is incomplete" in check.error
    assert Account.select().where(Account.state == "present").count() == 11


def test_where_an_app_cannot_be_asked_for_one_account_it_must_be_absent_twice(chat, monkeypatch):
    monkeypatch.setattr(SampleChat, "capabilities", SampleChat.capabilities - {"look up"})
    chat.store.remove(chat.id_of(4), via="page")
    assert chat.check().counts["removed_users"] == 0
    assert Account.get(Account.email == email(4)).state == "present"
    assert chat.check().counts["removed_users"] == 1


def test_someone_who_was_back_in_between_is_absent_for_the_first_time_again(chat, monkeypatch):
    """Also when others vanish in a mass in between, which a guard holds."""
    monkeypatch.setattr(SampleChat, "capabilities", SampleChat.capabilities - {"look up"})
    monkeypatch.setattr(SampleChat, "reads_item_by_item", False)
    whole, lost = SampleChat.accounts, set()
    monkeypatch.setattr(SampleChat, "accounts", lambda self: (a for a in whole(self) if a.email not in lost))
    others = {email(number) for number in (1, 2, 3, 5, 6, 7)}
    lost.add(email(4))
    chat.check()
    lost.symmetric_difference_update({email(4)} | others)
    assert chat.check().held == 6
    lost.symmetric_difference_update({email(4)} | others)
    assert chat.check().counts["removed_users"] == 0
    assert Account.get(Account.email == email(4)).state == "present"


def test_a_look_up_that_gives_someone_else_is_rejected(chat, monkeypatch):
    whole, lost = SampleChat.account, chat.id_of(4)
    chat.store.remove(lost, via="page")
    monkeypatch.setattr(SampleChat, "account", lambda self, id: whole(self, chat.id_of(5)))
    check = chat.check()
    assert check.state == "failed" and Account.select().where(Account.state == "present").count() == 11


def test_assets_and_access_are_followed(chat):
    assert ASSETS in SampleChat.capabilities
    general = chat.store.add_channel("general", via="page")
    chat.store.join(general, chat.id_of(1), "manager", via="page")
    check = chat.check()
    assert (check.counts["assets"], check.counts["access"]) == (1, 1)
    chat.store.rename_channel(general, "everyone", via="page")
    chat.store.leave(general, chat.id_of(1), via="page")
    chat.store.join(general, chat.id_of(2), "manager", via="page")
    chat.check()
    assert Asset.get(Asset.external_id == str(general)).name == "everyone"
    kinds = {row.kind for row in chat.check().report.changes} | {row.kind for row in Change.select()}
    assert {"renamed asset", "granted access"} <= kinds


def test_a_second_ask_joins_the_check_that_runs(chat):
    first = asking.ask(chat.app, chat.by)
    assert asking.ask(chat.app, chat.by).id == first.id
    asking.cancel(first, chat.by)
    checks.run(first.id)
    assert Check.get_by_id(first.id).state == "cancelled"


def test_a_daily_check_that_waits_for_another_attempt_is_brought_forward_by_hand(chat):
    waiting = asking.ask(chat.app, "schedule", "daily")
    chat.fault("server-error")
    checks.run(waiting.id)
    chat.clear()
    assert Check.get_by_id(waiting.id).state == "queued"
    checks.run(waiting.id)
    assert Check.get_by_id(waiting.id).state == "queued", "not before its time"
    assert asking.ask(chat.app, chat.by).id == waiting.id
    checks.run(waiting.id)
    assert Check.get_by_id(waiting.id).state == "succeeded"


def test_a_check_that_waits_for_another_attempt_can_be_cancelled(chat):
    waiting = asking.ask(chat.app, "schedule", "daily")
    Check.update(next_at=utcnow() + timedelta(minutes=20)).execute()
    asking.cancel(waiting, chat.by)
    checks.run(waiting.id)
    assert Check.get_by_id(waiting.id).state == "cancelled"


def test_cancelling_what_has_ended_is_not_reported(chat):
    ended = chat.check()
    asking.cancel(ended, chat.by)
    assert "cancelled check" not in {entry.what for entry in activity.entries(limit=200)}
    assert Check.get_by_id(ended.id).state == "succeeded"


def test_cancelling_at_the_last_moment_changes_nothing(chat, monkeypatch):
    chat.store.remove(chat.id_of(5), via="page")
    whole = SampleChat.account

    def cancel_in_between(self, id):
        asking.cancel(asking.live(chat.app), chat.by)
        return whole(self, id)

    monkeypatch.setattr(SampleChat, "account", cancel_in_between)
    assert chat.check().state == "cancelled"
    assert Account.get(Account.email == email(5)).state == "present"


@ON_FILE
def test_the_file_is_not_locked_while_an_app_is_being_read(chat, home):
    chat.fault("hang", on="members")
    asked = asking.ask(chat.app, chat.by)
    worker = threading.Thread(target=checks.run, args=(asked.id,))
    worker.start()
    try:
        while not chat.calls("members"):
            pass
        other = sqlite3.connect(home / "rollcall.db", timeout=30)
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE app SET error = NULL")
        other.rollback()
        other.close()
    finally:
        chat.clear()
        worker.join()
    assert Check.get_by_id(asked.id).state == "succeeded"


def test_a_check_whose_worker_died_starts_again(chat):
    asked = asking.ask(chat.app, chat.by)
    died = Check.update(state="running", lease_owner="elsewhere:1:x", lease_until=utcnow())
    died.where(Check.id == asked.id).execute()
    queue.drain(("check",))
    assert Check.get_by_id(asked.id).state == "succeeded"


def test_a_refused_credential_needs_attention_and_says_what_to_do(chat):
    apps_token = chat.app.credential
    chat.fault("expired-token", on="members")
    check = chat.check()
    assert check.state == "failed" and "credential" in check.advice
    assert App.get().error and chat.token not in check.error and App.get().credential == apps_token


def test_all_of_it_is_reported_in_activity(chat):
    chat.leave(3)
    report = chat.check().report
    reports.finish(report, chat.by)
    queue.drain()
    logged = [entry.what for entry in reversed(activity.entries(app=chat.app, limit=200))]
    for what in ("connected app", "asked for a check", "check succeeded", "confirmed removal", "finished sync",
                 "removed from the app"):  # fmt: skip
        assert what in logged, what
    assert activity.verify().ok


def test_an_app_that_is_paused_is_not_checked(chat):
    apps.pause(chat.app, chat.by)
    with pytest.raises(AppProblem, match="paused"):
        asking.ask(chat.app, chat.by)
    with connected():
        assert App.get().next_check_at is None


def test_decisions_outlive_disconnecting_and_connecting_again(chat):
    members.protect(Account.get(Account.email == email(3)), "runs the archive", chat.by)
    match_decisions.mark_guest(Account.get(Account.email == email(4)), chat.by)
    match_decisions.unmatch(Account.get(Account.email == email(5)), chat.by)
    match_decisions.match(Account.get(Account.email == email(5)), chat.people[6], chat.by)
    chat.leave(7)
    report = chat.check().report
    reports.finish(report, chat.by, left_out={chat.change(report, 7).id: "hand-over"})
    disconnecting.disconnect(chat.app, chat.by)
    chat.app = apps.connect("sample-chat", "Chat again", chat.settings, [Person.get_by_id(1)], chat.by)
    chat.leave(3)
    assert chat.check().waiting == 0
    now = {row.email: row for row in Account.select().where(Account.app == chat.app)}
    assert now[email(3)].protection_reason == "runs the archive"
    assert (now[email(4)].match_kind, now[email(5)].person_id) == ("guest", chat.people[6].id)
    assert now[email(7)].left_out_reason == "hand-over"


@pytest.mark.parametrize(("trigger", "minutes", "is_read"), [
    (CheckTrigger.HAND, 1, True), (CheckTrigger.CONNECT, 1, True), (CheckTrigger.DAILY, 14, False),
    (CheckTrigger.DAILY, 16, True), (CheckTrigger.RELEASE, 14, False), (CheckTrigger.RELEASE, 16, True),
])  # fmt: skip
def test_the_directory_is_read_before_a_check_unless_it_was_just_read(chat, company, trigger, minutes, is_read):
    Directory.update(last_read_at=utcnow() - timedelta(minutes=minutes)).execute()
    before = DirectoryReading.select().count()
    checks.run(asking.ask(chat.app, chat.by, trigger).id)
    assert Check.select().order_by(Check.id.desc()).first().state == "succeeded"
    assert DirectoryReading.select().count() == before + is_read
