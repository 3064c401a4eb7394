"""With few people, the same suggestions as by comparing with each of them; with many, the work is bounded."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.matching import suggestions
from sync.matching.suggestions import COMMON, everyone, likeliest, wanted_of
from sync.models import Account, App, Person, PersonEmail

WORDS = ("Ana", "ana", "Anna", "López", "Lopes", "lopez", "Kim", "Sørensen", "Sorensen", "O'Neill", "Li", "L", "A", "ß")
LOCALS = ("a.lopez", "alopez", "lopez.ana", "anal", "al", "kim", "kims", "ksørensen", "ksorensen", "soneill", "o'neill",
          "li", "weiß", "weiss", "ana", "info", "ana.maria-lopez", "k_s")  # fmt: skip
DOMAINS = ("acme.example", "weiß.example", "weiss.example", "xn--wei-7ka.example")

names = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
addresses = st.tuples(st.sampled_from(LOCALS), st.sampled_from(DOMAINS)).map("@".join)
people = st.lists(st.tuples(names, st.sets(addresses, max_size=2)), max_size=8)
accounts = st.lists(st.tuples(names, addresses | st.just(""), st.sampled_from((*LOCALS, ""))), min_size=1, max_size=3)


@pytest.fixture
def app(olga) -> App:
    return App.create(connector="listed", name="The list", category="Seat-based", state="active")


@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(people, accounts, st.integers(1, 3))
def test_with_few_people_it_is_as_if_each_was_compared(app, people, accounts, limit):
    Account.delete().execute()
    Person.delete().where(Person.workspace_role.is_null()).execute()
    fill(people)
    rows = [Account.create(app=app, external_id=str(place), name=name, email=email, email_key=email, user_name=user)
            for place, (name, email, user) in enumerate(accounts)]  # fmt: skip
    found = suggestions.suggest(app, rows, limit)
    for row in rows:
        named = [(person.id, why) for person, why in found[row.id] if " theirs" in why]
        slowly = likeliest(wanted_of(row), everyone(), limit)
        likely = [(person.id, why.lower()) for person, why in found[row.id] if person.id not in dict(named)]
        best = sorted(((score, id, why.lower()) for id, (score, why) in slowly.items() if id not in dict(named)),
                      key=lambda one: (-one[0], Person.get_by_id(one[1]).name, one[1]))  # fmt: skip
        assert likely == [(id, why) for _, id, why in best[: max(limit - len(named), 0)]]


def fill(people) -> None:
    taken = set()
    for name, emails in people:
        person = Person.create(name=name)
        for email in sorted(emails - taken):
            PersonEmail.create(person=person, email=email, email_key=email)
        taken |= emails


def suggested(app: App, limit: int = 3, **values: str) -> list[str]:
    id = str(Account.select().count())
    row = Account.create(app=app, external_id=id, email_key=values.get("email", ""), **values)
    return [person.name for person, _ in suggestions.suggestions(row, limit)]


def test_a_common_word_counts_with_a_second_one_with_the_whole_name_or_by_an_address(app):
    fill([(f"Ana Lima{'x' * number}", {f"n{number}@acme.example"}) for number in range(COMMON)])
    assert suggested(app, name="Ana Lime")[0] == "Ana Lima"
    fill([("Ana", {"only@acme.example"})])
    assert suggested(app, name="Ana Lime") == [], f"more than {COMMON} are called so"
    assert suggested(app, name="Ana Lima Maria")[0] == "Ana Lima", "Lima is one person's"
    assert suggested(app, name="Ana") == ["Ana"], "the same name"
    assert suggested(app, user_name="n7") == ["Ana Limaxxxxxxx"], "what stands before the @"
    assert suggested(app, user_name="alima") == ["Ana Lima"], "a short form"
    fill([("Bo Lima", set()) for _ in range(COMMON)])
    assert suggested(app, name="Ana Maria Lima")[0] == "Ana Lima", "both words are common, and hers are both"


@pytest.mark.parametrize("name", ["Person {}", "Person Test {}", "Same Name", "Ana", "A B C D E F G {}"])
def test_however_many_share_a_name_the_comparisons_stay_few(app, monkeypatch, name):
    Person.insert_many([{"name": name.format(number)} for number in range(600)]).execute()
    rows = [Account.create(app=app, external_id=str(number), name=name.format(900 + number)) for number in range(5)]
    compared = []

    class Counted(difflib.SequenceMatcher):
        def __init__(self, *given):
            compared.append(given)
            super().__init__(*given)

    monkeypatch.setattr(difflib, "SequenceMatcher", Counted)
    suggestions.suggest(app, rows, 1)
    assert len(compared) <= len(rows) * COMMON
