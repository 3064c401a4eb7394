"""Rows of a TEMP table are stored as they were given, although a column that all of them have as usual isn't bound."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sync.db import db
from sync.problems import UnusableReading
from sync.sqlite_file import TOGETHER
from sync.staging import tables
from sync.staging.check import STAGED_ACCOUNT, STAGED_ROLE, STAGED_SAME
from sync.states import AccountStatus

USUAL = dict(STAGED_ACCOUNT.usual)
OTHER = {name: 7 if type(value) is int else "other" for name, value in USUAL.items()}


@pytest.fixture(autouse=True)
def staged(home):
    with tables.created(STAGED_ACCOUNT, STAGED_ROLE):
        yield


def row(external_id: str, **others: object) -> tuple:
    given = {"external_id": external_id, "last_activity": "2026-11-01 08:00:00"}
    values = dict.fromkeys(STAGED_ACCOUNT.names, "x") | USUAL | given | others
    return tuple(values.values())


def stored() -> list[tuple]:
    return db.execute_sql("SELECT * FROM staged_account ORDER BY external_id").fetchall()


def test_a_table_that_is_made_again_is_empty():
    tables.insert(STAGED_ROLE, [("member", "Member", 0, 1, 0)])
    tables.create(STAGED_ROLE)
    assert not tables.has_rows(STAGED_ROLE)
    for label in ("Member", "Guest"):
        tables.fill(STAGED_ROLE, "SELECT 'member', ?, FALSE, TRUE, 0", (label,))
    assert db.execute_sql("SELECT label FROM staged_role").fetchall() == [("Guest",)]


@pytest.mark.parametrize("column,longest", [("seat", tables.LONGEST), ("further_roles", tables.LONGEST_LIST)])
def test_a_text_has_a_longest_length_and_a_list_of_roles_a_greater_one(column, longest):
    assert tables.insert(STAGED_ACCOUNT, [row("1", **{column: "n" * longest}), row("2")]) == 2
    with pytest.raises(UnusableReading, match=f"a text of more than {longest:,} characters"):
        tables.insert(STAGED_ACCOUNT, [row("3"), row("4", **{column: "n" * (longest + 1)})])
    tables.refuse_long([[AccountStatus.SUSPENDED] * longest], longest)


@pytest.mark.parametrize("column", USUAL)
def test_one_row_of_a_page_is_unlike_the_others(column):
    other, none = [row("a"), row("b", **{column: OTHER[column]})], [row("c"), row("d", **{column: None})]
    assert tables.insert(STAGED_ACCOUNT, other) == tables.insert(STAGED_ACCOUNT, none) == 2
    assert stored() == other + none


def test_all_rows_of_a_page_are_as_usual_or_none_is():
    usual, unlike = [row("a"), row("b")], [row("c", **OTHER), row("d", **OTHER)]
    assert tables.insert(STAGED_ACCOUNT, usual) == tables.insert(STAGED_ACCOUNT, unlike) == 2
    assert stored() == usual + unlike


def test_a_row_with_a_known_key_is_left_out_and_no_row_is_no_work():
    assert tables.insert(STAGED_ACCOUNT, []) == 0
    assert tables.insert(STAGED_ACCOUNT, [row("a")]) == 1
    assert tables.insert(STAGED_ACCOUNT, [row("a", **OTHER), row("b", **OTHER)]) == 1
    assert stored() == [row("a"), row("b", **OTHER)]


def test_a_table_without_usual_values_stores_every_column():
    roles = [("member", "Member", 0, 1, 0), ("", "", 0, 0, 1)]
    assert tables.insert(STAGED_ROLE, roles) == 2
    assert sorted(db.execute_sql("SELECT * FROM staged_role").fetchall(), reverse=True) == roles


MANY, FEW = TOGETHER


@pytest.mark.parametrize("more", [0, 1, FEW - 1, FEW, FEW + 1, MANY])
def test_a_long_list_is_stored_whole_and_a_known_key_in_it_left_out(more):
    """Whichever part of it the key comes in: rows are stored in parts, and the rest one by one."""
    rows = [row(f"{number:04}", email=str(number)) for number in range(MANY + more)]
    known = rows[0], rows[-1]
    assert tables.insert(STAGED_ACCOUNT, known) == 2
    assert tables.insert(STAGED_ACCOUNT, [row(one[0], email="another") for one in rows]) == len(rows) - 2
    assert tables.insert(STAGED_ACCOUNT, rows) == 0
    emails = [one[1] for one in stored()]
    assert emails == ["0", *["another"] * (len(rows) - 2), str(len(rows) - 1)]


def test_a_letter_that_cant_be_stored_is_left_out_of_a_long_list_too():
    rows = [row(f"{number:04}") for number in range(MANY + 1)]
    assert tables.insert(STAGED_ACCOUNT, [*rows[:-1], row(rows[-1][0], name="x\ud800")]) == len(rows)
    assert stored() == rows


@pytest.mark.parametrize("column", USUAL)
def test_whether_a_column_was_given_an_unusual_value_is_noted_until_the_table_is_emptied(column):
    tables.insert(STAGED_ACCOUNT, [row("a"), row("b")])
    assert not tables.was_given(STAGED_ACCOUNT, *USUAL)
    tables.insert(STAGED_ACCOUNT, [row("c"), row("d", **{column: OTHER[column]})])
    tables.insert(STAGED_ACCOUNT, [row("e")])
    assert [name for name in USUAL if tables.was_given(STAGED_ACCOUNT, name)] == [column]
    assert tables.was_given(STAGED_ACCOUNT, *USUAL)
    tables.empty(STAGED_ACCOUNT)
    assert not tables.was_given(STAGED_ACCOUNT, *USUAL)


def test_of_a_table_that_a_statement_filled_or_that_has_ended_nothing_is_ruled_out():
    tables.fill(STAGED_SAME, "SELECT 1, 0, 0, 0, 0")
    assert tables.was_given(STAGED_SAME, "missing_fields")
    tables.insert(STAGED_SAME, [(2, 0, 0, 0, 0)])
    assert tables.was_given(STAGED_SAME, "missing_fields"), "the statement may have written an unusual value"
    tables.create(STAGED_SAME)
    assert not tables.was_given(STAGED_SAME, "missing_fields")
    tables.end(STAGED_SAME)
    assert tables.was_given(STAGED_SAME, "missing_fields")


def test_of_a_table_of_another_thread_nothing_is_ruled_out():
    """Each thread has its own table of this name, in its own connection."""
    tables.insert(STAGED_ACCOUNT, [row("a")])
    assert not tables.was_given(STAGED_ACCOUNT, *USUAL)
    with ThreadPoolExecutor(1) as another:
        assert another.submit(tables.was_given, STAGED_ACCOUNT, *USUAL).result()
