"""The CSV directory: every way in which a file can be written, and in which it can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.base import DirectoryPerson, Refused, TemporarilyUnavailable
from connectors.directories.csv_file import CsvDirectory


def people(tmp_path: Path, content: str | bytes) -> list[DirectoryPerson]:
    file = tmp_path / "staff.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(CsvDirectory({"file": str(file)}).people())


def test_every_column_is_understood(tmp_path):
    [ana, bo] = people(
        tmp_path,
        "email,name,status,groups,employee_number,further_emails\n"
        "Ana@acme.example,Ana López,active,Sales;Berlin,17,ana.lopez@acme.example|al@acme.example\n"
        "bo@acme.example,Bo,left,,,\n",
    )
    assert ana == DirectoryPerson(
        id="17", email="Ana@acme.example", name="Ana López", status="active", user_name="Ana@acme.example",
        further_emails=("ana.lopez@acme.example", "al@acme.example"), employee_number="17",
        groups=("Sales", "Berlin"),
    )  # fmt: skip
    assert (bo.id, bo.status, bo.groups) == ("bo@acme.example", "deprovisioned", ())


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(tmp_path, delimiter, newline):
    content = newline.join(delimiter.join(row) for row in (("name", "email"), ("Ana", "ana@acme.example"))) + newline
    assert [(person.name, person.email) for person in people(tmp_path, content)] == [("Ana", "ana@acme.example")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings(tmp_path, encoding):
    [person] = people(tmp_path, "email,name\nana@acme.example,Ana Müller-López\n".encode(encoding))
    assert person.name == "Ana Müller-López"


def test_a_quoted_newline_and_a_quoted_delimiter_are_part_of_a_cell(tmp_path):
    [ana, _] = people(
        tmp_path, 'email,name,groups\nana@acme.example,"López, Ana","Sales\nBerlin"\nbo@acme.example,Bo,\n'
    )
    assert (ana.name, ana.groups) == ("López, Ana", ("Sales", "Berlin"))


def test_header_names_are_read_in_any_case_and_unknown_columns_are_left_alone(tmp_path):
    [ana] = people(tmp_path, "Dept, E-Mail ,FULL NAME\nx,ana@acme.example,Ana\n")
    assert (ana.email, ana.name, ana.status) == ("ana@acme.example", "Ana", "active")


def test_blank_lines_are_no_people(tmp_path):
    assert len(people(tmp_path, "\nemail\n\nana@acme.example\n\n\n")) == 1


def test_the_id_of_someone_without_a_number_is_the_normal_address(tmp_path):
    assert people(tmp_path, "email\nANA@Acme.Example\n")[0].id == "ana@acme.example"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("  \n \n", "empty"),
        ("email,name\n", "lists nobody"),
        ("name,mailbox\nAna,ana@acme.example\n", "no column named email"),
        ("email,mail\na@x.example,b@x.example\n", "More than one column may be the email"),
        ("email,name\nana@acme.example,Ana\nANA@acme.example,Ana\n", "Lines 2 and 3"),
        ("email,further_emails\nana@acme.example,\nbo@acme.example,ana@acme.example\n", "Lines 2 and 3"),
        ("email,employee_number\nana@acme.example,7\nbo@acme.example,7\n", "employee number 7"),
        ("email,name\nana@acme.example,Ana\n,Bo\n", "line 3"),
        ("email,name\nnot an address,Bo\n", "not an address"),
        ("email,further_emails\nana@acme.example,nonsense\n", "nonsense"),
        ("email,status\nana@acme.example,maybe\n", "maybe"),
        ("email,name,status\nana@acme.example,Ana,active\nbo@acme.ex", "line 3 is cut short"),
        ('email,name\nana@acme.example,"Ana\nbo@acme.example,Bo\n', "line 2"),
        (b"email\x00,name\nana@acme.example,Ana\n", "isn't text"),
        (b"PK\x03\x04\x14\x00\x00\x00", "neither text"),
        (b"email\nana\x81@acme.example\n", "letters"),
    ],
)
def test_a_file_that_may_be_damaged_is_refused_and_says_where(tmp_path, content, words):
    with pytest.raises(Refused, match=words) as refused:
        people(tmp_path, content)
    assert "staff.csv" in str(refused.value)


def test_the_line_number_counts_the_newlines_in_cells():
    with pytest.raises(Refused, match="Lines 2 and 5"):
        list(CsvDirectory({"text": 'email,name\nana@acme.example,"A\n\nB"\nana@acme.example,Ana\n'}).people())


def test_a_file_that_is_not_there_may_come_back(tmp_path):
    with pytest.raises(TemporarilyUnavailable, match="No such file"):
        list(CsvDirectory({"file": str(tmp_path / "none.csv")}).people())
    with pytest.raises(TemporarilyUnavailable, match="directory"):
        list(CsvDirectory({"file": str(tmp_path)}).people())
    with pytest.raises(TemporarilyUnavailable):
        list(CsvDirectory({"file": "a\0b"}).people())


def test_test_shows_how_many_people_it_sees(tmp_path):
    file = tmp_path / "staff.csv"
    file.write_text("email\nana@acme.example\nbo@acme.example\n")
    assert CsvDirectory({"file": str(file)}).test().name == "2 people in staff.csv"
