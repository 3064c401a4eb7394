"""Reads a spreadsheet (.xlsx) as rows: dates as dates, numbers as they are shown, formulas by their stored results.
Other zipped files, and old or locked workbooks, are refused by name."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime, time
from typing import Any

from connectors.base import Refused
from connectors.tables.choosing import MustChoose
from connectors.tables.layout import SEARCHED, Row, names_known

MAX_UNPACKED = 300_000_000  # bytes of all its parts
MAX_CELLS = 5_000_000
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
OTHERWISE = "Save it as .xlsx or as CSV (UTF-8) and try again."


def too_large() -> Refused:
    """The refusal of a file with more than MAX_CELLS cells."""
    return Refused(f"The file has more than {MAX_CELLS:,} cells. Split it, or leave out columns.")


def is_spreadsheet(content: bytes) -> bool:
    """Whether the content begins as a workbook of any program does."""
    return content.startswith((_ZIP, _OLE))


def read(content: bytes, chosen: str) -> tuple[list[Row], tuple[str, ...]]:
    """(rows of the sheet, sentences about the sheets that weren't read). `chosen` is the sheet someone chose, or "".

    Raises Refused if the file isn't a complete workbook, MustChoose if several sheets look like a list.
    """
    _refuse_others(content)
    book = _opened(content, results=True)
    try:
        found = {sheet.title: (sheet.sheet_state == "visible", _rows(sheet)) for sheet in book.worksheets}
    except Refused:
        raise
    except Exception as problem:  # whatever a damaged part makes openpyxl raise
        raise Refused(f"The spreadsheet is damaged: {type(problem).__name__}. {OTHERWISE}") from problem
    finally:
        book.close()
    title = _choose({name: rows for name, (visible, rows) in found.items() if visible and rows}, chosen)
    rows = found[title][1]
    _refuse_formulas_without_results(content, title, rows)
    others = [f"{name}{'' if visible else ' (hidden)'}" for name, (visible, rows) in found.items()
              if rows and name != title]  # fmt: skip
    note = f"The sheet {title} was read; not read: {', '.join(others)}."
    return rows, (note,) if others else ()


def _refuse_others(content: bytes) -> None:
    if content.startswith(_OLE):
        raise Refused(f"The file isn't text: it is an old workbook (.xls), or one with a password. {OTHERWISE}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.namelist()
            unpacked = sum(part.file_size for part in packed.infolist())  # a name may come twice
            damaged = unpacked <= MAX_UNPACKED and packed.testzip()
    except Exception as problem:  # whatever damaged bytes make zipfile and zlib raise
        raise Refused(f"The file is neither text nor a complete spreadsheet. {OTHERWISE}") from problem
    if unpacked > MAX_UNPACKED:
        raise Refused(f"The spreadsheet unpacks to more than {MAX_UNPACKED // 1_000_000} MB.")
    if damaged or "xl/workbook.xml" not in parts:
        what = "a damaged spreadsheet" if damaged else "packed, but no .xlsx"
        raise Refused(f"The file isn't text: it is {what}. {OTHERWISE}")


def _opened(content: bytes, results: bool) -> Any:
    from openpyxl import load_workbook  # here: it takes a tenth of a second, and most files are text

    try:
        return load_workbook(io.BytesIO(content), read_only=True, data_only=results, keep_links=False)
    except Exception as problem:
        raise Refused(f"The spreadsheet can't be opened: {type(problem).__name__}. {OTHERWISE}") from problem


def _rows(sheet: Any) -> list[Row]:
    sheet.reset_dimensions()  # what a file says of its size may be wrong
    rows, cells_read = [], 0
    for line, cells in enumerate(sheet.iter_rows(), 1):
        texts = [_text(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        cells_read += len(texts) + 1
        if cells_read > MAX_CELLS:
            raise too_large()
        if texts:
            rows.append(Row(line, tuple(texts)))
    width = max((len(row.cells) for row in rows), default=0)  # a row ends with its last filled cell: none is cut short
    if width * len(rows) > MAX_CELLS:
        raise too_large()
    return [Row(row.line, row.cells + ("",) * (width - len(row.cells))) for row in rows]


def _text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and re.fullmatch("0{2,20}", cell.number_format or ""):
        return str(value).zfill(len(cell.number_format))  # shown with leading zeros
    return str(value).strip()


def _choose(found: dict[str, list[Row]], chosen: str) -> str:
    if chosen in found:
        return chosen
    if not found:
        raise Refused("The file is empty.")
    lists = [title for title, rows in found.items()
             if len(rows) > 1 and any(names_known(row.cells) > 1 for row in rows[:SEARCHED])]  # fmt: skip
    if len(lists) > 1:
        raise MustChoose(f"The spreadsheet has more than one list: {', '.join(lists)}. Which sheet is it?", "sheet",
                         {title: f"{title}: {len(found[title]) - 1:,} rows" for title in lists})
    return (lists or list(found))[0]


def _refuse_formulas_without_results(content: bytes, title: str, rows: list[Row]) -> None:
    """A program that never calculated it leaves a formula without its result: the cell would seem to be empty."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = [part for part in packed.namelist() if part.startswith("xl/worksheets/") and part.endswith(".xml")]
        if not any(b"<f" in packed.read(part) for part in parts):
            return
    filled = {(row.line, place) for row in rows for place, cell in enumerate(row.cells) if cell}
    book = _opened(content, results=False)
    try:
        sheet = book[title]
        sheet.reset_dimensions()
        for line, cells in enumerate(sheet.iter_rows(), 1):
            for place, cell in enumerate(cells):
                if cell.data_type == "f" and (line, place) not in filled:
                    raise Refused(f"Line {line} has a formula whose result is not stored. Open the file in a "
                                  "spreadsheet program and save it, or save it as CSV (UTF-8).")
    finally:
        book.close()
