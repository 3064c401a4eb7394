"""Statements that are written once answer as if they were written for each value."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from peewee import Model, ModelInsert, ModelSelect, fn

from sync.db import connected, db, utcnow
from sync.listing import one_of, plain_rows
from sync.models import Account, App, Person
from sync.prepared import prepared, prepared_plain, prepared_rows
from sync.states import AccountState
from tests.sync.test_quick_rows import described


def of_app(app: App | int, name: str, *, newest: bool) -> ModelSelect:
    query = Account.select(Account, App).join(App).where(Account.app == app, Account.name >= name, Account.is_present)
    return query.order_by(Account.id.desc() if newest else Account.id).limit(3)


def counted(ids: str) -> ModelSelect:
    of_state = Account.select(Account.state, fn.COUNT(Account.id)).where(one_of(Account.id, ids))
    return of_state.group_by(Account.state).tuples()


def rows(found) -> list:
    return [described(row) if isinstance(row, Model) else row for row in found]


def test_rows_are_those_of_the_query(chat):
    chat.check()
    asked: list[bool] = []

    def noted(app: App | int, name: str, *, newest: bool) -> ModelSelect:
        asked.append(newest)
        return of_app(app, name, newest=newest)

    ask = prepared(noted)
    for app, name, newest in ((chat.app, "", False), (chat.app.id, "J", False), (chat.app, "J", True), (0, "", True)):
        assert rows(ask(app, name, newest=newest)) == rows(of_app(app, name, newest=newest))
    assert len(ask(chat.app, "", newest=True)) == 3
    assert asked == [False, True], "written once for each shape"
    for ids in ("[]", "[1, 2]", "[2]"):
        assert prepared(counted)(ids) == list(counted(ids))
        assert prepared_plain(counted)(ids) == plain_rows(counted(ids))


def test_the_next_connection_is_asked_too(chat):
    chat.check()
    ask = prepared(lambda state: Account.select().where(Account.state == state))
    before = ask(AccountState.PRESENT)
    db.close()
    with connected():
        assert ask(AccountState.PRESENT) == before != []
        Account.update(state=AccountState.GONE).execute()
        assert ask(AccountState.PRESENT) == [] and ask(AccountState.GONE) == before


@pytest.mark.usefixtures("home")
def test_many_rows_of_values_are_written_with_one_statement():
    asked, now = [], utcnow()

    def write(name: str, employee_number: str | None, at: datetime) -> ModelInsert:
        asked.append(True)
        return Person.insert(name=name, employee_number=employee_number, status_since=at, created_at=at)

    add, rename = prepared_rows(write), prepared_rows(lambda id, name: Person.update(name=name).where(Person.id == id))
    assert add([("Ana", None, now), ("Bo", "7", now)]) == 2 and add(iter([("Cy", None, now)])) == 1
    add([])
    people = list(Person.select().order_by(Person.id))
    assert [(one.name, one.employee_number) for one in people] == [("Ana", None), ("Bo", "7"), ("Cy", None)]
    assert rename([(people[0].id, "Ada"), (0, "Nobody")]) == 1
    assert [one.name for one in Person.select().order_by(Person.id)] == ["Ada", "Bo", "Cy"]
    assert asked == [True], "written once"
    with pytest.raises(TypeError, match="None can't be bound"):
        rename([(None, "Nobody")])


@pytest.mark.usefixtures("home")
def test_a_statement_that_depends_on_its_values_or_the_time_is_refused():
    def named(name: str) -> ModelSelect:
        return Person.select().where(Person.name == name)

    assert prepared(named)("a") == []
    with pytest.raises(TypeError, match="None can't be bound"):
        prepared(named)(None)
    with pytest.raises(TypeError, match="can't depend on its values"):
        prepared(lambda name: named(name) if name else Person.select())("a")
    with pytest.raises(TypeError, match="stays the same for ever"):
        prepared(lambda: Person.select().where(Person.last_day < date.today()))()
    with pytest.raises(TypeError, match="stays the same for ever"):
        prepared(lambda: Person.select().where(Person.status_since < utcnow()))()


def test_a_row_is_found_by_the_value_of_a_column(chat):
    chat.check()
    some = Account.select().order_by(Account.id).first()
    smallest = Account.select(fn.MIN(Account.id))
    conditions = (
        (Account.id == some.id,), (Account.external_id == some.external_id,), (Account.state == "nothing",),
        (Account.app == chat.app,), (Account.app == chat.app.id, Account.id == some.id), (Account.id == smallest,),
        (Account.last_activity.is_null(),), (Account.role == Account.name,),
    )  # fmt: skip
    for asked in conditions:
        found, peewees = Account.get_or_none(*asked), Account.select().where(*asked).limit(1).first()
        assert (found and described(found)) == (peewees and described(peewees))
    assert Account.get_or_none(id=some.id, app=chat.app) == some
    with pytest.raises(Account.DoesNotExist):
        Account.get_by_id(0)
