"""What a report's page shows: rows in order, and the one sentence above them."""

from __future__ import annotations

import pytest

from sync.models import Change, Report
from sync.reports import reports, view
from tests.sync.fixtures import after, departure


@after(departure(2, 3, 4, 5, 6))
def report(chat) -> Report:
    """Persons 2 to 6 have left."""
    return reports.open_report(chat.app)


def test_waiting_changes_come_first_then_left_out_protected_and_applied(chat, report):
    for number, decision in ((2, "applied"), (3, "ignored"), (4, "left out"), (6, "held")):
        change = chat.change(report, number)
        Change.update(decision=decision).where(Change.id == change.id).execute()
    rows = view.rows_of(report, ("removed user",), 100)
    assert [row.account.name for row in rows] == [f"Person {number}" for number in (5, 6, 4, 3, 2)]
    assert [row.account.person.name for row in rows] == [row.account.name for row in rows] and rows[0].report is report
    Change.update(decision="applied").where(Change.id == rows[3].id).execute()
    last = sorted(row.id for row in rows[3:])
    order = [*(row.id for row in rows[:3]), *last]
    for offset in range(6):
        page = view.rows_of(report, ("removed user",), 2, offset)
        assert [row.id for row in page] == order[offset : offset + 2]
    assert view.rows_of(report, ("new user",), 100) == []


def test_sections_hold_what_is_there_with_their_totals(chat, report):
    [section] = [one for one in view.sections(report, 2) if one.total]
    assert (section.total, len(section.rows)) == (5, 2)


@pytest.mark.parametrize(("numbers", "sentence"), [
    ((1,), "1 person has left Acme and still has an account in Chat."),
    ((1, 2), "2 people have left Acme and still have accounts in Chat."),
])  # fmt: skip
def test_leavers_are_named_by_their_number(chat, numbers, sentence):
    chat.leave(*numbers)
    assert view.sentence(chat.check().report) == sentence


def test_a_decided_report_says_how_it_ended(chat, report):
    reports.dismiss(report, chat.by, "A mistake")
    assert view.sentence(Report.get_by_id(report.id)) == "5 changes in Chat: this report is dismissed."
    Report.update(counts={"new user": 1}).where(Report.id == report.id).execute()
    assert view.sentence(Report.get_by_id(report.id)) == "1 change in Chat: this report is dismissed."
    Report.update(counts={}).where(Report.id == report.id).execute()
    assert view.sentence(Report.get_by_id(report.id)) == "Nothing changed in Chat."


def test_held_updates_are_counted_by_kind(chat):
    for number in range(1, 8):
        chat.store.change(chat.id_of(number), via="page", role="admin")
    report = chat.check().report
    assert view.held_updates(report) == {"updated role": 7}
    assert view.sentence(report) == "7 roles changed at once in Chat."
    assert view.update_words({"updated profile": 1, "updated role": 2_000}) == "1 profile and 2,000 roles"
    report.held = 0
    assert view.held_updates(report) == {}
