"""Which decisions can be undone, and which accounts rules match again: each condition alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow, writing
from sync.matching import decisions as match_decisions
from sync.matching import rules as match_rules
from sync.matching.decisions import Decision, DecisionProblem
from sync.models import Account, Activity, App, MatchDecision, Person, PersonEmail
from tests.sync.fixtures import email

GUEST = Decision("guest", note="A trainee")


def account(chat, number: int) -> Account:
    return Account.get(Account.app == chat.app, Account.email == email(number))


def guests(chat, *numbers: int) -> str:
    return match_decisions.decide(chat.app, [account(chat, number).id for number in numbers], GUEST, "Ana").batch


def offered(chat, limit: int = 9) -> list[tuple[str, str, int]]:
    return [(one.batch, one.account.email, one.count) for one in match_decisions.undoable(chat.app, limit)]


# Undone


def test_the_newest_comes_first_with_one_of_its_accounts_and_their_number(chat, second):
    before = utcnow()
    one, two = guests(chat, 1), guests(chat, 3, 2)
    match_decisions.decide(second.app, [account(second, 4).id], GUEST, "Bo")
    assert offered(chat) == [(two, email(2), 2), (one, email(1), 1)] and offered(chat, 1) == [(two, email(2), 2)]
    assert len(match_decisions.undoable(chat.app)) == 1
    newest = match_decisions.undoable(chat.app)[0]
    assert newest.made_by == "Ana" and before <= newest.made_at <= utcnow()
    just, all_day = newest.made_at - timedelta(microseconds=1), before - timedelta(days=1)
    assert [one.batch for one in match_decisions.undoable(chat.app, 9, since=just)] == [two]
    assert match_decisions.undoable(chat.app, since=newest.made_at) == []
    assert match_decisions.undoable(chat.app, 9, since=all_day) == match_decisions.undoable(chat.app, 9)


def test_a_replaced_decision_can_be_undone_only_after_the_newer_one(chat):
    first = guests(chat, 2, 3)
    newer = match_decisions.unmatch(account(chat, 2), "Bo").batch
    assert offered(chat) == [(newer, email(2), 1), (first, email(3), 1)]
    assert match_decisions.undo(chat.app, newer, "Bo") == 1
    assert offered(chat) == [(first, email(2), 2)]
    assert match_decisions.undo(chat.app, first, "Bo") == 2 and offered(chat) == []


def test_accounts_that_are_gone_are_not_offered_or_undone(chat):
    batch, other = guests(chat, 2, 3), guests(chat, 4)
    Account.update(state="gone").where(Account.email.in_((email(2), email(4)))).execute()
    assert offered(chat) == [(batch, email(3), 1)]
    with pytest.raises(DecisionProblem):
        match_decisions.undo(chat.app, other, "Ana")
    assert match_decisions.undo(chat.app, batch, "Ana") == 1
    assert (account(chat, 2).match_kind, account(chat, 3).match_kind) == ("guest", "matched")


@pytest.mark.parametrize(("values", "match"), [
    ({"match_kind": "matched", "match_by_hand": True}, ("matched", True, True)),
    ({"match_kind": "matched", "match_by_hand": True, "person": None}, ("unmatched", False, True)),
    ({"match_kind": "matched", "match_by_hand": False}, ("matched", True, False)),
    ({"match_kind": "local partner", "match_by_hand": True, "person": None, "match_note": "Bright"},
     ("local partner", False, True)),
    ({"match_kind": "service account", "match_by_hand": True}, ("service account", True, True)),
])  # fmt: skip
def test_undone_an_account_is_as_it_was_before(chat, values, match):
    batch = guests(chat, 2)
    was = {"person": chat.people[2], "match_note": None, "email_when_matched": "x@x"}
    MatchDecision.update(was | values).execute()
    match_decisions.undo(chat.app, batch, "Ana")
    now = account(chat, 2)
    kind, has_person, by_hand = match
    assert (now.match_kind, now.person, now.match_by_hand) == (kind, chat.people[2] if has_person else None, by_hand)
    assert (now.match_note, now.email_when_matched) == (values.get("match_note"), "x@x")
    assert MatchDecision.get().undone_at is not None
    entry = Activity.select().order_by(Activity.id.desc()).get()
    assert (entry.who, entry.what, entry.about, entry.before) == ("Ana", "undid a decision", "Person 2",
                                                                  "guest: A trainee")  # fmt: skip


# Matched again where someone becomes known


@pytest.fixture
def unmatched(chat, second) -> None:
    Account.update(match_kind="unmatched", person=None, email="", email_key="").where(
        Account.email.in_((email(2), email(3)))).execute()


def matched(chat) -> list[str]:
    names = Account.name.in_(("Person 2", "Person 3"))
    return sorted(row.name for row in Account.select().where(Account.app == chat.app, Account.is_matched, names))


def edit(chat, number: int, **values: object) -> None:
    Account.update(values).where(Account.app == chat.app, Account.name == f"Person {number}").execute()


def test_someones_address_number_or_user_name_matches_accounts_in_the_apps_that_have_it(chat, second, unmatched):
    edit(chat, 2, email_key=email(2))
    edit(second, 3, email_key=email(3))
    match_rules.match_everywhere([email(2)])
    assert (matched(chat), matched(second)) == (["Person 2"], [])
    App.update(matched=0).where(App.id == chat.app.id).execute()
    match_rules.match_everywhere([email(3)])
    assert (matched(chat), matched(second)) == (["Person 2"], ["Person 3"])
    assert App.get_by_id(second.app.id).matched == Account.select().where(
        Account.app == second.app, Account.is_matched).count()
    assert App.get_by_id(chat.app.id).matched == 0, "it has no such account"


@pytest.mark.parametrize(("number", "given", "known"), [("E7", "e7", True), ("e7", "E7", True), ("E8", "E7", False),
                                                        ("", "", False)])  # fmt: skip
def test_a_number_is_the_same_in_capitals(chat, second, unmatched, number, given, known):
    edit(chat, 2, employee_number=number or None)
    Person.update(employee_number=given).where(Person.id == chat.people[2].id).execute()
    match_rules.match_everywhere(numbers=[given])
    assert matched(chat) == (["Person 2"] if known else []) and matched(second) == []


@pytest.mark.parametrize(("domain", "known"), [("acme.example", True), ("other.example", False), (None, False)])
def test_a_user_name_matches_where_the_app_has_the_domain_of_the_address(chat, second, unmatched, domain, known):
    edit(chat, 2, user_name="p2")
    App.update(match_domain=domain).where(App.id == chat.app.id).execute()
    match_rules.match_everywhere([email(2)])
    assert matched(chat) == (["Person 2"] if known else [])


def test_more_than_one_statement_takes(chat, unmatched, monkeypatch):
    monkeypatch.setattr(match_rules, "CHUNK", 2)
    edit(chat, 2, email_key=email(2))
    edit(chat, 3, employee_number="E3")
    Person.update(employee_number="E3").where(Person.id == chat.people[3].id).execute()
    match_rules.match_everywhere([f"x{number}@x.example" for number in range(4)] + [email(2)],
                                 [f"X{number}" for number in range(4)] + ["E3"])  # fmt: skip
    assert matched(chat) == ["Person 2", "Person 3"]


def test_the_domain_of_an_address_is_behind_its_last_at_sign(chat, unmatched):
    edit(chat, 2, user_name="p2")
    App.update(match_domain="acme.example").where(App.id == chat.app.id).execute()
    match_rules.match_everywhere(['"one@two"@other.example'])
    assert matched(chat) == []
    match_rules.match_everywhere(['"one@two"@acme.example'])
    assert matched(chat) == ["Person 2"]


def test_a_domain_that_is_set_shows_how_many_accounts_it_changed_and_is_in_activity(chat, second, unmatched):
    for app in (chat, second):
        edit(app, 2, user_name="p2")
    assert match_rules.set_domain(chat.app, " @ACME.example ", "Ana") == 1
    assert (matched(chat), matched(second)) == (["Person 2"], [])
    assert App.get_by_id(chat.app.id).match_domain == "acme.example"
    assert App.get_by_id(second.app.id).match_domain is None
    assert match_rules.set_domain(chat.app, "acme.example", "Ana") == 0, "it is so already"
    PersonEmail.create(person=chat.people[3], email="p2@other.example", email_key="p2@other.example")
    assert match_rules.set_domain(App.get_by_id(chat.app.id), "other.example", "Ana") == 1, "the account is one"
    assert match_rules.set_domain(App.get_by_id(chat.app.id), "", "Ana") == 1 and matched(chat) == []
    assert App.get_by_id(chat.app.id).match_domain is None
    entries = [(row.who, row.about, row.before, row.after, row.app) for row in Activity.select().where(
        Activity.what == "changed matching by user name").order_by(Activity.id)]
    one, two = "user name@acme.example", "user name@other.example"
    assert entries == [("Ana", "Chat", *change, chat.app) for change in (("off", one), (one, two), (two, "off"))]


def test_only_the_chosen_accounts_are_matched(chat, unmatched):
    for number in (2, 3):
        edit(chat, number, email_key=email(number))
    with writing():
        match_rules.choose("SELECT id FROM account WHERE email_key = ?", (email(3),))
        match_rules.match_chosen(chat.app)
    assert matched(chat) == ["Person 3"]
