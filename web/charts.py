"""Charts as SVG, drawn on the server: shapes alone, in a box that stretches. Their words are HTML beside it.
Each chart has a table with the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDE, HIGH = 300, 100  # the box of a line, in units of its own
BAR, GAP, BAR_HIGH = 6, 2, 20


@dataclass(frozen=True)
class Line:
    """`line` and `area` are the `d` of paths in a box of WIDE by HIGH; `top` and `bottom` the values at its edges."""

    line: str
    area: str
    top: int
    bottom: int


def line(values: Sequence[int | None]) -> Line | None:
    """A line through values at equal distances; None is a day without a value. None for fewer than two values."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    bottom, top = _edges(known)
    step = WIDE / (len(values) - 1)
    points = [
        (round(place * step, 1), round(HIGH - (value - bottom) * HIGH / (top - bottom), 1))
        for place, value in enumerate(values)
        if value is not None
    ]
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
    return Line(path, f"{path}V{HIGH}H{points[0][0]:g}Z", top, bottom)


def _edges(values: Sequence[int]) -> tuple[int, int]:
    """Bottom and top. The bottom is 0 where the values vary much, else the room below the least is that of the line."""
    least, most = min(values), max(values)
    if most - least > most / 2:
        return 0, max(most, 1)
    return max(0, least - max(1, most - least)), most + (most == least)


@dataclass(frozen=True)
class Bars:
    """One path a kind of bar, in a box of `width` by BAR_HIGH: (class, d)."""

    width: int
    paths: list[tuple[str, str]]


def bars(kinds: Sequence[str], places: int) -> Bars:
    """A bar for each kind in turn, of the same height; the last is at the right end of `places`."""
    paths: dict[str, str] = {}
    for place, kind in enumerate(kinds, start=places - len(kinds)):
        paths[kind] = paths.get(kind, "") + f"M{place * (BAR + GAP)} 0h{BAR}v{BAR_HIGH}h-{BAR}z"
    return Bars(places * (BAR + GAP) - GAP, list(paths.items()))


def up_and_down(ups: Sequence[int], downs: Sequence[int]) -> Bars | None:
    """Bars above the middle for `ups` and below it for `downs`, to one scale; None where all are 0."""
    most = max(*ups, *downs, 0)
    if not most:
        return None
    half, paths = BAR_HIGH / 2, {"bars-up": "", "bars-down": ""}
    for place, (up, down) in enumerate(zip(ups, downs, strict=True)):
        left = place * (BAR + GAP)
        if up:
            paths["bars-up"] += f"M{left} {half:g}h{BAR}v-{_height(up, most, half)}h-{BAR}z"
        if down:
            paths["bars-down"] += f"M{left} {half:g}h{BAR}v{_height(down, most, half)}h-{BAR}z"
    return Bars(len(ups) * (BAR + GAP) - GAP, [(kind, path) for kind, path in paths.items() if path])


def _height(value: int, most: int, half: float) -> str:
    """The height of a bar, at least a visible one for any value but 0."""
    return f"{max(1.5, round(half * value / most, 1)):g}"
