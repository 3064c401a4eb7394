"""Reads a spreadsheet (.xlsx) as rows: dates as dates, numbers as they are shown, formulas by their stored results.
Other zipped files, and old or locked workbooks, are refused by name."""

from __future__ import annotations

import io
import re
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import IO, Any
from xml.parsers import expat

from connectors.base import Refused
from connectors.counts import plural
from connectors.tables.choosing import MustChoose
from connectors.tables.layout import SEARCHED, Row, names_known

MAX_UNPACKED = 300_000_000  # bytes of all its parts
MAX_PARTS = 10_000  # files in the zip: each costs a kilobyte of memory before it is opened, even an empty one
MAX_CELLS = 5_000_000
MAX_CHARACTERS = 100_000_000  # of all cells: each of them may have the same long text, which the file has once
MAX_PASSED = 20_000_000  # cells, with the empty ones before the last of a row: those cost the file nothing
MOST_TIMES = 3  # that a part is unpacked: openpyxl does it once for a sheet's size and once for its rows
MAX_INSIDE = 200_000  # elements of a row or a text, which openpyxl makes objects of at once
MAX_TEXT = 1_000_000  # characters between two tags; Excel's longest cell has 32,767
MAX_TAG = 100_000  # bytes of a tag or comment: expat before 2.6 begins it again with each piece that it gets
SMALL = 1_000_000  # bytes of a part that can't have many
CHUNK = 65_536  # bytes
MAX_WHOLE = 10_000_000  # bytes of a part that openpyxl makes objects of at once: all but rows and texts
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_LISTED = b"PK\x01\x02"  # begins each entry in a zip's list of its parts
OTHERWISE = "Save it as .xlsx or as CSV (UTF-8) and try again."


def too_large() -> Refused:
    """The refusal of a file with more than MAX_CELLS cells."""
    return Refused(f"The file has more than {MAX_CELLS:,} cells. Split it, or leave out columns.")


def is_spreadsheet(content: bytes) -> bool:
    """Whether the content begins like a workbook of any program."""
    return content.startswith((_ZIP, _OLE))


def read(content: bytes, chosen: str) -> tuple[list[Row], tuple[str, ...]]:
    """(rows of the sheet, sentences about the sheets that weren't read). `chosen` is the sheet someone chose, or "".

    Raises Refused if the file isn't a complete workbook, MustChoose if several sheets look like a list.
    """
    _refuse_others(content)
    book = _opened(content, results=True)
    read = _Read()
    try:
        found = {sheet.title: (sheet.sheet_state == "visible", _rows(sheet, read)) for sheet in book.worksheets}
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
    note = f"Rollcall read the sheet {title}. It didn't read: {', '.join(others)}."
    return rows, (note,) if others else ()


def _refuse_others(content: bytes) -> None:
    if content.startswith(_OLE):
        raise Refused(f"The file isn't text: it is an old workbook (.xls), or one with a password. {OTHERWISE}")
    if content.count(_LISTED) > MAX_PARTS:
        raise Refused(f"The spreadsheet has more than {MAX_PARTS:,} parts. {OTHERWISE}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.namelist()
            _refuse_repeated(parts)
            unpacked = sum(part.file_size for part in packed.infolist())
            damaged = unpacked <= MAX_UNPACKED and packed.testzip()
    except Refused:
        raise
    except Exception as problem:  # whatever damaged bytes make zipfile and zlib raise
        raise Refused(f"The file is neither text nor a complete spreadsheet. {OTHERWISE}") from problem
    if unpacked > MAX_UNPACKED:
        raise Refused(f"The spreadsheet unpacks to more than {MAX_UNPACKED // 1_000_000} MB.")
    if damaged or "xl/workbook.xml" not in parts:
        what = "a damaged spreadsheet" if damaged else "packed, but not an .xlsx file"
        raise Refused(f"The file isn't text: it is {what}. {OTHERWISE}")


def _refuse_repeated(parts: list[str]) -> None:
    """No program writes a name twice. A part is opened by its name, so the last one would be unpacked for each."""
    if len(set(parts)) < len(parts):
        raise Refused(f"The spreadsheet has two parts of the same name. {OTHERWISE}")


def _refuse_wide(content: IO[bytes]) -> None:
    """Raises Refused for a row, or a text with its parts, that never seems to end."""
    parser = expat.ParserCreate()
    depth, inside, is_rows, characters, given = 0, 0, False, 0, 0

    def begin(name: str, _: dict[str, str]) -> None:
        nonlocal depth, inside, is_rows, characters
        depth, characters = depth + 1, 0
        if depth == 2:
            is_rows = name.rpartition(":")[2] == "sheetData"
        inside = 1 if depth == 2 or depth == 3 and is_rows else inside + 1
        if inside > MAX_INSIDE:
            raise Refused(f"The spreadsheet has a row of more than {MAX_INSIDE:,} parts. {OTHERWISE}")

    def end(_: str) -> None:
        nonlocal depth, characters
        depth, characters = depth - 1, 0

    def text(piece: str) -> None:
        nonlocal characters
        characters += len(piece)
        if characters > MAX_TEXT:
            raise Refused(f"The spreadsheet has a text of more than {MAX_TEXT:,} characters. {OTHERWISE}")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, end, text
    parser.buffer_text = True
    with suppress(expat.ExpatError):
        while piece := content.read(CHUNK):
            parser.Parse(piece)
            given += len(piece)
            if given - parser.CurrentByteIndex > MAX_TAG:
                raise Refused(f"The spreadsheet has a tag of more than {MAX_TAG:,} bytes. {OTHERWISE}")


class _Unpacked(zipfile.ZipFile):
    """Unpacks each part a few times at most: any number of sheets may be the same part. A part that may have too much
    at once is looked through before it is first unpacked. openpyxl never opens pictures, so they may have anything."""

    def __init__(self, file: io.BytesIO):
        super().__init__(file)
        self._left = MOST_TIMES * sum(part.file_size for part in self.infolist())
        self._looked_through: set[str] = set()

    def open(self, name: str | zipfile.ZipInfo, *more: Any, **named: Any) -> Any:
        part = name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name)
        if part.file_size > SMALL and part.filename not in self._looked_through:
            self._looked_through.add(part.filename)
            with super().open(part) as content:
                _refuse_wide(content)
        self._left -= part.file_size
        if self._left < 0:
            raise Refused(f"The spreadsheet has the same sheet many times. {OTHERWISE}")
        return super().open(name, *more, **named)

    def read(self, name: str, pwd: bytes | None = None) -> bytes:
        if self.getinfo(name).file_size > MAX_WHOLE:
            raise Refused(f"The spreadsheet has more than {MAX_WHOLE // 1_000_000} MB beside its cells. {OTHERWISE}")
        return super().read(name, pwd)


def _opened(content: bytes, results: bool) -> Any:
    from openpyxl.reader.excel import ExcelReader  # here: it takes a tenth of a second, and most files are text

    try:
        reader = ExcelReader(io.BytesIO(content), read_only=True, data_only=results, keep_links=False)
        reader.archive = _Unpacked(io.BytesIO(content))
        reader.read()
        return reader.wb
    except Refused:
        raise
    except Exception as problem:
        raise Refused(f"The spreadsheet can't be opened: {type(problem).__name__}. {OTHERWISE}") from problem


@dataclass
class _Read:
    """How much of a file was read, in all sheets."""

    cells: int = 0
    passed: int = 0
    characters: int = 0

    def count(self, cells: int, passed: int = 0, characters: int = 0) -> None:
        """Raises Refused once it is too much."""
        self.cells += cells
        self.passed += passed
        self.characters += characters
        if self.cells > MAX_CELLS or self.passed > MAX_PASSED:
            raise too_large()
        if self.characters > MAX_CHARACTERS:
            raise Refused(f"The cells have more than {MAX_CHARACTERS:,} characters. Leave out columns.")


def _rows(sheet: Any, read: _Read) -> list[Row]:
    sheet.reset_dimensions()  # the size that a file states may be wrong
    rows = []
    for line, cells in enumerate(sheet.iter_rows(), 1):
        read.count(0, passed=len(cells), characters=sum(len(cell.value) for cell in cells if type(cell.value) is str))
        texts = [_text(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        read.count(len(texts) + 1)
        if texts:
            rows.append(Row(line, tuple(texts)))
    width = max((len(row.cells) for row in rows), default=0)  # a row ends with its last filled cell: none is cut short
    read.count(sum(width - len(row.cells) for row in rows))
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
        raise MustChoose(f"The spreadsheet has more than one list: {', '.join(lists)}. Choose the sheet to read.",
                         "sheet", {title: f"{title}: {plural(len(found[title]) - 1, 'row')}" for title in lists})
    return (lists or list(found))[0]


def _has_formula(packed: zipfile.ZipFile, part: str) -> bool:
    """In pieces, as the part may have hundreds of megabytes that are a few in the file."""
    before = b""
    with packed.open(part) as content:
        while piece := content.read(CHUNK):
            if b"<f" in before + piece:
                return True
            before = piece[-1:]
    return False


def _refuse_formulas_without_results(content: bytes, title: str, rows: list[Row]) -> None:
    """A program that never calculated a formula stores no result: the cell would seem to be empty."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = [part for part in packed.namelist() if part.startswith("xl/worksheets/") and part.endswith(".xml")]
        if not any(_has_formula(packed, part) for part in parts):
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
