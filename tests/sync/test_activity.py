"""The log: complete, in order, sealed; every change is detected."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest
from peewee import DatabaseError

from sync import activity, seals
from sync.db import connected, db, writing
from sync.models import Activity
from tests import database


@pytest.fixture
def logged(home):
    with writing():
        for number in range(6):
            activity.record("Olga <olga@acme.example>", f"did {number}", about=f"thing {number}", why="ünï ✓ \n")


def tamper(statement: str, *values: object) -> None:
    """As someone with access to the file would."""
    database.tampering(db)
    db.execute_sql(statement, values)


def test_a_seal_is_the_one_that_earlier_versions_made():
    values = (datetime(2026, 11, 1, 8), "Ana", "new user", "Bo", "", None, "Member", 1, None, 2)
    entry = {**dict(zip(seals.SEALED, values)), "first_entry": 7}
    assert seals._seal(b"k" * 32, seals.FIRST_SEAL, entry) == (
        "357bbbe5e91e54f058b2b89c50a5a14d73833e98232469fcd1c372e6999ba68b")


def test_the_log_verifies(logged):
    found = activity.verify()
    assert (found.ok, found.entries) == (True, 6) and found.head == Activity.get_by_id(6).seal


def test_an_empty_log_verifies(home):
    found = activity.verify()
    assert (found.ok, found.entries) == (True, 0)


@pytest.mark.parametrize(
    "column", ["at", "who", "what", "about", "why", "before", "after", "app_id", "person_id", "report_id", "seal"]
)
def test_a_changed_entry_is_found(logged, column):
    value = "2020-01-01 00:00:00" if column == "at" else 1 if column.endswith("_id") else "forged"
    tamper(f"UPDATE activity SET {column} = ? WHERE id = 3", value)
    found = activity.verify()
    assert (found.ok, found.broken_at) == (False, 3)


@pytest.mark.parametrize("gone", [1, 3])
def test_a_deleted_entry_is_found(logged, gone):
    tamper("DELETE FROM activity WHERE id = ?", gone)
    assert not activity.verify().ok


def test_entries_that_were_renumbered_are_found(logged):
    tamper("UPDATE activity SET id = id + 100 WHERE id > 3")
    assert not activity.verify().ok


def test_two_entries_that_changed_places_are_found(logged):
    tamper("UPDATE activity SET what = CASE id WHEN 2 THEN 'did 2' ELSE 'did 1' END WHERE id IN (2, 3)")
    assert activity.verify().broken_at == 2


def test_an_entry_that_was_put_in_is_found(logged):
    tamper("INSERT INTO activity SELECT 99, at, who, what, about, why, before, after, app_id, person_id, report_id, "
           "seal, first_entry FROM activity WHERE id = 2")
    assert activity.verify().broken_at == 99


@pytest.mark.parametrize("statement", ["UPDATE activity SET who = 'x' WHERE id = 2", "DELETE FROM activity"])
def test_the_database_itself_refuses(logged, statement):
    with pytest.raises(DatabaseError, match="append-only"):
        db.execute_sql(statement)
    assert activity.verify().ok


def test_an_entry_belongs_into_the_transaction_of_what_it_shows(home):
    with pytest.raises(RuntimeError), connected():
        activity.record("Olga", "did it outside")
    with pytest.raises(ZeroDivisionError), writing():
        activity.record("Olga", "did it")
        raise ZeroDivisionError
    assert Activity.select().count() == 0


def test_entries_of_many_steps_are_written_together_in_order(home):
    with writing():
        activity.record("Olga", "first")
        with activity.gathered():
            activity.record("Olga", "second")
            with activity.gathered():
                activity.record("Olga", "third")
            assert Activity.select().count() == 1
        activity.record("Olga", "fourth")
    entries = Activity.select().order_by(Activity.id)
    assert [row.what for row in entries] == ["first", "second", "third", "fourth"]
    assert len({row.first_entry for row in entries}) == 1 and activity.verify().ok
    with pytest.raises(ZeroDivisionError), writing(), activity.gathered():
        activity.record("Olga", "did it")
        raise ZeroDivisionError
    with writing():
        activity.record("Olga", "fifth")
    assert Activity.select().count() == 5 and activity.verify().ok


def test_many_threads_write_one_chain(home):
    def write(number: int) -> None:
        for turn in range(10):
            with writing():
                activity.record(f"thread {number}", f"did {turn}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = activity.verify()
    assert (found.ok, found.entries) == (True, 40)


def test_many_at_once_are_sealed_in_order(home):
    with writing():
        activity.record_all([dict(who="Rollcall", what=f"new user {number}") for number in range(1203)])
    found = activity.verify()
    assert (found.ok, found.entries) == (True, 1203)


@pytest.mark.parametrize("text", ["", "é" * 9000, "\x00", "\u2028", "'; DROP TABLE activity; --", '{"a": 1}'])
def test_any_text_can_be_reported_and_verified(home, text):
    with writing():
        activity.record("Olga", "did it", about=text, why=text, before=text, after=text)
    if database.on_server():
        text = text.replace("\0", "\ufffd")  # PostgreSQL can't keep it
    assert activity.verify().ok and activity.entries()[0].about == text


def test_entries_come_newest_first_and_page_by_page(logged):
    first = activity.entries(limit=4)
    assert [entry.what for entry in first] == ["did 5", "did 4", "did 3", "did 2"]
    assert [entry.what for entry in activity.entries(limit=4, before_id=first[-1].id)] == ["did 1", "did 0"]
    assert [entry.what for entry in activity.entries(search="THING 3")] == ["did 3"]
    assert activity.entries(search="%") == []
