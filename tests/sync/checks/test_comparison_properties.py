"""Whatever happens in whatever order: once the last reading is compared, the open report is what a check would report,
and the check has nothing to add and no news to mail."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from sync.checks import comparison
from sync.db import utcnow
from sync.models import Account, Change, Mail, Report
from sync.people import holds, people
from sync.reports import reports
from sync.reports.reports import ReportProblem
from sync.workspace import today
from tests.sync.fixtures import MEMBERS, Chat, email

STEPS = 18


def account(chat: Chat, number: int) -> Account:
    return Account.get(Account.app == chat.app, Account.email == email(number))


def leave(chat: Chat, number: int) -> None:
    people.mark_left(chat.people[number], chat.by)


def come_back(chat: Chat, number: int) -> None:
    people.mark_returned(chat.people[number], chat.by)


def keep(chat: Chat, number: int) -> None:
    holds.keep_until(chat.people[number], today() + timedelta(days=number + 1), chat.by)


def keep_no_longer(chat: Chat, number: int) -> None:
    holds.keep_until(chat.people[number], None, chat.by)


def hold(chat: Chat, number: int) -> None:
    holds.hold(chat.people[number], f"case {number}", chat.by)


def lift(chat: Chat, number: int) -> None:
    holds.lift(chat.people[number], chat.by)


def leave_out(chat: Chat, number: int) -> None:
    report = reports.open_report(chat.app)
    changes = [row for row in report.changes if row.account and row.account.email == email(number)] if report else []
    for change in changes:
        try:
            reports.leave_out(change, "A contractor", chat.by)
        except ReportProblem:
            return


def check(chat: Chat, number: int) -> None:
    chat.check()


def compare(chat: Chat, number: int = 0) -> None:
    comparison.compare_due(utcnow() + timedelta(minutes=1))


def finish(chat: Chat, number: int) -> None:
    if report := reports.open_report(chat.app):
        try:
            reports.finish(report, chat.by)
        except ReportProblem:
            return


def dismiss(chat: Chat, number: int) -> None:
    if report := reports.open_report(chat.app):
        reports.dismiss(report, chat.by, "Not now")


STEPS_OFTEN = (leave, leave, leave, come_back, check, compare)
STEPS_SOMETIMES = (keep, keep_no_longer, hold, lift, leave_out, finish, dismiss)


def reported(chat: Chat) -> set[tuple]:
    """What someone who opens the report sees of it."""
    report = reports.open_report(chat.app)
    seen = (Change.kind, Change.account, Change.in_app, Change.decision, Change.before, Change.reason,
            Change.protection_reason)
    return set(Change.select(*seen).where(Change.report == report).tuples()) if report else set()


@pytest.mark.parametrize("seed", range(6))
def test_the_open_report_is_what_a_check_would_report(chat, seed):
    chance = random.Random(seed)
    for _ in range(STEPS):
        steps: tuple[Callable[[Chat, int], None], ...] = chance.choice((STEPS_OFTEN, STEPS_OFTEN, STEPS_SOMETIMES))
        chance.choice(steps)(chat, chance.randrange(MEMBERS))
        if chance.random() < 0.3:
            agree(chat)
    agree(chat)


def agree(chat: Chat) -> None:
    compare(chat)
    before, mails = reported(chat), Mail.select().count()
    number = Report.select().where(Report.is_open).count()
    assert number <= 1
    chat.check()
    assert reported(chat) == before
    assert Mail.select().count() == mails
    assert Report.select().where(Report.is_open).count() == number
