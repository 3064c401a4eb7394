"""What a check writes about itself: how it ended, what a person must do, and when it is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base import CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from sync.apps import apps, status
from sync.checks import checks
from sync.db import utcnow
from sync.jobs import asking, retries
from sync.models import Activity, App, Check, Mail
from sync.problems import UnusableReading
from sync.safety.lost_fields import ADVICE, FieldsLost
from tests.sync.listed import ListedApp


class Lasting(TemporarilyUnavailable):
    advice = "Pay the invoice."


FAULTS = [  # what the connector raises, whether it needs attention at once, whether it may pass, the advice
    (CredentialRejected("No."), True, False, "Replace the automation account's credential on the app's Settings tab."),
    (FieldsLost("No."), True, False, ADVICE),
    (apps.AppProblem("No."), True, False, ""),
    (RateLimited("No.", 61), False, True, "The app asks for fewer calls. The next check tries again."),
    (TemporarilyUnavailable("No."), False, True, "The next check tries again."),
    (Lasting("No."), True, False, "Pay the invoice."),
    (Refused("No."), True, False, "The app refused to be read: test the credential on its Settings tab."),
    (UnusableReading("No."), False, False,
     "This is a bug in the connector: please report it. Nothing was changed."),
]  # fmt: skip


@pytest.fixture
def ask(listed, monkeypatch):
    """Run a check that meets a fault, however often it asks; its row."""
    monkeypatch.setattr(retries, "WITHIN_CHECK", retries.seconds())

    def ask(fault: Exception, trigger: str = "hand") -> Check:
        def accounts(self):
            raise fault
            yield

        monkeypatch.setattr(ListedApp, "accounts", accounts)
        asked = asking.ask(listed.app, listed.by, trigger)
        checks.run(asked.id)
        return Check.get_by_id(asked.id)

    return ask


def test_a_check_has_its_start_and_its_end(chat):
    before = utcnow()
    check = chat.check()
    assert before <= check.started_at <= check.finished_at <= utcnow()
    assert App.get().last_check_at == check.finished_at
    assert (check.error, check.advice, check.warning, App.get().failures) == (None, None, None, 0)
    assert (check.phase, check.items_read) == ("comparing", check.accounts)


@pytest.mark.parametrize(("fault", "broken", "passing", "advice"), FAULTS)
def test_a_failed_check_says_why_and_what_to_do(listed, ask, fault, broken, passing, advice):
    check = ask(fault)
    app = App.get()
    assert (check.state, check.advice, app.failures) == ("failed", advice, 1)
    assert check.error in ("No.", "The connector failed: UnusableReading No.") and check.finished_at is not None
    assert app.error == check.error and check.created_at <= app.failed_at <= utcnow()
    standing = status.standing(app)
    assert standing.status == ("Needs attention" if broken else "Last check failed")
    assert standing.tone == ("attention" if broken else "waiting")
    entry = Activity.get(Activity.what == "check failed")
    assert (entry.who, entry.about, entry.why, entry.app) == (str(listed.by), app.name, check.error, app)


@pytest.mark.parametrize(("fault", "broken", "passing", "advice"), FAULTS)
def test_a_passing_fault_of_a_daily_check_is_tried_again_twice(ask, fault, broken, passing, advice):
    before = utcnow()
    check = ask(fault, "daily")
    assert check.state == ("queued" if passing else "failed")
    for attempts, minutes in enumerate((5, 20), start=1) if passing else ():
        assert (check.state, check.attempts, check.error, App.get().failures) == ("queued", attempts, "No.", 0)
        assert status.standing(App.get()).status == "Last check failed", "not green, and not as if nothing had happened"
        assert before <= check.next_at - timedelta(minutes=minutes) <= utcnow()
        Check.update(next_at=before).execute()
        checks.run(check.id)
        check = Check.get_by_id(check.id)
    assert (check.state, App.get().failures) == ("failed", 1)


@pytest.mark.parametrize(("trigger", "again"), [
    ("hand", False), ("connect", False), ("api", False), ("directory", True), ("invitation", True)])  # fmt: skip
def test_a_check_that_someone_waits_for_fails_at_once(ask, trigger, again):
    assert ask(TemporarilyUnavailable("No."), trigger).state == ("queued" if again else "failed")


def test_the_third_failure_in_a_row_needs_attention_and_is_mailed_once(ask):
    for number in range(1, 5):
        ask(TemporarilyUnavailable("No."))
        app = App.get()
        assert (app.failures, app.error) == (number, "No.")
        assert status.standing(app).tone == ("attention" if number >= 3 else "waiting")
        assert Mail.select().count() == (number >= 3)


@pytest.mark.parametrize("fault", [TemporarilyUnavailable("No."), RateLimited("No.", 0.001)])
def test_a_fault_that_passes_within_the_check_is_waited_for(listed, monkeypatch, fault):
    monkeypatch.setattr(retries, "WITHIN_CHECK", retries.seconds(0.001))
    faults, whole = [fault], ListedApp.accounts

    def accounts(self):
        if faults:
            raise faults.pop()
        yield from whole(self)

    monkeypatch.setattr(ListedApp, "accounts", accounts)
    assert listed.check().accounts == 1 and not faults


def test_an_unknown_fault_names_its_class_and_is_raised(ask):
    with pytest.raises(ZeroDivisionError):
        ask(ZeroDivisionError("secret"))
    assert Check.get().error == "The connector failed: ZeroDivisionError"


def test_activity_shows_what_was_found_in_words(chat):
    def logged() -> str:
        return Activity.select().where(Activity.what == "check succeeded").order_by(Activity.id.desc()).get().after

    chat.check()
    accounts = App.get().users
    assert logged() == f"{accounts} accounts; nothing new"
    chat.store.add("new@acme.example", "New", "guest", via="page")
    chat.leave(3)
    chat.check()
    assert logged() == f"{accounts + 1} accounts; 1 new user, 1 removed user; 1 to approve"
