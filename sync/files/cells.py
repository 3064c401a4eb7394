"""Lists as CSV (RFC 4180), line by line, with cells that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would execute a text that begins with one of these
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
    return f"'{cell}" if cell.startswith(FORMULA) else cell
