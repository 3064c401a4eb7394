"""What is staged of a list, and which lists and entries are refused."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from connectors.base import Account as Seat
from connectors.base import Asset as Thing
from connectors.base import TemporarilyUnavailable
from connectors.names import LONGEST_NAME
from sync.apps import apps
from sync.checks import snapshot
from sync.db import db
from sync.models import BIT, Account
from sync.problems import UnusableReading
from sync.staging import tables
from tests.database import temporary_tables_with_rows
from tests.sync.listed import ListedApp

HOUR = timedelta(hours=1)


@pytest.fixture
def read(listed):
    """Stages the list; the number of accounts, and the progress that was reported."""
    def read() -> tuple[int, list[tuple[str, int]]]:
        shown: list[tuple[str, int]] = []
        accounts = snapshot.read(listed.app, apps.connector_for(listed.app), lambda *step: shown.append(step), HOUR)
        return accounts, shown

    with snapshot.staging():
        yield read


def staged(columns: str, id: str = "one") -> tuple:
    return db.execute_sql(f"SELECT {columns} FROM staged_account WHERE external_id = ?", (id,)).fetchone()


def test_a_long_list_is_staged_in_parts_and_each_is_reported(listed, read):
    for number in range(snapshot.BATCH):
        listed.add(f"id{number}")
    assert read() == (501, [("accounts", 0), ("accounts", 500), ("accounts", 501)])
    columns = "external_id, label, privileged, is_default, position"
    assert db.execute_sql(f"SELECT {columns} FROM staged_role").fetchall() == [("member", "Member", 0, 1, 0)]


def test_a_second_reading_replaces_the_first(listed, read):
    listed.add("one")
    assert read()[0] == 2
    del listed.seats["one"]
    assert read()[0] == 1 and staged("1") is None


def test_an_answer_without_a_key_is_named_and_not_whole(listed, read, monkeypatch):
    def accounts(self):
        yield Seat({}["userId"])

    monkeypatch.setattr(ListedApp, "accounts", accounts)
    with pytest.raises(TemporarilyUnavailable, match="The app's answer lacks “userId”"):
        read()


def test_each_field_of_an_account_is_staged(listed, read):
    listed.add("one", email="One@Acme.example", name="One", status="invited", kind="system", seat="full",
               last_activity=datetime(2026, 11, 1, 9), user_name=" one ", employee_number=" 7 ",
               missing_fields=frozenset({"name", "seat"}), defaulted_fields=frozenset({"kind"}))  # fmt: skip
    read()
    assert staged("email, email_key, name, status, role, kind, last_activity, seat, user_name, employee_number, "
                  "further_roles, missing_fields, defaulted_fields") == (
        "One@Acme.example", "one@acme.example", "One", "invited", "member", "system", "2026-11-01 09:00:00", "full",
        "one", "7", "[]", BIT["name"] | BIT["seat"], BIT["kind"])  # fmt: skip


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_name_or_number_is_none(listed, read, empty):
    listed.add("one", user_name=empty, employee_number=empty)
    read()
    assert staged("user_name, employee_number, last_activity") == (None, None, None)


@pytest.mark.parametrize(("role", "further", "stored"), [
    ("member", ("b", "a"), ("member", '["a", "b"]')),
    ("", ("b", "a"), ("b", '["a"]')),
    ("a", ("a",), ("a", "[]")),
    ("", ("",), ("", "[]")),
])  # fmt: skip
def test_of_several_roles_one_is_the_main_one(listed, read, role, further, stored):
    listed.add("one", role=role, further_roles=further)
    read()
    main, others = staged("role, further_roles")
    assert (main, others.replace('","', '", "')) == stored


@pytest.mark.parametrize("values", [{"id": ""}, {"id": None}, {"status": "gone"}, {"status": ""}])
@pytest.mark.parametrize("was_read", [False, True])
def test_an_account_without_an_id_or_a_known_status_is_refused(listed, read, values, was_read):
    if was_read:
        Account.create(app=listed.app, external_id="owner")
    listed.seats["one"] = Seat(**{"id": "one", **values})
    with pytest.raises(UnusableReading, match="an account came with the id"):
        read()


def test_a_status_that_nobody_knows_is_staged_with_its_word(listed, read):
    listed.add("one", status="unknown: parked")
    read()
    assert staged("status") == ("unknown: parked",)


def test_a_name_that_no_file_can_hold_stops_no_check_but_an_id_does(listed, read):
    listed.add("one", name="O\ud800ne", last_activity=datetime(2026, 11, 1))
    listed.add("two", name="Two")
    assert read()[0] == 3
    assert staged("name") == ("One",) and staged("name", "two") == ("Two",)
    listed.add("th\udfffree")
    with pytest.raises(UnusableReading, match="an id that can't be stored"):
        read()


def test_a_name_is_kept_as_it_came_up_to_the_longest(listed, read):
    listed.add("one", name="n" * LONGEST_NAME)
    listed.add("two", name="n" * (LONGEST_NAME + 1))
    listed.add("three", name="T\x07hree")
    listed.add("four", name=" Two  spaces ")
    read()
    assert staged("name", "four") == (" Two  spaces ",)
    assert staged("name") == ("n" * LONGEST_NAME,)
    assert len(staged("name", "two")[0]) <= LONGEST_NAME and "\x07" not in staged("name", "three")[0]


@pytest.mark.parametrize("field", ["user_name", "email", "employee_number", "seat"])
def test_a_text_that_would_make_a_page_of_megabytes_is_refused(listed, read, field):
    listed.add("one", **{field: "n" * tables.LONGEST})
    assert read()[0] == 2
    listed.add("two", **{field: "n" * (tables.LONGEST + 1)})
    with pytest.raises(UnusableReading, match="a text of more than 20,000 characters"):
        read()


def test_an_asset_without_an_id_is_refused():
    with pytest.raises(UnusableReading, match="an asset came without an id"):
        snapshot._asset_row(Thing("", "channel"))


def test_progress_may_stop_the_reading_and_nothing_stays_staged(listed):
    def stop(phase: str, read: int) -> None:
        if read:
            assert temporary_tables_with_rows(db)
            raise KeyboardInterrupt

    listed.add("one")
    with pytest.raises(KeyboardInterrupt), snapshot.staging():
        snapshot.read(listed.app, apps.connector_for(listed.app), stop, HOUR)
    assert temporary_tables_with_rows(db) == set()
