"""What was decided about an account while its app was connected before holds again once it is reconnected."""

from __future__ import annotations

from datetime import datetime

import pytest

from sync.apps import apps
from sync.db import writing
from sync.matching import doubtful, members
from sync.models import Account, App, Person, PersonEmail
from sync.safety import protection
from sync.states import Protection

DAY = datetime(2026, 11, 1)
NOTHING = {"protection_reason": None, "left_out_reason": None, "match_by_hand": False, "moved_email_key": None}
NOW = {"protection_reason": "now", "left_out_reason": "now", "left_out_by": "Bo", "left_out_at": DAY,
       "match_note": "now",
       "email_when_matched": "now@x.example", "moved_email_key": "now", "match_by_hand": True}  # fmt: skip


def app(name: str) -> App:
    return App.create(connector="listed", name=name, category="Test", state="active")


def pair(before: dict, now: dict, id: str = "1") -> tuple[App, App, Account]:
    """The app of now and the one before, and the account of now."""
    one, other = app(f"Now {id}"), app(f"Before {id}")
    Account.create(app=other, external_id="1", **before)
    return one, other, Account.create(app=one, external_id="1", **now)


def inherited(one: App, other: App, account: Account) -> Account:
    with writing():
        members.inherit(one, other)
    return Account.get_by_id(account.id)


@pytest.mark.parametrize("decided", [
    {"protection_reason": "a pilot"}, {"left_out_reason": "stays", "left_out_by": "Ana", "left_out_at": DAY},
    {"match_by_hand": True, "match_note": "of Bright"}, {"moved_email_key": "old@x.example"},
])  # fmt: skip
def test_each_decision_alone_is_reason_enough_and_then_all_is_as_it_was(home, decided):
    account = inherited(*pair(NOTHING | decided, {"protection_reason": "now", "match_kind": "guest"}))
    expected = dict.fromkeys(NOW) | {"match_by_hand": False, "match_note": None} | decided
    assert {name: getattr(account, name) for name in expected} == expected


def test_the_person_of_a_removal_that_was_left_out_is_inherited(home):
    bo = Person.create(name="Bo")
    left_out = {"left_out_reason": "stays", "left_out_at": DAY, "left_out_person": bo}
    assert inherited(*pair(NOTHING | left_out, {})).left_out_person == bo


def test_a_match_by_hand_that_was_of_another_e_mail_holds_and_the_account_is_protected(home):
    """The id was matched to them with an address, so the decision stays. Nobody removes the account until it is matched
    again."""
    bo = Person.create(name="Bo")
    known = {"match_by_hand": True, "match_kind": "matched", "person": bo, "state": "gone", "email_key": "a@x.example"}
    account = inherited(*pair(known | {"email_when_matched": "a@x.example"}, {"email_key": "b@x.example"}))
    assert (account.match_by_hand, account.person, account.match_kind) == (True, bo, "matched")
    assert protection.of(account).code == Protection.OTHER_EMAIL


def test_without_a_decision_everything_stays(home):
    account = inherited(*pair(NOTHING, NOW | {"match_kind": "guest"}))
    assert {name: getattr(account, name) for name in NOW} == NOW


@pytest.mark.parametrize(("by_hand", "kind", "names"), [(True, "matched", True), (False, "guest", False)])
def test_a_match_by_hand_holds_and_one_by_the_rules_is_made_again(home, by_hand, kind, names):
    ana = Person.create(name="Ana")
    before = NOTHING | {"protection_reason": "a pilot", "match_by_hand": by_hand, "match_kind": "matched",
                        "person": ana}
    account = inherited(*pair(before, {"match_kind": "guest"}))
    assert (account.match_kind, account.person_id, account.match_by_hand) == (kind, ana.id if names else None, by_hand)


@pytest.mark.parametrize(("state", "email", "stays"), [
    ("present", "", True), ("gone", "", False), ("gone", "bo@x.example", False), ("gone", "ana@x.example", True)])
def test_an_id_that_may_have_been_given_out_again_is_nobodys(home, state, email, stays):
    ana = Person.create(name="Ana")
    PersonEmail.create(person=ana, email="ana@x.example", email_key="ana@x.example")
    before = NOTHING | {"match_by_hand": True, "match_kind": "matched", "person": ana, "state": state}
    account = inherited(*pair(before, {"email_key": email}))
    expected = ("matched", ana.id, None) if stays else ("unmatched", None, ana.id)
    assert (account.match_kind, account.person_id, account.former_person_id) == expected


@pytest.mark.parametrize(("kind", "was", "now", "stays"), [
    ("guest", "g@x.example", {"email_key": "g@x.example"}, True), ("guest", "", {"email_key": ""}, False),
    ("guest", "g@x.example", {"email_key": "h@x.example"}, False), ("unmatched", "", {"email_key": ""}, True),
    ("service account", "", {"email_key": "", "kind": "system"}, True)])
def test_a_mark_by_hand_ends_with_an_id_that_may_have_been_given_out_again(home, kind, was, now, stays):
    before = NOTHING | {"match_by_hand": True, "match_kind": kind, "email_key": was, "state": "gone"}
    account = inherited(*pair(before, {"match_kind": "unmatched"} | now))
    assert (account.match_by_hand, account.match_kind) == ((True, kind) if stays else (False, "unmatched"))


@pytest.mark.parametrize("before", [
    {"match_kind": "matched", "person": "Ana"}, {"match_kind": "unmatched", "former_person": "Ana"},
    {"match_kind": "matched", "person": "Ana", "email_key": "new@x.example", "user_name": "ana"}])
def test_a_reconnection_keeps_the_former_person_of_an_account_with_another_email(home, before):
    ana = Person.create(name="Ana", status="deprovisioned")
    PersonEmail.create(person=ana, email="ana@x.example", email_key="ana@x.example")
    before = {name: ana if value == "Ana" else value for name, value in before.items()}
    one, other, account = pair(NOTHING | before, {"email_key": "new@x.example"})
    same = Account.create(app=one, external_id="2", email_key="ana@x.example")
    Account.create(app=other, external_id="2", email_key="ana@x.example", person=ana, match_kind="matched")
    assert inherited(one, other, account).former_person == ana
    assert doubtful.numbers()[one.id].accounts == 1
    assert Account.get_by_id(same.id).former_person is None, "the rules match it again"


@pytest.mark.parametrize(("former", "address", "is_bos"), [
    ("Ana", "ana@x.example", False), ("Bo", "ana@x.example", True), ("Ana", "bo@x.example", True)])
def test_an_address_that_moved_while_the_app_was_disconnected_proves_nothing(home, former, address, is_bos):
    ana, bo = Person.create(name="Ana", status="deprovisioned"), Person.create(name="Bo")
    before = NOTHING | {"moved_email_key": "ana@x.example", "former_person": ana if former == "Ana" else bo}
    account = inherited(*pair(before, {"email_key": address, "match_kind": "matched", "person": bo}))
    assert (account.match_kind, account.person) == (("matched", bo) if is_bos else ("unmatched", None))
    assert (account.app_id in doubtful.numbers()) != is_bos


def test_only_the_same_account_of_these_two_apps_inherits(home):
    one, other, _ = pair(NOTHING | {"protection_reason": "a pilot"}, {})
    another = Account.create(app=one, external_id="2")
    elsewhere, third = app("Elsewhere"), app("Third")
    same_id = Account.create(app=elsewhere, external_id="1")
    Account.create(app=third, external_id="2", protection_reason="another pilot")
    with writing():
        members.inherit(one, other)
    assert [Account.get_by_id(row.id).protection_reason for row in (another, same_id)] == [None, None]


def test_a_connection_that_never_read_the_app_leaves_nothing_to_inherit(home):
    now, *before = [App.create(connector="sample-chat", name=name, category="Test", state=state, last_check_at=read)
                    for name, state, read in (("Now", "active", None), ("Read", "disconnected", DAY),
                                              ("Never read", "disconnected", None))]  # fmt: skip
    assert apps.predecessor(now) == before[0]
