"""Searching people, accounts and assets: what is found, by whose apps, and that the index follows every change."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.apps import member_list
from sync.apps.member_list import Members
from sync.db import db, utcnow, writing
from sync.jobs import queue
from sync.models import Account, App, Asset, Person, PersonEmail, SearchDue, SearchText
from sync.people import people
from sync.search import finding, index
from sync.search.index import Kind
from sync.search.texts import contains, text_of, words_of
from sync.states import AccountState
from tests.database import ON_FILE


def filled() -> None:
    index.bring_up_to_date(utcnow())
    assert not index.is_behind(Kind.ACCOUNT, 0) and not index.is_behind(Kind.PERSON, 0)


def found_people(asked: str) -> list[str]:
    ids = finding.first(Kind.PERSON, asked, 100).ids
    return sorted(row.name for row in Person.select().where(Person.id.in_(ids)))


@pytest.fixture(params=["new", "indexed"])
def jose(request, by):
    """Found at once, and found by the index."""
    person = people.add("José Núñez-Łuk", "jose.nunez@acme.example", by)
    if request.param == "indexed":
        filled()
    return person


@pytest.mark.parametrize("asked", [
    "jose", "JOSÉ", "jos", "ose", "jo", "nunez luk", "luk jose", "nunez@ac", "jose.nunez@acme.example", "@acme.ex",
    "  jose\t nunez  ", "Núñez", "JOSE.N", "e.nu",
])  # fmt: skip
def test_finds_parts_without_case_and_accents(jose, asked):
    assert "José Núñez-Łuk" in found_people(asked)


@pytest.mark.parametrize("asked", [
    "", " ", "j", "josef", "jose xy", "unez@other", "jose.nunez@acme.exampel", "un",
    "%", "_", "jo%e", "j*", '"', "'", "''", '"jose',
    "jose AND nunez", "jose OR x", "NOT jose", "NEAR(jose)", "text:jose", "jose*", "^jose", "(jose", "-jose", "{jose}",
    "\x00", "jose\x00nunez%", "\ud800", "<script>", "\\", "x" * 10_000,
    "jose " + "x" * 10_000, "💥💥", "\u0301\u0301\u0301",
])  # fmt: skip
def test_every_text_is_only_a_text(jose, asked):
    assert found_people(asked) == []


def test_odd_names_are_found_by_what_they_contain(by):
    names = ['Ann "Bo" O\'Neill', "100% Real", "snake_case", "<script>alert(1)</script>", "a*b*c"]
    for place, name in enumerate(names):
        people.add(name, f"odd{place}@acme.example", by)
    for _ in range(2):
        assert found_people('"bo"') == ['Ann "Bo" O\'Neill'] and found_people("o'neill") == ['Ann "Bo" O\'Neill']
        assert found_people("100%") == ["100% Real"] and found_people("ke_c") == ["snake_case"]
        assert found_people("<script>") == ["<script>alert(1)</script>"] and found_people("a*b") == ["a*b*c"]
        filled()


def row_of(name: str, **more: object) -> Person:
    """A person that nothing refers to, so that the row can be deleted."""
    with writing():
        person = Person.create(name=name, **more, force_insert="id" in more)
        email = f"{name.split()[0].lower()}@acme.example"
        PersonEmail.create(person=person, email=email, email_key=email, main=True)
        return person


def test_the_index_follows_names_addresses_and_deletion(by):
    person = people.add("Anna Berg", "anna@acme.example", by)
    other = row_of("Bo Lund")
    filled()
    for after in (lambda: None, filled):
        people.edit(person, by, name="Anna Dahl", emails=["anna.dahl@acme.example"])
        after()
        assert found_people("dahl") == ["Anna Dahl"] and found_people("anna.d") == ["Anna Dahl"]
        assert found_people("berg") == [] == found_people("anna@acme.example")
        people.edit(person, by, name="Anna Berg", emails=["anna@acme.example"])
        after()
        assert found_people("berg") == ["Anna Berg"] and found_people("dahl") == []
    with writing():
        Person.delete().where(Person.id == other.id).execute()
    assert found_people("lund") == []
    filled()
    assert not SearchText.select().where(SearchText.text.contains("lund")).exists()


def test_an_id_that_is_given_again_is_found_by_its_new_name(by):
    first = row_of("Anna Berg")
    filled()
    with writing():
        Person.delete().where(Person.id == first.id).execute()
    row_of("Carl Holm", id=first.id)  # as SQLite gives the last row's id again
    for _ in range(2):
        assert found_people("holm") == ["Carl Holm"] and found_people("berg") == []
        filled()


def accounts_of(app: App, *names: str) -> None:
    with writing():
        Account.insert_many([
            {"app": app, "external_id": f"{app.id}-{name}", "name": name, "email": f"{name.lower()}@acme.example"}
            for name in names
        ]).execute()  # fmt: skip


def make_app(name: str) -> App:
    with writing():
        return App.create(connector="sample_chat", name=name, category="seat-based", state="active")


def test_only_the_apps_that_are_asked_for(home):
    apps = [make_app(f"App {number}") for number in range(25)]
    for app in apps:
        accounts_of(app, "Petra", f"Only{app.id}")
        with writing():
            Asset.create(app=app, external_id="1", kind="page", name=f"Petra's page {app.id}")
    for _ in range(2):
        for some in (apps[:1], apps[3:8], apps[1:], apps):
            ids = [app.id for app in some]
            for kind, table in ((Kind.ACCOUNT, Account), (Kind.ASSET, Asset)):
                found = finding.first(kind, "petra", 100, ids)
                assert sorted(row.app_id for row in table.select().where(table.id.in_(found.ids))) == sorted(ids)
        assert finding.first(Kind.ACCOUNT, f"only{apps[0].id}", 9, [apps[1].id]).ids == []
        assert finding.first(Kind.ACCOUNT, "petra", 9, []).ids == []
        some = finding.first(Kind.ACCOUNT, "petra", 7, [app.id for app in apps])
        assert len(some.ids) == 7 and some.more
        filled()


def test_a_person_who_is_gone_is_not_found_until_they_are_back(home):
    app = make_app("Chat")
    accounts_of(app, "Petra")
    filled()
    for state, number in ((AccountState.GONE, 0), (AccountState.PRESENT, 1)):
        with writing():
            Account.update(state=state).execute()
        for _ in range(2):
            assert len(finding.first(Kind.ACCOUNT, "petra", 9, [app.id]).ids) == number
            filled()


def test_a_long_backlog_is_reported_and_worked_off_bit_by_bit(home, monkeypatch):
    app = make_app("Chat")
    accounts_of(app, *(f"Person{number:04}" for number in range(1200)))
    found = finding.first(Kind.ACCOUNT, "person1199", 9, [app.id])
    assert found.behind and found.ids == []
    assert Account.select().where(finding.having(Account.id, Kind.ACCOUNT, "person1199", app.id)).count() == 1
    monkeypatch.setattr(index, "SECONDS", 0)  # as if one run were over after its first transaction
    index.bring_up_to_date(utcnow())
    assert SearchText.select().count() == index.BATCH
    monkeypatch.undo()
    filled()
    found = finding.first(Kind.ACCOUNT, "person1199", 9, [app.id])
    assert len(found.ids) == 1 and not found.behind


def test_rows_beside_the_index_are_read_by_few_statements_however_many_they_are(home):
    apps = [make_app(name) for name in ("Chat", "Wiki")]
    for app in apps:
        accounts_of(app, *(f"Person{number:04}" for number in range(2 * index.BATCH)))
    for before, note in ((lambda: None, "anna"), (filled, "petra")):
        before()
        with writing():
            Account.update(match_note=note).execute()
        asked: list = []
        db.query_hooks.append(asked.append)
        found = dict(index.not_in_it_yet(Kind.ACCOUNT, apps[0].id))
        db.query_hooks.remove(asked.append)
        assert {text.split()[-1] for text in found.values()} == {note}
        assert found.keys() == {row.id for row in Account.select().where(Account.app == apps[0])}
        assert len(asked) == 2 and all(len(query.params) < 9 for query in asked)


@pytest.mark.parametrize("many, woken", [(2, 1), (3, 0)])
def test_a_check_that_finds_many_new_accounts_has_them_indexed_at_once(chat, monkeypatch, many, woken):
    monkeypatch.setattr(index, "MANY", many)
    for number in range(20, 23):
        chat.store.add(f"p{number}@acme.example", f"Person {number}", "member", via="page")
    queue.queue.flush()
    chat.check()
    assert sum("wake_search" in task.name for task in queue.queue.pending()) == woken


def test_an_unchanged_row_is_not_written_again(by):
    people.add("Anna Berg", "anna@acme.example", by)
    filled()
    with writing():
        Person.update(name=Person.name).execute()
        Account.update(name=Account.name, email=Account.email).execute()
    assert not SearchDue.select().exists()


TEXTS = st.lists(st.text("abÁß.@ %\"'*-É1", max_size=8), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(names=TEXTS, asked=st.text("abÁß.@ %\"'*-É1", max_size=8), some=st.randoms())
def test_index_and_rows_find_the_same(home, names, asked, some: random.Random):
    """Whatever is already in the index, a search finds the rows whose text has all the words."""
    app = App.get_or_none(App.name == "Any") or make_app("Any")
    with writing():
        Account.delete().execute()
    for place, name in enumerate(names):
        with writing():
            Account.create(app=app, external_id=str(place), name=name)
        if some.random() < 0.5:
            index.bring_up_some()
    words = words_of(asked)
    true = sorted(row.id for row in Account.select() if contains(text_of([row.name]), words))
    if words:
        rows = Account.select().where(finding.having(Account.id, Kind.ACCOUNT, asked, app.id))
        assert sorted(row.id for row in rows) == true
    found = finding.first(Kind.ACCOUNT, asked, 100, [app.id]).ids
    assert sorted(found) == (true if any(map(finding._phrase, words)) else [])


@ON_FILE
def test_a_search_is_answered_from_the_index(home):
    """By the plan, not by time: neither the texts nor the accounts are walked."""
    for asked in ("petra", "pe", "petra@acme.example", "petra lund"):
        texts = finding._texts(Kind.ACCOUNT, words_of(asked), None)
        query = f"SELECT rowid FROM {texts.table} WHERE {texts.condition} ORDER BY rowid LIMIT 9"
        plan = [row[3] for row in db.execute_sql(f"EXPLAIN QUERY PLAN {query}", texts.values)]
        assert any("search_index VIRTUAL TABLE INDEX" in step for step in plan), plan
        assert not any("SCAN search_text" in step or "TEMP B-TREE" in step for step in plan), plan


@ON_FILE
def test_a_search_among_members_begins_with_what_is_found(chat):
    sql, values = member_list.found(chat.app, Members(search="person 4")).sql()
    steps = [row[3] for row in db.connection().execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert steps[0] == "SEARCH t1 USING INTEGER PRIMARY KEY (rowid=?)"
    assert [row.name for row in member_list.search(chat.app, Members(search="person 4")).rows] == ["Person 4"]


def test_the_addresses_of_everyone_are_searched(by):
    person = people.add("Anna Berg", "anna@acme.example", by)
    filled()
    with writing():
        PersonEmail.create(person=person, email="aberg@old.example", email_key="aberg@old.example")
    for _ in range(2):
        assert found_people("aberg@o") == ["Anna Berg"]
        filled()
