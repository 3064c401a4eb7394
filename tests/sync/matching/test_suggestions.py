"""Who is suggested for an account, and why, in words; and that a suggestion matches nobody."""

from __future__ import annotations

import pytest

from sync.matching import rules as match_rules
from sync.matching import suggestions
from sync.models import Account, App, Person
from sync.people import people
from sync.search.texts import fold


@pytest.fixture
def known(olga, by) -> dict[str, Person]:
    names = {
        "ana": "Ana López", "kim": "Kim Sørensen", "lukasz": "Łukasz Żak", "siobhan": "Siobhán O'Neill",
        "jurgen": "Jürgen Groß", "li": "Li Wei", "anna": "Anna Lopez-Garcia",
    }  # fmt: skip
    return {key: people.add(name, f"{key}.{place}@acme.example", by) for place, (key, name) in enumerate(names.items())}


@pytest.fixture
def app(olga) -> App:
    return App.create(connector="listed", name="The list", category="Seat-based", state="active")


def suggested(app: App, **fields: str) -> list[tuple[str, str]]:
    account = Account.create(app=app, external_id="x", email_key=fields.get("email", ""), **fields)
    found = suggestions.suggestions(account)
    assert Account.get_by_id(account.id).match_kind == "unmatched" and Account.get_by_id(account.id).person is None
    return [(person.name, why) for person, why in found]


@pytest.mark.parametrize(
    ("fields", "name", "why"),
    [
        ({"name": "Ana Lopez"}, "Ana López", "The same name"),
        ({"name": "LÓPEZ, ana"}, "Ana López", "The same name"),
        ({"name": "Ana Maria López"}, "Ana López", "% like the name"),
        ({"name": "Kim Sorensen"}, "Kim Sørensen", "The same name"),
        ({"name": "Lukasz Zak"}, "Łukasz Żak", "The same name"),
        ({"name": "Juergen Gross", "email": "jgross@private.example"}, "Jürgen Groß", "“jgross” is their first"),
        ({"email": "a.lopez@private.example"}, "Ana López",
         "The address “a.lopez” is their first initial and last name"),
        ({"email": "alopez@private.example"}, "Ana López",
         "The address “alopez” is their first initial and last name"),
        ({"email": "lopez.ana@private.example"}, "Ana López", "The address “lopez.ana” is their last and first name"),
        ({"email": "kims@private.example"}, "Kim Sørensen", "The address “kims” is their first name and last initial"),
        ({"email": "kim.1@private.example"}, "Kim Sørensen",
         "The address “kim.1” is the same as in another of their addresses"),
        ({"email": "lz@private.example"}, "Łukasz Żak", "The address “lz” is their initials"),
        ({"user_name": "SOneill"}, "Siobhán O'Neill", "The user name “SOneill” is their"),
        ({"user_name": "soneill"}, "Siobhán O'Neill", "The user name “soneill” is their"),
        ({"user_name": "anna_lopez_garcia"}, "Anna Lopez-Garcia", "The user name “anna_lopez_garcia” is their name"),
        ({"name": "A. López"}, "Ana López", "the name “a lopez” is their first initial and last name"),
        ({"name": "ksorensen"}, "Kim Sørensen", "The name “ksorensen” is their first initial and last name"),
        ({"name": "Li Wei", "email": "li.wei@private.example"}, "Li Wei", "The same name; the address “li.wei” is"),
    ],
)  # fmt: skip
def test_why_someone_is_likely(app, known, fields, name, why):
    found = suggested(app, **fields)
    assert found and found[0][0] == name, found
    assert why in found[0][1]


@pytest.mark.parametrize(
    ("theirs", "seen", "shown"),
    [
        ("maria.weiss@acme.example", "maria.weiß@acme.example", "maria.weiß@acme.example"),
        ("maria.weiß@acme.example", "MARIA.WEISS@acme.example", "maria.weiss@acme.example"),
        ("fiona@acme.example", "ﬁona@acme.example", "ﬁona@acme.example"),
        ("kate@acme.example", "\u212aate@acme.example", "\u212aate@acme.example"),
        ("jose@acme.example", "josé@acme.example", "josé@acme.example"),
        ("isik@acme.example", "ışık@acme.example", "ışık@acme.example"),
        ("maria@weiss.example", "maria@weiß.example", "maria@weiß.example"),
        ("maria@weiss.example", "maria@xn--wei-7ka.example", "maria@weiß.example"),
        ("maria@münchen.example", "maria@munchen.example", "maria@munchen.example"),
    ],
)
def test_a_look_alike_is_suggested_with_the_reason_and_matches_nobody(listed, theirs, seen, shown):
    owner = people.add("Whose the other is", theirs, listed.by)
    listed.add("1", email=seen, name="")
    listed.check()
    assert (listed.account("1").match_kind, listed.account("1").person) == ("unmatched", None)
    [(person, why)] = suggestions.suggestions(listed.account("1"))
    assert (person, why) == (owner, f"The address {shown} looks like {theirs}, but they are different mailboxes")


def test_a_name_that_is_the_user_name_again_is_no_second_reason(app, known):
    [(name, why), *_] = suggested(app, name="alopez", email="a.lopez@private.example")
    assert (name, why) == ("Ana López", "The address “a.lopez” is their first initial and last name")


def test_beside_a_look_alike_address_the_user_name_still_counts(app, by):
    people.add("Ana López", "jose@acme.example", by)
    [(_, why)] = suggested(app, email="josé@acme.example", user_name="alopez")
    assert why == ("The address josé@acme.example looks like jose@acme.example, but they are different mailboxes; "
                   "the user name “alopez” is their first initial and last name")


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"name": "Zed"}, {"email": "info@x.example"}, {"name": "?!"}, {"name": "a" * 5000}, {"name": "\u202e"},
        {"user_name": "@"}, {"name": "王", "email": "x@y.example"}, {"user_name": "admin"}, {"name": "of the Ana"},
    ],
)  # fmt: skip
def test_nobody_is_likely(app, known, fields):
    assert [name for name, _ in suggested(app, **fields) if name != "Ana López"] == []


def test_a_leaver_is_marked_and_of_equals_the_person_who_is_here_comes_first(app, known, by):
    people.mark_left(known["ana"], by)
    people.add("Ana Lopes", "ana.lopes@acme.example", by)
    left = ("Ana López", "The same name; has left the company")
    assert suggested(app, name="Ana López")[:2] == [left, ("Ana Lopes", "89 % like the name")]
    people.add("Ana Lopez", "other.ana@acme.example", by)
    Account.delete().execute()
    assert suggested(app, name="Ana López")[:2] == [("Ana Lopez", "The same name"), left]


def test_people_named_by_disagreeing_rules_come_first(app, known):
    for one in ("ana", "kim"):
        Person.update(employee_number="E1").where(Person.id == known[one].id).execute()
    match_rules.set_domain(app, "acme.example", "Olga")
    app = App.get_by_id(app.id)
    assert suggested(app, name="Ana López", employee_number="e1", user_name="lukasz.2") == [
        ("Ana López", "The employee number is theirs"), ("Kim Sørensen", "The employee number is theirs"),
        ("Łukasz Żak", "The user name is theirs")]  # fmt: skip


def test_a_page_of_accounts_is_asked_for_at_once(app, known):
    rows = [Account.create(app=app, external_id=name, name=name) for name in ("Ana Lopez", "Kim Sorensen", "Zed")]
    found = suggestions.suggest(app, rows, 1)
    assert [[person.name for person, _ in found[row.id]] for row in rows] == [["Ana López"], ["Kim Sørensen"], []]


@pytest.mark.parametrize(
    ("text", "plain"),
    [("ÅÄÖ", "aao"), ("Łódź", "lodz"), ("Straße", "strasse"), ("ﬁ", "fi"), ("İI", "ii"), ("ÆØ", "aeo"), ("", "")],
)
def test_diacritics_are_folded_for_likeness(text, plain):
    assert fold(text) == plain
