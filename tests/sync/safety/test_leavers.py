"""Who has left and still has an account: one definition for numbers, lists and one account, and what is decided."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.matching import decisions
from sync.models import BIT, AcceptedLeaver, Account, App, Change, Person, Report
from sync.reports import reports
from sync.safety import leavers
from sync.safety.leavers import Numbers
from sync.states import Protection
from sync.workspace import today
from tests.sync.fixtures import email


@pytest.fixture
def left(chat):
    """The account of person 1, who has left."""
    chat.leave(1)
    return Account.get(Account.email == email(1), Account.app == chat.app)


def numbers(chat) -> Numbers:
    return leavers.open_in([chat.app.id]).get(chat.app.id, Numbers())


def agree(chat, account: Account, has_left: bool, is_open: bool) -> None:
    """Every way to ask gives the same answer."""
    assert (leavers.has_left(account), leavers.is_open(account)) == (has_left, is_open)
    removing = is_open and Account.get_by_id(account.id).state == "removing"
    assert numbers(chat) == leavers.open_in_all([chat.app.id]) == Numbers(
        is_open, is_open, has_left and not is_open, removing)
    found = leavers.of_app(chat.app)
    assert [(one.account, one.is_open) for one in found] == [(account, is_open)] * has_left
    assert leavers.of_those_who_left_first([chat.app.id], 2) == [account] * is_open
    assert (leavers.people_still_in(), leavers.accounts_still_in(chat.app.id)) == (
        [account.person_id] * is_open, [account.id] * is_open)  # fmt: skip


@pytest.mark.parametrize(("of", "values", "counts"), [
    (Account, {"state": "present"}, True),
    (Account, {"state": "removing"}, True),
    (Account, {"state": "gone"}, False),
    (Account, {"status": "suspended"}, True),
    (Account, {"status": "invited"}, True),
    (Account, {"status": "unknown: FROZEN"}, True),
    (Account, {"match_kind": "service account"}, False),
    (Account, {"match_kind": "guest"}, False),
    (Account, {"protection_reason": "Needed for the audit"}, True),
    (Person, {"status": "suspended"}, False),
    (Person, {"status": "active"}, False),
    (Person, {"legal_hold_reason": "case 12"}, True),
    (App, {"state": "paused"}, True),
    (App, {"removal_suspends": True}, True),
])  # fmt: skip
def test_an_account_counts_as_a_leavers(chat, left, of, values, counts):
    row = {Account: left, Person: left.person, App: left.app}[of]
    of.update(**values).where(of.id == row.id).execute()
    agree(chat, left, counts, counts)


@pytest.mark.parametrize(("suspends", "counts"), [(True, False), (False, True), (None, True)])
def test_a_suspended_account_is_removed_only_where_that_is_known_to_be_a_removal(chat, left, suspends, counts):
    Account.update(status="suspended").where(Account.id == left.id).execute()
    App.update(removal_suspends=suspends).where(App.id == chat.app.id).execute()
    agree(chat, left, counts, counts)


@pytest.mark.parametrize(("left_out", "counts"), [("status", True), ("role", False)])
def test_a_suspended_account_counts_again_while_the_app_leaves_out_its_status(chat, left, left_out, counts):
    """The known status is kept, but it may have been activated again."""
    Account.update(status="suspended", missing_fields=BIT[left_out]).where(Account.id == left.id).execute()
    App.update(removal_suspends=True).where(App.id == chat.app.id).execute()
    agree(chat, left, counts, counts)
    assert Account.get_by_id(left.id).is_surely_suspended == (not counts)


def test_a_disconnected_app_has_no_numbers(chat, left):
    App.update(state="disconnected").where(App.id == chat.app.id).execute()
    assert (leavers.open_in([chat.app.id]), leavers.of_app(chat.app)) == ({}, [])


@pytest.mark.parametrize(("days", "kept"), [(1, True), (0, False), (-1, False)])
def test_accounts_may_be_kept_until_a_day(chat, left, days, kept):
    Person.update(remove_on=today() + timedelta(days=days)).where(Person.id == left.person_id).execute()
    agree(chat, left, True, not kept)


@pytest.mark.parametrize(("seconds", "decided"), [(1, True), (0, True), (-1, False)])
def test_leaving_out_is_valid_for_this_departure(chat, left, seconds, decided):
    since = Person.get_by_id(left.person_id).status_since
    at = since + timedelta(seconds=seconds)
    Account.update(left_out_person=Account.person, left_out_reason="On sabbatical", left_out_at=at).execute()
    agree(chat, left, True, not decided)


@pytest.mark.parametrize(("values", "decided"), [
    ({}, True),
    ({"until": "today"}, False),
    ({"ended_at": utcnow()}, False),
    ({"accepted_at": utcnow() - timedelta(days=9)}, False),
    ({"person": 2}, False),
])  # fmt: skip
def test_an_acceptance_holds_until_its_day_and_for_this_departure(chat, left, values, decided):
    body = {"person": left.person_id, "until": today() + timedelta(days=1), **values}
    body["until"] = today() if body["until"] == "today" else body["until"]
    AcceptedLeaver.create(account=left, protection=Protection.LAST_ADMINISTRATOR, reason="Until Mira is trained",
                          accepted_by="Olga", **body)
    agree(chat, left, True, not decided)


def test_those_who_left_first_are_named_first(chat):
    """Of those who still have an account: person 4 left before all others, and has none."""
    chat.leave(1, 2, 3, 4)
    Account.update(state="gone").where(Account.person == chat.people[4]).execute()
    for number in (1, 2, 3, 4):
        Person.update(status_since=utcnow() - timedelta(days=number)).where(
            Person.id == chat.people[number].id).execute()  # fmt: skip
    for app_ids in (None, [chat.app.id]):
        assert [account.email for account in leavers.of_those_who_left_first(app_ids, 2)] == [email(3), email(2)]


def test_a_leaver_of_two_apps_is_one_person(chat, second, left):
    both = [chat.app.id, second.app.id]
    assert leavers.open_in(both) == dict.fromkeys(both, Numbers(1, 1))
    assert leavers.open_in_all(both) == Numbers(2, 1)
    assert leavers.open_in([]) == {} and leavers.open_in_all([]) == Numbers()


def test_the_list_names_what_protects_an_account_in_the_open_report(chat, left):
    chat.leave(0)
    chat.check()
    found = {one.account.email: one for one in leavers.of_app(chat.app)}
    assert list(found) == [email(0), email(1)]
    assert "last Owner" in found[email(0)].protection_reason and found[email(0)].change.report.is_open
    assert found[email(1)].protection_reason == ""


def test_an_earlier_removal_no_longer_protects_an_account(chat, left):
    """Neither that of a report that was closed, nor one of the open report that was applied."""
    for state, decision in (("superseded", "needs confirmation"), ("open", "applied")):
        report = Report.create(app=chat.app, state=state)
        Change.create(app=chat.app, report=report, kind="removed user", account=left, person=left.person_id,
                      decision=decision, protection=Protection.HOLD, protection_reason="Case 12")  # fmt: skip
    assert [(one.account, one.change) for one in leavers.of_app(chat.app)] == [(left, None)]
    assert leavers.to_explain([chat.app.id]) == []


def test_leaving_out_is_valid_for_this_person_alone(chat, left):
    """Someone finds out whose the account really is: the next one has left too, before the decision."""
    chat.leave(2)
    report = chat.check().report
    reports.leave_out(chat.change(report, 1), "Hands over", chat.by)
    theirs = Account.get_by_id(left.id)
    assert not leavers.is_open(theirs)
    decisions.unmatch(theirs, chat.by)
    decisions.match(Account.get_by_id(left.id), chat.people[2], chat.by)
    assert leavers.is_open(Account.get_by_id(left.id)) and numbers(chat).accounts == 2
    chat.check()
    assert Change.get(Change.report == report, Change.account == left, Change.person == chat.people[2]
                      ).decision == "needs confirmation"  # fmt: skip
    decisions.unmatch(Account.get_by_id(left.id), chat.by)
    decisions.match(Account.get_by_id(left.id), chat.people[1], chat.by)
    assert not leavers.is_open(Account.get_by_id(left.id)), "of the first one it still holds"
