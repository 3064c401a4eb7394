"""Lists of people as files, CSV and .xlsx, that are nearly right, and answers about their columns.
Each is read, asked about or refused; never half read, never a fault of ours."""

from __future__ import annotations

import io
import json
from datetime import date
from functools import cache
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import Workbook

from connectors.base import ConnectorError
from connectors.tables import answered, propose, rows_of
from connectors.tables.mapping import from_json
from connectors.tables.meanings import Purpose
from tests.fuzz.odd import fuzzed, nearly, nearly_bytes, odd_scalars, odd_texts, odd_values

TODAY = date(2026, 11, 25)
FILES = sorted((Path(__file__).resolve().parents[1] / "files").glob("*.csv"))
PURPOSES = st.sampled_from([purpose.value for purpose in Purpose])
HEADERS = (
    "email",
    "E-Mail",
    "name",
    "First name",
    "Last name",
    "status",
    "Active",
    "Left on",
    "last day",
    "start date",
    "groups",
    "manager",
    "department",
    "employee number",
    "user name",
    "role",
    "id",
    "Notes",
    "",
    "email",
)
CELLS = (
    "ana@acme.example",
    "a@acme.example; b@acme.example",
    "Ana Novak",
    "active",
    "left",
    "yes",
    "no",
    "1",
    "0",
    "31.12.2026",
    "12/31/2026",
    "03/04/2026",
    "2026-11-01",
    "2026-11-01T10:00:00Z",
    "45000",
    "SMTP:ana@acme.example",
    "#REF!",
    "=1+1",
    "Total",
    "TRUE",
    "-",
    "n/a",
)
cells = st.sampled_from(CELLS) | odd_texts
headers = st.sampled_from(HEADERS) | odd_texts
grids = st.tuples(st.lists(headers, min_size=1, max_size=6), st.lists(st.lists(cells, max_size=7), max_size=6))


def as_csv(grid: tuple, separator: str, encoding: str, quoted: bool) -> bytes:
    lines = [separator.join(f'"{cell}"' if quoted else cell for cell in row) for row in (grid[0], *grid[1])]
    return "\r\n".join(lines).encode(encoding, "replace")


made = st.builds(
    as_csv,
    grids,
    st.sampled_from((",", ";", "\t", "|", ", ")),
    st.sampled_from(("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "mac-roman")),
    st.booleans(),
)
files = (
    nearly_bytes(st.sampled_from(FILES).map(Path.read_bytes)) | nearly_bytes(made, 2) | made | st.binary(max_size=200)
)


def sheet(rows: list[list], titles: list[str]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for title in titles:
        tab = book.create_sheet(title)
        for row in rows:
            tab.append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


@cache
def _real() -> bytes:
    return (FILES[0].parent / "workday-workers.xlsx").read_bytes()


sheet_cells = st.one_of(
    st.sampled_from(CELLS),
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False),
    st.dates(),
    st.datetimes(),
    st.times(),
)
books = st.builds(
    sheet,
    st.lists(st.lists(sheet_cells, max_size=5), max_size=5),
    st.sampled_from((["Staff"], ["Staff", "Old"], ["A", "B", "C"])),
)


def looked_at(content: bytes, purpose: str, mapping: str, answers: dict[str, str]) -> None:
    """As a page does it: propose, answer, read."""
    try:
        found = propose(content, purpose, mapping, TODAY)
        for question in found.questions[:5]:
            assert question.key and question.choices is not None
            for choice in question.choices[:2]:
                answers = {question.key: choice.answer, **answers}
        again = propose(content, purpose, answered(purpose, mapping, answers), TODAY)
        rows = rows_of(again)
    except ConnectorError as refused:
        assert 0 < len(str(refused)) < 5000
        return
    assert len(rows) <= content.count(b"\n") + content.count(b"\r") + 100_000


@fuzzed
@given(content=files, purpose=PURPOSES, answers=st.dictionaries(odd_texts, odd_texts, max_size=2))
def test_csv(content, purpose, answers):
    looked_at(content, purpose, "", answers)


@fuzzed
@given(content=books | nearly_bytes(books) | nearly_bytes(st.builds(_real)), purpose=PURPOSES)
def test_workbooks(content, purpose):
    looked_at(content, purpose, "", {})


MAPPINGS = (
    {"version": 1, "columns": {"email": "email", "Status": "status"}, "values": {"Status": {"left": "left"}}},
    {
        "version": 1,
        "columns": {},
        "roles": {"Role": {"x": "y"}},
        "decisions": {"separator": ";", "encoding": "utf-8"},
        "open": [],
    },
)
GOOD = b"email,Status,Left on\r\nana@acme.example,active,\r\nleo@acme.example,left,01/02/2026\r\n"


@fuzzed
@given(
    mapping=nearly(st.sampled_from(MAPPINGS)).map(json.dumps) | odd_values.map(json.dumps) | odd_texts, purpose=PURPOSES
)
@example(mapping="[" * 100_000, purpose="directory")
@example(mapping="1" * 10_000, purpose="app")
def test_mappings(mapping, purpose):
    try:
        from_json(mapping, Purpose(purpose))
    except ConnectorError as refused:
        assert str(refused)
    looked_at(GOOD, purpose, mapping, {})


KEYS = st.builds(
    "{}:{}".format,
    st.sampled_from(("column", "missing", "needed", "value", "role", "separator", "dates", "")),
    st.sampled_from(("email", "Status", '["Status", "left"]', "[1, 2]", "[]", "[[], {}]", "x", "[" * 100_000, ""))
    | odd_texts,
)


@fuzzed
@given(
    purpose=PURPOSES,
    key=odd_texts | KEYS,
    value=odd_scalars.map(str) | st.sampled_from(("email", "left", "status", "dmy")),
)
def test_answers(purpose, key, value):
    looked_at(GOOD, purpose, "", {key: value})
