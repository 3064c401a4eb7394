"""Leavers whose account can't be removed yet: the sentence for each reason, and who could be made an administrator."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.models import AcceptedLeaver, Account, Change, Person, Report
from sync.reports import acceptances, reports, stuck
from sync.safety import leavers, leaving
from sync.states import Protection
from sync.workspace import today
from tests.sync.fixtures import email

LAST = "last administrator"


def account(chat, number: int) -> Account:
    return Account.get(Account.app == chat.app, Account.email == email(number))


@pytest.fixture
def leaver(chat) -> Change:
    """Person 3 has left, and the open report says why the account stays."""
    chat.leave(3)
    report = Report.create(app=chat.app)
    return Change.create(app=chat.app, report=report, account=account(chat, 3), kind="removed user", decision="ignored",
                         protection="by hand", protection_reason="Protected: a pilot")  # fmt: skip


STAYS = "Person 3 has left, but the account in Chat"
UNNAMED = ("Person 3 has left and is the last known administrator of Chat: make someone "
           "else an administrator first.")  # fmt: skip


@pytest.mark.parametrize(("code", "protected", "sentence", "role"), [
    ("legal hold", "Protected: legal hold: a case",
     "Person 3 has left, but is on legal hold: a case. The account in Chat stays until that is lifted.", ""),
    ("by hand", "Protected: a pilot", f"{STAYS} is protected: a pilot. Lift the protection first.", ""),
    (None, "Protected: a pilot", f"{STAYS} is protected: a pilot. Lift the protection first.", ""),
    ("automation account", "Protected: x",
     "Person 3 has left, and Rollcall acts with this account in Chat: replace the credential first.", ""),
    ("system account", "Protected: x",
     "Person 3 has left, and Chat made the account for itself. Change whose account it is.", ""),
    ("address of another", "Protected: its e-mail is that of Bo",
     f"{STAYS} may be someone else's: its e-mail is that of Bo. Match it again first.", ""),
    ("other e-mail", "Protected: x",
     f"{STAYS} has a different e-mail address than when it was matched. Match it again first.", ""),
    (LAST, "Protected: the last Owner of the app",
     "Person 3 has left and is the last Owner of Chat: make someone else Owner first.", "Owner"),
    (LAST, "Protected: may be the last of the app", UNNAMED, "an administrator"),
    (LAST, "Protected: the last who may administer it", UNNAMED, "an administrator"),
])  # fmt: skip
def test_it_is_shown_what_to_do_first(chat, leaver, code, protected, sentence, role):
    Change.update(protection=code, protection_reason=protected).execute()
    [one] = stuck.of_apps([chat.app.id])
    assert (one.sentence, one.role, one.report_id, one.account) == (sentence, role, leaver.report_id, leaver.account)
    assert one.protection == Protection(code or "by hand")
    assert leaving.has_open(leaver.report), "also without a code, as in a report of an earlier version"


def test_each_protection_but_a_day_that_was_set_has_a_sentence():
    assert set(stuck.SENTENCES) == set(Protection) - {Protection.KEPT_UNTIL}


@pytest.mark.parametrize("case", ["removable", "accepted", "left out", "here", "another app"])
def test_only_people_who_can_neither_be_removed_nor_stay_are_named(chat, second, leaver, case):
    if case == "removable":
        Change.update(protection=None, protection_reason=None, decision="needs confirmation").execute()
    elif case == "accepted":
        AcceptedLeaver.create(account=leaver.account, person=chat.people[3], protection="by hand", reason="x",
                              until=today() + timedelta(days=9), accepted_by="Ana")  # fmt: skip
    elif case == "left out":
        since = Person.get_by_id(chat.people[3].id).status_since
        Account.update(left_out_person=Account.person, left_out_reason="x", left_out_at=since).execute()
    elif case == "here":
        Person.update(status="active").execute()
    assert stuck.of_apps([second.app.id if case == "another app" else chat.app.id]) == []


def test_candidates_are_here_in_use_and_no_administrators_yet(chat, leaver):
    for number, values in ((4, {"status": "suspended"}), (5, {"state": "gone"}), (6, {"kind": "system"})):
        Account.update(values).where(Account.id == account(chat, number).id).execute()
    names = [row.name for row in stuck.candidates(chat.app)]
    assert names == ["Person 1", "Person 2", "Person 7", "Person 8", "Person 9"], "0 is the Owner, 3 has left"


# Lists of leavers


def test_people_and_accounts_that_are_still_in_are_listed_by_their_ids(chat, second):
    assert leavers.people_still_in() == [] and leavers.accounts_still_in(chat.app.id) == []
    chat.leave(3, 4, 5)
    Account.update(name="A").where(Account.id == account(chat, 4).id).execute()
    Account.update(left_out_person=Account.person, left_out_reason="x", left_out_at=today() + timedelta(days=1)).where(
        Account.id == account(chat, 5).id).execute()
    Account.update(state="gone").where(Account.app == second.app).execute()
    assert sorted(leavers.people_still_in()) == sorted(chat.people[number].id for number in (3, 4))
    assert leavers.accounts_still_in(chat.app.id) == [account(chat, number).id for number in (4, 3)]
    assert leavers.accounts_still_in(second.app.id) == []
    Account.update(state="present").where(Account.id == account(second, 5).id).execute()
    assert leavers.accounts_still_in(second.app.id) == [account(second, 5).id]
    assert len(leavers.people_still_in()) == 3, "they are in the other app"
    second.app.state = "disconnected"
    second.app.save()
    assert len(leavers.people_still_in()) == 2 and leavers.accounts_still_in(second.app.id) == []


def test_acceptances_are_listed_by_their_day(chat, second):
    chat.leave(3, 4, 5)
    rows = {}
    for number, days in ((3, 9), (4, 2), (5, 4)):
        rows[number] = AcceptedLeaver.create(
            account=account(chat, number), person=chat.people[number], protection="by hand", reason="x",
            until=today() + timedelta(days=days), accepted_by="Ana")  # fmt: skip
    assert acceptances.of_app(chat.app) == [rows[4], rows[5], rows[3]] and acceptances.of_app(second.app) == []
    AcceptedLeaver.update(until=today()).where(AcceptedLeaver.id == rows[5].id).execute()
    assert acceptances.of_app(chat.app) == [rows[4], rows[3]]
    assert acceptances.acceptance_of(account(chat, 3)) == rows[3]
    AcceptedLeaver.update(ended_at=Person.get_by_id(chat.people[3].id).status_since).execute()
    assert acceptances.acceptance_of(account(chat, 3)) is None and reports.open_report(chat.app) is None
