"""What protects an account has a code beside its words: the words may be changed, and nothing is asked again."""

from __future__ import annotations

from datetime import timedelta

from sync.models import Mail
from sync.people import holds
from sync.reports import reports
from sync.safety import protection
from sync.workspace import today
from tests.sync.fixtures import email

TOMORROW = timedelta(days=1)


def test_other_words_for_a_kept_account_open_no_report_and_send_no_mail(chat, monkeypatch):
    holds.keep_until(chat.people[3], today() + TOMORROW, chat.by)
    chat.leave(3)
    chat.check()
    monkeypatch.setattr(protection, "kept_until", lambda day: f"Stays through {day}")
    assert chat.check().waiting == 0
    assert reports.open_report(chat.app) is None and Mail.select().count() == 0


def test_other_words_for_a_kept_account_in_an_open_report_are_no_reason_for_another_mail(chat, monkeypatch):
    chat.leave(4)
    chat.check()
    mails = Mail.select().count()
    monkeypatch.setattr(protection, "kept_until", lambda day: f"Stays through {day}")
    holds.keep_until(chat.people[3], today() + TOMORROW, chat.by)
    chat.leave(3, 4)
    report = chat.check().report
    [kept] = [row for row in report.changes if row.account.email == email(3)]
    assert kept.protected.startswith("Stays through ") and Mail.select().count() == mails
