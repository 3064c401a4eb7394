"""Each check first tests the credential: it fails if the credential has expired, and reports any change."""

from __future__ import annotations

import pytest

from connectors.base import Identity
from sync.apps import apps
from sync.jobs import queue
from sync.models import Account, Activity, App
from sync.people import people
from sync.reports import reports
from tests.sync.fixtures import email


def test_a_dead_credential_fails_the_check_although_the_list_still_answers(chat):
    chat.leave(3)
    chat.fault("expired-token", on="api/v1/me", times=1)
    check = chat.check()
    assert check.state == "failed" and "Replace the automation account's credential" in check.advice
    assert App.get().error and reports.open_report(chat.app) is None
    chat.clear()
    assert chat.check().state == "succeeded" and App.get().error is None


@pytest.mark.parametrize("fault,times,state", [("server-error", 1, "succeeded"), ("server-error", 50, "failed"),
                                               ("forbidden", 50, "failed"), ("web-page", 50, "failed")])  # fmt: skip
def test_a_passing_fault_of_the_test_is_tried_again(chat, fault, times, state):
    chat.fault(fault, on="api/v1/me", times=times)
    assert chat.check().state == state


def test_a_check_asks_once_more_than_it_reads(chat):
    calls = len(chat.calls())
    before = len(chat.calls("api/v1/me"))
    chat.check()
    asked = chat.calls()[calls:]
    assert [call for call in asked if call.endswith("/me")] == ["GET /api/v1/me"] == asked[:1]
    assert len(chat.calls("GET /api/v1/me")) > before


@pytest.fixture
def acting(listed, by):
    """An app whose credential is that of the account bot; someone else has an account too."""
    listed.identity = Identity("the bot", "bot", ("read members", "remove"))
    for id in ("bot", "ana"):
        listed.add(id, email=f"{id}@acme.example", name=id.title())
        people.add(id.title(), f"{id}@acme.example", by)
    listed.check()
    return listed


def leaver(acting, id: str):
    people.mark_left(people.find_by_email(f"{id}@acme.example"), acting.by)
    report = acting.check().report
    return next(change for change in report.changes if change.account and change.account.external_id == id)


def test_the_credentials_new_account_is_protected_and_logged(acting):
    acting.identity = Identity("Ana", "ana", ("read members", "remove"))
    change = leaver(acting, "ana")
    assert change.protection_reason == "Protected: Rollcall acts with this account"
    check = acting.check()
    entry = Activity.get(Activity.what == "acts as another account")
    assert (entry.before, entry.after) == ("the bot", "Ana")
    assert (App.get(App.name == "The list").automation_external_id, check.warning) == ("ana", None)
    assert leaver(acting, "bot").protection_reason is None


def test_the_check_that_finds_another_account_warns(acting):
    acting.identity = Identity("Ana", "ana")
    assert "now acts as Ana, no longer as the bot" in acting.check().warning


def test_an_id_that_is_no_longer_reported_stays_protected(acting):
    acting.identity = Identity("the bot")
    assert leaver(acting, "bot").protection_reason == "Protected: Rollcall acts with this account"
    assert not Activity.select().where(Activity.what == "acts as another account").exists()


def test_a_permission_that_is_missing_now_is_logged_once_and_shown(acting):
    acting.identity = Identity("the bot", "bot", ("read members",), ("remove: give the bot the scope remove.",))
    assert "lacks something now: remove: give the bot the scope remove." in acting.check().warning
    assert acting.check().warning is None
    acting.identity = Identity("the bot", "bot", ("read members",), ("remove: 3 roles are the server's.",))
    assert acting.check().warning is None, "another reason is no other permission"
    app = App.get(App.name == "The list")
    assert (app.permissions, app.missing_permissions) == (["read members"], ["remove: 3 roles are the server's."])


def test_protection_goes_by_the_new_account_even_when_the_reading_fails(chat, monkeypatch):
    """Between the test and the end of the check, a task must not remove the account that Rollcall now uses."""
    chat.leave(3)
    report = chat.check().report
    new = Identity("Person 3", chat.id_of(3), ("read members",))
    monkeypatch.setattr("connectors.apps.sample_chat.SampleChat.test", lambda self: new)
    chat.fault("server-error", on="/members")
    assert chat.check().state == "failed"
    chat.clear()
    assert reports.finish(report, chat.by).tasks == []
    queue.drain(("task",))
    assert chat.removed() == [] and Account.get(Account.email == email(3)).state == "present"


def test_a_credential_that_was_replaced_in_the_meantime_is_not_overwritten(chat, monkeypatch):
    real = type(apps.connector_for(chat.app)).test

    def test(self):
        found = real(self)
        App.update(automation_name="Somebody new", automation_external_id="new", credential=b"other").execute()
        return found

    monkeypatch.setattr("connectors.apps.sample_chat.SampleChat.test", test)
    chat.check()
    assert App.get().automation_name == "Somebody new"
