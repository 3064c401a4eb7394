"""Decisions by hand once the settings lead to another place: an id may be another person's there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.apps.google_ads import GoogleAds
from connectors.base import Field
from sync.apps import apps, spaces
from sync.db import utcnow
from sync.matching import decisions, doubtful, members
from sync.models import AcceptedLeaver, Account, Activity, App, Change, MatchDecision, Person, Task
from sync.tasks import perform
from sync.workspace import today
from tests.sync.listed import Listed, make_known

HERE = {"place": "here", "key": "1", "version": ""}
ID = {"email": "x@bright.example", "name": "X"}


@pytest.fixture
def moving(monkeypatch, olga: Person, by: str) -> Listed:
    make_known(monkeypatch)
    listed = Listed(olga, by)
    listed.connect("listed-places", **HERE)
    listed.add("owner", email="olga@acme.example", name="Olga Brandt")
    return listed


def lead_to(listed: Listed, **values: str) -> None:
    apps.replace_credential(App.get_by_id(listed.app.id), HERE | values, listed.by)


def decide(listed: Listed, what: str, person: Person) -> None:
    account = listed.account("7")
    if what == "match":
        decisions.match(account, person, listed.by)
    elif what == "guest":
        decisions.mark_guest(account, listed.by, "Bright")
    elif what == "service":
        decisions.mark_service(account, listed.by, person)
    elif what == "protect":
        members.protect(account, "a pilot", listed.by)
    elif what == "left out":
        Account.update(left_out_reason="stays", left_out_by="Ana", left_out_at=utcnow(),
                       left_out_person=person).where(Account.id == account.id).execute()  # fmt: skip
    else:
        AcceptedLeaver.create(account=account, person=person, protection="by hand", reason="until May",
                              until=today() + timedelta(days=9), accepted_by="Ana")  # fmt: skip


def holds(listed: Listed) -> bool:
    now = listed.account("7")
    decided = now.match_by_hand or now.protection_reason or now.left_out_reason or now.match_note or now.left_out_person
    return bool(decided) or AcceptedLeaver.select().where(AcceptedLeaver.ended_at.is_null()).exists()


@pytest.mark.parametrize("what", ["match", "guest", "service", "protect", "left out", "accepted"])
def test_a_decision_ends_where_the_id_may_be_anothers_and_can_not_be_undone(moving, what):
    ana = Person.create(name="Ana", status="deprovisioned")
    moving.add("7", email="", name="Seven")
    moving.check()
    decide(moving, what, ana if what != "service" else moving.olga)
    moving.check()
    assert holds(moving), "it outlives a check of the same place"
    lead_to(moving, place="there")
    assert holds(moving), "nothing ends before a reading"
    check = moving.check()
    assert not holds(moving) and "decide again about 1 account" in check.warning
    assert Activity.select().where(Activity.what == "ended decisions by hand").count() == 1
    assert not decisions.undoable(moving.app)
    account = moving.account("7")
    assert (account.match_kind, account.person, account.email_when_matched) == ("unmatched", None, None)
    if what == "match":
        assert account.former_person == ana and doubtful.numbers()[moving.app.id].accounts == 1
    decide(moving, what, ana if what != "service" else moving.olga)
    assert moving.check().warning is None and holds(moving), "it holds for the new place"


@pytest.mark.parametrize(("before", "after", "same"), [
    (ID, ID, True), (ID, ID | {"name": "Y"}, True), (ID, ID | {"email": "y@bright.example"}, False),
    (ID, {"name": "X"}, False), ({"name": "X"}, ID, False), ({"name": "X"}, {"name": "X"}, False),
    (ID, ID | {"email": "", "missing_fields": frozenset(("email",))}, False),
    ({"user_name": "x"}, {"user_name": "x"}, True), ({"user_name": "x"}, {"user_name": "x", "name": "Y"}, True),
    ({"user_name": "x"}, {"user_name": "y"}, False), ({"user_name": ""}, {"user_name": "", "name": "Y"}, False),
    ({"employee_number": "1"}, {"employee_number": "1", "name": "Y"}, True),
    ({"employee_number": "1"}, {"employee_number": "1"}, True),
    ({"employee_number": "1"}, {"employee_number": "2"}, False), (ID | {"user_name": "x"}, {"user_name": "x"}, False),
    (ID, None, False)])  # fmt: skip
def test_it_holds_for_an_account_that_is_proven_to_be_the_same(moving, before, after, same):
    moving.add("7", **before)
    moving.add("8", email="eight@bright.example")
    moving.check()
    decide(moving, "protect", moving.olga)
    decisions.mark_guest(moving.account("8"), moving.by, "Bright")
    lead_to(moving, place="there")
    moving.seats.pop("7")
    if after is not None:
        moving.add("7", **after)
    check = moving.check()
    assert holds(moving) == same and (check.warning is None or "place" not in check.warning) == same
    assert moving.account("8").match_by_hand, "each account alone"


@pytest.mark.parametrize("values", [{"key": "2"}, {"version": "2"}])
def test_another_credential_or_option_leads_to_the_same_place(moving, values):
    moving.add("7", name="Seven")
    moving.check()
    decide(moving, "protect", moving.olga)
    lead_to(moving, **values)
    moving.check()
    assert holds(moving)


def test_another_admin_of_the_same_ads_account_leads_to_the_same_place():
    one, other = ({"customer_id": "123-456-7890", "admin": f"{name}@acme.example"} for name in ("ana", "bo"))
    assert spaces.space(GoogleAds, one) == spaces.space(GoogleAds, other)


OPTION = {"required": False, "asks_secrets_again": False}


@pytest.mark.parametrize(("values", "leads"), [
    ({}, True), ({"secret": True}, False), ({"choices": (("a", "A"),)}, False), ({"mapping": True}, False),
    (OPTION, False), (OPTION | {"required": True}, True), ({"path": True, "required": False}, False),
    ({"path": True}, True), ({"required": False}, True), ({"of_credential": True}, False)])  # fmt: skip
def test_a_field_leads_to_a_place_unless_it_is_of_the_credential_or_an_option(values, leads):
    kind = type("Kind", (), {"fields": (Field("one", "One", **values),)})
    assert spaces.space(kind, {"one": "x"}) == ({"one": "x"} if leads else {})
    assert spaces.last_read(App(settings={"one": "x"}), kind) is None, "it was never read"


def test_nothing_ends_if_the_settings_lead_back_before_a_reading(moving):
    moving.add("7", name="Seven")
    moving.check()
    decide(moving, "protect", moving.olga)
    lead_to(moving, place="there")
    lead_to(moving)
    moving.check()
    assert holds(moving)


def test_an_app_that_an_earlier_version_read_is_known_to_move(moving):
    moving.add("7", name="Seven")
    moving.check()
    decide(moving, "protect", moving.olga)
    App.update(read_in=None).execute()
    moving.check()
    assert holds(moving)
    App.update(read_in=None).execute()
    lead_to(moving, place="there")
    moving.check()
    assert not holds(moving)


def test_the_rules_match_the_account_of_the_new_place(moving):
    ana, bo = Person.create(name="Ana"), Person.create(name="Bo", employee_number="1")
    moving.add("7", name="Seven")
    moving.check()
    decisions.match(moving.account("7"), ana, moving.by)
    lead_to(moving, place="there")
    moving.seats.pop("7")
    moving.add("7", employee_number="1", email="seven@acme.example")
    moving.check()
    assert moving.account("7").person == bo


def test_nothing_ends_in_another_app_or_a_second_time(moving):
    moving.add("7", name="Seven")
    moving.check()
    other, before = App.create(connector="listed-places", name="Other", category="Test"), utcnow() - timedelta(days=9)
    theirs = Account.create(app=other, external_id="7", protection_reason="a pilot")
    for account, ended in ((moving.account("7"), before), (theirs, None)):
        AcceptedLeaver.create(account=account, person=moving.olga, protection="by hand", reason="until May",
                              until=today(), accepted_by="Ana", ended_at=ended)  # fmt: skip
        MatchDecision.create(account=account, batch="b", match_kind="unmatched", match_by_hand=False, made_by="Ana",
                             made_at=before, undone_at=ended)  # fmt: skip
    lead_to(moving, place="there")
    assert moving.check().warning is None and Account.get_by_id(theirs.id).protection_reason == "a pilot"
    assert [row.ended_at for row in AcceptedLeaver.select().order_by(AcceptedLeaver.id)] == [before, None]
    assert [row.undone_at for row in MatchDecision.select().order_by(MatchDecision.id)] == [before, None]


def test_no_task_is_done_between_the_move_and_the_first_reading(moving):
    moving.add("7", name="Seven")
    moving.check()
    task = Task.create(app=moving.app, kind="change role", account=moving.account("7"), external_id="7",
                       detail={"role": "member"}, asked_by="Olga", state="done")  # fmt: skip
    perform.refuse_if_over(Task.get_by_id(task.id))
    other = App.create(connector="listed-places", name="Other", category="Test")
    Task.create(app=other, kind="change role", state="queued")  # doesn't keep this app's settings as they are
    lead_to(moving, place="there")
    with pytest.raises(perform.NoLongerNeeded, match="^The settings of The list lead to another place since its last"):
        perform.refuse_if_over(Task.get_by_id(task.id))
    moving.check()
    perform.refuse_if_over(Task.get_by_id(task.id))


def test_an_app_that_moved_before_it_was_disconnected_leaves_its_decisions_where_they_were_made(moving):
    moving.check()
    lead_to(moving, place="there")
    App.update(state="disconnected").execute()
    here, there = (App.create(connector="listed-places", name=place, category="Test", settings=HERE | {"place": place})
                   for place in ("here", "there"))  # fmt: skip
    assert apps.predecessor(here) == moving.app and apps.predecessor(there) is None


def test_an_address_that_the_app_no_longer_reports_proves_nothing(moving):
    moving.add("7", **ID)
    moving.add("8", email="eight@bright.example")
    moving.check()
    moving.say("7", email="", missing_fields=frozenset(("email",)))
    moving.check()
    decide(moving, "protect", moving.olga)
    lead_to(moving, place="there")
    moving.check()
    assert not holds(moving)


@pytest.mark.parametrize("known", [{"employee_number": "1"}, {"employee_number": "1", "email": "ana@acme.example"}])
def test_a_value_that_the_app_leaves_out_is_not_that_of_the_other_place(moving, known):
    Person.create(name="Ana", employee_number="1", status="deprovisioned")
    moving.add("7", **known)
    moving.add("8", employee_number="8")
    moving.check()
    assert moving.account("7").person.name == "Ana"
    lead_to(moving, place="there")
    moving.say("7", email="", employee_number="", missing_fields=frozenset(("email", "employee_number")))
    moving.check()
    assert moving.account("7").person is None


def test_many_accounts_of_another_place_are_not_held_as_those_of_the_former_one(moving):
    Person.create(name="Ana", employee_number="1", status="deprovisioned")
    for number in range(10):
        moving.add(str(number), employee_number=str(number))
    moving.check()
    lead_to(moving, place="there")
    for number in range(10):
        moving.add(str(number), employee_number=str(number + 50))
    moving.check()
    account = moving.account("1")
    assert (account.person, account.employee_number, account.held_values) == (None, "51", None)
    assert not Change.select().where(Change.decision == "needs confirmation").exists(), "nobody is to be removed"
