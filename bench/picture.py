"""Draws lines over logarithmic axes as SVG: panels below each other, legible on a phone, in light and in dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT = 680, 82, 112  # of the picture, and of the margins that hold the labels of axis and lines
TOP, PLOT, BELOW = 44, 250, 62  # of each panel: its title, its lines, and the labels of its horizontal axis
HEAD, LINE = 52, 24  # the picture's title, and a line of text
COLOURS = {  # of each program, in light and in dark
    "floor": ("#57606a", "#a3adb8"), "Rollcall": ("#0b57d0", "#7cb7ff"), "diffsync": ("#a84300", "#ffa657"),
    "dlt": ("#7a2fd0", "#cda8ff"), "deepdiff": ("#0a6b5c", "#56d4bd"),
}  # fmt: skip
LIGHT = {"back": "#ffffff", "ink": "#1f2328", "grid": "#d8dee4"}
DARK = {"back": "#0d1117", "ink": "#e6edf3", "grid": "#30363d"}

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """The points of each program, and how a value of the vertical axis is written."""

    title: str
    lines: dict[str, Points]
    written: Callable[[float], str]


def draw(title: str, across: str, panels: list[Panel], notes: list[str]) -> str:
    """The SVG. `across` names the horizontal axis; notes are lines of text below the panels."""
    height = HEAD + len(panels) * (TOP + PLOT + BELOW) + len(notes) * LINE + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-labelledby="title"><title id="title">{escape(title)}</title>',
        f"<style>{_style()}</style>",
        f'<rect class="back" width="{WIDTH}" height="{height}" rx="8"/>',
        f'<text class="title" x="16" y="36">{escape(title)}</text>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, across, HEAD + number * (TOP + PLOT + BELOW))
    below = HEAD + len(panels) * (TOP + PLOT + BELOW) + 16
    parts += [f'<text x="16" y="{below + number * LINE}">{escape(note)}</text>' for number, note in enumerate(notes)]
    return "\n".join([*parts, "</svg>\n"])


def _style() -> str:
    rules = ["text{font:16px system-ui,sans-serif}.title{font-size:21px;font-weight:600}.name{font-weight:600}",
             ".line{fill:none;stroke-width:2.5;stroke-linejoin:round}.Rollcall .line{stroke-width:4}",
             ".halo{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}"]  # fmt: skip
    rules += _colours(LIGHT, 0)
    return "".join([*rules, "@media (prefers-color-scheme: dark){", *_colours(DARK, 1), "}"])


def _colours(ground: dict[str, str], which: int) -> Iterator[str]:
    yield f"text{{fill:{ground['ink']}}}.back{{fill:{ground['back']}}}.grid{{stroke:{ground['grid']}}}"
    yield f".halo{{stroke:{ground['back']}}}"
    for name, colours in COLOURS.items():
        yield f".{name} .line{{stroke:{colours[which]}}}.{name} circle,.{name} text{{fill:{colours[which]}}}"


def _panel(panel: Panel, across: str, top: float) -> Iterator[str]:
    points = [point for line in panel.lines.values() for point in line]
    right, bottom = WIDTH - RIGHT, top + TOP + PLOT
    x = _scale([at for at, _ in points], LEFT, right)
    ticks = _ticks([value for _, value in points])
    y = _scale(ticks, bottom, top + TOP)
    yield f'<text class="name" x="16" y="{top + 26}">{escape(panel.title)}</text>'
    for value in ticks:
        yield f'<path class="grid" d="M{LEFT} {y(value):.1f}H{right}"/>'
        yield f'<text x="{LEFT - 8}" y="{y(value) + 5:.1f}" text-anchor="end">{escape(panel.written(value))}</text>'
    for at in sorted({at for at, _ in points}):
        yield f'<text x="{x(at):.1f}" y="{bottom + 24}" text-anchor="middle">{at:,}</text>'
    yield f'<text x="{(LEFT + right) / 2}" y="{bottom + 46}" text-anchor="middle">{escape(across)}</text>'
    ends = _apart({name: (x(line[-1][0]), y(line[-1][1])) for name, line in panel.lines.items() if line})
    for name, line in panel.lines.items():
        if line:
            yield from _line(name, [(x(at), y(value)) for at, value in line], ends[name])


def _line(name: str, line: Points, label: float) -> Iterator[str]:
    yield f'<g class="{name}"><path class="line" d="M' + "L".join(f"{x:.1f} {y:.1f}" for x, y in line) + '"/>'
    for x, y in line:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    end = line[-1][0]
    where = f'x="{end + 11:.1f}" y="{label + 5:.1f}"'
    if end < WIDTH - RIGHT:  # it ended early, where other lines may pass on its right
        where = f'x="{end:.1f}" y="{label - 11:.1f}" text-anchor="middle"'
    yield f'<text class="name halo" {where}>{escape(name)}</text></g>'


def _scale(values: list[float], start: float, end: float) -> Callable[[float], float]:
    """Where a value is drawn: the smallest at `start`, the largest at `end`, and others by their logarithm."""
    low, high = math.log10(min(values)), math.log10(max(values))
    return lambda value: start + (end - start) * (math.log10(value) - low) / (high - low or 1)


def _ticks(values: list[float]) -> list[float]:
    """1, 3, 10, 30 and so on: from the largest that isn't above any value to the smallest that isn't below any."""
    steps = [factor * 10.0**power for power in range(-6, 10) for factor in (1, 3)]
    first = max(step for step in steps if step <= min(values))
    last = min(step for step in steps if step >= max(values))
    return [step for step in steps if first <= step <= last]


def _apart(ends: dict[str, tuple[float, float]]) -> dict[str, float]:
    """The heights of the lines' names: at their last points, but a line of text apart where they end side by side."""
    heights: dict[str, float] = {}
    for name, (x, y) in sorted(ends.items(), key=lambda end: end[1][1]):
        beside = [height for other, height in heights.items() if ends[other][0] == x]
        heights[name] = max([y, *(height + 19 for height in beside)])
    return heights
