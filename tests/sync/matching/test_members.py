"""Whose account it is: by its e-mail, and by a person's decision before any e-mail."""

from __future__ import annotations

import pytest

from sync import activity
from sync.apps import member_list
from sync.apps.member_list import Members
from sync.matching import decisions as match_decisions
from sync.matching import members, suggestions
from sync.models import Account, App, Person
from sync.people import people
from tests.sync.fixtures import MEMBERS, email


def account(number: int) -> Account:
    return Account.get(Account.email == email(number))


def test_a_new_account_is_matched_by_any_of_a_persons_addresses(chat):
    people.edit(chat.people[3], chat.by, emails=[email(3), "three@private.example"])
    chat.store.add("Three@Private.Example", "P", "guest", via="page")
    chat.check()
    assert Account.get(Account.name == "P").person_id == chat.people[3].id


def test_an_account_follows_its_e_mail_until_someone_decides(chat):
    with chat.store.writing() as store:
        store.execute("UPDATE member SET email = 'x@acme.example' WHERE email = ?", (email(3),))
    chat.check()
    assert Account.get(Account.name == "Person 3").match_kind == "unmatched"
    people.add("X", "x@acme.example", chat.by)
    assert Account.get(Account.name == "Person 3").person.name == "X"
    match_decisions.unmatch(Account.get(Account.name == "Person 3"), chat.by)
    match_decisions.match(Account.get(Account.name == "Person 3"), chat.people[3], chat.by)
    with chat.store.writing() as store:
        store.execute("UPDATE member SET email = ? WHERE email = 'x@acme.example'", ("y@acme.example",))
    chat.check()
    assert Account.get(Account.name == "Person 3").person_id == chat.people[3].id
    match_decisions.leave_to_rules(Account.get(Account.name == "Person 3"), chat.by)
    assert Account.get(Account.name == "Person 3").match_kind == "unmatched"


def test_a_person_known_only_later_gets_the_account(chat):
    chat.store.add("late@acme.example", "Late", "member", via="page")
    chat.check()
    assert Account.get(Account.name == "Late").match_kind == "unmatched" and App.get().unmatched == 1
    late = people.add("Late", "LATE@acme.example", chat.by)
    assert Account.get(Account.name == "Late").person_id == late.id and App.get().unmatched == 0


@pytest.mark.parametrize(
    ("decide", "note", "word"),
    [(match_decisions.mark_guest, (), "guest"), (match_decisions.mark_local_partner, ("Bright",), "local partner"),
     (match_decisions.mark_service, (), "service account"), (match_decisions.unmatch, (), "unmatched")],
)
def test_a_decision_outlives_checks_and_e_mails_and_is_reported(chat, decide, note, word):
    decide(account(3), chat.by, *note)
    people.edit(chat.people[3], chat.by, emails=[email(3), "further@acme.example"])
    chat.check()
    assert (account(3).match_kind, account(3).match_by_hand) == (word, True)
    entry = activity.entries(app=chat.app, search="Person 3")[0]
    assert (entry.who, entry.before, entry.after) == (chat.by.name, "matched to Person 3", ": ".join((word, *note)))


def test_the_kept_counts_are_right(chat):
    match_decisions.mark_guest(account(1), chat.by)
    match_decisions.unmatch(account(2), chat.by)
    match_decisions.mark_service(account(3), chat.by, person=chat.people[0])
    app = App.get()
    assert (app.users, app.matched, app.unmatched, app.guests, app.service_accounts) == (
        MEMBERS + 1, MEMBERS - 3, 1, 1, 2)


def test_a_system_account_is_nobodys_although_its_e_mail_is_someones(chat):
    bot = Account.get(Account.kind == "system")
    person = people.add("Impostor", bot.email, chat.by)
    chat.check()
    assert Account.get_by_id(bot.id).person_id is None and person.id
    people.mark_left(person, chat.by)
    assert chat.check().waiting == 0


def test_suggestions_are_likely_people_and_match_nobody(chat):
    ana = people.add("Ana López", "a.lopez@acme.example", chat.by)
    gone = people.add("Ana Lopes", "ana.lopes@acme.example", chat.by)
    people.mark_left(gone, chat.by)
    chat.store.add("analopez@private.example", "Ana López", "member", via="page")
    chat.check()
    found = suggestions.suggestions(Account.get(Account.name == "Ana López"))
    assert [(person.id, "has left the company" in why) for person, why in found] == [(ana.id, False), (gone.id, True)]
    assert Account.get(Account.name == "Ana López").match_kind == "unmatched"


@pytest.mark.parametrize("name", ["", "%", "_", "'; DROP TABLE person; --", "a" * 5000, "\u202eanA", "王"])
def test_strange_names_have_suggestions_or_none(chat, name):
    stranger = Account.create(app=chat.app, external_id="strange", name=name, email="?", email_key="")
    assert isinstance(suggestions.suggestions(stranger), list)
    assert Person.select().count() >= MEMBERS


@pytest.mark.parametrize("words", ["person 3", "PERSON", "p3@", "%", "_", "'"])
def test_searching_is_by_parts_and_never_by_wildcards(chat, words):
    page = member_list.search(App.get(), Members(words))
    expected = {"person 3": 1, "PERSON": MEMBERS, "p3@": 1}.get(words, 0)
    assert (page.total, len(page.rows)) == (expected, expected)


def test_pages_are_walked_without_losing_or_repeating_anybody(chat):
    chat.store.add_many([(f"m{number}@acme.example", "Same Name", "member") for number in range(120)])
    chat.check()
    pages = [member_list.search(App.get(), Members(tab="unmatched"), number=number).rows for number in (1, 2, 3)]
    ids = [row.id for rows in pages for row in rows]
    assert len(ids) == len(set(ids)) == 120
    assert member_list.search(App.get(), Members(tab="unmatched"), number=99).number == 3
    with pytest.raises(ValueError, match="no such tab"):
        member_list.search(App.get(), Members(tab="everything"))


@pytest.mark.parametrize("reason", ["", "  "])
def test_protecting_needs_a_reason(chat, reason):
    with pytest.raises(members.ReasonNeeded):
        members.protect(account(3), reason, chat.by)
    assert account(3).protection_reason is None


def test_accounts_are_counted_of_this_app_and_while_they_are_present(chat, second):
    before = App.get_by_id(chat.app.id)
    Account.update(state="removing").where(Account.app == chat.app, Account.external_id == chat.id_of(1)).execute()
    members.recount(chat.app)
    after = App.get_by_id(chat.app.id)
    assert (after.users, after.matched) == (before.users - 1, before.matched - 1)
