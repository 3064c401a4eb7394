"""While an account may be a leaver's and nobody has decided whose it is, no page says that the app is up to date."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from sync.apps import status
from sync.db import utcnow
from sync.directory import directories, state
from sync.matching import decisions, doubtful
from sync.matching.decisions import Decision, DecisionKind
from sync.models import (
    BIT,
    Account,
    App,
    Directory,
    DirectoryEntry,
    HeldChange,
    MatchDecision,
    Person,
    PersonEmail,
)
from sync.people import held, importing, people
from sync.rank import Asker
from sync.safety import leavers
from sync.workspace import update_workspace
from tests.sync.fixtures import Chat, email
from tests.sync.listed import Listed
from tests.sync.scripted import Scripted

GUEST = "guest@agency.example"


def shown(chat: Chat | Listed) -> str:
    return status.standing(App.get_by_id(chat.app.id)).status


def account(chat: Chat, address: str) -> Account:
    return Account.get(Account.app == chat.app, Account.email == address)


@pytest.fixture
def company(chat: Chat, scripted: type[Scripted]) -> Scripted:
    """Everyone of the chat is in it."""
    company = scripted(count=10)
    company.read()
    return company


def test_a_leavers_account_whose_address_is_someone_elses_now(chat, company):
    company.say("id1", status="deprovisioned")
    company.read()
    chat.check()
    assert shown(chat) == "Approval needed"
    company.delete("id1")
    company.add("new", email(1), "Ana Lima", employee_number="9")
    company.read()
    chat.check()
    assert (account(chat, email(1)).match_kind, leavers.numbers_in(chat.app.id).accounts) == ("unmatched", 0)
    standing = status.standing(App.get_by_id(chat.app.id))
    assert (standing.status, standing.facts.doubtful) == ("Needs matching", 1)
    assert standing.sentence == ("Person 1 may be the account of someone who has left. Decide whose it is.",)
    decisions.match(account(chat, email(1)), people.find_by_email(email(1)), chat.by)
    assert shown(chat) == "Up to date"


@pytest.mark.parametrize("leaves_first", [False, True])
@pytest.mark.parametrize("changed", [{"email": "private@mail.example"}, {"kind": "system"}])
def test_a_leavers_account_that_has_got_another_email_or_kind_in_the_app(listed, by, leaves_first, changed):
    for number in range(6):
        people.add(f"Person {number}", email(number), by)
        listed.add(f"u{number}", email=email(number), name=f"Person {number}")
    listed.check()
    if leaves_first:
        people.mark_left(people.find_by_email(email(1)), by)
    listed.say("u1", **changed)
    listed.check()
    if not leaves_first:
        assert shown(listed) == "Up to date"
        people.mark_left(people.find_by_email(email(1)), by)
    assert (listed.account("u1").person, shown(listed)) == (None, "Needs matching")
    decisions.mark_service(listed.account("u1"), by)
    assert shown(listed) == "Up to date"


def test_a_leavers_account_whose_address_was_taken_from_them_by_hand(chat):
    people.edit(chat.people[1], chat.by, emails=["ana@acme.example"])
    assert shown(chat) == "Up to date"
    people.mark_left(chat.people[1], chat.by)
    assert shown(chat) == "Needs matching"


def test_an_address_that_two_people_claim_of_whom_one_has_left(chat, company):
    company.add("new", email(1), "Ana Lima", employee_number="9")
    company.read()
    assert account(chat, email(1)).match_kind == "unmatched" and shown(chat) == "Up to date"
    people.mark_left(chat.people[1], chat.by)
    assert shown(chat) == "Needs matching"


@pytest.mark.parametrize("kind", [DecisionKind.GUEST, DecisionKind.SERVICE_ACCOUNT, DecisionKind.NOBODY])
def test_a_guest_who_was_hired_and_has_left(chat, kind):
    chat.store.add(GUEST, "Gil", "member", via="page")
    chat.check()
    seat = account(chat, GUEST)
    decisions.decide(chat.app, [seat.id], Decision(kind), chat.by)
    gil = people.add("Gil", GUEST, chat.by)
    assert shown(chat) == "Up to date"
    people.mark_left(gil, chat.by)
    chat.check()
    assert shown(chat) == "Needs matching"
    made = decisions.decide(chat.app, [seat.id], Decision(kind), chat.by)
    assert made.count == 1 and shown(chat) == "Up to date", "it was decided again since they left"
    assert decisions.decide(chat.app, [seat.id], Decision(kind), chat.by).count == 0
    decisions.undo(chat.app, made.batch, chat.by)
    assert shown(chat) == "Needs matching"


@pytest.mark.parametrize("kind", [DecisionKind.GUEST, DecisionKind.SERVICE_ACCOUNT, DecisionKind.NOBODY])
def test_a_guest_who_was_hired_and_has_left_and_whose_address_is_someone_elses_now(chat, company, kind):
    chat.store.add(GUEST, "Gil", "member", via="page")
    chat.check()
    seat = account(chat, GUEST)
    decisions.decide(chat.app, [seat.id], Decision(kind), chat.by)
    company.add("gil", GUEST, "Gil Reyes", employee_number="8")
    company.read()
    assert shown(chat) == "Up to date"
    company.delete("gil")
    company.add("new", GUEST, "Ana Lima", employee_number="9")
    company.read()
    chat.check()
    assert (people.find_by_email(GUEST).status, shown(chat)) == ("active", "Needs matching")
    assert decisions.decide(chat.app, [seat.id], Decision(kind), chat.by).count == 1
    assert shown(chat) == "Up to date"


FIRST, SECOND, THIRD = (datetime(2026, 11, day) for day in (1, 2, 3))


def of_someone(app: App, who: str, person: dict, account: dict, *, disputed: bool = False) -> Person:
    """An account with the address of this person."""
    made = Person.create(name=who, **person)
    PersonEmail.create(person=made, email=f"{who}@x", email_key=f"{who}@x", disputed=disputed)
    Account.create(app=app, external_id=who, **{"email_key": f"{who}@x", "match_kind": "unmatched"} | account)
    return made


def doubts(app: App) -> set[str]:
    return {row.external_id for row in Account.select().where(Account.id.in_(doubtful.of_app(app.id)))}


def test_only_a_leavers_disputed_address_makes_an_account_without_a_decision_doubtful(home):
    app = App.create(connector="listed", name="Listed", category="Test", state="active")
    someone, left = Person.create(name="Bo"), {"status": "deprovisioned"}
    for who, person, account, disputed in (
        ("plain", left, {}, True),
        ("undisputed", left, {}, False),
        ("here", {}, {}, True),
        ("other-address", left, {"email_key": "y@x"}, True),
        ("matched", left, {"match_kind": "matched", "person": someone}, True),
        ("decided", left, {"match_by_hand": True}, True),
        ("held", {}, {}, True),
    ):
        of_someone(app, who, person, account, disputed=disputed)
    MatchDecision.create(account=Account.get(external_id="decided"), batch="1", match_kind="unmatched")
    DirectoryEntry.create(directory=Directory.create(kind="csv", name="File"), external_id="1",
                          person=Person.get(name="held"), reported_status="deprovisioned")  # fmt: skip
    assert doubts(app) == {"plain", "held"}


@pytest.mark.parametrize("disputed", [True, False])
def test_a_decision_settles_an_account_only_if_it_was_made_after_the_departure(home, disputed):
    app = App.create(connector="listed", name="Listed", category="Test", state="active")
    file = Directory.create(kind="csv", name="File")
    left, here = {"status": "deprovisioned", "status_since": SECOND}, {"status_since": FIRST}
    late = {"status": "deprovisioned", "status_since": THIRD}
    for who, person, reported, decided in (  # when an entry or a list (None) says that they have left
        ("left-since", left, [], FIRST),
        ("left-then", left, [], SECOND),
        ("left-before", left, [], THIRD),
        ("left-by-hand-after-the-entry", late, [("deprovisioned", FIRST)], SECOND),
        ("held-since", here, [("deprovisioned", THIRD)], SECOND),
        ("held-since-by-the-last", here, [("deprovisioned", THIRD), ("deprovisioned", FIRST)], SECOND),
        ("held-before", here | {"status_since": THIRD}, [("deprovisioned", FIRST)], SECOND),
        ("a-list-since", here, [(None, THIRD), ("active", FIRST)], SECOND),
        ("a-list-before", here, [(None, FIRST), ("active", THIRD)], SECOND),
    ):
        made = of_someone(app, who, person, {"match_by_hand": True}, disputed=disputed)
        MatchDecision.create(account=Account.get(external_id=who), batch=who, made_at=decided,
                             match_kind="unmatched")  # fmt: skip
        for number, (status_then, at) in enumerate(reported):
            if status_then is None:
                HeldChange.create(person=made, field="status", value="deprovisioned", asked_by="Ada", created_at=at)
                continue
            DirectoryEntry.create(directory=file, external_id=f"{who} {number}", person=made,
                                  reported_status=status_then, reported_at=at)  # fmt: skip
    for who, values in (("gone", {"state": "gone"}), ("matched", {"match_kind": "matched"})):
        of_someone(app, who, left, {"match_by_hand": True} | values, disputed=disputed)
    for change in ({"state": "dismissed"}, {"field": "name"}, {"value": "suspended"}):
        HeldChange.create(person=Person.get(name="a-list-before"), asked_by="Ada", created_at=THIRD,
                          **{"field": "status", "value": "deprovisioned"} | change)  # fmt: skip
    HeldChange.create(person=Person.get(name="held-since"), field="status", value="deprovisioned", asked_by="Ada",
                      created_at=FIRST)  # fmt: skip
    since = {"left-since", "left-by-hand-after-the-entry", "held-since", "held-since-by-the-last", "a-list-since"}
    assert doubts(app) == since


def test_one_who_left_before_the_decision_was_meant(chat):
    chat.leave(1)
    chat.check()
    decisions.unmatch(account(chat, email(1)), chat.by)
    assert doubtful.numbers() == {} and MatchDecision.select().count() == 1


def test_leavers_that_a_guard_holds(chat, company, scripted):
    for number in range(1, 8):
        company.say(f"id{number}", status="deprovisioned")
    company.read()
    chat.check()
    standing = status.standing(App.get_by_id(chat.app.id))
    assert (standing.status, standing.facts.held_leavers) == ("Approval needed", 7)
    people.mark_returned(chat.people[1], chat.by)
    assert doubtful.numbers()[chat.app.id].held_people == 7, "someone who is here can't come back"
    other = scripted("HR")
    other.entries["7"] = replace(company.entries["id7"], id="7", status="active")
    other.read()
    assert doubtful.numbers()[chat.app.id].held_people == 6, "another directory has the seventh"
    directories.release(company.row(), chat.by)
    assert doubtful.numbers() == {} and leavers.numbers_in(chat.app.id).accounts == 6


def test_someone_who_came_back_by_hand_while_a_guard_held_that_and_has_left_since(chat, company):
    """A provider that pushes says each only once. So nobody asks the guard again before they leave."""
    chat.check()
    person = Person.get_by_id(chat.people[1])
    DirectoryEntry.update(status="deprovisioned", left_at=utcnow()).where(DirectoryEntry.person == person).execute()
    Person.update(status="deprovisioned", status_since=utcnow()).where(Person.id == person.id).execute()
    people.mark_returned(person, chat.by)
    assert doubtful.numbers() == {}
    DirectoryEntry.update(reported_status="deprovisioned", reported_at=utcnow()).where(
        DirectoryEntry.person == person).execute()  # fmt: skip
    assert doubtful.numbers()[chat.app.id].held_people == 1


def test_accounts_of_leavers_that_a_guard_holds_and_of_which_no_one_can_say_whose_they_are(chat, company):
    """The new one is nobody here while a guard holds that the earlier one has left, so both claim the address."""
    chat.store.add("p2+test@acme.example", "Test", "member", via="page")
    chat.check()
    decisions.mark_guest(account(chat, email(3)), chat.by)
    decisions.mark_service(account(chat, email(4)), chat.by, person=chat.people[5])
    update_workspace(chat.by, guard_accounts=0, guard_percent=0)
    company.say("id1", status="deprovisioned")
    for number in (2, 3, 5):
        company.say(f"id{number}", status="deprovisioned")
    company.add("new", email(1), "Ana Lima", employee_number="9")
    company.read()
    chat.check()
    assert (people.find_by_email(email(1)).status, account(chat, email(1)).match_kind) == ("active", "unmatched")
    doubts = {row.email for row in Account.select().where(Account.id.in_(doubtful.of_app(chat.app.id)))}
    assert doubts == {email(1), "p2+test@acme.example", email(3), email(4)}
    decisions.mark_guest(account(chat, email(3)), chat.by)
    assert len(doubtful.of_app(chat.app.id)) == 3
    Account.update(email="0@acme.example").where(Account.email == email(1)).execute()
    Account.update(person=chat.people[2], match_kind="matched").where(Account.email.startswith("p2+")).execute()
    assert doubtful.numbers()[chat.app.id][2:] == (2, "Person 2"), "of those who count as here alone, each once"


@pytest.mark.parametrize("decide", [held.release, held.dismiss])
def test_someone_who_has_left_by_the_list_of_a_person_of_lower_rank(chat, decide):
    Person.update(workspace_role="owner").where(Person.id == chat.people[1].id).execute()
    admin = people.add("Ada", "ada@acme.example", chat.by, workspace_role="admin")
    importing.import_csv(f"email,status\n{email(1)},left\n".encode(), Asker.person(admin))
    assert (shown(chat), doubtful.numbers()[chat.app.id].held_people) == ("Approval needed", 1)
    HeldChange.create(person=chat.people[2], field="status", value="suspended", asked_by="Ada")
    assert doubtful.numbers()[chat.app.id].held_people == 1, "who is suspended hasn't left"
    decide(HeldChange.get(person=chat.people[1]), chat.by)
    assert doubtful.numbers() == {}


def test_someone_marked_as_back_who_was_on_leave_and_has_left_since(chat, company):
    """No directory ever agreed with the decision, so it still wins."""
    company.say("id1", status="suspended")
    company.read()
    people.mark_returned(chat.people[1], chat.by)
    assert shown(chat) == "Up to date"
    company.say("id1", status="deprovisioned")
    company.read()
    chat.check()
    assert Person.get_by_id(chat.people[1].id).status == "active" and shown(chat) == "Approval needed"
    person = Person.get_by_id(chat.people[1].id)
    people.mark_left(person, chat.by)
    assert leavers.numbers_in(chat.app.id).accounts == 1 and doubtful.numbers() == {}
    people.mark_returned(Person.get_by_id(person.id), chat.by)
    assert doubtful.numbers() == {}, "decided after the directory had reported it"


def test_held_leavers_of_a_directory_that_was_removed_keep_the_app_from_being_up_to_date(chat, company):
    decisions.mark_guest(account(chat, email(3)), chat.by)
    company.delete(*(f"id{number}" for number in range(8)))
    company.read()
    state.remove(company.row(), chat.by)
    assert doubtful.numbers()[chat.app.id].held_people == 7 and shown(chat) == "Approval needed"
    assert doubtful.of_app(chat.app.id) == {account(chat, email(3)).id}, "marked as a guest's before they left"
    for change in held.waiting():
        held.dismiss(change, chat.by)
    assert doubtful.numbers() == {}


def test_someone_who_counts_as_here_by_a_directory_that_was_removed(chat, company, scripted):
    other = scripted("Old list", 10)
    other.read()
    company.say("id1", status="deprovisioned")
    company.read()
    assert doubtful.numbers() == {}, "active in any directory is active"
    state.remove(other.row(), chat.by)
    company.read()
    assert Person.get_by_id(chat.people[1].id).status == "active"
    assert doubtful.numbers()[chat.app.id].held_people == 1 and shown(chat) == "Approval needed"
    [words] = status.standing(App.get_by_id(chat.app.id)).sentence
    assert words.startswith("1 person in it has left according to a directory or list, but counts as here: Person 1. A")
    Person.update(status_since=datetime(2000, 1, 1)).where(Person.id == chat.people[2].id).execute()
    Person.update(status_by_hand="active").where(Person.id == chat.people[2].id).execute()
    DirectoryEntry.update(reported_status="deprovisioned").where(DirectoryEntry.external_id == "id2").execute()
    assert "count as here: Person 1 and 1 other. A" in status.standing(App.get_by_id(chat.app.id)).sentence[0]


@pytest.mark.parametrize("values", [{"state": "gone"}, {"state": "removing"}, {"match_kind": "matched"},
                                    {"match_by_hand": True}])  # fmt: skip
def test_only_an_account_that_is_there_and_nobody_decided_about(chat, values):
    chat.leave(1)
    Account.update(**{"former_person": chat.people[1], "match_kind": "unmatched", "person": None} | values).where(
        Account.email == email(2)).execute()  # fmt: skip
    assert doubtful.numbers() == {}


def test_a_removed_account_that_stays_as_a_suspended_one(chat):
    chat.leave(1)
    Account.update(former_person=chat.people[1], match_kind="unmatched", person=None, status="suspended").where(
        Account.email == email(2)).execute()  # fmt: skip
    assert doubtful.numbers()[chat.app.id].accounts == 1
    App.update(removal_suspends=True).execute()
    assert doubtful.numbers() == {}
    Account.update(missing_fields=BIT["status"]).execute()  # it may have been activated again
    assert doubtful.numbers()[chat.app.id].accounts == 1
    App.update(removal_suspends=False, state="disconnected").execute()
    assert doubtful.numbers() == {} and Person.select().where(Person.has_left).count() == 1


def test_a_service_account_whose_responsible_person_has_left(chat):
    decisions.mark_service(account(chat, email(1)), chat.by, person=chat.people[2])
    assert shown(chat) == "Up to date"
    people.mark_left(chat.people[2], chat.by)
    assert doubtful.numbers()[chat.app.id].accounts == 1, "they may still use it"
    leavers_own = account(chat, email(2))
    Account.update(state="gone").where(Account.id == leavers_own.id).execute()
    assert shown(chat) == "Needs matching"
    decisions.mark_service(account(chat, email(1)), chat.by, person=chat.people[3])
    assert shown(chat) == "Up to date"


@pytest.mark.parametrize(("address", "found"), [
    ("p1+test@acme.example", 1), ("P1+a+b@Acme.example", 1), ("p1+test@other.example", 0), ("p3+test@acme.example", 0),
    ("+test@acme.example", 0),
])  # fmt: skip
def test_an_account_with_a_tag_in_a_leavers_address(chat, address, found):
    chat.store.add(address, "Test", "member", via="page")
    chat.check()
    assert account(chat, address).match_kind == "unmatched" and shown(chat) == "Up to date"
    chat.leave(1)
    assert doubtful.numbers().get(chat.app.id, doubtful.Numbers()).accounts == found
    decisions.unmatch(account(chat, address), chat.by)
    assert doubtful.numbers() == {}
