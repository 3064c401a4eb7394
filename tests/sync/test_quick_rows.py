"""Rows are made in fewer steps than peewee takes, and are the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from peewee import JOIN, Model, ModelSelect, fn

from sync.db import db, utcnow, writing
from sync.models import Account, App, Base, Check, Person, PersonEmail, Report, Task
from sync.states import TaskKind

other = Person.alias()
by_app = Account.select(Account.app, fn.COUNT(Account.id).alias("many")).group_by(Account.app)
with_emails = Account.select(Account, Person, PersonEmail).join(Person, JOIN.LEFT_OUTER)
QUERIES = {
    "joined": Account.select(Account, App, Person).join(App).switch(Account).join(Person),
    "perhaps joined": Account.select(Account, Person).join(Person, JOIN.LEFT_OUTER),
    "joined by another name": with_emails.join(PersonEmail, JOIN.LEFT_OUTER, attr="main_email",
                                               on=(PersonEmail.person == Person.id) & PersonEmail.main),
    "only the other's columns": Account.select(Person.id, Person.name).join(Person, JOIN.LEFT_OUTER),
    "columns in turns": Account.select(Account.id, Person.id, Account.name, Person.name).join(Person),
    "some columns": Account.select(Account.id, Account.app, Account.email),
    "a column twice": Account.select(Account.id, Account.name, Account.name),
    "a column with another name": Account.select(Account.id, Account.name.alias("called")),
    "something computed": Account.select(Account.id, fn.UPPER(Account.name).alias("loud")),
    "something computed and joined": Account.select(Account.id, fn.UPPER(Account.name).alias("loud"), Person)
                                            .join(Person),
    "a subquery that is joined": App.select(App, by_app.c.many).join(by_app, on=(by_app.c.app_id == App.id)),
    "the same table twice": Person.select(Person, other).join(other, on=(other.id == Person.id + 1)),
    "joined, and not selected": Account.select(Account).join(Person),
    "further than that": Task.select(Task, Account, Person).join(Account, JOIN.LEFT_OUTER)
                             .join(Person, JOIN.LEFT_OUTER),
    "further, and not between": Task.select(Task, Person).join(Account, JOIN.LEFT_OUTER).join(Person, JOIN.LEFT_OUTER),
    "grouped": Account.select(Account.app, fn.MAX(Account.first_seen)).group_by(Account.app),
    "none": Account.select().where(Account.id < 0),
    **{f"all of {model.__name__}": model.select() for model in Base.__subclasses__()},
}  # fmt: skip


@pytest.fixture
def filled(chat) -> None:
    """Accounts with and without people, values of each kind, and some that are missing."""
    chat.check()
    with writing():
        Account.update(last_activity=utcnow(), held_values={"role": "x"}, further_roles=("a", "b")).where(
            Account.id == Account.get().id).execute()
        ids = [account.id for account in Account.select().order_by(Account.id)]
        Account.update(person=None, name="").where(Account.id.in_(ids[::3])).execute()
        Account.update(further_roles=None).where(Account.id.in_(ids[::4])).execute()
        Report.create(app=chat.app, counts={"removed user": 2})
        Check.create(app=chat.app, error="Jürgen said no", counts={})
        nobodys, someones = (Account.select().where(Account.person.is_null(empty)).get() for empty in (True, False))
        for account in (None, nobodys, someones):
            Task.create(app=chat.app, kind=TaskKind.REMOVE, account=account)


def described(row: Model) -> tuple:
    """All that there is to a row, and to those joined to it."""
    joined = {name: one and described(one) for name, one in vars(row).items() if isinstance(one, Model)}
    plain = {name: value for name, value in vars(row).items() if not isinstance(value, Model)}
    related = {name: one and described(one) for name, one in plain.pop("__rel__").items()}
    return type(row), repr(sorted(plain.items())), related, joined


def rows(query: ModelSelect) -> Iterator[tuple]:
    return map(described, query.clone())


@pytest.mark.usefixtures("filled")
def test_rows_are_those_that_peewee_makes():
    quick = {name: list(rows(query)) for name, query in QUERIES.items()}
    for name, query in QUERIES.items():
        peewees = query.clone()
        peewees.__class__ = ModelSelect
        assert type(query) is not ModelSelect and quick[name] == list(rows(peewees)), name
    assert sum(map(len, quick.values())) > 150
    assert not db.in_transaction()


def test_a_changed_column_is_known_as_changed(chat):
    account = Account.get()
    assert account.dirty_fields == []
    account.name = "Another"
    assert account.dirty_fields == [Account.name]
