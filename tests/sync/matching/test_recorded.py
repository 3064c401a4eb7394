"""What protecting, searching and counting members leaves and shows, match by match."""

from __future__ import annotations

import pytest

from sync.apps import member_list
from sync.apps.member_list import Members
from sync.matching import decisions, members, rules, vouching
from sync.matching.decisions import Decision
from sync.models import Account, Activity, App, Directory, MatchDecision, Person
from sync.people import people
from sync.states import AccountMatch
from tests.sync.fixtures import email


def account(number: int) -> Account:
    return Account.get(Account.email == email(number))


def entry(what: str) -> tuple:
    [row] = Activity.select().where(Activity.what == what)
    return row.who, row.about, row.why, row.before, row.after, row.app_id, row.person_id


def test_protection_is_set_and_lifted_with_its_reason(chat):
    members.protect(account(3), " The board ", chat.by)
    protected = Account.select().where(Account.protection_reason.is_null(False))
    assert [row.protection_reason for row in protected] == ["The board"]
    about = (chat.by.name, "Person 3")
    assert entry("protected account") == (*about, "The board", None, None, chat.app.id, chat.people[3].id)
    members.protect(account(4), "Another", chat.by)
    members.unprotect(account(3), chat.by)
    assert (account(3).protection_reason, account(4).protection_reason) == (None, "Another")
    assert entry("lifted protection") == (*about, "", None, None, chat.app.id, chat.people[3].id)


def test_each_match_is_counted_and_on_its_tab(chat):
    kinds = ["unmatched", "guest", "guest", "local partner", "service account", "service account", "matched"]
    for number, kind in enumerate(kinds, start=1):
        Account.update(match_kind=kind).where(Account.email == email(number)).execute()
    Account.update(state="removing").where(Account.email == email(9)).execute()
    members.recount(chat.app)
    app, own = App.get(), Account.select().where(Account.kind == "system").count()
    assert (app.unmatched, app.guests, app.matched) == (1, 3, 3)
    assert (app.service_accounts, app.users) == (2 + own, 9 + own)
    for tab, number in (("onboarded", 3), ("unmatched", 1), ("guests", 3), ("service accounts", 2 + own)):
        page = member_list.search(app, Members(tab=tab))
        assert (len(page.rows), page.total) == (number, number)
    assert member_list.search(app, Members(email(2), "guests")).total == 1
    assert member_list.search(app, Members(email(2), "unmatched")).total == 0
    with pytest.raises(ValueError, match="no such tab: others"):
        member_list.found(app, Members(tab="others"))


@pytest.mark.parametrize("column", ["name", "email", "user_name", "match_note"])
def test_a_member_is_found_by_all_words_in_any_column(chat, column):
    Account.update({getattr(Account, column): "blue heron"}).where(Account.id == account(5).id).execute()
    found = [row.id for row in member_list.found(App.get(), Members("heron blue"))]
    assert len(found) == 1
    assert not list(member_list.found(App.get(), Members("heron red")))


def test_members_are_listed_by_name_with_their_people(chat):
    rows = member_list.search(App.get(), Members()).rows
    assert [row.name for row in rows] == sorted(row.name for row in rows)
    assert [row.person.name for row in rows if row.kind == "user"] == [f"Person {number}" for number in range(10)]


@pytest.mark.parametrize(("kind", "match", "has_person", "note", "by_hand", "expected"), [
    ("person", "matched", True, None, True, "matched to Person 7"),
    ("guest", "guest", False, "Studio", True, "guest: Studio"),
    ("local partner", "local partner", False, "Studio", True, "local partner: Studio"),
    ("service account", "service account", True, None, True, "service account of Person 7"),
    ("nobody", "unmatched", False, None, True, "unmatched"),
    ("rules", "matched", None, None, False, "matched to Person 3"),
])  # fmt: skip
def test_each_decision_is_written_reported_and_undone(chat, kind, match, has_person, note, by_hand, expected):
    decisions.unmatch(account(3), chat.by)
    made = decisions.decide(chat.app, [account(3).id], Decision(kind, chat.people[7], "Studio"), chat.by)
    row = account(3)
    assert made.count == 1 or kind == "nobody"
    assert (row.match_kind, row.match_by_hand, row.match_note) == (match, by_hand, note)
    when_matched = row.email_key if match == AccountMatch.MATCHED and by_hand else None
    assert row.email_when_matched == when_matched or kind == "rules"
    if has_person is not None:
        assert row.person_id == (chat.people[7].id if has_person else None)
    assert members.match_in_words(row) == expected
    if kind != "nobody":
        assert decisions.undo(chat.app, made.batch, chat.by) == 1
        assert (account(3).match_kind, account(3).match_by_hand, account(3).person_id) == ("unmatched", True, None)
        assert entry("undid a decision") == (
            chat.by.name, "Person 3", "", expected, "unmatched", chat.app.id, row.person_id)  # fmt: skip
        with pytest.raises(decisions.DecisionProblem, match="already undone"):
            decisions.undo(chat.app, made.batch, chat.by)


def test_someone_who_has_left_is_named_responsible_for_nothing(chat):
    people.mark_left(chat.people[7], chat.by)
    with pytest.raises(decisions.DecisionProblem, match="Person 7 has left"):
        decisions.mark_service(account(3), chat.by, chat.people[7])
    decisions.unmatch(account(3), chat.by)
    assert decisions.match(account(3), chat.people[7], chat.by).count == 1, "their account may still be theirs"


def test_a_decision_keeps_what_it_replaces_with_who_made_it(chat):
    decisions.mark_guest(account(3), chat.by, "Studio")
    [kept] = MatchDecision.select()
    assert (kept.account_id, kept.match_kind, kept.person_id, kept.match_by_hand, kept.made_by) == (
        account(3).id, "matched", chat.people[3].id, False, chat.by.name)  # fmt: skip
    [batch] = decisions.undoable(App.get(), 5)
    assert (batch.account.id, batch.count, batch.made_by, batch.made_at) == (
        account(3).id, 1, chat.by.name, kept.made_at)  # fmt: skip


def test_accounts_that_are_gone_or_of_another_app_are_not_decided_about(chat, second):
    Account.update(state="gone").where(Account.id == account(3).id).execute()
    theirs = Account.get(Account.app == second.app, Account.email == email(4))
    ours = Account.get(Account.app == chat.app, Account.email == email(4))
    made = decisions.decide(chat.app, [account(3).id, theirs.id, ours.id], Decision("guest"), chat.by)
    assert made.count == 1
    assert [row.id for row in Account.select().where(Account.match_kind == "guest")] == [ours.id]


@pytest.mark.parametrize(("values", "why"), [
    ({"match_kind": "matched"}, "By e-mail"),
    ({"match_by_hand": True}, "By hand"),
    ({"match_kind": "unmatched", "match_by_hand": True}, "Unmatched until someone decides whose it is"),
    ({"match_kind": "guest"}, ""),
    ({"email_key": "nobody@acme.example"}, ""),  # no rule names the person now
])  # fmt: skip
def test_why_an_account_is_matched_is_shown_in_words(chat, values, why):
    Account.update(values).where(Account.id == account(3).id).execute()
    row = account(3)
    assert rules.why(chat.app, [row]) == {row.id: why}


def test_the_person_who_is_responsible_for_a_directory_is_named(olga, scripted):
    directory = scripted().directory

    def words(**values: object) -> str:
        Directory.update(values).where(Directory.id == directory.id).execute()
        return vouching.responsibility_in_words(Directory.get_by_id(directory.id))

    assert words(vouched_for=True, responsible_id=olga.id) == "an Owner vouches for it"
    assert words(vouched_for=False, responsible_id=None) == "nobody is responsible for it"
    assert words(responsible_id=olga.id) == f"{olga.name} is responsible for it"
    Person.update(workspace_role="user").execute()
    assert words(responsible_id=olga.id) == f"{olga.name} is responsible for it, who no longer manages people"
    Person.update(workspace_role="admin", status="suspended").execute()
    assert words(responsible_id=olga.id) == f"{olga.name} is responsible for it, who no longer manages people"
