"""How many roles or profiles were updated within a day: earlier ones are part of a mass, each condition at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import db, utcnow
from sync.models import Account, Change, Report
from sync.reports import mass_updates
from sync.staging import tables
from sync.staging.check import FOUND, HELD_UPDATE
from tests.sync.fixtures import email


@pytest.fixture
def report(chat) -> Report:
    tables.create(FOUND)
    return Report.create(app=chat.app, state="applied")


def account(number: int) -> Account:
    return Account.get(Account.email == email(number))


def update(report: Report, number: int, **values: object) -> Change:
    return Change.create(app=report.app, report=report, account=account(number),
                         **{"kind": "updated role", "decision": "applied", **values})  # fmt: skip


@pytest.mark.parametrize(("values", "counts"), [
    ({}, True), ({"created_at": utcnow() - timedelta(hours=12)}, True),
    ({"created_at": utcnow() - timedelta(hours=25)}, False), ({"kind": "updated profile"}, False),
    ({"decision": "confirmed"}, False), ({"decision": "held"}, False)])  # fmt: skip
def test_each_update_of_the_kind_counts_for_a_day(chat, second, report, values, counts):
    update(report, 1, **values)
    assert mass_updates._applied_lately(chat.app, "updated role") == counts
    assert mass_updates._applied_lately(second.app, "updated role") == 0


def test_a_held_update_counts_those_of_a_day_before_it(chat, report):
    day = timedelta(hours=25)
    update(report, 1, created_at=utcnow() - day)
    held = update(Report.create(app=chat.app), 2, created_at=utcnow() - day, decision="held", in_app=False)
    assert mass_updates._applied_lately(chat.app, "updated role") == 1
    assert mass_updates._applied_lately(chat.app, "updated profile") == 0
    Change.update(kind="updated profile").where(Change.id == held.id).execute()
    assert mass_updates._applied_lately(chat.app, "updated role") == 0


def test_an_account_counts_once_and_not_beside_what_this_check_finds(chat, report):
    other = Report.create(app=chat.app, state="applied")
    for number, which in ((1, report), (1, other), (2, report)):
        update(which, number)
    assert mass_updates._applied_lately(chat.app, "updated role") == 2
    db.execute_sql("INSERT INTO found (kind, account_id) VALUES ('updated role', ?), ('updated profile', ?)",
                   (account(2).id, account(1).id))  # fmt: skip
    assert mass_updates._applied_lately(chat.app, "updated role") == 1


def holding(chat, number: int, **values: object) -> Account:
    account = Account.get(Account.app == chat.app, Account.email == email(number))
    Account.update(held_values=values or None).where(Account.id == account.id).execute()
    return account


def test_an_account_notes_what_this_check_holds_and_forgets_what_an_earlier_one_held(chat, second):
    held = [holding(chat, 1, role="old"), holding(chat, 2), holding(chat, 3), holding(chat, 4, role="old")]
    elsewhere, none = holding(second, 1, role="old"), holding(chat, 5)
    tables.create(HELD_UPDATE)
    details = {"updated role": '{"role": "admin"}', "updated profile": '{"name": "New"}'}
    for row, kind in ((held[0], "updated role"), (held[1], "updated profile"), *((held[2], kind) for kind in details)):
        values = (kind, row.id, details[kind])
        db.execute_sql("INSERT INTO held_update (kind, account_id, detail) VALUES (?, ?, ?)", values)
    mass_updates._note(chat.app)
    role, name = {"role": "admin"}, {"name": "New"}
    assert [Account.get_by_id(row.id).held_values for row in (*held, none, elsewhere)] == [
        role, name, role | name, None, None, {"role": "old"}]  # fmt: skip
    db.execute_sql("DELETE FROM held_update")
    mass_updates._note(chat.app)
    assert [Account.get_by_id(row.id).held_values for row in (*held, none, elsewhere)] == [None] * 5 + [{"role": "old"}]
