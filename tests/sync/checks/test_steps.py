"""The steps of a check that nothing else shows: what is closed at the end, what stops it, and what Activity names."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base import Refused
from sync.apps import apps, status
from sync.checks import checks
from sync.db import utcnow
from sync.jobs import asking, queue
from sync.models import Account, Activity, App, Check, Invitation
from tests.sync.listed import ListedApp


@pytest.fixture
def people(listed) -> None:
    for number in range(3):
        listed.add(f"p{number}", email=f"p{number}@acme.example", name=f"Person {number}")
    listed.check()


def run(listed) -> Check:
    asked = asking.ask(listed.app, listed.by)
    checks.run(asked.id)
    return Check.get_by_id(asked.id)


@pytest.mark.parametrize("fails", [False, True])
def test_the_connector_is_closed_however_it_ends(listed, people, monkeypatch, fails):
    closed: list[object] = []
    monkeypatch.setattr(ListedApp, "close", lambda self: closed.append(self))
    if fails:
        monkeypatch.setattr(ListedApp, "roles", lambda self: (_ for _ in ()).throw(Refused("No.")))
    assert run(listed).state == ("failed" if fails else "succeeded")
    assert len(closed) == 1


@pytest.mark.parametrize("values", [{"cancel_asked": True}, {"lease_owner": "elsewhere:1:x"}])
def test_one_that_was_cancelled_or_lost_its_lease_at_the_last_moment_changes_nothing(
    listed, people, monkeypatch, values
):
    whole = checks._Work.progress

    def progress(self, phase, read, at_once=False):
        whole(self, phase, read, at_once)
        if at_once:
            Check.update(values).where(Check.id == self.check.id).execute()

    monkeypatch.setattr(checks._Work, "progress", progress)
    other = Check.create(app=listed.app, state="succeeded", trigger="hand")
    listed.add("new", email="new@acme.example")
    check = run(listed)
    assert check.state == ("cancelled" if "cancel_asked" in values else "running")
    assert not Account.select().where(Account.external_id == "new").exists()
    assert Check.get_by_id(other.id).state == "succeeded"


@pytest.mark.parametrize(("most", "named"), [(2, True), (1, False)])
def test_few_changes_are_named_in_activity_and_many_counted(listed, people, monkeypatch, most, named):
    monkeypatch.setattr(checks, "ENTRIES", most)
    listed.add("new", email="new@acme.example", name="New")
    listed.say("p1", name="Person One")
    check = run(listed)
    rows = Activity.select().where(Activity.what.in_(("new user", "updated profile"))).order_by(Activity.id.desc())
    found = {(row.who, row.what, row.about, row.before, row.after, row.report_id, row.app_id)
             for row in rows if row.report_id == check.report_id}  # fmt: skip
    assert found == ({
        ("Rollcall", "new user", "New", None, "Member", check.report_id, listed.app.id),
        ("Rollcall", "updated profile", "Person One", "Person 1", "Person One", check.report_id, listed.app.id),
    } if named else set())  # fmt: skip


def test_an_invited_account_is_found_by_the_check(listed, people):
    row = Invitation.create(app=listed.app, email="new@acme.example", email_key="new@acme.example", state="invited")
    listed.add("new", email="new@acme.example", name="New")
    assert run(listed).state == "succeeded"
    assert Invitation.get_by_id(row.id).state == "onboarded"


@pytest.mark.parametrize(("as_of", "back"), [(timedelta(minutes=-10), False), (timedelta(minutes=10), True),
                                             (None, True)])  # fmt: skip
def test_a_list_that_is_older_than_a_removal_brings_nobody_back(listed, people, monkeypatch, as_of, back):
    """The connector says of which moment its list is; a moment in the future is the start of the check."""
    now = utcnow()
    Account.update(state="gone", gone_at=now - timedelta(minutes=5)).where(Account.external_id == "p1").execute()
    monkeypatch.setattr(ListedApp, "as_of", as_of and now + as_of, raising=False)
    run(listed)
    assert Account.get(Account.external_id == "p1").state == ("present" if back else "gone")


def test_a_reading_during_which_the_settings_were_replaced_is_not_applied(listed, people, monkeypatch):
    """The list may be another space's: the same check reads it again."""
    read = ListedApp.roles

    def replaces(self):
        monkeypatch.setattr(ListedApp, "roles", read)
        apps.replace_credential(listed.app, {}, listed.by)
        return read(self)

    monkeypatch.setattr(ListedApp, "roles", replaces)
    listed.add("new", email="new@acme.example")
    check = run(listed)
    assert (check.state, check.error, check.lease_owner, check.attempts) == ("queued", None, None, 0)
    assert not Account.select().where(Account.external_id == "new").exists()
    assert status.standing(App.get_by_id(listed.app.id)).status == "Checking"
    queue.drain(("check",))
    assert Check.get_by_id(check.id).state == "succeeded"
    assert Account.select().where(Account.external_id == "new").exists()
