"""Rules that two layers keep: here each layer is tested without the help of the other.
A slip in one of them would otherwise be noticed only after a slip in the other as well."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.apps.sample_chat import SampleChat
from connectors.base import LOOK_UP
from connectors.base import Account as Seat
from sync.db import db
from sync.jobs import retries
from sync.matching import decisions as match_decisions
from sync.models import Access, Account, App, Change, Task
from sync.people import holds
from sync.reports import reports
from sync.tasks import settle
from sync.workspace import today, update_workspace
from tests.sync.fixtures import email
from tests.sync.listed import ListedApp
from tests.sync.scripted import person as person_of

WAITS = "needs confirmation"


def account(number: int) -> Account:
    return Account.get(Account.email == email(number))


# A check's own protection, which approval and the last look repeat


def test_a_check_asks_nobody_about_someone_on_hold(chat):
    holds.hold(chat.people[3], "Lawsuit", chat.by)
    chat.leave(3)
    check = chat.check()
    assert check.waiting == 0
    [change] = Change.select().where(Change.kind == "removed user")
    assert (change.decision, change.protection_reason) == ("ignored", "Protected: legal hold: Lawsuit")


def test_a_suspended_administrator_is_none_who_stays_when_a_rule_demotes(groups):
    chat = groups.chat
    chat.store.change(chat.id_of(1), via="page", role="owner", status="deactivated")
    groups.put(0, "Sales")
    groups.read()
    groups.rule("Sales", "guest")
    assert groups.found() == {"to change role": {email(0): "ignored"}}
    assert groups.change("to change role", 0).protection_reason == "Protected: the last Owner of the app"


def test_the_approval_to_a_rule_spares_the_account_that_rollcall_acts_with_by_now(groups):
    groups.put(5, "Sales")
    groups.read()
    groups.rule("Sales", "guest")
    assert groups.found() == {"to change role": {email(5): WAITS}}
    App.update(automation_external_id=groups.chat.id_of(5)).where(App.id == groups.app.id).execute()
    change = groups.change("to change role", 5)
    assert groups.approve().tasks == []
    assert Change.get_by_id(change.id).protection_reason == "Protected: Rollcall acts with this account"


def test_a_day_set_by_hand_wins_over_the_days_of_grace(company, by):
    update_workspace(by, grace_days=14)
    holds.keep_until(person_of("p3@acme.example"), today() + timedelta(days=3), by)
    for entry in ("id3", "id4"):
        company.say(entry, status="deprovisioned")
    company.read()
    assert person_of("p3@acme.example").remove_on == today() + timedelta(days=3)
    assert person_of("p4@acme.example").remove_on == today() + timedelta(days=14)


# A reading that isn't whole: what the pager or the second look would stop as well


def test_an_empty_list_is_rejected_where_nobody_can_be_looked_up(chat, monkeypatch):
    monkeypatch.setattr(SampleChat, "capabilities", SampleChat.capabilities - {LOOK_UP})
    chat.fault("empty-list", on="/members")
    check = chat.check()
    assert check.state == "failed" and "empty list" in check.error
    assert reports.open_report(chat.app) is None
    assert not Account.select().where(Account.state != "present").exists()


@pytest.mark.parametrize("repeated", [1, 2, 3])
def test_a_list_that_repeats_an_entry_is_read_again_and_given_up_the_third_time(listed, monkeypatch, repeated: int):
    for number in range(4):
        listed.add(f"id{number}", email=f"p{number}@acme.example")
    readings = iter([True] * repeated + [False] * 9)
    whole = ListedApp.accounts

    def accounts(self):
        seats: list[Seat] = list(whole(self))
        yield from seats[:-1] + seats[:1] if next(readings) else seats

    monkeypatch.setattr(ListedApp, "accounts", accounts)
    monkeypatch.setattr(retries, "WITHIN_CHECK", retries.seconds())
    if repeated < 3:
        assert listed.check().accounts == 5
    else:
        with pytest.raises(AssertionError, match="the same entry more than once, 3 times"):
            listed.check()
        assert Account.select().count() == 0


# What a reading and a removal leave behind


def test_a_question_ends_when_its_account_is_matched_to_another_leaver(chat):
    chat.leave(3, 4)
    chat.check()
    match_decisions.unmatch(account(3), chat.by)
    match_decisions.match(account(3), chat.people[4], chat.by)
    report = chat.check().report
    asked = [(row.person_id, row.decision) for row in report.changes if row.account_id == account(3).id]
    assert asked == [(chat.people[4].id, WAITS)]


def test_an_account_that_is_gone_stays_gone_when_its_removal_is_not_needed(chat):
    chat.leave(3)
    [task] = reports.finish(chat.check().report, chat.by).tasks
    Account.update(state="gone").where(Account.id == task.account_id).execute()
    with db.atomic():
        settle.settle(Task.get_by_id(task.id), "no longer needed")
    assert Account.get_by_id(task.account_id).state == "gone"


def test_an_account_that_is_gone_has_no_access_and_gets_it_again_when_it_is_back(chat):
    general = chat.store.add_channel("general", via="page")
    chat.store.join(general, chat.id_of(3), "member", via="page")
    chat.check()
    here = Access.select().where(Access.account == account(3).id)
    assert here.count() == 1
    chat.store.remove(chat.id_of(3), via="page")
    assert chat.check().state == "succeeded"
    assert account(3).state == "gone" and here.count() == 0
