"""INSERT and UPDATE of plain values are the statements that peewee writes, also when their text was kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import peewee
import pytest

from sync import quick_writes
from sync.db import db, utcnow, writing
from sync.models import Account, App, Base, Check, Person, Setting, Task
from sync.states import AccountState, CheckState

NOON = datetime(2026, 3, 1, 12)
jana = Person(id=7, name="Jana", email="jana@acme.example")
STATEMENTS = {
    "values": lambda n: Person.insert(name=f"Jana {n}", department=None, last_day=NOON.date()),
    "a row of another table": lambda n: Account.insert(app=App(id=n), person=jana, external_id=str(n)),
    "a number in its place": lambda n: Account.insert(app=n, person=7, external_id=str(n)),
    "another order": lambda n: Account.insert(external_id=str(n), person=7, app=n),
    "JSON": lambda n: Setting.insert(name="a", value={"n": n, "é": [None, True]}),
    "no JSON": lambda n: Setting.insert(name="a", value=None),
    "JSON that is a text": lambda n: Setting.insert(name="a", value=f"null {n}"),
    "nothing but what is usual": lambda n: Check.insert(),
    "an update": lambda n: Account.update(state=AccountState.GONE, person=jana).where(Account.id == n),
    "to nothing": lambda n: Account.update(person=None, state="gone").where(Account.id == n),
    "of all": lambda n: Task.update(attempts=n),
    "of several conditions": lambda n: Check.update(state=CheckState.FAILED, finished_at=NOON).where(
        Check.id == n, Check.state == CheckState.RUNNING, Check.finished_at.is_null(), Check.started_at.is_null(False)),
    "of comparisons": lambda n: Task.update(detail={"n": n}).where(
        (Task.attempts < n) & (Task.id >= n) & (Task.id != 3)),
    "of another column": lambda n: Account.update(external_id=str(n), state="gone").where(Account.id == n),
    "where another is": lambda n: Account.update(external_id=str(n), state="gone").where(Account.app_id == n),
    "where it isn't": lambda n: Account.update(external_id=str(n), state="gone").where(Account.id != n),
    "of the people": lambda n: Person.update(name=f"Jana {n}"),
    "of the apps": lambda n: App.update(name=f"Jana {n}"),
    "JSON to nothing": lambda n: Setting.update(value=None).where(Setting.name == "a"),
    "its own value": lambda n: Task.update(attempts=Task.attempts + n).where(Task.id == n),
    "one of several": lambda n: Task.update(attempts=n).where((Task.id == n) | (Task.attempts == 2)),
    "in a list": lambda n: Task.update(attempts=1).where(Task.id.in_([n, n + 1])),
    "not": lambda n: Task.update(attempts=1).where(~(Task.id == n)),
    "a question": lambda n: Task.update(attempts=1).where(Task.is_live, Task.id == n),
    "unless it is there": lambda n: Setting.insert(name="a", value=n).on_conflict(
        conflict_target=(Setting.name,), update={Setting.value: n}),
    "what it returns": lambda n: Setting.insert(name="a", value=n).returning(Setting.value),
    "what an update returns": lambda n: Setting.update(value=n).where(Setting.name == "a").returning(Setting.value),
}  # fmt: skip


BY_PEEWEE = list(STATEMENTS).index("its own value")  # from here on, more than values is in them


def as_peewee(query: peewee.Node) -> tuple[str, str]:
    text, bound = db.get_sql_context().sql(query).query()
    return text, repr(bound)


@pytest.fixture(autouse=True)
def at_noon(monkeypatch):
    """What is usual for a row is the same each time; and no text is known yet."""
    monkeypatch.setattr(quick_writes, "_texts", {})
    for model in Base.__subclasses__():
        defaults = {field: at(NOON) if value is utcnow else value for field, value in model._meta.defaults.items()}
        monkeypatch.setattr(model._meta, "defaults", defaults)


def at(time: datetime) -> Callable[[], datetime]:
    return lambda: time


@pytest.mark.parametrize("number", range(len(STATEMENTS)), ids=STATEMENTS)
def test_the_first_and_the_second_statement_are_those_of_peewee(number):
    statement = list(STATEMENTS.values())[number]
    for n in (1, 2):
        text, bound = statement(n).written(db)
        assert (text, repr(bound)) == as_peewee(statement(n))
    known = list(quick_writes._texts.values())
    assert known == ([text] if number < BY_PEEWEE else []), "a text is written once, and kept only where it stays"


def test_a_text_that_is_known_is_not_taken_for_that_of_another_statement():
    for n in (1, 2):
        for statement in STATEMENTS.values():
            text, bound = statement(n).written(db)
            assert (text, repr(bound)) == as_peewee(statement(n))


def test_a_row_is_as_it_was_written(home):
    with writing():
        first, second = (App.create(name=n, connector="slack", category="chat", settings={"of": n}) for n in "ab")
        assert second.id == first.id + 1
        assert App.update(settings={"of": "c"}, permissions=["d"]).where(App.id == second.id).execute() == 1
        assert App.update(settings={}, permissions=["e"]).where(App.id == second.id + 1).execute() == 0
    rows = list(App.select(App.settings, App.permissions).order_by(App.id).tuples())
    assert rows == [({"of": "a"}, None), ({"of": "c"}, ["d"])]
