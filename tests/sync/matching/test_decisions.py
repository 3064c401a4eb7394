"""What people decide about accounts: one by one and at once, recorded, undone, and never undone by anything else."""

from __future__ import annotations

import pytest

from sync import activity
from sync.apps import member_list
from sync.apps.member_list import Members
from sync.matching import decisions as match_decisions
from sync.matching import rules as match_rules
from sync.matching.decisions import Decision, DecisionProblem, DecisionStale
from sync.models import Account, Activity, App, Mail, MatchDecision
from sync.people import people
from sync.tasks import disconnecting
from tests.sync.fixtures import email


def account(number: int) -> Account:
    """In the first app."""
    return Account.select().where(Account.email == email(number)).order_by(Account.app).get()


def ids(*numbers: int) -> list[int]:
    return [account(number).id for number in numbers]


def state(number: int) -> tuple:
    row = account(number)
    return row.match_kind, row.person_id, row.match_by_hand, row.match_note


def test_many_at_once_are_one_batch_and_an_entry_each(chat):
    before = Activity.select().count()
    note = "  Bright Agency:\n runs our ads "
    made = match_decisions.decide(chat.app, ids(1, 2, 3), Decision("local partner", note=note), chat.by)
    assert made.count == 3 and MatchDecision.select().where(MatchDecision.batch == made.batch).count() == 3
    assert state(1) == state(2) == state(3) == ("local partner", None, True, "Bright Agency: runs our ads")
    state_of = activity.entries(app=chat.app, limit=Activity.select().count() - before)
    assert [(entry.what, entry.about, entry.before, entry.after) for entry in reversed(state_of)] == [
        ("marked as local partner", f"Person {number}", f"matched to Person {number}",
         "local partner: Bright Agency: runs our ads") for number in (1, 2, 3)]  # fmt: skip
    assert App.get().guests == 3, "local partners are on the tab Guests, and counted there"
    assert len(member_list.search(App.get(), Members("bright agency", "guests")).rows) == 3
    assert activity.verify().ok


def test_a_decision_already_made_is_not_made_again(chat):
    first = match_decisions.decide(chat.app, ids(1), Decision("guest"), chat.by)
    entries = Activity.select().count()
    again = match_decisions.decide(chat.app, ids(1), Decision("guest"), chat.by)
    assert (again.batch, again.count, Activity.select().count()) == ("", 0, entries)
    both = match_decisions.decide(chat.app, ids(1, 2), Decision("guest"), chat.by)
    assert both.count == 1
    assert match_decisions.undo(chat.app, first.batch, chat.by) == 1
    assert state(1)[0] == "matched" and state(2)[0] == "guest"


def test_undo_brings_back_what_was_until_something_newer(chat):
    one = match_decisions.decide(chat.app, ids(1, 2, 3), Decision("service account", chat.people[0]), chat.by)
    two = match_decisions.mark_guest(account(2), chat.by, "from Studio")
    assert [batch.batch for batch in match_decisions.undoable(App.get(), 5)] == [two.batch, one.batch]
    assert match_decisions.undo(chat.app, one.batch, chat.by) == 2, "the second has something newer"
    assert [state(number)[0] for number in (1, 2, 3)] == ["matched", "guest", "matched"]
    with pytest.raises(DecisionProblem, match="already undone, or a newer"):
        match_decisions.undo(chat.app, one.batch, chat.by)
    assert match_decisions.undo(chat.app, two.batch, chat.by) == 1
    assert state(2) == ("service account", chat.people[0].id, True, None)
    assert match_decisions.undo(chat.app, one.batch, chat.by) == 1, "now nothing newer stands"
    assert state(2) == ("matched", chat.people[2].id, False, None)
    assert match_decisions.undoable(App.get(), 5) == []
    assert activity.entries(app=chat.app, search="undid a decision")[0].after == "matched to Person 2"


def test_undo_goes_back_to_the_rules_as_they_are_now(chat):
    made = match_decisions.mark_guest(account(1), chat.by)
    people.edit(chat.people[1], chat.by, emails=["new@acme.example"])
    people.edit(chat.people[2], chat.by, emails=[email(2), email(1)])
    match_decisions.undo(chat.app, made.batch, chat.by)
    assert state(1) == ("matched", chat.people[2].id, False, None)


def test_an_undo_reaches_no_other_app_and_no_strange_batch(chat, second):
    made = match_decisions.mark_guest(Account.get(Account.app == chat.app, Account.email == email(1)), chat.by)
    for app, batch in ((second.app, made.batch), (chat.app, "no such"), (chat.app, "")):
        with pytest.raises(DecisionProblem):
            match_decisions.undo(app, batch, chat.by)
    assert match_decisions.decide(second.app, ids(1), Decision("guest"), chat.by).count == 0


def test_an_onboarded_account_is_re_assigned_in_two_steps(chat):
    with pytest.raises(DecisionProblem, match="is matched to Person 1. Nothing was changed: re-assign it first"):
        match_decisions.match(account(1), chat.people[2], chat.by)
    match_decisions.unmatch(account(1), chat.by)
    chat.check()
    assert state(1) == ("unmatched", None, True, None), "its e-mail doesn't match it again"
    match_decisions.match(account(1), chat.people[2], chat.by)
    chat.check()
    assert state(1) == ("matched", chat.people[2].id, True, None)


def test_saying_by_hand_what_a_rule_says_makes_it_a_decision(chat):
    assert match_decisions.match(account(1), chat.people[1], chat.by).count == 1
    people.edit(chat.people[1], chat.by, emails=["elsewhere@acme.example"])
    assert state(1) == ("matched", chat.people[1].id, True, None)


def test_a_stale_look_decides_nothing(chat):
    looked_at = match_decisions.fingerprint(match_decisions.chosen(chat.app, ids(1, 2)))
    match_decisions.mark_guest(account(1), chat.by)
    with pytest.raises(DecisionStale):
        match_decisions.decide(chat.app, ids(1, 2), Decision("nobody"), chat.by, seen=looked_at)
    assert state(2)[0] == "matched"
    seen = match_decisions.fingerprint(match_decisions.chosen(chat.app, ids(1, 2)))
    made = match_decisions.decide(chat.app, ids(1, 2), Decision("nobody"), chat.by, seen=seen)
    again = match_decisions.decide(chat.app, ids(1, 2), Decision("nobody"), chat.by, seen=seen)
    assert (made.count, again.count) == (2, 0), "pressed twice, it is done once and no complaint"


@pytest.mark.parametrize("note", ["", "  "])
def test_a_local_partner_is_of_a_company(chat, note):
    with pytest.raises(DecisionProblem, match="the company"):
        match_decisions.mark_local_partner(account(1), chat.by, note)
    assert state(1)[0] == "matched"


@pytest.mark.parametrize("kind", ["", "emperor", "matched"])
def test_nonsense_is_refused(chat, kind):
    with pytest.raises(DecisionProblem):
        match_decisions.decide(chat.app, ids(1), Decision(kind), chat.by)
    with pytest.raises(DecisionProblem):
        match_decisions.decide(chat.app, ids(1), Decision("person"), chat.by)
    assert state(1)[0] == "matched"


def test_service_accounts_whose_responsible_person_has_left_are_found(chat):
    match_decisions.mark_service(account(1), chat.by, person=chat.people[0])
    match_decisions.mark_service(account(2), chat.by)
    assert match_decisions.unanswered(chat.app) == []
    chat.leave(0)
    assert [row.id for row in match_decisions.unanswered(chat.app)] == ids(1)
    for without in ({"state": "gone"}, {"state": "removing"}, {"match_kind": "matched"}):
        Account.update(without).where(Account.id == ids(1)[0]).execute()
        assert match_decisions.unanswered(chat.app) == []
        Account.update(state="present", match_kind="service account").where(Account.id == ids(1)[0]).execute()
    with pytest.raises(DecisionProblem, match="Person 0 has left"):
        match_decisions.mark_service(account(2), chat.by, person=people.find_by_email(email(0)))
    assert account(2).person is None, "it answers for itself, as before"
    chat.leave(3)
    chat.check()
    assert "The service account Person 1 has no one responsible: Person 0 has left." in Mail.get().text
    people.mark_returned(chat.people[0], chat.by)
    assert match_decisions.unanswered(chat.app) == []


def test_decisions_hold_when_the_app_is_connected_again(listed):
    for id in ("guest", "partner", "nobody", "service", "person"):
        listed.add(id, email=f"{id}@acme.example", name=id.title())
    listed.check()
    pia = people.add("Pia", "pia@acme.example", listed.by)
    match_decisions.mark_guest(listed.account("guest"), listed.by, "from Studio")
    match_decisions.mark_local_partner(listed.account("partner"), listed.by, "Acme Portugal")
    match_decisions.unmatch(listed.account("owner"), listed.by)
    match_decisions.mark_service(listed.account("service"), listed.by, pia)
    match_decisions.match(listed.account("person"), pia, listed.by)
    before = {id: state_of(listed, id) for id in listed.seats}
    disconnecting.disconnect(listed.app, listed.by)
    listed.connect()
    listed.check()
    assert {id: state_of(listed, id) for id in listed.seats} == before
    assert state_of(listed, "partner") == ("local partner", None, True, "Acme Portugal")


def state_of(listed, id: str) -> tuple:
    row = listed.account(id)
    return row.match_kind, row.person_id, row.match_by_hand, row.match_note


def test_a_thousand_are_decided_about_in_one_go_and_back(listed):
    for number in range(1200):
        listed.add(f"m{number}", email=f"m{number}@elsewhere.example", name=f"Member-{number:04}")
    listed.check()
    found = [row.id for row in member_list.found(App.get_by_id(listed.app.id), Members("member-0", "unmatched"))]
    made = match_decisions.decide(listed.app, found, Decision("guest"), listed.by)
    app = App.get_by_id(listed.app.id)
    assert (made.count, app.guests, app.unmatched) == (1000, 1000, 200)
    [batch] = match_decisions.undoable(app)
    assert (batch.count, batch.made_by) == (1000, listed.by.name)
    assert match_decisions.undo(app, made.batch, listed.by) == 1000
    assert App.get_by_id(app.id).unmatched == 1200
    assert match_rules.why(app, [listed.account("m1")]) == {listed.account("m1").id: ""}
