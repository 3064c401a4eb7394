"""What a check wants, at its boundaries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import db, writing
from sync.models import Account, Change, Person, Report
from sync.safety import wanted
from tests.sync.fixtures import email


@pytest.mark.parametrize(("seconds", "asked"), [(-1, True), (0, False), (1, False)])
def test_leaving_out_is_valid_from_the_moment_of_the_departure(chat, seconds, asked):
    chat.leave(3)
    [since] = [person.status_since for person in Person.select().where(Person.status == "deprovisioned")]
    at = since + timedelta(seconds=seconds)
    decision = {"left_out_person": Account.person, "left_out_reason": "On leave", "left_out_at": at}
    Account.update(decision).where(Account.email == email(3)).execute()
    assert chat.check().waiting == asked


@pytest.mark.parametrize(("values", "stays"), [
    *(({"decision": decision}, True) for decision in ("needs confirmation", "held", "ignored", "left out")),
    *(({"decision": decision}, False) for decision in ("confirmed", "applied")), ({"in_app": True}, False),
    ({"of": "decided"}, False), ({"of": "another app"}, False)])  # fmt: skip
def test_between_two_readings_what_only_a_reading_finds_is_unchanged(chat, second, values, stays):
    values = {"decision": "held", "in_app": False, **values}
    of = values.pop("of", "")
    report = Report.create(app=second.app if of == "another app" else chat.app,
                           state="applied" if of == "decided" else "open")  # fmt: skip
    account = Account.get(Account.app == report.app, Account.email == email(3))
    Change.create(app=report.app, report=report, kind="removed user", account=account, before="Member", after="x",
                  reason="No longer in the app's list", person=chat.people[3], detail={"a": 1}, **values)  # fmt: skip
    with writing():
        wanted.want_nothing()
        wanted.want_open_findings(chat.app)
        columns = "kind, account_id, asset_id, in_app, before, after, reason, person_id, detail"
        found = db.execute_sql(f"SELECT {columns} FROM wanted").fetchall()
        rows = [(*row[:-1], row[-1].replace(" ", "")) for row in found]
    assert rows == ([("removed user", account.id, None, 0, "Member", "x", "No longer in the app's list",
                                 chat.people[3].id, '{"a":1}')] if stays else [])  # fmt: skip
