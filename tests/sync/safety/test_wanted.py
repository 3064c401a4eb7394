"""What a check wants, at its boundaries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.models import Account, Person
from tests.sync.fixtures import email


@pytest.mark.parametrize(("seconds", "asked"), [(-1, True), (0, False), (1, False)])
def test_leaving_out_is_valid_from_the_moment_of_the_departure(chat, seconds, asked):
    chat.leave(3)
    [since] = [person.status_since for person in Person.select().where(Person.status == "deprovisioned")]
    Account.update(left_out="On leave", left_out_at=since + timedelta(seconds=seconds)).where(
        Account.email == email(3)).execute()  # fmt: skip
    assert chat.check().waiting == asked
