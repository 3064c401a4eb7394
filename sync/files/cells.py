"""Lists as CSV (RFC 4180), line by line, with cells that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime

# Where a spreadsheet would begin a formula: also after a semicolon or a line break, where many languages' Excel and
# Calc begin another cell, as they take quotes in the middle of one for text. Source: OWASP, CSV Injection.
FORMULA = re.compile(r"(^|[;\n]|\r(?!\n))(?=[\t\r]|[^\S\n\r]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
Cell = str | int | date | datetime | list[str] | None


def lines(columns: Iterable[str], rows: Iterable[Iterable[Cell]]) -> Iterator[str]:
    """The head and one line a row. Times are UTC, in ISO 8601; a list is joined with semicolons."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    yield _taken(text)
    for row in rows:
        writer.writerow([harmless(in_a_cell(cell)) for cell in row])
        yield _taken(text)


def _taken(text: io.StringIO) -> str:
    found = text.getvalue()
    text.seek(0)
    text.truncate()
    return found


def in_a_cell(value: Cell) -> str:
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='seconds')}Z"
    if isinstance(value, list):
        return "; ".join(value)
    return "" if value is None else str(value)


def harmless(cell: str) -> str:
    """The same, as text: with an apostrophe before what a spreadsheet would calculate."""
    return FORMULA.sub(r"\1'", cell)
