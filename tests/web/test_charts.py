"""Charts stay inside their box, whatever the numbers are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web import charts

COUNTS = st.integers(0, 10_000_000)


def coordinates(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)]


@given(st.lists(st.none() | COUNTS, max_size=12))
def test_a_line_stays_inside_and_keeps_the_order(values) -> None:
    drawn = charts.line(values)
    known = [value for value in values if value is not None]
    if len(known) < 2:
        assert drawn is None
        return
    points = coordinates(drawn.line)
    assert len(points) == len(known)
    assert all(0 <= x <= charts.WIDE and 0 <= y <= charts.HIGH for x, y in points)
    assert drawn.bottom <= min(known) <= max(known) <= drawn.top
    for (_, above), (_, below), first, second in zip(points, points[1:], known, known[1:], strict=False):
        assert (above >= below) if first <= second else (above <= below)


def test_a_line() -> None:
    assert charts.line([None, 0, 10]).line == "M150 100L300 0"
    assert charts.line([0, 10]).area == "M0 100L300 0V100H0Z"
    assert charts.line([4, 4]).line == "M0 100L300 100" or charts.line([4, 4]).top == 5
    assert charts.line([]) is charts.line([None, 7]) is None


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=12))
def test_up_and_down_are_of_one_scale_and_everything_is_seen(pairs) -> None:
    ups, downs = zip(*pairs, strict=True)
    drawn = charts.up_and_down(ups, downs)
    if not any(ups) and not any(downs):
        assert drawn is None
        return
    heights = {kind: [float(height) for height in re.findall(r"v-?([\d.]+)h", path)] for kind, path in drawn.paths}
    assert len(heights.get("bars-up", [])) == sum(map(bool, ups))
    assert len(heights.get("bars-down", [])) == sum(map(bool, downs))
    assert all(1.5 <= height <= charts.BAR_HIGH / 2 for of_kind in heights.values() for height in of_kind)


@pytest.mark.parametrize("kinds", [[], ["bars-ok"], ["bars-ok", "bars-attention", "bars-ok"]])
def test_bars_stand_at_the_right_end(kinds) -> None:
    drawn = charts.bars(kinds, 5)
    assert drawn.width == 38
    lefts = sorted(int(left) for _, path in drawn.paths for left in re.findall(r"M(\d+)", path))
    assert lefts == [8 * place for place in range(5 - len(kinds), 5)]
