"""A leaver who can't be removed yet may be accepted, by name, with a reason and a day to look again.
Until then nobody is asked; on that day, or once it is withdrawn, the account is reported again."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sync import activity, rank
from sync.db import utcnow, writing
from sync.jobs import comparing, queue
from sync.models import AcceptedLeaver, Account, App, Change
from sync.names import account_name
from sync.problems import Problem
from sync.rank import Asker
from sync.reports import reports
from sync.safety import leavers, protection
from sync.safety.leaving import IS_STUCK
from sync.safety.protection import Protected
from sync.states import Protection
from sync.words import reason_given
from sync.workspace import day_in_words, today

LONGEST = timedelta(days=366)
SUGGESTED = timedelta(days=30)


class AcceptanceProblem(Problem):
    """It can't be accepted like this. Nothing was changed. The text is for the page."""


def accept(account: Account, reason: str, until: date | None, by: Asker) -> AcceptedLeaver:
    """Someone who has left keeps the account until this day, because it can't be removed yet.

    It is valid for the reason why the account is protected now. The same again, as a double click sends it, changes
    nothing. Raises AcceptanceProblem, and NotAllowed for anyone
    but an Owner of the app.
    """
    reason = reason_given(reason)
    with writing():
        account = Account.get_by_id(account.id)
        rank.require_manager(by, account.app)
        why = _refuse(account, reason, until)
        if known := acceptance_of(account):
            if (known.reason, known.until, known.protection, known.accepted_by) == (reason, until, why.code, str(by)):
                return known
            leavers.end_acceptance(known, by, "Accepted again")
        row = AcceptedLeaver.create(account=account, person=account.person_id, protection=why.code, reason=reason,
                                    until=until, accepted_by=str(by))  # fmt: skip
        activity.record(by, "accepted leaver", about=account_name(account), why=reason, before=why.words,
                        after=f"until {day_in_words(until)}", app=account.app_id, person=account.person_id)
        _note_in_report(account, by)
    return row


def _refuse(account: Account, reason: str, until: date | None) -> Protected:
    """What protects the account, if it can be accepted."""
    name = account_name(account)
    if not leavers.has_left(account):
        raise AcceptanceProblem(f"{name} isn't an account of someone who has left. Nothing was changed.")
    why = why_stuck(account)
    if why is None:
        raise AcceptanceProblem(f"{name} can be removed. Nothing was changed. To keep the account, leave it out in the "
                                "report.")
    if not reason:
        raise AcceptanceProblem("Enter a reason: it is shown with the account until that day.")
    if until is None or until <= today():
        raise AcceptanceProblem("Choose a future date on which to look at it again.")
    if until > today() + LONGEST:
        raise AcceptanceProblem(f"Choose {day_in_words(today() + LONGEST)} or an earlier date: it is looked at again "
                                "within a year.")
    return why


def why_stuck(account: Account) -> Protected | None:
    """Why the account of someone who has left can't be removed: as the open report says, which sees all who leave."""
    report = reports.open_report(account.app)
    theirs = Change.select().where(Change.report == report, Change.account == account, IS_STUCK)
    stuck = report and theirs.order_by(Change.id).first()
    if stuck and stuck.protection:
        return Protected(Protection(stuck.protection), stuck.protection_reason)
    return protection.of(account, *(code for code in Protection if code != Protection.KEPT_UNTIL))


def acceptance_of(account: Account) -> AcceptedLeaver | None:
    """The one that has not ended."""
    return AcceptedLeaver.get_or_none(AcceptedLeaver.account == account, AcceptedLeaver.ended_at.is_null())


def _note_in_report(account: Account, by: Asker) -> None:
    report = reports.open_report(account.app)
    if report is None:
        return
    stuck = Change.select(Change.id).where(Change.report == report, Change.account == account, IS_STUCK)
    if Change.update(decided_by=str(by), decided_at=utcnow()).where(Change.id.in_(stuck)).execute():
        reports.close_or_touch(report, str(by))


def withdraw(row: AcceptedLeaver, by: Asker) -> bool:
    """Withdraw the acceptance, so that the account is open again; False if it already was. Raises NotAllowed for anyone
    but an Owner of the app."""
    with writing():
        account = Account.get_by_id(row.account_id)
        rank.require_manager(by, account.app)
        ended = leavers.end_acceptance(row, by, "Withdrawn")
        if ended:
            comparing.app(account.app_id)
    return ended


@queue.each_minute
def reopen_due(now: datetime) -> int:
    """Reopen what was accepted until a day that has come; how many."""
    due = AcceptedLeaver.select(AcceptedLeaver, Account).join(Account).where(
        AcceptedLeaver.ended_at.is_null(), AcceptedLeaver.until <= today())  # fmt: skip
    ended = 0
    for row in list(due):
        with writing():
            if leavers.end_acceptance(row, "schedule", "The day to look again has come"):
                comparing.app(row.account.app_id)
                ended += 1
    return ended


def of_app(app: App) -> list[AcceptedLeaver]:
    """Those of this app that hold, the nearest day first, with their accounts."""
    accepted = {one.acceptance.id for one in leavers.to_explain([app.id]) if one.acceptance}
    query = AcceptedLeaver.select(AcceptedLeaver, Account).join(Account)
    return list(query.where(AcceptedLeaver.id.in_(list(accepted))).order_by(AcceptedLeaver.until, AcceptedLeaver.id))
