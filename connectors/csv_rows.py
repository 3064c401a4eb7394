"""The rows of a CSV file that somebody exported: whatever its letters, separator and line ends, or why it is none.
Pure: bytes in, numbered rows out, `Refused` with the line otherwise."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from connectors.base import Refused, TemporarilyUnavailable

MAX_BYTES = 50_000_000


def file_content(path: Path) -> bytes:
    """The whole file; TemporarilyUnavailable when it can't be read or is being written to, Refused beyond MAX_BYTES."""
    try:
        before = path.stat()
        content = path.read_bytes() if before.st_size <= MAX_BYTES else b""
        after = path.stat()
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise TemporarilyUnavailable(f"The file {path} can't be read: {reason}.") from problem
    if before.st_size > MAX_BYTES:
        raise Refused(f"It is larger than {MAX_BYTES // 1_000_000} MB.")
    if before.st_mtime_ns != after.st_mtime_ns or len(content) != after.st_size:
        raise TemporarilyUnavailable(f"The file {path} was being written to while it was read.")
    return content


def decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(content, "utf-16")
    if b"\x00" in content:
        raise Refused("The file is no text: save it as CSV (UTF-8) and try again.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decoded(content, "cp1252")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as problem:
        raise Refused("The file's letters can't be read: save it as CSV (UTF-8) and try again.") from problem


def lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of each row that is not blank, the header first."""
    if not text.strip():
        raise Refused("The file is empty.")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, [cell.strip() for cell in cells]
            begins = reader.line_num + 1
    except csv.Error as problem:
        raise Refused(f"The row that begins in line {begins} is no CSV: {problem}.") from problem


def _delimiter(text: str) -> str:
    header = next(line for line in text.splitlines() if line.strip())
    return max(",;\t", key=header.count)


def columns(line: int, header: list[str], known: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Where each known column stands, by any of its names; Refused when two columns have one meaning."""
    named = {alias: column for column, aliases in known.items() for alias in aliases}
    found: dict[str, int] = {}
    for place, title in enumerate(header):
        column = named.get(" ".join(title.casefold().split()))
        if column in found:
            raise Refused(f"The header in line {line} has two columns for {column}: {', '.join(header)}.")
        if column:
            found[column] = place
    return found


def header_words(header: list[str]) -> str:
    """The header's words, if words they are: the file may be another one, with a secret in its first line."""
    if len(header) > 1 and all(re.fullmatch(r"[^\W\d_][\w .-]{0,29}", title.strip()) for title in header):
        return f" Its columns are: {', '.join(header)}."
    return ""


def cells_of(line: int, cells: list[str], found: Mapping[str, int]) -> dict[str, str]:
    """What the row says in each known column; Refused for a row that is cut short."""
    if len(cells) <= max(found.values()):
        raise Refused(f"The row in line {line} is cut short: it has {len(cells)} columns, fewer than the header.")
    return {column: cells[place] for column, place in found.items()}
