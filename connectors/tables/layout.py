"""Finds the rows of a file that are people, and skips a title above the header and totals below the last row. Skipped
rows are reported. A row that may be a person is never skipped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.base import Refused
from connectors.counts import plural
from connectors.tables.meanings import Purpose
from connectors.tables.words import meaning_of

SEARCHED = 20  # rows from the top in which the header must be
_TOTAL = re.compile(
    r"(grand |sub)?totals?\b|sum\b|summe\b|gesamt|count\b|number of\b|"
    r"\d+ (rows?|users?|members?|employees?|people|records?|results?)\b|\(\d+ rows? affected|"
    r"(report )?(generated|exported|printed|created|downloaded)\b|page \d+|end of (report|list|file)|confidential|"
    r"©|copyright\b|as of\b|\*|--",
    re.IGNORECASE,
)  # fmt: skip
NAMED = 20  # rows that are listed one by one


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file. `line`: the line in which it begins, counted from 1."""

    line: int
    cells: tuple[str, ...]


def names_known(cells: Sequence[str]) -> int:
    """How many of these cells are known column names."""
    return sum(1 for cell in cells if meaning_of(cell, Purpose.DIRECTORY) or meaning_of(cell, Purpose.APP))


def without_titles_and_totals(rows: Sequence[Row]) -> tuple[Row, list[Row], list[str]]:
    """(header, rows below it, sentences about what was skipped). Raises Refused when someone may be above the
    header."""
    place = _header_place(rows)
    header = rows[place]
    below, totals = list(rows[place + 1 :]), []
    while below and _is_total(below[-1]):
        totals.append(below.pop())
    totals.reverse()
    omitted = [f"Line {row.line}, above the header, was not read: {_short(row)}." for row in rows[:place]]
    omitted += [f"Line {row.line}, below the list, was not read: {_short(row)}." for row in totals[:NAMED]]
    if len(totals) > NAMED:
        more = plural(len(totals) - NAMED, "further row")
        omitted.append(f"Below the list, Rollcall didn't read {more} with totals.")
    return header, below, omitted


def _header_place(rows: Sequence[Row]) -> int:
    """The header: of the first rows, the one with the most known names, if only narrower titles are above it. Otherwise
    the first row."""
    top = [place for place, row in enumerate(rows[:SEARCHED]) if not any("@" in cell for cell in row.cells)]
    place = max(top, key=lambda place: (names_known(rows[place].cells), -place), default=0)
    above = rows[:place]
    if any(_filled(row) >= _filled(rows[place]) for row in above):
        return 0
    for row in above:
        if _filled(row) > 2 or any("@" in cell for cell in row.cells):
            raise Refused(f"The row in line {row.line} is above the header in line {rows[place].line}, and may belong "
                          "to the list. Remove all rows above the header.")
    return place


def _filled(row: Row) -> int:
    return sum(map(bool, row.cells))


def _is_total(row: Row) -> bool:
    """Whether the row is a total or the end of the list: it has a word for that, and otherwise only numbers."""
    first, *others = [cell for cell in row.cells if cell]
    return bool(_TOTAL.match(first)) and not any(map(str.isalpha, "".join(others))) and "@" not in first


def _short(row: Row) -> str:
    text = " ".join(cell for cell in row.cells if cell).rstrip(".")
    return text if len(text) <= 60 else f"{text[:59]}…"
