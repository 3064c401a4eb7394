"""Spreadsheets: Rollcall reads what a person sees in them, or refuses them."""

from __future__ import annotations

import io
import re
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from datetime import date, datetime

import pytest
from openpyxl import Workbook
from openpyxl.workbook.protection import WorkbookProtection

from connectors.base import Refused
from connectors.tables import sheets
from connectors.tables.files import read
from tests.connectors.tables.asking import accounts, asked, look, people

HEAD = ("Work Email", "Name", "Status", "Last day", "Employee ID")


def book(*sheets: tuple[str, list[tuple]], change: Callable[[Workbook], None] | None = None) -> bytes:
    """A workbook with these sheets."""
    made = Workbook()
    made.remove(made.active)
    for title, rows in sheets:
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    if change:
        change(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def repacked(content: bytes, **parts: bytes | None) -> bytes:
    """The workbook with other parts, by their names without folder and ending; None leaves one out."""
    return replaced(content, {name: parts[short] for name in names_in(content)
                              if (short := name.rsplit("/", 1)[-1].partition(".")[0]) in parts and ".rels" not in name})


def names_in(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return packed.namelist()


def replaced(content: bytes, parts: dict[str, bytes | None]) -> bytes:
    """The same, by their whole names."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as again:
        for name in packed.namelist():
            new = parts.get(name, packed.read(name))
            if new is not None:
                again.writestr(name, new)
    return out.getvalue()


STAFF = [HEAD, ("ana@x.example", "Ana", "Active", date(2027, 1, 31), 4711), ("bo@x.example", "Bo", "Left", None, 4712)]


def test_dates_are_dates_and_numbers_are_what_is_shown():
    ana, bo = people(book(("Staff", STAFF)))
    assert (ana.last_day, ana.employee_number, bo.status) == (date(2027, 1, 31), "4711", "deprovisioned")


def test_numbers_that_are_shown_with_leading_zeros_have_them():
    def as_shown(made: Workbook) -> None:
        for row in made["Staff"].iter_rows(min_row=2, min_col=5, max_col=5):
            row[0].number_format = "000000"

    assert [row.employee_number for row in people(book(("Staff", STAFF), change=as_shown))] == ["004711", "004712"]


def test_yes_and_no_and_times():
    rows = [("email", "Active", "Last login"), ("a@x.example", True, datetime(2026, 11, 3, 9, 30)),
            ("b@x.example", False, None)]  # fmt: skip
    first, second = accounts(book(("Users", rows)))
    assert (first.status, first.last_activity) == ("active", datetime(2026, 11, 3, 9, 30))
    assert second.status == "suspended"


def test_a_title_above_and_a_total_below():
    found = look(book(("Staff", [("Acme staff",), (), *STAFF, (), ("Total", 2)])))
    assert len(found.rows) == 2 and found.header_line == 3 and len(found.notes) == 2


def test_cells_at_the_end_of_a_row_may_be_empty():
    rows = [(*HEAD, "Desk"), ("ana@x.example", "Ana", "Active")]
    assert len(people(book(("Staff", rows)))) == 1


def test_the_other_sheets_are_named():
    def hide(made: Workbook) -> None:
        made["Old"].sheet_state = "hidden"

    found = look(book(("Read me", [("How to use this file",)]), ("Staff", STAFF), ("Old", STAFF), change=hide))
    assert len(found.rows) == 2
    assert found.notes == ("Rollcall read the sheet Staff. It didn't read: Read me, Old (hidden).",)


def test_two_lists_in_one_file_are_asked_about():
    """Who is on the other sheet would seem to have left."""
    content = book(("Berlin", STAFF), ("Paris", [HEAD, ("cy@x.example", "Cy", "Active", None, 4713)]))
    assert asked(look(content)) == ["sheet"]
    assert people(content, {"sheet": "Paris"})[0].email == "cy@x.example"


def test_a_formula_is_read_by_its_stored_result_and_refused_without_one():
    rows = [HEAD, ("ana@x.example", '="A"&"na"', "Active", None, 1)]
    with pytest.raises(Refused, match="Line 2 has a formula"):
        look(book(("Staff", rows)))
    content = book(("Staff", rows))
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        sheet = packed.read("xl/worksheets/sheet1.xml")
    stored = sheet.replace(b'<f>"A"&amp;"na"</f><v></v>', b'<f>"A"&amp;"na"</f><v>Ana</v>').replace(
        b'<f>"A"&amp;"na"</f><v />', b'<f>"A"&amp;"na"</f><v>Ana</v>')
    assert stored != sheet
    stored = stored.replace(b'<c r="B2"><f>', b'<c r="B2" t="str"><f>')
    assert people(repacked(content, sheet1=stored))[0].name == "Ana"


def test_the_size_that_a_file_states_is_not_trusted():
    content = book(("Staff", STAFF))
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        sheet = packed.read("xl/worksheets/sheet1.xml")
    assert b'ref="A1:E3"' in sheet
    for shown in (b'ref="A1:A1"', b'ref="A1:XFD1048576"'):
        assert len(people(repacked(content, sheet1=sheet.replace(b'ref="A1:E3"', shown)))) == 2


def test_a_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(sheets, "MAX_UNPACKED", 1_000_000)
    with pytest.raises(Refused, match="unpacks to more than"):
        look(repacked(book(("Staff", STAFF)), theme1=b"<a>" + b" " * 2_000_000 + b"</a>"))
    monkeypatch.setattr(sheets, "MAX_CELLS", 10)
    with pytest.raises(Refused, match="more than 10 cells"):
        look(book(("Staff", STAFF)))


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def sheet_of(rows: str) -> bytes:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'.encode()


def test_a_text_that_each_cell_repeats_is_refused(monkeypatch):
    """The file has it once. Each cell would be a copy without the blank at its end."""
    monkeypatch.setattr(sheets, "MAX_CHARACTERS", 50_000)
    content = book(("Staff", [("email", "name", "x" * 1_000 + " ")]))
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        row = re.search(rb"<row.*</row>", packed.read("xl/worksheets/sheet1.xml"))[0].decode()
    assert read(repacked(content, sheet1=sheet_of(row)), {})
    with pytest.raises(Refused, match="more than 50,000 characters"):
        read(repacked(content, sheet1=sheet_of(re.sub(r'r="[A-Z]*1"', "", row) * 60)), {})


def test_empty_cells_before_one_far_to_the_right_are_counted(monkeypatch):
    monkeypatch.setattr(sheets, "MAX_PASSED", 40_000)
    far = "".join(f'<row r="{line}"><c r="XFD{line}"/></row>' for line in range(1, 5))
    with pytest.raises(Refused, match="more than 5,000,000 cells"):
        read(repacked(book(("Staff", STAFF)), sheet1=sheet_of(far)), {})


def test_many_sheets_that_are_one_part_of_the_file_are_refused():
    content = book(*((f"S{number}", STAFF) for number in range(20)))
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        places = packed.read("xl/_rels/workbook.xml.rels")
    same = re.sub(rb"worksheets/sheet\d+\.xml", b"worksheets/sheet1.xml", places)
    rows = sheet_of("<row><c><v>1</v></c></row>" * 5_000)
    with pytest.raises(Refused, match="the same sheet many times"):
        read(replaced(repacked(content, sheet1=rows), {"xl/_rels/workbook.xml.rels": same}), {})


def test_a_text_that_does_not_end_is_refused():
    content = repacked(book(("Staff", STAFF)), sheet1=sheet_of(" " * 2_000_000))
    with pytest.raises(Refused, match="a text of more than 1,000,000 characters"):
        read(content, {})


@pytest.mark.parametrize("tag", ["<!--{}-->", '<row a="{}"/>', "<?x {}?>"])
def test_a_tag_that_does_not_end_is_refused(tag):
    """A file of 0.3 MB may have one of 300 MB, which would take more than an hour."""
    content = repacked(book(("Staff", STAFF)), sheet1=sheet_of(tag.format(" " * 1_500_000)))
    with pytest.raises(Refused, match="a tag of more than 100,000 bytes"):
        read(content, {})
    assert sheets.read(repacked(book(("Staff", STAFF)), sheet1=sheet_of(
        tag.format(" " * 50_000) + f'<row{" " * 250}><c t="inlineStr"><is><t>email</t></is></c></row>' * 5_000)), "")


def test_formulas_are_looked_for_without_a_whole_part_in_memory():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("sheet", b" " * 20_000_000)
    with zipfile.ZipFile(out) as packed:
        tracemalloc.start()
        try:
            assert not sheets._has_formula(packed, "sheet")
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_formula_without_a_result_is_found_between_two_pieces(monkeypatch, before):
    """The piece may end before, inside or after the two letters that are looked for."""
    content = book(("Staff", [HEAD, ("=A1", "Ana")]))
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        place = packed.read("xl/worksheets/sheet1.xml").index(b"<f")
    monkeypatch.setattr(sheets, "CHUNK", place + before)
    with pytest.raises(Refused, match="has a formula whose result is not stored"):
        sheets.read(content, "")


def test_a_part_that_comes_many_times_is_refused_before_it_is_unpacked(monkeypatch):
    """Each of them has 76 bytes in the file, and the last would be unpacked for each: hours for a file of 32 MB."""
    out = io.BytesIO(book(("Staff", STAFF)))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for content in (b"", b" " * 1_000_000):
            packed.writestr("docProps/custom.xml", content)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_, **__: pytest.fail("a part is unpacked"))
    with pytest.raises(Refused, match="two parts of the same name"):
        read(out.getvalue(), {})


def test_a_picture_may_have_a_long_tag(monkeypatch):
    """An SVG image holds another one in an attribute. Rollcall reads none of it."""
    monkeypatch.setattr(sheets, "SMALL", 10_000)
    out = io.BytesIO(book(("Staff", STAFF)))
    with zipfile.ZipFile(out, "a") as packed:
        packed.writestr("xl/media/image1.svg", f'<svg><image href="{"x" * 150_000}"/></svg>')
    assert len(people(out.getvalue())) == 2


def test_a_file_of_many_empty_parts_is_refused_before_they_are_listed(monkeypatch):
    """300,000 of them took 6 seconds and 381 MB."""
    monkeypatch.setattr(sheets, "MAX_PARTS", 100)
    out = io.BytesIO(book(("Staff", STAFF)))
    with zipfile.ZipFile(out, "a") as packed:
        for number in range(100):
            packed.writestr(f"xl/media/{number}", b"")
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("the parts are listed"))
    with pytest.raises(Refused, match="more than 100 parts"):
        read(out.getvalue(), {})


@pytest.mark.parametrize("rows", [
    "<row>{}</row>", "<row/><row><c>{}</c></row>", "</sheetData><mergeCells>{}</mergeCells><sheetData>",
])  # fmt: skip
def test_a_row_that_does_not_end_is_refused(monkeypatch, rows: str):
    monkeypatch.setattr(sheets, "SMALL", 10_000)
    monkeypatch.setattr(sheets, "MAX_INSIDE", 4_000)
    with pytest.raises(Refused, match="more than 4,000 parts"):
        read(repacked(book(("Staff", STAFF)), sheet1=sheet_of(rows.format("<c/>" * 5_000))), {})
    many = sheet_of("".join(f"<row>{'<c><v>1</v></c>' * 50}</row>" for _ in range(500)))
    assert read(repacked(book(("Staff", STAFF)), sheet1=many), {})


def test_a_part_beside_the_cells_is_small(monkeypatch):
    monkeypatch.setattr(sheets, "MAX_WHOLE", 1_000_000)
    with pytest.raises(Refused, match="beside its cells"):
        read(repacked(book(("Staff", STAFF)), styles=b"<a/>" * 300_000), {})


def test_entities_that_grow_are_refused():
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY l0 "lol">{lol}]><worksheet>&l8;</worksheet>'
    with pytest.raises(Refused, match="damaged|opened"):
        look(repacked(book(("Staff", STAFF)), sheet1=bomb.encode()))


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9, 0.99])
def test_a_workbook_cut_short_is_refused(keep):
    content = book(("Staff", STAFF * 50))
    with pytest.raises(Refused, match="isn't text|neither text"):
        read(content[: int(len(content) * keep)], {})


def test_a_damaged_part_is_refused():
    content = book(("Staff", STAFF))
    with pytest.raises(Refused, match="damaged|opened"):
        look(repacked(content, sheet1=b"<worksheet><sheetData><row r='1'><c"))
    with pytest.raises(Refused, match="isn't text|neither text"):
        look(repacked(content, workbook=None))
    broken = bytearray(content)
    broken[len(content) // 2] ^= 0xFF
    try:
        assert len(people(bytes(broken))) == 2, "the damage is in a part that doesn't matter"
    except Refused as refused:
        assert str(refused)


def test_other_files_that_come_packed_are_named():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("content.xml", "<x/>")
    with pytest.raises(Refused, match="packed, but not an .xlsx"):
        look(out.getvalue())
    with pytest.raises(Refused, match="old workbook .*, or one with a password"):
        look(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))


def test_a_workbook_that_is_only_protected_against_changes_is_read():
    def protect(made: Workbook) -> None:
        made.security = WorkbookProtection(workbookPassword="x", lockStructure=True)

    assert len(people(book(("Staff", STAFF), change=protect))) == 2


def test_an_empty_workbook_is_refused():
    with pytest.raises(Refused, match="empty"):
        look(book(("Staff", [])))
