"""A file of rows as people really export them: bytes in, a table out with the lines it was read from.
A file that may be damaged or that can be read in two ways is refused, never half read and never guessed."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import dataclass

from connectors.base import Refused
from connectors.tables.encodings import decode
from connectors.tables.layout import between, header_place

MAX_CELLS = 5_000_000
_HANDED_OVER = "data:application/octet-stream;base64,"


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is where the row begins in the file, from 1."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """`header` names each column differently; `notes` are sentences about what wasn't read as a row."""

    line: int  # of the header
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    encoding: str = ""
    separator: str = ""


def as_setting(content: bytes) -> str:
    """A file's content as a value that a connector's settings can hold."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or text.startswith(_HANDED_OVER):
        return _HANDED_OVER + base64.b64encode(content).decode()
    return text


def content_of(setting: str) -> bytes:
    """The other way round."""
    if setting.startswith(_HANDED_OVER):
        return base64.b64decode(setting[len(_HANDED_OVER) :])
    return setting.encode()


def read(content: bytes, encoding: str = "", separator: str = "") -> Table:
    """The table in the file; `encoding` and `separator` are what somebody chose, "" for nobody did.

    Raises Refused for a damaged file, and Unclear (encodings.py) for one whose letters can be read in two ways.
    """
    text, encoding, notes = decode(content, encoding)
    if not text.strip():
        raise Refused("The file is empty.")
    separator = separator or _announced(text) or _separator(text)
    rows = _rows(_without_announcement(text), separator, 2 if _announced(text) else 1)
    if not rows:
        raise Refused("The file is empty.")
    place = header_place([row.cells for row in rows])
    header = rows[place]
    rows_below, told = between(rows, place)
    return Table(header.line, _unlike(header.cells), tuple(rows_below), (*notes, *told), encoding, separator)


def _announced(text: str) -> str:
    """The separator that the first line names, as Excel understands it: sep=;"""
    first = text.split("\n", 1)[0].strip("\r \"'")
    if first.casefold().startswith("sep=") and len(first) == 5:
        return first[4]
    return "\t" if first.casefold().rstrip() == "sep=" and "\t" in text.split("\n", 1)[0] else ""


def _without_announcement(text: str) -> str:
    return text.split("\n", 1)[1] if _announced(text) and "\n" in text else text


def _separator(text: str) -> str:
    header = next(line for line in text.splitlines() if line.strip())
    return max(",;\t", key=header.count)


def _rows(text: str, separator: str, begins: int) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    first, rows, cells_read = begins - 1, [], 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(begins, tuple(cell.strip() for cell in cells)))
                cells_read += len(cells)
            if cells_read > MAX_CELLS:
                raise Refused(f"It has more than {MAX_CELLS:,} cells.")
            begins = first + reader.line_num + 1
    except csv.Error as problem:
        raise Refused(f"The row that begins in line {begins} is no CSV: {problem}.") from problem
    return rows


def _unlike(cells: tuple[str, ...]) -> tuple[str, ...]:
    """The header with each name once: a second "Email" becomes "Email (2)", a column without a name "Column 3"."""
    names: list[str] = []
    for place, cell in enumerate(cells, 1):
        name = " ".join(cell.split()) or f"Column {place}"
        same = sum(1 for other in cells[: place - 1] if " ".join(other.split()).casefold() == name.casefold())
        names.append(f"{name} ({same + 1})" if same else name)
    return tuple(names)
