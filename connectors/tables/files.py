"""Reads a file of rows as people really export it: from bytes to a table with line numbers.
A file that may be damaged, or that can be read in two ways, is refused. It is never read in part, and nothing is
guessed."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.base import Refused
from connectors.tables import sheets
from connectors.tables.encodings import decode
from connectors.tables.layout import Row, names_known, without_titles_and_totals

SEPARATORS = ",;\t|"
SAMPLE = 200_000  # characters used to detect the separator
SAMPLE_ROWS = 100
MAX_COLUMNS = 1000  # each is compared with all others
csv.field_size_limit(1_000_000)
_HANDED_OVER = "data:application/octet-stream;base64,"


@dataclass(frozen=True)
class Table:
    """A table. `header`: the names of the columns, all different. `notes`: sentences about skipped rows."""

    line: int  # of the header
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    encoding: str = ""  # "" for a spreadsheet
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
    """The content of a file, from the text that as_setting() made of it."""
    if setting.startswith(_HANDED_OVER):
        return base64.b64decode(setting[len(_HANDED_OVER) :])
    return setting.encode()


def read(content: bytes, chosen: Mapping[str, str]) -> Table:
    """The table in the file. `chosen`: a person's answers about the file as a whole: encoding, separator, sheet.

    Raises Refused for a damaged file, and MustChoose (choosing.py) for one that can be read in two ways.
    """
    if sheets.is_spreadsheet(content):
        rows, notes = sheets.read(content, chosen.get("sheet", ""))
        return _table(rows, notes)
    text, encoding = decode(content, chosen.get("encoding", ""))
    if not text.strip():
        raise Refused("The file is empty.")
    announced, text = _announced(text)
    separator = chosen.get("separator") or announced or _separator(text)
    if len(separator) != 1 or separator in '"\r\n':
        raise Refused(f"{separator!r} can't separate columns.")
    return _table(_rows(text, separator, 2 if announced else 1), (), encoding, separator)


def _table(rows: list[Row], notes: tuple[str, ...], encoding: str = "", separator: str = "") -> Table:
    if not rows:
        raise Refused("The file is empty.")
    widest = max(len(row.cells) for row in rows)
    if widest > MAX_COLUMNS:
        raise Refused(f"The file has {widest:,} columns. A list of people or accounts may have "
                      f"{MAX_COLUMNS:,} at most.")
    header, below, omitted = without_titles_and_totals(rows)
    return Table(header.line, _unlike(header.cells), tuple(below), (*notes, *omitted), encoding, separator)


def _announced(text: str) -> tuple[str, str]:
    """The separator that the first line names, as Excel understands it (sep=;), and what comes below."""
    first, _, below = text.partition("\n")
    word = first.rstrip("\r").strip('"')
    if word[:4].casefold() == "sep=" and len(word) == 5:
        return word[4], below
    return "", text


def _separator(text: str) -> str:
    """The separator that gives the header the most known names. Of several, the one that makes the most rows as wide as
    the first."""

    def score(separator: str) -> tuple:
        rows = _sample(text[:SAMPLE], separator)
        if not rows:
            return 0, 0, 0, -SEPARATORS.index(separator)
        width = len(rows[0])
        same = sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0
        return max(map(names_known, rows[:20])), same, width, -SEPARATORS.index(separator)

    return max(SEPARATORS, key=score)


def _sample(text: str, separator: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if any(cell.strip() for cell in cells):
                rows.append(cells)
            if len(rows) >= SAMPLE_ROWS:
                break
    except csv.Error:
        pass
    return rows


def _rows(text: str, separator: str, begins: int) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    above, rows, cells_read = begins - 1, [], 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(begins, tuple(cell.strip() for cell in cells)))
                cells_read += len(cells)
            if cells_read > sheets.MAX_CELLS:
                raise sheets.too_large()
            begins = above + reader.line_num + 1
    except csv.Error as problem:
        raise Refused(f"The row that begins in line {begins} isn't CSV: {problem}.") from problem
    return rows


def _unlike(cells: tuple[str, ...]) -> tuple[str, ...]:
    """The header with each name once: a second "Email" becomes "Email (2)", a column without a name "Column 3"."""
    names: list[str] = []
    known: set[str] = set()
    for place, cell in enumerate(cells, 1):
        plain = name = " ".join(cell.split()) or f"Column {place}"
        number = 1
        while name.casefold() in known:
            number += 1
            name = f"{plain} ({number})"
        known.add(name.casefold())
        names.append(name)
    return tuple(names)
