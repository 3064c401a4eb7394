"""A move compares each row of both databases."""

from __future__ import annotations

import pytest

from sync.models import Setting
from sync.moving import MoveProblem, Side, Table, _compare

ROWS = [("a", "1"), ("b", "2")]


class Given(Side):
    def __init__(self, *found: tuple[str, str]):
        self.found = found

    def rows(self, table: Table):
        return iter(self.found)


@pytest.mark.parametrize("target", [ROWS[:1], [*ROWS, ("c", "3")], [ROWS[0], ("b", "3")], ROWS[1:], []],
                         ids=["one missing", "one more", "another value", "the first missing", "empty"])  # fmt: skip
def test_a_row_that_is_missing_added_or_changed_ends_the_move(target):
    assert _compare(Table(Setting), Given(*ROWS), Given(*ROWS)) == 2
    with pytest.raises(MoveProblem, match="isn't the same in both"):
        _compare(Table(Setting), Given(*ROWS), Given(*target))
