"""How SQLite answers the lists: no filter and no order of Members reads the accounts of other apps, and none of People
every account. Only a search by words and an order without an index read every person."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.apps import assets, member_list
from sync.apps.assets import Assets
from sync.apps.member_list import Members
from sync.db import db
from sync.listing import YES
from sync.models import Account, App
from sync.people import person_list
from sync.people.person_list import People
from tests.database import ON_FILE

pytestmark = ON_FILE

OF_MEMBERS = ({}, {"search": "ana"}, {"inactive": "30"}, {"inactive": "unknown"}, {"role": "admin"},
              {"department": "Sales"}, {"asset": "1"}, {"tab": "left"}, {"tab": "unmatched"})  # fmt: skip
OF_PEOPLE = ({}, {"status": "suspended"}, {"department": "Sales"}, {"left": YES}, {"disputed": YES}, {"hold": YES})


def plan(ask: Callable[[], object]) -> set[str]:
    """A line for each table that its statements read, but for the few settings."""
    asked: list[tuple] = []

    def note(event) -> None:
        asked.append((event.sql, event.params))

    db.query_hooks.append(note)
    try:
        ask()
    finally:
        db.query_hooks.remove(note)
    explained = [db.connection().execute(f"EXPLAIN QUERY PLAN {sql}", values or ()) for sql, values in asked
                 if 'FROM "setting"' not in sql]  # fmt: skip
    return {row[3] for rows in explained for row in rows}


def scanned(lines: set[str]) -> set[str]:
    """Tables that are read from end to end; not a list of ids, nor the accounts of those who left, nor search_due,
    which has only what waits for the index."""
    few = ("SCAN d", "SCAN seen")
    return {line for line in lines if line.startswith("SCAN") and "VIRTUAL TABLE" not in line and line not in few}


@pytest.mark.parametrize("sort", ["", *member_list.ORDER.columns])
def test_members(chat, sort: str) -> None:
    app = App.get_by_id(chat.app.id)
    for wanted in OF_MEMBERS:
        assert scanned(plan(lambda wanted=wanted: member_list.search(app, Members.of(wanted), sort))) == set()


def test_a_role_is_counted_by_reading_all_accounts_only_where_most_of_them_are_the_apps(chat) -> None:
    app = App.get_by_id(chat.app.id)
    app.users = member_list.MANY + 1
    role = Members(role="admin")
    assert scanned(plan(lambda: member_list.search(app, role))) == {"SCAN t1"}
    template = Account.get(Account.app == app)
    template.id, template.external_id = app.users * member_list.MOST_READ + 1, "last"
    template.save(force_insert=True)
    assert scanned(plan(lambda: member_list.search(app, role))) == set()


def test_those_who_left_are_found_without_walking_through_the_app(chat) -> None:
    app = App.get_by_id(chat.app.id)
    lines = plan(lambda: member_list.search(app, Members(tab="left")))
    assert not any("account_app_id" in line for line in lines)


@pytest.mark.parametrize("sort", ["", *assets.ORDER.columns])
def test_assets(chat, sort: str) -> None:
    assert scanned(plan(lambda: assets.search(chat.app, Assets(), sort))) == set()


def test_people(chat) -> None:
    for wanted in OF_PEOPLE:
        read = scanned(plan(lambda wanted=wanted: person_list.search(People.of(wanted))))
        assert all("INDEX person_" in line for line in read), (wanted, read)
