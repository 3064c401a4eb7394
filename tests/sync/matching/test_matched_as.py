"""An account matched by hand whose e-mail has changed: the app may have given its id to someone else."""

from __future__ import annotations

import pytest

from sync.matching import decisions as match_decisions
from sync.matching.decisions import Decision
from sync.models import Account, Change, Invitation, MatchDecision, Person, Task
from sync.people import people
from sync.reports import reports
from sync.safety import protection
from sync.tasks import disconnecting, tasks

OTHERS = "somebody@elsewhere.example"


@pytest.fixture
def pia(listed) -> Person:
    """A person who isn't known by the address of her account."""
    listed.add("1", email="p@private.example", name="P")
    listed.add("2", email="two@private.example", name="Two")
    listed.check()
    return people.add("Pia", "pia@acme.example", listed.by)


def matched(listed, person: Person, id: str = "1") -> match_decisions.Made:
    return match_decisions.match(listed.account(id), person, listed.by)


def removal(listed, person: Person, id: str = "1") -> Change:
    """The next check's decision about the account once its person has left; the one-account rule decides the same."""
    if person.status != "deprovisioned":
        people.mark_left(person, listed.by)
    report = listed.check().report
    [change] = Change.select().where(Change.report == report, Change.account == listed.account(id),
                                     Change.kind == "removed user")  # fmt: skip
    why = protection.of(listed.account(id))
    assert (why and why.words) == change.protection_reason
    assert (listed.account(id).match_kind, listed.account(id).person_id) == ("matched", person.id), "the match stays"
    return change


def test_an_account_with_another_e_mail_than_when_it_was_matched_stays(listed, pia):
    matched(listed, pia)
    listed.say("1", email=OTHERS, name="Somebody")
    change = removal(listed, pia)
    assert (change.decision, change.protection_reason) == ("ignored", protection.OTHER_EMAIL)
    assert "has changed since it was matched by hand: match it again" in protection.OTHER_EMAIL
    reports.finish(change.report, listed.by)
    assert Task.select().count() == 0 and listed.account("1").state == "present"


def test_so_does_one_that_shows_no_e_mail_any_longer(listed, pia):
    matched(listed, pia)
    listed.say("1", email="")
    assert removal(listed, pia).protection_reason == protection.OTHER_EMAIL


def test_one_that_is_matched_again_is_asked_about(listed, pia):
    matched(listed, pia)
    listed.say("1", email=OTHERS)
    assert removal(listed, pia).protection_reason == protection.OTHER_EMAIL
    assert matched(listed, pia).count == 1
    change = removal(listed, pia)
    assert (change.decision, change.protection_reason) == ("needs confirmation", None)
    assert matched(listed, pia).count == 0, "decided twice, it is decided"


def test_so_is_one_that_was_moved_to_unmatched_and_back(listed, pia):
    matched(listed, pia)
    listed.say("1", email=OTHERS)
    listed.check()
    match_decisions.unmatch(listed.account("1"), listed.by)
    assert listed.account("1").email_when_matched is None
    matched(listed, pia)
    assert removal(listed, pia).protection_reason is None


@pytest.mark.parametrize("email", ["p@private.example", "  P@Private.Example "])
def test_one_with_the_same_e_mail_goes(listed, pia, email):
    matched(listed, pia)
    listed.say("1", email=email, name="Another name")
    change = removal(listed, pia)
    assert (change.decision, change.protection_reason) == ("needs confirmation", None)


def test_one_that_reported_no_e_mail_when_it_was_matched_goes(listed, pia):
    listed.say("1", email="")
    listed.check()
    matched(listed, pia)
    listed.say("1", email=OTHERS)
    assert removal(listed, pia).protection_reason is None


def test_one_that_was_matched_before_this_was_kept_goes(listed, pia):
    matched(listed, pia)
    Account.update(email_when_matched=None).execute()
    MatchDecision.update(email_when_matched=None).execute()
    listed.say("1", email=OTHERS)
    assert removal(listed, pia).protection_reason is None


def test_one_whose_new_e_mail_is_the_persons_own_goes(listed, pia):
    matched(listed, pia)
    listed.say("1", email="PIA@acme.example")
    assert removal(listed, pia).protection_reason is None
    listed.say("1", email=OTHERS)
    assert removal(listed, pia).protection_reason == protection.OTHER_EMAIL


def test_the_reason_names_the_person_who_has_the_e_mail(listed, pia):
    people.add("Bo", "bo@acme.example", listed.by)
    matched(listed, pia)
    listed.say("1", email="bo@acme.example")
    assert removal(listed, pia).protection_reason == "Protected: its e-mail is that of Bo"


def test_undone_it_is_as_it_was_before(listed, pia):
    matched(listed, pia)
    listed.say("1", email=OTHERS)
    listed.check()
    again = matched(listed, pia)
    assert listed.account("1").email_when_matched == OTHERS
    assert match_decisions.undo(listed.app, again.batch, listed.by) == 1
    assert listed.account("1").email_when_matched == "p@private.example"
    assert removal(listed, pia).protection_reason == protection.OTHER_EMAIL


def test_undone_to_the_rules_it_says_nothing(listed, pia):
    made = matched(listed, pia)
    match_decisions.undo(listed.app, made.batch, listed.by)
    assert listed.account("1").email_when_matched is None and listed.account("1").match_kind == "unmatched"


@pytest.mark.parametrize("kind", ["guest", "service account", "nobody", "rules"])
def test_only_a_match_is_held_to_its_e_mail(listed, pia, kind):
    matched(listed, pia)
    match_decisions.decide(listed.app, [listed.account("1").id], Decision(kind), listed.by)
    listed.say("1", email=OTHERS)
    listed.check()
    assert listed.account("1").email_when_matched is None and protection.of(listed.account("1")) is None


def test_it_holds_when_the_app_is_connected_again(listed, pia):
    matched(listed, pia)
    disconnecting.disconnect(listed.app, listed.by)
    listed.say("1", email=OTHERS)
    listed.connect()
    listed.check()
    assert removal(listed, pia).protection_reason == protection.OTHER_EMAIL


def test_an_approval_from_before_is_looked_at_again(listed, pia):
    matched(listed, pia)
    report = removal(listed, pia).report
    [task] = reports.finish(report, listed.by).tasks
    listed.say("1", email=OTHERS)
    Account.update(email=OTHERS, email_key=OTHERS).where(Account.external_id == "1").execute()
    Task.update(email_key=OTHERS).execute()
    tasks.run(task.id)
    assert (Task.get().state, Task.get().error) == ("no longer needed", f"{protection.OTHER_EMAIL}.")


def test_an_invitation_that_was_joined_is_held_to_the_address_of_its_account(listed, pia):
    seat = listed.account("1")
    Invitation.create(
        app=listed.app, email=seat.email, email_key=seat.email_key, person=pia, account=seat, state="invited"
    )
    listed.check()
    assert Invitation.get().state == "onboarded"
    assert (listed.account("1").person_id, listed.account("1").email_when_matched) == (pia.id, "p@private.example")
    listed.say("1", email=OTHERS)
    assert removal(listed, pia).protection_reason == protection.OTHER_EMAIL
