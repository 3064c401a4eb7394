"""Statements are written in fewer steps than peewee takes, and are the same, their values too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest
from peewee import Context, Node, fn

from sync.db import db
from sync.models import Account, App, Base, Change, Check, Person, Setting, Task
from sync.quick_sql import Given
from sync.states import TaskState

joins, other = Person.alias(), Person.alias("other")
waiting = Task.select(Task.account).where(Task.state == "queued")
by_app = Account.select(Account.app, fn.COUNT(Account.id).alias("many")).group_by(Account.app)
STATEMENTS = {
    "a row": Person.select().where(Person.id == 3).limit(1),
    "two tables": Task.select(Task, Account).join(Account).where(Task.state.in_(("queued", "running"))),
    "a column twice": Person.select(Person.name, Person.name.alias("again")).distinct(),
    "an alias without a name": Person.select(Person, joins).join(joins, on=(joins.id == Person.id)),
    "an alias with a name": other.select().where(other.name == "Jana").order_by(other.name.desc(), other.id),
    "a subquery": Account.select(Account.id).where(Account.id.in_(waiting)),
    "a subquery in a subquery": Person.select().where(Person.id.in_(
        Account.select(Account.person).where(Account.id.not_in(waiting), Account.app.in_(by_app.select(Account.app))))),
    "a subquery of the same table": Task.select().where(Task.id.in_(Task.select(fn.MAX(Task.id)).group_by(Task.app))),
    "no rows of another": Account.select().where(~fn.EXISTS(waiting.where(Task.account == Account.id))),
    "a subquery that is joined": App.select(App, by_app.c.many).join(by_app, on=(by_app.c.app_id == App.id)),
    "two selections": Person.select(Person.id, Person.name) | Person.select(Person.id, Person.name),
    "a common table": Task.select(Task.id).join(cte := waiting.cte("waits"), on=(cte.c.account_id == Task.account))
                          .with_cte(cte),
    "in a list of values": Person.select().where(Person.name.in_(["a", "b"]) | Person.name.startswith("c%")),
    "in none": Person.select().where(Person.name.in_([])),
    "counted": Check.select(fn.COUNT(Check.id), Check.state).group_by(Check.state).having(fn.COUNT(Check.id) > 1),
    "nothing to the left": Change.select(fn.COALESCE(Change.reason, ""), Change.kind).order_by(Change.kind, Change.id),
    "an update": Account.update(state="gone").where(Account.id == 4),
    "an update from its own value": Task.update(attempts=Task.attempts + 1).where(Task.id.in_(waiting.select(Task.id))),
    "an insert": Setting.insert(name="a", value="b").on_conflict(
        conflict_target=(Setting.name,), update={Setting.value: "c"}),
    "an insert of many": Setting.insert_many([("a", "b"), ("c", "d")], fields=[Setting.name, Setting.value]),
    "a deletion": Task.delete().where(Task.account.in_(Account.select(Account.id).where(Account.state == "gone"))),
    **{f"all of {model.__name__}": model.select() for model in Base.__subclasses__()},
}  # fmt: skip


def written(statement, context: type[Context]) -> tuple[str, str]:
    """Its SQL and its values; JSON for PostgreSQL is the same only by its text."""
    return alike(context(**db.get_context_options()).parse(statement))


def alike(parsed: tuple[str, list]) -> tuple[str, str]:
    return parsed[0], repr(parsed[1])


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_is_the_one_that_peewee_writes(statement):
    assert written(statement, db.context_class) == written(statement, Context)
    assert alike(statement.sql()) == written(statement, Context), "it is the one that runs"


def test_a_name_with_a_quotation_mark_is_quoted():
    odd = Person.alias('o"dd')
    statement = odd.select(odd.name)
    assert written(statement, db.context_class) == written(statement, Context)
    assert '"o""dd"."name"' in statement.sql()[0]


def test_a_query_within_a_query_is_written_once(monkeypatch):
    class Counted(type(waiting)):
        def __sql__(self, context: Context) -> Context:
            counted.append(self)
            return super().__sql__(context)

    counted: list[Counted] = []
    monkeypatch.setattr(inner := waiting.clone(), "__class__", Counted)
    Person.select().where(Person.id.in_(Account.select(Account.person).where(Account.id.in_(inner)))).sql()
    assert len(counted) == 1


VALUES = (None, "", "7", "[]", 7, True, 2.5, b"7", datetime(2026, 11, 1), date(2026, 11, 1), TaskState.QUEUED, ["a"])


def bound(convert: Callable, value: object) -> str:
    try:
        made = convert(value)
    except (TypeError, ValueError, AttributeError) as problem:
        return type(problem).__name__
    return f"{type(made)} {'' if isinstance(made, Node) else repr(made)}"


def test_a_value_of_a_column_is_bound_as_peewee_converts_it():
    for field in (field for model in Base.__subclasses__() for field in model._meta.sorted_fields):
        given = Given(0, field.db_value)
        for value in VALUES:
            assert bound(given.value, (value,)) == bound(field.db_value, value), (field, value)
