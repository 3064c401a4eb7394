"""A leaver who can't be removed stays an open question until that is solved, or accepted by name for some time."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sync.checks import comparison
from sync.db import db, utcnow, writing
from sync.matching import members
from sync.models import AcceptedLeaver, Account, Activity, Change, Mail, Person, Report
from sync.people import people
from sync.rank import Asker, NotAllowed
from sync.reports import acceptances, reports
from sync.reports.acceptances import AcceptanceProblem
from sync.safety import leavers, leaving, wanted
from sync.safety.leavers import Numbers
from sync.workspace import day_in_words, today
from tests.sync.fixtures import after, departure, email

REASON = "Until Mira is trained"


@after(departure(0))
def last(chat) -> Account:
    """The account of person 0, who has left and is the last Owner of the chat. A check has reported it."""
    return Account.get(Account.app == chat.app, Account.email == email(0))


def soon(days: int = 7) -> date:
    return today() + timedelta(days=days)


def compare() -> None:
    comparison.compare_due(utcnow() + timedelta(minutes=1))


def open_now(chat) -> bool:
    report = reports.open_report(chat.app)
    return report is not None and leaving.has_open(report)


def accept(chat, account: Account, until: date | None = None, reason: str = REASON) -> AcceptedLeaver:
    return acceptances.accept(account, reason, until or soon(), chat.by)


def numbers(chat) -> Numbers:
    return leavers.open_in([chat.app.id])[chat.app.id]


def test_it_stays_open_after_every_approval_and_check_and_is_mailed_once(chat, last):
    assert Mail.select().where(Mail.kind == "report").count() == 1
    for again in (compare, chat.check, compare):
        reports.finish(reports.open_report(chat.app), chat.by)
        again()
        assert open_now(chat) and numbers(chat) == Numbers(1, 1)
    assert Mail.select().where(Mail.kind == "report").count() == 1


def test_the_report_in_which_someone_who_cannot_be_removed_was_shown_is_not_the_last(chat, last):
    """A later check asks again, although an earlier decided report has shown the same account."""
    reports.finish(reports.open_report(chat.app), chat.by)
    with writing():
        wanted.want_nothing()
        db.execute_sql("INSERT INTO wanted (kind, account_id, in_app, protection, protection_reason) "
                       "VALUES ('removed user', ?, TRUE, 'last administrator', 'Protected')", (last.id,))
        assert last.id in wanted.mailed_before(chat.app) and wanted.someone_waits(chat.app)
        db.execute_sql("UPDATE wanted SET kind = 'revoked access'")
        assert not wanted.someone_waits(chat.app)
        db.execute_sql("UPDATE wanted SET protection = NULL, protection_reason = NULL")
        assert wanted.someone_waits(chat.app)


def test_it_is_reopened_at_once_beside_others_who_are_removed(chat, last):
    chat.leave(3)
    chat.check()
    reports.finish(reports.open_report(chat.app), chat.by)
    compare()
    assert [row.account.email for row in reports.open_report(chat.app).changes] == [email(0)]


def test_the_same_again_changes_nothing(chat, last):
    first = accept(chat, last)
    assert accept(chat, last) == first and AcceptedLeaver.select().count() == 1
    assert accept(chat, last, soon(8)) != first and AcceptedLeaver.select().count() == 2
    assert Activity.select().where(Activity.what == "accepted leaver").count() == 2


def test_accepted_by_name_it_is_no_longer_open_but_counted_and_in_the_log(chat, last):
    report = reports.open_report(chat.app)
    row = accept(chat, last)
    assert Report.get_by_id(report.id).state == "applied" and not open_now(chat)
    for again in (compare, chat.check):
        again()
        assert not open_now(chat) and numbers(chat) == Numbers(0, 0, 1)
    [one] = leavers.of_app(chat.app)
    assert (one.acceptance, one.is_open) == (row, False)
    entry = Activity.get(Activity.what == "accepted leaver")
    assert (entry.who, entry.why, entry.before) == (str(chat.by), REASON, "Protected: the last Owner of the app")
    assert entry.app == chat.app and entry.person == last.person and entry.about == "Person 0"
    assert entry.after == f"until {day_in_words(soon())}"
    [change] = Report.get_by_id(report.id).changes.where(Change.kind == "removed user")
    assert (change.decided_by, Report.get_by_id(report.id).decided_by) == (str(chat.by), str(chat.by))
    assert change.decided_at is not None


def test_of_several_who_cannot_be_removed_only_the_accepted_one_is_decided(chat, second, last):
    report = reports.open_report(chat.app)
    other = Account.get(Account.app == chat.app, Account.email == email(3))
    values = {"kind": "removed user", "decision": "ignored", "protection": "by hand",
              "protection_reason": "Protected: x"}
    Change.create(app=chat.app, report=report, account=other, **values)
    elsewhere = Change.create(app=second.app, report=Report.create(app=second.app), account=last, **values)
    accept(chat, last)
    open_again = reports.open_report(chat.app)
    assert [row.account for row in open_again.changes.where(leaving.IS_STUCK)] == [other]
    assert (open_again.id, open_again.decided_by) == (report.id, None)
    assert Change.get_by_id(elsewhere.id).decided_by is None


def test_it_can_be_accepted_before_any_report_has_it(chat):
    chat.leave(0)
    row = accept(chat, Account.get(Account.email == email(0)))
    assert row.protection == "last administrator" and not Report.select().where(Report.is_open).exists()


@pytest.mark.parametrize(("values", "found"), [
    ({}, ("by hand", "Protected: as the report has it")),
    ({"kind": "updated role"}, None), ({"decision": "confirmed"}, None), ({"protection": None}, None),
    ({"protection": "kept until", "protection_reason": "Kept until 3 December"}, None),
])  # fmt: skip
def test_the_open_reports_protection_wins_over_the_accounts_own(chat, last, values, found):
    report = reports.open_report(chat.app)
    report.changes.where(Change.kind == "removed user").get().delete_instance()
    Change.create(app=chat.app, report=report, account=last, **{
        "kind": "removed user", "decision": "ignored", "protection": "by hand",
        "protection_reason": "Protected: as the report has it", **values})  # fmt: skip
    why = acceptances.why_stuck(last)
    assert (why.code, why.words) == (found or ("last administrator", "Protected: the last Owner of the app"))


def test_the_report_of_another_account_or_app_says_nothing_of_this_one(chat, second, last):
    values = {"kind": "removed user", "decision": "ignored", "protection": "by hand",
              "protection_reason": "Protected: x"}
    report = reports.open_report(chat.app)
    report.changes.where(Change.kind == "removed user").get().delete_instance()
    Change.create(app=chat.app, report=report, account=Account.get(Account.app == chat.app, Account.email == email(3)),
                  **values)  # fmt: skip
    Change.create(app=second.app, report=Report.create(app=second.app), account=last, **values)
    assert acceptances.why_stuck(last).code == "last administrator"


def test_a_day_that_was_set_for_the_person_does_not_make_an_account_stuck(chat):
    chat.leave(3)
    Person.update(remove_on=soon()).where(Person.id == chat.people[3].id).execute()
    assert acceptances.why_stuck(Account.get(Account.email == email(3))) is None


def test_others_in_the_report_still_wait(chat, last):
    chat.leave(3)
    chat.check()
    version = reports.open_report(chat.app).version
    accept(chat, last)
    report = reports.open_report(chat.app)
    assert report.version == version + 1 and leaving.of(report).detail() == "1 can be removed. 1 may stay for now."
    chat.check()
    report = reports.open_report(chat.app)
    assert report.version == version + 1, "the check sees the same"
    decided = {change.account.email: (change.decided_by, change.decided_at is None) for change in report.changes}
    assert decided == {email(0): (str(chat.by), False), email(3): (None, True)}


def test_on_its_day_it_is_open_and_mailed_again(chat, last):
    row = accept(chat, last)
    mails = Mail.select().count()
    assert acceptances.reopen_due(utcnow()) == 0
    AcceptedLeaver.update(until=today()).execute()
    assert numbers(chat) == Numbers(1, 1)
    assert acceptances.reopen_due(utcnow()) == 1 and acceptances.reopen_due(utcnow()) == 0
    compare()
    assert open_now(chat) and Mail.select().count() == mails + 1
    assert AcceptedLeaver.get_by_id(row.id).ended_at
    assert Activity.get(Activity.what == "ended acceptance").why == "The day to look again has come"


def test_withdrawn_it_is_open_again(chat, last):
    row = accept(chat, last)
    assert acceptances.withdraw(row, chat.by) and not acceptances.withdraw(row, chat.by)
    [entry] = Activity.select().where(Activity.what == "ended acceptance")
    assert (entry.who, entry.why, entry.before, entry.app) == (str(chat.by), "Withdrawn", REASON, chat.app)
    compare()
    assert open_now(chat) and numbers(chat) == Numbers(1, 1)


def test_accepted_again_the_new_day_counts(chat, last):
    first, second = accept(chat, last), accept(chat, last, soon(30))
    assert AcceptedLeaver.get_by_id(first.id).ended_at and leavers.of_app(chat.app)[0].acceptance == second


def test_an_acceptance_is_about_the_reason_and_never_keeps_an_account_that_can_be_removed(chat, last):
    accept(chat, last)
    chat.store.change(chat.id_of(1), via="page", role="owner")
    chat.check()
    [removal] = reports.open_report(chat.app).changes.where(Change.kind == "removed user")
    assert removal.decision == "needs confirmation"
    assert Activity.get(Activity.what == "ended acceptance").why == "The account can be removed now"
    assert numbers(chat) == Numbers(1, 1)


def test_an_acceptance_ends_with_the_protection_that_it_was_about(chat):
    leaver = Account.get(Account.email == email(3))
    members.protect(leaver, "A pilot", chat.by)
    chat.leave(3)
    compare()
    accept(chat, leaver)
    members.unprotect(leaver, chat.by)
    assert not open_now(chat)
    comparison.compare_due(utcnow())
    assert open_now(chat) and numbers(chat).accounts == 1


def test_someone_who_leaves_once_more_is_asked_about_again(chat, last):
    accept(chat, last)
    people.mark_returned(chat.people[0], chat.by)
    chat.leave(0)
    compare()
    assert open_now(chat) and numbers(chat) == Numbers(1, 1)


@pytest.mark.parametrize(("reason", "days", "expected"), [
    (" ", 7, "Enter a reason"), (REASON, 0, "future date"), (REASON, -3, "future date"), (REASON, 400, "within a year"),
])  # fmt: skip
def test_an_acceptance_has_a_reason_and_a_day_within_a_year(chat, last, reason, days, expected):
    with pytest.raises(AcceptanceProblem, match=expected):
        acceptances.accept(last, reason, soon(days), chat.by)
    with pytest.raises(AcceptanceProblem, match="future date"):
        acceptances.accept(last, REASON, None, chat.by)
    assert not AcceptedLeaver.select().exists() and open_now(chat)


def test_the_last_day_that_can_be_chosen_is_in_a_year(chat, last):
    day = today() + acceptances.LONGEST
    with pytest.raises(AcceptanceProblem, match=f"Choose {day_in_words(day)} or an earlier date"):
        acceptances.accept(last, REASON, day + timedelta(days=1), chat.by)
    assert acceptances.accept(last, REASON, day, chat.by).until == day


def test_a_reason_is_one_line_of_two_hundred_characters_at_the_most(chat, last):
    assert acceptances.accept(last, " so\n  long ", soon(), chat.by).reason == "so long"
    assert acceptances.accept(last, "x" * 201, soon(), chat.by).reason == "x" * 200


def test_only_a_leaver_who_cannot_be_removed_is_accepted(chat, last):
    chat.leave(3)
    for number, expected in ((3, "can be removed"), (5, "isn't an account of someone who has left")):
        with pytest.raises(AcceptanceProblem, match=expected):
            accept(chat, Account.get(Account.email == email(number)))
    assert not AcceptedLeaver.select().exists()


def test_nobody_but_an_owner_of_the_app_accepts(chat, last):
    stranger = people.add("Mira", "mira@else.example", chat.by, workspace_role="user")
    with pytest.raises(NotAllowed):
        acceptances.accept(last, REASON, soon(), Asker.person(stranger))
    row = accept(chat, last)
    with pytest.raises(NotAllowed):
        acceptances.withdraw(row, Asker.person(stranger))
    assert AcceptedLeaver.get_by_id(row.id).ended_at is None
