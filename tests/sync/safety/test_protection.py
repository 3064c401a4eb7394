"""What protects an account has a code beside its words: the words may be changed, and nothing is asked again."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sync.db import db
from sync.models import Account, App, Mail, Person
from sync.people import holds
from sync.reports import reports
from sync.roles import Roles
from sync.safety import protection
from sync.workspace import day_in_words, sql_day_in_words, today
from tests.sync.fixtures import email

TOMORROW = timedelta(days=1)


def use_other_words(monkeypatch):
    monkeypatch.setattr(protection, "_PROTECT", protection._PROTECT.replace("'Kept until '", "'Stays through '"))


def test_other_words_for_a_kept_account_open_no_report_and_send_no_mail(chat, monkeypatch):
    holds.keep_until(chat.people[3], today() + TOMORROW, chat.by)
    chat.leave(3)
    chat.check()
    use_other_words(monkeypatch)
    assert chat.check().waiting == 0
    assert reports.open_report(chat.app) is None and Mail.select().count() == 0


def test_other_words_for_a_kept_account_in_an_open_report_are_no_reason_for_another_mail(chat, monkeypatch):
    chat.leave(4)
    chat.check()
    mails = Mail.select().count()
    use_other_words(monkeypatch)
    holds.keep_until(chat.people[3], today() + TOMORROW, chat.by)
    chat.leave(3, 4)
    report = chat.check().report
    [kept] = [row for row in report.changes if row.account.email == email(3)]
    assert kept.protection_reason.startswith("Stays through ") and Mail.select().count() == mails


@pytest.mark.parametrize("day", [
    date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 9), date(2026, 12, 10), date(2026, 12, 31), date(2027, 5, 30),
    date(2025, 11, 3),
])  # fmt: skip
def test_a_day_has_the_same_words_in_sql(home, day):
    words = sql_day_in_words(":day", ":today")
    [statement] = db.execute_sql(f"SELECT {words}", {"day": day.isoformat(), "today": str(today())}).fetchone()
    assert statement == day_in_words(day)


def test_an_app_is_never_asked_about_the_accounts_of_another(home):
    app, other = (App.create(connector="listed", name=name, category="Test") for name in ("One", "Other"))
    account = Account.create(app=app, external_id="a1", kind="system")
    assert protection.of_all(app, [account.id]).keys() == {account.id} and protection.of_all(other, [account.id]) == {}


def test_an_approval_asks_each_rule_about_all_accounts_at_once(home):
    """As right before each removal: by each condition, one account, and one that may be removed."""
    app = App.create(connector="listed", name="One", category="Test", automation_external_id="a0")
    ana, bo = Person.create(name="Ana", legal_hold_reason="Court"), Person.create(
        name="Bo", status="deprovisioned", remove_on=today() + timedelta(days=9))  # fmt: skip
    accounts = [Account.create(app=app, external_id=f"a{number}", **values) for number, values in enumerate((
        {}, {"person": ana}, {"person": bo, "match_kind": "matched"}, {"protection_reason": "Mira"},
        {"kind": "system"}, {"email_key": "b@acme.example", "email_when_matched": "a@acme.example"}, {},
        {"person": bo, "match_kind": "service account"}))]  # fmt: skip
    asked = protection.of_each(app, [account.id for account in accounts])
    found = [asked(account) for account in accounts]
    assert found == [protection.of(account) for account in accounts]
    assert [why and why.code for why in found] == [
        "automation account", "legal hold", "kept until", "by hand", "system account", "other e-mail", None, None,
    ]


@pytest.mark.parametrize(("now", "after", "others", "stays"), [
    (("admin",), (), [], True),
    (("admin",), ("member",), [], True),
    (("admin",), ("unknown",), [], True),  # perhaps an administrator's, but nobody knows
    (("admin",), ("member", "admin"), [], False),
    (("unknown",), ("member",), [], True),
    (("member",), (), [], False),
    (("admin",), (), [7], False),
])  # fmt: skip
def test_the_last_administrator_stays_one_by_a_role_that_surely_is(home, now, after, others, stays):
    app = App.create(connector="listed", name="One", category="Test")
    account = Account.create(app=app, external_id="a1", role=now[0], further_roles=now[1:])
    known = Roles({"admin": "Admin", "member": "Member"}, frozenset({"admin"}))
    assert (protection.last_administrator(account, others, known, after) is not None) is stays
