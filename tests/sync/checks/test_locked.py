"""What a check does while it holds the lock: the fewer statements, the shorter everyone else waits."""

from __future__ import annotations

from collections.abc import Callable

from sync.db import db
from tests.database import ON_FILE

pytestmark = ON_FILE
NOTHING_NEW, SOMEONE_WAITS = 72, 104  # statements of the longest transaction


def most_in_a_transaction(operation: Callable[[], object]) -> int:
    counts = [0]

    def count(event) -> None:
        if event.sql.startswith("BEGIN") or not db.in_transaction():
            counts.append(0)
        counts[-1] += 1

    db.query_hooks.append(count)
    try:
        operation()
    finally:
        db.query_hooks.remove(count)
    return max(counts)


def test_a_check_that_finds_nothing_makes_few_statements_in_its_transaction(chat):
    chat.check()
    assert most_in_a_transaction(chat.check) <= NOTHING_NEW


def test_so_does_one_whose_report_waits_as_before(chat):
    chat.leave(3)
    chat.check()
    assert most_in_a_transaction(chat.check) <= SOMEONE_WAITS
