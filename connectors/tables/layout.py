"""Which rows of a file are people: without the title above the header and the totals below the last row.
What is skipped is named; a row that may be somebody is never skipped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from connectors.base import Refused
from connectors.tables.meanings import Purpose
from connectors.tables.words import looks_like, meaning_of

SEARCHED = 20  # rows from the top in which the header must be
_TOTAL = re.compile(
    r"(grand |sub)?totals?\b|sum\b|summe\b|gesamt|count\b|"
    r"\d+ (rows?|users?|members?|employees?|people|records?|results?)\b|"
    r"number of\b|generated\b|exported\b|report\b|page \d+|end of\b|confidential|©|copyright|printed\b|as of\b|"
    r"\(?\d+ (rows?|records?) affected",
    re.IGNORECASE,
)  # fmt: skip


class HasCells(Protocol):
    line: int
    cells: tuple[str, ...]


def header_place(rows: Sequence[tuple[str, ...]]) -> int:
    """Which row names the columns: the one of the first rows that has most names that are known, else the first."""
    def known(cells: tuple[str, ...]) -> int:
        return sum(1 for cell in cells if meaning_of(cell, Purpose.DIRECTORY) or meaning_of(cell, Purpose.APP)
                   or looks_like(cell) and len(cells) > 1 and len(cell) < 40)  # fmt: skip

    candidates = rows[:SEARCHED]
    return max(range(len(candidates)), key=lambda place: (known(candidates[place]), -place))


def between(rows: Sequence[HasCells], place: int) -> tuple[list[HasCells], list[str]]:
    """The rows below the header, without totals, and what was skipped, in sentences. Raises Refused when somebody
    may be above the header."""
    for row in rows[:place]:
        if any("@" in cell for cell in row.cells) or sum(map(bool, row.cells)) > 2:
            raise Refused(f"The row in line {row.line} is above the header in line {rows[place].line}, and may be one "
                          "of the list. Remove what is above the header.")
    told = [f"Above the header, line {row.line} was not read: {_short(row)}." for row in rows[:place]]
    below = list(rows[place + 1 :])
    below = [row for row in below if row.cells != rows[place].cells] if below else below
    skipped = []
    while below and _is_total(below[-1], rows[place]):
        skipped.append(below.pop())
    return below, [*told, *(f"Below the list, line {row.line} was not read: {_short(row)}." for row in skipped[::-1])]


def _is_total(row: HasCells, header: HasCells) -> bool:
    filled = [cell for cell in row.cells if cell]
    if any("@" in cell for cell in filled) or len(filled) > max(2, len(header.cells) // 2):
        return False
    return bool(filled and _TOTAL.match(filled[0]))


def _short(row: HasCells) -> str:
    text = " ".join(cell for cell in row.cells if cell)
    return text if len(text) <= 60 else f"{text[:59]}…"
