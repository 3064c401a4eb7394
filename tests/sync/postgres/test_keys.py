"""Statements may ask for keys that only Python can make; one that isn't known yet is made, and nothing is guessed."""

from __future__ import annotations

from datetime import timedelta

from connectors.names import email_key
from sync.db import db, utcnow, writing
from sync.directory import unused_keys
from sync.matching.addresses import name_key
from sync.models import Person
from tests.database import ON_SERVER

NAMES = ["López, Ana", "ana LOPEZ", "Ａna Lopez", "", "ß", "ﬁ", "Ω Ώ", "x" * 5000, "a\u0301", "İ", "'", "%", "😀 Ann"]
EMAILS = ["Ana@Acme.Example", "ana@straße.example", "ana@bücher.example", "not an address", "", "a@b@c"]


def test_the_keys_of_names_are_pythons(home):
    with writing():
        for name in NAMES:
            Person.create(name=name)
    rows = db.execute_sql("SELECT name, name_key(name) FROM person").fetchall()
    assert len(rows) == len(NAMES) and all(key == name_key(name) for name, key in rows)


def test_the_keys_of_addresses_are_pythons(home):
    for email in EMAILS:
        assert db.execute_sql("SELECT email_key(?)", (email,)).fetchone()[0] == email_key(email)


def test_nothing_has_an_empty_key(home):
    assert db.execute_sql("SELECT name_key(NULL), email_key(NULL)").fetchone() == ("", "")


def test_writes_before_the_question_in_a_transaction_are_kept(home):
    with writing():
        Person.create(name="Maria Lund")
        [key] = db.execute_sql("SELECT name_key(name) FROM person").fetchone()
    assert key == "lund maria" and Person.select().count() == 1


@ON_SERVER
def test_within_a_day_no_key_holds_the_name_of_someone_who_is_gone(home):
    with writing():
        gone, _kept = Person.create(name="Maria Lund"), Person.create(name="Ana Lima")
    db.execute_sql("SELECT name_key(name) FROM person").fetchall()
    now = utcnow()
    unused_keys.delete_unused(now)
    assert {"Maria Lund", "Ana Lima"} <= _texts()
    gone.delete_instance()
    unused_keys.delete_unused(now + timedelta(hours=23))
    assert "Maria Lund" in _texts()
    unused_keys.delete_unused(now + timedelta(days=1))
    assert _texts() == {"Ana Lima"}


def _texts() -> set[str]:
    return {text for (text,) in db.execute_sql("SELECT given FROM text_key").fetchall()}
