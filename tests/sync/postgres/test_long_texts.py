"""A text that PostgreSQL can't index ends the reading with a sentence about it, and changes nothing."""

from __future__ import annotations

import secrets

import pytest

from sync.checks import checks
from sync.jobs import asking
from sync.models import Account, Check, Person
from tests.database import ON_SERVER

TOO_LONG = secrets.token_hex(4000)  # random, because PostgreSQL compresses what repeats
SENTENCE = "An id or a number is longer than PostgreSQL can index, which is about 2,700 bytes."

pytestmark = ON_SERVER


def test_an_app_with_such_an_id_says_so(listed):
    listed.check()
    listed.add(TOO_LONG, email="ana@acme.example")
    asked = asking.ask(listed.app, listed.by)
    checks.run(asked.id)
    check = Check.get_by_id(asked.id)
    assert check.state == "failed" and check.error.startswith(SENTENCE) and check.advice.startswith("Shorten it")
    assert [account.external_id for account in Account.select()] == ["owner"]
    del listed.seats[TOO_LONG]
    listed.check()


@pytest.mark.parametrize("fields", [{"id": TOO_LONG}, {"employee_number": TOO_LONG}])
def test_a_directory_with_such_a_text_says_so(company, fields):
    before = Person.select().count()
    id = fields.get("id", "new")
    company.add(email="new@acme.example", **{"id": id, **fields})
    reading = company.read()
    assert reading.state == "failed" and reading.error.startswith(SENTENCE)
    assert Person.select().count() == before
    company.delete(id)
    assert company.read().state == "succeeded"
